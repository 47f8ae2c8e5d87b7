"""Made-up messages of a rule, of every sort that can be sent: what ``check`` renders templates with, and what ``preview`` may show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

from engine.errors import Text
from engine.model import Alert, Identity, Item, Member, Message, Reason, RuleInfo, Severity, Shown, State, Transition, Trend, Type

AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
ZONE = "Asia/Shanghai"
BLANK = RuleInfo("example_rule", Text("Example", "示例"), Severity.WARNING, advice=Text("Look at it.\nThen act.", "先看看。\n再处理。"))

VALUES: tuple[Shown, ...] = (
    Shown(Text("Rating", "评分"), Decimal("4.660000"), Type.NUMBER, "points"),
    Shown(Text("Amount", "金额"), Decimal("12345.6000"), Type.MONEY, "CNY"),
    Shown(Text("Share", "占比"), Decimal("0.955"), Type.PERCENT),
    Shown(Text("Ends", "结束时间"), AT, Type.TIMESTAMP),
    Shown(Text("Day", "日期"), date(2026, 11, 20), Type.DATE),
    Shown(Text("Overdue", "已过期"), timedelta(hours=5), Type.DURATION),
    Shown(Text("Live", "在线"), True, Type.BOOLEAN),
    Shown(Text("Link", "链接"), "https://shop.example.com/a", Type.STRING),
    Shown(Text("Unknown", "未知"), None, Type.NUMBER),
)


def specimens(rule: RuleInfo, labels: Iterable[str] = ()) -> Mapping[str, Message]:
    """Messages about ``rule`` by what they exercise. ``labels`` are further shown values: numbers, texts and missing ones in turn."""
    asked = sorted(labels)
    numbers = tuple(Shown(Text.same(label), Decimal(index + 90), Type.NUMBER) for index, label in enumerate(asked))
    texts = tuple(Shown(Text.same(label), "https://shop.example.com/b", Type.STRING) for label in asked)
    missing = tuple(Shown(Text.same(label), None, Type.MONEY) for label in asked)
    first = _item(rule, VALUES + numbers)
    ongoing = replace(_moved(first, State.FIRING, State.FIRING, Reason.REPEAT_DUE), before=_earlier(VALUES + numbers))
    resolved = _moved(first, State.FIRING, State.RESOLVED, Reason.NO_LONGER_TRUE)
    elsewhere = _item(rule, VALUES, store="1002")
    return MappingProxyType(
        {
            "firing": _message(first),
            "several": _message(first, ongoing, resolved, elsewhere),
            "mixed": _message(first, replace(elsewhere, rule=BLANK)),
            "repeat": _message(ongoing),
            "resolved": _message(replace(resolved, current=VALUES + numbers)),
            "resolved_unknown_values": _message(resolved),
            "nothing_shown": _message(_item(replace(rule, advice=None), ())),
            "texts": _message(replace(_item(rule, texts), picture=b"\xff\xd8")),
            "missing_values": _message(_item(rule, missing)),
            "incident": _message(_incident(first)),
        }
    )


def _incident(item: Item) -> Item:
    """``item`` as an incident of two alerts."""
    members = tuple(Member(Identity(name, ("1001",)), name) for name in ("cause", "symptom"))
    return replace(item, transition=replace(item.transition, alert=replace(item.transition.alert, members=members)))


def _message(*items: Item) -> Message:
    return Message("n1", "t1", items, {"store_id": "1001"}, AT, ZONE, omitted=len(items) // 3)


def _item(rule: RuleInfo, shown: tuple[Shown, ...], store: str = "1001") -> Item:
    alert = Alert(
        Identity(rule.name, (store, "P1")),
        store,
        State.FIRING,
        rule.severity,
        AT - timedelta(days=2),
        AT,
        AT,
        shown=shown,
        evidence=(VALUES, VALUES) if shown else (),
    )
    trend = Trend(Text("Rating", "评分"), tuple((AT - timedelta(days=14 - day), 4.8 - day / 100) for day in range(15)))
    return Item(Transition(alert, None, State.FIRING, Reason.FIRST, AT), rule, "旗舰店", trend if shown else None, as_of=AT)


def _moved(item: Item, before: State, after: State, reason: Reason) -> Item:
    resolved_at = AT if after is State.RESOLVED else None
    alert = replace(item.transition.alert, state=after, resolved_at=resolved_at, acknowledged_by="小王")
    return replace(item, transition=Transition(alert, before, after, reason, AT))


def _earlier(shown: tuple[Shown, ...]) -> tuple[Shown, ...]:
    return tuple(replace(value, value=value.value + 1) if isinstance(value.value, Decimal) else value for value in shown)
