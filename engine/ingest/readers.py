"""Opening an export by what it is, not by what it is called."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from engine.errors import IngestError, Text
from engine.ingest.delimited import BLOCK, open_delimited
from engine.ingest.headings import Judge
from engine.ingest.options import check_file, is_url
from engine.ingest.records import open_json, open_json_lines, open_parquet, open_query
from engine.ingest.tables import Table
from engine.ingest.workbooks import open_xls, open_xlsx

ZIP, COMPOUND, PARQUET = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1"


@dataclass(frozen=True, slots=True)
class Export:
    """An export to be read: a file (``place`` is its path), or a query. ``name`` never holds a folder or a password."""

    name: str
    place: Path | URL
    query: str = ""

    @property
    def modified(self) -> datetime | None:
        """When the file was last changed, in whole seconds."""
        return datetime.fromtimestamp(int(self.place.stat().st_mtime), UTC) if isinstance(self.place, Path) else None


def find_export(source: str, query: str = "") -> Export:
    """``source`` is a path, or an SQLAlchemy URL together with ``query``. Raises :class:`IngestError`."""
    if is_url(source):
        return _database(source, query)
    path = check_file(source, query)
    return Export(path.name, path)


def _database(source: str, query: str) -> Export:
    try:
        url = make_url(source)
    except (ArgumentError, ValueError):  # whose messages would repeat the password
        hint = Text("write it like sqlite:///shop.db or postgresql://user:password@host/name", "写法如 sqlite:///shop.db")
        raise IngestError(Text("is not a database URL", "不是数据库地址"), hint) from None
    if not query.strip():
        hint = Text("give --query 'select …'", "请加上 --query 'select …'")
        raise IngestError(Text("a database needs a query", "从数据库读取需要查询语句"), hint)
    return Export(url.render_as_string(hide_password=True), url, query)


def digest_of(export: Export) -> str:
    """SHA-256 of the file, in hexadecimal; of a query, that of its text and where it was asked."""
    if isinstance(export.place, URL):
        return hashlib.sha256(f"{export.name}\n{export.query}".encode()).hexdigest()
    with export.place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_export(export: Export, judge: Judge) -> AbstractContextManager[Table]:
    """The export as a table; ``judge`` finds its heading row. Raises :class:`IngestError` for what is empty, cut or not an export."""
    if isinstance(export.place, URL):
        return open_query(export.place, export.query)
    path = export.place
    with path.open("rb") as file:
        start = _first_bytes(file)
    if not start:
        raise IngestError(Text("the file is empty", "文件是空的"))
    if start.startswith(ZIP):
        return open_xlsx(path, judge)
    if start.startswith(COMPOUND):
        return open_xls(path, judge)
    if start.startswith(PARQUET):
        return open_parquet(path)
    if start[:1] == b"[":
        return open_json(path)
    if start[:1] == b"{":
        return open_json_lines(path) if _is_json_lines(path) else open_json(path)
    if start[:1] == b"<":
        raise IngestError(
            Text("is a web page (HTML), not a table", "是网页（HTML），不是表格"),
            Text("open it in Excel and save it as xlsx or CSV", "请用 Excel 打开后另存为 xlsx 或 CSV"),
        )
    return open_delimited(path, judge)


def _first_bytes(file: BinaryIO) -> bytes:
    """The first bytes that are not white space or a byte-order mark, at most four."""
    return file.read(BLOCK).removeprefix(b"\xef\xbb\xbf").lstrip()[:4]


def _is_json_lines(path: Path) -> bool:
    """Whether the file has an object on each line: by its name, else by its second line."""
    if path.suffix in (".jsonl", ".ndjson"):
        return True
    with path.open("rb") as file:
        first, second, *_ = [*islice((line.strip() for line in file if line.strip()), 2), b"", b""]
    return first.endswith(b"}") and second.startswith(b"{")
