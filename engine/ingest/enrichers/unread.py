"""What enrichers could not judge in the newest data: a list for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from engine.errors import Text, UsageError, did_you_mean
from engine.facts import Enrichment, Facts, Kind
from engine.ingest.coercion import STORE
from engine.ingest.enrichers.filling import PRIMARY
from engine.ingest.enrichers.reasons import Reason
from engine.snapshots import Piece, Snapshots

if TYPE_CHECKING:
    from pathlib import Path

LOOK_BACK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Unread:
    """One row whose picture or link was not judged; ``text`` is what was seen of it."""

    kind: str
    store_id: str
    key: tuple[str, ...]
    enricher: str
    reason: Reason
    text: str
    source: str
    as_of: datetime


def unread_rows(facts: Facts, folder: Path, now: datetime, only: str = "") -> Iterator[Unread]:
    """Of every kind (or ``only`` one) the rows of the newest batches, at most a week old. Raises :class:`UsageError` for a kind that there
    is not, :class:`~engine.errors.SnapshotError` for batches that cannot be read."""
    if only and only not in facts.kinds:
        raise UsageError(Text(f"'{only}' is not a fact kind", f"没有名为 '{only}' 的事实"), did_you_mean(only, facts.kinds))
    snapshots = Snapshots(folder)
    for kind in facts.kinds.values():
        asked = [one for one in kind.enrich if "reason" in one.into and PRIMARY[one.enricher] in one.into]
        if asked and only in ("", kind.name):
            for piece in snapshots.current(kind.name, now, max(kind.fresh_for, LOOK_BACK)).pieces:
                for one in asked:
                    yield from _of(piece, kind, one)


def _of(piece: Piece, kind: Kind, one: Enrichment) -> Iterator[Unread]:
    answer, reason, text = one.into[PRIMARY[one.enricher]], one.into["reason"], one.into.get("text", "")
    there = piece.batch.columns
    if reason not in there or answer not in there:
        return
    names = dict.fromkeys((STORE, *kind.key, answer, reason, one.source, *((text,) if text in there else ())))
    for row in pq.read_table(piece.batch.path, columns=[name for name in names if name in there]).to_pylist():
        if row[answer] is None and row[reason] not in (None, Reason.NO_PRICE.value) and row[STORE] in piece.stores:
            key = tuple(str(row[name]) for name in kind.key)
            seen = str(row.get(text) or "")
            source = str(row.get(one.source) or "")
            yield Unread(kind.name, row[STORE], key, one.enricher, Reason(row[reason]), seen, source, piece.batch.as_of)
