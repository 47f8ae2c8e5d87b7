"""Opening an export by what it is, not by what it is called.

SQLAlchemy and openpyxl take longer to load than a small export takes to read: only an export that needs them loads them.
"""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from engine.errors import IngestError, Text
from engine.ingest.delimited import BLOCK, open_delimited
from engine.ingest.headings import Judge
from engine.ingest.options import check_file, is_url
from engine.ingest.records import open_json, open_json_lines, open_parquet
from engine.ingest.tables import Table

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

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
        from engine.ingest.queries import database_url, shown

        url = database_url(source, query)
        return Export(shown(url), url, query)
    path = check_file(source, query)
    return Export(path.name, path)


def digest_of(export: Export) -> str:
    """SHA-256 of the file, in hexadecimal; of a query, that of its text and where it was asked."""
    if not isinstance(export.place, Path):
        return hashlib.sha256(f"{export.name}\n{export.query}".encode()).hexdigest()
    with export.place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_export(export: Export, judge: Judge) -> AbstractContextManager[Table]:
    """The export as a table; ``judge`` finds its heading row. Raises :class:`IngestError` for what is empty, cut or not an export."""
    if not isinstance(export.place, Path):
        from engine.ingest.queries import open_query

        return open_query(export.place, export.query)
    path = export.place
    with path.open("rb") as file:
        start = _first_bytes(file)
    if not start:
        raise IngestError(Text("the file is empty", "文件是空的"))
    if start.startswith((ZIP, COMPOUND)):
        return _open_workbook(path, judge, compound=start.startswith(COMPOUND))
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


def _open_workbook(path: Path, judge: Judge, *, compound: bool) -> AbstractContextManager[Table]:
    from engine.ingest.workbooks import open_xls, open_xlsx

    return open_xls(path, judge) if compound else open_xlsx(path, judge)


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
