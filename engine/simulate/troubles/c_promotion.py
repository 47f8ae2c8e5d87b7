"""Promotions: prepared in time, signed up for in time, not too long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from engine.model import Value
from engine.simulate.look import DAY, Seen
from engine.simulate.shop import Edit
from engine.simulate.trouble import Columns, Plan, Site, Trouble, added, appears, rows_where, turns
from engine.simulate.troubles.b_prices import OVER, promotion_row

NOW = timedelta(0)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def _coming(starts: timedelta, state: str = "未开始") -> Plan:
    """A promotion that starts so long after the first morning round and is not prepared until noon."""

    def columns(site: Site) -> dict[str, Value]:
        begin: datetime = site.at(0, 9, 30) + starts
        return {"signup_ends_at": begin - 3 * DAY, "starts_at": begin, "ends_at": begin + 2 * DAY, "state": state, "prepared": False}

    return appears("promotion", lambda site: promotion_row(site, **columns(site)), lambda site: {"prepared": True})


def promotion_not_ready(row: Seen) -> bool:
    return NOW < row.until("starts_at") < 10 * DAY and row.text("state") not in OVER and not row.yes("prepared")


def _draft(closes: timedelta) -> Plan:
    """A draft whose sign-up ends so long after the first morning round; handed in at noon."""

    def columns(site: Site) -> dict[str, Value]:
        end: datetime = site.at(0, 9, 30) + closes
        return {"signup_ends_at": end, "starts_at": end + 3 * DAY, "ends_at": end + 5 * DAY, "state": "草稿"}

    return appears("promotion", lambda site: promotion_row(site, **columns(site)), lambda site: {"state": "报名中"})


def promotion_signup_closing(row: Seen) -> bool:
    return row.text("state") == "草稿" and row.has("signup_ends_at") and NOW < row.until("signup_ends_at") < 48 * HOUR


def _again(length: timedelta, starts: int) -> Plan:
    """One that ended some days ago, and the next of the same product, as long as said; called off at noon."""

    def plan(site: Site) -> tuple[str, tuple[Edit, ...]]:
        earlier = promotion_row(site, starts_at=site.at(-6), ends_at=site.at(-4) - SECOND, promo_price=Decimal("1.00"))
        begin = site.at(starts)
        state = "活动中" if starts <= 0 else "未开始"
        new = {**earlier, "promotion_id": f"{site.new_id('HD')}N", "starts_at": begin, "ends_at": begin + length, "state": state}
        called_off: Columns = {"state": "已取消"}
        edits = (
            added("promotion", earlier, site.at(-1), site.end),
            added("promotion", new, site.at(), site.mended + 3 * DAY, (site.mended, called_off)),
        )
        return str(new["promotion_id"]), edits

    return plan


def promotion_too_long(row: Seen) -> bool:
    if not row.has("product_id") or row.text("state") in OVER or row.until("ends_at") <= NOW or row.until("starts_at") > 2 * DAY:
        return False
    same = [one for one in row.same("promotion") if one.text("product_id") == row.text("product_id") and one.text("state") != "已取消"]
    recent = [one for one in same if NOW <= one.age("ends_at") <= 14 * DAY]
    return row.when("ends_at") - row.when("starts_at") > 3 * DAY and bool(recent)


TROUBLES: Mapping[str, Trouble] = {
    "promotion_not_ready": Trouble(
        "promotion",
        3,
        turns(
            ("ten days less a second before it starts", _coming(10 * DAY - SECOND)),
            ("five days before it starts", _coming(5 * DAY, "报名中")),
            ("starts tomorrow", _coming(DAY)),
        ),
        rows_where("promotion", promotion_not_ready),
    ),
    "promotion_signup_closing": Trouble(
        "promotion",
        1,
        turns(
            ("two days less a second left", _draft(48 * HOUR - SECOND)),
            ("twelve hours left", _draft(12 * HOUR)),
            ("seven hours and a second left", _draft(7 * HOUR + SECOND)),
        ),
        rows_where("promotion", promotion_signup_closing),
    ),
    "promotion_too_long": Trouble(
        "promotion",
        2,
        turns(
            ("three days and a second", _again(3 * DAY + SECOND, 0)),
            ("a week, starts tomorrow", _again(7 * DAY, 1)),
            ("a month", _again(30 * DAY, -1)),
        ),
        rows_where("promotion", promotion_too_long),
        earliest=4,
    ),
}
