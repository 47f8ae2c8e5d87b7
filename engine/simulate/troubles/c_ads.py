"""Advertising: accounts that run dry, money that brings nothing, keywords that nobody sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from engine.model import Value
from engine.simulate.look import DAY, Look, Seen
from engine.simulate.rows import ratio
from engine.simulate.shop import Edit, Row
from engine.simulate.trouble import Columns, Plan, Site, Trouble, changed, edited, rows_where, turns

CENT = Decimal("0.01")
HOUR = timedelta(hours=1)
FOUR_DIGITS = Decimal("0.0001")


def _amount(row: Row, column: str) -> Decimal:
    value = row[column]
    return value if isinstance(value, Decimal) else Decimal(0)


def _count(row: Row, column: str) -> int:
    value = row[column]
    return value if isinstance(value, int) else 0


def _account(columns: Columns | None = None, *, short_by: Decimal | None = None) -> Plan:
    """Every campaign's line of the sheet tells the account's state."""

    def apply(rows: list[Row], now: object) -> list[Row]:
        needed = sum((_amount(row, "daily_budget") for row in rows if row["enabled"]), Decimal(0))
        told: Columns = columns or {"balance": needed - (short_by or Decimal(0))}
        return [{**row, **told} for row in rows]

    return lambda site: (site.shop.account_id, (Edit("ad_campaign", site.at(), site.mended, apply),))


def ad_account_arrears(look: Look) -> list[str]:
    rows = look.rows("ad_campaign")
    found = []
    for account in {row.text("account_id") for row in rows}:
        running = [row for row in rows if row.yes("enabled") and row.text("account_id") == account]
        state = next(row for row in rows if row.text("account_id") == account)
        balance, needed = state.num("balance"), sum((row.num("daily_budget") for row in running), Decimal(0))
        if state.yes("overdrawn") or (balance <= 0 and running) or (running and balance < needed):
            found.append(account)
    return found


def _campaign(columns: Callable[[Row], Columns], *, lead: int = 0) -> Plan:
    """The first or second campaign, in turns, whose sums stay those of its rates."""

    def consistent(row: Row) -> Row:
        new = {**row, **columns(row)}
        clicks, spent = _count(new, "clicks"), _amount(new, "spent")
        rates: dict[str, Decimal | None] = {
            "cpc": (spent / clicks).quantize(CENT, ROUND_HALF_UP) if clicks else None,
            "ctr": ratio(clicks, _count(new, "impressions")),
            "roi": (_amount(new, "revenue") / spent).quantize(FOUR_DIGITS, ROUND_HALF_UP) if spent else None,
        }
        return {**new, **rates}

    def plan(site: Site) -> tuple[str, tuple[Edit, ...]]:
        key = site.shop.campaigns[site.slot.turn % 2].campaign_id
        return key, (edited("ad_campaign", key, site.at(-lead), site.mended, consistent),)

    return plan


def _grown(row: Row, times: int) -> dict[str, Value]:
    """A campaign so many times as large, so that there is enough to judge in the morning."""
    counts: dict[str, Value] = {name: _count(row, name) * times for name in ("clicks", "impressions", "visits")}
    return {**counts, **{name: _amount(row, name) * times for name in ("daily_budget", "spent", "revenue")}}


def _wasted(roi: str) -> Plan:
    """Much is spent for two days before the slot and in it, and so many yuan come back for each."""

    def columns(row: Row) -> Columns:
        return {**_grown(row, 12), "revenue": (_amount(row, "spent") * 12 * Decimal(roi)).quantize(CENT)}

    return _campaign(columns, lead=2)


def ad_roi_low(row: Seen) -> bool:
    if not row.yes("enabled") or not row.has("roi"):
        return False
    low = row.num("spent") > 200 and row.num("roi") < 3
    spent = {days: sum(row.past("spent", days * DAY), Decimal(0)) for days in (2, 4)}
    return low and sum(row.past("revenue", 2 * DAY), Decimal(0)) < 3 * spent[2] and spent[4] > spent[2]


def _dearer(times: str, visits: int) -> Plan:
    """Spending and budget grow, visits come to so many percent of what they were."""

    def columns(row: Row) -> Columns:
        spent = _amount(row, "spent") * Decimal(times) + 110
        revenue = (spent * 4).quantize(CENT)
        budget = _amount(row, "daily_budget") * Decimal(times) + 300
        return {"daily_budget": budget, "spent": spent, "revenue": revenue, "visits": _count(row, "visits") * visits // 100}

    return _campaign(columns)


def ad_spend_up_visits_flat(row: Seen) -> bool:
    spent, visits = row.ago("spent", 7 * DAY), row.ago("visits", 7 * DAY)
    if not row.yes("enabled") or spent is None or visits is None:
        return False
    now = row.num("spent")
    return now > spent * Decimal("1.3") and now - spent >= 100 and row.num("visits") < visits * Decimal("1.05")


def _dear_clicks(times: str) -> Plan:
    def columns(row: Row) -> Columns:
        new = {name: (_amount(row, name) * 4 * Decimal(times)).quantize(CENT) for name in ("daily_budget", "spent", "revenue")}
        return {**_grown(row, 4), **new}

    return _campaign(columns)


def cpc_spike(row: Seen) -> bool:
    week, days = (sum(row.past("clicks", window), Decimal(0)) for window in (7 * DAY, 3 * DAY))
    if not row.yes("enabled") or not row.has("cpc") or row.num("clicks") < 30 or week <= days:
        return False
    return row.num("cpc") > sum(row.past("spent", 7 * DAY), Decimal(0)) / week * Decimal("1.5")


def _more_impressions(percent: int) -> Plan:
    return _campaign(lambda row: {**_grown(row, 8), "impressions": _count(row, "impressions") * 8 * percent // 100})


def ad_ctr_drop(row: Seen) -> bool:
    shown = [sum(row.past("impressions", window), Decimal(0)) for window in (7 * DAY, 3 * DAY)]
    if not row.yes("enabled") or row.num("impressions") < 1000 or shown[0] <= shown[1]:
        return False
    usual = sum(row.past("clicks", 7 * DAY), Decimal(0)) / shown[0]
    return row.num("clicks") / row.num("impressions") < Decimal("0.6") * usual


def _keyword(columns: Columns, *, lead: int) -> Plan:
    return changed("ad_keyword", lambda site: site.shop.desk.keywords[site.slot.turn].keyword_id, columns, lead=lead)


def dead_keyword(row: Seen) -> bool:
    week = row.past("conversion", 7 * DAY)
    sold = max([*week, row.num("conversion") if row.has("conversion") else Decimal(0)], default=Decimal(0)) > 0
    if row.num("quality_score") <= 5 and not sold:
        return True
    recent = row.past("impressions", 60 * HOUR)
    alive = sum(one.num("impressions") for one in row.same("ad_keyword") if one.text("campaign_id") == row.text("campaign_id")) > 0
    return row.num("impressions") == 0 and len(recent) >= 2 and sum(recent) == 0 and alive


UNSEEN: Columns = {"impressions": 0, "clicks": 0, "ctr": None, "cpc": None, "conversion": None}

TROUBLES: Mapping[str, Trouble] = {
    "ad_account_arrears": Trouble(
        "ad_campaign",
        1,
        turns(
            ("a cent short of one day's budgets", _account(short_by=CENT)),
            ("overdrawn", _account({"overdrawn": True})),
            ("balance below zero", _account({"balance": Decimal("-35.20")})),
        ),
        ad_account_arrears,
    ),
    "ad_roi_low": Trouble(
        "ad_campaign",
        2,
        turns(("2.99 back", _wasted("2.99")), ("nothing back", _wasted("0")), ("1.5 back", _wasted("1.5"))),
        rows_where("ad_campaign", ad_roi_low),
        earliest=8,
        kept=DAY,
    ),
    "ad_spend_up_visits_flat": Trouble(
        "ad_campaign",
        0,
        turns(
            ("1.4 times the money, half the visits", _dearer("1.4", 50)),
            ("twice the money, as many visits less a fifth", _dearer("2", 80)),
            ("thrice the money, no visits", _dearer("3", 0)),
        ),
        rows_where("ad_campaign", ad_spend_up_visits_flat),
        earliest=9,
    ),
    "cpc_spike": Trouble(
        "ad_campaign",
        1,
        turns(
            ("1.53 times as dear", _dear_clicks("1.53")), ("twice as dear", _dear_clicks("2")), ("four times as dear", _dear_clicks("4"))
        ),
        rows_where("ad_campaign", cpc_spike),
        earliest=8,
    ),
    "ad_ctr_drop": Trouble(
        "ad_campaign",
        1,
        turns(("59 %", _more_impressions(170)), ("40 %", _more_impressions(250)), ("a tenth", _more_impressions(1000))),
        rows_where("ad_campaign", ad_ctr_drop),
        earliest=8,
    ),
    "dead_keyword": Trouble(
        "ad_keyword",
        2,
        turns(
            ("three days without an impression", _keyword(UNSEEN, lead=2)),
            ("quality 5, nothing sold for a week", _keyword({"quality_score": 5, "conversion": Decimal("0.0000")}, lead=8)),
            ("quality 2, nothing sold for a week", _keyword({"quality_score": 2, "conversion": Decimal("0.0000")}, lead=8)),
        ),
        rows_where("ad_keyword", dead_keyword),
        earliest=10,
    ),
}
