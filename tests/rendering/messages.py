"""Messages as a team would get them, of the five first rules and of one that has no templates of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from engine.errors import Text
from engine.model import Alert, Identity, Item, Message, Reason, RuleInfo, Severity, Shown, State, Transition, Trend, Type, Value

AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
ZONE = "Asia/Shanghai"

RULES: Mapping[str, RuleInfo] = {
    rule.name: rule
    for rule in (
        RuleInfo(
            "dsr_drop",
            Text("DSR rating is falling", "店铺动态评分下降"),
            Severity.WARNING,
            owner="service",
            advice=Text(
                "Start with the products that drew most bad reviews in 30 days (below). Correct misleading descriptions today.",
                "先看近 30 天差评最多的宝贝（见明细），逐条联系买家解释并补救；属于描述不符的，当天修改详情页。",
            ),
        ),
        RuleInfo(
            "unfulfilled_orders",
            Text("Paid orders are not shipped", "付款订单滞留未发货"),
            Severity.CRITICAL,
            owner="fulfilment",
            advice=Text(
                "Ship the oldest orders today.\nWhere stock is missing offer a refund.\nReport what cannot leave today to the platform.",
                "今天先发最早付款的订单。\n没货的联系买家换款或退款。\n当天发不出的，在平台报备延迟，避免罚款。",
            ),
        ),
        RuleInfo(
            "banner_expired",
            Text("A banner advertises a promotion that ended", "页面还在宣传已结束的活动"),
            Severity.WARNING,
            owner="page",
            advice=Text("Take the picture down or replace it now.", "立即下线或更换该位置的图片和链接；检查同一活动的其他位置是否也要换。"),
        ),
        RuleInfo(
            "ad_budget_exhausted",
            Text("An ad budget ran out early", "推广预算提前用完"),
            Severity.WARNING,
            owner="promotion",
            advice=Text(
                "If the return is good raise the budget so that the campaign stays online. If not, lower bids.",
                "投产比达标就加预算，让计划不要下线；不达标就降出价、收窄人群。",
            ),
        ),
        RuleInfo(
            "price_image_mismatch",
            Text("The price on the picture is not the price charged", "图片价格与实际价格不符"),
            Severity.CRITICAL,
            owner="page",
            advice=Text(
                "Decide which price is right. Correct the price or replace the picture at once.",
                "先确认哪个价格是对的：价格错了马上改价，图片错了马上换图；已下单的买家由客服主动联系。",
            ),
        ),
        RuleInfo(
            "refund_rate_rising",
            Text("Refund rate is rising", "退款率上升"),
            Severity.INFO,
            owner="service",
            advice=Text("Look at the reasons buyers give.", "看看买家填写的退款原因。"),
        ),
    )
}


def shown(en: str, zh: str, value: Value, type_: Type = Type.STRING, unit: str = "") -> Shown:
    return Shown(Text(en, zh), value, type_, unit)


def dsr(desc: str, service: str, logistics: str) -> tuple[Shown, ...]:
    return (
        shown("Description", "描述相符", Decimal(desc), Type.NUMBER, "分"),
        shown("Service", "服务态度", Decimal(service), Type.NUMBER, "分"),
        shown("Logistics", "物流服务", Decimal(logistics), Type.NUMBER, "分"),
        shown("7-day high (description)", "七日最高描述", Decimal("4.82"), Type.NUMBER, "分"),
        shown("7-day high (service)", "七日最高服务", Decimal("4.85"), Type.NUMBER, "分"),
        shown("7-day high (logistics)", "七日最高物流", Decimal("4.79"), Type.NUMBER, "分"),
    )


def backlog(late: int, past: int, amount: str) -> tuple[Shown, ...]:
    return (
        shown("Unshipped over 48 h", "超48小时未发货", late, Type.INTEGER, "count"),
        shown("Past promised ship time", "已过承诺发货时间", past, Type.INTEGER, "count"),
        shown("Amount waiting", "积压金额", Decimal(amount), Type.MONEY, "元"),
    )


def banner(title: str, hours: int) -> tuple[Shown, ...]:
    return (
        shown("Page", "页面", "首页"),
        shown("Slot kind", "位置", "首页焦点"),
        shown("Title", "标题", title),
        shown("Ended at", "结束时间", AT - timedelta(hours=hours), Type.TIMESTAMP),
        shown("Expired for", "已过期", timedelta(hours=hours), Type.DURATION),
        shown("Link", "链接", "https://shop.example.com/activity/double-eleven-2026?from=kv&position=1"),
    )


def campaign(name: str, spent: str, roi: str = "1.86") -> tuple[Shown, ...]:
    return (
        shown("Campaign", "计划", name),
        shown("Channel", "渠道", "万相台"),
        shown("Daily budget", "日预算", Decimal("1000.00"), Type.MONEY, "元"),
        shown("Spent", "已花费", Decimal(spent), Type.MONEY, "元"),
        shown("ROI", "投入产出比", Decimal(roi), Type.NUMBER),
        shown("Revenue", "成交金额", Decimal("1822.80"), Type.MONEY, "元"),
    )


def price(title: str, painted: str, charged: str) -> tuple[Shown, ...]:
    return (
        shown("Product", "商品", title),
        shown("Price on picture", "图片价", Decimal(painted), Type.MONEY, "元"),
        shown("Price charged", "到手价", Decimal(charged), Type.MONEY, "元"),
        shown("Difference", "相差", Decimal(painted) - Decimal(charged), Type.MONEY, "元"),
        shown("Picture link", "图片", "https://img.example.com/imgextra/i4/2616970884/O1CN01abcDEF1234567890_!!2616970884.jpg"),
    )


def refunds(rate: str) -> tuple[Shown, ...]:
    return (
        shown("Refund rate", "退款率", Decimal(rate), Type.PERCENT),
        shown("28-day mean", "28天均值", 0.04317, Type.PERCENT),
        shown("Refunded", "退款金额", Decimal("18420.5"), Type.MONEY, "元"),
        shown("Oldest open request", "最早未处理", None, Type.TIMESTAMP),
    )


def bad_reviews() -> tuple[tuple[Shown, ...], ...]:
    texts = ("色差太大了，跟图片完全不一样，客服也不理人", "码数偏小，退货运费还要自己出", "收到就开线")
    return tuple(
        (
            shown("Product", "商品", f"68412907753{index}"),
            shown("Latest bad review", "最近一条差评", text),
            shown("Rows", "条数", 12 - 4 * index, Type.INTEGER, "条"),
        )
        for index, text in enumerate(texts)
    )


def old_orders(count: int = 10) -> tuple[tuple[Shown, ...], ...]:
    return tuple(
        (
            shown("Order", "订单号", f"35158203971066{index:05d}"),
            shown("Product", "商品", f"6841290775{index:02d}"),
            shown("Paid", "付款时间", AT - timedelta(hours=97 - index), Type.TIMESTAMP),
            shown("Promised", "承诺发货", AT - timedelta(hours=49 - index), Type.TIMESTAMP),
            shown("Amount", "金额", Decimal("129.00") + 17 * index, Type.MONEY, "元"),
        )
        for index in range(count)
    )


def trend(en: str, zh: str, values: Sequence[float | None], type_: Type = Type.NUMBER, unit: str = "") -> Trend:
    start = AT - timedelta(days=len(values) - 1)
    return Trend(Text(en, zh), tuple((start + timedelta(days=day), value) for day, value in enumerate(values)), type_, unit)


TRENDS: Mapping[str, Trend] = {
    "dsr_drop": trend(
        "Description",
        "描述相符",
        (4.82, 4.82, 4.81, 4.82, 4.80, None, None, 4.79, 4.80, 4.77, 4.74, 4.71, 4.69, 4.67, 4.66),
        Type.NUMBER,
        "分",
    ),
    "unfulfilled_orders": trend("Unshipped over 48 h", "超48小时未发货", (1, 0, 2, 1, 3, 2, 2, 1, 0, 2, 4, 9, 21, 35), Type.INTEGER),
    "ad_budget_exhausted": trend("Spent", "已花费", (640.5, 702, 655.25, 590, 688, 720, 705.5, 980), Type.MONEY, "元"),
    "price_image_mismatch": trend("Price charged", "到手价", (99, 99, 99, 99, 99, 129, 129), Type.MONEY, "元"),
    "refund_rate_rising": trend("Refund rate", "退款率", (0.041, 0.043, 0.04, 0.052, 0.061, 0.0712), Type.PERCENT),
}


def firing(name: str, *, store: str = "1001", key: str = "") -> Item:
    """A new alert of one of :data:`RULES`, with the values of its day."""
    values: Mapping[str, tuple[Shown, ...]] = {
        "dsr_drop": dsr("4.66", "4.80", "4.71"),
        "unfulfilled_orders": backlog(35, 12, "12345.00"),
        "banner_expired": banner("双十一狂欢 全场 5 折起 满 300 减 50", 29),
        "ad_budget_exhausted": campaign("冬季羽绒服-拉新-关键词", "980.00"),
        "price_image_mismatch": price("加厚中长款白鸭绒羽绒服女 2026 冬季新款", "99.00", "129.00"),
        "refund_rate_rising": refunds("0.0712"),
    }
    evidence = {"dsr_drop": bad_reviews(), "unfulfilled_orders": old_orders()}
    rule = RULES[name]
    parts = (store, key) if key else (store,)
    alert = Alert(
        Identity(name, parts),
        store,
        State.FIRING,
        rule.severity,
        pending_since=AT - timedelta(hours=2, minutes=30),
        last_true=AT,
        firing_since=AT,
        shown=values[name],
        evidence=evidence.get(name, ()),
    )
    moved = Transition(alert, None, State.FIRING, Reason.FIRST, AT)
    return Item(moved, rule, "旗舰店A" if store == "1001" else "专营店B", TRENDS.get(name), as_of=AT - timedelta(minutes=30))


def moved(item: Item, before: State, after: State, reason: Reason, **changes: object) -> Item:
    alert = replace(item.transition.alert, state=after, **changes)  # type: ignore[arg-type]
    return replace(item, transition=Transition(alert, before, after, reason, AT))


def repeated(item: Item) -> Item:
    """A reminder two days later; the numbers that change were told as others before."""
    earlier = {
        "Description": Decimal("4.71"),
        "Unshipped over 48 h": 21,
        "Spent": Decimal("955.20"),
        "Price charged": Decimal("119.00"),
        "Refund rate": Decimal("0.061"),
    }
    before = tuple(replace(one, value=earlier[one.label.en]) for one in item.transition.alert.shown if one.label.en in earlier)
    again = moved(item, State.FIRING, State.FIRING, Reason.REPEAT_DUE, pending_since=AT - timedelta(days=2, hours=3))
    return replace(again, before=before)


def resolved(item: Item) -> Item:
    """Over, with values of now that differ from those that alerted."""
    current = {
        "dsr_drop": dsr("4.80", "4.83", "4.78"),
        "unfulfilled_orders": backlog(1, 0, "129.00"),
        "ad_budget_exhausted": campaign("冬季羽绒服-拉新-关键词", "412.30", "3.2"),
        "price_image_mismatch": price("加厚中长款白鸭绒羽绒服女 2026 冬季新款", "129.00", "129.00"),
        "refund_rate_rising": refunds("0.0402"),
    }
    reason = Reason.NO_LONGER_TRUE if item.rule.name in current else Reason.ROW_GONE
    over = moved(item, State.FIRING, State.RESOLVED, reason, pending_since=AT - timedelta(days=1, hours=5), resolved_at=AT)
    return replace(over, current=current.get(item.rule.name, ()), trend=None)


def message(*items: Item, **labels: str) -> Message:
    return Message("n-1", "t-1", items, {"store_id": "1001", **labels}, AT, ZONE)


def gallery(name: str) -> Mapping[str, Message]:
    """The messages of one rule, by what they tell."""
    one = firing(name)
    other = firing(name, store="1002")
    return {
        "firing": message(one),
        "several": message(one, repeated(firing(name, store="1002", key="P2")), resolved(firing(name, key="P3")), other),
        "repeat": message(repeated(one)),
        "resolved": message(resolved(one)),
    }


def digest() -> Message:
    """Many alerts of all rules, more than are told in full."""
    fresh = [firing(name) for name in RULES]
    going = [repeated(firing(name, store="1002")) for name in ("dsr_drop", "banner_expired", "ad_budget_exhausted")]
    over = [resolved(firing("price_image_mismatch", key="P9"))]
    return message(*going, *over, *fresh)
