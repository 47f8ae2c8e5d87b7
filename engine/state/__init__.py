"""The state of alerts, kept in SQLite (a file, in WAL mode, fully synchronous) or PostgreSQL."""

from engine.state.store import State
from engine.state.turns import only_daemon, turn
from engine.state.values import Evaluation, Event, RuleHealth

__all__ = ["Evaluation", "Event", "RuleHealth", "State", "only_daemon", "turn"]
