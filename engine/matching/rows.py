"""Rows of a kind, or of a table that the caller has, for which a condition holds or may hold, with values computed from them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import repeat

import ibis
import pyarrow as pa

from engine.language import typed as t
from engine.matching.evaluate import Matcher, Run
from engine.matching.frames import Frames, Source
from engine.matching.queries import MATCHED, Query, written
from engine.matching.results import plain_value
from engine.model import KindSchema, Value
from engine.snapshots import Snapshots

HOLDS = "holds"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows: those of ``schema`` for which ``where`` (None: always) is true, or with ``maybe`` unknown; and what of each: its
    ``values``, by name."""

    schema: KindSchema
    where: t.Node | None
    values: tuple[tuple[str, t.Node], ...] = ()
    maybe: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """One row: its key, whether the condition surely holds, its values (None is missing)."""

    key: tuple[str, ...]
    holds: bool
    values: Mapping[str, Value]


@dataclass
class Lookup:
    """Looks rows up at one instant."""

    matcher: Matcher
    snapshots: Snapshots
    at: datetime
    run: Run = field(init=False)

    def __post_init__(self) -> None:
        self.run = Run(self.matcher, self.snapshots, self.at)

    def of_table(self, wanted: Wanted, table: pa.Table) -> list[Found]:
        """The rows of ``table``, which has the columns of ``wanted.schema`` and ``_as_of``, that are wanted. Raises EvaluationError or
        SnapshotError (conditions may refer to rows of snapshots)."""
        source = Source("current", wanted.schema.name)
        self.matcher.connection.register(source.name, table)
        self.run.provide(source)
        return list(self._rows(wanted, self._query(wanted, ())))

    def of_kind(self, wanted: Wanted, within: Sequence[str], values: Collection[tuple[str, ...]]) -> list[Found]:
        """The current rows of a kind that are wanted, of those that have ``values`` in the columns ``within``. Raises as above."""
        self.run.register_keys(within, values)
        return list(self._rows(wanted, self._query(wanted, tuple(within))))

    def _query(self, wanted: Wanted, within: tuple[str, ...]) -> Query:
        return self.matcher.query(("rows", _structure(wanted), within), lambda: self._compiled(wanted, within))

    def _compiled(self, wanted: Wanted, within: tuple[str, ...]) -> Query:
        schema, where = wanted.schema, wanted.where
        frames = Frames({**self.matcher.schemas, schema.name: schema}, self.matcher.dialect)
        frame = frames.frame(schema.name, [node for node in (where, *(node for _, node in wanted.values)) if node is not None])
        table = frame.table
        if within:
            table = table.semi_join(ibis.table(dict.fromkeys(within, "string"), name=MATCHED), list(within))
        holds = frame.compiler(table).condition(where) if where is not None else ibis.literal(True)
        table = table.mutate(**{HOLDS: holds})
        table = table.filter(table[HOLDS].fill_null(True) if wanted.maybe else table[HOLDS])
        compiler = frame.compiler(table)
        values = {f"value {i}": compiler.value(node).expr for i, (_, node) in enumerate(wanted.values)}
        keys = {f"key {i}": table[name] for i, name in enumerate(schema.key)}
        return written(table.select(HOLDS, **keys, **values), frames)

    def _rows(self, wanted: Wanted, query: Query) -> Iterator[Found]:
        table, names = self.run.fetch(query), [name for name, _ in wanted.values]
        keys = [table.column(f"key {i}").to_pylist() for i in range(len(wanted.schema.key))]
        values = [
            [plain_value(value, node.type) for value in table.column(f"value {i}").to_pylist()] for i, (_, node) in enumerate(wanted.values)
        ]
        rows = zip(*values, strict=True) if values else repeat(())
        for holds, key, row in zip(table.column(HOLDS).to_pylist(), zip(*keys, strict=True), rows, strict=False):
            yield Found(tuple(map(str, key)), holds is True, dict(zip(names, row, strict=True)))


def _structure(wanted: Wanted) -> tuple[object, ...]:
    """All that the query depends on."""
    columns = tuple((name, column.type) for name, column in wanted.schema.columns.items())
    return wanted.schema.name, columns, wanted.where, wanted.values, wanted.maybe
