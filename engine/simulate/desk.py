"""The daily business beside goods and orders, healthy: refunds granted in hours, complaints answered, somebody always online."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta

from engine.simulate.plan import Dice, Options, at
from engine.simulate.shop import Campaign, Case, Desk, Keyword, Order, Product, Refund, Rival, Shift

WORDS = ("保温杯 大容量", "短袖 纯棉", "挂耳咖啡", "收纳箱 折叠")
REASONS = ("不想要了", "拍错/多拍", "与描述不符", "质量问题")
COMPLAINT_KINDS = ("未按约定时间发货", "商品质量问题", "发票问题")
VIOLATION_KINDS = ("标题滥用关键词", "发布广告信息")
SHIFTS = ((time(8, 0), timedelta(hours=9)), (time(17, 0), timedelta(hours=9)))
SLOGANS = ("第二件半价", "买一送一", "限时包邮")
DAYS_BEFORE = 7

Products = tuple[Product, ...]


def desk(
    options: Options, store_id: str, orders: tuple[Order, ...], products: tuple[Product, ...], campaigns: tuple[Campaign, ...]
) -> Desk:
    """Everything of one store that :class:`Desk` holds, each part from its own dice."""

    def dice(part: str) -> Dice:
        return Dice(options.seed, store_id, part)

    return Desk(
        keywords=tuple(_keywords(dice("keywords"), store_id, campaigns[1])),
        refunds=tuple(_refunds(dice("refunds"), orders)),
        complaints=tuple(_complaints(dice("complaints"), options, store_id, orders)),
        violations=tuple(_violations(dice("violations"), options, store_id)),
        shifts=tuple(_shifts(dice("shifts"), options, store_id)),
        rivals=tuple(_rivals(dice("rivals"), store_id, products[:2])),
    )


def _keywords(dice: Dice, store_id: str, campaign: Campaign) -> Iterable[Keyword]:
    for index, word in enumerate(WORDS, 1):
        yield Keyword(
            keyword_id=f"K{store_id}{index:02}",
            campaign_id=campaign.campaign_id,
            word=word,
            quality=dice.between(7, 10),
            impressions=dice.between(150, 600),
            click_rate=dice.between(250, 600),
            rank=dice.between(15, 60),
        )


def _refunds(dice: Dice, orders: Iterable[Order]) -> Iterable[Refund]:
    """Of every order that was cancelled after it was paid, and of a few that were signed."""
    for order in orders:
        if order.paid_at and order.closed_at:
            requested, done = order.paid_at + dice.minutes(5, 20), order.closed_at
        elif order.signed_at and dice.chance(0.04):
            requested = order.signed_at + dice.minutes(60, 600)
            done = requested + dice.minutes(60, 1200)
        else:
            continue
        yield Refund(f"T{order.order_id}", order.order_id, order.product_id, order.amount, dice.choice(REASONS), requested, done)


def _complaints(dice: Dice, options: Options, store_id: str, orders: tuple[Order, ...]) -> Iterable[Case]:
    """About one in four days, closed within ten hours; there are three days for it."""
    for index, morning in enumerate(_mornings(options)):
        if dice.chance(0.25):
            opened = morning + dice.minutes(0, 600)
            bought = [order for order in orders if order.created_at < opened]
            yield Case(
                case_id=f"TS{store_id}{index:04}",
                kind=dice.choice(COMPLAINT_KINDS),
                order_id=bought[-1].order_id if bought else "",
                points=0,
                opened_at=opened,
                closed_at=opened + dice.minutes(120, 600),
                due_at=opened + timedelta(hours=72),
            )


def _violations(dice: Dice, options: Options, store_id: str) -> Iterable[Case]:
    """Rare, and settled before the next morning's export."""
    for index, morning in enumerate(_mornings(options)):
        if dice.chance(0.08):
            opened = morning + dice.minutes(60, 480)
            closed, ends = opened + dice.minutes(60, 300), opened + timedelta(days=7)
            yield Case(f"WG{store_id}{index:04}", dice.choice(VIOLATION_KINDS), "", dice.between(1, 4), opened, closed, ends)


def _mornings(options: Options) -> list[datetime]:
    """Nine o'clock of every day of the run and of the week before it."""
    first = at(options.start, time(9)) - timedelta(days=DAYS_BEFORE)
    return [first + timedelta(days=day) for day in range(options.days + DAYS_BEFORE)]


def _shifts(dice: Dice, options: Options, store_id: str) -> Iterable[Shift]:
    """Two a day that leave no gap in working hours, handed over within twenty minutes."""
    for morning in _mornings(options):
        for index, (starts, length) in enumerate(SHIFTS, 1):
            begin = at(morning.date(), starts)
            yield Shift(
                shift_id=f"B{store_id}{begin:%y%m%d}{index}",
                agent=f"测试客服{index}",
                starts_at=begin,
                ends_at=begin + length,
                handover_at=begin + length + dice.minutes(1, 20),
                reception=dice.between(35, 60),
                response=dice.between(18, 40),
                replied=dice.between(9000, 9800),
                converted=dice.between(3900, 4400),
                satisfied=dice.between(9000, 9900),
                checked=dice.between(6, 12),
            )


def _rivals(dice: Dice, store_id: str, products: Products) -> Iterable[Rival]:
    for index, product in enumerate(products, 1):
        yield Rival(
            rival_id=f"J{store_id}{index}",
            product_id=product.product_id,
            title=f"同款好物{index}",
            price=product.price * dice.between(95, 110) // 100,
            picture=f"{dice.getrandbits(64):016x}",
            slogan=dice.choice(SLOGANS),
            rank=dice.between(3, 90),
        )
