"""Customers who wait for an answer, and products that make trouble."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from engine.model import Value
from engine.simulate.look import DAY, Seen, mean
from engine.simulate.shop import Row
from engine.simulate.trouble import Plan, Site, Trouble, appears, changed, rows_where, turns

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
TROUBLESOME = 5


def _complaint(opened: timedelta, due: timedelta | None) -> Plan:
    """Opened so long before the first morning round, due so long after it, closed at noon."""

    def row(site: Site) -> Row:
        nine_thirty = site.at(0, 9, 30)
        return {
            "store_id": site.shop.store_id,
            "complaint_id": site.new_id("TS"),
            "order_id": site.shop.orders[0].order_id,
            "kind": "商品质量问题",
            "status": "open",
            "opened_at": nine_thirty - opened,
            "due_at": None if due is None else nine_thirty + due,
        }

    return appears("complaint", row, lambda site: {"status": "closed"})


def complaint_unanswered(row: Seen) -> bool:
    if row.text("status") != "open":
        return False
    return row.age("opened_at") > 24 * HOUR or (row.has("due_at") and row.until("due_at") < 12 * HOUR)


def _review(age: timedelta, score: int | None, kind: str = "review") -> Plan:
    """Written so long before the first morning round, answered at noon."""

    def row(site: Site) -> Row:
        return {
            "review_id": site.new_id("R"),
            "store_id": site.shop.store_id,
            "product_id": site.product(0).product_id,
            "kind": kind,
            "score": score,
            "content": "与描述不符，色差大" if kind == "review" else "会掉色吗？",
            "created_at": site.at(0, 9, 30) - age,
            "replied_at": None,
        }

    return appears("review", row, lambda site: {"replied_at": site.mended})


def negative_review_unanswered(row: Seen) -> bool:
    bad = row.text("kind") == "review" and row.has("score") and row.num("score") <= 2
    return bad and not row.has("replied_at") and 12 * HOUR <= row.age("created_at") <= 30 * DAY


def question_unanswered(row: Seen) -> bool:
    return row.text("kind") == "question" and not row.has("replied_at") and 24 * HOUR <= row.age("created_at") <= 30 * DAY


def _problems(rate: str, orders: int) -> Plan:
    columns: Mapping[str, Value] = {"problem_order_rate": Decimal(rate), "orders": orders}
    return changed("product", lambda site: site.product(TROUBLESOME).product_id, columns)


def problem_product(row: Seen) -> bool:
    rate, orders = row.num("problem_order_rate"), row.num("orders")
    past = row.past("problem_order_rate", 14 * DAY)
    if orders < 10 or rate * orders < Decimal("1.5"):
        return False
    return rate > Decimal("0.1") or (rate > Decimal("0.03") and rate > (mean(past) if past else Decimal(0)) * Decimal("1.5"))


TROUBLES: Mapping[str, Trouble] = {
    "complaint_unanswered": Trouble(
        "complaint",
        2,
        turns(
            ("open for a day and a second", _complaint(24 * HOUR + SECOND, None)),
            ("due in twelve hours less a second", _complaint(HOUR, 12 * HOUR - SECOND)),
            ("open for three days, overdue", _complaint(72 * HOUR, -HOUR)),
        ),
        rows_where("complaint", complaint_unanswered),
    ),
    "negative_review_unanswered": Trouble(
        "review",
        3,
        turns(
            ("two stars, exactly twelve hours", _review(12 * HOUR, 2)),
            ("one star, two days", _review(48 * HOUR, 1)),
            ("two stars, twenty days", _review(20 * DAY, 2)),
        ),
        rows_where("review", negative_review_unanswered),
    ),
    "question_unanswered": Trouble(
        "review",
        3,
        turns(
            ("exactly a day", _review(24 * HOUR, None, "question")),
            ("three days", _review(72 * HOUR, None, "question")),
            ("ten days", _review(10 * DAY, None, "question")),
        ),
        rows_where("review", question_unanswered),
    ),
    "problem_product": Trouble(
        "product",
        3,
        turns(
            ("10.01 % of 15 orders", _problems("0.1001", 15)),
            ("3.01 % of 50 orders", _problems("0.0301", 50)),
            ("25 % of 80 orders", _problems("0.25", 80)),
        ),
        rows_where("product", problem_product),
    ),
}
