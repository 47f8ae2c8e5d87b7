"""What is true of a store at an instant, as rows of fact kinds: the columns of CATALOGUE, before any platform's headings.

Amounts are Decimal yuan, rates Decimal fractions, instants aware datetimes; None is missing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from engine.simulate.plan import Options
from engine.simulate.shop import Campaign, Order, Placement, Product, Promotion, Review, Row, Shop
from engine.simulate.world import share_of_day

LISTED, LISTED_WIDE = timedelta(days=3), timedelta(days=9)  # an order sheet lists this much, and whatever older is still to be shipped
OLDEST = timedelta(days=15)
PICKED_UP, PROMISED = timedelta(hours=6), timedelta(hours=97)  # after shipping; see `order` in world.py
NOT_ABNORMAL = {1: "无", 2: "正常"}
REVIEWED = timedelta(days=30)
ASPECT = Decimal("2.35")
SCHEDULED = timedelta(days=2)  # a page sheet lists what will be shown so long before


def yuan(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def ratio(part: int, whole: int) -> Decimal | None:
    """A fraction with four digits, None where there is nothing to divide by."""
    return (Decimal(part) / whole).quantize(Decimal("0.0001"), ROUND_HALF_UP) if whole else None


def store_rows(shop: Shop, now: datetime, options: Options) -> list[Row]:
    """One row: ratings of this morning, traffic and trade of yesterday."""
    day = shop.days[(now.date() - options.start).days]
    desc, service, logistics = map(yuan, day.ratings)
    industry_desc, industry_service, industry_logistics = map(yuan, day.industry)
    paid = paid_yesterday(shop, now)
    sales = sum(order.amount for order in paid)
    refunded = sum(order.amount for order in paid if order.closed_at)
    return [
        {
            "store_id": shop.store_id,
            "name": shop.name,
            "platform": shop.platform,
            "dsr_desc": desc,
            "dsr_service": service,
            "dsr_logistics": logistics,
            "industry_dsr_desc": industry_desc,
            "industry_dsr_service": industry_service,
            "industry_dsr_logistics": industry_logistics,
            "uv": day.visitors,
            "pv": day.visitors * 3,
            "conversion": ratio(len(paid), day.visitors),
            "sales": yuan(sales),
            "orders": len(paid),
            "avg_order_value": yuan(sales // len(paid)) if paid else None,
            "refund_amount": yuan(refunded),
            "refund_rate": ratio(refunded, sales),
            "bounce_rate": ratio(day.bounce, 10_000),
            "pickup_48h_rate": ratio(day.on_time, 10_000),
            "sales_target": yuan(shop.target),
            "repurchase_rate": ratio(day.on_time - 7200, 10_000),
            "gross_margin": ratio(day.on_time - 4500, 10_000),
            "marketing_cost": yuan(sales // 10),
            "notices_unread": 0,
        }
    ]


def paid_yesterday(shop: Shop, now: datetime) -> list[Order]:
    midnight = now.replace(hour=0, minute=0, second=0)
    recent = _between(shop.orders, midnight - timedelta(days=2), midnight)
    return [order for order in recent if order.paid_at and midnight - timedelta(days=1) <= order.paid_at < midnight]


def _between(orders: tuple[Order, ...], start: datetime, end: datetime) -> tuple[Order, ...]:
    """Those created from ``start`` to before ``end``; orders are sorted by creation."""
    return orders[bisect_left(orders, start, key=_created) : bisect_left(orders, end, key=_created)]


def _created(item: Order | Review) -> datetime:
    return item.created_at


def order_rows(shop: Shop, now: datetime, options: Options) -> list[Row]:
    listed = _between(shop.orders, now - OLDEST, now)
    since = now - (LISTED_WIDE if options.wide else LISTED)
    return [
        _order_row(shop, order, status, now)
        for order in listed
        for status in [order.status(now)]
        if status == "paid" or order.created_at >= since
    ]


def _order_row(shop: Shop, order: Order, status: str, now: datetime) -> Row:
    shipped = _past(order.shipped_at, now)
    return {
        "order_id": order.order_id,
        "store_id": shop.store_id,
        "store_name": shop.name,
        "product_id": order.product_id,
        "product_title": order.title,
        "sku": order.sku,
        "quantity": order.quantity,
        "status": status,
        "created_at": order.created_at,
        "paid_at": _past(order.paid_at, now),
        "promised_ship_at": order.promised_ship_at if _past(order.paid_at, now) else None,
        "shipped_at": shipped,
        "picked_up_at": _past(shipped + PICKED_UP, now) if shipped else None,
        "promised_sign_at": shipped + PROMISED if shipped else None,
        "signed_at": _past(order.signed_at, now),
        "amount": yuan(order.amount),
        "abnormal": NOT_ABNORMAL.get(order.buyer % 10),
        "remark": order.remark or None,
        "tracking_no": f"TEST{order.order_id[-9:]}" if shipped else None,
        "buyer": order.buyer,
    }


def _past(when: datetime | None, now: datetime) -> datetime | None:
    return when if when and when <= now else None


def review_rows(shop: Shop, now: datetime, options: Options) -> list[Row]:
    start = bisect_left(shop.reviews, now - REVIEWED, key=_created)
    return [_review_row(shop, review, now) for review in shop.reviews[start : bisect_right(shop.reviews, now, key=_created)]]


def _review_row(shop: Shop, review: Review, now: datetime) -> Row:
    return {
        "review_id": review.review_id,
        "store_id": shop.store_id,
        "product_id": review.product_id,
        "kind": "review",
        "score": review.score,
        "content": review.content,
        "created_at": review.created_at,
        "replied_at": _past(review.replied_at, now),
    }


def product_rows(shop: Shop, now: datetime, options: Options) -> list[Row]:
    day = (now.date() - options.start).days
    return [_product_row(shop, product, day) for product in shop.products]


def _product_row(shop: Shop, product: Product, day: int) -> Row:
    today = product.days[day]
    return {
        "product_id": product.product_id,
        "store_id": shop.store_id,
        "sku": product.sku,
        "title": product.title,
        "category": product.category,
        "status": today.status,
        "price": yuan(product.price),
        "final_price": yuan(today.final_price),
        "cost": yuan(product.cost),
        "image_price": None if today.image_price is None else yuan(today.image_price),
        "stock": today.stock,
        "daily_sales": today.sold,
        "visitors": today.visitors,
        "conversion": ratio(today.sold, today.visitors),
        "floor_price": yuan(product.price * 7 // 10),
        "discount_category": today.final_price < product.price,
        "orders": 20 + 3 * today.sold,
        "problem_order_rate": ratio(100 + today.visitors, 10_000),
        "edits_24h": today.sold % 3,
        "title_length": len(product.title),
        "sku_images_missing": 0,
        "image_ok": True,
    }


def placement_rows(shop: Shop, now: datetime, options: Options) -> list[Row]:
    day = (now.date() - options.start).days
    prices = {product.product_id: product.days[day].final_price for product in shop.products}
    return [
        _placement_row(shop, placement, now, prices.get(placement.product_id))
        for placement in shop.placements
        if placement.starts_at <= now + SCHEDULED and not _past(placement.gone_at, now)
    ]


def _placement_row(shop: Shop, placement: Placement, now: datetime, price: int | None) -> Row:
    pictured = placement.kind not in ("nav", "notice")
    return {
        "placement_id": placement.placement_id,
        "store_id": shop.store_id,
        "page": placement.page,
        "kind": placement.kind,
        "title": placement.title,
        "text_price": None if price is None else yuan(price),
        "product_id": placement.product_id or None,
        "promotion_id": placement.promotion_id or None,
        "starts_at": placement.starts_at,
        "ends_at": placement.ends_at,
        "live": placement.starts_at <= now and _past(placement.down_at, now) is None,
        "link": f"https://shop.example/{placement.placement_id}",
        "link_status": 200,
        "image_url": f"https://img.example/{placement.placement_id}.jpg" if pictured else None,
        "image_ok": True if pictured else None,
        "image_price": yuan(price) if placement.kind == "kv" and price is not None else None,
        "image_aspect": ASPECT if pictured else None,
        "slot_aspect": ASPECT if pictured else None,
    }


def promotion_rows(shop: Shop, now: datetime, options: Options) -> list[Row]:
    near = timedelta(days=14)
    return [_promotion_row(shop, one, now) for one in shop.promotions if one.starts_at - near <= now <= one.ends_at + near]


def _promotion_row(shop: Shop, promotion: Promotion, now: datetime) -> Row:
    running = "活动中" if promotion.starts_at <= now else "未开始"
    return {
        "promotion_id": promotion.promotion_id,
        "store_id": shop.store_id,
        "product_id": promotion.product_id,
        "name": promotion.name,
        "state": "活动结束" if promotion.ends_at < now else running,
        "signup_ends_at": promotion.starts_at - timedelta(days=3),
        "starts_at": promotion.starts_at,
        "ends_at": promotion.ends_at,
        "promo_price": yuan(promotion.promo_price),
        "regular_price": yuan(promotion.regular_price),
        "prepared": True,
    }


def campaign_rows(shop: Shop, now: datetime, options: Options) -> list[Row]:
    day = (now.date() - options.start).days
    return [_campaign_row(shop, campaign, day, now) for campaign in shop.campaigns]


def _campaign_row(shop: Shop, campaign: Campaign, day: int, now: datetime) -> Row:
    """Demand comes over the day as orders do; spending stops at the budget, where there is one."""
    today = campaign.days[day]
    budget = today.budget_at(now)
    part, whole = share_of_day(now)
    wanted = today.demand * part // whole
    spent = min(wanted, budget) if budget else wanted
    clicks = spent // campaign.click_cost
    impressions = clicks * 10_000 // campaign.click_rate
    revenue = spent * campaign.roi // 100
    return {
        "campaign_id": campaign.campaign_id,
        "store_id": shop.store_id,
        "account_id": shop.account_id,
        "channel": shop.channel,
        "name": campaign.name,
        "enabled": campaign.enabled,
        "daily_budget": yuan(budget),
        "spent": yuan(spent),
        "impressions": impressions,
        "clicks": clicks,
        "ctr": ratio(clicks, impressions),
        "cpc": yuan(spent // clicks) if clicks else None,
        "orders": revenue // 9_000,
        "revenue": yuan(revenue),
        "roi": ratio(revenue, spent),
        "visits": clicks * 9 // 10,
        "balance": yuan(shop.balance[day]),
        "overdrawn": False,
    }


ROWS: Mapping[str, Callable[[Shop, datetime, Options], Iterable[Row]]] = {
    "store": store_rows,
    "order": order_rows,
    "review": review_rows,
    "product": product_rows,
    "placement": placement_rows,
    "promotion": promotion_rows,
    "ad_campaign": campaign_rows,
}
