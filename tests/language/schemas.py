"""A small shop of kinds that the language's tests are about; other tests use it too."""

from __future__ import annotations

from datetime import timedelta

from engine.errors import Text
from engine.language import Scope
from engine.model import ColumnSchema, KindSchema, Type

TIME_ZONE = "Asia/Shanghai"


def column(
    name: str, type_: Type, zh: str = "", *names: str, unit: str = "", personal: bool = False, values: tuple[str, ...] = ()
) -> ColumnSchema:
    return ColumnSchema(name, type_, unit, Text(name, zh) if zh else None, names, personal, values)


def kind(name: str, zh: str, key: tuple[str, ...], columns: list[ColumnSchema], references: dict[str, str] | None = None) -> KindSchema:
    everything = {each.name: each for each in (column("store_id", Type.STRING, "店铺ID"), *columns)}
    return KindSchema(name, key, everything, references or {}, timedelta(hours=26), Text(name.capitalize(), zh))


STORE = kind(
    "store",
    "店铺",
    ("store_id",),
    [
        column("name", Type.STRING, "店铺名称"),
        column("status", Type.STRING, "状态", values=("open", "closed")),
        column("dsr_desc", Type.NUMBER, "描述相符", unit="分"),
        column("response", Type.NUMBER, "平均响应", unit="秒"),
        column("refund_rate", Type.PERCENT, "退款率"),
        column("uv", Type.INTEGER, "访客数"),
        column("sales", Type.MONEY, "支付金额"),
        column("cost", Type.MONEY, "营销费用"),
        column("opened_on", Type.DATE, "开店日期"),
    ],
)
PRODUCT = kind(
    "product",
    "商品",
    ("product_id",),
    [
        column("product_id", Type.STRING, "商品ID"),
        column("sku", Type.STRING, "货号"),
        column("title", Type.STRING, "商品标题"),
        column("status", Type.STRING, "商品状态", values=("on_sale", "delisted")),
        column("price", Type.MONEY, "一口价"),
        column("stock", Type.INTEGER, "库存"),
        column("refund_rate", Type.PERCENT, "退款率"),
    ],
)
ORDER = kind(
    "order",
    "订单",
    ("order_id",),
    [
        column("order_id", Type.STRING, "订单编号"),
        column("product_id", Type.STRING),
        column("sku", Type.STRING),
        column("status", Type.STRING, "订单状态", values=("unpaid", "paid", "shipped")),
        column("amount", Type.MONEY, "实付金额", "金额"),
        column("list_amount", Type.MONEY, "应付金额", "金额"),
        column("pieces", Type.INTEGER, "件数"),
        column("buyer", Type.STRING, "买家", personal=True),
        column("gift", Type.BOOLEAN, "赠品"),
        column("weight", Type.NUMBER, "重量", unit="kg"),
        column("paid_at", Type.TIMESTAMP, "付款时间"),
        column("promised_ship_at", Type.TIMESTAMP, "承诺发货时间"),
        column("due_on", Type.DATE, "到期日"),
        column("handling", Type.DURATION, "处理时长"),
        column("remark", Type.STRING, "备注"),
    ],
    {"product_id": "product"},
)
REFUND = kind(
    "refund",
    "退款",
    ("refund_id",),
    [
        column("refund_id", Type.STRING, "退款编号"),
        column("order_id", Type.STRING),
        column("amount", Type.MONEY, "退款金额"),
        column("asked_at", Type.TIMESTAMP, "申请时间"),
    ],
    {"order_id": "order"},
)
SWAP = kind(
    "swap",
    "换货",
    ("swap_id",),
    [column("swap_id", Type.STRING), column("old_id", Type.STRING), column("new_id", Type.STRING)],
    {"old_id": "product", "new_id": "product"},
)
TRAFFIC = kind(
    "traffic",
    "流量",
    ("store_id", "source"),
    [column("source", Type.STRING, "来源"), column("uv", Type.INTEGER), column("conversion", Type.PERCENT, "转化率")],
)
VISIT = kind("visit", "到访", ("visit_id",), [column("visit_id", Type.STRING), column("source", Type.STRING)], {"source": "traffic"})

KINDS = {each.name: each for each in (STORE, PRODUCT, ORDER, REFUND, SWAP, TRAFFIC, VISIT)}


def scope(kind_: str) -> Scope:
    return Scope(kind_, KINDS, TIME_ZONE)
