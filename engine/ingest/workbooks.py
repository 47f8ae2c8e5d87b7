"""Spreadsheets: xlsx (streamed) and the old xls. The sheet with most known headings is read."""

from __future__ import annotations

import os
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
import xlrd
from openpyxl.utils.exceptions import InvalidFileException

from engine.errors import IngestError, Text
from engine.ingest.headings import HEADING_ROWS, Judge
from engine.ingest.tables import Row, Table, as_text, best_heading, guarded, with_headings

MAX_UNPACKED = 4 << 30
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
BROKEN_XLSX: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    InvalidFileException,
    ParseError,
    KeyError,
    ValueError,
    EOFError,
    zlib.error,
)
BROKEN_XLS: tuple[type[Exception], ...] = (
    xlrd.XLRDError,
    xlrd.compdoc.CompDocError,
    struct.error,
    IndexError,
    AssertionError,
    KeyError,
    ValueError,
)
Sheet = Callable[[], Iterator[Row]]


@contextmanager
def open_xlsx(path: Path, judge: Judge) -> Iterator[Table]:
    """The workbook's values (not its formulas) as a table. Raises :class:`IngestError` for a file that is cut or is no workbook."""
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # about styles and validations, which are not read
        with path.open("rb") as file:  # opened here: openpyxl refuses a path that does not end in .xlsx
            try:
                _guard_size(path)
                book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            except KeyError:  # a whole archive that lacks the parts of a workbook
                raise _no_workbook() from None
            except BROKEN_XLSX as error:
                raise _broken(error) from None
            except OSError as error:
                raise (error if error.errno else _no_workbook()) from None  # openpyxl's own, of a workbook in a format it does not know
            try:
                yield _table([_xlsx_rows(sheet) for sheet in book.worksheets], judge, None)
            finally:
                book.close()


@contextmanager
def open_xls(path: Path, judge: Judge) -> Iterator[Table]:
    """As :func:`open_xlsx`, for the old format (at most 65,536 rows a sheet)."""
    with Path(os.devnull).open("w") as log:
        try:
            book = xlrd.open_workbook(path, logfile=log)
        except BROKEN_XLS as error:
            raise _xls_fault(path, error) from None
        with book:
            total = max((sheet.nrows for sheet in book.sheets()), default=0)
            yield _table([_xls_rows(sheet, book.datemode) for sheet in book.sheets()], judge, total)


def _guard_size(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        if sum(item.file_size for item in archive.infolist()) > MAX_UNPACKED:
            raise IngestError(Text("unpacks to more than 4 GB", "解压后超过 4 GB"), Text("export it as CSV", "请导出为 CSV"))


def _broken(error: BaseException) -> IngestError:
    return IngestError(
        Text(f"is not a whole workbook ({error})", "不是完整的 Excel 文件"),
        Text("it looks half-written: export it again, or as CSV", "文件似乎没有写完整，请重新导出，或导出为 CSV"),
    )


def _xls_fault(path: Path, error: BaseException) -> IngestError:
    """Why the compound file cannot be read. A password on an old workbook xlrd tells; a new workbook with one is wrapped in such a file."""
    if "encrypted" in str(error).lower() or ENCRYPTED in path.read_bytes():
        return IngestError(
            Text("is protected by a password", "设置了密码保护"),
            Text("open it in Excel, remove the password and save it again", "请用 Excel 打开，取消密码后另存"),
        )
    return _no_workbook() if "Can't find workbook" in str(error) else _broken(error)


def _no_workbook() -> IngestError:
    return IngestError(
        Text("holds no Excel workbook that can be read", "里面没有可以读取的 Excel 工作簿"),
        Text("is it a document of another program? save it as xlsx or CSV", "是不是其他程序的文件？请另存为 xlsx 或 CSV"),
    )


def _table(sheets: Sequence[Sheet], judge: Judge, total: int | None) -> Table:
    """The best sheet as a table that knows the number of its current row."""
    at = 0
    sheet = _best(sheets, judge)

    def rows() -> Iterator[Row]:
        nonlocal at
        for row in sheet():
            at = row[0]
            yield row

    table = with_headings(rows(), judge, lambda: (at, total))
    width = len(table.headings)
    return Table(table.headings, ((line, _padded(cells, width)) for line, cells in table.rows), table.position)


def _best(sheets: Sequence[Sheet], judge: Judge) -> Sheet:
    def score(sheet: Sheet) -> int:
        rows = list(islice(sheet(), HEADING_ROWS))
        found = best_heading(rows, judge)
        return -1 if not rows else 0 if found is None else judge(rows[found][1])

    if not sheets:
        raise IngestError(Text("the workbook has no sheet", "Excel 文件里没有工作表"))
    return max(sheets, key=score)


def _padded(cells: Sequence[str], width: int) -> Sequence[str]:
    """Spreadsheets leave out empty cells at the end of a row."""
    return [*cells, *[""] * (width - len(cells))]


def _xlsx_rows(sheet: Any) -> Sheet:
    def rows() -> Iterator[Row]:
        sheet.reset_dimensions()  # writers other than Excel often state them wrongly
        for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
            yield number, [as_text(value) for value in values]

    return lambda: guarded(rows(), BROKEN_XLSX, _broken)


def _xls_rows(sheet: xlrd.sheet.Sheet, datemode: int) -> Sheet:
    def rows() -> Iterator[Row]:
        for number in range(sheet.nrows):
            yield number + 1, [_xls_text(cell, datemode) for cell in sheet.row(number)]

    return rows


def _xls_text(cell: xlrd.sheet.Cell, datemode: int) -> str:
    if cell.ctype == xlrd.XL_CELL_DATE:
        return as_text(xlrd.xldate_as_datetime(cell.value, datemode))
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return as_text(bool(cell.value))
    return "" if cell.ctype == xlrd.XL_CELL_ERROR else as_text(cell.value)
