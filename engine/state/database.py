"""The connection to the state database: how it is opened, migrated and kept safe, and how its errors are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from sqlalchemy import Connection, Table, inspect, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Engine, create_engine, make_url
from sqlalchemy.event import listens_for
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from tenacity import retry, retry_if_exception_message, stop_after_delay, wait_random

from engine.errors import StateError, Text
from engine.migrations import HEAD

LOCK_WAIT = 30  # seconds that a writer waits for another
LOCK = 7_305_011_905  # an arbitrary number that all storewatch processes share
ADDRESS_HINT = Text(
    "write it like sqlite:///state.db or postgresql+psycopg://user@host/name",
    "写法如 sqlite:///state.db 或 postgresql+psycopg://user@host/name",
)
_KNOWN_ERRORS = (
    (
        "locked",
        Text("the state database is locked by another process", "状态库被另一个进程锁住了"),
        Text("wait until the other storewatch is done, or stop it", "请等另一个 storewatch 运行结束，或将其停止"),
    ),
    (
        "disk is full",
        Text("the disk is full: nothing was stored", "磁盘已满，没有写入任何内容"),
        Text("make room, then run it again", "请清出空间后重新运行"),
    ),
    (
        "readonly",
        Text("the state database cannot be written", "状态库不可写"),
        Text("give this user the right to write the file and its folder", "请给当前用户该文件及其文件夹的写权限"),
    ),
    (
        "not a database",
        Text("the state file is not a SQLite database", "状态文件不是 SQLite 数据库"),
        Text("point storewatch at another file, or move this one away", "请改用另一个文件，或把这个文件移走"),
    ),
    (
        "malformed",
        Text("the state database is damaged", "状态库已损坏"),
        Text("restore it from a backup, or try: sqlite3 state.db .recover", "请从备份恢复，或试试 sqlite3 state.db .recover"),
    ),
    (
        "unable to open",
        Text("the state database cannot be opened", "状态库无法打开"),
        Text("see that its folder exists and that this user may write there", "请确认所在文件夹存在且当前用户可写"),
    ),
)


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the database as :class:`StateError`, without SQL, parameters or passwords."""
    try:
        yield
    except DBAPIError as error:
        raise _translate(str(error.orig)) from None
    except SQLAlchemyError as error:
        raise _translate(type(error).__name__) from None


def _translate(message: str) -> StateError:
    for words, sentence, hint in _KNOWN_ERRORS:
        if words in message:
            return StateError(sentence, hint)
    first = message.strip().split("\n", maxsplit=1)[0][:200]
    return StateError(Text(f"the state database cannot be used: {first}", f"状态库无法使用：{first}"))


class Database:
    """An open database with storewatch's tables. Use as a context manager, or :meth:`close` it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, url: str) -> Self:
        """Open (and where needed create or migrate) the database, e.g. ``sqlite:///state.db`` or ``postgresql+psycopg://...``.

        Raises :class:`StateError`, also for a database that a newer storewatch has migrated.
        """
        with translated():
            database = cls(_engine(url))
            try:
                database._migrate()
            except BaseException:
                database.close()
                raise
            return database

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to ask with; it waits for no writer."""
        with translated(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction; on SQLite it holds the one write lock from its start, so that what it reads stays true."""
        with translated(), self.engine.connect() as connection:
            connection.execution_options(storewatch_writes=True)
            with connection.begin():
                yield connection

    @contextmanager
    def writing_alone(self) -> Iterator[Connection]:
        """As :meth:`writing`, but on PostgreSQL, too, one at a time among all storewatch processes."""
        with self.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
            yield connection

    def insert(self, table: Table) -> Any:
        """An INSERT that knows ON CONFLICT, which SQLite and PostgreSQL spell alike and SQLAlchemy keeps apart."""
        if self.engine.dialect.name == "sqlite":
            return sqlite.insert(table)
        from sqlalchemy.dialects import postgresql  # heavy

        return postgresql.insert(table)

    def _migrate(self) -> None:
        with self.reading() as connection:
            if _revision(connection) == HEAD:
                return
        from engine.migrations import running  # heavy: Alembic

        with self.writing_alone() as connection:
            revision = _revision(connection)
            if revision and not running.knows(revision):
                raise _too_new(revision)
            if revision != HEAD:
                running.upgrade(connection)


def _too_new(revision: str) -> StateError:
    sentence = Text(
        f"the state database is newer than this storewatch (revision {revision})",
        f"状态库的版本（{revision}）比当前 storewatch 新",
    )
    return StateError(sentence, Text("upgrade storewatch, or point it at another database", "请升级 storewatch，或改用另一个数据库"))


def _engine(url: str) -> Engine:
    """Raises :class:`StateError` for an address that means no database we know."""
    try:
        address = make_url(url)
        backend = address.get_backend_name()
        if backend not in ("sqlite", "postgresql"):
            raise StateError(Text(f"state cannot be kept in {backend}", f"状态库不支持 {backend}"), ADDRESS_HINT)
        engine = create_engine(address, hide_parameters=True, pool_pre_ping=backend == "postgresql")
    except SQLAlchemyError:
        raise StateError(Text("the address of the state database is not valid", "状态库的地址不正确"), ADDRESS_HINT) from None
    except ModuleNotFoundError as error:
        hint = Text("install storewatch[postgres]", "请安装 storewatch[postgres]")
        raise StateError(Text(f"the database driver {error.name} is not installed", f"没有安装数据库驱动 {error.name}"), hint) from None
    if backend == "sqlite":
        _prepare_sqlite(engine)
    return engine


def _prepare_sqlite(engine: Engine) -> None:
    """Durable settings, and transactions that begin when we say so: the driver by itself begins them only at the first write."""

    @listens_for(engine, "connect")
    def _connect(connection: Any, _: object) -> None:
        connection.isolation_level = None
        for pragma in (f"busy_timeout={LOCK_WAIT * 1000}", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        _switch_to_wal(connection)

    @listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("storewatch_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@retry(
    retry=retry_if_exception_message(match="database is locked"),
    wait=wait_random(0.01, 0.1),
    stop=stop_after_delay(LOCK_WAIT),
    reraise=True,
)
def _switch_to_wal(connection: Any) -> None:
    """The first process to open a database switches it; for this one step SQLite does not wait for others by itself."""
    connection.execute("PRAGMA journal_mode=WAL")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalars(text("SELECT version_num FROM alembic_version")).first()
