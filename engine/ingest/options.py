"""What is asked of an ingest, and what can be told of it before anything heavy is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from engine.errors import IngestError, Secret, Text
from engine.snapshots import os_reason

SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Options:
    """How an export is to be taken. ``as_of`` is aware; ``store`` is the store of all rows; with ``all_stores`` the export speaks for
    every store, so that one without rows has none; ``max_bad`` overrides that of ``facts.yaml``; paths of pictures lead to files under
    ``pictures``, by default the folder of the export."""

    now: datetime
    kinds: tuple[str, ...] = ()
    as_of: datetime | None = None
    store: str = ""
    all_stores: bool = False
    secret: Secret | None = None
    query: str = ""
    allow_empty: bool = False
    max_bad: Decimal | None = None
    pictures: Path | None = None


def is_url(source: str) -> bool:
    return "://" in source


def check_file(source: str, query: str = "") -> Path:
    """The path of an export that is a file. Raises :class:`IngestError` when it is none."""
    path = Path(source)
    if not path.is_file():
        raise IngestError(Text("is not a file" if path.exists() else "is not there", "不是文件" if path.exists() else "找不到文件"))
    try:
        with path.open("rb") as file:
            start = file.read(len(SQLITE))
    except OSError as error:
        said = os_reason(error)
        raise IngestError(Text(f"cannot be read: {said.en}", f"无法读取：{said.zh}")) from None
    if start == SQLITE:
        written = f"sqlite:///{path} --query 'select …'"
        raise IngestError(Text("is a SQLite database", "是 SQLite 数据库"), Text(f"write {written}", f"请写成 {written}"))
    if query:
        raise IngestError(Text("--query needs a database URL, not a file", "--query 需要数据库地址，而不是文件"))
    return path


def named(source: str, error: IngestError) -> IngestError:
    """The error with the name of the file before it; an error about a database names it itself."""
    if is_url(source):
        return error
    name = Path(source).name
    return IngestError(Text(f"{name}: {error.text.en}", f"{name}：{error.text.zh}"), error.hint)
