"""The same two orders in every format that shops export."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlwt
from sqlalchemy.engine import URL

from engine.errors import IngestError
from engine.ingest import ingest
from tests.ingest.conftest import Shop

HEADINGS = ["订单编号", "店铺Id", "订单状态", "订单付款时间 ", "买家实际支付金额", "订单备注"]
CELLS = [
    ["3515463214576843210", "s1", "买家已付款,等待卖家发货", "2026-11-20 10:00:01", "1,299.50", "急\n件"],
    ["3515463214576843211", "s1", "交易成功", "", "12.5", ""],
]
ROWS = [
    {
        "order_id": "3515463214576843210",
        "store_id": "s1",
        "status": "paid",
        "paid_at": datetime(2026, 11, 20, 2, 0, 1),
        "amount": Decimal("1299.5000"),
        "remark": "急\n件",
    },
    {"order_id": "3515463214576843211", "store_id": "s1", "status": "done", "paid_at": None, "amount": Decimal("12.5000"), "remark": None},
]


def delimited(delimiter: str = ",", newline: str = "\r\n") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_ALL).writerows([HEADINGS, *CELLS])
    return text.getvalue()


def write_xlsx(path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["说明：本表为导出数据"])
    sheet = book.create_sheet("订单")
    sheet.append(HEADINGS)
    sheet.append([*CELLS[0][:3], datetime(2026, 11, 20, 10, 0, 1), 1299.5, CELLS[0][5]])
    sheet.append([*CELLS[1][:3], None, 12.5])
    book.save(path)


def write_xls(path: Path) -> None:
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("订单")
    dated = xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM:SS")
    for number, text in enumerate(["生意参谋", "【注意】本数据仅供参考", "", "统计时间"]):
        sheet.write(number, 0, text)
    for column, heading in enumerate(HEADINGS):
        sheet.write(4, column, heading)
    for column, cell in enumerate([*CELLS[0][:3], "", 1299.5, CELLS[0][5]]):
        if column != 3:
            sheet.write(5, column, cell)
    sheet.write(5, 3, datetime(2026, 11, 20, 10, 0, 1), dated)
    for column, cell in enumerate(CELLS[1]):
        sheet.write(6, column, cell)
    book.save(str(path))


def write_json(path: Path) -> None:
    records = [dict(zip(HEADINGS, cells, strict=True)) for cells in CELLS]
    path.write_text(json.dumps({"code": 0, "data": {"list": records, "total": 2}}, ensure_ascii=False), encoding="utf-8")


def write_json_lines(path: Path) -> None:
    first = dict(zip(HEADINGS[:-1], CELLS[1], strict=False)) | {"订单编号": 3515463214576843211, "买家实际支付金额": 12.5}
    lines = [json.dumps(dict(zip(HEADINGS, CELLS[0], strict=True)), ensure_ascii=False), "", json.dumps(first, ensure_ascii=False)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_parquet(path: Path) -> None:
    frame = pd.DataFrame(CELLS, columns=HEADINGS)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.set_column(0, HEADINGS[0], pa.array([int(cells[0]) for cells in CELLS]))
    table = table.set_column(3, HEADINGS[3], pa.array([datetime(2026, 11, 20, 10, 0, 1), None], pa.timestamp("ns")))
    pq.write_table(table, path, row_group_size=1)


WRITERS = {
    "comma.csv": lambda path: path.write_text(delimited(), encoding="utf-8", newline=""),
    "bom.csv": lambda path: path.write_text(delimited(), encoding="utf-8-sig", newline=""),
    "gb18030.csv": lambda path: path.write_text(delimited(), encoding="gb18030", newline=""),
    "semicolon.csv": lambda path: path.write_text(delimited(";", "\n"), encoding="utf-8", newline=""),
    "tab.txt": lambda path: path.write_text(delimited("\t", "\n"), encoding="gb18030", newline=""),
    "excel-unicode.txt": lambda path: path.write_text(delimited("\t"), encoding="utf-16", newline=""),
    "old-mac.csv": lambda path: path.write_text(delimited(",", "\r"), encoding="utf-8", newline=""),
    "called-xls-but-text.xls": lambda path: path.write_text(delimited("\t"), encoding="gb18030", newline=""),
    "book.xlsx": write_xlsx,
    "old.xls": write_xls,
    "data.json": write_json,
    "data.jsonl": write_json_lines,
    "data.parquet": write_parquet,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_rows(name: str, shop: Shop) -> None:
    path = shop.folder / name
    WRITERS[name](path)
    report = shop.ingest(path, "order", store="")
    assert (report.kinds[0].read, report.kinds[0].stored, report.kinds[0].quarantined) == (2, 2, 0)
    key = "order_id"
    assert sorted(shop.rows("order"), key=lambda row: str(row[key])) == ROWS


def test_every_format_gives_the_same_content_hash(shop: Shop) -> None:
    for name, write in WRITERS.items():
        write(shop.folder / name)
    lines_last = [name for name in WRITERS if name != "data.jsonl"]
    targets = {shop.ingest(shop.folder / name, "order").kinds[0].batches[0].target for name in lines_last}
    assert len(targets) == 1


@pytest.fixture
def database(shop: Shop) -> str:
    path = shop.folder / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table o (order_id integer, store_id text, status text, amount real)")
        connection.executemany("insert into o values (?, 's1', '交易成功', ?)", [(3515463214576843210 + n, n / 4) for n in range(12_000)])
    connection.close()
    return f"sqlite:///{path}"


def test_a_query_is_fetched_in_parts(database: str, shop: Shop) -> None:
    report = shop.ingest(database, "order", query="select * from o", store="")
    assert report.kinds[0].stored == 12_000
    assert shop.rows("order")[5]["order_id"] == "3515463214576843215"
    assert shop.rows("order")[5]["amount"] == Decimal("1.25")


def test_a_query_needs_a_query_and_a_file_none(database: str, shop: Shop) -> None:
    with pytest.raises(IngestError, match="needs a query"):
        shop.ingest(database, "order")
    path = shop.write("o.csv", delimited())
    with pytest.raises(IngestError, match="needs a database URL"):
        shop.ingest(path, "order", query="select 1")


@pytest.mark.parametrize(
    ("url", "query"),
    [
        ("sqlite:////nowhere/shop.db", "select 1 as order_id"),
        ("postgresql+psycopg://reader:hunter2@127.0.0.1:1/shop", "select 1"),
        ("nosuchdb://reader:hunter2@host/shop", "select 1"),
        ("postgresql://reader:hunter2@host:port/shop", "select 1"),
    ],
)
def test_a_database_that_fails_keeps_its_password(url: str, query: str, shop: Shop) -> None:
    with pytest.raises(IngestError) as caught:
        shop.ingest(url, "order", query=query)
    assert "hunter2" not in str(caught.value.text) + str(caught.value.hint)


def test_a_query_that_fails_is_told(database: str, shop: Shop) -> None:
    with pytest.raises(IngestError, match="no such table: absent"):
        shop.ingest(database, "order", query="select * from absent")


def test_an_identifier_that_a_spreadsheet_spoiled_is_quarantined(shop: Shop) -> None:
    book = openpyxl.Workbook()
    book.active.append(["订单编号", "买家实际支付金额"])
    for number in range(40):
        book.active.append([str(3515463214576843210 + number), 1])
    book.active.append([3.515463214576843e18, 1])
    book.active.append([3.5e18, 1])
    book.save(shop.folder / "o.xlsx")
    report = shop.ingest(shop.folder / "o.xlsx", "order", max_bad=Decimal("0.1"))
    assert report.kinds[0].reasons == {"lost_precision": 2}
    assert len(shop.rows("order")) == 40


@pytest.mark.parametrize("name", ["comma.csv", "book.xlsx", "old.xls", "data.json", "data.jsonl", "data.parquet"])
def test_progress_is_told(name: str, shop: Shop) -> None:
    WRITERS[name](shop.folder / name)
    told: list[tuple[int, int | None]] = []
    ingest(shop.folder / name, shop.facts, shop.snapshots, shop.options, lambda done, total: told.append((done, total)))
    done, total = told[-1]
    assert done > 0 and total in (None, done)


def test_a_new_workbook_that_is_called_xls(shop: Shop) -> None:
    write_xlsx(shop.folder / "o.xls")
    assert shop.ingest(shop.folder / "o.xls", "order").kinds[0].stored == 2


def test_a_database_file_is_told_how_to_be_read(database: str, shop: Shop) -> None:
    with pytest.raises(IngestError, match=r"shop\.db: is a SQLite database") as caught:
        shop.ingest(database.removeprefix("sqlite:///"), "order", query="select 1")
    assert caught.value.hint and f"write {database} --query" in caught.value.hint.en


def test_a_database_that_is_not_there_is_not_made(shop: Shop) -> None:
    with pytest.raises(IngestError, match="there is no such database"):
        shop.ingest(f"sqlite:///{shop.folder}/none.db", "order", query="select 1")
    assert not (shop.folder / "none.db").exists()


@pytest.mark.parametrize("query", ["delete from o", "delete from o returning order_id", "drop table o", "create table p (a)"])
def test_a_query_only_reads(query: str, database: str, shop: Shop) -> None:
    with pytest.raises(IngestError) as caught:
        shop.ingest(database, "order", query=query)
    assert caught.value.hint and "write a select" in caught.value.hint.en and "select" in caught.value.hint.zh
    assert shop.ingest(database, "order", query="select * from o").kinds[0].stored == 12_000


def test_a_statement_without_rows_is_refused(database: str, shop: Shop) -> None:
    with pytest.raises(IngestError, match="gives no rows"):
        shop.ingest(database, "order", query="begin")


def test_a_query_of_a_file_whose_name_needs_quoting(database: str, shop: Shop) -> None:
    (shop.folder / "shop.db").rename(shop.folder / "店 1?#.db")
    url = URL.create("sqlite", database=str(shop.folder / "店 1?#.db")).render_as_string()
    assert shop.ingest(url, "order", query="select * from o").kinds[0].stored == 12_000
