"""Healthy stores: made-up names, goods, customers and days, in which no rule has anything to find.

What could mislead a careless rule is put in on purpose: a price that is off by exactly one cent, a paused campaign with its budget spent, a
delisted product with the wrong picture, an order that took three days; and texts that are hostile to messages and spreadsheets.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from engine.simulate.desk import desk
from engine.simulate.plan import ZONE, Dice, Options, at
from engine.simulate.shop import Campaign, CampaignDay, Order, Placement, Product, ProductDay, Promotion, Review, Shop, StoreDay

CODES = {"taobao": "tb", "jd": "jd", "pdd": "pd", "douyin": "dy"}
CHANNELS = {"taobao": "万相台", "jd": "京准通", "pdd": "多多推广", "douyin": "千川"}
NAMES = ("晴川", "木杉", "小满", "拾光", "南枝", "北屿", "云麓", "禾作", "青柚", "白石", "听澜", "且慢")
TRADES = ("家居", "童装", "食品", "个护", "数码", "文具", "宠物", "户外")
HOSTILE_NAMES = {2: "听雨\n茶器专营店", 3: "<script>alert(1)</script>数码旗舰店"}  # by store number, repeated every seven stores
HOSTILE_TITLE = "=cmd|' /C calc'!A0 2026新款 官方正品 顺丰包邮"
HOSTILE_REMARK = "{{ 7*7 }}"
GOODS = ("加厚保温杯", "纯棉短袖T恤", "手冲挂耳咖啡", "便携折叠收纳箱", "儿童防晒帽", "磁吸充电线", "猫抓板", "露营灯")
REMARKS = ("", "", "", "", "请尽快发货", "送一份小礼物", "不要放驿站", HOSTILE_REMARK)
PRAISE = ("质量不错，会回购", "物流很快，包装完好", "和描述一致", "颜色好看，孩子喜欢")
COMPLAINTS = ("与描述不符，色差大", "用了两天就坏了", "少发了一件，客服不回复")

OPENS = time(8)
EARLIER = 12  # days of orders and reviews before the run, so that its first exports are full
HOURS = (2, 1, 1, 0, 0, 1, 2, 4, 7, 10, 12, 10, 8, 8, 9, 9, 8, 7, 8, 11, 14, 13, 9, 5)  # orders by hour of the day
WEEK = (100, 97, 96, 98, 105, 118, 115)  # percent, Monday first
PROMOTED = (1, 2, 3)  # positions of the products that have promotions in turn
SPARE = (0, 4)  # positions without promotions or oddities: incidents are planted here
UNREADABLE, DELISTED, CENT_OFF = 5, 6, 7
SHIP_PROMISE = {"pdd": timedelta(hours=48), "douyin": timedelta(hours=48)}


def build(options: Options) -> tuple[Shop, ...]:
    """All stores of the run, healthy. The same options give equal stores."""
    return tuple(_shop(options, number) for number in range(1, options.stores + 1))


def _shop(options: Options, number: int) -> Shop:
    platform = options.platforms[(number - 1) % len(options.platforms)]
    store_id = f"{CODES[platform]}{number:03}"
    promotions = _promotions(options, store_id)
    products = _products(options, store_id, number, promotions)
    orders = _orders(options, store_id, number, platform, products)
    campaigns = _campaigns(options, store_id, number)
    dice = Dice(options.seed, store_id, "shop")
    return Shop(
        store_id=store_id,
        name=_name(dice, number),
        platform=platform,
        channel=CHANNELS[platform],
        account_id=f"A{store_id}",
        balance=tuple(dice.between(600_000, 900_000) for _ in options.dates),
        days=_days(options, store_id, orders),
        orders=orders,
        reviews=_reviews(options, store_id, products),
        products=products,
        promotions=promotions,
        placements=_placements(options, store_id, promotions, products),
        campaigns=campaigns,
        desk=desk(options, store_id, orders, products, campaigns),
        target=_target(options, orders),
    )


def _target(options: Options, orders: tuple[Order, ...]) -> int:
    """Four fifths of what the store sells in an average month, in cents."""
    sold = sum(order.amount for order in orders if order.paid_at)
    return sold * 30 * 4 // (5 * (EARLIER + options.days))


def _name(dice: Dice, number: int) -> str:
    made_up = f"{NAMES[number % len(NAMES)]}{dice.choice(TRADES)}旗舰店{number}"
    return HOSTILE_NAMES.get(number % 7, made_up)


def _days(options: Options, store_id: str, orders: tuple[Order, ...]) -> tuple[StoreDay, ...]:
    """Visitors follow the weekday, not the luck of a day's few orders."""
    dice = Dice(options.seed, store_id, "days")
    sold = sum(order.paid_at is not None for order in orders)
    bases = [dice.between(483, 487) for _ in range(3)]
    walks = [0, 0, 0]
    days = []
    for day in options.dates:
        walks = [max(-2, min(2, walk + dice.between(-1, 1))) for walk in walks]
        desc, service, logistics = (base + walk for base, walk in zip(bases, walks, strict=True))
        yesterday = day - timedelta(days=1)
        visitors = sold * WEEK[yesterday.weekday()] * 100 // ((EARLIER + options.days) * dice.between(300, 340))
        industry = (bases[0] - 7, bases[1] - 6, bases[2] - 7)
        days.append(StoreDay((desc, service, logistics), industry, visitors, dice.between(6200, 7200), dice.between(9850, 10_000)))
    return tuple(days)


def _promotions(options: Options, store_id: str) -> tuple[Promotion, ...]:
    """One after the other, two or three days each, with a day between them."""
    dice = Dice(options.seed, store_id, "promotions")
    found: list[Promotion] = []
    day = -2
    while day < options.days + 2:
        length = dice.between(2, 3)
        position = PROMOTED[len(found) % len(PROMOTED)]
        regular = _price(options, store_id, position)
        first = options.start + timedelta(days=day)
        found.append(
            Promotion(
                promotion_id=f"HD{store_id}{len(found) + 1:04}",
                product_id=_product_id(store_id, position),
                name=f"{'限时直降' if length == 2 else '周末特惠'}第{len(found) + 1}期",
                promo_price=regular * 85 // 1000 * 10,
                regular_price=regular,
                starts_at=at(first),
                ends_at=_last_second(first + timedelta(days=length - 1)),
            )
        )
        day += length + 1
    return tuple(found)


def _last_second(day: date) -> datetime:
    return at(day, time(23, 59, 59))


def _product_id(store_id: str, position: int) -> str:
    return f"68{int(store_id[2:]):07}{position + 1:03}"


def _price(options: Options, store_id: str, position: int) -> int:
    """A price like 129.00 or 38.90 yuan, in cents."""
    return Dice(options.seed, store_id, "price", position).between(29, 299) * 100 + 90 * (position % 2)


def _products(options: Options, store_id: str, number: int, promotions: tuple[Promotion, ...]) -> tuple[Product, ...]:
    return tuple(_product(options, store_id, number, position, promotions) for position in range(len(GOODS)))


def _product(options: Options, store_id: str, number: int, position: int, promotions: tuple[Promotion, ...]) -> Product:
    dice = Dice(options.seed, store_id, "product", position)
    price = _price(options, store_id, position)
    product_id = _product_id(store_id, position)
    own = [promotion for promotion in promotions if promotion.product_id == product_id]
    hostile = position == SPARE[1] and number % 3 == 2
    return Product(
        product_id=product_id,
        sku=f"SKU-{store_id}-{position + 1:03}",
        title=HOSTILE_TITLE if hostile else f"{NAMES[number % len(NAMES)]}{GOODS[position]} 2026新款 官方正品 顺丰包邮 七天无理由退换",
        category=TRADES[position],
        price=price,
        cost=price * 42 // 100,
        days=tuple(_product_day(dice, position, price, own, day) for day in options.dates),
    )


def _product_day(dice: Dice, position: int, price: int, own: list[Promotion], day: date) -> ProductDay:
    """The price of the morning, with a picture that says the same; except for the three oddities."""
    running = next((one.promo_price for one in own if one.starts_at.date() <= day <= one.ends_at.date()), price)
    pictures = {UNREADABLE: None, DELISTED: price - 1000, CENT_OFF: price - 1}
    return ProductDay(
        status="delisted" if position == DELISTED else "on_sale",
        final_price=running,
        image_price=pictures.get(position, running),
        stock=dice.between(400, 900),
        visitors=dice.between(40, 80),
        sold=dice.between(2, 6),
    )


def _orders(options: Options, store_id: str, number: int, platform: str, products: tuple[Product, ...]) -> tuple[Order, ...]:
    dice = Dice(options.seed, store_id, "orders")
    mean = dice.between(9, 12)
    found: list[Order] = []
    for offset in range(-EARLIER, options.days):
        day = options.start + timedelta(days=offset)
        count = mean * WEEK[day.weekday()] * dice.between(93, 107) // 10_000
        slow = platform not in SHIP_PROMISE and (offset + number) % 3 == 0
        created = sorted(at(day, time(dice.choices(range(24), HOURS)[0], dice.between(0, 59), dice.between(0, 59))) for _ in range(count))
        for index, when in enumerate(created):
            found.append(order(dice, platform, number, len(found), when, dice.choice(products[:DELISTED]), slow=slow and index == 0))
    return tuple(found)


def order(dice: Dice, platform: str, number: int, sequence: int, created: datetime, product: Product, *, slow: bool = False) -> Order:
    """An order as it usually goes: paid within 20 minutes, shipped within 30 hours, signed within four days after."""
    quantity = dice.choices((1, 2, 3), (80, 15, 5))[0]
    forgotten = dice.chance(0.07) and not slow
    cancelled = dice.chance(0.03) and not slow
    paid = None if forgotten else created + dice.minutes(1, 20)
    shipped = paid + (dice.minutes(52 * 60, 70 * 60) if slow else dice.minutes(3 * 60, 30 * 60)) if paid and not cancelled else None
    return Order(
        order_id=order_id(platform, number, sequence, created),
        product_id=product.product_id,
        sku=product.sku,
        title=product.title,
        quantity=quantity,
        amount=quantity * product.price,
        buyer=dice.between(1, 9999),
        remark=dice.choice(REMARKS),
        created_at=created,
        paid_at=paid,
        promised_ship_at=paid + SHIP_PROMISE[platform] if paid and platform in SHIP_PROMISE else None,
        shipped_at=shipped,
        signed_at=shipped + dice.minutes(36 * 60, 96 * 60) if shipped else None,
        closed_at=created + timedelta(hours=24) if forgotten else paid + dice.minutes(20, 120) if paid and cancelled else None,
    )


def order_id(platform: str, number: int, sequence: int, created: datetime) -> str:
    """Numbers as long as the platform's own: nineteen digits would lose their last ones as a float."""
    match platform:
        case "jd":
            return f"3{number:04}{sequence:07}"
        case "pdd":
            return f"{created:%y%m%d}-{number:05}{sequence:010}"
        case "douyin":
            return f"69{created:%y%m%d}{number:04}{sequence:07}"
        case _:
            return f"35{created:%y%m%d}{number:04}{sequence:07}"


def _reviews(options: Options, store_id: str, products: tuple[Product, ...]) -> tuple[Review, ...]:
    """About one a day. A bad one is rare, and answered within ten hours, before the next morning's sheet."""
    dice = Dice(options.seed, store_id, "reviews")
    found: list[Review] = []
    for offset in range(-EARLIER, options.days):
        for _ in range(dice.between(0, 2)):
            created = at(options.start + timedelta(days=offset), time(dice.between(8, 22), dice.between(0, 59), dice.between(0, 59)))
            score = dice.choices((5, 4, 3, 2), (80, 14, 4, 2))[0]
            content = dice.choice(PRAISE if score > 2 else COMPLAINTS)
            answer = dice.minutes(60, 600) if score <= 2 else None
            replied = min(created + answer, at(created.date() + timedelta(days=1), OPENS)) if answer else None
            found.append(review(store_id, len(found), dice.choice(products[:DELISTED]).product_id, score, content, created, replied))
    return tuple(found)


def review(store_id: str, sequence: int, product_id: str, score: int, content: str, created: datetime, replied: datetime | None) -> Review:
    return Review(f"R{store_id}{sequence + 1:06}", product_id, score, content, created, replied)


def _placements(options: Options, store_id: str, promotions: tuple[Promotion, ...], products: tuple[Product, ...]) -> tuple[Placement, ...]:
    """A focus picture for every promotion, taken down as it ends, and what stays on the page for good."""
    first, end = at(options.start - timedelta(days=10)), _last_second(options.start + timedelta(days=options.days + 60))
    lasting = (
        Placement(f"W{store_id}N1", "home", "nav", "全部宝贝", "", "", first, end, None, None),
        Placement(f"W{store_id}N2", "home", "notice", "双十一期间发货顺延一天", "", "", first, end, None, None),
        Placement(f"W{store_id}N3", "home", "showcase", "店长推荐", products[0].product_id, "", first, end, None, None),
        Placement(f"W{store_id}N4", "home", "banner", "会员中心", "", "", first, end, None, None),
        Placement(f"W{store_id}N5", "detail", "banner", "会员中心", "", "", first, end, None, None),
    )
    pictures = tuple(
        Placement(
            placement_id=f"W{store_id}K{index:03}",
            page="home",
            kind="kv",
            title=promotion.name,
            product_id=promotion.product_id,
            promotion_id=promotion.promotion_id,
            starts_at=promotion.starts_at,
            ends_at=promotion.ends_at,
            down_at=promotion.ends_at + timedelta(seconds=1),
            gone_at=promotion.ends_at + timedelta(days=2),
        )
        for index, promotion in enumerate(promotions, 1)
    )
    return lasting + pictures


def _campaigns(options: Options, store_id: str, number: int) -> tuple[Campaign, ...]:
    """Two that run, and one that must not be taken for exhausted: paused (its budget spent) or without a limit."""
    dice = Dice(options.seed, store_id, "campaigns")
    running = [_campaign(dice, store_id, index, options.days, dice.between(2, 9) * 10_000) for index in (1, 2)]
    odd_days = tuple(CampaignDay(20_000, 200_000) if number % 2 else CampaignDay(0, 30_000) for _ in range(options.days))
    odd = Campaign(f"C{store_id}3", "老计划（勿动）", number % 2 == 0, 110, 320, 410, odd_days)
    return (*running, odd)


def _campaign(dice: Dice, store_id: str, index: int, days: int, budget: int) -> Campaign:
    name = ("全站推广", "关键词推广")[index - 1]
    usual = tuple(CampaignDay(budget, budget * dice.between(80, 94) // 100) for _ in range(days))
    return Campaign(f"C{store_id}{index}", name, True, dice.between(60, 190), dice.between(250, 600), dice.between(330, 480), usual)


def share_of_day(now: datetime) -> tuple[int, int]:
    """How much of a day's demand has come by ``now``, as a fraction (numerator, denominator)."""
    local = now.astimezone(ZONE)
    seconds = sum(HOURS[: local.hour]) * 3600 + HOURS[local.hour] * (local.minute * 60 + local.second)
    return seconds, sum(HOURS) * 3600
