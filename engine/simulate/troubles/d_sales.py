"""Traffic, sales, costs, stock, rivals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from statistics import median

from engine.model import Value
from engine.simulate.look import DAY, REACH, Seen, mean
from engine.simulate.plan import Dice, Options
from engine.simulate.shop import Edit, Row, Shop
from engine.simulate.trouble import Columns, Plan, Planted, Site, Slot, Trouble, added, changed, edited, rows_where, the_store, turns

HOUR = timedelta(hours=1)
SCARCE, HERO = 1, 2  # positions of products


def plant_traffic_drop(shop: Shop, slot: Slot, dice: Dice, options: Options) -> Planted:
    """Fewer visitors from every source: conversion and the sources follow."""
    percent = (60, 45, 20)[slot.turn % 3]
    days = tuple(
        replace(day, visitors=day.visitors * percent // 100) if slot.first <= number <= slot.last else day
        for number, day in enumerate(shop.days)
    )
    return Planted(replace(shop, days=days), shop.store_id, f"{percent} % of the visitors")


def fallen(row: Seen, weekday: str = "0.7", middle: str = "0.8", least: int = 100) -> bool:
    """Fewer visitors than these parts of the same weekdays' mean and of the median; ``least``: of how many a store is judged at all."""
    as_of = row.look.as_of(row.kind)
    past = [(when, Decimal(str(old["uv"]))) for when, old in row.before(REACH)]
    alike = [uv for when, uv in past if as_of and when.weekday() == as_of.weekday()]
    if not alike or mean(alike) < least:
        return False
    return row.num("uv") < min(mean(alike) * Decimal(weekday), median(uv for _, uv in past) * Decimal(middle))


def _store(columns: Columns | Callable[[Row], Columns], *, lead: int = 0) -> Plan:
    return changed("store", the_store, columns, lead=lead)


def _searched(percent: int) -> Plan:
    def fewer(row: Row) -> Columns:
        return {"uv": int(str(row["uv"])) * percent // 100}

    return changed("traffic", lambda site: f"{site.shop.store_id}/搜索", fewer)


def _converted(visitors: int, conversion: str) -> Plan:
    return _store({"uv": visitors, "conversion": Decimal(conversion)})


def conversion_drop(row: Seen) -> bool:
    past = row.past("conversion", 14 * DAY)
    if not row.has("conversion") or row.num("uv") < 300 or len(row.before(14 * DAY)) < 7 or not past:
        return False
    usual, rate = median(past), row.num("conversion")
    return rate < usual * Decimal("0.75") and row.num("uv") * (usual - rate) ** 2 / usual > 9


def _times(column: str, factor: str) -> Callable[[Row], Columns]:
    return lambda row: {column: (Decimal(str(row[column])) * Decimal(factor)).quantize(Decimal("0.01"))}


def sales_behind_target(row: Seen) -> bool:
    sales, targets = row.past("sales", 14 * DAY), row.past("sales_target", 14 * DAY)
    return row.num("sales_target") > 0 and len(sales) >= 7 and mean(sales) < Decimal("0.85") * mean(targets) / 30


def _costs(share: str, margin: str) -> Plan:
    def columns(row: Row) -> Columns:
        return {"marketing_cost": _times("sales", share)(row)["sales"], "gross_margin": Decimal(margin)}

    return _store(columns, lead=3)


def cost_out_of_band(row: Seen) -> bool:
    return row.num("marketing_cost") > Decimal("0.15") * row.num("sales") or row.num("gross_margin") < Decimal("0.45")


def repurchase_low(row: Seen) -> bool:
    past, low = row.past("repurchase_rate", 7 * DAY), Decimal("0.2")
    return row.num("repurchase_rate") < low and (not past or mean(past) < low)


def _product(position: int, columns: Columns) -> Plan:
    return changed("product", lambda site: site.product(position).product_id, columns)


def _pace(row: Seen) -> Decimal:
    past = row.past("daily_sales", 7 * DAY)
    return mean(past) if past else row.num("daily_sales")


def stock_cover_low(row: Seen) -> bool:
    sold, stock = row.num("daily_sales"), row.num("stock")
    return row.text("status") == "on_sale" and ((_pace(row) >= 1 and stock < 5 * _pace(row)) or (sold >= 10 and stock < 2 * sold))


def hardly_covered(row: Seen) -> bool:
    return row.num("stock") < 2 * max(_pace(row), row.num("daily_sales"))


def _slump(sold: int) -> Plan:
    """A product that sold thirty a day for nine days sells so many."""

    def plan(site: Site) -> tuple[str, tuple[Edit, ...]]:
        key = site.product(HERO).product_id
        loved = edited("product", key, site.at(-9), site.at(), {"daily_sales": 30})
        return key, (loved, edited("product", key, site.at(), site.mended, {"daily_sales": sold}))

    return plan


def hero_product_slump(row: Seen) -> bool:
    past = row.past("daily_sales", 14 * DAY)
    usual = median(past) if past else Decimal(0)
    return row.text("status") == "on_sale" and usual >= 20 and row.num("daily_sales") < usual / 2 and len(past) >= 7


def _rival(columns: Columns | Callable[[Row], Columns], *, stays: bool = False) -> Plan:
    return changed("rival", lambda site: site.shop.desk.rivals[site.slot.turn % 2].rival_id, columns, stays=stays)


def _cut(percent: int, cents: int) -> Callable[[Row], Columns]:
    def columns(row: Row) -> Columns:
        price = Decimal(str(row["price"])) * percent / 100
        return {"price": price.quantize(Decimal("0.01")) - Decimal(cents) / 100}

    return columns


def rival_price_cut(row: Seen) -> bool:
    past = row.past("price", 7 * DAY)
    return bool(past) and row.num("price") < median(past) * Decimal("0.9")


def _newcomer(site: Site) -> tuple[str, tuple[Edit, ...]]:
    row: dict[str, Value] = {
        "store_id": site.shop.store_id,
        "rival_id": site.new_id("J"),
        "product_id": site.product(0).product_id,
        "title": "同款新品",
        "price": Decimal("59.00"),
        "main_image_hash": "0123456789abcdef",
        "promo_text": "新品首发",
        "sales_rank": 40,
        "is_new": True,
    }
    return str(row["rival_id"]), (added("rival", row, site.at(), site.end),)


def rival_changed_page(row: Seen) -> bool:
    window = 36 * HOUR
    another = any(row.changes(column, window) for column in ("main_image_hash", "promo_text"))
    return another or (row.yes("is_new") and row.seen_for() < window)


TROUBLES: Mapping[str, Trouble] = {
    "traffic_drop": Trouble("store", 1, plant_traffic_drop, rows_where("store", fallen), earliest=9),
    "traffic_source_drop": Trouble(
        "traffic",
        1,
        turns(("search at 60 %", _searched(60)), ("search at 45 %", _searched(45)), ("nobody by search", _searched(0))),
        rows_where("traffic", fallen),
        earliest=9,
    ),
    "conversion_drop": Trouble(
        "store",
        2,
        turns(
            ("1.2 % of 2000 visitors", _converted(2000, "0.0120")),
            ("0.3 % of 700 visitors", _converted(700, "0.0030")),
            ("nobody of 900 visitors", _converted(900, "0.0000")),
        ),
        rows_where("store", conversion_drop),
        earliest=9,
    ),
    "sales_behind_target": Trouble(
        "store",
        2,
        turns(
            ("target three times as high", _store(_times("sales_target", "3"), lead=5)),
            ("sales at a twentieth for a week", _store(_times("sales", "0.05"), lead=7)),
            ("target ten times as high", _store(_times("sales_target", "10"), lead=2)),
        ),
        rows_where("store", sales_behind_target),
        earliest=10,
    ),
    "bounce_rate_high": Trouble(
        "store",
        3,
        turns(
            ("85.01 %", _store({"bounce_rate": Decimal("0.8501")})),
            ("90 %", _store({"bounce_rate": Decimal("0.9")})),
            ("everybody", _store({"bounce_rate": Decimal(1)})),
        ),
        rows_where("store", lambda row: row.num("uv") >= 100 and row.num("bounce_rate") > Decimal("0.85")),
    ),
    "cost_out_of_band": Trouble(
        "store",
        2,
        turns(
            ("marketing takes 15.1 %", _costs("0.151", "0.55")),
            ("margin of 44.99 %", _costs("0.1", "0.4499")),
            ("both", _costs("0.3", "0.2")),
        ),
        rows_where("store", cost_out_of_band),
        earliest=5,
        held=3 * DAY,
    ),
    "repurchase_low": Trouble(
        "store",
        3,
        turns(
            ("19.99 % for a week", _store({"repurchase_rate": Decimal("0.1999")}, lead=7)),
            ("5 % for five days", _store({"repurchase_rate": Decimal("0.05")}, lead=4)),
            ("none for three days", _store({"repurchase_rate": Decimal(0)}, lead=2)),
        ),
        rows_where("store", repurchase_low),
        earliest=10,
    ),
    "stock_cover_low": Trouble(
        "product",
        3,
        turns(
            ("stock for two days", _product(SCARCE, {"stock": 9})),
            ("59 left, 30 sold yesterday", _product(SCARCE, {"stock": 59, "daily_sales": 30})),
            ("one left", _product(SCARCE, {"stock": 1})),
        ),
        rows_where("product", stock_cover_low),
        earliest=3,
    ),
    "hero_product_slump": Trouble(
        "product",
        2,
        turns(("14 instead of 30", _slump(14)), ("5 instead of 30", _slump(5)), ("none instead of 30", _slump(0))),
        rows_where("product", hero_product_slump),
        earliest=10,
    ),
    "rival_price_cut": Trouble(
        "rival",
        2,
        turns(("a cent more than a tenth", _rival(_cut(90, 1))), ("half price", _rival(_cut(50, 0))), ("a fifth off", _rival(_cut(80, 0)))),
        rows_where("rival", rival_price_cut),
        earliest=3,
    ),
    "rival_changed_page": Trouble(
        "rival",
        0,
        turns(
            ("another picture", _rival({"main_image_hash": "feedfacecafebeef"}, stays=True)),
            ("another slogan", _rival({"promo_text": "双十二提前购"}, stays=True)),
            ("a new product", _newcomer),
        ),
        rows_where("rival", rival_changed_page),
        earliest=3,
    ),
}
