"""The state of alerts, kept in SQLite (a file, in WAL mode, fully synchronous) or PostgreSQL."""

from engine.state.labels import Label, add_label, labels, remove_label
from engine.state.ledger import Ledger, Past
from engine.state.past import firing_at
from engine.state.people import Act, Deed, acknowledge, add_silence, deeds, expire_silence, silences, take_back
from engine.state.store import State
from engine.state.turns import only_daemon, turn
from engine.state.values import Basis, Evaluation, Event, RuleHealth
from engine.state.watching import backlogs, daemons, failing_rules, forget_daemon, note_daemon, operations

__all__ = [
    "Act",
    "Basis",
    "Deed",
    "Evaluation",
    "Event",
    "Label",
    "Ledger",
    "Past",
    "RuleHealth",
    "State",
    "acknowledge",
    "add_label",
    "add_silence",
    "backlogs",
    "daemons",
    "deeds",
    "expire_silence",
    "failing_rules",
    "firing_at",
    "forget_daemon",
    "labels",
    "note_daemon",
    "only_daemon",
    "operations",
    "remove_label",
    "silences",
    "take_back",
    "turn",
]
