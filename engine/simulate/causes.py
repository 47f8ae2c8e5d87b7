"""Root causes with their symptoms: troubles that come together in one store, and the truth about the incident rules that join them.

:data:`CAUSES` has one entry an incident rule of CATALOGUE.md. ``plant`` plants its parts; ``shows`` judges the alerts that are true in a
store, whoever planted them, and the rows behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from engine.model import Value
from engine.simulate.look import Look, Seen
from engine.simulate.plan import Dice, Options
from engine.simulate.shop import Edit, Row, Shop
from engine.simulate.trouble import Plan, Plant, Planted, Site, Slot, added, changed, edited, the_store, together
from engine.simulate.troubles import TROUBLES
from engine.simulate.troubles.b_pages import placement_row, the_showcase
from engine.simulate.troubles.b_prices import OTHER, PLAIN, after_promotion, below_floor, kept_price, told
from engine.simulate.troubles.d_sales import fallen, hardly_covered

KEPT = timedelta(hours=2)  # an incident outlives its alerts so long
EARLIEST = 10
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STUCK = ("unfulfilled_orders", "pickup_stalled", "refund_rate_rising")


@dataclass(frozen=True, slots=True)
class TrueAlert:
    """An alert that is true: since which evaluation, and whether it is critical."""

    rule: str
    key: str
    since: datetime
    critical: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """The alerts that are true in one store, and its rows."""

    look: Look
    alerts: Sequence[TrueAlert]

    def of(self, *rules: str) -> Iterator[TrueAlert]:
        return (alert for alert in self.alerts if alert.rule in rules)

    def any(self, *rules: str) -> bool:
        return next(self.of(*rules), None) is not None

    def of_placement(self, alert: TrueAlert, column: str) -> str:
        """A column of the placement that an alert is about; empty when it is gone."""
        row = self.look.row("placement", alert.key)
        return row.text(column) if row else ""


@dataclass(frozen=True, slots=True)
class Cause:
    """``shows`` tells the keys: the store, or what the rule joins its alerts by."""

    plant: Plant
    shows: Callable[[Scene], Iterable[str]]


def _store_where(test: Callable[[Scene], bool]) -> Callable[[Scene], Iterable[str]]:
    return lambda scene: [scene.look.store_id] if test(scene) else []


def _together(note: str, *parts: tuple[str, int, int], also: Plan | None = None, key: Callable[[Site], str] = the_store) -> Plant:
    """Troubles in one slot, each (rule, turn of its variants, days later), and more edits."""

    def plant(shop: Shop, slot: Slot, dice: Dice, options: Options) -> Planted:
        for rule, turn, later in parts:
            shop = TROUBLES[rule].plant(shop, Slot(slot.first + later, slot.last, turn), dice, options).shop
        site = Site(shop, slot, options)
        more = also(site)[1] if also else ()
        return Planted(replace(shop, edits=(*shop.edits, *more)), key(site), note)

    return plant


def _either(*plants: Plant) -> Plant:
    """Ways in which it comes about, in turns."""

    def plant(shop: Shop, slot: Slot, dice: Dice, options: Options) -> Planted:
        return plants[slot.turn % len(plants)](shop, slot, dice, options)

    return plant


def _no_sale_ended(site: Site) -> tuple[str, tuple[Edit, ...]]:
    """Nobody can say that traffic fell because a promotion was over: the sheet lists none of late."""

    def apply(rows: list[Row], now: datetime) -> list[Row]:
        return [row for row in rows if not isinstance(end := row["ends_at"], datetime) or not now - 3 * DAY <= end <= now + DAY]

    return site.shop.store_id, (Edit("promotion", site.at(), site.mended + DAY, apply),)


def ads_stopped_traffic_fell(scene: Scene) -> bool:
    ends = [row.age("ends_at") for row in scene.look.rows("promotion") if row.has("ends_at")]
    stops = list(scene.of("ad_budget_exhausted", "ad_account_arrears"))
    falls = list(scene.of("traffic_drop", "traffic_source_drop"))
    follows = any(stop.since - 12 * HOUR <= fall.since <= stop.since + 2 * DAY for stop in stops for fall in falls)
    return follows and not any(timedelta(0) <= age <= 2 * DAY for age in ends)


def delisting_broke_page(scene: Scene) -> bool:
    products = {scene.of_placement(alert, "product_id") for alert in scene.of("delisted_still_promoted")} - {""}
    links = {scene.of_placement(alert, "product_id") for alert in scene.of("banner_link_broken")}
    return scene.any("delisted_still_promoted") and (scene.any("showcase_gap") or bool(products & links))


def _left_over(site: Site) -> tuple[str, tuple[Edit, ...]]:
    """A promotion is over; its price, its banner, its notice and its navigation entry stay until noon."""
    promotion, edits = after_promotion(kept_price)(site)
    over = site.at() - timedelta(seconds=1)
    dates: Mapping[str, Value] = {"promotion_id": promotion, "starts_at": site.at(-3), "ends_at": over}
    banner = placement_row(site, product_id=site.product(PLAIN).product_id, **dates)
    others = [placement_row(site, kind=kind, image_url=None, **dates) for kind in ("notice", "nav")]
    places = [banner, *({**row, "placement_id": f"{row['placement_id']}{row['kind']}"} for row in others)]
    down: Mapping[str, Value] = {"live": False}
    return promotion, (*edits, *(added("placement", row, site.at(-3), site.mended + DAY, (site.mended, down)) for row in places))


def promotion_cleanup_failed(scene: Scene) -> Iterable[str]:
    pictures = {alert.key for alert in scene.of("promo_image_not_replaced")}
    banners = {scene.of_placement(alert, "promotion_id") for alert in scene.of("banner_expired")}
    return [alert.key for alert in scene.of("promo_price_not_restored") if alert.key in pictures | banners]


def fulfilment_breakdown(scene: Scene) -> bool:
    stuck = scene.any("unfulfilled_orders") and scene.any("pickup_stalled", "refund_rate_rising")
    return stuck or len(list(scene.of("paid_but_no_stock"))) >= 3


def _below_floor(site: Site) -> str:
    return site.product(OTHER).product_id


def _unpainted(site: Site) -> tuple[str, tuple[Edit, ...]]:
    """The price falls below the floor, the picture tells the old one."""
    key = _below_floor(site)
    return key, (edited("product", key, site.at(), site.mended, lambda row: {"final_price": below_floor(row)}),)


def _snapped_up(site: Site) -> tuple[str, tuple[Edit, ...]]:
    """The product below its floor is soon sold out, and its buyers complain."""
    key = _below_floor(site)

    def columns(row: Row) -> Mapping[str, Value]:
        return {"stock": 3 * int(str(row["daily_sales"])), "problem_order_rate": Decimal("0.12"), "orders": 50}

    return key, (edited("product", key, site.at(), site.mended, columns),)


def price_incident(scene: Scene) -> Iterable[str]:
    pictures = {alert.key for alert in scene.of("price_image_mismatch")}
    banners = {scene.of_placement(alert, "product_id") for alert in scene.of("banner_price_mismatch")}
    return [alert.key for alert in scene.of("price_below_floor") if alert.key in pictures | banners]


def store_at_risk(scene: Scene) -> bool:
    return len({CRITICAL[alert.rule].area for alert in scene.alerts if alert.critical}) >= 3


@dataclass(frozen=True, slots=True)
class Critical:
    """The area of a rule whose alerts may be critical, and when they are."""

    area: str
    when: Callable[[Look, str], bool] = lambda look, key: True


def _row(kind: str, test: Callable[[Seen], bool]) -> Callable[[Look, str], bool]:
    return lambda look, key: any(row.key == key and test(row) for row in look.rows(kind))


def _waiting(look: Look, key: str) -> bool:
    return sum(row.text("status") == "paid" and row.age("paid_at") > 48 * HOUR for row in look.rows("order")) >= 20


def _rated(row: Seen) -> bool:
    return any(row.num(name) < Decimal("4.5") for name in ("dsr_desc", "dsr_service", "dsr_logistics"))


def _appeal_ends(row: Seen) -> bool:
    return row.has("appeal_ends_at") and timedelta(0) <= row.until("appeal_ends_at") <= DAY


CRITICAL: Mapping[str, Critical] = {
    "dsr_drop": Critical("客服", _row("store", _rated)),
    "unfulfilled_orders": Critical("客服", _waiting),
    "complaint_unanswered": Critical("客服"),
    "agent_offline": Critical("客服"),
    "paid_but_no_stock": Critical("客服"),
    "refund_about_to_auto_expire": Critical("客服"),
    "banner_expired": Critical("页面", _row("placement", lambda row: row.age("ends_at") > DAY)),
    "banner_link_broken": Critical("页面"),
    "delisted_still_promoted": Critical("页面"),
    "price_image_mismatch": Critical("页面"),
    "banner_price_mismatch": Critical("价格"),
    "price_below_floor": Critical("价格"),
    "promo_price_not_restored": Critical("价格"),
    "ad_account_arrears": Critical("推广"),
    "ad_budget_exhausted": Critical("推广", lambda look, key: look.now.hour < 15),
    "traffic_drop": Critical("流量", _row("store", lambda row: fallen(row, weekday="0.5", middle="0.6"))),
    "traffic_source_drop": Critical("流量", _row("traffic", lambda row: fallen(row, weekday="0.5", middle="0.6", least=500))),
    "stock_cover_low": Critical("销售", _row("product", hardly_covered)),
    "violation_recorded": Critical("风险", _row("violation", _appeal_ends)),
}

CAUSES: Mapping[str, Cause] = {
    "ads_stopped_traffic_fell": Cause(
        _either(
            _together(
                "account overdrawn, budget spent, traffic fell",
                ("ad_account_arrears", 1, 0),
                ("ad_budget_exhausted", 1, 0),
                ("traffic_drop", 1, 0),
                ("dead_keyword", 0, 0),
                also=_no_sale_ended,
            ),
            _together(
                "account overdrawn, traffic fell a day later",
                ("ad_account_arrears", 1, 0),
                ("traffic_drop", 2, 1),
                ("dead_keyword", 0, 0),
                also=_no_sale_ended,
            ),
        ),
        _store_where(ads_stopped_traffic_fell),
    ),
    "delisting_broke_page": Cause(
        _either(
            _together(
                "the showcase's product is sold out, other places lead nowhere",
                ("delisted_still_promoted", 2, 0),
                ("banner_wrong_target", 0, 0),
                ("nav_broken", 1, 0),
            ),
            _together(
                "the showcase's product is sold out, its link is broken, the navigation too",
                ("delisted_still_promoted", 2, 0),
                ("nav_broken", 1, 0),
                ("banner_wrong_target", 2, 0),
                also=changed("placement", the_showcase, {"link_status": 404}),
            ),
        ),
        _store_where(delisting_broke_page),
    ),
    "promotion_cleanup_failed": Cause(
        _together("price and pages of a promotion that is over", also=_left_over, key=lambda site: _left_over(site)[0]),
        promotion_cleanup_failed,
    ),
    "service_outage": Cause(
        _together(
            "nobody online, nobody answers",
            ("agent_offline", 0, 0),
            *((rule, turn, later) for rule, turn in (("slow_response", 2), ("inquiry_conversion_drop", 1)) for later in (0, 1)),
            ("complaint_unanswered", 2, 0),
            ("negative_review_unanswered", 1, 0),
            ("question_unanswered", 1, 0),
        ),
        _store_where(lambda scene: scene.any("agent_offline") and scene.any("slow_response", "inquiry_conversion_drop")),
    ),
    "fulfilment_breakdown": Cause(
        _either(
            _together(
                "orders stay, parcels stay, money goes back",
                *((rule, 1, 0) for rule in STUCK),
                ("late_delivery", 1, 0),
                ("refund_about_to_auto_expire", 1, 0),
            ),
            _together(
                "three orders of what is sold out, marked, and paid back",
                *(("paid_but_no_stock", turn, 0) for turn in (0, 2, 1)),
                ("abnormal_order", 2, 0),
                ("refund_rate_rising", 1, 0),
                ("refund_about_to_auto_expire", 1, 0),
            ),
        ),
        _store_where(fulfilment_breakdown),
    ),
    "price_incident": Cause(
        _either(
            _together(
                "below the floor, the picture tells the old price, it sells out", also=together(_unpainted, _snapped_up), key=_below_floor
            ),
            _together(
                "below the floor, a banner tells the old price, it sells out",
                ("price_below_floor", 0, 0),
                also=together(told(0, None), _snapped_up),
                key=_below_floor,
            ),
        ),
        price_incident,
    ),
    "store_at_risk": Cause(
        _together(
            "nobody online, one yuan, account overdrawn, a page that leads nowhere",
            ("agent_offline", 1, 0),
            ("price_below_floor", 2, 0),
            ("ad_account_arrears", 1, 0),
            ("banner_link_broken", 0, 0),
        ),
        _store_where(store_at_risk),
    ),
}
