"""The snapshot folder: which batches there are, and which of them count at an instant. The only reader of ``snapshots/``.

A batch is one immutable Parquet file, ``<kind>/date=<UTC date>/<as_of>-<hash>.parquet``; its footer tells its scope, the stores that
it covers. For each store the newest batch that covers it is current; one older than the kind's ``fresh_for`` counts for nothing.
:class:`Snapshots` answers with a :class:`Selection`: files, and for each file the stores it speaks for. It opens no data, only
footers, and those once. :class:`~engine.errors.SnapshotError` tells what cannot be read.
"""

from __future__ import annotations

import errno
import json
import os
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import SnapshotError, Text
from engine.model import ALL_STORES, Stores

AS_OF = "%Y%m%dT%H%M%SZ"
FOOTER = b"storewatch"
VERSION = 1
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
FOREIGN = Text("move the file out of the snapshot folder, then ingest its export again", "请把该文件移出快照文件夹，再重新导入原表")
_BATCH_ID = re.compile(r"([a-z][a-z0-9_]*)/(\d{8}T\d{6}Z-[0-9a-f]+)")
_OS_REASONS = {
    errno.ENOENT: Text("no such file or folder", "没有这个文件或文件夹"),
    errno.EACCES: Text("no permission", "没有权限"),
    errno.EPERM: Text("no permission", "没有权限"),
    errno.EROFS: Text("the disk is read-only", "磁盘是只读的"),
    errno.ENOSPC: Text("the disk is full", "磁盘已满"),
    errno.EDQUOT: Text("the disk quota is used up", "磁盘配额已用完"),
    errno.EFBIG: Text("the file grew too large", "文件过大"),
    errno.EEXIST: Text("a file is in the way", "有同名文件挡在那里"),
    errno.ENOTDIR: Text("a file is where a folder should be", "应为文件夹的地方是一个文件"),
    errno.EISDIR: Text("a folder is where a file should be", "应为文件的地方是一个文件夹"),
    errno.ENAMETOOLONG: Text("the name is too long", "文件名太长"),
}
_NAME = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]+\.parquet")
_PARTITION = re.compile(r"date=(\d{4}-\d{2}-\d{2})")


def os_reason(error: OSError) -> Text:
    """What the operating system said, in both languages where it is something common."""
    said = error.strerror or str(error)
    return _OS_REASONS.get(error.errno or 0, Text(said, f"系统错误 {error.errno}" if error.errno else said))


@dataclass(frozen=True, slots=True)
class Batch:
    """What one export said about one kind at one instant. ``columns`` maps the columns of the file to their Arrow types.

    ``lost`` are the keys of rows that the export had and that could not be read: they are not gone, nothing is known of them.
    """

    kind: str
    as_of: datetime
    scope: Stores
    path: Path
    rows: int
    quarantined: int = 0
    source: str = ""
    ingested_at: str = ""
    lost: frozenset[tuple[str, ...]] = frozenset()
    columns: Mapping[str, pa.DataType] = field(default_factory=dict, compare=False)

    @property
    def id(self) -> str:
        return f"{self.kind}/{self.path.stem}"


@dataclass(frozen=True, slots=True)
class Piece:
    """A batch and those stores of its scope for which it counts."""

    batch: Batch
    stores: Stores

    @property
    def whole(self) -> bool:
        return self.stores == self.batch.scope


@dataclass(frozen=True)
class Selection:
    """The batches of a kind that count for some purpose, newest first."""

    kind: str
    pieces: tuple[Piece, ...] = ()

    @cached_property
    def stores(self) -> Stores:
        """The stores spoken for. Of ``current`` these are the stores with fresh data."""
        listed = frozenset[str]().union(*(piece.stores.names for piece in self.pieces if not piece.stores.inverted))
        rest = [piece.stores for piece in self.pieces if piece.stores.inverted]
        return rest[0] | Stores(listed) if rest else Stores(listed)

    @cached_property
    def by_instant(self) -> Mapping[datetime, Stores]:
        """For each ``as_of`` the stores whose batch is of that instant."""
        grouped: defaultdict[datetime, list[Piece]] = defaultdict(list)
        for piece in self.pieces:
            grouped[piece.batch.as_of].append(piece)
        return {as_of: Selection(self.kind, tuple(pieces)).stores for as_of, pieces in grouped.items()}

    @property
    def lost(self) -> frozenset[tuple[str, ...]]:
        """Keys of rows that the batches' exports had and that could not be read."""
        return frozenset[tuple[str, ...]]().union(*(piece.batch.lost for piece in self.pieces))


@dataclass(frozen=True, slots=True, order=True)
class Age:
    """How old the newest data of one kind is for one store; ``store_id`` is ``*`` for all stores not listed on their own."""

    kind: str
    store_id: str
    as_of: datetime
    age: timedelta
    stale: bool


class Snapshots:
    """The batches under ``folder``. Footers are remembered: a path never changes its content."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._footers: dict[Path, Batch] = {}

    def kinds(self) -> tuple[str, ...]:
        """Kinds of which there is a folder."""
        return tuple(sorted(path.name for path in _folders(self.folder) if not path.name.startswith(("_", "."))))

    def batches(self, kind: str, since: datetime | None = None, until: datetime | None = None) -> tuple[Batch, ...]:
        """Batches with ``since <= as_of <= until``, oldest first. Only partitions of those days are looked into."""
        since, until = since or BEGINNING, until or datetime.max.replace(tzinfo=UTC)
        found = [path for folder in self._partitions(kind, since.date(), until.date()) for path in _files(folder)]
        wanted = [path for path in found if since <= _as_of(path) <= until]
        return tuple(sorted((self._batch(kind, path) for path in wanted), key=age_order))

    def newest(self, kind: str) -> datetime | None:
        """The instant of the newest batch, by names alone; None when there is none."""
        for _, folder in reversed(_partition_folders(self.folder / kind)):
            if files := _files(folder):
                return max(map(_as_of, files))
        return None

    def beginning(self, kind: str) -> date:
        """The day of the oldest batch, by names alone; in the far future when there is none."""
        return min((day for day, _ in _partition_folders(self.folder / kind)), default=date.max)

    def named(self, batch_id: str) -> Batch | None:
        """The batch of that :attr:`Batch.id`; None when there is none. Raises SnapshotError when it cannot be read."""
        match = _BATCH_ID.fullmatch(batch_id)
        found = next((self.folder / match[1]).glob(f"date=*/{match[2]}.parquet"), None) if match else None
        return self._batch(match[1], found) if match and found else None

    def current(self, kind: str, at: datetime, fresh_for: timedelta) -> Selection:
        """For each store the newest batch at ``at``, where that is not older than ``fresh_for``."""
        return Selection(kind, _newest_pieces(self.batches(kind, _back(at, fresh_for), at), ALL_STORES))

    def previous(self, current: Selection) -> Selection:
        """For each store of ``current`` the batch just before its batch there, however old."""
        reach = timedelta(days=2)
        beginning = self.beginning(current.kind)
        while True:
            found = self._earlier(current, lambda as_of: (_back(as_of, reach), as_of - MOMENT))  # noqa: B023  (called at once)
            looked_to = _back(min(current.by_instant, default=BEGINNING), reach)
            if looked_to.date() < beginning or not current.stores - found.stores:
                return found
            reach *= 4

    def at_offset(self, current: Selection, offset: timedelta, fresh_for: timedelta) -> Selection:
        """For each store of ``current`` the batch that was current ``offset`` before its batch there, if it was fresh even then."""
        return self._earlier(current, lambda as_of: (_back(as_of, offset + fresh_for), _back(as_of, offset)))

    def _earlier(self, current: Selection, span: Callable[[datetime], tuple[datetime, datetime]]) -> Selection:
        """For each store of ``current`` the newest batch within the time that ``span`` gives for the instant of its batch there."""
        spans = {as_of: span(as_of) for as_of in current.by_instant}
        if not spans:
            return Selection(current.kind)
        line = _Line(self.batches(current.kind, min(since for since, _ in spans.values()), max(until for _, until in spans.values())))
        pieces = [piece for as_of, stores in current.by_instant.items() for piece in line.newest(*spans[as_of], stores)]
        return Selection(current.kind, _merged(pieces))

    def history(self, current: Selection, window: timedelta | None) -> Selection:
        """All batches before those of ``current``, not further back than ``window`` (None: from the beginning).

        Where two batches of one instant cover the same store, the one that :meth:`current` would take counts.
        """
        instants = current.by_instant
        if not instants:
            return Selection(current.kind)
        since = None if window is None else _back(min(instants), window)
        grouped: defaultdict[datetime, list[Batch]] = defaultdict(list)
        for batch in self.batches(current.kind, since, max(instants) - MOMENT):
            grouped[batch.as_of].append(batch)
        pieces = [piece for batches in grouped.values() for piece in _newest_pieces(batches, ALL_STORES)]
        return Selection(current.kind, tuple(piece for piece in pieces if piece.stores & current.stores))

    def known_stores(self, kind: str, since: datetime | None = None, until: datetime | None = None) -> frozenset[str]:
        """Stores that batches of the kind ever covered. Of a batch for all stores, those that have a row in it."""
        named: set[str] = set()
        for batch in self.batches(kind, since, until):
            named |= _stores_with_rows(batch.path) if batch.scope.inverted else batch.scope.names
        return frozenset(named)

    def ages(self, kind: str, at: datetime, fresh_for: timedelta) -> tuple[Age, ...]:
        """The age of each store's newest batch at ``at``, oldest first."""
        pieces = _newest_pieces(self.batches(kind, until=at), ALL_STORES)
        listed = [
            Age(kind, store, piece.batch.as_of, at - piece.batch.as_of, piece.batch.as_of + fresh_for < at)
            for piece in pieces
            for store in (["*"] if piece.stores.inverted else piece.stores.names)
        ]
        return tuple(sorted(listed, key=lambda age: (age.as_of, age.store_id)))

    def store_names(self, stores: Collection[str], at: datetime) -> dict[str, str]:
        """The names of stores by the newest batch of kind ``store`` that covers each, however old; unknown ones are left out."""
        wanted = Stores(frozenset(stores))
        names: dict[str, str] = {}
        for piece in _newest_pieces(self.batches("store", until=at), wanted) if stores else ():
            if "name" in piece.batch.columns:
                rows = pq.read_table(piece.batch.path, columns=["store_id", "name"], partitioning=None).to_pylist()
                names |= {row["store_id"]: row["name"] for row in rows if row["store_id"] in piece.stores and row["name"]}
        return names

    def _partitions(self, kind: str, first: date, last: date) -> Iterator[Path]:
        return (path for day, path in _partition_folders(self.folder / kind) if first <= day <= last)

    def _batch(self, kind: str, path: Path) -> Batch:
        if path not in self._footers:
            self._footers[path] = read_footer(kind, path)
        return self._footers[path]


class _Line:
    """Batches in time order, asked many times: a few stores are looked up one by one, not by walking past all batches."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self.batches = batches
        self._instants = [batch.as_of for batch in batches]

    def newest(self, since: datetime, until: datetime, wanted: Stores) -> tuple[Piece, ...]:
        """For each wanted store the newest batch with ``since <= as_of <= until`` that covers it."""
        first, end = bisect_left(self._instants, since), bisect_right(self._instants, until)
        if wanted.inverted or len(wanted.names) > end - first:
            return _newest_pieces(self.batches[first:end], wanted)
        found: defaultdict[int, set[str]] = defaultdict(set)
        for store in wanted.names:
            places = (self._last(store, end), self._last(None, end))
            if max(places) >= first:
                found[max(places)].add(store)
        return tuple(Piece(self.batches[place], Stores(frozenset(stores))) for place, stores in found.items())

    def _last(self, store: str | None, end: int) -> int:
        """The place of the last batch before place ``end`` that names ``store``, or is for all (None); -1 when there is none."""
        places = self._places.get(store, [])
        index = bisect_left(places, end)
        return places[index - 1] if index else -1

    @cached_property
    def _places(self) -> Mapping[str | None, list[int]]:
        places: defaultdict[str | None, list[int]] = defaultdict(list)
        for place, batch in enumerate(self.batches):
            for store in [None] if batch.scope.inverted else batch.scope.names:
                places[store].append(place)
        return places


def read_footer(kind: str, path: Path) -> Batch:
    """The batch that the file at ``path`` holds. Raises SnapshotError when it is not a batch of ``kind``."""
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
        about = json.loads((schema.metadata or {})[FOOTER])
        scope = ALL_STORES if about["scope"] == "*" else Stores(frozenset(about["scope"]))
        if about["version"] != VERSION or about["kind"] != kind:
            raise ValueError(f"version {about['version']} of kind {about['kind']}")
    except FileNotFoundError:
        text = Text(f"{path} was removed while it was read; run again", f"读取时 {path} 已被删除；请重新运行")
        raise SnapshotError(text) from None
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise SnapshotError(
            Text(f"{path} is not a batch of '{kind}': {error}", f"{path} 不是 '{kind}' 的快照文件，或已损坏"),
            FOREIGN,
        ) from error
    columns = dict(zip(schema.names, schema.types, strict=True))
    return Batch(
        kind=kind,
        as_of=_as_of(path),
        scope=scope,
        path=path,
        rows=rows,
        quarantined=about.get("quarantined", 0),
        source=about.get("source", ""),
        ingested_at=about.get("ingested_at", ""),
        lost=frozenset(map(tuple, about.get("lost", ()))),
        columns=columns,
    )


def age_order(batch: Batch) -> tuple[datetime, str, str]:
    """Of two batches of one instant the one that was ingested later is the newer: it corrects the other."""
    return batch.as_of, batch.ingested_at, batch.path.name


def _newest_pieces(batches: Sequence[Batch], wanted: Stores) -> tuple[Piece, ...]:
    """Gives each wanted store to the newest batch that covers it. ``batches`` are in time order; a batch for all stores ends the walk.

    Many batches with one scope are common, so a scope that was met before is passed over at once.
    """
    pieces: list[Piece] = []
    taken: set[str] = set()
    met: set[frozenset[str]] = set()
    for batch in reversed(batches):
        if batch.scope.inverted:
            rest = wanted - Stores(frozenset(taken))
            return (*pieces, Piece(batch, rest)) if rest else tuple(pieces)
        if batch.scope.names in met:
            continue
        met.add(batch.scope.names)
        if not taken and wanted == ALL_STORES:
            names = batch.scope.names
        else:
            names = (batch.scope.names - taken) & wanted.names if not wanted.inverted else batch.scope.names - taken - wanted.names
        taken |= names
        if names:
            pieces.append(Piece(batch, Stores(names)))
    return tuple(pieces)


def _merged(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """One piece a batch."""
    stores: defaultdict[Path, list[Piece]] = defaultdict(list)
    for piece in pieces:
        stores[piece.batch.path].append(piece)
    return tuple(Piece(same[0].batch, Selection("", tuple(same)).stores) for same in stores.values())


def _stores_with_rows(path: Path) -> set[str]:
    column = pq.read_table(path, columns=["store_id"], partitioning=None).column("store_id")
    return {store for store in column.unique().to_pylist() if store is not None}


def _back(instant: datetime, by: timedelta) -> datetime:
    """``instant - by``, but not before the beginning of time."""
    return instant - min(by, instant - BEGINNING)


def _as_of(path: Path) -> datetime:
    match = _NAME.fullmatch(path.name)
    return datetime.strptime(match[1], AS_OF).replace(tzinfo=UTC) if match else BEGINNING


def _partition_folders(folder: Path) -> list[tuple[date, Path]]:
    """(day, folder) of every ``date=...`` folder, in order of time."""
    named = [(match[1], path) for path in _folders(folder) if (match := _PARTITION.fullmatch(path.name))]
    return sorted((date.fromisoformat(day), path) for day, path in named)


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry) for entry in entries if entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _unreadable(folder, error) from None


def _unreadable(folder: Path, error: OSError) -> SnapshotError:
    said = os_reason(error)
    return SnapshotError(Text(f"{folder} cannot be read: {said.en}", f"无法读取 {folder}：{said.zh}"))


def _files(folder: Path) -> list[Path]:
    """Batch files of one partition. Temporary files of a running ingest are passed over; a Parquet file of another name is refused."""
    try:
        files = [path for path in folder.iterdir() if path.suffix == ".parquet" and not path.name.startswith((".", "_"))]
    except FileNotFoundError:  # pruned in the meantime
        return []
    except OSError as error:
        raise _unreadable(folder, error) from None
    foreign = next((path for path in files if not _NAME.fullmatch(path.name)), None)
    if foreign:
        text = Text(f"{foreign} is not named like a batch", f"{foreign} 的文件名不是快照文件的格式")
        raise SnapshotError(text, FOREIGN)
    return files
