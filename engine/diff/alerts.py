"""Which alert of the one replay is which of the other."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.diff.model import Change, fired
from engine.model import Alert, Identity
from engine.replay import Episode, Replay

END = datetime.max.replace(tzinfo=UTC)
Pair = tuple[Episode | None, Episode | None]
BASE, HEAD = 0, 1


@dataclass(frozen=True)
class Pairing:
    """All alerts of both sides that fired, in ``pairs``; ``called`` are the new names of renamed rules. ``places`` are, by side and
    identity (with the new name), the starts of its alerts and the numbers of their pairs."""

    pairs: tuple[Pair, ...]
    called: Mapping[str, str]
    places: tuple[Mapping[Identity, list[tuple[datetime, int]]], ...]

    @classmethod
    def of(cls, base: Replay, head: Replay, called: Mapping[str, str]) -> Pairing:
        sides = _by_identity(base, called), _by_identity(head, {})
        pairs = [pair for identity in dict.fromkeys((*sides[BASE], *sides[HEAD])) for pair in _paired(*(side[identity] for side in sides))]
        places: tuple[defaultdict[Identity, list[tuple[datetime, int]]], ...] = (defaultdict(list), defaultdict(list))
        for number, pair in enumerate(pairs):
            for side, episode in enumerate(pair):
                if episode:
                    places[side][now_called(episode.identity, called if side == BASE else {})].append((episode.started, number))
        return cls(tuple(pairs), called, places)

    def number(self, side: int, alert: Alert, at: datetime) -> int | None:
        """The pair that an alert of one side belongs to, as it was at an instant."""
        starts = self.places[side].get(now_called(alert.identity, self.called if side == BASE else {}), [])
        index = bisect_right(starts, at, key=lambda start: start[0]) - 1
        return starts[index][1] if index >= 0 else None


def now_called(identity: Identity, called: Mapping[str, str]) -> Identity:
    return identity._replace(rule=called[identity.rule]) if identity.rule in called else identity


def alert_changes(old: Episode | None, new: Episode | None) -> tuple[Change, ...]:
    """What is different; nothing where it is not on both sides."""
    if old is None or new is None:
        return ()
    return tuple(
        change
        for change, differs in (
            (Change.EARLIER, _fired(new) < _fired(old)),
            (Change.LATER, _fired(new) > _fired(old)),
            (Change.ENDS_EARLIER, _end(new) < _end(old)),
            (Change.ENDS_LATER, _end(new) > _end(old)),
            (Change.SEVERITY, _severities(old) != _severities(new)),
            (Change.OWNER, old.owner != new.owner),
            (Change.TEXT, _said(old) != _said(new) or (_fired(old) == _fired(new) and _values(old) != _values(new))),
        )
        if differs
    )


def _by_identity(replay: Replay, called: Mapping[str, str]) -> defaultdict[Identity, list[Episode]]:
    found: defaultdict[Identity, list[Episode]] = defaultdict(list)
    for episode in sorted(fired(replay), key=lambda episode: episode.started):
        found[now_called(episode.identity, called)].append(episode)
    return found


def _paired(base: Iterable[Episode], head: Iterable[Episode]) -> Iterator[Pair]:
    """Those of one identity, by time: two that overlap are one, and each is in one pair."""
    old, new = list(base)[::-1], list(head)[::-1]
    while old and new:
        if _end(old[-1]) <= new[-1].started:
            yield old.pop(), None
        elif _end(new[-1]) <= old[-1].started:
            yield None, new.pop()
        else:
            yield old.pop(), new.pop()
    yield from ((episode, None) for episode in reversed(old))
    yield from ((None, episode) for episode in reversed(new))


def _fired(episode: Episode) -> datetime:
    return episode.fired or END


def _end(episode: Episode) -> datetime:
    return episode.resolved or END


def _severities(episode: Episode) -> tuple[object, ...]:
    return tuple(severity for _, severity in episode.severities)


def _said(episode: Episode) -> object:
    """What is said of the alert whatever its values are."""
    return (episode.info.title, episode.info.advice, [(item.label, item.type, item.unit) for item in episode.alert.shown])


def _values(episode: Episode) -> object:
    """What it told when it fired."""
    alert = next((moved.alert for moved in episode.transitions if moved.at == episode.fired), episode.alert)
    return (alert.shown, alert.evidence)
