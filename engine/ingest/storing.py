"""Batches on disk: written aside, then put in their place all at once.

Everything is written into a folder of its own (``_tmp-...``) first, flushed to the disk, and renamed when the whole export was
accepted. A process that dies leaves at most such a folder behind, which :func:`clean_leftovers` removes later. A batch is named
after its content, so the same content is never stored twice.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from engine.ingest.coercion import LINE
from engine.ingest.staging import Stage
from engine.snapshots import AS_OF as AS_OF_FORMAT
from engine.snapshots import FOOTER, VERSION

ROW_GROUP = 100_000
LEFTOVER_AGE = timedelta(days=1)
TEMPORARY = "_tmp"
QUARANTINE = "_quarantine"


@dataclass(frozen=True, slots=True)
class Origin:
    """What the footer of a batch tells of the export: its name, the SHA-256 of its content, and when it was ingested."""

    source: str
    sha256: str
    ingested_at: datetime


Covered = tuple[str, ...] | Literal["*"] | None


@dataclass(frozen=True, slots=True)
class Part:
    """What of the staged rows makes one batch: those of the instant (naive, UTC) without the lines that gave way to others.

    ``lost`` are keys of quarantined rows: the batch does not have them, and yet they are not gone.
    """

    as_of: datetime
    without: pa.Array
    quarantined: int
    lost: frozenset[tuple[str, ...]] = frozenset()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch that is written but not yet in its place. ``scope`` is sorted store ids, or ``*``."""

    kind: str
    as_of: datetime
    scope: tuple[str, ...] | Literal["*"]
    rows: int
    quarantined: int
    temporary: Path
    target: Path
    already: bool


def prepare(stage: Stage, part: Part, covered: Covered, origin: Origin, folder: Path) -> Prepared:
    """Write the rows of one instant aside. ``covered`` is the scope where it was given, else None: the stores that have a row."""
    kind, instant = stage.kind.name, part.as_of.strftime(AS_OF_FORMAT)
    stores, rows = stage.stores(part.as_of, part.without)
    scope = stores if covered is None else covered
    about = {
        "version": VERSION,
        "kind": kind,
        "as_of": instant,
        "scope": scope,
        "source": origin.source,
        "source_sha256": origin.sha256,
        "rows": rows,
        "quarantined": part.quarantined,
        "lost": sorted(part.lost),
        "ingested_at": origin.ingested_at.isoformat(),
    }
    schema = stage.schema.with_metadata({FOOTER: json.dumps(about, ensure_ascii=False).encode()})
    digest = hashlib.sha256(json.dumps([kind, instant, scope, schema.names, sorted(part.lost)]).encode())
    temporary = stage.folder / f"{kind}-{instant}.parquet"
    with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for table in _grouped(stage.rows(part.as_of, part.without)):
            digest.update(_content(table))
            writer.write_table(table.cast(schema))
    target = folder / kind / f"date={part.as_of.date().isoformat()}" / f"{instant}-{digest.hexdigest()[:12]}.parquet"
    return Prepared(kind, part.as_of.replace(tzinfo=UTC), scope, rows, part.quarantined, temporary, target, target.exists())


def _grouped(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The tables joined to row groups of a good size."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(part.num_rows for part in held) >= ROW_GROUP:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def _content(table: pa.Table) -> bytes:
    """The rows as bytes that do not depend on how they were chunked, nor on a version of the file format."""
    buffer = io.BytesIO()
    pyarrow.csv.write_csv(table.drop_columns([LINE]), buffer, pyarrow.csv.WriteOptions(include_header=False))
    return buffer.getvalue()


def put_in_place(moves: Sequence[tuple[Path, Path]]) -> None:
    """Rename each (temporary, target); when one fails, those before it are taken back. OSError passes through."""
    for temporary, _ in moves:
        _flush(temporary)
    done: list[Path] = []
    try:
        for temporary, target in moves:
            made = _make_folder(target.parent)
            os.replace(temporary, target)
            done.append(target)
            for folder in (target.parent, *made):
                _flush(folder)
    except OSError:
        for target in done:
            target.unlink(missing_ok=True)
        for _, target in moves:
            with suppress(OSError):  # only folders that are empty go
                target.parent.rmdir()
                target.parent.parent.rmdir()
        raise


def _make_folder(folder: Path) -> list[Path]:
    """Make ``folder``; gives the folders whose entries changed."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return [path.parent for path in missing]


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def workspace(folder: Path) -> Iterator[Path]:
    """A folder for one ingest, on the same disk as the batches; it is gone in the end, whatever happens."""
    existed = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f"{TEMPORARY}-{socket.gethostname()}-{os.getpid()}-", dir=folder))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if not existed:
            with suppress(OSError):  # not empty: a batch was stored
                folder.rmdir()


def clean_leftovers(folder: Path, now: datetime) -> None:
    """Remove what ingests that died have left: folders of processes of this machine that are gone, and any older than a day."""
    for path in folder.glob(f"{TEMPORARY}-*-*-*"):
        host, process, _ = path.name.removeprefix(f"{TEMPORARY}-").rsplit("-", 2)
        with suppress(OSError):
            changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            if changed < now - LEFTOVER_AGE or (host == socket.gethostname() and not _runs(process)):
                shutil.rmtree(path, ignore_errors=True)


def _runs(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
