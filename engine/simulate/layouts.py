"""Under which headings, in which format and how often each kind is exported.

The headings of orders and advertising are those of the platforms' own sheets (a fact each, in their order); for kinds that
no platform exports they are the titles of ``facts.yaml``. What the platforms do to values is done here too: ``="..."`` around order
numbers, ``'`` before phone numbers, thousands separators, ``-`` for missing, and personal columns (all invented).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal

from engine.simulate.files import csv_bytes, json_bytes, jsonl_bytes, xlsx_bytes
from engine.simulate.headings import (
    DOUYIN_ORDERS,
    DOUYIN_STATUS,
    JD_ORDERS,
    JD_STATUS,
    PAGES,
    PDD_ORDERS,
    PDD_STATUS,
    PLACEMENT_KINDS,
    PLATFORM_NAMES,
    PRODUCT_STATUS,
    TAOBAO_ORDERS,
    TAOBAO_STATUS,
)
from engine.simulate.plan import DAILY, ROUNDS
from engine.simulate.rows import Row

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


ORDERS = ("order",)

TAOBAO = Layout(
    name="order",
    kinds=ORDERS,
    times=ROUNDS,
    suffix="csv",
    platform="taobao",
    encoding="gb18030",
    headings=TAOBAO_ORDERS,
    cells={
        "订单编号": formula("order_id"),
        "主订单编号": formula("order_id"),
        "买家会员名": buyer("测试买家{}"),
        "买家支付宝账号": buyer("buyer{}@example.com"),
        "总金额": raw("amount"),
        "买家应付货款": raw("amount"),
        "买家实际支付金额": raw("amount"),
        "订单状态": word("status", TAOBAO_STATUS),
        "买家留言": raw("remark"),
        "收货人姓名": buyer("测试收货人{}"),
        "收货地址 ": buyer("测试省 测试市 测试区 示例路{}号"),
        "联系手机": buyer("'1000000{:04}"),
        "联系电话 ": constant("'null"),
        "运送方式": constant("快递"),
        "订单创建时间": clock("created_at"),
        "订单付款时间 ": clock("paid_at"),
        "宝贝标题 ": raw("product_title"),
        "宝贝种类 ": constant(1),
        "物流单号 ": lambda row: f"No:{row['tracking_no']}" if row["tracking_no"] else "",
        "订单备注": lambda row: row["remark"] or "'null",
        "宝贝总数量": raw("quantity"),
        "店铺Id": raw("store_id"),
        "店铺名称": raw("store_name"),
        "确认收货时间": clock("signed_at"),
        "退款金额": constant("0.00"),
    },
)

JD = Layout(
    name="order",
    kinds=ORDERS,
    times=ROUNDS,
    suffix="xlsx",
    platform="jd",
    headings=JD_ORDERS,
    cells={
        "订单号": raw("order_id"),
        "商品ID": raw("product_id"),
        "商品名称": raw("product_title"),
        "订购数量": raw("quantity"),
        "下单时间": moment("created_at"),
        "订单金额": grouped("amount"),
        "应付金额": raw("amount"),
        "订单状态": word("status", JD_STATUS),
        "下单帐号": buyer("jd_test_{}"),
        "客户姓名": buyer("测试客户{}"),
        "客户地址": buyer("测试省测试市示例路{}号"),
        "联系电话": buyer("1000000{:04}"),
        "订单备注": raw("remark"),
        "付款确认时间": moment("paid_at"),
        "货号": raw("sku"),
        "订单完成时间": moment("signed_at"),
    },
)

PDD = Layout(
    name="order",
    kinds=ORDERS,
    times=ROUNDS,
    suffix="csv",
    platform="pdd",
    headings=PDD_ORDERS,
    cells={
        "商品": raw("product_title"),
        "订单号": raw("order_id"),
        "订单状态": word("status", PDD_STATUS),
        "商品数量(件)": raw("quantity"),
        "支付时间": clock("paid_at"),
        "承诺发货时间": clock("promised_ship_at"),
        "发货时间": clock("shipped_at"),
        "确认收货时间": clock("signed_at"),
        "订单成交时间": clock("created_at"),
        "商品id": raw("product_id"),
        "商家编码-规格维度": raw("sku"),
        "商家备注": raw("remark"),
        "消费者资料": buyer("测试消费者{}"),
        "用户实付金额(元)": raw("amount"),
        "商品总价(元)": raw("amount"),
        "快递单号": raw("tracking_no"),
        "省": constant("测试省"),
        "市": constant("测试市"),
        "街道/镇": buyer("示例街道{}号"),
        "用户购买手机号": buyer("1000000{:04}"),
    },
)

DOUYIN = Layout(
    name="order",
    kinds=ORDERS,
    times=ROUNDS,
    suffix="csv",
    platform="douyin",
    encoding="utf-8",
    headings=DOUYIN_ORDERS,
    cells={
        "主订单编号": raw("order_id"),
        "子订单编号": raw("order_id"),
        "选购商品": raw("product_title"),
        "商品数量": raw("quantity"),
        "商品ID": raw("product_id"),
        "商家编码": raw("sku"),
        "订单应付金额": cents("amount"),
        "收件人": buyer("测试收件人{}"),
        "收件人手机号": buyer("1000000{:04}"),
        "省": constant("测试省"),
        "详细地址": buyer("示例小区{}号楼"),
        "订单提交时间": unix("created_at"),
        "支付完成时间": unix("paid_at"),
        "商家备注": raw("remark"),
        "订单状态": word("status", DOUYIN_STATUS),
        "承诺发货时间": unix("promised_ship_at"),
        "订单完成时间": unix("signed_at"),
        "发货时间": unix("shipped_at"),
        "快递信息": raw("tracking_no"),
    },
)


STORES = Layout(
    name="store",
    kinds=("store",),
    times=(DAILY,),
    suffix="xlsx",
    cells={
        "店铺ID": raw("store_id"),
        "店铺名称": raw("name"),
        "店铺状态": constant("营业中"),
        "平台": word("platform", PLATFORM_NAMES),
        "描述相符": raw("dsr_desc"),
        "服务态度": raw("dsr_service"),
        "物流服务": raw("dsr_logistics"),
        "行业描述相符": raw("industry_dsr_desc"),
        "行业服务态度": raw("industry_dsr_service"),
        "行业物流服务": raw("industry_dsr_logistics"),
        "访客数": raw("uv"),
        "浏览量": grouped("pv"),
        "支付转化率": rate("conversion"),
        "支付金额": grouped("sales"),
        "支付子订单数": raw("orders"),
        "客单价": dashed("avg_order_value"),
        "退款金额": grouped("refund_amount"),
        "退款率": rate("refund_rate"),
        "跳失率": rate("bounce_rate"),
        "48小时揽收及时率": rate("pickup_48h_rate"),
    },
    notes=("店铺日报（模拟数据）", "评分为当日早晨数值，流量与交易为前一日", "“-”表示无数据", "金额单位：元"),
)

PRODUCTS = Layout(
    name="product",
    kinds=("product",),
    times=(DAILY,),
    suffix="csv",
    cells={
        "店铺ID": raw("store_id"),
        "商品ID": raw("product_id"),
        "商品名称": raw("title"),
        "商家编码": raw("sku"),
        "类目": raw("category"),
        "商品状态": word("status", PRODUCT_STATUS),
        "一口价": grouped("price"),
        "预估最低到手价": grouped("final_price"),
        "成本价": raw("cost"),
        "图片价格": dashed("image_price"),
        "库存": grouped("stock"),
        "日销量": raw("daily_sales"),
        "商品访客数": raw("visitors"),
        "商品支付转化率": rate("conversion"),
    },
    encoding="gb18030",
)

PLACEMENTS = Layout(
    name="placement",
    kinds=("placement",),
    times=(DAILY,),
    suffix="json",
    cells={
        "页面位编号": raw("placement_id"),
        "店铺ID": raw("store_id"),
        "页面": word("page", PAGES),
        "位置类型": word("kind", PLACEMENT_KINDS),
        "标题": raw("title"),
        "文案价格": raw("text_price"),
        "商品ID": raw("product_id"),
        "活动ID": raw("promotion_id"),
        "开始时间": raw("starts_at"),
        "结束时间": raw("ends_at"),
        "展示中": raw("live"),
        "链接": raw("link"),
        "链接状态码": raw("link_status"),
    },
)

PROMOTIONS = Layout(
    name="promotion",
    kinds=("promotion",),
    times=(DAILY,),
    suffix="csv",
    cells={
        "活动ID": raw("promotion_id"),
        "店铺ID": raw("store_id"),
        "商品ID": raw("product_id"),
        "活动名称": raw("name"),
        "活动状态": raw("state"),
        "活动时间": period("starts_at", "ends_at"),
        "活动价": raw("promo_price"),
        "日常价": raw("regular_price"),
        "准备完成": yes_no("prepared"),
    },
)

REVIEWS = Layout(
    name="review",
    kinds=("review",),
    times=(DAILY,),
    suffix="jsonl",
    cells={
        "评价编号": raw("review_id"),
        "店铺ID": raw("store_id"),
        "商品ID": raw("product_id"),
        "评价类型": constant("评价"),
        "评分": raw("score"),
        "评价内容": raw("content"),
        "评价时间": clock("created_at"),
        "回复时间": clock("replied_at"),
    },
)

CAMPAIGNS = Layout(
    name="ad_campaign",
    kinds=("ad_campaign", "ad_account"),
    times=ROUNDS,
    suffix="csv",
    cells={
        "店铺ID": raw("store_id"),
        "推广账户ID": raw("account_id"),
        "推广渠道": raw("channel"),
        "账户余额": grouped("balance"),
        "是否欠费": yes_no("overdrawn"),
        "计划ID": raw("campaign_id"),
        "计划名字": raw("name"),
        "投放中": yes_no("enabled"),
        "日预算": grouped("daily_budget"),
        "展现量": grouped("impressions"),
        "点击量": grouped("clicks"),
        "花费": grouped("spent"),
        "点击率": rate("ctr"),
        "平均点击花费": dashed("cpc"),
        "总成交金额": grouped("revenue"),
        "总成交笔数": raw("orders"),
        "投入产出比": dashed("roi"),
        "引导访问量": raw("visits"),
    },
)

LAYOUTS = (STORES, PRODUCTS, PLACEMENTS, PROMOTIONS, REVIEWS, TAOBAO, JD, PDD, DOUYIN, CAMPAIGNS)
