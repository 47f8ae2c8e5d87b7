"""The rows that a query over many instants reads: as :mod:`engine.matching.sources`, each row with the instant that it counts at.

A row that counts at several instants is there once for each; how many those are, the caller decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

import duckdb
import pyarrow as pa
from duckdb import ColumnExpression, DuckDBPyConnection, DuckDBPyRelation, StarExpression

from engine.matching.frames import AS_OF, AT, STORE, UNTIL, UNTIL_WEEKDAY, WEEKDAY, Source
from engine.matching.sources import FILE, naive, newest_of_each_key, read, table_of, weekday
from engine.model import KindSchema
from engine.snapshots import Batch, Piece, Selection

MOMENT = pa.timestamp("us")
PLACES = pa.schema([(FILE, pa.int64()), (AT, MOMENT)])
COVERED = pa.schema([(FILE, pa.int64()), (STORE, pa.string()), (AT, MOMENT)])
UNTILS = pa.schema([(STORE, pa.string()), (AT, MOMENT), (UNTIL, MOMENT), (UNTIL_WEEKDAY, pa.int64())])
REST = pa.schema([(AT, MOMENT), ("_rest", MOMENT), ("_rest_weekday", pa.int64())])


@dataclass(frozen=True, slots=True)
class Chosen:
    """The batches that count at an instant, and those that are current then."""

    at: datetime
    rows: Selection
    current: Selection


def create_span_view(connection: DuckDBPyConnection, source: Source, schema: KindSchema, zone: tzinfo, chosen: Sequence[Chosen]) -> None:
    """Makes ``source`` readable under its name, for all these instants."""
    columns = (*schema.columns, AS_OF, AT, *([WEEKDAY] if source.role == "history" else []))
    pieces = [(one.at, piece) for one in chosen for piece in one.rows.pieces]
    rows = _rows(connection, schema, zone, columns, pieces, source.turns)
    if source.role == "history":
        rows = _with_instants(connection, rows, zone, chosen)
    elif source.role == "current" and STORE not in schema.key and any(len(one.rows.pieces) > 1 for one in chosen):
        rows = newest_of_each_key(rows, schema, (AT,))
    rows.create_view(source.name, replace=True)


def _rows(
    connection: DuckDBPyConnection,
    schema: KindSchema,
    zone: tzinfo,
    columns: Sequence[str],
    pieces: Sequence[tuple[datetime, Piece]],
    turns: Sequence[str] | None,
) -> DuckDBPyRelation:
    whole = [(at, piece) for at, piece in pieces if piece.whole]
    listed = [(at, piece) for at, piece in pieces if not piece.whole and not piece.stores.inverted]
    but_few = [(at, piece) for at, piece in pieces if not piece.whole and piece.stores.inverted]
    # What a row was in another store's piece says nothing of its turns.
    parts = [_of_files(connection, schema, zone, whole, None if listed or but_few else turns)] if whole or not pieces else []
    if listed:
        files, numbers = _files(connection, schema, zone, listed)
        parts.append(files.join(_pairs(connection, listed, numbers), f"{FILE}, {STORE}"))
    if but_few:
        numbers = _numbers(but_few)
        parts.append(
            _of_files(connection, schema, zone, but_few).join(_pairs(connection, but_few, numbers), f"{FILE}, {STORE}, {AT}", how="anti")
        )
    rows = parts[0].select(*columns)
    for part in parts[1:]:
        rows = rows.union(part.select(*columns))
    return rows


def _of_files(
    connection: DuckDBPyConnection,
    schema: KindSchema,
    zone: tzinfo,
    pieces: Sequence[tuple[datetime, Piece]],
    turns: Sequence[str] | None = None,
) -> DuckDBPyRelation:
    """All rows of the files of the pieces, at the instants of each; or only those at which one of the columns ``turns`` changed."""
    files, numbers = _files(connection, schema, zone, pieces)
    files = files if turns is None else _turning(files, schema, turns)
    places = table_of(PLACES, [(numbers[piece.batch.path], naive(at)) for at, piece in pieces])
    return files.join(connection.from_arrow(places), FILE)


def _files(
    connection: DuckDBPyConnection, schema: KindSchema, zone: tzinfo, pieces: Iterable[tuple[datetime, Piece]]
) -> tuple[DuckDBPyRelation, dict[object, int]]:
    """All rows of the pieces' files, each once, and the numbers of the files."""
    batches: dict[object, Batch] = {piece.batch.path: piece.batch for _, piece in pieces}
    rows = read(connection, schema, zone, [Piece(batch, batch.scope) for batch in batches.values()])
    return rows, {path: number for number, path in enumerate(batches)}


def _turning(rows: DuckDBPyRelation, schema: KindSchema, columns: Sequence[str]) -> DuckDBPyRelation:
    """Of each key's rows, in the order of time, the first, and those at which one of the columns is not what it was."""
    keys = ", ".join(f'"{name}"' for name in dict.fromkeys((*schema.key, STORE)))
    over = f'OVER (PARTITION BY {keys} ORDER BY "{AS_OF}")'
    turns = [f"row_number() {over} = 1", *(f'"{name}" IS DISTINCT FROM lag("{name}") {over}' for name in columns)]
    return rows.project(f"*, {' OR '.join(turns)} AS _turns").filter("_turns").select(StarExpression(exclude=["_turns"]))


def _numbers(pieces: Iterable[tuple[datetime, Piece]]) -> dict[object, int]:
    return {path: number for number, path in enumerate(dict.fromkeys(piece.batch.path for _, piece in pieces))}


def _pairs(connection: DuckDBPyConnection, pieces: Iterable[tuple[datetime, Piece]], numbers: dict[object, int]) -> DuckDBPyRelation:
    """File, store and instant, for every store that a piece names."""
    named = [(numbers[piece.batch.path], store, naive(at)) for at, piece in pieces for store in piece.stores.names]
    return connection.from_arrow(table_of(COVERED, named))


def _with_instants(connection: DuckDBPyConnection, rows: DuckDBPyRelation, zone: tzinfo, chosen: Sequence[Chosen]) -> DuckDBPyRelation:
    """Adds ``_until``, the instant of the store's current batch, and its weekday, and leaves out what is not before it."""
    listed: list[tuple[str, datetime, datetime, int]] = []
    rest: list[tuple[datetime, datetime, int]] = []
    for one in chosen:
        instants = one.current.by_instant
        for instant, stores in instants.items():
            until, day = naive(instant), weekday(instant, zone)
            if stores.inverted or len(instants) == 1:
                rest.append((naive(one.at), until, day))
            else:
                listed += [(store, naive(one.at), until, day) for store in stores.names]
    others = {"_rest": UNTIL, "_rest_weekday": UNTIL_WEEKDAY}
    dated = rows.join(connection.from_arrow(table_of(REST, rest)), AT, how="left" if listed else "inner")
    if listed:
        dated = dated.join(connection.from_arrow(table_of(UNTILS, listed)), f"{STORE}, {AT}", how="left")
        known = [duckdb.CoalesceOperator(ColumnExpression(n), ColumnExpression(other)).alias(n) for other, n in others.items()]
        dated = dated.select(StarExpression(exclude=[*others, *others.values()]), *known)
    else:
        dated = dated.select(StarExpression(exclude=[*others]), *(ColumnExpression(other).alias(n) for other, n in others.items()))
    return dated.filter(ColumnExpression(AS_OF) < ColumnExpression(UNTIL))
