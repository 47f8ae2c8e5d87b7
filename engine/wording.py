"""How values and phrases are written in a message: the reader's language, the project's time zone, and nothing harmful.

Data is hostile: store names and buyers' remarks may hold line breaks, direction overrides or lone surrogates. :func:`clean` makes
one harmless line of anything; every text that reaches a template or a header has been through it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.errors import Text
from engine.model import Reason, Severity, Type, Value

MISSING = "—"
LONGEST_TEXT = 300
LONGEST_LINK = 2_000
EXACT_DIGITS = 6
LARGEST = Decimal(10) ** 18
DOUBLE_DIGITS = 2
_LINK = re.compile(r"https?://[\w.-]*\w(?::\d{1,5})?(?:[/?#][^\s\"'<>\\^`{|}]*)?", re.IGNORECASE)
JOINER = "\u200d"  # holds emoji together, the one invisible character that is kept
_CURRENCIES = MappingProxyType({"": "¥", "CNY": "¥", "RMB": "¥", "元": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "BRL": "R$"})
_UNITS = MappingProxyType(
    {
        "": Text("", ""),
        "count": Text("", ""),
        "分": Text("", " 分"),
        "points": Text("", " 分"),
        "单": Text(" orders", " 单"),
        "orders": Text(" orders", " 单"),
        "件": Text(" pcs", " 件"),
        "笔": Text(" deals", " 笔"),
        "条": Text("", " 条"),
        "张": Text(" pictures", " 张"),
        "字": Text(" characters", " 字"),
        "星": Text(" stars", " 星"),
        "人": Text(" people", " 人"),
        "次": Text(" times", " 次"),
        "天": Text(" days", " 天"),
        "days": Text(" days", " 天"),
        "小时": Text(" h", " 小时"),
        "hours": Text(" h", " 小时"),
        "秒": Text(" s", " 秒"),
        "seconds": Text(" s", " 秒"),
        "元": Text(" yuan", " 元"),
    }
)
_RATINGS = frozenset({"分", "points"})
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

SEVERITIES: Mapping[Severity, Text] = MappingProxyType(
    {
        Severity.CRITICAL: Text("Critical", "严重"),
        Severity.WARNING: Text("Warning", "警告"),
        Severity.INFO: Text("Notice", "提示"),
    }
)

REASONS: Mapping[Reason, Text] = MappingProxyType(
    {
        Reason.FIRST: Text("the rule's condition became true", "规则条件刚刚成立"),
        Reason.WAITING: Text("the condition is true, but not yet for as long as the rule asks", "条件已成立，但还没有达到规则要求的时长"),
        Reason.HELD_LONG_ENOUGH: Text("the condition has held for as long as the rule asks", "条件持续成立，已达到规则要求的时长"),
        Reason.SEVERITY_ROSE: Text("it has become more severe", "严重程度上升"),
        Reason.SEVERITY_FELL: Text("it has become less severe", "严重程度下降"),
        Reason.REPEAT_DUE: Text("it still goes on, and a reminder is due", "问题仍在持续，到了再次提醒的时间"),
        Reason.NO_LONGER_TRUE: Text("the condition is no longer true", "规则条件不再成立"),
        Reason.ROW_GONE: Text("the newest data no longer lists it", "最新数据中已没有这一项"),
        Reason.RESOLVED_BY_HAND: Text("somebody closed it by hand", "有人手动关闭"),
        Reason.RULE_GONE: Text("the rule was deleted or renamed", "规则已被删除或改名"),
        Reason.KEEP_FIRING: Text("the condition is not true now; the rule keeps the alert a while", "条件此刻不成立，规则要求再保持一会儿"),
        Reason.MISSING_INPUT: Text("data that the rule needs is missing", "规则需要的数据缺失"),
        Reason.MEMBER_JOINED: Text("another alert became part of it", "又有告警并入这个事件"),
        Reason.ESCALATED: Text("nobody has acknowledged it", "一直无人确认"),
        Reason.SURFACED: Text("the incident that explained it is over, and it goes on", "解释它的事件已经结束，而它仍在持续"),
    }
)

PHRASES: Mapping[str, Text] = MappingProxyType(
    {
        "acknowledged": Text("Being handled by {name}", "{name} 已在处理"),
        "advice": Text("What to do", "怎么办"),
        "alert_id": Text("Alert {id}", "编号 {id}"),
        "and": Text("; ", "；"),
        "automatic": Text("Sent automatically by storewatch; no reply is needed.", "由 storewatch 巡店自动发出，无需回复。"),
        "because": Text("Why you get this: {reason}.", "为什么发给你：{reason}。"),
        "before": Text("was {value}", "之前 {value}"),
        "colon": Text(": ", "："),
        "comma": Text(", ", "，"),
        "semicolon": Text("; ", "；"),
        "data_of": Text("data as of {at}", "数据截至 {at}"),
        "digest": Text("Shop rounds", "巡店摘要"),
        "told": Text("As of {at}", "截至 {at}"),
        "evaluated": Text("Checked {at}", "检查于 {at}"),
        "evidence": Text("Details", "明细"),
        "fault": Text(
            "This plain message stands in for the usual one, because its template has a mistake: {fault}",
            "消息模板有错误，因此改发这封简单的通知：{fault}",
        ),
        "just_now": Text("Noticed just now, {since}", "刚刚发现，{since}"),
        "lasted": Text("{since} to {ended}", "{since} 至 {ended}"),
        "over": Text("Over after {duration}", "持续 {duration}后恢复"),
        "more_items": Text("and {count} more, not listed here", "另有 {count} 项未在此列出"),
        "more_rows": Text("and {count} more", "另有 {count} 条未列出"),
        "exhibit": Text("The picture; the box is around the price that was read", "图片；框出的是读到的价格"),
        "new": Text("New", "新增"),
        "ongoing": Text("Ongoing", "持续中"),
        "others": Text("Also", "其他"),
        "owner": Text("owner {owner}", "负责 {owner}"),
        "resolved": Text("Resolved", "已恢复"),
        "rule": Text("Rule {rule}", "规则 {rule}"),
        "since": Text("Since {since}, for {duration} now", "自 {since} 起，已持续 {duration}"),
        "still": Text("Still going on", "仍在持续"),
        "still_since": Text("Still going on, since {since}, for {duration} now", "仍在持续：自 {since} 起，已 {duration}"),
        "stores": Text("{count} stores", "{count} 家店铺"),
        "summary": Text("{count} alerts", "{count} 项提醒"),
        "tally_new": Text("{count} new", "新增 {count}"),
        "tally_ongoing": Text("{count} ongoing", "持续 {count}"),
        "tally_resolved": Text("{count} resolved", "已恢复 {count}"),
        "times_in": Text("times in {zone}", "时间均为 {zone}"),
        "values": Text("Values", "数据"),
        "values_now": Text("Values now", "现在的数据"),
        "values_then": Text("Values when it last alerted", "最后一次报警时的数据"),
    }
)


def clean(text: object, limit: int = LONGEST_TEXT) -> str:
    """``text`` as one harmless line of at most ``limit`` characters (an ellipsis tells that some were left out).

    Line breaks, tabs and control characters become spaces, invisible format characters (direction overrides among them) vanish,
    lone surrogates become U+FFFD.
    """
    raw = str(text)[: limit * 8]
    line = " ".join((raw if raw.isprintable() else "".join(map(_harmless, raw))).split())
    if len(line) <= limit and len(raw) == len(str(text)):
        return line
    return line[: limit - 1].rstrip(JOINER + " ") + "…"


def _harmless(char: str) -> str:
    if char.isascii() and char.isprintable():
        return char
    category = unicodedata.category(char)
    if category == "Cf":
        return JOINER if char == JOINER else ""
    if category == "Cs":
        return "\ufffd"
    return " " if category in {"Cc", "Zl", "Zp", "Zs"} else char


def clean_lines(text: str, limit: int = 2_000) -> tuple[str, ...]:
    """As :func:`clean` for a text of several lines, which stay apart; empty lines are left out."""
    lines = (clean(line, limit) for line in re.split(r"\r\n|\r|\n|\u2028|\u2029|\x85", text[:limit]))
    return tuple(line for line in lines if line)


def safe_link(value: object) -> str:
    """``value`` if it is an address that a reader may click (http or https, a plain host, nothing hidden), else an empty string."""
    if not isinstance(value, str) or len(value) > LONGEST_LINK or not _LINK.fullmatch(value):
        return ""
    return value if clean(value, LONGEST_LINK) == value else ""


def zone_of(name: str) -> tzinfo:
    """The time zone called ``name``; UTC when there is none such, because a message must go out all the same."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def exact(value: object) -> Decimal | None:
    """A number as Decimal; None for what is none: booleans, NaN, and anything past :data:`LARGEST`, which no shop has."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    return number if number.is_finite() and abs(number) < LARGEST else None


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes values in one language and time zone. Every method takes any value and never raises; a missing one is ``—``."""

    language: str
    zone: tzinfo

    def say(self, phrase: Text, **values: object) -> str:
        return phrase.in_(self.language).format(**{name: str(value) for name, value in values.items()})

    def number(self, value: object, digits: int | None = None) -> str:
        """``1,234.5``. Exact values keep their digits (a rating of 4.699 is not 4.7), doubles are rounded to two;
        ``digits`` asks for exactly so many."""
        number = exact(value)
        if number is None:
            return self.plain(value)
        places = digits if digits is not None else DOUBLE_DIGITS if isinstance(value, float) else EXACT_DIGITS
        written = f"{round(number, max(0, min(places, 9))) + 0:,f}"
        return written if digits is not None or "." not in written else written.rstrip("0").rstrip(".")

    def rating(self, value: object) -> str:
        """A score with two digits at least, as shops write it: ``4.80``, ``4.699``."""
        number = exact(value)
        if number is None or abs(number) > 1_000 or round(number, 2) != number:
            return self.number(value)
        return self.number(number, 2)

    def money(self, value: object, unit: str = "") -> str:
        """``¥1,234.50``; ``unit`` is a currency code, yuan when it is empty."""
        number = exact(value)
        if number is None:
            return self.plain(value)
        written = self.number(abs(number), 2) if round(number, 2) == number else self.number(abs(number), 4).rstrip("0")
        sign = "-" if number < 0 else ""
        symbol = _CURRENCIES.get(unit.strip().upper())
        return f"{sign}{symbol}{written}" if symbol else f"{sign}{written} {clean(unit, 20)}"

    def percent(self, value: object, digits: int | None = None) -> str:
        """``95.5%`` of 0.955."""
        number = exact(value)
        if number is None:
            return self.plain(value)
        return self.number(float(number * 100) if isinstance(value, float) else number * 100, digits) + "%"

    def duration(self, value: object) -> str:
        """The two largest units: ``2 天 3 小时``, ``5 h 20 min``."""
        if not isinstance(value, timedelta):
            return self.plain(value)
        minutes = int(abs(value).total_seconds() // 60)
        if not minutes:
            return self.say(Text("less than a minute", "不到 1 分钟")) if value else self.say(Text("0 min", "0 分钟"))
        days, hours = divmod(minutes // 60, 24)
        parts = ((days, _day_word(days)), (hours, Text("h", "小时")), (minutes % 60, Text("min", "分钟")))
        first = next(index for index, (count, _) in enumerate(parts) if count)
        written = " ".join(f"{count} {word.in_(self.language)}" for count, word in parts[first : first + 2] if count)
        return f"-{written}" if value < timedelta(0) else written

    def datetime(self, value: object, now: datetime | None = None) -> str:
        """``2026-11-20 16:00`` or ``20 Nov 2026, 16:00``, in the message's time zone; without the year when it is that of ``now``."""
        if not isinstance(value, datetime):
            return self.date(value) if isinstance(value, date) else self.plain(value)
        try:
            local = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(self.zone)
        except (OverflowError, ValueError):
            local = value
        year = None if now is None else now.astimezone(self.zone).year
        return f"{self.date(local, year)}{' ' if self.language == 'zh' else ', '}{local:%H:%M}"

    def date(self, value: object, year: int | None = None) -> str:
        """``2026-11-20`` or ``20 Nov 2026``, without the year when it is ``year``."""
        if not isinstance(value, date):
            return self.plain(value)
        if self.language == "zh":
            return f"{value:%m-%d}" if value.year == year else f"{value.year:04d}-{value:%m-%d}"
        return f"{value.day} {_MONTHS[value.month - 1]}" + (f" {value.year}" if value.year != year else "")

    def boolean(self, value: object) -> str:
        return self.say(Text("yes", "是") if value else Text("no", "否")) if isinstance(value, bool) else self.plain(value)

    def plain(self, value: object) -> str:
        """Any value, by what it is: the way out for values that are not of the type that was announced."""
        if value is None:
            return MISSING
        if isinstance(value, bool):
            return self.boolean(value)
        if isinstance(value, datetime | date):
            return self.datetime(value)
        if isinstance(value, timedelta):
            return self.duration(value)
        if isinstance(value, float | Decimal) and exact(value) is None:
            return clean(value, 12)
        return self.number(value) if exact(value) is not None else clean(value)

    def value(self, value: Value, type_: Type | str = Type.STRING, unit: str = "") -> str:
        """``value`` as its type and unit want it written."""
        if value is None:
            return MISSING
        kind = Type(type_) if type_ in Type.__members__.values() else Type.STRING
        if kind is Type.MONEY:
            return self.money(value, unit)
        if kind in (Type.INTEGER, Type.NUMBER) and exact(value) is not None:
            return (self.rating(value) if unit in _RATINGS else self.number(value)) + self.unit(unit)
        writers: Mapping[Type, Callable[[object], str]] = {
            Type.PERCENT: self.percent,
            Type.BOOLEAN: self.boolean,
            Type.TIMESTAMP: self.datetime,
            Type.DATE: self.date,
            Type.DURATION: self.duration,
        }
        return writers.get(kind, self.plain)(value)

    def unit(self, unit: str) -> str:
        """What stands behind a number, with its space: `` 单``, `` orders``."""
        known = _UNITS.get(unit.strip())
        return known.in_(self.language) if known else f" {clean(unit, 20)}"


def _day_word(count: int) -> Text:
    return Text("day" if count == 1 else "days", "天")
