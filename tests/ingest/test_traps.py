"""Headings, notes, totals, two kinds in a file: what the exports of real back-ends do."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from engine.errors import IngestError
from engine.ingest.headings import choose_kinds
from tests.ingest.conftest import Shop

SHARED = Path(os.environ.get("STOREWATCH_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))


def test_notes_above_the_headings_and_totals_below(shop: Shop) -> None:
    path = shop.write(
        "rank.csv",
        "生意参谋平台\n\n统计周期：2026-11-19 至 2026-11-20,\n注：商品访客数为去重后的数\n"
        '统计日期,商品ID,商品名称,商品访客数,商品支付转化率\n2026-11-19,1,a,"1,024",0.43%\n\n2026-11-20,1,a,980,-\n合计,,,2004,\n总计：\n',
    )
    report = shop.ingest(path, as_of=None)
    assert [row["visitors"] for row in shop.rows("product")] == [1024, 980]
    assert [row["conversion"] for row in shop.rows("product")] == [Decimal("0.0043"), None]
    assert [batch.as_of for batch in report.kinds[0].batches] == [
        datetime(2026, 11, 19, 16, tzinfo=UTC),
        datetime(2026, 11, 20, 16, tzinfo=UTC),
    ]
    assert report.totals_skipped == 2


def test_a_total_row_in_the_middle_is_a_row(shop: Shop) -> None:
    path = shop.write("source.csv", "来源,访客数\n汇总,10\n搜索,4\n汇总,10\n")
    report = shop.ingest(path, "traffic")
    assert [row["source"] for row in shop.rows("traffic")] == ["汇总", "搜索"]
    assert report.totals_skipped == 1


def test_trailing_spaces_full_width_and_invisible_headings(shop: Shop) -> None:
    path = shop.write("o.csv", "订单编号 ,\u200b订单付款时间\u00a0,买家实际支付金额（元）,'\n1,2026-11-20,5,x\n")
    shop.ingest(path, "order")
    assert shop.rows("order") == [
        {"order_id": "1", "store_id": "s1", "paid_at": datetime(2026, 11, 19, 16), "amount": Decimal(5)},
    ]


def test_a_unit_in_brackets_counts_only_where_it_is_declared(shop: Shop) -> None:
    report = shop.ingest(shop.write("o.csv", "订单编号,用户实付金额(元),退款金额(美元)\n1,5,6\n"), "order")
    assert dict(report.kinds[0].mapped) == {"订单编号": "order_id", "用户实付金额(元)": "amount"}
    assert report.kinds[0].dropped == ("退款金额(美元)",)


def test_money_in_cents_and_in_yuan(shop: Shop) -> None:
    shop.ingest(shop.write("ztc.csv", "商品id,花费(分),总成交金额(分),投入产出比\n7,12345,99999,8.1\n"))
    shop.ingest(shop.write("wxt.csv", "主体ID,花费,总成交金额\n8,123.45,999.99\n"))
    spent = {row["campaign_id"]: (row["spent"], row["revenue"]) for row in shop.rows("ad_campaign")}
    assert spent == {"7": (Decimal("123.45"), Decimal("999.99")), "8": (Decimal("123.45"), Decimal("999.99"))}


def test_yuan_under_a_heading_of_cents_are_noticed(shop: Shop) -> None:
    with pytest.raises(IngestError) as caught:
        shop.ingest(shop.write("ztc.csv", "商品id,花费(分)\n7,123.45\n"), "ad_campaign")
    assert caught.value.hint and "in cents" in caught.value.hint.en


def test_the_finest_of_several_headings_is_the_key(shop: Shop) -> None:
    shop.ingest(
        shop.write("d.csv", "主订单编号,子订单编号,订单应付金额,支付完成时间\n9,91,1050,1795140001\n9,92,250,1795140001\n"), "order"
    )
    assert [(row["order_id"], row["amount"]) for row in shop.rows("order")] == [("91", Decimal("10.5")), ("92", Decimal("2.5"))]
    assert shop.rows("order")[0]["paid_at"] == datetime(2026, 11, 20, 2, 0, 1)


def test_a_heading_given_twice_means_its_first_column(shop: Shop) -> None:
    report = shop.ingest(shop.write("o.csv", "订单编号,订单备注,订单备注\n1,a,b\n"), "order")
    assert shop.rows("order")[0]["remark"] == "a"
    assert report.kinds[0].dropped == ("订单备注",)


def test_two_kinds_from_one_file(shop: Shop) -> None:
    path = shop.write(
        "price.csv",
        "商品名称,商品Id,skuId,预估最低到手价,一口价,活动名称,活动id,优惠金额,活动时间\n"
        'a,1,11,80,100,大促,77,20,"起：2026-11-10 00:00:00\n止：2026-11-12 23:59:59"\n'
        'a,1,12,85,100,大促,77,20,"起：2026-11-10 00:00:00\n止：2026-11-12 23:59:59"\n',
    )
    report = shop.ingest(path)
    assert [kind.kind for kind in report.kinds] == ["product", "promotion"]
    assert [kind.repeated for kind in report.kinds] == [1, 1]
    assert [(row["product_id"], row["final_price"]) for row in shop.rows("product")] == [("1", Decimal(80))]
    (promotion,) = shop.rows("promotion")
    assert (promotion["starts_at"], promotion["ends_at"]) == (datetime(2026, 11, 9, 16), datetime(2026, 11, 12, 15, 59, 59))


def test_a_source_told_in_levels_is_one_text(shop: Shop) -> None:
    path = shop.write("s.csv", "流量载体,一级来源,二级来源,三级来源,四级来源,访客数\n无线,搜索,手淘搜索,-,,9\n无线,搜索,汇总,-,,12\n")
    shop.ingest(path, "traffic")
    assert [row["source"] for row in shop.rows("traffic")] == ["无线 / 搜索 / 手淘搜索", "无线 / 搜索 / 汇总"]


def test_headings_that_fit_several_kinds_are_refused(shop: Shop) -> None:
    path = shop.write("x.csv", "订单编号,退款编号,订单状态,退款状态,退款金额,退款原因\n1,2,交易成功,退款成功,3,x\n")
    with pytest.raises(IngestError, match="fit several fact kinds") as caught:
        shop.ingest(path)
    assert caught.value.hint and "--kind" in caught.value.hint.en
    assert [kind.kind for kind in shop.ingest(path, "order", "refund").kinds] == ["order", "refund"]


EXPECTED = {
    "taobao_order_export_ExportOrderList": {"order"},
    "tmall_order_report_heywhale": {"order"},
    "pdd_order_export": {"order"},
    "doudian_order_export": {"order"},
    "jd_pop_order_export": {"order"},
    "jd_jinghui_sales_outbound": {"order"},
    "sycm_item_rank_all": {"product"},
    "sycm_macro_monitor": {"store"},
    "sycm_shop_source": {"traffic"},
    "sycm_trade_overview_page": {"store"},
    "wanxiangtai_item_report": {"ad_campaign"},
    "wanxiangtai_subject_report_extra_leading": {"ad_campaign"},
    "zhitongche_legacy_csv_partial_in_cents": {"ad_campaign"},
    "jdsz_sku_detail": {"product"},
    "pdd_promotion_goods_report": {"ad_campaign"},
    "pdd_bill": set(),
    "qianniu_delivery_warning": {"order"},
    "qianniu_pickup_exception": {"order"},
    "qianniu_price_discount": {"product", "promotion"},
    "qianniu_coupon_report": {"promotion"},
    "qianniu_problem_order_rate": {"product"},
    "qianniu_pxi": {"product"},
}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the headings of real exports are not here")
@pytest.mark.parametrize("name", EXPECTED)
def test_real_headings_are_recognised(name: str, shop: Shop) -> None:
    headings = json.loads((SHARED / "export_headings.json").read_text(encoding="utf-8"))[name]
    if not EXPECTED[name]:
        with pytest.raises(IngestError, match="do not look like"):
            choose_kinds(headings, (), shop.facts, store_given=True)
        return
    assert {mapped.kind.name for mapped in choose_kinds(headings, (), shop.facts, store_given=True)} == EXPECTED[name]
