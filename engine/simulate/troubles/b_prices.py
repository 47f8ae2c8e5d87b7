"""Prices: on pictures, after promotions, below the floor, across stores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal

from engine.model import Value
from engine.simulate.look import DAY, Seen
from engine.simulate.rows import yuan
from engine.simulate.shop import Edit, Row
from engine.simulate.trouble import Plan, Site, Trouble, added, changed, edited, rows_where, turns
from engine.simulate.troubles.b_pages import shown

CENT = Decimal("0.01")
NOW = timedelta(0)
PLAIN, OTHER, SHARED = 4, 7, 5  # positions of products
OVER = ("活动结束", "已取消")


def promotion_row(site: Site, **columns: Value) -> Row:
    """A promotion that ended last midnight, of a product that has no other."""
    product = site.product(PLAIN)
    usual: dict[str, Value] = {
        "promotion_id": site.new_id("HD"),
        "store_id": site.shop.store_id,
        "product_id": product.product_id,
        "name": "会员日",
        "state": "活动结束",
        "signup_ends_at": site.at(-6),
        "starts_at": site.at(-3),
        "ends_at": site.at() - timedelta(seconds=1),
        "promo_price": yuan(product.price * 85 // 100),
        "regular_price": yuan(product.price),
        "prepared": True,
    }
    return {**usual, **columns}


def after_promotion(columns: Callable[[Row], Row], **state: Value) -> Plan:
    """A promotion of three days, and what is left of it on its product until noon; the sheet lists it for two weeks more."""

    def plan(site: Site) -> tuple[str, tuple[Edit, ...]]:
        row = promotion_row(site, **state)
        running = {"state": "活动中"}
        product = site.product(PLAIN).product_id
        cut: Row = {"final_price": row["promo_price"], "image_price": row["promo_price"], "discount_category": True}
        edits = (
            added("promotion", {**row, **running}, site.at(-3), site.at(14), (site.at(), {"state": row["state"]})),
            edited("product", product, site.at(-3), site.at(), cut),
            edited("product", product, site.at(), site.mended, columns(row)),
        )
        return str(row["promotion_id"]), edits

    return plan


def kept_price(row: Row) -> Row:
    return {"final_price": row["promo_price"], "image_price": row["promo_price"]}


def _kept_list_price(row: Row) -> Row:
    return {"price": row["promo_price"], "final_price": row["promo_price"], "image_price": row["promo_price"]}


def _kept_picture(row: Row) -> Row:
    return {"image_price": row["promo_price"]}


def _ended(row: Seen) -> bool:
    state = row.text("state")
    over = row.age("ends_at") > timedelta(hours=1) or state in OVER
    return over and row.age("ends_at") <= 30 * DAY and state not in ("草稿", "报名中")


def promo_price_not_restored(row: Seen) -> bool:
    product = row.product()
    if product is None or not _ended(row) or row.num("promo_price") >= row.num("regular_price"):
        return False
    others = [one for one in row.same("promotion") if one.text("product_id") == product.key and one.text("state") == "活动中"]
    running = any(one.until("starts_at") <= NOW <= one.until("ends_at") for one in others)
    return not running and row.num("promo_price") in (product.num("price"), product.num("final_price"))


def promo_image_not_replaced(row: Seen) -> bool:
    product = row.product()
    if product is None or not _ended(row) or product.text("status") != "on_sale" or not product.has("image_price"):
        return False
    return product.num("image_price") == row.num("promo_price") < product.num("final_price")


def banner_price_mismatch(row: Seen) -> bool:
    product = row.product()
    if not row.yes("live") or product is None or any(word in row.text("title") for word in ("预热", "预售", "预告")):
        return False
    told = [row.num(name) for name in ("image_price", "text_price") if row.has(name)]
    return any(abs(price - product.num("final_price")) > CENT for price in told)


def told(text: int | None, image: int | None) -> Plan:
    """A banner of a product whose prices in text and picture are so many cents off (None: none is told)."""

    def columns(site: Site) -> Row:
        product = site.product(OTHER)
        prices = {name: None if off is None else yuan(product.price + off) for name, off in (("text_price", text), ("image_price", image))}
        return {"product_id": product.product_id, **prices}

    return shown(columns)


def _cheap(position: int, columns: Callable[[Row], Row]) -> Plan:
    return changed("product", lambda site: site.product(position).product_id, columns)


def _below(price: Callable[[Row], Value], **others: Value) -> Callable[[Row], Row]:
    return lambda row: {"final_price": price(row), "image_price": price(row), **others}


def _number(row: Row, column: str) -> Decimal:
    value = row[column]
    assert isinstance(value, Decimal)  # noqa: S101  (the simulator's own rows)
    return value


def below_floor(row: Row) -> Decimal:
    return _number(row, "floor_price") - CENT


def price_below_floor(row: Seen) -> bool:
    if row.text("status") != "on_sale" or any(word in row.text("title") for word in ("补差", "差价", "邮费", "运费", "赠品")):
        return False
    return any(row.num("final_price") < row.num(name) for name in ("floor_price", "cost") if row.has(name))


def _conflict(percent: int) -> Plan:
    """The product is sold by a store next door too, there for so many percent of its price."""

    def plan(site: Site) -> tuple[str, tuple[Edit, ...]]:
        product = site.product(SHARED)
        elsewhere: dict[str, Value] = {"store_id": f"{site.shop.store_id}-2", "product_id": site.new_id("69")}
        cheaper: dict[str, Value] = {"final_price": yuan(product.price * percent // 100), "image_price": None, "discount_category": True}

        def twin(rows: list[Row], now: object) -> list[Row]:
            return [*rows, *({**row, **elsewhere, **cheaper} for row in rows if row["product_id"] == product.product_id)]

        return product.product_id, (Edit("product", site.at(), site.mended, twin),)

    return plan


def cross_store_price_conflict(row: Seen) -> bool:
    alike = [one for one in row.same("product") if all(one.text(name) == row.text(name) for name in ("sku", "status"))]
    if row.text("status") != "on_sale" or len({one.text("store_id") for one in alike}) < 2:
        return False
    cut = any(one.num("final_price") < one.num("price") for one in alike)
    return cut and row.num("final_price") > min(one.num("final_price") for one in alike) * Decimal("1.02")


TROUBLES: Mapping[str, Trouble] = {
    "banner_price_mismatch": Trouble(
        "placement",
        3,
        turns(
            ("text two cents too dear", told(2, None)),
            ("picture ten yuan too cheap", told(None, -1000)),
            ("text right, picture wrong", told(0, 500)),
        ),
        rows_where("placement", banner_price_mismatch),
        reads=("product",),
    ),
    "promo_price_not_restored": Trouble(
        "promotion",
        3,
        turns(
            ("final price kept", after_promotion(kept_price)),
            ("list price kept too", after_promotion(_kept_list_price)),
            ("final price kept, the promotion is still called running", after_promotion(kept_price, state="活动中")),
        ),
        rows_where("promotion", promo_price_not_restored),
        reads=("product",),
        earliest=5,
    ),
    "promo_image_not_replaced": Trouble(
        "promotion",
        3,
        turns(
            ("picture kept", after_promotion(_kept_picture)),
            ("picture kept, the promotion was called off", after_promotion(_kept_picture, state="已取消")),
        ),
        rows_where("promotion", promo_image_not_replaced),
        reads=("product",),
        earliest=5,
    ),
    "price_below_floor": Trouble(
        "product",
        3,
        turns(
            ("a cent below the floor", _cheap(OTHER, _below(below_floor))),
            ("a cent below cost, no floor set", _cheap(PLAIN, _below(lambda row: _number(row, "cost") - CENT, floor_price=None))),
            ("one yuan", _cheap(OTHER, _below(lambda row: Decimal("1.00")))),
        ),
        rows_where("product", price_below_floor),
    ),
    "cross_store_price_conflict": Trouble(
        "product",
        2,
        turns(("2.1 % dearer", _conflict(98)), ("a quarter dearer", _conflict(80)), ("twice as dear", _conflict(50))),
        rows_where("product", cross_store_price_conflict),
    ),
}
