"""Rows of which a condition is true, and rows of which it is false, for tests to be written of.

They are found by trying: values around the constants of the condition are put together in all ways, or in many, each in a store of its own,
and the engine is asked, once, what the condition is for each. Of two sets of rows that differ in one value, one true and one false, the
nearest are taken: they show the threshold. Where trying finds none (conditions across rows, rare patterns), there is no example.
"""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from engine.facts import Column, Facts, Kind
from engine.fields import parse_duration
from engine.ingest.cells import Cell
from engine.language.printing import show_duration
from engine.language.typed import (
    Across,
    Arithmetic,
    Between,
    ColumnRef,
    Compare,
    Const,
    Contains,
    History,
    In,
    IsMissing,
    Matches,
    Node,
    Related,
    RowMissing,
)
from engine.language.walk import children, walk
from engine.matching.evaluate import Matcher
from engine.rules import AlertRule
from engine.ruletest.model import Given
from engine.ruletest.pools import counts, pool
from engine.ruletest.running import store_rows
from engine.ruletest.values import read_cell
from engine.snapshots import Snapshots
from engine.yamlfile import BilingualError

MOST_WORLDS = 3_000
BASES = 150
NOW, BEFORE, REFERRED, RELATED = "now", "before", "referred", "related"

Value = str | int | None
World = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """A value that can be chosen: a ``column`` of the judged row ``now`` or ``before``, of the row that its column ``via`` refers to, or of
    the rows whose column ``via`` refers to it. Without ``column``: the number of those rows."""

    role: str
    kind: str
    via: str
    column: str


@dataclass(frozen=True, slots=True)
class Row:
    """Rows of an example: ``count`` rows of ``kind`` with the same ``cells`` (column → text), ``age`` ago ('' for now). Of none there is
    one all the same, another row: a kind without any data is unknown. ``role`` and ``via`` are those of their spots."""

    age: str
    kind: str
    count: int
    cells: Mapping[str, str]
    role: str = NOW
    via: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """Rows of store ``s1``, the first of each kind; ``decides`` is what the other example has otherwise, with its ``value`` here."""

    rows: tuple[Row, ...]
    decides: Spot
    value: Value


@dataclass(frozen=True, slots=True)
class _Around:
    """Where a node stands: in whose row, and compared with what (``alone``: with constants only)."""

    role: str
    kind: str
    via: str = ""
    anchors: tuple[Const | str, ...] = ()
    alone: bool = True


@dataclass
class _Spots:
    """What a condition reads, with the values worth trying, and how long ago it looks."""

    facts: Facts
    at: datetime
    pools: dict[Spot, dict[Value, None]] = field(default_factory=dict)
    ages: dict[str, None] = field(default_factory=dict)

    def visit(self, node: Node, where: _Around) -> None:
        match node:
            case IsMissing(item=ColumnRef() as item):
                self._column(item.path, item.column, replace(where, anchors=(), alone=True), (None,))
            case ColumnRef(path=path, column=column):
                self._column(path, column, where)
            case Related():
                self._related(node, where)
            case History(item=item, window=window):
                self._look_back(window, where.anchors)
                for role in (NOW, BEFORE) if item is not None else ():
                    self.visit(item, replace(where, role=role, alone=False))  # type: ignore[arg-type]
            case _:
                self._inside(node, where)

    def _inside(self, node: Node, where: _Around) -> None:
        if isinstance(node, Compare | Between | In | Contains | Matches):
            anchors = tuple(_anchors(node))
            alone = sum(isinstance(each, ColumnRef) for each in walk(node)) == 1 and not _reckons(node)
            where = replace(where, anchors=anchors, alone=alone)
        elif isinstance(node, RowMissing) and len(node.path) == 1 and where.role == NOW:
            self._add(Spot(REFERRED, self._target(where.kind, node.path[0]), node.path[0], ""), (1, None))
        elif isinstance(node, Across):
            for name in node.by:
                self._column((), name, replace(where, anchors=(), alone=True))
        for child in children(node):
            self.visit(child, where)

    def _related(self, node: Related, where: _Around) -> None:
        self._add(Spot(RELATED, node.kind, node.via, ""), counts(where.anchors))
        inside = _Around(RELATED, node.kind, node.via, alone=where.alone)
        if node.item is not None:
            self.visit(node.item, replace(inside, anchors=where.anchors))
        if node.where is not None:
            self.visit(node.where, inside)

    def _column(self, path: tuple[str, ...], name: str, where: _Around, besides: tuple[None, ...] = ()) -> None:
        if len(path) == 1 and where.role == NOW:
            where = replace(where, role=REFERRED, kind=self._target(where.kind, path[0]), via=path[0])
            self._add(Spot(REFERRED, where.kind, where.via, ""), (1,))
        elif path:
            return  # rows referred to at second hand stay missing
        kind = self.facts.kinds[where.kind]
        if name not in ("store_id", *kind.key):
            column = kind.columns[name]
            values = [text for text in pool(column, where.anchors, where.alone) if self._is_taken(column, text)]
            self._add(Spot(where.role, kind.name, where.via, name), (*values, *besides))

    def _is_taken(self, column: Column, text: str) -> bool:
        try:
            return read_cell(column, text, self.at, self.facts.zone) is not None
        except BilingualError:
            return False

    def _target(self, kind: str, column: str) -> str:
        return self.facts.kinds[kind].references.get(column, "store")

    def _look_back(self, window: timedelta | None, anchors: Sequence[Const | str]) -> None:
        spans = [each.value for each in anchors if isinstance(each, Const) and isinstance(each.value, timedelta)]
        ages = [window] if window else [timedelta(days=1), *(span + timedelta(hours=1) for span in spans)]
        self.ages |= dict.fromkeys(map(show_duration, ages))

    def _add(self, spot: Spot, values: Iterable[Value]) -> None:
        self.pools.setdefault(spot, {}).update(dict.fromkeys(values))


def _anchors(node: Node) -> list[Const | str]:
    """The constants that the sides of a comparison are, or are chosen of; those that are reckoned with stand for no threshold."""
    found: list[Const | str] = [node.pattern] if isinstance(node, Matches) else []
    for child in children(node):
        if isinstance(child, Const):
            found.append(child)
        elif isinstance(child, Related):
            found += _anchors(child.item) if child.item and not isinstance(child.item, Compare) else []
        elif not isinstance(child, Arithmetic):
            found += _anchors(child)
    return found


def _reckons(node: Node) -> bool:
    return any(isinstance(each, Arithmetic) and any(isinstance(child, Const) for child in children(each)) for each in walk(node))


def find_examples(rule: AlertRule, facts: Facts, folder: Path, at: datetime) -> tuple[Example, Example] | None:
    """One example that the rule's condition is true of and one that it is false of, as alike as can be; None where none were found.
    ``folder`` is an empty one. Raises EvaluationError or SnapshotError."""
    spots = _Spots(facts, at)
    spots.visit(rule.when, _Around(NOW, rule.kind))
    places, pools = list(spots.pools), [sorted(values, key=_order) or [None] for values in spots.pools.values()]
    if not places:
        return None
    worlds = _worlds(pools)
    builder = _Builder(facts, rule.kind, places, tuple(spots.ages))
    truths = builder.truths(worlds, rule.when, folder, at)
    pair = _nearest(worlds, truths, pools, places)
    if pair is None:
        return None
    true, false, place = pair
    return builder.example(true, place), builder.example(false, place)


def _order(value: Value) -> float:
    """Numbers by size; others keep their order, with what is missing at the end."""
    if isinstance(value, str):
        number = re.fullmatch(r"(-?\d+(?:\.\d+)?)%?", value)
        return float(number[1]) if number else 0
    return math.inf if value is None else value


def _worlds(pools: Sequence[Sequence[Value]]) -> list[World]:
    """All combinations, or, where they are too many, random ones and those next to them."""
    total = 1
    for values in pools:
        total *= len(values)
    if total <= MOST_WORLDS:
        return list(itertools.product(*pools))
    chance = random.Random(0)  # noqa: S311 - the same examples every time
    found: dict[World, None] = {}
    while len(found) < MOST_WORLDS - sum(map(len, pools)):
        base = tuple(chance.choice(values) for values in pools)
        found |= dict.fromkeys([base, *(world for _, world in _neighbours(base, pools))])
    return list(found)


def _neighbours(world: World, pools: Sequence[Sequence[Value]]) -> Iterator[tuple[int, World]]:
    for place, values in enumerate(pools):
        yield from ((place, (*world[:place], value, *world[place + 1 :])) for value in values if value != world[place])


def _nearest(
    worlds: Sequence[World], truths: Sequence[bool | None], pools: Sequence[Sequence[Value]], places: Sequence[Spot]
) -> tuple[World, World, int] | None:
    """A world of truth and one of falsehood that differ at one place, by little; the fewest rows, and nothing missing, are best."""
    false = {world for world, truth in zip(worlds, truths, strict=True) if truth is False}
    best: tuple[tuple[int, int, int], World, World, int] | None = None
    for world in (world for world, truth in zip(worlds, truths, strict=True) if truth):
        rows = sum(value for value in world if isinstance(value, int))
        for place, other in _neighbours(world, pools):
            if other in false:
                step = abs(pools[place].index(world[place]) - pools[place].index(other[place]))
                cost = (world.count(None) + other.count(None), step + 2 * (places[place].role == BEFORE), rows)
                if best is None or cost < best[0]:
                    best = (cost, world, other, place)
    return best[1:] if best else None


@dataclass(frozen=True)
class _Builder:
    """Makes rows of worlds."""

    facts: Facts
    kind: str
    places: Sequence[Spot]
    ages: tuple[str, ...]

    def rows(self, world: World) -> Iterator[Row]:
        """The rows of one world, without the columns that hold keys."""
        chosen = dict(zip(self.places, world, strict=True))
        for age in self.ages:
            yield Row(age, self.kind, 1, _cells(chosen, BEFORE, self.kind, ""), BEFORE)
        yield Row("", self.kind, 1, _cells(chosen, NOW, self.kind, ""))
        for spot, count in chosen.items():
            if not spot.column:
                cells = _cells(chosen, spot.role, spot.kind, spot.via) if count else {}
                yield Row("", spot.kind, int(count or 0), cells, spot.role, spot.via)

    def example(self, world: World, place: int) -> Example:
        rows = (replace(row, cells={**row.cells, **self.links(row, "1", "s1")}) for row in self.rows(world))
        return Example(tuple(rows), self.places[place], world[place])

    def truths(self, worlds: Sequence[World], condition: Node, folder: Path, at: datetime) -> list[bool | None]:
        """What the condition is of each world's judged row."""
        exports: dict[tuple[datetime, str], dict[tuple[str, ...], dict[str, Cell]]] = {}
        for number, world in enumerate(worlds):
            for row in self.rows(world):
                moment = at - parse_duration(row.age) if row.age else at
                rows = exports.setdefault((moment, row.kind), {})
                rows.update(self._typed(row, number, at))
        for (moment, kind), found in exports.items():
            store_rows(Given(kind, moment, tuple(found.values()), (0,) * len(found)), self.facts, folder, "examples")
        keys = [key_of(self.facts.kinds[self.kind], str(number), f"s{number}") for number in range(len(worlds))]
        matcher = Matcher(self.facts.schemas, self.facts.time_zone)
        known = matcher.known_values(self.kind, condition, keys, Snapshots(folder), at)
        return [value if isinstance(value := known.get(key, ("", None))[1], bool) else None for key in keys]

    def _typed(self, row: Row, number: int, at: datetime) -> Iterator[tuple[tuple[str, ...], dict[str, Cell]]]:
        kind, store = self.facts.kinds[row.kind], f"s{number}"
        cells = {name: read_cell(kind.columns[name], text, at, self.facts.zone) for name, text in row.cells.items()}
        for each in range(row.count):
            own = "" if row.count == 1 else f"x{each}"
            key = key_of(kind, f"{number}{own}", store)
            yield key, {"store_id": store, **cells, **self.links(row, str(number), store), **dict(zip(kind.key, key, strict=True))}

    def links(self, row: Row, number: str, store: str) -> dict[str, str]:
        """The columns of a row that hold keys of others in its world."""
        if row.role == RELATED:
            return {} if row.via == "store_id" else {row.via: key_of(self.facts.kinds[self.kind], number, store)[0]}
        if row.role != NOW:
            return {}
        referred = [spot for spot in self.places if spot.role == REFERRED and not spot.column and spot.via != "store_id"]
        return {spot.via: key_of(self.facts.kinds[spot.kind], number, store)[0] for spot in referred}


def key_of(kind: Kind, number: str, store: str) -> tuple[str, ...]:
    """The key of the ``number``-th row of a kind, of a store: ``('o1',)``, for stores the store itself."""
    return tuple(store if name == "store_id" else f"{kind.name[0]}{number}" for name in kind.key)


def _cells(chosen: Mapping[Spot, Value], role: str, kind: str, via: str) -> dict[str, str]:
    found = {spot.column: value for spot, value in chosen.items() if (spot.role, spot.kind, spot.via) == (role, kind, via) and spot.column}
    return {column: value for column, value in found.items() if isinstance(value, str)}
