"""CSV and its kin: the encoding, the delimiter and the heading row are found out; read line by line."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from engine.errors import IngestError, Text
from engine.ingest.headings import HEADING_ROWS, Judge
from engine.ingest.tables import Row, Table, best_heading, is_total, with_headings

DELIMITERS = (",", "\t", ";", "|")
BLOCK = 1 << 20
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
CUT_HINT = Text("it looks half-written: export it again", "文件似乎没有写完整，请重新导出")


def text_encoding(path: Path) -> str:
    """The encoding of the whole file: by its mark, else UTF-8 if all of it is, else GB18030. Raises :class:`IngestError`."""
    with path.open("rb") as file:
        start = file.read(4)
        for mark, encoding in _MARKS.items():
            if start.startswith(mark):
                return encoding
        if _decodes(file, "utf-8"):
            return "utf-8"
        if _decodes(file, "gb18030"):
            return "gb18030"
    raise IngestError(
        Text("is not text in UTF-8 or GB18030", "不是 UTF-8 或 GB18030 编码的文本"),
        Text("export it as CSV or xlsx; if it is one, export it again", "请导出为 CSV 或 xlsx；如果已经是，请重新导出"),
    )


def _decodes(file: BinaryIO, encoding: str) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while block := file.read(BLOCK):
            if b"\0" in block:
                raise IngestError(
                    Text("is not a CSV file: it has binary data", "不是 CSV 文件：里面有二进制数据"),
                    Text("export it as CSV, xlsx, JSON lines or Parquet", "请导出为 CSV、xlsx、JSON lines 或 Parquet"),
                )
            decoder.decode(block)
    except UnicodeDecodeError:
        return False
    if decoder.getstate()[0]:
        raise IngestError(Text("ends in the middle of a character", "文件在一个字符中间断开"), CUT_HINT)
    return True


@dataclass(slots=True)
class _Lines:
    """Lines of an open file; knows whether it has come to the end, and whether the last line was whole."""

    file: Iterator[str]
    ended: bool = False
    whole: bool = True

    def __iter__(self) -> Iterator[str]:
        for line in self.file:
            self.whole = line.endswith(("\n", "\r"))
            yield line
        self.ended = True


@contextmanager
def open_delimited(path: Path, judge: Judge) -> Iterator[Table]:
    """The file as a table. Cells are text exactly as written; a row keeps the number of its last line."""
    encoding = text_encoding(path)
    delimiter = _delimiter(path, encoding, judge)
    size = path.stat().st_size
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding, newline="") as file:
        rows = _rows(_Lines(file), delimiter)
        yield with_headings(rows, judge, lambda: (min(raw.tell(), size), size))


def _delimiter(path: Path, encoding: str, judge: Judge) -> str:
    """The delimiter that shows most known headings in one row; where none does, the one that splits most."""

    def score(delimiter: str) -> tuple[int, int]:
        rows: list[Row] = []
        with path.open(encoding=encoding, newline="") as file, suppress(IngestError):
            rows.extend(islice(_rows(_Lines(file), delimiter), HEADING_ROWS))
        found = best_heading(rows, judge)
        return (0 if found is None else judge(rows[found][1]), max((len(cells) for _, cells in rows), default=0))

    return max(DELIMITERS, key=score)


def _rows(lines: _Lines, delimiter: str) -> Iterator[Row]:
    """Rows with their line numbers. Raises :class:`IngestError` for a quotation that never ends and for a last line that was cut."""
    reader = csv.reader(lines, delimiter=delimiter)
    width = 0
    try:
        for cells in reader:
            if lines.ended:  # the reader asked for one more line to close a quotation, and there was none
                raise _cut(reader.line_num, Text("a quoted cell is never closed", "有一个引号没有结束"))
            width = max(width, len(cells))
            if not lines.whole and len(cells) < width and not is_total(cells):
                raise _cut(reader.line_num, Text("the last line is cut", "最后一行不完整"))
            yield reader.line_num, cells
    except csv.Error as error:
        raise _cut(reader.line_num, Text(f"a cell cannot be read ({error})", "有单元格无法读取")) from None


def _cut(line: int, text: Text) -> IngestError:
    return IngestError(Text(f"line {line}: {text.en}", f"第 {line} 行：{text.zh}"), CUT_HINT)
