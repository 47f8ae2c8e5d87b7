"""The end of keeping: old batches are removed whole."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.ingest.storing import QUARANTINE
from engine.model import Stores
from engine.snapshots import AS_OF, Batch, Snapshots


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed of one kind: number of batches, their rows and bytes, and of quarantine files."""

    kind: str
    batches: int
    rows: int
    bytes: int
    quarantine_files: int


def prune(folder: Path, keep: timedelta, now: datetime, *, everything: bool = False) -> tuple[Pruned, ...]:
    """Remove batches older than ``keep`` at ``now``, and lists of quarantined rows of that age.

    The newest batch of a kind and store stays, however old, unless ``everything``: without it nobody would notice that the store has
    stopped to report. Raises :class:`~engine.errors.SnapshotError` when a batch cannot be read.
    """
    snapshots = Snapshots(folder)
    kinds = dict.fromkeys((*snapshots.kinds(), *(path.name for path in (folder / QUARANTINE).glob("*") if path.is_dir())))
    return tuple(_prune_kind(snapshots, kind, now - keep, everything) for kind in kinds)


def _prune_kind(snapshots: Snapshots, kind: str, before: datetime, everything: bool) -> Pruned:
    batches = snapshots.batches(kind)
    kept = frozenset() if everything else _newest(batches)
    old = [batch for batch in batches if batch.as_of < before and batch.path not in kept]
    size = sum(batch.path.stat().st_size for batch in old)
    for batch in old:
        batch.path.unlink(missing_ok=True)
        with suppress(OSError):  # not empty yet
            batch.path.parent.rmdir()
    lists = [path for path in (snapshots.folder / QUARANTINE / kind).glob("*.csv") if _instant(path) < before]
    for path in lists:
        path.unlink(missing_ok=True)
    return Pruned(kind, len(old), sum(batch.rows for batch in old), size, len(lists))


def _newest(batches: tuple[Batch, ...]) -> frozenset[Path]:
    """The batches that are the newest of some store. ``batches`` are in time order."""
    covered = Stores()
    kept: set[Path] = set()
    for batch in reversed(batches):
        if batch.scope - covered:
            kept.add(batch.path)
            covered |= batch.scope
    return frozenset(kept)


def _instant(path: Path) -> datetime:
    return datetime.strptime(path.name.split("-")[0], AS_OF).replace(tzinfo=UTC)
