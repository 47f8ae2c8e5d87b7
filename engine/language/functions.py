"""The functions of the rule language, in one table: how each is called, what it does, an example, and what it becomes.

:data:`FUNCTIONS` are called with plain arguments; :data:`AGGREGATES` over related rows (``sum(x of kind where …)``) or across the rows
of the kind (``min(x by column)``). The documentation and editor completion are made from both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from engine.errors import Text
from engine.language.errors import wrong
from engine.language.measures import MEASURED, NUMERIC, ORDERED, adapt, meet_all, require
from engine.language.names import Scope
from engine.language.typed import (
    Abs,
    Arithmetic,
    Coalesce,
    Const,
    Extreme,
    History,
    HistoryFunction,
    If,
    Node,
    Now,
    Round,
    Span,
    TimePart,
)
from engine.model import Type

MAX_WINDOW = timedelta(days=400)

_NOW = Now(type=Type.TIMESTAMP)

_ANY = frozenset(Type)


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a call hands to its function: the typed arguments, and where the call stands."""

    nodes: tuple[Node, ...]
    at: Span
    scope: Scope


@dataclass(frozen=True, slots=True)
class Function:
    """One function called with plain arguments: ``least`` to ``most`` of them. ``history`` tells that it reads earlier batches."""

    signature: str
    doc: Text
    example: str
    build: Callable[[Arguments], Node]
    least: int = 1
    most: int = 1
    history: bool = False


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One aggregate. ``takes`` are the types of its item (empty: it has none), ``gives`` the result's type (None: the item's)."""

    signature: str
    doc: Text
    example: str
    takes: frozenset[Type]
    gives: Type | None = None
    across: bool = True


def _age(call: Arguments) -> Node:
    return Arithmetic("-", _NOW, _time(call), type=Type.DURATION, at=call.at)


def _until(call: Arguments) -> Node:
    return Arithmetic("-", _time(call), _NOW, type=Type.DURATION, at=call.at)


def _time(call: Arguments) -> Node:
    node = adapt(call.nodes[0], _NOW, call.scope)
    if node.type is Type.DATE:
        hint = Text("compare dates with dates: due_on < date(now - 3d)", "日期请与日期比较：due_on < date(now - 3d)")
        raise wrong("wrong_type", node.at, Text("this is a date; it has no time of day", "这是日期，没有时刻"), hint)
    return require(node, {Type.TIMESTAMP})


def _part(part: Literal["date", "hour", "weekday"], type_: Type) -> Callable[[Arguments], Node]:
    return lambda call: TimePart(part, _time(call), type=type_, at=call.at)


def _abs(call: Arguments) -> Node:
    item = require(call.nodes[0], MEASURED)
    return Abs(item, type=item.type, at=call.at)


def _round(call: Arguments) -> Node:
    item = require(call.nodes[0], NUMERIC)
    digits = call.nodes[1] if len(call.nodes) > 1 else Const(Decimal(0), type=Type.INTEGER)
    if not (isinstance(digits, Const) and digits.type is Type.INTEGER and isinstance(digits.value, Decimal) and 0 <= digits.value <= 9):
        sentence = Text("the digits of round are a whole number from 0 to 9", "round 的位数应为 0 到 9 的整数")
        raise wrong("bad_argument", digits.at, sentence)
    return Round(item, int(digits.value), type=item.type, at=call.at)


def _extreme(which: Literal["least", "greatest"]) -> Callable[[Arguments], Node]:
    def build(call: Arguments) -> Node:
        items, type_ = meet_all(call.nodes, call.scope)
        require(items[0], ORDERED)
        return Extreme(which, items, type=type_, at=call.at)

    return build


def _coalesce(call: Arguments) -> Node:
    items, type_ = meet_all(call.nodes, call.scope)
    return Coalesce(items, type=type_, at=call.at)


def _if(call: Arguments) -> Node:
    condition = require(call.nodes[0], {Type.BOOLEAN})
    (then, otherwise), type_ = meet_all(call.nodes[1:], call.scope)
    return If(condition, then, otherwise, type=type_, at=call.at)


def _history(function: HistoryFunction, takes: frozenset[Type] = _ANY, gives: Type | None = None) -> Callable[[Arguments], Node]:
    """A function of an expression and, where the table asks for two arguments, a window. INTEGERs average to NUMBERs."""

    def build(call: Arguments) -> Node:
        item = require(call.nodes[0], takes)
        window = _window(call.nodes[1]) if len(call.nodes) > 1 else None
        averaged = Type.NUMBER if function in _AVERAGES and item.type is Type.INTEGER else item.type
        return History(function, item, window, type=gives or averaged, at=call.at)

    return build


_AVERAGES = frozenset({"mean", "median", "stdev", "same_weekday_mean"})


def _seen_for(call: Arguments) -> Node:
    return History("seen_for", None, type=Type.DURATION, at=call.at)


def _window(node: Node) -> timedelta:
    if isinstance(node, Const) and isinstance(node.value, timedelta) and timedelta(0) < node.value <= MAX_WINDOW:
        return node.value
    sentence = Text(
        f"the window is a duration above zero, at most {MAX_WINDOW.days}d, written as it is",
        f"时间窗口应直接写成大于零、不超过 {MAX_WINDOW.days}d 的时长",
    )
    raise wrong("bad_window", node.at, sentence, Text("write it like 24h, 7d or 4w", "写法如 24h、7d、4w"))


FUNCTIONS: Mapping[str, Function] = {
    "age": Function("age(time)", Text("How long ago a time was.", "距某个时间已过去多久。"), "age(paid_at) > 48h", _age),
    "until": Function("until(time)", Text("How long until a time comes.", "离某个时间还有多久。"), "until(promised_ship_at) < 6h", _until),
    "date": Function(
        "date(time)",
        Text("The day of a time, in the project's time zone.", "时间所在的日期（项目时区）。"),
        "date(paid_at) == date(now)",
        _part("date", Type.DATE),
    ),
    "hour": Function(
        "hour(time)",
        Text("The hour of a time, 0 to 23, in the project's time zone.", "时间的小时数，0 到 23（项目时区）。"),
        "hour(now) < 20",
        _part("hour", Type.INTEGER),
    ),
    "weekday": Function(
        "weekday(time)",
        Text("The weekday of a time, Monday is 1, in the project's time zone.", "时间是星期几，星期一为 1（项目时区）。"),
        "weekday(now) in (6, 7)",
        _part("weekday", Type.INTEGER),
    ),
    "abs": Function("abs(x)", Text("x without its sign.", "x 的绝对值。"), "abs(amount - product.price) > 0.01", _abs),
    "round": Function(
        "round(x, digits)",
        Text("x rounded to so many digits (0 when left out), half away from zero.", "x 四舍五入到指定小数位（省略则为 0 位）。"),
        "round(amount, 1) == 9.9",
        _round,
        most=2,
    ),
    "least": Function(
        "least(x, y, …)",
        Text("The smallest of several values; missing if any is.", "几个值中最小的；任一缺失则缺失。"),
        "least(amount, product.price) < 10",
        _extreme("least"),
        least=2,
        most=20,
    ),
    "greatest": Function(
        "greatest(x, y, …)",
        Text("The largest of several values; missing if any is.", "几个值中最大的；任一缺失则缺失。"),
        "greatest(amount, product.price) > 10",
        _extreme("greatest"),
        least=2,
        most=20,
    ),
    "coalesce": Function(
        "coalesce(x, y, …)",
        Text("The first value that is not missing.", "第一个不缺失的值。"),
        "coalesce(amount, 0) == 0",
        _coalesce,
        least=2,
        most=20,
    ),
    "if": Function(
        "if(condition, x, y)",
        Text("x where the condition is true, y where it is false, missing where it is unknown.", "条件成立取 x，不成立取 y，未知则缺失。"),
        "if(status == 'paid', amount, 0) > 100",
        _if,
        least=3,
        most=3,
    ),
    "previous": Function(
        "previous(x)",
        Text("x in the batch before this one.", "上一批数据中的 x。"),
        "status != previous(status)",
        _history("previous"),
        history=True,
    ),
    "ago": Function(
        "ago(x, duration)",
        Text("x as it was so long ago.", "一段时间以前的 x。"),
        "amount < ago(amount, 1d) * 90%",
        _history("ago"),
        least=2,
        most=2,
        history=True,
    ),
    "mean": Function(
        "mean(x, window)",
        Text("The mean of x over the window before this batch.", "之前一段时间内 x 的平均值。"),
        "amount > mean(amount, 28d) * 1.5",
        _history("mean", MEASURED),
        least=2,
        most=2,
        history=True,
    ),
    "median": Function(
        "median(x, window)",
        Text("The median of x over the window before this batch.", "之前一段时间内 x 的中位数。"),
        "amount > median(amount, 28d) * 1.5",
        _history("median", MEASURED),
        least=2,
        most=2,
        history=True,
    ),
    "highest": Function(
        "highest(x, window)",
        Text("The highest x over the window before this batch.", "之前一段时间内 x 的最大值。"),
        "amount < highest(amount, 7d) - 5",
        _history("highest", ORDERED),
        least=2,
        most=2,
        history=True,
    ),
    "lowest": Function(
        "lowest(x, window)",
        Text("The lowest x over the window before this batch.", "之前一段时间内 x 的最小值。"),
        "amount < lowest(amount, 7d)",
        _history("lowest", ORDERED),
        least=2,
        most=2,
        history=True,
    ),
    "total": Function(
        "total(x, window)",
        Text("The sum of x over the window before this batch.", "之前一段时间内 x 的合计。"),
        "total(amount, 3d) == 0",
        _history("total", MEASURED),
        least=2,
        most=2,
        history=True,
    ),
    "stdev": Function(
        "stdev(x, window)",
        Text("The sample standard deviation of x over the window before this batch.", "之前一段时间内 x 的样本标准差。"),
        "abs(amount - mean(amount, 28d)) > 3 * stdev(amount, 28d)",
        _history("stdev", MEASURED),
        least=2,
        most=2,
        history=True,
    ),
    "changes": Function(
        "changes(x, window)",
        Text("How often x changed over the window up to now.", "一段时间内至今 x 变化的次数。"),
        "changes(amount, 24h) > 2",
        _history("changes", gives=Type.INTEGER),
        least=2,
        most=2,
        history=True,
    ),
    "unchanged_for": Function(
        "unchanged_for(x)",
        Text("How long x has had its present value.", "x 保持现值已有多久。"),
        "unchanged_for(status) > 2d",
        _history("unchanged_for", gives=Type.DURATION),
        history=True,
    ),
    "same_weekday_mean": Function(
        "same_weekday_mean(x, window)",
        Text("The mean of x over the same weekdays in the window.", "一段时间内相同星期几的 x 的平均值。"),
        "amount < same_weekday_mean(amount, 4w) * 70%",
        _history("same_weekday_mean", MEASURED),
        least=2,
        most=2,
        history=True,
    ),
    "seen_for": Function(
        "seen_for()",
        Text("How long ago this row was first seen.", "这一行首次出现距今多久。"),
        "seen_for() < 1d",
        _seen_for,
        least=0,
        most=0,
        history=True,
    ),
}

AGGREGATES: Mapping[str, Aggregate] = {
    "count": Aggregate(
        "count(kind where …), count(by column, …)",
        Text("How many rows there are.", "行数。"),
        "count(by store_id) > 100",
        frozenset(),
        Type.INTEGER,
    ),
    "sum": Aggregate(
        "sum(x of kind where …), sum(x by column, …)", Text("The sum of x.", "x 的合计。"), "sum(amount by sku) > 1000", MEASURED
    ),
    "avg": Aggregate(
        "avg(x of kind where …), avg(x by column, …)", Text("The mean of x.", "x 的平均值。"), "amount > avg(amount by sku) * 2", MEASURED
    ),
    "min": Aggregate(
        "min(x of kind where …), min(x by column, …)",
        Text("The smallest x.", "x 的最小值。"),
        "amount > min(amount by sku) * 1.02",
        ORDERED,
    ),
    "max": Aggregate(
        "max(x of kind where …), max(x by column, …)", Text("The largest x.", "x 的最大值。"), "amount < max(amount by sku)", ORDERED
    ),
    "distinct": Aggregate(
        "distinct(x of kind where …), distinct(x by column, …)",
        Text("How many different values x has.", "x 有多少种不同的值。"),
        "distinct(status by store_id) > 1",
        _ANY,
        Type.INTEGER,
    ),
    "share": Aggregate(
        "share(condition of kind where …)",
        Text("The share of rows for which the condition is true, among those where it is known.", "条件成立的行所占的比例（不计未知）。"),
        "share(status == 'unpaid' of order) > 35%",
        frozenset({Type.BOOLEAN}),
        Type.PERCENT,
        across=False,
    ),
}
