"""What one variant would have done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from engine.replay import Replay
from engine.replay.summary import fired
from engine.tune.scoring import Score, Truth, score


@dataclass(frozen=True, slots=True)
class Trial:
    """A variant (``values``; none: the rule as it is) in figures. ``score`` is None where nothing is known."""

    values: tuple[str, ...]
    alerts: int
    notifications: int
    per_day: float
    score: Score | None

    @property
    def name(self) -> str:
        return ", ".join(self.values)


def tried(values: tuple[str, ...], rule: str, replay: Replay, span: timedelta, truth: Truth | None) -> Trial:
    """The figures of ``rule`` in a replay of a time as long as ``span``."""
    episodes = [episode for episode in fired(replay) if episode.rule == rule]
    told = sum(any(moved.alert.identity.rule == rule for moved in sent.transitions) for sent in replay.sent)
    days = max(1.0, span / timedelta(days=1))
    return Trial(values, len(episodes), told, told / days, score(truth, episodes) if truth else None)
