"""What exports have shown: the rows of a store's newest ones and of those before, as a careful reader of the files would know them.

The truth about incidents is read off here, in plain Python, without the engine. Only what is fresh counts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from engine.simulate.shop import Row

ALL = "*"
DAY = timedelta(days=1)
KEYS: Mapping[str, tuple[str, ...]] = {
    "store": ("store_id",),
    "order": ("order_id",),
    "refund": ("refund_id",),
    "complaint": ("complaint_id",),
    "review": ("review_id",),
    "product": ("product_id",),
    "placement": ("placement_id",),
    "promotion": ("promotion_id",),
    "ad_campaign": ("campaign_id",),
    "ad_keyword": ("keyword_id",),
    "traffic": ("store_id", "source"),
    "shift": ("shift_id",),
    "violation": ("violation_id",),
    "rival": ("rival_id",),
}
FRESH = {"order": 2, "refund": 2, "complaint": 4, "ad_campaign": 2, "shift": 1}  # hours; a day and two hours for all others
REMEMBERED = ("store", "product", "ad_campaign", "ad_keyword", "traffic", "rival")  # kinds whose past some rule asks for
REACH = timedelta(days=28)


def key_of(kind: str, row: Row) -> str:
    """The alert's identity for a row: its key's values, joined by ``/``."""
    return "/".join(str(row[name]) for name in KEYS[kind])


def fresh_for(kind: str) -> timedelta:
    return timedelta(hours=FRESH.get(kind, 26))


@dataclass(frozen=True, slots=True)
class Export:
    as_of: datetime
    rows: Mapping[str, Row]


@dataclass
class Board:
    """All that was exported so far."""

    newest: dict[tuple[str, str], Export] = field(default_factory=dict)
    past: dict[tuple[str, str], deque[Export]] = field(default_factory=dict)
    scopes: dict[tuple[str, str], datetime] = field(default_factory=dict)
    first_seen: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def post(self, kind: str, scope: str, store_id: str, rows: Iterable[Row], now: datetime) -> None:
        """An export of ``kind`` for ``scope`` (a store, or all) shows these rows of a store."""
        keyed = {key_of(kind, row): row for row in rows}
        if kind in REMEMBERED:
            self._remember(kind, store_id, now)
            for key in keyed:
                self.first_seen.setdefault((kind, key), now)
        self.newest[kind, store_id] = Export(now, keyed)
        self.scopes[kind, scope] = now

    def _remember(self, kind: str, store_id: str, now: datetime) -> None:
        line = self.past.setdefault((kind, store_id), deque())
        if (kind, store_id) in self.newest:
            line.append(self.newest[kind, store_id])
        while line and line[0].as_of < now - REACH - DAY:
            line.popleft()


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of one store at an instant."""

    board: Board
    store_id: str
    now: datetime

    def fresh(self, kind: str) -> bool:
        newest = self.board.newest.get((kind, self.store_id))
        return newest is not None and self.now - newest.as_of <= fresh_for(kind)

    def as_of(self, kind: str) -> datetime | None:
        newest = self.board.newest.get((kind, self.store_id))
        return newest.as_of if newest else None

    def rows(self, kind: str) -> Sequence[Seen]:
        """The rows of the newest export; none when it is too old."""
        if not self.fresh(kind):
            return ()
        return [Seen(self, kind, row) for row in self.board.newest[kind, self.store_id].rows.values()]

    def row(self, kind: str, key: str) -> Seen | None:
        found = self.board.newest[kind, self.store_id].rows.get(key) if self.fresh(kind) else None
        return None if found is None else Seen(self, kind, found)

    def old(self) -> Iterable[str]:
        """Kinds whose newest export for this scope (a store, or all) is too old."""
        return [kind for (kind, scope), as_of in self.board.scopes.items() if scope == self.store_id and self.now - as_of > fresh_for(kind)]


@dataclass(frozen=True, slots=True)
class Seen:
    """A row as exported, with its past. Reading a missing value as a number or an instant raises TypeError: ask ``has`` before."""

    look: Look
    kind: str
    row: Row

    @property
    def key(self) -> str:
        return key_of(self.kind, self.row)

    def has(self, column: str) -> bool:
        return self.row[column] is not None

    def text(self, column: str) -> str:
        value = self.row[column]
        return "" if value is None else str(value)

    def yes(self, column: str) -> bool:
        return self.row[column] is True

    def num(self, column: str) -> Decimal:
        return number(self.row[column])

    def when(self, column: str) -> datetime:
        value = self.row[column]
        if not isinstance(value, datetime):
            raise TypeError(f"{column} is not an instant: {value!r}")
        return value

    def age(self, column: str) -> timedelta:
        return self.look.now - self.when(column)

    def until(self, column: str) -> timedelta:
        return self.when(column) - self.look.now

    def same(self, kind: str) -> Sequence[Seen]:
        """All rows of a kind in this row's store."""
        return self.look.rows(kind)

    def product(self) -> Seen | None:
        return self.look.row("product", self.text("product_id"))

    def before(self, window: timedelta) -> list[tuple[datetime, Row]]:
        """The row in earlier exports, not more than ``window`` before its own, oldest first."""
        as_of = self.look.as_of(self.kind)
        line = self.look.board.past.get((self.kind, self.look.store_id), ())
        key = self.key
        return [(one.as_of, one.rows[key]) for one in line if as_of and one.as_of >= as_of - window and key in one.rows]

    def past(self, column: str, window: timedelta) -> list[Decimal]:
        """The values of a column in :meth:`before`, missing ones left out."""
        return [number(row[column]) for _, row in self.before(window) if row[column] is not None]

    def ago(self, column: str, back: timedelta) -> Decimal | None:
        """The value that was the newest so long before, if it was fresh then."""
        as_of = self.look.as_of(self.kind)
        found = [row for when, row in self.before(back + fresh_for(self.kind)) if as_of and when <= as_of - back]
        return number(found[-1][column]) if found and found[-1][column] is not None else None

    def changes(self, column: str, window: timedelta) -> int:
        values = [row[column] for _, row in (*self.before(window), (None, self.row)) if row[column] is not None]
        return sum(one != other for one, other in pairwise(values))

    def seen_for(self) -> timedelta:
        as_of = self.look.as_of(self.kind)
        first = self.look.board.first_seen.get((self.kind, self.key))
        return as_of - first if as_of and first else timedelta(0)


def number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        raise TypeError(f"not a number: {value!r}")
    return Decimal(value)


def mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, Decimal(0)) / len(values)
