"""What a batch is: instants, scopes, keys, content, quarantine."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import IngestError, UsageError
from engine.ingest import parse_instant
from engine.snapshots import Snapshots
from tests.ingest.conftest import AS_OF, NOW, Shop

ORDERS = "订单编号,店铺Id,订单付款时间,买家实际支付金额\n1,s2,2026-11-20 10:00,5\n2,s1,2026-11-20 11:00,6\n"


def test_the_file_is_as_its_readers_expect(shop: Shop) -> None:
    report = shop.ingest(shop.write("orders.csv", ORDERS), "order", store="")
    path = report.kinds[0].batches[0].target
    assert path.parent == shop.snapshots / "order" / "date=2026-11-20"
    assert path.name.startswith("20261120T160000Z-") and len(path.stem.split("-")[1]) == 12
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        about = json.loads(schema.metadata[b"storewatch"])
        assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert {name: schema.field(name).type for name in schema.names} == {
        "order_id": pa.string(),
        "store_id": pa.string(),
        "paid_at": pa.timestamp("us"),
        "amount": pa.decimal128(18, 4),
        "_line": pa.int32(),
    }
    sha, ingested_at = about.pop("source_sha256"), about.pop("ingested_at")
    assert len(sha) == 64
    assert datetime.fromisoformat(ingested_at).tzinfo is not None
    assert about == {
        "version": 1,
        "kind": "order",
        "as_of": "20261120T160000Z",
        "scope": ["s1", "s2"],
        "source": "orders.csv",
        "rows": 2,
        "quarantined": 0,
        "lost": [],
    }
    assert pq.read_table(path, partitioning=None).column("_line").to_pylist() == [2, 3]


def test_the_reader_of_snapshots_finds_the_batch(shop: Shop) -> None:
    shop.ingest(shop.write("orders.csv", ORDERS), "order", store="")
    (batch,) = Snapshots(shop.snapshots).batches("order")
    assert (batch.as_of, batch.scope.names, batch.rows, batch.source) == (AS_OF, {"s1", "s2"}, 2, "orders.csv")


def test_scopes(shop: Shop) -> None:
    path = shop.write("orders.csv", ORDERS)
    assert shop.ingest(path, "order", store="").kinds[0].batches[0].scope == ("s1", "s2")
    assert shop.ingest(path, "order", store="", all_stores=True).kinds[0].batches[0].scope == "*"
    other = shop.write("o.csv", "订单编号,买家实际支付金额\n1,5\n")
    assert shop.ingest(other, "order", store="mall", all_stores=True).kinds[0].batches[0].scope == "*"
    assert shop.rows("order")[-1]["store_id"] in ("mall", "s1", "s2")
    assert {batch.scope.inverted for batch in Snapshots(shop.snapshots).batches("order")} == {True, False}


def test_rows_of_another_store_than_asked_for(shop: Shop) -> None:
    lines = "".join(f"{n},s1,5\n" for n in range(40))
    report = shop.ingest(shop.write("o.csv", "订单编号,店铺Id,买家实际支付金额\n" + lines + "99,s2,5\n"), "order")
    assert report.kinds[0].reasons == {"other_store": 1}
    assert report.kinds[0].batches[0].scope == ("s1",)


def test_the_same_file_again_changes_nothing(shop: Shop) -> None:
    path = shop.write("orders.csv", ORDERS + "3,s1,never,7\n" + "".join(f"{n},s1,,1\n" for n in range(100, 140)))
    first = shop.ingest(path, "order", store="")
    before = {name: (shop.snapshots / name).stat().st_mtime_ns for name in shop.files()}
    again = shop.ingest(path, "order", store="")
    copy = shop.ingest(shop.write("copy.csv", path.read_bytes()), "order", store="")
    assert not first.kinds[0].batches[0].already
    assert again.kinds[0].batches[0].already and copy.kinds[0].batches[0].already
    assert {name: (shop.snapshots / name).stat().st_mtime_ns for name in shop.files()} == before


def test_other_content_is_another_batch_and_is_told(shop: Shop) -> None:
    shop.ingest(shop.write("orders.csv", ORDERS), "order", store="")
    report = shop.ingest(shop.write("orders.csv", ORDERS.replace(",6", ",7")), "order", store="")
    assert not report.kinds[0].batches[0].already
    assert any("an earlier batch" in text.en for text in report.warnings)
    other = shop.ingest(shop.write("o3.csv", ORDERS.replace("s1", "s3").replace("s2", "s3")), "order", store="")
    assert not any("an earlier batch" in text.en for text in other.warnings)


def test_instants_come_from_the_command_the_column_or_the_file(shop: Shop) -> None:
    text = "统计日期,商品ID,商品访客数\n2026-11-19,1,5\n"
    path = shop.write("p.csv", text)
    assert shop.ingest(path, "product").kinds[0].batches[0].as_of == AS_OF
    assert shop.ingest(path, "product", as_of=None).kinds[0].batches[0].as_of == datetime(2026, 11, 19, 16, tzinfo=UTC)
    path = shop.write("q.csv", "商品ID,商品访客数\n1,5\n")
    os.utime(path, (1795140001.75,) * 2)
    assert shop.ingest(path, "product", as_of=None).kinds[0].batches[0].as_of == datetime(2026, 11, 20, 2, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-20", datetime(2026, 11, 20, 16, tzinfo=UTC)),
        ("2026-11-20T18:00:00", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("2026-11-20 18:00", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("2026-11-20T18:00:00+00:00", datetime(2026, 11, 20, 18, tzinfo=UTC)),
    ],
)
def test_as_of_as_people_write_it(text: str, instant: datetime, shop: Shop) -> None:
    assert parse_instant(text, shop.facts) == instant


def test_as_of_that_is_no_time(shop: Shop) -> None:
    with pytest.raises(UsageError, match="not a date or time"):
        parse_instant("last friday", shop.facts)


def test_rows_without_a_date_are_quarantined(shop: Shop) -> None:
    lines = "".join(f"2026-11-19,{n},5\n" for n in range(40))
    path = shop.write("p.csv", "统计日期,商品ID,商品访客数\n" + lines + "-,98,5\n")
    report = shop.ingest(path, "product", as_of=None)
    assert report.kinds[0].reasons == {"missing_value": 1}
    assert report.kinds[0].batches[0].quarantined == 1


def test_a_column_of_a_thousand_times_does_not_date_an_export(shop: Shop) -> None:
    lines = "".join(f"2026-11-19 10:{n // 60 % 60:02}:{n % 60:02},{n},5\n" for n in range(1200))
    with pytest.raises(IngestError, match="does not date the export"):
        shop.ingest(shop.write("p.csv", "统计日期,商品ID,商品访客数\n" + lines), "product", as_of=None)


def test_a_future_date_is_told(shop: Shop) -> None:
    report = shop.ingest(shop.write("orders.csv", ORDERS), "order", store="", as_of=NOW.replace(year=2027))
    assert any("future" in text.en for text in report.warnings)


REPEATED = "订单编号,买家实际支付金额\n" + "".join(f"{n},1\n" for n in range(40)) + "90,5\n90,5.00\n90,6\n"


def test_identical_rows_collapse_and_contradictions_are_quarantined(shop: Shop) -> None:
    report = shop.ingest(shop.write("o.csv", REPEATED), "order")
    kind = report.kinds[0]
    assert (kind.read, kind.stored, kind.repeated, kind.quarantined) == (43, 41, 1, 1)
    assert kind.reasons == {"duplicate_key": 1}
    assert [row["amount"] for row in shop.rows("order") if row["order_id"] == "90"] == [Decimal(5)]
    assert "44,订单编号,order_id,duplicate_key,90" in shop.quarantine("order")


@pytest.mark.parametrize(("which", "amount"), [("first", 5), ("last", 6)])
def test_a_kind_may_say_which_of_repeated_rows_stays(which: str, amount: int, shop: Shop) -> None:
    order = replace(shop.facts.kinds["order"], duplicates=which)  # type: ignore[arg-type]
    shop.facts = replace(shop.facts, kinds=MappingProxyType({**shop.facts.kinds, "order": order}))
    report = shop.ingest(shop.write("o.csv", REPEATED), "order")
    assert (report.kinds[0].stored, report.kinds[0].repeated, report.kinds[0].quarantined) == (41, 2, 0)
    assert [row["amount"] for row in shop.rows("order") if row["order_id"] == "90"] == [Decimal(amount)]


def test_one_key_in_two_instants_is_no_duplicate(shop: Shop) -> None:
    report = shop.ingest(shop.write("p.csv", "统计日期,商品ID,商品访客数\n2026-11-19,1,5\n2026-11-20,1,6\n"), "product", as_of=None)
    assert (report.kinds[0].stored, report.kinds[0].repeated) == (2, 0)


def test_bad_rows_are_listed_and_the_others_stored(shop: Shop) -> None:
    lines = "".join(f"g{n},s1,4.8\n" for n in range(200))
    bad = "b1,s1,5.5\nb2,s1,-1\nb3,s1,good\n,s1,4\nb5,s1\n\"=cmd|' /C calc'!A0\",s1,x\nb6,s1,4,9\n"
    report = shop.ingest(shop.write("r.csv", "评价编号,店铺Id,评分\n" + lines + bad), "review", store="")
    assert report.kinds[0].reasons == {"above_max": 1, "below_min": 1, "bad_number": 2, "missing_value": 1, "field_count": 2}
    assert (report.kinds[0].stored, report.kinds[0].quarantined) == (200, 7)
    listed = {row["line"]: row for row in csv.DictReader(io.StringIO(shop.quarantine("review")))}
    assert set(listed) == {str(line) for line in range(202, 209)}
    assert listed["202"]["cell"] == "5.5" and listed["202"]["column"] == "score" and "上限" in listed["202"]["原因"]
    assert listed["203"]["cell"] == "'-1"
    assert report.kinds[0].quarantine_file == next((shop.snapshots / "_quarantine" / "review").glob("20261120T160000Z-*.csv"))
    assert report.kinds[0].batches[0].quarantined == 7


def test_no_cell_of_the_quarantine_list_is_a_formula(shop: Shop) -> None:
    lines = "".join(f"{n},1\n" for n in range(100))
    shop.ingest(shop.write("o.csv", "订单编号,买家实际支付金额\n" + lines + '"x","=cmd|\' /C calc\'!A0"\ny,@SUM(1)\n'), "order")
    cells = [cell for row in csv.reader(io.StringIO(shop.quarantine("order"))) for cell in row]
    assert "'=cmd|' /C calc'!A0" in cells and "'@SUM(1)" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_an_empty_export_may_say_that_nothing_is_left(shop: Shop) -> None:
    path = shop.write("c.csv", "投诉编号,投诉状态\n")
    report = shop.ingest(path, "complaint", allow_empty=True)
    assert report.kinds[0].batches[0].rows == 0
    (batch,) = Snapshots(shop.snapshots).batches("complaint")
    assert batch.scope.names == {"s1"}
    with pytest.raises(IngestError, match="required column|which store"):
        shop.ingest(path, "complaint", allow_empty=True, store="")


def test_injected_text_stays_text(shop: Shop) -> None:
    path = shop.write("o.csv", '订单编号,商品名称,订单备注\n1,"=cmd|\' /C calc\'!A0","{{ 7*7 }}<script>"\n')
    shop.ingest(path, "order")
    assert shop.rows("order")[0]["product_title"] == "=cmd|' /C calc'!A0"
    assert shop.rows("order")[0]["remark"] == "{{ 7*7 }}<script>"


def test_a_column_that_the_last_export_had_is_missed(shop: Shop) -> None:
    shop.ingest(shop.write("a.csv", "订单编号,订单状态,买家实际支付金额\n1,交易成功,5\n"), "order", as_of=AS_OF - timedelta(days=1))
    path = shop.write("b.csv", "订单编号,买家实际支付金额\n1,5\n")
    assert shop.ingest(path, "order", store="s2").warnings == ()
    (warning,) = shop.ingest(path, "order").warnings
    assert warning.en == "order: column status was in the last export (a.csv) and is not in this one"
    assert "上一份导出（a.csv）里有 status" in warning.zh
    assert shop.ingest(path, "order").warnings == (), "it was told when it came"


def test_an_export_that_repeats_itself_is_told(shop: Shop) -> None:
    rows = "店铺Id,店铺名称\n" + "s1,甲\n" * 30
    (warning,) = shop.ingest(shop.write("o.csv", rows), "store", store="").warnings
    assert "29 of 30 rows only repeat" in warning.en
    assert "30 行中有 29 行" in warning.zh
