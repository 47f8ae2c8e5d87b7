"""Whose turn it is. Rounds are evaluated one at a time among all processes on one database, so that no round works from states that
another one is about to change. A lock here ends with the process that holds it, however it dies.

On PostgreSQL the turn is an advisory lock of a session (a pooler that shares sessions between clients would break it); on SQLite it is a
lock on a file beside the database.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from engine.errors import StateError, Text, UsageError
from engine.state.database import LOCK, Database, translated

TURN = LOCK + 1
PAUSE = 0.02  # seconds between two attempts to get the turn; a daemon that is behind leaves little time between two rounds
GoOn = Callable[[], bool]


@contextmanager
def turn(database: Database, go_on: GoOn) -> Iterator[bool]:
    """Wait for the turn for as long as ``go_on()`` says so; yields whether we have it. Raises :class:`StateError`."""
    path = _beside(database, "turn")
    held = _file_turn(path, go_on) if path else _session_turn(database, go_on)
    with held as ours:
        yield ours


@contextmanager
def only_daemon(database: Database, now: datetime) -> Iterator[None]:
    """On SQLite: be the one daemon of this database. PostgreSQL may have several. Raises :class:`UsageError` that names the other one."""
    path = _beside(database, "daemon")
    if path is None:
        yield
        return
    with _opened(path) as handle:
        if not _locked(handle):
            raise _other_daemon(path)
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps({"process": os.getpid(), "since": now.isoformat(timespec="seconds")}).encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(handle, 0)


def _beside(database: Database, what: str) -> Path | None:
    """The lock file beside an SQLite database; None on PostgreSQL."""
    url = database.engine.url
    return Path(f"{url.database}.{what}") if url.get_backend_name() == "sqlite" and url.database else None


def _wait_for(attempt: Callable[[], bool], go_on: GoOn) -> bool:
    while not attempt():
        if not go_on():
            return False
        time.sleep(PAUSE * random.uniform(0.5, 1.5))  # noqa: S311 - spreads attempts
    return True


@contextmanager
def _file_turn(path: Path, go_on: GoOn) -> Iterator[bool]:
    with _opened(path) as handle:
        yield _wait_for(lambda: _locked(handle), go_on)


@contextmanager
def _session_turn(database: Database, go_on: GoOn) -> Iterator[bool]:
    with translated():
        connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        with translated():
            ours = _wait_for(lambda: bool(connection.scalar(text(f"SELECT pg_try_advisory_lock({TURN})"))), go_on)
        yield ours
    finally:
        _hand_back(connection)


def _hand_back(connection: Connection) -> None:
    """End the turn; where the connection is broken, the server ends it."""
    try:
        connection.execute(text("SELECT pg_advisory_unlock_all()"))
    except SQLAlchemyError:
        connection.invalidate()
    finally:
        connection.close()


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise StateError(Text(f"{path} cannot be opened: {error.strerror}", f"无法打开 {path}：{error.strerror}")) from None
    try:
        yield handle
    finally:
        os.close(handle)  # and with it the lock


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _other_daemon(path: Path) -> UsageError:
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        en, zh = f" (process {about['process']}, since {about['since']})", f"（进程 {about['process']}，启动于 {about['since']}）"
    except (OSError, ValueError, KeyError):
        en, zh = "", ""
    return UsageError(
        Text(f"another storewatch serve works on this database{en}", f"已有另一个 storewatch serve 在用这个状态库{zh}"),
        Text(
            "stop it first; several daemons can share a PostgreSQL database, but not a SQLite file",
            "请先停掉它；多个守护进程可以共用 PostgreSQL，但不能共用一个 SQLite 文件",
        ),
    )
