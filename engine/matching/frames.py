"""Tables that hold everything some expressions need, a row for each judged row.

A frame starts from the current rows of a kind and joins, each at most once: the rows that they refer to; one aggregate of each
related kind; one pass over the history; the previous batch and earlier ones. Every distinct aggregate is one column, whoever asks
for it. The tables are named, not made, here: :class:`Source` says which rows a name stands for, and the backend provides them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial, reduce
from typing import Any, Literal

import ibis
from ibis.expr import types as ir

from engine.language import typed as t
from engine.matching import numbers
from engine.matching.compile import DTYPES, NUMBERS, Compiler, Dialect, column, whole_microseconds
from engine.matching.numbers import Value
from engine.matching.reads import kinds_on_path, leaves
from engine.model import KindSchema

AT = "_at"
AS_OF = "_as_of"
UNTIL = "_until"
WEEKDAY = "_weekday"
UNTIL_WEEKDAY = "_until_weekday"
STORE = "store_id"
AGGREGATES: Mapping[str, str] = {
    "mean": "avg",
    "same_weekday_mean": "avg",
    "median": "median",
    "highest": "max",
    "lowest": "min",
    "total": "sum",
    "stdev": "stdev",
}


_COUNTED = Value(ibis.literal(0), numbers.COUNT)


Role = Literal["current", "previous", "ago", "history"]


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """Rows of a kind: ``current``; those of each store's ``previous`` batch; of the one current ``offset`` earlier (``ago``); those of all
    batches before the current one, back to ``offset`` (``history``; None: all).

    Each has the kind's columns and ``_as_of``, its batch's instant; ``history`` has ``_until`` too, the instant of the store's
    current batch, and the local weekdays of both (``_weekday``, ``_until_weekday``; Monday is 0): a calendar is asked once a batch, not for
    every row. Where many instants are evaluated at once, each row has the instant that it counts at in ``_at``.

    ``turns`` names columns of a history: of each row's past, all may be left out but the first, and where one of these columns changed
    (None: nothing may). What is asked of all that ever was would else cost more with every day.
    """

    role: Role
    kind: str
    offset: timedelta | None = None
    turns: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        span = "" if self.offset is None else f"_{self.offset // timedelta(seconds=1)}s"
        turns = "" if self.turns is None else f"_turns({','.join(self.turns)})"
        return f"{self.role}_{self.kind}{span}{turns}"

    def table(self, schema: KindSchema, axis: Sequence[str] = ()) -> ir.Table:
        columns = {name: DTYPES[column.type] for name, column in schema.columns.items()}
        more = {UNTIL: "timestamp", WEEKDAY: "int64", UNTIL_WEEKDAY: "int64"} if self.role == "history" else {}
        return ibis.table({**columns, AS_OF: "timestamp", **more, **dict.fromkeys(axis, "timestamp")}, name=self.name)


class Frames:
    """Makes frames; ``sources`` collects what they read.

    ``axis`` is empty where one instant is evaluated, and ``_at`` where many are: then it is part of every key, and rows of one instant meet
    only rows that count at the same.
    """

    def __init__(self, schemas: Mapping[str, KindSchema], dialect: Dialect, axis: tuple[str, ...] = ()) -> None:
        self.schemas = schemas
        self.dialect = dialect
        self.axis = axis
        self.sources: set[Source] = set()

    def frame(self, kind: str, nodes: Iterable[t.Node]) -> Frame:
        """A table with what ``nodes`` need, over the current rows of ``kind``."""
        return self.over(Source("current", kind), nodes)

    def over(self, source: Source, nodes: Iterable[t.Node]) -> Frame:
        """A table with what ``nodes`` need, over the rows of ``source``."""
        frame = Frame(self, source)
        needed = list(leaves(nodes))
        frame.join_references([node for node in needed if isinstance(node, t.ColumnRef | t.RowMissing)])
        frame.join_related([node for node in needed if isinstance(node, t.Related)])
        frame.join_history([node for node in needed if isinstance(node, t.History)])
        frame.join_across([node for node in needed if isinstance(node, t.Across)])
        return frame

    def table(self, source: Source) -> ir.Table:
        self.sources.add(source)
        return source.table(self.schemas[source.kind], self.axis)


class Frame:
    """A table under construction, then ready. ``table`` may be read and extended once all joins are done."""

    def __init__(self, frames: Frames, source: Source) -> None:
        self.frames = frames
        self.source = source
        self.schema = frames.schemas[source.kind]
        self.table = frames.table(source)
        self._columns: dict[t.Node, tuple[str, Value]] = {}
        self._count = 0

    @property
    def row(self) -> list[str]:
        """The columns that tell whose row it is: the key and the store (and at which instant)."""
        return list(dict.fromkeys((*self.frames.axis, *self.schema.key, STORE)))

    def compiler(self, table: ir.Table | None = None) -> Compiler:
        """A compiler over the table as it is now, or over ``table``, which was made from it."""
        table = self.table if table is None else table
        return Compiler(self.frames.dialect, partial(self._leaf, table), table[AT] if self.frames.axis else None)

    def _leaf(self, table: ir.Table, node: t.Node) -> Value:
        match node:
            case t.RowMissing(path=path):
                key = self.frames.schemas[list(kinds_on_path(self.schema.name, path, self.frames.schemas))[-1]].key[0]
                return Value(table[_name(path, key)].isnull())
            case t.ColumnRef(path=path, column=name):
                return column(table[_name(path, name)], node.type)
            case t.Related(function="count" | "sum" | "distinct") | t.History(function="changes"):
                value = self._column(table, node)
                return replace(value, expr=ibis.coalesce(value.expr, ibis.literal(0)))
            case t.History(function="seen_for"):
                return _since(table[AS_OF], self._column(table, node).expr)
            case t.History(function="unchanged_for", item=t.Node() as item):
                value = _since(table[AS_OF], self._column(table, node).expr)
                return replace(value, expr=ibis.cases((self.compiler(table).value(item).expr.notnull(), value.expr)))
            case _:
                return self._column(table, node)

    def _column(self, table: ir.Table, node: t.Node) -> Value:
        name, value = self._columns[node]
        return replace(value, expr=table[name])

    def join_references(self, nodes: Iterable[t.ColumnRef | t.RowMissing]) -> None:
        """Joins the rows referred to, one path after another, with the columns that are asked for."""
        wanted: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        for node in nodes:
            for length in range(1, len(node.path) + 1):
                wanted[node.path[:length]] |= {node.path[length]} if length < len(node.path) else set()
            if isinstance(node, t.ColumnRef):
                wanted[node.path].add(node.column)
        for path in sorted(filter(None, wanted), key=len):
            self._join_row(path, wanted[path])

    def _join_row(self, path: tuple[str, ...], columns: set[str]) -> None:
        *_, kind = kinds_on_path(self.schema.name, path, self.frames.schemas)
        source = self.frames.table(Source("current", kind))
        key = self.frames.schemas[kind].key[0]
        right = source.select(**{_name(path, name): source[name] for name in (*sorted(columns | {key}), *self.frames.axis)})
        same = [(name, _name(path, name)) for name in self.frames.axis]
        self.table = self.table.left_join(right, [(_name(path[:-1], path[-1]), _name(path, key)), *same])

    def join_related(self, nodes: Iterable[t.Related]) -> None:
        grouped: defaultdict[tuple[str, str], list[t.Related]] = defaultdict(list)
        for node in nodes:
            grouped[node.kind, node.via].append(node)
        for (kind, via), group in grouped.items():
            self._join_aggregates(kind, via, group)

    def _join_aggregates(self, kind: str, via: str, group: list[t.Related]) -> None:
        """One aggregate query over ``kind`` for the whole group; rows that no member counts are left out before."""
        frame = self.frames.frame(kind, [item for node in group for item in (node.item, node.where) if item])
        rows = frame.table.filter(frame.table[via].notnull())
        wheres = [node.where for node in group if node.where is not None]
        if len(wheres) == len(group):
            compiler = frame.compiler()
            rows = rows.filter(reduce(lambda a, b: a | b, [compiler.condition(where) for where in dict.fromkeys(wheres)]))
        values = {node: _related(rows, frame.compiler(rows), node) for node in group}
        keys = {self._next("via"): rows[name] for name in (via, *self.frames.axis)}
        aggregates = rows.group_by(**keys).aggregate(**self._named(values))
        self.table = self.table.left_join(aggregates, list(zip((self.schema.key[0], *self.frames.axis), keys, strict=True)))

    def join_across(self, nodes: Iterable[t.Across]) -> None:
        grouped: defaultdict[tuple[str, ...], list[t.Across]] = defaultdict(list)
        for node in nodes:
            grouped[node.by].append(node)
        for by, group in grouped.items():
            # A table of its own: what else is joined to the rows is not needed to count them.
            items = [node.item for node in group if node.item is not None]
            frame = self.frames.over(self.source, items)
            rows = frame.table.filter([frame.table[name].notnull() for name in by])
            values = {node: _across(rows, frame.compiler(rows), node) for node in group}
            within = (*by, *self.frames.axis)
            keys = {self._next("by"): rows[name] for name in within}
            aggregates = rows.group_by(**keys).aggregate(**self._named(values))
            self.table = self.table.left_join(aggregates, list(zip(within, keys, strict=True)))

    def join_history(self, nodes: list[t.History]) -> None:
        from_batches = [node for node in nodes if node.function in ("previous", "ago")]
        for offset in dict.fromkeys(node.window for node in from_batches):
            self._join_batch(offset, [node for node in from_batches if node.window == offset])
        self._join_windows([node for node in nodes if node.function in AGGREGATES])
        for node in nodes:
            if node.function == "seen_for":
                self._join(node, seen_for(self))
            elif node.function == "changes":
                self._join(node, changes(self, node))
            elif node.function == "unchanged_for":
                self._join(node, unchanged_for(self, node))

    def _join_batch(self, offset: timedelta | None, group: list[t.History]) -> None:
        """The values of the group in one earlier batch: the previous one, or the one current ``offset`` earlier."""
        source = Source("previous" if offset is None else "ago", self.schema.name, offset)
        frame = self.frames.over(source, [node.item for node in group if node.item])
        compiler = frame.compiler()
        values = {node: compiler.value(node.item) for node in group if node.item}
        keys = {self._next("key"): frame.table[name] for name in self.row}
        self._join_named(frame.table.select(**keys, **self._named(values)), list(keys))

    def _join_windows(self, group: list[t.History]) -> None:
        """All aggregates over windows in one pass over the history, as far back as the longest window."""
        if not group:
            return
        frame = self.frames.over(Source("history", self.schema.name, longest(group)), [node.item for node in group if node.item])
        compiler = frame.compiler()
        values = {node: self._windowed(frame.table, compiler, node) for node in group}
        keys = {self._next("key"): frame.table[name] for name in self.row}
        self._join_named(frame.table.group_by(**keys).aggregate(**self._named(values)), list(keys))

    def _windowed(self, rows: ir.Table, compiler: Compiler, node: t.History) -> Value:
        assert node.item is not None  # noqa: S101  (the checker gives these functions an item)
        where = in_window(rows, node.window)
        if node.function == "same_weekday_mean":
            where = where & (rows[WEEKDAY] == rows[UNTIL_WEEKDAY])
        return whole_microseconds(numbers.aggregate(AGGREGATES[node.function], compiler.value(node.item), rows, where), node.type)

    def _join(self, node: t.History, rows: tuple[ir.Table, Value]) -> None:
        """Joins a table of :attr:`row` and one ``value``."""
        table, value = rows
        keys = {self._next("key"): table[name] for name in self.row}
        self._join_named(table.select(**keys, **self._named({node: replace(value, expr=table.value)})), list(keys))

    def _join_named(self, right: ir.Table, keys: list[str]) -> None:
        self.table = self.table.left_join(right, list(zip(self.row, keys, strict=True)))

    def _named(self, values: Mapping[Any, Value]) -> dict[str, ir.Value]:
        """Names a column for each value and remembers whose it is."""
        named: dict[str, ir.Value] = {}
        for node, value in values.items():
            name = self._next("value")
            self._columns[node] = (name, value)
            named[name] = value.expr
        return named

    def _next(self, word: str) -> str:
        self._count += 1
        return f"{word} {self._count}"


def longest(nodes: Iterable[t.History]) -> timedelta | None:
    """The longest window, None when one has no end."""
    windows = [node.window for node in nodes]
    return None if None in windows else max(window for window in windows if window is not None)


def in_window(rows: ir.Table, window: timedelta | None) -> ir.BooleanValue:
    """Rows of a history that are not older than ``window`` at the judged batch."""
    if window is None:
        return ibis.literal(True)
    return rows[AS_OF] >= rows[UNTIL] - ibis.interval(microseconds=window // timedelta(microseconds=1))


def seen_for(frame: Frame) -> tuple[ir.Table, Value]:
    """For each row of the history the instant of the first batch that had it."""
    rows = frame.frames.table(Source("history", frame.schema.name, turns=()))
    return rows.group_by(frame.row).aggregate(value=rows[AS_OF].min()), Value(ibis.null("timestamp"))


def changes(frame: Frame, node: t.History) -> tuple[ir.Table, Value]:
    """For each row of the history how often the value differs from the one before it, up to and with the judged row."""
    past, now = _values(frame, node, Source("history", frame.schema.name, node.window)), _values(frame, node)
    seen = past.table.filter(in_window(past.table, node.window)).select(*frame.row, AS_OF, x=past.value.expr)
    seen = seen.union(now.table.select(*frame.row, AS_OF, x=now.value.expr)).filter(ibis._.x.notnull())
    # Most values never change, and putting rows in order takes longest.
    spread = seen.group_by(frame.row).aggregate(low=seen.x.min(), high=seen.x.max())
    seen = seen.semi_join(spread.filter(spread.low != spread.high), frame.row)
    before = seen.mutate(before=seen.x.lag().over(group_by=frame.row, order_by=AS_OF))
    differs = _differs(node, replace(past.value, expr=before.x), replace(past.value, expr=before.before))
    return before.group_by(frame.row).aggregate(value=before.count(where=differs)), _COUNTED


def unchanged_for(frame: Frame, node: t.History) -> tuple[ir.Table, Value]:
    """For each row of the history the instant of the oldest batch since which the value is the judged row's."""
    assert node.item is not None  # noqa: S101  (the checker gives it an item)
    read = sorted({leaf.column for leaf in leaves([node.item]) if isinstance(leaf, t.ColumnRef)})
    past, now = _values(frame, node, Source("history", frame.schema.name, turns=tuple(read))), _values(frame, node)
    current = now.table.select(**{f"now {name}": now.table[name] for name in frame.row}, now=now.value.expr)
    both = past.table.select(*frame.row, AS_OF, x=past.value.expr)
    both = both.inner_join(current, [(name, f"now {name}") for name in frame.row]).filter(ibis._.x.notnull())
    differs = _differs(node, replace(past.value, expr=both.x), replace(now.value, expr=both.now))
    both = both.mutate(differed=both[AS_OF].max(where=differs).over(group_by=frame.row))
    same = both.filter(both.differed.isnull() | (both[AS_OF] > both.differed))
    return same.group_by(frame.row).aggregate(value=same[AS_OF].min()), Value(ibis.null("timestamp"))


@dataclass(frozen=True)
class _Values:
    table: ir.Table
    value: Value


def _values(frame: Frame, node: t.History, source: Source | None = None) -> _Values:
    assert node.item is not None  # noqa: S101  (the checker gives these functions an item)
    rows = frame.frames.over(source or Source("current", frame.schema.name), [node.item])
    return _Values(rows.table, rows.compiler().value(node.item))


def _differs(node: t.History, left: Value, right: Value) -> ir.BooleanValue:
    assert node.item is not None  # noqa: S101
    return numbers.compare("!=", left, right) if left.exact or node.item.type in NUMBERS else left.expr != right.expr


def _since(instant: ir.Value, first: ir.Value) -> Value:
    """The time from ``first`` to ``instant``; zero when ``first`` is missing."""
    return Value(instant.delta(ibis.coalesce(first, instant), unit="microsecond"), numbers.INTERVAL)


def _name(path: tuple[str, ...], column: str) -> str:
    return ".".join((*path, column))


def _related(rows: ir.Table, compiler: Compiler, node: t.Related) -> Value:
    where = compiler.condition(node.where) if node.where is not None else None
    if node.item is None:
        return Value(rows.count(where=where), numbers.COUNT)
    item = compiler.value(node.item)
    if node.function == "share":
        item = Value(item.expr.cast("int64"), numbers.COUNT)
    function = {"share": "avg"}.get(node.function, node.function)
    return whole_microseconds(numbers.aggregate(function, item, rows, where), node.type)


def _across(rows: ir.Table, compiler: Compiler, node: t.Across) -> Value:
    if node.item is None:
        return Value(rows.count(), numbers.COUNT)
    return whole_microseconds(numbers.aggregate(node.function, compiler.value(node.item), rows, None), node.type)
