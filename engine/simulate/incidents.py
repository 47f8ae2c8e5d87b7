"""Incidents: how each rule's trouble is planted into a healthy store, and when the data tells of it.

:data:`TROUBLES` has one entry a rule. ``plant`` changes one store inside a :class:`Slot`; ``shows`` judges a store's rows at the instant of
an export, so that the truth is read off what was written, not off what was meant. Crossings of time limits are planted in the night,
far from every export and evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from engine.errors import Text, UsageError
from engine.simulate.plan import Dice, Options, at
from engine.simulate.rows import Row, store_rows
from engine.simulate.shop import CampaignDay, Order, Placement, ProductDay, Review, Shop
from engine.simulate.world import COMPLAINTS, HOSTILE_REMARK, SHIP_PROMISE, SPARE, order, review

ANSWERED = timedelta(hours=5)
NOON = time(12, 30)  # what is mended is mended between the two rounds of a day
FIRST_DAY = 2  # of the run: there is history to compare with


@dataclass(frozen=True, slots=True)
class Slot:
    """Where an incident goes: it shows from the morning of day ``first`` (of the run) and is mended at noon of day ``last``.

    ``turn`` counts the incidents of this rule from 0, so that its variants take turns.
    """

    first: int
    last: int
    turn: int


@dataclass(frozen=True, slots=True)
class Incident:
    """The truth: ``rule`` holds for ``key`` at every export from ``starts_at`` to before ``ends_at`` (None: to the end)."""

    rule: str
    store_id: str
    key: str
    starts_at: datetime
    ends_at: datetime | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Planted:
    shop: Shop
    key: str
    note: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """``kind`` is the fact kind that ``shows`` reads; ``longest`` the most days (besides the first) an incident may last."""

    kind: str
    longest: int
    plant: Callable[[Shop, Slot, Dice, Options], Planted]
    shows: Callable[[Shop, Iterable[Row], datetime, Options], Iterable[str]]


def plant(shops: tuple[Shop, ...], options: Options) -> tuple[tuple[Shop, ...], Mapping[tuple[str, str, date], str]]:
    """Plant ``options.incidents`` of every rule, over stores and days.

    Answers the changed stores and, by rule, key and first day, what was done. Raises :class:`UsageError` when so many do not fit.
    """
    changed, notes = list(shops), {}
    for number, (rule, trouble) in enumerate(TROUBLES.items()):
        dice = Dice(options.seed, rule)
        stride = max(1, options.stores // max(1, options.incidents))
        for turn in range(options.incidents):
            index = (1 + number + turn * stride) % options.stores
            slot = _slot(dice, trouble, turn, options)
            planted = trouble.plant(changed[index], slot, dice, options)
            changed[index] = planted.shop
            notes[rule, planted.key, options.dates[slot.first]] = planted.note
    return tuple(changed), notes


def _slot(dice: Dice, trouble: Trouble, turn: int, options: Options) -> Slot:
    """A stretch of days of its own for every incident of one rule in one store, with a healthy day after it."""
    rounds = -(-options.incidents // options.stores)
    stretch = (options.days - 1 - FIRST_DAY) // rounds
    if stretch < 2:
        raise UsageError(
            Text(f"{options.incidents} incidents per rule do not fit into this run", f"这次模拟放不下每条规则 {options.incidents} 个异常"),
            Text("simulate more stores or days, or fewer incidents", "请增加店铺或天数，或减少异常"),
        )
    start = FIRST_DAY + turn // options.stores * stretch
    more = dice.between(0, min(trouble.longest, stretch - 2))
    first = dice.between(start, start + stretch - 2 - more)
    return Slot(first, first + more, turn)


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


def dsr_drop(shop: Shop, rows: Iterable[Row], now: datetime, options: Options) -> Iterable[str]:
    earlier = [now - timedelta(days=days) for days in range(1, 8)]
    week = [row for when in earlier if when.date() >= options.start for row in store_rows(shop, when, options)]
    for row in rows:
        for name in ("dsr_desc", "dsr_service", "dsr_logistics"):
            rating = _number(row[name])
            highest = max((_number(past[name]) for past in week), default=Decimal(0))
            if rating < Decimal("4.7") or rating < highest - Decimal("0.05") or rating < _number(row[f"industry_{name}"]):
                yield shop.store_id
                break


def _number(value: object) -> Decimal:
    if not isinstance(value, Decimal):
        raise TypeError(f"not a number: {value!r}")
    return value


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


def unfulfilled_orders(shop: Shop, rows: Iterable[Row], now: datetime, options: Options) -> Iterable[str]:
    waiting = [row for row in rows if row["status"] == "paid"]
    old = sum(1 for row in waiting if _instant(row["paid_at"]) < now - timedelta(hours=48))
    late = sum(1 for row in waiting if row["promised_ship_at"] is not None and _instant(row["promised_ship_at"]) < now)
    return [shop.store_id] if old >= 5 or late >= 1 else []


def _instant(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError(f"not an instant: {value!r}")
    return value


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


def banner_expired(shop: Shop, rows: Iterable[Row], now: datetime, options: Options) -> Iterable[str]:
    return [str(row["placement_id"]) for row in rows if row["kind"] != "notice" and row["live"] and _instant(row["ends_at"]) < now]


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


def ad_budget_exhausted(shop: Shop, rows: Iterable[Row], now: datetime, options: Options) -> Iterable[str]:
    for row in rows:
        budget, spent = _number(row["daily_budget"]), _number(row["spent"])
        if row["enabled"] and budget > 0 and spent >= Decimal("0.95") * budget and now.hour < 20:
            yield str(row["campaign_id"])


def plant_price_image_mismatch(shop: Shop, slot: Slot, dice: Dice, options: Options) -> Planted:
    """The price changes and the picture does not: dearer than painted, cheaper by two cents, much cheaper."""
    product = shop.products[SPARE[slot.turn % 2]]
    change = (product.price // 10, -2, -product.price // 5)[slot.turn % 3]

    def day_of(number: int, day: ProductDay) -> ProductDay:
        return replace(day, final_price=product.price + change) if slot.first <= number <= slot.last else day

    changed = replace(product, days=tuple(day_of(number, day) for number, day in enumerate(product.days)))
    products = tuple(changed if one is product else one for one in shop.products)
    return Planted(replace(shop, products=products), product.product_id, f"price {change / 100:+.2f} yuan, picture unchanged")


def price_image_mismatch(shop: Shop, rows: Iterable[Row], now: datetime, options: Options) -> Iterable[str]:
    for row in rows:
        painted = row["image_price"]
        if row["status"] == "on_sale" and painted is not None and abs(_number(painted) - _number(row["final_price"])) > Decimal("0.01"):
            yield str(row["product_id"])


TROUBLES: Mapping[str, Trouble] = {
    "dsr_drop": Trouble("store", 4, plant_dsr_drop, dsr_drop),
    "unfulfilled_orders": Trouble("order", 3, plant_unfulfilled_orders, unfulfilled_orders),
    "banner_expired": Trouble("placement", 4, plant_banner_expired, banner_expired),
    "ad_budget_exhausted": Trouble("ad_campaign", 0, plant_ad_budget_exhausted, ad_budget_exhausted),
    "price_image_mismatch": Trouble("product", 4, plant_price_image_mismatch, price_image_mismatch),
}
