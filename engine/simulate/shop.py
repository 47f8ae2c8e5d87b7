"""One store and all that is known of it over the whole run. Frozen: planting an incident makes a changed copy.

Values by day are tuples with one entry for each day of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.model import Value

Row = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class StoreDay:
    """The daily report. Ratings are in hundredths (487 is 4.87): description, service, logistics."""

    ratings: tuple[int, int, int]
    industry: tuple[int, int, int]
    visitors: int
    bounce: int  # basis points
    on_time: int  # basis points of orders picked up within 48 hours


@dataclass(frozen=True, slots=True)
class Order:
    order_id: str
    product_id: str
    sku: str
    title: str
    quantity: int
    amount: int
    buyer: int
    remark: str
    created_at: datetime
    paid_at: datetime | None
    promised_ship_at: datetime | None
    shipped_at: datetime | None
    signed_at: datetime | None
    closed_at: datetime | None

    def status(self, now: datetime) -> str:
        """``unpaid, paid, shipped, signed`` or ``closed``, as it is at ``now``."""
        steps = (("closed", self.closed_at), ("signed", self.signed_at), ("shipped", self.shipped_at), ("paid", self.paid_at))
        return next((name for name, when in steps if when and when <= now), "unpaid")


@dataclass(frozen=True, slots=True)
class Review:
    review_id: str
    product_id: str
    score: int
    content: str
    created_at: datetime
    replied_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProductDay:
    """``image_price`` is what is painted on the main picture; None when it cannot be read."""

    status: str
    final_price: int
    image_price: int | None
    stock: int
    visitors: int
    sold: int


@dataclass(frozen=True, slots=True)
class Product:
    product_id: str
    sku: str
    title: str
    category: str
    price: int
    cost: int
    days: tuple[ProductDay, ...]


@dataclass(frozen=True, slots=True)
class Promotion:
    promotion_id: str
    product_id: str
    name: str
    promo_price: int
    regular_price: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Placement:
    """``down_at`` is when somebody takes it off the page; None: it stays. Sheets list it until it is deleted at ``gone_at``."""

    placement_id: str
    page: str
    kind: str
    title: str
    product_id: str
    promotion_id: str
    starts_at: datetime
    ends_at: datetime
    down_at: datetime | None
    gone_at: datetime | None


@dataclass(frozen=True, slots=True)
class CampaignDay:
    """Without limits ``demand`` cents would be spent over the day; the budget of the day may be raised once."""

    budget: int
    demand: int
    raised_at: datetime | None = None
    raised_to: int = 0

    def budget_at(self, now: datetime) -> int:
        return self.raised_to if self.raised_at and self.raised_at <= now else self.budget


@dataclass(frozen=True, slots=True)
class Campaign:
    campaign_id: str
    name: str
    enabled: bool
    click_cost: int
    click_rate: int  # basis points
    roi: int  # hundredths
    days: tuple[CampaignDay, ...]


@dataclass(frozen=True, slots=True)
class Keyword:
    """``quality`` and ``impressions`` are the same every day; ``rank`` in tenths."""

    keyword_id: str
    campaign_id: str
    word: str
    quality: int
    impressions: int
    click_rate: int  # basis points
    rank: int


@dataclass(frozen=True, slots=True)
class Refund:
    refund_id: str
    order_id: str
    product_id: str
    amount: int
    reason: str
    requested_at: datetime
    done_at: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """A complaint or a violation: ``due_at`` is when it must be answered, or may last be appealed against."""

    case_id: str
    kind: str
    order_id: str
    points: int
    opened_at: datetime
    closed_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Shift:
    """Figures are for the whole shift: seconds, and basis points."""

    shift_id: str
    agent: str
    starts_at: datetime
    ends_at: datetime
    handover_at: datetime
    reception: int
    response: int
    replied: int
    converted: int
    satisfied: int
    checked: int


@dataclass(frozen=True, slots=True)
class Rival:
    rival_id: str
    product_id: str
    title: str
    price: int
    picture: str
    slogan: str
    rank: int


@dataclass(frozen=True, slots=True)
class Desk:
    """The daily business beside goods and orders."""

    keywords: tuple[Keyword, ...]
    refunds: tuple[Refund, ...]
    complaints: tuple[Case, ...]
    violations: tuple[Case, ...]
    shifts: tuple[Shift, ...]
    rivals: tuple[Rival, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """What differs from a healthy store: exports of ``kind`` from ``since`` to before ``until`` show ``apply(rows, instant)`` instead."""

    kind: str
    since: datetime
    until: datetime
    apply: Callable[[list[Row], datetime], list[Row]]


@dataclass(frozen=True, slots=True)
class Outage:
    """Exports of ``kind`` do not come from ``since`` to before ``until``; one that holds other stores too does not come for them either."""

    kind: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Shop:
    store_id: str
    name: str
    platform: str
    channel: str
    account_id: str
    balance: tuple[int, ...]
    days: tuple[StoreDay, ...]
    orders: tuple[Order, ...]
    reviews: tuple[Review, ...]
    products: tuple[Product, ...]
    promotions: tuple[Promotion, ...]
    placements: tuple[Placement, ...]
    campaigns: tuple[Campaign, ...]
    desk: Desk
    target: int  # cents a month
    edits: tuple[Edit, ...] = ()
    outages: tuple[Outage, ...] = ()
