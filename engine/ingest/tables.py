"""What every reader hands on: headings and rows of text, with line numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice

from engine.errors import IngestError, Text
from engine.facts import normal_heading
from engine.ingest.cells import EXACT_FLOAT, clean
from engine.ingest.headings import HEADING_ROWS, Judge

Row = tuple[int, Sequence[str]]
TOTALS = frozenset({"合计", "总计", "小计", "汇总", "总和", "合计:", "总计:", "Total", "TOTAL", "total", "Sum"})
LONGEST_TOTAL = 8


@dataclass(frozen=True, slots=True)
class Table:
    """An opened export: ``headings``, then ``rows`` (line or row number, cells) to be read once. ``position`` tells how much has been
    read and how much there is (None where nobody knows), in a unit of the reader's own."""

    headings: Sequence[str]
    rows: Iterator[Row]
    position: Callable[[], tuple[int, int | None]]


def as_text(value: object) -> str:
    """A typed cell (spreadsheet, database, Parquet) as text. A float that cannot hold a whole number exactly is written with an
    exponent, so that no identifier can be made of it."""
    if value is None or value is False or value is True:
        return "" if value is None else str(value).lower()
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else ""
    if isinstance(value, datetime):
        return value.isoformat(" ", "microseconds" if value.microsecond else "seconds")
    if isinstance(value, timedelta):
        return f"{value // timedelta(seconds=1)}s"
    return value.isoformat() if isinstance(value, date) else str(value)


def _float_text(value: float) -> str:
    if not math.isfinite(value):
        return ""
    if not value.is_integer():
        return repr(value)
    return str(int(value)) if abs(value) <= EXACT_FLOAT else f"{value:.16e}"


def guarded(rows: Iterator[Row], errors: tuple[type[Exception], ...], translate: Callable[[Exception], IngestError]) -> Iterator[Row]:
    """``rows``, with the errors that a library raises while it reads them translated."""
    try:
        yield from rows
    except errors as error:
        raise translate(error) from None


def with_headings(rows: Iterator[Row], judge: Judge, position: Callable[[], tuple[int, int | None]]) -> Table:
    """A table whose heading row is the one, of the first thirty, with most known headings: exports put notes above it. Where no
    heading is known, the fullest row is taken, so that the error can tell what was read. Raises :class:`IngestError` when there is
    nothing."""
    first = list(islice(rows, HEADING_ROWS))
    if not any(first_cell(cells) for _, cells in first):
        raise IngestError(Text("there is nothing in it", "文件里没有内容"))
    found = best_heading(first, judge)
    if found is None:
        found = max(range(len(first)), key=lambda number: len([cell for cell in first[number][1] if clean(cell)]))
    return Table(first[found][1], _chain(first[found + 1 :], rows), position)


def best_heading(rows: Sequence[Row], judge: Judge) -> int | None:
    """Position of the row with most headings; None when no row has any."""
    scores = [judge(cells) for _, cells in rows]
    return scores.index(max(scores)) if any(scores) else None


def _chain(first: Sequence[Row], rest: Iterator[Row]) -> Iterator[Row]:
    yield from first
    yield from rest


def first_cell(cells: Sequence[str]) -> str:
    """The first cell that holds something; empty for a blank row."""
    return next((cell for text in cells if (cell := clean(text))), "")


def is_total(cells: Sequence[str]) -> bool:
    return normal_heading(first_cell(cells)) in TOTALS


def data_rows(rows: Iterator[Row], on_total: Callable[[], None]) -> Iterator[Row]:
    """Rows without the blank ones and without the total rows at the end (``on_total`` is called for each of those)."""
    held: list[Row] = []
    for row in rows:
        first = first_cell(row[1])
        if not first:
            continue
        if len(first) <= LONGEST_TOTAL and normal_heading(first) in TOTALS:
            held.append(row)
            continue
        yield from held
        held.clear()
        yield row
    for _ in held:
        on_total()
