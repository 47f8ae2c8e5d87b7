"""Silences: what somebody asked not to be told for a while. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.routing.matchers import Matcher


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts that all ``matchers`` match are not told from ``starts_at`` until before ``ends_at``. ``number`` is its name."""

    matchers: tuple[Matcher, ...]
    author: str
    comment: str
    created_at: datetime
    starts_at: datetime
    ends_at: datetime
    number: int = 0

    def is_active(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at

    def covers(self, labels: Mapping[str, str]) -> bool:
        return all(matcher.matches(labels) for matcher in self.matchers)


def silenced_until(labels: Mapping[str, str], silences: Collection[Silence], at: datetime) -> datetime:
    """The first instant from ``at`` on at which no silence covers an alert with these labels."""
    while found := [silence.ends_at for silence in silences if silence.is_active(at) and silence.covers(labels)]:
        at = max(found)
    return at
