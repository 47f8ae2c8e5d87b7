"""Rows of the kinds that :class:`~engine.simulate.shop.Desk` holds, as they are at an instant; see :mod:`engine.simulate.rows`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from engine.simulate.plan import Options
from engine.simulate.rows import paid_yesterday, ratio, store_rows, yuan
from engine.simulate.shop import Row, Shop

SOURCES = (("搜索", 42), ("推荐", 28), ("付费", 20), ("关注", 10))  # percent of visitors
WEEK, MONTH = timedelta(days=7), timedelta(days=30)
AUTOMATIC = timedelta(hours=48)


def traffic_rows(shop: Shop, now: datetime, options: Options) -> list[Row]:
    """Yesterday's visitors and sales of the store report, by source."""
    (store,) = store_rows(shop, now, options)
    day = shop.days[(now.date() - options.start).days]
    cents = sum(order.amount for order in paid_yesterday(shop, now))
    return [
        {
            "store_id": shop.store_id,
            "source": source,
            "uv": day.visitors * share // 100,
            "conversion": store["conversion"],
            "sales": yuan(cents * share // 100),
        }
        for source, share in SOURCES
    ]


def refund_rows(shop: Shop, now: datetime, options: Options) -> list[Row]:
    return [
        {
            "store_id": shop.store_id,
            "refund_id": refund.refund_id,
            "order_id": refund.order_id,
            "product_id": refund.product_id,
            "amount": yuan(refund.amount),
            "reason": refund.reason,
            "status": "done" if refund.done_at <= now else "open",
            "requested_at": refund.requested_at,
            "auto_refund_at": refund.requested_at + AUTOMATIC,
        }
        for refund in shop.desk.refunds
        if refund.requested_at <= now < refund.done_at + WEEK
    ]


def complaint_rows(shop: Shop, now: datetime, options: Options) -> list[Row]:
    return [
        {
            "store_id": shop.store_id,
            "complaint_id": case.case_id,
            "order_id": case.order_id,
            "kind": case.kind,
            "status": "closed" if case.closed_at <= now else "open",
            "opened_at": case.opened_at,
            "due_at": case.due_at,
        }
        for case in shop.desk.complaints
        if case.opened_at <= now < case.closed_at + WEEK
    ]


def violation_rows(shop: Shop, now: datetime, options: Options) -> list[Row]:
    return [
        {
            "store_id": shop.store_id,
            "violation_id": case.case_id,
            "kind": case.kind,
            "points": case.points,
            "status": "closed" if case.closed_at <= now else "open",
            "opened_at": case.opened_at,
            "appeal_ends_at": case.due_at,
        }
        for case in shop.desk.violations
        if case.opened_at <= now < case.closed_at + MONTH
    ]


def shift_rows(shop: Shop, now: datetime, options: Options) -> list[Row]:
    """Shifts that began within two days; figures grow with the day, as the desk's own sheet has them."""
    return [
        {
            "store_id": shop.store_id,
            "shift_id": shift.shift_id,
            "agent": shift.agent,
            "starts_at": shift.starts_at,
            "ends_at": shift.ends_at,
            "online": now < shift.ends_at,
            "handover_done": shift.handover_at <= now,
            "reception": shift.reception if shift.ends_at <= now else shift.reception // 2,
            "response_seconds": shift.response,
            "reply_rate_3min": ratio(shift.replied, 10_000),
            "inquiry_conversion": ratio(shift.converted, 10_000),
            "satisfaction": ratio(shift.satisfied, 10_000),
            "checked_chats": shift.checked if shift.ends_at <= now else 0,
        }
        for shift in shop.desk.shifts
        if shift.starts_at <= now < shift.starts_at + timedelta(days=2)
    ]


def rival_rows(shop: Shop, now: datetime, options: Options) -> list[Row]:
    return [
        {
            "store_id": shop.store_id,
            "rival_id": rival.rival_id,
            "product_id": rival.product_id,
            "title": rival.title,
            "price": yuan(rival.price),
            "main_image_hash": rival.picture,
            "promo_text": rival.slogan,
            "sales_rank": rival.rank,
            "is_new": False,
        }
        for rival in shop.desk.rivals
    ]


def keyword_rows(shop: Shop, now: datetime, options: Options) -> list[Row]:
    return [
        {
            "store_id": shop.store_id,
            "keyword_id": keyword.keyword_id,
            "campaign_id": keyword.campaign_id,
            "word": keyword.word,
            "quality_score": keyword.quality,
            "impressions": keyword.impressions,
            "clicks": clicks,
            "ctr": ratio(clicks, keyword.impressions),
            "cpc": yuan(120),
            "conversion": ratio(clicks // 10, clicks),
            "rank": ratio(keyword.rank, 10),
        }
        for keyword in shop.desk.keywords
        for clicks in [keyword.impressions * keyword.click_rate // 10_000]
    ]


DESK_ROWS: Mapping[str, Callable[[Shop, datetime, Options], Iterable[Row]]] = {
    "traffic": traffic_rows,
    "refund": refund_rows,
    "complaint": complaint_rows,
    "violation": violation_rows,
    "shift": shift_rows,
    "rival": rival_rows,
    "ad_keyword": keyword_rows,
}
