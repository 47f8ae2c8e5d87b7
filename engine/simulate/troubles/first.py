"""The first five troubles, whose incidents the platforms' own sheets show: ratings, late parcels, banners, budgets, pictures.

Crossings of time limits are planted in the night, far from every export and evaluation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from engine.simulate.look import Look, Seen
from engine.simulate.plan import Dice, Options, at
from engine.simulate.shop import CampaignDay, Order, Placement, ProductDay, Review, Shop
from engine.simulate.trouble import NOON, Planted, Slot, Trouble, rows_where, stores_where
from engine.simulate.world import COMPLAINTS, HOSTILE_REMARK, SHIP_PROMISE, SPARE, order, review

ANSWERED = timedelta(hours=5)


def plant_dsr_drop(shop: Shop, slot: Slot, dice: Dice, options: Options) -> Planted:
    """In turn: one rating below 4.7, all below 4.5, and a fall of 0.10 that stays above every fixed threshold."""
    note, change = (
        ("description rating below 4.7", lambda r: (462, r[1], r[2])),
        ("all ratings below 4.5", lambda r: (441, 444, 447)),
        ("service rating 0.10 lower, yet above 4.7", lambda r: (r[0], r[1] - 10, r[2])),
    )[slot.turn % 3]
    industry = (465, 465, 465)
    days = tuple(
        replace(day, ratings=change(day.ratings), industry=industry if slot.turn % 3 == 2 else day.industry)
        if slot.first <= number <= slot.last
        else day
        for number, day in enumerate(shop.days)
    )
    reviews = tuple(sorted((*shop.reviews, *_angry(shop, options.dates[slot.first - 1], dice)), key=lambda one: one.created_at))
    return Planted(replace(shop, days=days, reviews=reviews), shop.store_id, note)


def _angry(shop: Shop, day: date, dice: Dice) -> Iterable[Review]:
    """Six bad reviews of one product on the day before: the cause to be found."""
    product = shop.products[dice.choice(SPARE)]
    for index in range(6):
        created = at(day, time(9 + index, dice.between(0, 59)))
        content = COMPLAINTS[index % len(COMPLAINTS)]
        yield review(shop.store_id, len(shop.reviews) + index, product.product_id, 1 + index % 2, content, created, created + ANSWERED)


def dsr_drop(row: Seen) -> bool:
    for name in ("dsr_desc", "dsr_service", "dsr_logistics"):
        rating, highest = row.num(name), max(row.past(name, timedelta(days=7)), default=Decimal(0))
        if rating < Decimal("4.7") or rating < highest - Decimal("0.05") or rating < row.num(f"industry_{name}"):
            return True
    return False


def plant_unfulfilled_orders(shop: Shop, slot: Slot, dice: Dice, options: Options) -> Planted:
    """Orders of one late evening that nobody ships: a few, or many; where the platform prints a promise, a single one will do.

    Late, so that at the last round before a promise ends it is not near yet: what is near is another rule's to tell."""
    promised = shop.platform in SHIP_PROMISE
    count = ((1, 24, 7) if promised else (6, 24, 9))[slot.turn % 3]
    evening = options.dates[slot.first] - timedelta(days=3)
    stuck = tuple(_stuck(shop, index, evening, at(options.dates[slot.last], NOON), dice) for index in range(count))
    orders = tuple(sorted((*shop.orders, *stuck), key=lambda one: one.created_at))
    note = f"{count} order(s) paid on the evening of {evening} not shipped"
    return Planted(replace(shop, orders=orders), shop.store_id, note)


def _stuck(shop: Shop, index: int, evening: date, shipped: datetime, dice: Dice) -> Order:
    created = at(evening, time(23, dice.between(0, 29), dice.between(0, 59)))
    number = int(shop.store_id[2:])
    usual = order(dice, shop.platform, number, len(shop.orders) + index, created, dice.choice(shop.products[:2]))
    paid = created + dice.minutes(1, 20)
    return replace(
        usual,
        remark=HOSTILE_REMARK if index == 0 else usual.remark,
        paid_at=paid,
        promised_ship_at=paid + SHIP_PROMISE[shop.platform] if shop.platform in SHIP_PROMISE else None,
        shipped_at=shipped,
        signed_at=None,
        closed_at=None,
    )


def unfulfilled_orders(look: Look) -> bool:
    waiting = [row for row in look.rows("order") if row.text("status") == "paid"]
    old = sum(row.age("paid_at") > timedelta(hours=48) for row in waiting)
    return old >= 5 or any(row.has("promised_ship_at") and row.until("promised_ship_at") < timedelta(0) for row in waiting)


def plant_banner_expired(shop: Shop, slot: Slot, dice: Dice, options: Options) -> Planted:
    """A picture whose promotion ended at midnight stays up; then it is switched off, or deleted."""
    kind, page = (("banner", "home"), ("kv", "home"), ("banner", "detail"))[slot.turn % 3]
    taken_down = at(options.dates[slot.last], NOON)
    deleted = slot.turn % 2 == 1
    placement = Placement(
        placement_id=f"W{shop.store_id}B{len(shop.placements) + 1:03}",
        page=page,
        kind=kind,
        title=f"满300减40 {options.dates[slot.first] - timedelta(days=1):%m月%d日}截止",
        product_id=shop.products[SPARE[0]].product_id,
        promotion_id="",
        starts_at=at(options.dates[slot.first] - timedelta(days=3)),
        ends_at=at(options.dates[slot.first]) - timedelta(seconds=1),
        down_at=taken_down,
        gone_at=taken_down if deleted else taken_down + timedelta(days=2),
    )
    note = f"{kind} on the {page} page left up, then {'deleted' if deleted else 'switched off'}"
    return Planted(replace(shop, placements=(*shop.placements, placement)), placement.placement_id, note)


def banner_expired(row: Seen) -> bool:
    return row.yes("live") and row.text("kind") not in ("nav", "notice") and row.until("ends_at") < timedelta(0)


def plant_ad_budget_exhausted(shop: Shop, slot: Slot, dice: Dice, options: Options) -> Planted:
    """Demand far above the budget of one day: spent by the afternoon, by the morning, or by the morning and the budget raised at noon."""
    variants = (("spent by 16:00", 250, 0), ("spent by 09:00", 900, 0), ("spent by 09:00, budget raised at noon", 900, 6))
    note, demand, raised = variants[slot.turn % 3]
    campaign = shop.campaigns[slot.turn % 2]
    budget = campaign.days[slot.first].budget
    noon = at(options.dates[slot.first], NOON) if raised else None
    busy = CampaignDay(budget, budget * demand // 100, noon, budget * raised)
    days = (*campaign.days[: slot.first], busy, *campaign.days[slot.first + 1 :])
    campaigns = tuple(replace(one, days=days) if one is campaign else one for one in shop.campaigns)
    return Planted(replace(shop, campaigns=campaigns), campaign.campaign_id, note)


def ad_budget_exhausted(row: Seen) -> bool:
    budget = row.num("daily_budget")
    return row.yes("enabled") and budget > 0 and row.num("spent") >= Decimal("0.95") * budget and row.look.now.hour < 20


def plant_price_image_mismatch(shop: Shop, slot: Slot, dice: Dice, options: Options) -> Planted:
    """The price changes and the picture does not: dearer than painted, cheaper by two cents, much cheaper."""
    product = shop.products[SPARE[slot.turn % 2]]
    change = (product.price // 10, -2, -product.price // 5)[slot.turn % 3]

    def day_of(number: int, day: ProductDay) -> ProductDay:
        return replace(day, final_price=product.price + change) if slot.first <= number <= slot.last else day

    changed = replace(product, days=tuple(day_of(number, day) for number, day in enumerate(product.days)))
    products = tuple(changed if one is product else one for one in shop.products)
    return Planted(replace(shop, products=products), product.product_id, f"price {change / 100:+.2f} yuan, picture unchanged")


def price_image_mismatch(row: Seen) -> bool:
    if row.text("status") != "on_sale" or not row.has("image_price"):
        return False
    return abs(row.num("image_price") - row.num("final_price")) > Decimal("0.01")


TROUBLES: Mapping[str, Trouble] = {
    "dsr_drop": Trouble("store", 4, plant_dsr_drop, rows_where("store", dsr_drop)),
    "unfulfilled_orders": Trouble("order", 3, plant_unfulfilled_orders, stores_where(unfulfilled_orders), reads=("store",)),
    "banner_expired": Trouble("placement", 4, plant_banner_expired, rows_where("placement", banner_expired)),
    "ad_budget_exhausted": Trouble("ad_campaign", 0, plant_ad_budget_exhausted, rows_where("ad_campaign", ad_budget_exhausted)),
    "price_image_mismatch": Trouble("product", 4, plant_price_image_mismatch, rows_where("product", price_image_mismatch)),
}
