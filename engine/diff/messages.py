"""Which message of the one replay is which of the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.diff.alerts import BASE, HEAD, Pairing
from engine.diff.model import Change
from engine.diff.texts import Texts
from engine.model import Reason, Severity, State
from engine.replay import Sent

AGAIN = frozenset({Reason.REPEAT_DUE, Reason.ESCALATED})
Item = tuple[int, State, bool]
"""What a message tells of an alert: the alert (a pair of both sides), its state, and whether that had been told."""
Pair = tuple[Sent | None, Sent | None]


@dataclass(frozen=True, slots=True)
class _Letter:
    sent: Sent
    items: frozenset[Item]


def paired_messages(base: Iterable[Sent], head: Iterable[Sent], pairing: Pairing) -> Iterator[Pair]:
    """Every message of both sides once. Of one recipient's messages that tell the same of an alert those of the same instant belong
    together, then those nearest in time."""
    old, new = _by_recipient(base, BASE, pairing), _by_recipient(head, HEAD, pairing)
    for recipient in dict.fromkeys((*old, *new)):
        yield from _paired(old.get(recipient, ()), new.get(recipient, ()))


def sent_changes(old: Sent | None, new: Sent | None, texts: Texts) -> tuple[Change, ...]:
    """What is different; nothing where it is not on both sides. The text of what is told at another time is another in any case."""
    if old is None or new is None:
        return ()
    severity = (Change.SEVERITY,) if _worst(old) is not _worst(new) else ()
    if old.at != new.at:
        return (Change.EARLIER if new.at < old.at else Change.LATER, *severity)
    return severity if texts.same(old, new) else (*severity, Change.TEXT)


def _by_recipient(sent: Iterable[Sent], side: int, pairing: Pairing) -> Mapping[tuple[str, str], Sequence[_Letter]]:
    found: defaultdict[tuple[str, str], list[_Letter]] = defaultdict(list)
    for each in sent:
        numbered = ((pairing.number(side, moved.alert, moved.at), moved) for moved in each.transitions)
        items = frozenset((number, moved.after, moved.reason in AGAIN) for number, moved in numbered if number is not None)
        found[each.recipient.channel, each.recipient.address].append(_Letter(each, items))
    return found


def _paired(old: Sequence[_Letter], new: Sequence[_Letter]) -> Iterator[Pair]:
    left = dict(enumerate(new))
    telling: defaultdict[Item, set[int]] = defaultdict(set)
    for number, letter in left.items():
        for item in letter.items:
            telling[item].add(number)

    def best(letter: _Letter, at: datetime | None) -> int | None:
        """The message that is left and most like this one, of those told ``at`` an instant, where one is given."""
        alike = {number for item in letter.items for number in telling[item] if number in left}
        fitting = [number for number in alike if at in (None, left[number].sent.at)]
        return min(fitting, key=lambda number: (*_distance(letter, left[number]), number), default=None)

    found: dict[int, int] = {}
    for same_time in (True, False):
        for place, letter in enumerate(old):
            if place not in found and (twin := best(letter, letter.sent.at if same_time else None)) is not None:
                found[place] = twin
                del left[twin]
    for place, letter in enumerate(old):
        yield letter.sent, new[found[place]].sent if place in found else None
    yield from ((None, letter.sent) for letter in left.values())


def _distance(one: _Letter, other: _Letter) -> tuple[float, int]:
    return abs((one.sent.at - other.sent.at).total_seconds()), -len(one.items & other.items)


def _worst(sent: Sent) -> Severity:
    return max((moved.alert.severity for moved in sent.transitions), key=lambda severity: severity.rank)
