"""What was seen already, by content: one SQLite file beside the snapshots (``_looks/looks.db``).

A result belongs to an enricher, its version, and a subject (the SHA-256 of a picture's bytes, or an address). A result of another
version counts as none, so that a better reader reads again. Each result is stored as soon as it is known: who is interrupted goes on
from there.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import StorageError, Text

FOLDER, FILE = "_looks", "looks.db"
LOOKS_ALIKE = 24  # of 255: the most that any patch of two pictures may differ that look the same (measured: docs/eyes.md)
_TABLES = """
CREATE TABLE IF NOT EXISTS seen (enricher TEXT, subject TEXT, version INTEGER, at TEXT, result TEXT, PRIMARY KEY (enricher, subject));
CREATE TABLE IF NOT EXISTS pictures (subject TEXT PRIMARY KEY, jpeg BLOB, at TEXT);
CREATE TABLE IF NOT EXISTS appearances (fingerprint TEXT PRIMARY KEY, patches BLOB, at TEXT);
"""
Found = Mapping[str, Any]


class Looks:
    """The results under a snapshot folder. Safe to use from several threads and processes at once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._names: list[str] = []
        self._patches: NDArray[np.int16] | None = None

    def known(self, enricher: str, version: int, subject: str, since: datetime | None = None) -> Found | None:
        """The result for ``subject``, unless it is of another version or older than ``since``."""
        with self._lock:
            row = self._connection.execute(
                "SELECT version, at, result FROM seen WHERE enricher = ? AND subject = ?", (enricher, subject)
            ).fetchone()
        if row is None or row[0] != version or (since and datetime.fromisoformat(row[1]) < since):
            return None
        found: Found = json.loads(row[2])
        return found

    def last(self, enricher: str, subject: str) -> Found | None:
        """The result for ``subject``, of whatever version: better than nothing where it cannot be looked at again."""
        with self._lock:
            row = self._connection.execute("SELECT result FROM seen WHERE enricher = ? AND subject = ?", (enricher, subject)).fetchone()
        found: Found | None = json.loads(row[0]) if row else None
        return found

    def note(self, enricher: str, version: int, subject: str, result: Found, at: datetime) -> None:
        values = (enricher, subject, version, _stamp(at), json.dumps(result, ensure_ascii=False))
        self._write("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?)", values)

    def keep_picture(self, subject: str, jpeg: bytes, at: datetime) -> None:
        self._write("INSERT OR REPLACE INTO pictures VALUES (?, ?, ?)", (subject, jpeg, _stamp(at)))

    def picture(self, subject: str) -> bytes | None:
        """The small picture that was kept of ``subject``, with its box: a JPEG."""
        with self._lock:
            row = self._connection.execute("SELECT jpeg FROM pictures WHERE subject = ?", (subject,)).fetchone()
        return bytes(row[0]) if row else None

    def fingerprint(self, name: str, patches: bytes, at: datetime) -> str:
        """``name``, or the fingerprint of an earlier picture that looks the same: then this one has that."""
        with self._lock:
            if self._patches is None:
                self._load_appearances()
            own = np.frombuffer(patches, dtype=np.uint8).astype(np.int16)
            if self._patches is not None and len(self._patches):
                apart = np.abs(self._patches - own).max(axis=1)
                nearest = int(apart.argmin())
                if apart[nearest] < LOOKS_ALIKE:
                    return self._names[nearest]
            self._names.append(name)
            self._patches = own[None] if self._patches is None else np.concatenate([self._patches, own[None]])
        self._write("INSERT OR IGNORE INTO appearances VALUES (?, ?, ?)", (name, patches, _stamp(at)))
        return name

    def touch(self, subject: str, at: datetime) -> None:
        """Note that ``subject`` is still asked for: what is known of it stays."""
        for table in ("seen", "pictures"):
            self._write(f"UPDATE {table} SET at = ? WHERE subject = ?", (_stamp(at), subject))  # noqa: S608 - a constant

    def forget(self, before: datetime) -> int:
        """Remove what was seen before an instant; how many results that were."""
        stamp = (_stamp(before),)
        removed = self._write("DELETE FROM seen WHERE at < ?", stamp)
        for table in ("pictures", "appearances"):
            self._write(f"DELETE FROM {table} WHERE at < ?", stamp)  # noqa: S608 - a constant
        return removed

    def _load_appearances(self) -> None:
        rows = self._connection.execute("SELECT fingerprint, patches FROM appearances ORDER BY at, fingerprint").fetchall()
        self._names = [name for name, _ in rows]
        if rows:
            self._patches = np.stack([np.frombuffer(patches, dtype=np.uint8) for _, patches in rows]).astype(np.int16)

    def _write(self, statement: str, values: tuple[object, ...]) -> int:
        try:
            with self._lock, self._connection:
                return self._connection.execute(statement, values).rowcount
        except sqlite3.Error as error:
            raise StorageError(Text(f"{FOLDER}/{FILE} cannot be written: {error}", f"无法写入 {FOLDER}/{FILE}：{error}")) from None


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


@contextmanager
def open_looks(snapshots: Path) -> Iterator[Looks]:
    """What was seen, under a folder of snapshots; made if it is not there. Raises :class:`~engine.errors.StorageError`."""
    folder = snapshots / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(folder / FILE, timeout=30, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_TABLES)
            yield Looks(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        hint = Text("if it is damaged, delete it: pictures are then looked at anew", "如果文件损坏，删除即可：图片会重新识别")
        raise StorageError(Text(f"{folder / FILE} cannot be used: {error}", f"无法使用 {folder / FILE}：{error}"), hint) from None


def forget_looks(snapshots: Path, before: datetime) -> int:
    """Remove what was seen, and not asked for since ``before``; how many results that were."""
    if not (snapshots / FOLDER / FILE).is_file():
        return 0
    with open_looks(snapshots) as looks:
        return looks.forget(before)


def kept_pictures(snapshots: Path, subjects: Iterable[str]) -> dict[str, bytes]:
    """The small pictures of these subjects, of those that have one. Raises :class:`~engine.errors.StorageError`."""
    if not (snapshots / FOLDER / FILE).is_file():
        return {}
    with open_looks(snapshots) as looks:
        found = {subject: looks.picture(subject) for subject in subjects}
    return {subject: jpeg for subject, jpeg in found.items() if jpeg}
