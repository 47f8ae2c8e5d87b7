"""The rows that a query reads, as views in an embedded DuckDB over Parquet files.

Paths, store ids and instants reach DuckDB as values, never as text of a statement.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import duckdb
import pyarrow as pa
from duckdb import ColumnExpression, ConstantExpression, DuckDBPyConnection, DuckDBPyRelation, Expression, StarExpression

from engine.matching.frames import AS_OF, STORE, UNTIL, UNTIL_WEEKDAY, WEEKDAY, Source
from engine.model import KindSchema, Stores, Type
from engine.snapshots import Piece, Selection

TYPES: Mapping[Type, str] = {
    Type.STRING: "VARCHAR",
    Type.INTEGER: "BIGINT",
    Type.NUMBER: "DECIMAL(18,6)",
    Type.MONEY: "DECIMAL(18,4)",
    Type.PERCENT: "DECIMAL(18,8)",
    Type.BOOLEAN: "BOOLEAN",
    Type.TIMESTAMP: "TIMESTAMP",
    Type.DATE: "DATE",
    Type.DURATION: "BIGINT",
}
SETTINGS: dict[str, str | bool | int | float | list[str]] = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
FILE = "_file"
BATCHES = pa.schema([(FILE, pa.int64()), (AS_OF, pa.timestamp("us")), (WEEKDAY, pa.int64())])
UNTILS = pa.schema([(STORE, pa.string()), (UNTIL, pa.timestamp("us")), (UNTIL_WEEKDAY, pa.int64())])
COVERED = pa.schema([(FILE, pa.int64()), (STORE, pa.string())])


def connect() -> DuckDBPyConnection:
    """An empty database in memory that fetches nothing from anywhere."""
    # The folder is made when a query does not fit in memory, and removed with the connection; by default it would be in the working folder.
    spill = Path(tempfile.gettempdir()) / f"storewatch-{uuid.uuid4().hex}"
    # Metadata of Parquet files is not cached: nothing that was measured is faster with the cache, and memory grows with every new file.
    return duckdb.connect(":memory:", config={**SETTINGS, "temp_directory": str(spill)})


def create_view(
    connection: DuckDBPyConnection, source: Source, schema: KindSchema, zone: tzinfo, selection: Selection, current: Selection
) -> None:
    """Makes ``source`` readable under its name: the rows of ``selection``. For a history, ``current`` tells each store's last instant."""
    dated = [] if source.role == "history" else [WEEKDAY]
    rows = _rows(connection, schema, zone, selection.pieces).select(StarExpression(exclude=[FILE, *dated]))
    if source.role == "history":
        rows = _with_instants(connection, rows, zone, current.by_instant)
    elif source.role == "current" and STORE not in schema.key and len(selection.pieces) > 1:
        rows = newest_of_each_key(rows, schema)
    rows.create_view(source.name, replace=True)


def _rows(connection: DuckDBPyConnection, schema: KindSchema, zone: tzinfo, pieces: Sequence[Piece]) -> DuckDBPyRelation:
    """The declared columns and the instant of all rows of ``pieces``, each piece's own stores only."""
    whole = [piece for piece in pieces if piece.whole]
    listed = [piece for piece in pieces if not piece.whole and not piece.stores.inverted]
    but_few = [piece for piece in pieces if not piece.whole and piece.stores.inverted]
    parts = [read(connection, schema, zone, whole)] if whole or not pieces else []
    if listed:
        parts.append(_of_stores(connection, read(connection, schema, zone, listed), listed, "semi"))
    if but_few:
        parts.append(_of_stores(connection, read(connection, schema, zone, but_few), but_few, "anti"))
    rows = parts[0]
    for part in parts[1:]:
        rows = rows.union(part)
    return rows


def read(connection: DuckDBPyConnection, schema: KindSchema, zone: tzinfo, pieces: Sequence[Piece]) -> DuckDBPyRelation:
    """All rows of the files, with ``_as_of``, its weekday, and the file's place in ``pieces``."""
    if not pieces:
        return _no_rows(connection, schema)
    files = connection.read_parquet([str(piece.batch.path) for piece in pieces], union_by_name=_differ(pieces), hive_partitioning=False)
    held = dict(zip(files.columns, files.types, strict=True))
    columns = [_declared(name, TYPES[column.type], held) for name, column in schema.columns.items()]
    instants = {piece.batch.as_of for piece in pieces}
    if len(instants) == 1:
        place = ConstantExpression(0) if len(pieces) == 1 else ColumnExpression("file_index")
        return files.select(*columns, *_dated(instants.pop(), zone, AS_OF, WEEKDAY), place.cast("BIGINT").alias(FILE))
    rows = files.select(*columns, ColumnExpression("file_index").cast("BIGINT").alias(FILE))
    batches = [(place, naive(piece.batch.as_of), weekday(piece.batch.as_of, zone)) for place, piece in enumerate(pieces)]
    return rows.join(connection.from_arrow(table_of(BATCHES, batches)), FILE).select(*schema.columns, AS_OF, WEEKDAY, FILE)


def _differ(pieces: Sequence[Piece]) -> bool:
    first = pieces[0].batch.columns
    return any(list(piece.batch.columns.items()) != list(first.items()) for piece in pieces[1:])


def _declared(name: str, wanted: str, held: Mapping[str, object]) -> Expression:
    """The column as declared: missing where no file has it, and where it had another type and does not fit."""
    if name not in held:
        return ConstantExpression(None).cast(wanted).alias(name)
    column = ColumnExpression(name)
    return (column if str(held[name]) == wanted else duckdb.FunctionExpression("try", column.cast(wanted))).alias(name)


def _no_rows(connection: DuckDBPyConnection, schema: KindSchema) -> DuckDBPyRelation:
    columns = {name: TYPES[column.type] for name, column in schema.columns.items()}
    columns |= {AS_OF: "TIMESTAMP", WEEKDAY: "BIGINT", FILE: "BIGINT"}
    empty = connection.from_arrow(pa.table({"nothing": pa.array([], pa.int64())}))
    return empty.select(*(ConstantExpression(None).cast(type_).alias(name) for name, type_ in columns.items()))


def _of_stores(connection: DuckDBPyConnection, rows: DuckDBPyRelation, pieces: Sequence[Piece], how: str) -> DuckDBPyRelation:
    """Rows of the stores that each piece names (``semi``), or of all others (``anti``)."""
    pairs = [(place, store) for place, piece in enumerate(pieces) for store in piece.stores.names]
    table = pa.table({FILE: [place for place, _ in pairs], STORE: [store for _, store in pairs]}, COVERED)
    return rows.join(connection.from_arrow(table), f"{FILE}, {STORE}", how=how)


def newest_of_each_key(rows: DuckDBPyRelation, schema: KindSchema, axis: Sequence[str] = ()) -> DuckDBPyRelation:
    """One row a key (at each instant): of the newest batch, then of the first store. Costs nothing more than a check when keys are
    distinct."""
    keys = ", ".join(f'"{name}"' for name in (*axis, *schema.key))
    total, distinct = rows.aggregate(f"count(*), count(DISTINCT ({keys}))").fetchall()[0]
    if total == distinct:
        return rows
    ranked = rows.project(f'*, row_number() OVER (PARTITION BY {keys} ORDER BY "{AS_OF}" DESC, "{STORE}") AS _rank')
    return ranked.filter("_rank = 1").select(StarExpression(exclude=["_rank"]))


def _with_instants(
    connection: DuckDBPyConnection, rows: DuckDBPyRelation, zone: tzinfo, instants: Mapping[datetime, Stores]
) -> DuckDBPyRelation:
    """Adds ``_until``, the instant of the store's current batch, and its weekday, and leaves out what is not before it."""
    rest = next((instant for instant, stores in instants.items() if stores.inverted), None)
    if len(instants) == 1:
        return rows.select(StarExpression(), *_dated(next(iter(instants)), zone, UNTIL, UNTIL_WEEKDAY))
    listed = [(store, instant) for instant, stores in instants.items() if not stores.inverted for store in stores.names]
    table = table_of(UNTILS, [(store, naive(instant), weekday(instant, zone)) for store, instant in listed])
    dated = rows.join(connection.from_arrow(table), STORE, how="inner" if rest is None else "left")
    if rest is not None:
        others = dict(zip((UNTIL, UNTIL_WEEKDAY), _dated(rest, zone, UNTIL, UNTIL_WEEKDAY), strict=True))
        known = [duckdb.CoalesceOperator(ColumnExpression(name), other).alias(name) for name, other in others.items()]
        dated = dated.select(StarExpression(exclude=[UNTIL, UNTIL_WEEKDAY]), *known)
    return dated.filter(ColumnExpression(AS_OF) < ColumnExpression(UNTIL))


def _dated(instant: datetime, zone: tzinfo, moment: str, day: str) -> tuple[Expression, Expression]:
    """An instant and its weekday, under these names."""
    return (
        ConstantExpression(naive(instant)).cast("TIMESTAMP").alias(moment),
        ConstantExpression(weekday(instant, zone)).cast("BIGINT").alias(day),
    )


def table_of(schema: pa.Schema, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    return pa.table([pa.array(list(column), field.type) for column, field in zip(columns, schema, strict=True)], schema=schema)


def weekday(instant: datetime, zone: tzinfo) -> int:
    """Monday is 0."""
    return instant.astimezone(zone).weekday()


def naive(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)


def set_now(connection: DuckDBPyConnection, at: datetime) -> None:
    connection.execute("SET VARIABLE now = ?::TIMESTAMP", [naive(at)])
