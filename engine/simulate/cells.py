"""Layouts of export sheets, and what platforms do to the values in their cells.

``="..."`` around order numbers, ``'`` before phone numbers, thousands separators, ``-`` for missing, cents, Unix seconds, two instants in
one cell; and personal values, all of them invented.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal

from engine.simulate.files import csv_bytes, json_bytes, jsonl_bytes, xlsx_bytes
from engine.simulate.shop import Row

Cell = Callable[[Row], object]


@dataclass(frozen=True, slots=True)
class Layout:
    """One sheet: ``kinds`` are the fact kinds it holds (rows come from the first that :data:`~engine.simulate.rows.ROWS` knows).

    ``platform`` is whose stores it is for, one file a store; empty: one file for all stores. ``headings`` are those of the cells
    where none are given; those without a cell stay empty.
    """

    name: str
    kinds: tuple[str, ...]
    times: tuple[time, ...]
    suffix: str
    cells: Mapping[str, Cell]
    headings: tuple[str, ...] = ()
    platform: str = ""
    encoding: str = "utf-8-sig"
    notes: tuple[str, ...] = ()

    def render(self, rows: Iterable[Row]) -> bytes:
        """The whole file."""
        headings = self.headings or tuple(self.cells)
        columns = [self.cells.get(heading, _empty) for heading in headings]
        lines = ([cell(row) for cell in columns] for row in rows)
        match self.suffix:
            case "xlsx":
                return xlsx_bytes(headings, lines, self.notes)
            case "json":
                return json_bytes(headings, lines)
            case "jsonl":
                return jsonl_bytes(headings, lines)
            case _:
                return csv_bytes(headings, lines, self.encoding)


def _empty(row: Row) -> object:
    return None


def raw(column: str) -> Cell:
    return lambda row: row[column]


def constant(value: object) -> Cell:
    return lambda row: value


def clock(column: str) -> Cell:
    """``2026-11-02 09:00:00``, local time; empty when missing."""
    return lambda row: _clock(row[column])


def _clock(value: object) -> str:
    return value.replace(tzinfo=None).isoformat(" ") if isinstance(value, datetime) else ""


def unix(column: str) -> Cell:
    """Seconds since 1970; empty when missing."""
    return lambda row: int(value.timestamp()) if isinstance(value := row[column], datetime) else ""


def period(start: str, end: str) -> Cell:
    """Two instants in one cell, a line each."""
    return lambda row: f"起：{_clock(row[start])}\n止：{_clock(row[end])}"


def moment(column: str) -> Cell:
    """A spreadsheet's own date and time, local."""
    return lambda row: value.replace(tzinfo=None) if isinstance(value := row[column], datetime) else None


def formula(column: str) -> Cell:
    """``="3515..."``: how Taobao keeps spreadsheets from rounding a long number."""
    return lambda row: f'="{row[column]}"'


def dashed(column: str) -> Cell:
    """The value, ``-`` when it is missing."""
    return lambda row: "-" if row[column] is None else row[column]


def grouped(column: str) -> Cell:
    """``34,895.00``; ``-`` when missing."""
    return lambda row: f"{value:,}" if isinstance(value := row[column], Decimal | int) else "-"


def cents(column: str) -> Cell:
    """An amount in whole cents, as 抖店 gives it."""
    return lambda row: int(value * 100) if isinstance(value := row[column], Decimal) else ""


def rate(column: str) -> Cell:
    """``0.43%``; ``-`` when missing."""
    return lambda row: f"{value:.2%}" if isinstance(value := row[column], Decimal) else "-"


def word(column: str, words: Mapping[str, str]) -> Cell:
    """The platform's own word for a value."""
    return lambda row: words[str(row[column])]


def yes_no(column: str) -> Cell:
    return lambda row: "是" if row[column] else "否"


def buyer(pattern: str) -> Cell:
    """A made-up personal value; ``{}`` is the number of an invented buyer."""
    return lambda row: pattern.format(row["buyer"])
