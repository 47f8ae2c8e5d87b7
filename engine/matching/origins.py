"""Where the rows that rules judge came from: the batch, the export's file, the line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import SnapshotError, Text
from engine.language import typed as t
from engine.model import KindSchema, Stores
from engine.snapshots import Batch, Piece, Selection, Snapshots

if TYPE_CHECKING:
    from engine.matching.evaluate import Run

LINE = "_line"
STORE = "store_id"
LOOKED_BACK = timedelta(days=60)
"""How far back a row that is not there any more is looked for."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One row and where it came from. ``source`` is the name of the export's file, ``line`` the line (or row of the sheet) in it, None when
    it is not known; ``batch`` names the stored batch, ``columns`` are those that it has."""

    kind: str
    key: tuple[str, ...]
    store_id: str
    as_of: datetime
    source: str
    line: int | None
    batch: str
    columns: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True)
class Batches:
    """Earlier batches of the row's store that a history function read: how many, and the instants of the first and the last."""

    count: int
    first: datetime | None = None
    last: datetime | None = None


def batch_of(current: Selection, store: str) -> Batch | None:
    """The batch that speaks for the store, None when none does."""
    return next((piece.batch for piece in current.pieces if store in piece.stores), None)


def origin_of(current: Selection, schema: KindSchema, key: tuple[str, ...], store: str) -> Origin:
    """Where the current row with this key is from. Raises SnapshotError when its file went away."""
    batch = batch_of(current, store)
    if batch is None:
        text = Text(f"no batch of '{schema.name}' speaks for store {store}", f"没有 '{schema.name}' 的快照覆盖店铺 {store}")
        raise SnapshotError(text)
    found = _rows(batch, schema, key, store)
    return _origin(batch, schema, key, store, found[0][LINE] if found else None)


def last_seen(snapshots: Snapshots, schema: KindSchema, key: tuple[str, ...], at: datetime) -> Origin | None:
    """The newest row with this key in the batches of the last :data:`LOOKED_BACK`, None when there is none."""
    for batch in reversed(snapshots.batches(schema.name, at - LOOKED_BACK, at)):
        if found := _rows(batch, schema, key):
            return _origin(batch, schema, key, found[0][STORE], found[0][LINE])
    return None


def earlier_batches(run: Run, kind: str, node: t.History, row: Origin) -> Batches:
    """What ``node`` read of the history of ``row``."""
    batch = batch_of(run.current(kind), row.store_id)
    if batch is None:
        return Batches(0)
    own = Selection(kind, (Piece(batch, Stores(frozenset([row.store_id]))),))
    match node.function:
        case "previous":
            found = run.snapshots.previous(own)
        case "ago":
            assert node.window is not None  # noqa: S101  (every `ago` has one)
            found = run.snapshots.at_offset(own, node.window, run.schemas[kind].fresh_for)
        case _:
            found = run.snapshots.history(own, node.window)
    instants = sorted(piece.batch.as_of for piece in found.pieces if row.store_id in piece.stores)
    if node.function == "same_weekday_mean":
        zone = ZoneInfo(run.matcher.dialect.time_zone)
        weekday = row.as_of.astimezone(zone).weekday()
        instants = [instant for instant in instants if instant.astimezone(zone).weekday() == weekday]
    return Batches(len(instants), instants[0], instants[-1]) if instants else Batches(0)


def _origin(batch: Batch, schema: KindSchema, key: tuple[str, ...], store: str, line: int | None) -> Origin:
    return Origin(schema.name, key, store, batch.as_of, batch.source, line, batch.id, frozenset(batch.columns))


def _rows(batch: Batch, schema: KindSchema, key: tuple[str, ...], store: str | None = None) -> list[Mapping[str, Any]]:
    """Store and line of the batch's rows with this key (and of this store, where one is named)."""
    wanted = [(name, "==", value) for name, value in zip(schema.key, key, strict=True)]
    wanted += [(STORE, "==", store)] if store is not None and STORE not in schema.key else []
    columns = [STORE, *([LINE] if LINE in batch.columns else [])]
    try:
        rows = pq.read_table(batch.path, columns=columns, filters=wanted, partitioning=None).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise SnapshotError(Text(f"{batch.path} cannot be read: {error}", f"无法读取 {batch.path}：{error}")) from error
    return [{LINE: None, **row} for row in rows]
