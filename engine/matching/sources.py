"""The rows that a query reads, as views in an embedded DuckDB over Parquet files.

Paths, store ids and instants reach DuckDB as values, never as text of a statement.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
from duckdb import ColumnExpression, ConstantExpression, DuckDBPyConnection, DuckDBPyRelation, Expression, StarExpression

from engine.matching.frames import AS_OF, STORE, UNTIL, Source
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
BATCHES = pa.schema([(FILE, pa.int64()), (AS_OF, pa.timestamp("us"))])
UNTILS = pa.schema([(STORE, pa.string()), (UNTIL, pa.timestamp("us"))])
COVERED = pa.schema([(FILE, pa.int64()), (STORE, pa.string())])


def connect() -> DuckDBPyConnection:
    """An empty database in memory that fetches nothing from anywhere."""
    # The folder is made when a query does not fit in memory, and removed with the connection; by default it would be in the working folder.
    spill = Path(tempfile.gettempdir()) / f"storewatch-{uuid.uuid4().hex}"
    # Metadata of Parquet files is not cached: nothing that was measured is faster with the cache, and memory grows with every new file.
    return duckdb.connect(":memory:", config={**SETTINGS, "temp_directory": str(spill)})


def create_view(
    connection: DuckDBPyConnection, source: Source, schema: KindSchema, selection: Selection, current: Selection | None = None
) -> None:
    """Makes ``source`` readable under its name: the rows of ``selection``. For a history, ``current`` tells each store's last instant."""
    rows = _rows(connection, schema, selection.pieces)
    if source.role == "history":
        rows = _with_instants(connection, rows, (current or selection).by_instant)
    elif source.role == "current" and STORE not in schema.key and len(selection.pieces) > 1:
        rows = newest_of_each_key(rows, schema)
    rows.create_view(source.name, replace=True)


def _rows(connection: DuckDBPyConnection, schema: KindSchema, pieces: Sequence[Piece]) -> DuckDBPyRelation:
    """The declared columns and ``_as_of`` of all rows of ``pieces``, each piece's own stores only."""
    whole = [piece for piece in pieces if piece.whole]
    listed = [piece for piece in pieces if not piece.whole and not piece.stores.inverted]
    but_few = [piece for piece in pieces if not piece.whole and piece.stores.inverted]
    parts = [read(connection, schema, whole)] if whole or not pieces else []
    if listed:
        parts.append(_of_stores(connection, read(connection, schema, listed), listed, "semi"))
    if but_few:
        parts.append(_of_stores(connection, read(connection, schema, but_few), but_few, "anti"))
    rows = parts[0]
    for part in parts[1:]:
        rows = rows.union(part)
    return rows.select(StarExpression(exclude=[FILE]))


def read(connection: DuckDBPyConnection, schema: KindSchema, pieces: Sequence[Piece]) -> DuckDBPyRelation:
    """All rows of the files, with ``_as_of`` and the file's place in ``pieces``."""
    if not pieces:
        return _no_rows(connection, schema)
    files = connection.read_parquet([str(piece.batch.path) for piece in pieces], union_by_name=_differ(pieces), hive_partitioning=False)
    held = dict(zip(files.columns, files.types, strict=True))
    columns = [_declared(name, TYPES[column.type], held) for name, column in schema.columns.items()]
    instants = {piece.batch.as_of for piece in pieces}
    if len(instants) == 1:
        place = ConstantExpression(0) if len(pieces) == 1 else ColumnExpression("file_index")
        return files.select(*columns, _moment(instants.pop()).alias(AS_OF), place.cast("BIGINT").alias(FILE))
    rows = files.select(*columns, ColumnExpression("file_index").cast("BIGINT").alias(FILE))
    batches = {FILE: range(len(pieces)), AS_OF: [naive(piece.batch.as_of) for piece in pieces]}
    return rows.join(connection.from_arrow(pa.table(batches, BATCHES)), FILE).select(*schema.columns, AS_OF, FILE)


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
    columns = {**{name: TYPES[column.type] for name, column in schema.columns.items()}, AS_OF: "TIMESTAMP", FILE: "BIGINT"}
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


def _with_instants(connection: DuckDBPyConnection, rows: DuckDBPyRelation, instants: Mapping[datetime, Stores]) -> DuckDBPyRelation:
    """Adds ``_until``, the instant of the store's current batch, and leaves out what is not before it."""
    listed = {store: naive(instant) for instant, stores in instants.items() if not stores.inverted for store in stores.names}
    rest = next((instant for instant, stores in instants.items() if stores.inverted), None)
    if len(instants) == 1:
        return rows.select(StarExpression(), _moment(*instants).alias(UNTIL))
    table = connection.from_arrow(pa.table({STORE: list(listed), UNTIL: list(listed.values())}, UNTILS))
    joined = rows.join(table, STORE, how="inner" if rest is None else "left")
    until = ColumnExpression(UNTIL)
    known = until if rest is None else duckdb.CoalesceOperator(until, _moment(rest))
    dated = joined.select(StarExpression(exclude=[UNTIL]), known.alias(UNTIL))
    return dated.filter(ColumnExpression(AS_OF) < until)


def _moment(instant: datetime) -> Expression:
    return ConstantExpression(naive(instant)).cast("TIMESTAMP")


def naive(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)


def set_now(connection: DuckDBPyConnection, at: datetime) -> None:
    connection.execute("SET VARIABLE now = ?::TIMESTAMP", [naive(at)])
