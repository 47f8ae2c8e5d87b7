"""A date cell dates its row alike, whatever the format of the export: the day is known when it is over."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlwt

from engine.errors import UsageError
from engine.ingest import parse_instant
from tests.ingest.conftest import AS_OF, Shop

DAY = date(2026, 11, 20)
HEADINGS = ["统计日期", "商品ID", "商品访客数"]


def write_xlsx(path: Path, day: object) -> None:
    book = openpyxl.Workbook()
    book.active.append(HEADINGS)
    book.active.append([day, "1", 5])
    book.save(path)


def write_xls(path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("a")
    for place, heading in enumerate(HEADINGS):
        sheet.write(0, place, heading)
    sheet.write(1, 0, DAY, xlwt.easyxf(num_format_str="YYYY-MM-DD"))
    sheet.write(1, 1, "1")
    sheet.write(1, 2, 5)
    book.save(str(path))


def write_parquet(path: Path, days: pa.Array) -> None:
    pq.write_table(pa.table([days, pa.array(["1"]), pa.array([5])], HEADINGS), path)


def write_json(path: Path, day: str) -> None:
    path.write_text(json.dumps([dict(zip(HEADINGS, [day, "1", 5], strict=True))]), encoding="utf-8")


def write_csv(path: Path) -> None:
    path.write_text("统计日期,商品ID,商品访客数\n2026-11-20,1,5\n", encoding="utf-8")


WRITERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a date in xlsx": ("p.xlsx", lambda path: write_xlsx(path, DAY)),
    "midnight in xlsx": ("p.xlsx", lambda path: write_xlsx(path, datetime(2026, 11, 20))),
    "text in xlsx": ("p.xlsx", lambda path: write_xlsx(path, "2026-11-20")),
    "a date in xls": ("p.xls", write_xls),
    "date32 in Parquet": ("p.parquet", lambda path: write_parquet(path, pa.array([DAY], pa.date32()))),
    "midnight in Parquet": ("p.parquet", lambda path: write_parquet(path, pa.array([datetime(2026, 11, 20)], pa.timestamp("ns")))),
    "a date in JSON": ("p.json", lambda path: write_json(path, "2026-11-20")),
    "midnight in JSON": ("p.json", lambda path: write_json(path, "2026-11-20T00:00:00")),
    "a date in CSV": ("p.csv", write_csv),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_day_is_its_end_in_every_format(name: str, shop: Shop) -> None:
    filename, write = WRITERS[name]
    write(shop.folder / filename)
    report = shop.ingest(shop.folder / filename, "product", as_of=None)
    assert [batch.as_of for batch in report.kinds[0].batches] == [AS_OF]


def test_a_time_of_the_day_in_a_workbook_is_that_time(shop: Shop) -> None:
    write_xlsx(shop.folder / "p.xlsx", datetime(2026, 11, 20, 18, 30))
    report = shop.ingest(shop.folder / "p.xlsx", "product", as_of=None)
    assert report.kinds[0].batches[0].as_of.isoformat() == "2026-11-20T10:30:00+00:00"


@pytest.mark.parametrize("text", ["9999-12-31", "9999-12-31T23:59:59", "0001-01-01", "00010101"])
def test_an_impossible_year_is_a_usage_error(text: str, shop: Shop) -> None:
    with pytest.raises(UsageError, match="the year must be") as caught:
        parse_instant(text, shop.facts)
    assert "年份应在" in caught.value.text.zh


def test_midnight_on_the_command_line_is_midnight(shop: Shop) -> None:
    assert parse_instant("2026-11-21T00:00:00", shop.facts) == parse_instant("2026-11-20", shop.facts) == AS_OF
