"""What is different between two replays of the same history, as frozen values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from engine.diff.renames import Renamed
from engine.replay import Episode, Replay, Sent

Thing = TypeVar("Thing", Episode, Sent)


class Side(StrEnum):
    """Where something is: only in the newer version, only in the older one, or in both but different."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Change(StrEnum):
    """What is different about something that both have."""

    EARLIER = "earlier"  # it fires, or is told, earlier
    LATER = "later"
    ENDS_EARLIER = "ends_earlier"
    ENDS_LATER = "ends_later"
    SEVERITY = "severity"
    OWNER = "owner"
    TEXT = "text"  # what is said of it


@dataclass(frozen=True, slots=True)
class Different(Generic[Thing]):
    """``base`` is how it was, ``head`` how it is; None where it is not there. ``rules`` are the names that are in force now."""

    base: Thing | None
    head: Thing | None
    rules: tuple[str, ...]
    changes: tuple[Change, ...] = ()

    @property
    def side(self) -> Side:
        if self.base is None:
            return Side.ADDED
        return Side.REMOVED if self.head is None else Side.CHANGED

    @property
    def at(self) -> datetime:
        """When it fires or is told; of what is gone, when it did."""
        thing = self.thing
        return thing.at if isinstance(thing, Sent) else thing.fired or thing.started

    @property
    def thing(self) -> Thing:
        """As it is, or, of what is gone, as it was."""
        found = self.head if self.head is not None else self.base
        assert found is not None  # noqa: S101 - one of both is there
        return found


@dataclass(frozen=True)
class Tally(Generic[Thing]):
    """``counts`` are how many there were and are; ``differences`` those that are not the same, by time."""

    counts: tuple[int, int]
    differences: tuple[Different[Thing], ...]

    def of(self, side: Side) -> int:
        return sum(each.side is side for each in self.differences)


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule in figures: how many alerts and notifications it had and has, and how many of them differ, by side.

    A notification that tells of several rules counts at each of them. ``before`` is its old name, '' where it kept it.
    """

    rule: str
    before: str
    alerts: tuple[int, int]
    notifications: tuple[int, int]
    alert_sides: Counter[Side]
    notification_sides: Counter[Side]

    @property
    def quiet(self) -> bool:
        """Nothing about it is different."""
        return not self.alert_sides and not self.notification_sides and not self.before


@dataclass(frozen=True)
class Difference:
    """Everything. ``names`` are what the older and the newer version are called;
    ``span`` is the time that was looked at. ``added``, ``removed`` and ``edited`` are names of rules;
    ``complete_texts`` is False where so many messages could differ in their text that not all were written and compared."""

    base: Replay
    head: Replay
    names: tuple[str, str]
    span: tuple[datetime, datetime]
    renamed: tuple[Renamed, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    edited: frozenset[str]
    alerts: Tally[Episode]
    notifications: Tally[Sent]
    complete_texts: bool = True

    @property
    def days(self) -> float:
        """Of the history, at least one."""
        return max(1.0, (self.span[1] - self.span[0]) / timedelta(days=1))

    def rows(self) -> tuple[RuleRow, ...]:
        """A row for each rule that told anything or was renamed, the one with most differences first."""
        old = {one.before: one.after for one in self.renamed}
        before = {one.after: one.before for one in self.renamed}
        alerts = [_counted([each.rule] for each in fired(replay)) for replay in (self.base, self.head)]
        sent = [_counted(rules_told(each) for each in replay.sent) for replay in (self.base, self.head)]
        for counts in (alerts[0], sent[0]):
            for name in [name for name in counts if name in old]:
                counts[old[name]] += counts.pop(name)
        names = set().union(*alerts, *sent, before)
        sides = [_sides(self.alerts.differences), _sides(self.notifications.differences)]
        rows = (
            RuleRow(
                name,
                before.get(name, ""),
                (alerts[0][name], alerts[1][name]),
                (sent[0][name], sent[1][name]),
                sides[0].get(name, Counter()),
                sides[1].get(name, Counter()),
            )
            for name in names
        )
        return tuple(sorted(rows, key=lambda row: (-row.alert_sides.total() - row.notification_sides.total(), row.rule)))


def fired(replay: Replay) -> Iterator[Episode]:
    """Those that fired."""
    return (episode for episode in replay.episodes if episode.fired)


def rules_told(sent: Sent) -> tuple[str, ...]:
    return tuple(dict.fromkeys(identity.rule for identity in sent.told))


def _counted(names: Iterable[Iterable[str]]) -> Counter[str]:
    return Counter(name for each in names for name in each)


def _sides(differences: Iterable[Different[Thing]]) -> dict[str, Counter[Side]]:
    found: dict[str, Counter[Side]] = {}
    for each in differences:
        for rule in each.rules:
            found.setdefault(rule, Counter())[each.side] += 1
    return found
