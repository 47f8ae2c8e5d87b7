"""Orders and refunds: promises, carriers, stock, payment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from engine.model import Value
from engine.simulate.look import DAY, REACH, Look, Seen, mean
from engine.simulate.shop import Edit, Row
from engine.simulate.trouble import (
    Columns,
    Plan,
    Site,
    Trouble,
    added,
    appears,
    changed,
    rows_where,
    stores_where,
    the_store,
    together,
    turns,
)

HOUR = timedelta(hours=1)
SCARCE = 4  # the position of the product that runs out


def order_row(site: Site, number: int = 0, **columns: Value) -> Row:
    """A paid order of two days before, as the company's own system lists it."""
    product = site.product(SCARCE)
    paid = site.at(-2, 20, 5)
    usual: dict[str, Value] = {
        "order_id": f"{site.new_id('X')}{number:03}",
        "store_id": site.shop.store_id,
        "store_name": site.shop.name,
        "product_id": product.product_id,
        "product_title": product.title,
        "sku": product.sku,
        "quantity": 1,
        "status": "paid",
        "created_at": paid - timedelta(minutes=5),
        "paid_at": paid,
        "promised_ship_at": None,
        "shipped_at": None,
        "picked_up_at": None,
        "promised_sign_at": None,
        "signed_at": None,
        "amount": Decimal("88.00"),
        "abnormal": None,
        "remark": None,
        "tracking_no": None,
        "buyer": 1,
    }
    return {**usual, **columns}


def sent(site: Site) -> Columns:
    """What a parcel that was shipped and fetched at noon looks like."""
    return {"status": "shipped", "shipped_at": site.mended, "picked_up_at": site.mended, "abnormal": None}


def _promised(hour: int, minute: int, second: int) -> Plan:
    return appears("order", lambda site: order_row(site, promised_ship_at=site.at(0, hour, minute, second)), sent, lead=1)


def ship_deadline_near(row: Seen) -> bool:
    if row.text("status") != "paid" or not row.has("promised_ship_at"):
        return False
    return timedelta(0) <= row.until("promised_ship_at") < 6 * HOUR


def _handed_over(age: timedelta) -> Plan:
    """Shipped so long before the first morning round, and not fetched by the carrier since."""
    return appears(
        "order",
        lambda site: order_row(site, status="shipped", shipped_at=site.at(0, 9, 30) - age),
        lambda site: {"picked_up_at": site.mended},
    )


def pickup_stalled(row: Seen) -> bool:
    if row.text("status") != "shipped" or row.has("picked_up_at"):
        return False
    return any(other.has("picked_up_at") for other in row.same("order")) and row.age("shipped_at") > 24 * HOUR


def _sold_out(stock: int, paid: timedelta) -> Plan:
    """An order paid so long before the first morning round, of a product of which nothing is left."""
    return together(
        appears("order", lambda site: order_row(site, paid_at=site.at(0, 9, 30) - paid), sent),
        changed("product", lambda site: site.product(SCARCE).product_id, {"stock": stock}),
    )


def paid_but_no_stock(row: Seen) -> bool:
    product = row.product()
    if row.text("status") != "paid" or product is None:
        return False
    return product.num("stock") < 0 or (product.num("stock") == 0 and row.age("paid_at") > 12 * HOUR)


def _abnormal(**columns: Value) -> Plan:
    return appears("order", lambda site: {**order_row(site), **columns}, sent)


def _intercepted(site: Site) -> tuple[str, tuple[Edit, ...]]:
    return _abnormal(abnormal="物流拦截", status="shipped", shipped_at=site.at(0, 1))(site)


def abnormal_order(row: Seen) -> bool:
    return row.text("status") in ("paid", "shipped") and row.text("abnormal") not in ("", "无", "正常", "无异常", "否")


def _unpaid(count: int) -> Plan:
    """So many orders of the evening before that nobody pays, closed at noon."""

    def plan(site: Site) -> tuple[str, tuple[Edit, ...]]:
        evening = site.at(-1, 20)
        rows = [
            order_row(site, number, status="unpaid", paid_at=None, created_at=evening + number * timedelta(minutes=2))
            for number in range(count)
        ]
        edits = tuple(added("order", row, evening + 4 * HOUR, site.mended + DAY, (site.mended, {"status": "closed"})) for row in rows)
        return site.shop.store_id, edits

    return plan


def unpaid_orders_pile(look: Look) -> bool:
    recent = [row for row in look.rows("order") if HOUR / 2 <= row.age("created_at") <= 24 * HOUR]
    unpaid = sum(row.text("status") == "unpaid" for row in recent)
    return len(recent) >= 20 and unpaid * 100 > 35 * len(recent)


def _undelivered(every: int) -> Plan:
    """Every so many-th parcel that was shipped is still on its way."""

    def apply(rows: list[Row], now: datetime) -> list[Row]:
        stuck = {row["order_id"] for row in [row for row in rows if row["shipped_at"]][::every]}
        return [{**row, "status": "shipped", "signed_at": None} if row["order_id"] in stuck else row for row in rows]

    return lambda site: (site.shop.store_id, (Edit("order", site.at(), site.mended, apply),))


def late_delivery(look: Look) -> bool:
    promised = [row for row in look.rows("order") if row.has("promised_sign_at") and timedelta(0) <= row.age("promised_sign_at") <= 7 * DAY]
    judged = [row for row in promised if row.has("signed_at") or row.text("status") in ("paid", "shipped")]
    late = sum((row.when("signed_at") if row.has("signed_at") else look.now) > row.when("promised_sign_at") for row in judged)
    return len(judged) >= 20 and late * 100 > 8 * len(judged)


def _refund(expires: timedelta, **columns: Value) -> Plan:
    """An open refund that is granted by itself so long after the first morning round."""

    def row(site: Site) -> Row:
        order = site.shop.orders[0]
        usual: dict[str, Value] = {
            "store_id": site.shop.store_id,
            "refund_id": site.new_id("T"),
            "order_id": order.order_id,
            "product_id": order.product_id,
            "amount": Decimal("66.00"),
            "reason": "质量问题",
            "status": "open",
            "requested_at": site.at(-2, 22),
            "auto_refund_at": site.at(0, 9, 30) + expires,
        }
        return {**usual, **columns}

    return appears("refund", row, lambda site: {"status": "done"}, lead=1)


def refund_about_to_auto_expire(row: Seen) -> bool:
    return row.text("status") == "open" and row.until("auto_refund_at") < 12 * HOUR


def _refunds(rate: str, orders: int) -> Plan:
    columns: Mapping[str, Value] = {"refund_rate": Decimal(rate), "orders": orders}
    return changed("store", the_store, columns)


def refund_rate_rising(row: Seen) -> bool:
    past = row.past("refund_rate", REACH)
    if row.num("orders") < 20 or row.seen_for() < 7 * DAY or len(past) < 2 or not row.has("refund_rate"):
        return False
    usual, rate = mean(past), row.num("refund_rate")
    spread = (sum(((value - usual) ** 2 for value in past), Decimal(0)) / (len(past) - 1)).sqrt()
    return rate > Decimal("0.05") and rate > usual * Decimal("1.5") and rate > usual + 2 * spread


TROUBLES: Mapping[str, Trouble] = {
    "ship_deadline_near": Trouble(
        "order",
        0,
        turns(
            ("promised in four hours", _promised(13, 30, 0)),
            ("promised in six hours less a second", _promised(15, 29, 59)),
            ("promised for the very instant", _promised(9, 30, 0)),
        ),
        rows_where("order", ship_deadline_near),
    ),
    "pickup_stalled": Trouble(
        "order",
        2,
        turns(
            ("not fetched for a day and a second", _handed_over(24 * HOUR + timedelta(seconds=1))),
            ("not fetched for 30 hours", _handed_over(30 * HOUR)),
            ("not fetched for three days", _handed_over(72 * HOUR)),
        ),
        rows_where("order", pickup_stalled),
    ),
    "paid_but_no_stock": Trouble(
        "order",
        1,
        turns(
            ("sold out, paid twelve hours and a second ago", _sold_out(0, 12 * HOUR + timedelta(seconds=1))),
            ("oversold, just paid", _sold_out(-3, timedelta(minutes=40))),
            ("sold out, paid 30 hours ago", _sold_out(0, 30 * HOUR)),
        ),
        rows_where("order", paid_but_no_stock),
        reads=("product",),
    ),
    "abnormal_order": Trouble(
        "order",
        2,
        turns(
            ("paid, address abnormal", _abnormal(abnormal="地址异常")),
            ("shipped, intercepted", _intercepted),
            ("paid, out of stock noted", _abnormal(abnormal="缺货登记")),
        ),
        rows_where("order", abnormal_order),
    ),
    "unpaid_orders_pile": Trouble(
        "store",
        0,
        turns(("14 unpaid orders", _unpaid(14)), ("25 unpaid orders", _unpaid(25)), ("60 unpaid orders", _unpaid(60))),
        stores_where(unpaid_orders_pile),
        reads=("order",),
    ),
    "late_delivery": Trouble(
        "store",
        3,
        turns(
            ("every eighth parcel not delivered", _undelivered(8)),
            ("every third parcel not delivered", _undelivered(3)),
            ("no parcel delivered", _undelivered(1)),
        ),
        stores_where(late_delivery),
        reads=("order",),
    ),
    "refund_about_to_auto_expire": Trouble(
        "refund",
        0,
        turns(
            ("granted by itself in twelve hours less a second", _refund(12 * HOUR - timedelta(seconds=1))),
            ("granted by itself in three hours", _refund(3 * HOUR)),
            ("granted by itself an hour ago", _refund(-HOUR)),
        ),
        rows_where("refund", refund_about_to_auto_expire),
    ),
    "refund_rate_rising": Trouble(
        "store",
        2,
        turns(("25 % refunded", _refunds("0.2500", 30)), ("45 % refunded", _refunds("0.4500", 20)), ("70 % refunded", _refunds("0.7", 60))),
        rows_where("store", refund_rate_rising),
        earliest=10,
    ),
}
