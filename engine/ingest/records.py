"""Exports whose rows are records with names: JSON, JSON lines, Parquet."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import IngestError, Text
from engine.ingest.delimited import CUT_HINT, text_encoding
from engine.ingest.tables import Row, Table, as_text, guarded

MAX_JSON = 256 << 20
FETCH = 5_000
_RECORDS = Text("expected a list of objects", "应为对象的列表")


BROKEN_PARQUET: tuple[type[Exception], ...] = (pa.ArrowException, OSError)


@dataclass(slots=True)
class Counted:
    """Rows, with the number of the one that was read last."""

    rows: Iterator[Row]
    at: int = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self.rows:
            self.at = row[0]
            yield row


def _decode(text: str, line: int) -> object:
    """JSON with every number as it is written, so that long numbers stay whole."""
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=lambda _: None)
    except json.JSONDecodeError as error:
        at = line + error.lineno - 1
        raise IngestError(Text(f"line {at}: is not JSON ({error.msg})", f"第 {at} 行：不是合法的 JSON"), CUT_HINT) from None
    except RecursionError:
        raise IngestError(Text(f"line {line}: is nested too deeply", f"第 {line} 行：嵌套过深")) from None


def _record(value: object, line: int) -> dict[str, object]:
    if isinstance(value, dict):
        return value
    raise IngestError(Text(f"line {line}: is not an object; {_RECORDS.en}", f"第 {line} 行：不是对象；{_RECORDS.zh}"))


def cell_text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else as_text(value)


def _names(records: Iterable[dict[str, object]]) -> tuple[str, ...]:
    """All names of all records: a record may have what earlier ones lack."""
    return tuple(dict.fromkeys(name for record in records for name in record))


@contextmanager
def open_json(path: Path) -> Iterator[Table]:
    """A JSON list of objects (or an object that holds just one such list) as a table; rows are counted from 1."""
    if path.stat().st_size > MAX_JSON:
        hint = Text("export it as JSON lines (one object a line) or CSV", "请导出为 JSON lines（每行一个对象）或 CSV")
        raise IngestError(Text("is larger than 256 MB", "超过 256 MB"), hint)
    found = _list_in(_decode(path.read_text(text_encoding(path)), 1))
    records = [_record(value, number) for number, value in enumerate(found, 1)]
    names = _names(records)
    counted = Counted((number, [cell_text(record.get(name)) for name in names]) for number, record in enumerate(records, 1))
    yield Table(names, iter(counted), lambda: (counted.at, len(records)))


def _list_in(data: object) -> list[object]:
    """The records of a document: itself, the one list in it (however deep APIs wrap it), or one record by itself."""
    if isinstance(data, list):
        return data
    if not isinstance(data, dict):
        raise IngestError(_RECORDS)
    lists = [value for value in data.values() if isinstance(value, list)]
    inner = [value for value in data.values() if isinstance(value, dict)]
    if len(lists) == 1:
        return lists[0]
    if lists or len(inner) > 1:
        raise IngestError(_RECORDS)
    return _list_in(inner[0]) if inner else [data]


@contextmanager
def open_json_lines(path: Path) -> Iterator[Table]:
    """One object a line. The file is read twice: once for the names, once for the rows."""
    encoding = text_encoding(path)
    size = path.stat().st_size
    with path.open(encoding=encoding) as file:
        names = _names(record for _, record in _lines(file))
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding) as file:
        rows = ((line, [cell_text(record.get(name)) for name in names]) for line, record in _lines(file))
        yield Table(names, rows, lambda: (min(raw.tell(), size), size))


def _lines(file: TextIO) -> Iterator[tuple[int, dict[str, object]]]:
    for number, line in enumerate(file, 1):
        if line.strip():
            yield number, _record(_decode(line, number), number)


@contextmanager
def open_parquet(path: Path) -> Iterator[Table]:
    """Row group by row group. Raises :class:`IngestError` for a file without its footer (half-written)."""
    try:
        file = pq.ParquetFile(path)
    except BROKEN_PARQUET as error:
        raise _broken_parquet(error) from None
    with file:
        counted = Counted(guarded(_parquet_rows(file), BROKEN_PARQUET, _broken_parquet))
        total = file.metadata.num_rows
        yield Table(file.schema_arrow.names, iter(counted), lambda: (counted.at, total))


def _parquet_rows(file: pq.ParquetFile) -> Iterator[Row]:
    at = 0
    for batch in file.iter_batches(FETCH):
        columns = [[cell_text(value) for value in column.to_pylist()] for column in batch.columns]
        yield from enumerate(zip(*columns, strict=True), at + 1)
        at += batch.num_rows


def _broken_parquet(error: Exception) -> IngestError:
    return IngestError(Text(f"is not a whole Parquet file ({error})", "不是完整的 Parquet 文件"), CUT_HINT)
