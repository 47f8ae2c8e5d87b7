"""The end of keeping: old batches are removed whole, and one that should not have come."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.errors import SnapshotError, Text, UsageError
from engine.ingest.enrichers.cache import forget_looks
from engine.ingest.storing import QUARANTINE
from engine.model import Stores
from engine.snapshots import AS_OF, Batch, Snapshots, os_reason


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed of one kind: number of batches, their rows and bytes, and of quarantine files."""

    kind: str
    batches: int
    rows: int
    bytes: int
    quarantine_files: int


def prune(folder: Path, keep: timedelta, now: datetime, *, everything: bool = False, dry_run: bool = False) -> tuple[Pruned, ...]:
    """Remove batches older than ``keep`` at ``now``, and lists of quarantined rows of that age; with ``dry_run`` only tell which.

    The newest batch of a kind and store stays, however old, unless ``everything``: without it nobody would notice that the store has
    stopped to report. What was seen of pictures and links goes when nothing asked for it since then.

    Raises :class:`~engine.errors.SnapshotError` when a batch cannot be read or removed.
    """
    snapshots = Snapshots(folder)
    kinds = dict.fromkeys((*snapshots.kinds(), *(path.name for path in (folder / QUARANTINE).glob("*") if path.is_dir())))
    pruned = tuple(_prune_kind(snapshots, kind, now - keep, everything, dry_run) for kind in kinds)
    if not dry_run:
        forget_looks(folder, now - keep)
    return pruned


def remove_batch(folder: Path, batch_id: str, *, dry_run: bool = False) -> Pruned:
    """Remove the one batch of that :attr:`Batch.id`; the batch before it counts again. Raises :class:`~engine.errors.UsageError` when
    there is none."""
    batch = Snapshots(folder).named(batch_id)
    if batch is None:
        raise UsageError(
            Text(f"there is no batch {batch_id!r}", f"没有批次 {batch_id!r}"),
            Text("storewatch snapshots --all lists them", "用 storewatch snapshots --all 查看所有批次"),
        )
    return _removed(batch.kind, [batch], [], dry_run)


def _prune_kind(snapshots: Snapshots, kind: str, before: datetime, everything: bool, dry_run: bool) -> Pruned:
    batches = snapshots.batches(kind)
    kept = frozenset() if everything else _newest(batches)
    old = [batch for batch in batches if batch.as_of < before and batch.path not in kept]
    lists = [path for path in (snapshots.folder / QUARANTINE / kind).glob("*.csv") if _instant(path) < before]
    return _removed(kind, old, lists, dry_run)


def _removed(kind: str, batches: list[Batch], lists: list[Path], dry_run: bool) -> Pruned:
    try:
        size = sum(batch.path.stat().st_size for batch in batches)
        if not dry_run:
            _remove([*(batch.path for batch in batches), *lists])
    except OSError as error:
        said = os_reason(error)
        raise SnapshotError(
            Text(f"{error.filename} cannot be removed: {said.en}", f"无法删除 {error.filename}：{said.zh}"),
            Text("check who may write to the snapshot folder, then run it again", "请检查快照文件夹的写权限，然后重新运行"),
        ) from None
    return Pruned(kind, len(batches), sum(batch.rows for batch in batches), size, len(lists))


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
        with suppress(OSError):  # not empty yet
            path.parent.rmdir()


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
