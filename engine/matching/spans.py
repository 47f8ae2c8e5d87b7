"""The rows that a query over many instants reads: as :mod:`engine.matching.sources`, each row with the instant that it counts at.

A row that counts at several instants is there once for each; how many those are, the caller decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa
from duckdb import ColumnExpression, DuckDBPyConnection, DuckDBPyRelation, StarExpression

from engine.matching.frames import AS_OF, AT, STORE, UNTIL, Source
from engine.matching.sources import FILE, naive, newest_of_each_key, read
from engine.model import KindSchema
from engine.snapshots import Batch, Piece, Selection

MOMENT = pa.timestamp("us")
PLACES = pa.schema([(FILE, pa.int64()), (AT, MOMENT)])
COVERED = pa.schema([(FILE, pa.int64()), (STORE, pa.string()), (AT, MOMENT)])
UNTILS = pa.schema([(STORE, pa.string()), (AT, MOMENT), (UNTIL, MOMENT)])
REST = pa.schema([(AT, MOMENT), ("_rest", MOMENT)])


@dataclass(frozen=True, slots=True)
class Chosen:
    """The batches that count at an instant, and those that are current then."""

    at: datetime
    rows: Selection
    current: Selection


def create_span_view(connection: DuckDBPyConnection, source: Source, schema: KindSchema, chosen: Sequence[Chosen]) -> None:
    """Makes ``source`` readable under its name, for all these instants."""
    rows = _rows(connection, schema, [(one.at, piece) for one in chosen for piece in one.rows.pieces])
    if source.role == "history":
        rows = _with_instants(connection, rows, chosen)
    elif source.role == "current" and STORE not in schema.key and any(len(one.rows.pieces) > 1 for one in chosen):
        rows = newest_of_each_key(rows, schema, (AT,))
    rows.create_view(source.name, replace=True)


def _rows(connection: DuckDBPyConnection, schema: KindSchema, pieces: Sequence[tuple[datetime, Piece]]) -> DuckDBPyRelation:
    whole = [(at, piece) for at, piece in pieces if piece.whole]
    listed = [(at, piece) for at, piece in pieces if not piece.whole and not piece.stores.inverted]
    but_few = [(at, piece) for at, piece in pieces if not piece.whole and piece.stores.inverted]
    parts = [_of_files(connection, schema, whole)] if whole or not pieces else []
    if listed:
        files, numbers = _files(connection, schema, listed)
        parts.append(files.join(_pairs(connection, listed, numbers), f"{FILE}, {STORE}"))
    if but_few:
        numbers = _numbers(but_few)
        parts.append(
            _of_files(connection, schema, but_few).join(_pairs(connection, but_few, numbers), f"{FILE}, {STORE}, {AT}", how="anti")
        )
    columns = [ColumnExpression(name) for name in (*schema.columns, AS_OF, AT)]
    rows = parts[0].select(*columns)
    for part in parts[1:]:
        rows = rows.union(part.select(*columns))
    return rows


def _of_files(connection: DuckDBPyConnection, schema: KindSchema, pieces: Sequence[tuple[datetime, Piece]]) -> DuckDBPyRelation:
    """All rows of the files of the pieces, at the instants of each."""
    files, numbers = _files(connection, schema, pieces)
    places = {FILE: [numbers[piece.batch.path] for _, piece in pieces], AT: [naive(at) for at, _ in pieces]}
    return files.join(connection.from_arrow(pa.table(places, PLACES)), FILE)


def _files(
    connection: DuckDBPyConnection, schema: KindSchema, pieces: Iterable[tuple[datetime, Piece]]
) -> tuple[DuckDBPyRelation, dict[object, int]]:
    """All rows of the pieces' files, each once, and the numbers of the files."""
    batches: dict[object, Batch] = {piece.batch.path: piece.batch for _, piece in pieces}
    rows = read(connection, schema, [Piece(batch, batch.scope) for batch in batches.values()])
    return rows, {path: number for number, path in enumerate(batches)}


def _numbers(pieces: Iterable[tuple[datetime, Piece]]) -> dict[object, int]:
    return {path: number for number, path in enumerate(dict.fromkeys(piece.batch.path for _, piece in pieces))}


def _pairs(connection: DuckDBPyConnection, pieces: Iterable[tuple[datetime, Piece]], numbers: dict[object, int]) -> DuckDBPyRelation:
    """File, store and instant, for every store that a piece names."""
    named = [(numbers[piece.batch.path], store, naive(at)) for at, piece in pieces for store in piece.stores.names]
    columns = zip(*named, strict=True) if named else ((), (), ())
    return connection.from_arrow(pa.table([pa.array(list(c), f.type) for c, f in zip(columns, COVERED, strict=True)], schema=COVERED))


def _with_instants(connection: DuckDBPyConnection, rows: DuckDBPyRelation, chosen: Sequence[Chosen]) -> DuckDBPyRelation:
    """Adds ``_until``, the instant of the store's current batch, and leaves out what is not before it."""
    listed: list[tuple[str, datetime, datetime]] = []
    rest: list[tuple[datetime, datetime]] = []
    for one in chosen:
        instants = one.current.by_instant
        for instant, stores in instants.items():
            if stores.inverted or len(instants) == 1:
                rest.append((naive(one.at), naive(instant)))
            else:
                listed += [(store, naive(one.at), naive(instant)) for store in stores.names]
    others = pa.table([[at for at, _ in rest], [until for _, until in rest]], schema=REST)
    dated = rows.join(connection.from_arrow(others), AT, how="left" if listed else "inner")
    if listed:
        columns = zip(*listed, strict=True)
        table = pa.table([pa.array(list(c), f.type) for c, f in zip(columns, UNTILS, strict=True)], schema=UNTILS)
        dated = dated.join(connection.from_arrow(table), f"{STORE}, {AT}", how="left")
        until = duckdb.CoalesceOperator(ColumnExpression(UNTIL), ColumnExpression("_rest"))
    else:
        until = ColumnExpression("_rest")
    known = dated.select(StarExpression(exclude=["_rest", *([UNTIL] if listed else [])]), until.alias(UNTIL))
    return known.filter(ColumnExpression(AS_OF) < ColumnExpression(UNTIL))
