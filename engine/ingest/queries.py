"""The rows of an SQL query as an export. Databases are only read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import sqlalchemy
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from engine.errors import IngestError, Text
from engine.ingest.records import FETCH, Counted, cell_text
from engine.ingest.tables import Table, guarded

READ_ONLY: Mapping[str, Mapping[str, bool]] = {"postgresql": {"postgresql_readonly": True}}
SELECT = Text("a query may only read: write a select", "查询只能读取数据：请使用 select")
SQLITE_PATH = Text(
    "sqlite:///shop.db is a file in this folder, sqlite:////data/shop.db one with its whole path",
    "sqlite:///shop.db 是当前文件夹里的文件，sqlite:////data/shop.db 是完整路径",
)
QUERY_ERRORS: tuple[type[Exception], ...] = (SQLAlchemyError, ImportError)


def database_url(source: str, query: str) -> URL:
    """The address to be asked, where there is a query. Raises :class:`IngestError`."""
    try:
        url = make_url(source)
    except (ArgumentError, ValueError):  # whose messages would repeat the password
        hint = Text("write it like sqlite:///shop.db or postgresql://user:password@host/name", "写法如 sqlite:///shop.db")
        raise IngestError(Text("is not a database URL", "不是数据库地址"), hint) from None
    if not query.strip():
        hint = Text("give --query 'select …'", "请加上 --query 'select …'")
        raise IngestError(Text("a database needs a query", "从数据库读取需要查询语句"), hint)
    return url


@contextmanager
def open_query(url: URL, query: str) -> Iterator[Table]:
    """The rows of a query, fetched in parts. The password of ``url`` never gets into a message."""

    def failed(error: Exception) -> IngestError:
        return _query_failed(url, error)

    _require_database(url)
    try:
        engine = sqlalchemy.create_engine(_read_only(url), poolclass=sqlalchemy.NullPool)
        connection = engine.connect().execution_options(stream_results=True, yield_per=FETCH, **READ_ONLY.get(url.get_backend_name(), {}))
    except QUERY_ERRORS as error:
        raise failed(error) from None
    with connection:
        try:
            if url.get_backend_name() in ("mysql", "mariadb"):
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            result = connection.execute(sqlalchemy.text(query))
        except QUERY_ERRORS as error:
            raise failed(error) from None
        if not result.returns_rows:
            raise IngestError(Text(f"{shown(url)}: the query gives no rows", f"{shown(url)}：查询没有返回行"), SELECT)
        names = tuple(result.keys())
        rows = ((number, [cell_text(value) for value in values]) for number, values in enumerate(result, 1))
        counted = Counted(guarded(rows, QUERY_ERRORS, failed))
        yield Table(names, iter(counted), lambda: (counted.at, None))


def _require_database(url: URL) -> None:
    """SQLite would make an empty database of a name that is mistyped. Raises :class:`IngestError`."""
    if url.get_backend_name() == "sqlite" and _sqlite_file(url) and not Path(url.database or "").is_file():
        raise IngestError(Text(f"{shown(url)}: there is no such database", f"{shown(url)}：没有这个数据库文件"), SQLITE_PATH)


def _read_only(url: URL) -> URL:
    """The URL so that SQLite opens the file for reading only."""
    if url.get_backend_name() != "sqlite" or not _sqlite_file(url):
        return url
    return url.set(database=f"file:{quote(url.database or '')}").update_query_dict({"mode": "ro", "uri": "true"})


def _sqlite_file(url: URL) -> bool:
    return bool(url.database) and url.database != ":memory:" and not str(url.database).startswith("file:")


def shown(url: URL) -> str:
    """The address without its password."""
    return url.render_as_string(hide_password=True)


def _query_failed(url: URL, error: Exception) -> IngestError:
    said = str(getattr(error, "orig", None) or error).split("\n", maxsplit=1)[0]
    if url.password:
        said = said.replace(str(url.password), "***")
    return IngestError(Text(f"{shown(url)}: the query failed: {said}", f"{shown(url)}：查询失败：{said}"), SELECT)
