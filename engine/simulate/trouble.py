"""What a trouble is: how one rule's incident is planted into a healthy store, and how the exports tell of it.

Most troubles are edits of rows: ``turns(("note", plan), …)`` makes a planter whose variants take turns, each plan answering the alert's
key and the edits; ``rows_where(kind, test)`` is the truth: the keys of the rows for which the test is true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from engine.model import Value
from engine.simulate.look import Look, Seen, key_of
from engine.simulate.plan import Dice, Options, at
from engine.simulate.shop import Edit, Outage, Product, Row, Shop

NOON = time(12, 30)  # what is mended is mended between the two rounds of a day
FIRST_DAY = 2  # of the run: there is history to compare with
NO_TIME = timedelta(0)


@dataclass(frozen=True, slots=True)
class Slot:
    """Where an incident goes: it shows from the morning of day ``first`` (of the run) and is mended at noon of day ``last``.

    ``turn`` counts the incidents of this rule from 0, so that its variants take turns.
    """

    first: int
    last: int
    turn: int


@dataclass(frozen=True, slots=True)
class Planted:
    """The changed store, the key of the alert that is to come, and what was done."""

    shop: Shop
    key: str
    note: str


Plant = Callable[[Shop, Slot, Dice, Options], Planted]
Shows = Callable[[Look], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Trouble:
    """``kind`` is the fact kind that is judged; ``longest`` the most days (besides the first) an incident may last.

    ``plant`` changes one store inside a slot, whoever chose it. ``shows`` tells the keys for which the rule's condition is true by what
    was exported. ``reads`` are further kinds without which nobody can say. ``earliest`` is the first day of the run with enough
    history. The rule waits until its condition ``held``, and keeps the alert for ``kept`` after it.
    """

    kind: str
    longest: int
    plant: Plant
    shows: Shows
    reads: tuple[str, ...] = ()
    earliest: int = FIRST_DAY
    held: timedelta = NO_TIME
    kept: timedelta = NO_TIME


@dataclass(frozen=True, slots=True)
class Site:
    """A store and the slot in it where something is planted."""

    shop: Shop
    slot: Slot
    options: Options

    def at(self, day: int = 0, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
        """A local time of the day that is ``day`` days after the slot's first."""
        return at(self.options.dates[self.slot.first] + timedelta(days=day), time(hour, minute, second))

    @property
    def mended(self) -> datetime:
        return at(self.options.dates[self.slot.last], NOON)

    @property
    def end(self) -> datetime:
        """After the run: for what stays as it is."""
        return at(self.options.dates[-1]) + timedelta(days=1)

    def product(self, position: int) -> Product:
        return self.shop.products[position]

    def new_id(self, letter: str) -> str:
        """An id that no other row has."""
        return f"{letter}{self.shop.store_id}P{self.slot.first:03}{self.slot.turn}{len(self.shop.edits):02}"


Plan = Callable[[Site], tuple[str, tuple[Edit, ...]]]
Columns = Mapping[str, Value]


def turns(*variants: tuple[str, Plan]) -> Plant:
    """A planter whose variants take turns."""

    def plant(shop: Shop, slot: Slot, dice: Dice, options: Options) -> Planted:
        note, plan = variants[slot.turn % len(variants)]
        key, edits = plan(Site(shop, slot, options))
        return Planted(replace(shop, edits=(*shop.edits, *edits)), key, note)

    return plant


def outages(*variants: tuple[str, str, int]) -> Plant:
    """A planter of exports that do not come: (note, kind, hour of the slot's first day from which, until midnight)."""

    def plant(shop: Shop, slot: Slot, dice: Dice, options: Options) -> Planted:
        note, kind, hour = variants[slot.turn % len(variants)]
        site = Site(shop, slot, options)
        outage = Outage(kind, site.at(0, hour), site.at(1))
        return Planted(replace(shop, outages=(*shop.outages, outage)), f"{kind}/*", note)

    return plant


def changed(
    kind: str,
    pick: Callable[[Site], str],
    columns: Columns | Callable[[Row], Columns],
    *,
    lead: int = 0,
    stays: bool = False,
) -> Plan:
    """A row of a healthy store has other values, from ``lead`` days before the slot until it is mended (``stays``: for ever)."""

    def plan(site: Site) -> tuple[str, tuple[Edit, ...]]:
        key = pick(site)
        return key, (edited(kind, key, site.at(-lead), site.end if stays else site.mended, columns),)

    return plan


def appears(kind: str, row: Callable[[Site], Row], mended: Callable[[Site], Columns] | None = None, *, lead: int = 0) -> Plan:
    """A row that healthy stores do not have, from ``lead`` days before the slot until it is mended: then it has other values for two
    days, or (None) is gone."""

    def plan(site: Site) -> tuple[str, tuple[Edit, ...]]:
        new = row(site)
        if mended is None:
            return key_of(kind, new), (added(kind, new, site.at(-lead), site.mended),)
        later = (site.mended, mended(site))
        return key_of(kind, new), (added(kind, new, site.at(-lead), site.mended + timedelta(days=2), later),)

    return plan


def together(first: Plan, *others: Plan) -> Plan:
    """Several plans in one store; the first one's key is the alert's."""

    def plan(site: Site) -> tuple[str, tuple[Edit, ...]]:
        key, edits = first(site)
        return key, (*edits, *(edit for other in others for edit in other(site)[1]))

    return plan


def the_store(site: Site) -> str:
    return site.shop.store_id


def stores_where(test: Callable[[Look], bool]) -> Shows:
    """The store itself, when its report is there and ``test`` is true."""
    return lambda look: [look.store_id] if look.rows("store") and test(look) else []


def rows_where(kind: str, test: Callable[[Seen], bool]) -> Shows:
    """The keys of the newest rows of ``kind`` for which ``test`` is true."""
    return lambda look: [row.key for row in look.rows(kind) if test(row)]


def edited(kind: str, key: str, since: datetime, until: datetime, columns: Columns | Callable[[Row], Columns]) -> Edit:
    """The row with that key has other values in some columns."""

    def apply(rows: list[Row], now: datetime) -> list[Row]:
        return [{**row, **(columns(row) if callable(columns) else columns)} if key_of(kind, row) == key else row for row in rows]

    return Edit(kind, since, until, apply)


def added(kind: str, row: Row, since: datetime, until: datetime, *later: tuple[datetime, Columns]) -> Edit:
    """One row more; from each instant of ``later`` on with other values in some columns."""

    def apply(rows: list[Row], now: datetime) -> list[Row]:
        changes = [columns for when, columns in later if when <= now]
        return [*rows, {name: value for part in (row, *changes) for name, value in part.items()}]

    return Edit(kind, since, until, apply)
