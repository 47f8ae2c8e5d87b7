"""Types and units: what may be compared or added to what, and what a bare literal becomes beside a typed value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from engine.errors import Text, did_you_mean
from engine.language.errors import ExpressionError, gather, wrong
from engine.language.names import Scope, column_of
from engine.language.typed import (
    Abs,
    Across,
    Arithmetic,
    Coalesce,
    Const,
    Extreme,
    History,
    If,
    Negate,
    Node,
    Related,
    Round,
    Span,
)
from engine.model import ColumnSchema, Type

NUMERIC = frozenset({Type.INTEGER, Type.NUMBER, Type.MONEY, Type.PERCENT})
MEASURED = NUMERIC | {Type.DURATION}
ORDERED = MEASURED | {Type.TIMESTAMP, Type.DATE}

WORDS = {
    Type.STRING: Text("text", "文字"),
    Type.INTEGER: Text("a whole number", "整数"),
    Type.NUMBER: Text("a number", "数字"),
    Type.MONEY: Text("money", "金额"),
    Type.PERCENT: Text("a percentage", "百分比"),
    Type.BOOLEAN: Text("true or false", "真假值"),
    Type.TIMESTAMP: Text("a time", "时间"),
    Type.DATE: Text("a date", "日期"),
    Type.DURATION: Text("a duration", "时长"),
}

_GROUPS = {
    NUMERIC: Text("a number", "数字"),
    MEASURED: Text("a number or a duration", "数字或时长"),
    ORDERED: Text("a number, a time or a duration", "数字、时间或时长"),
}

_HINTS: dict[frozenset[Type], Text] = {
    frozenset({Type.DURATION, Type.NUMBER}): Text("write a duration like 48h, 30m or 7d", "请写时长，如 48h、30m、7d"),
    frozenset({Type.MONEY, Type.PERCENT}): Text("multiply: 95% * price is money", "请相乘：95% * price 是金额"),
    frozenset({Type.MONEY, Type.NUMBER}): Text("divide money by money for a ratio", "金额除以金额才是比值"),
    frozenset({Type.TIMESTAMP, Type.DURATION}): Text("age(x) and until(x) are durations", "age(x) 和 until(x) 是时长"),
    frozenset({Type.TIMESTAMP, Type.DATE}): Text("date(x) is the day of a time", "date(x) 是时间所在的日期"),
    frozenset({Type.STRING, Type.NUMBER}): Text("numbers are written without quotes", "数字不加引号"),
    frozenset({Type.STRING, Type.BOOLEAN}): Text("true and false are written without quotes", "true 和 false 不加引号"),
}
"""Advice by the pair of types that do not go together; INTEGER stands under NUMBER."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?", re.ASCII)


def unit_of(node: Node, scope: Scope) -> str:
    """The unit of a number's value, '' when it has none or none can be told. ``node`` is in the scope's kind."""
    match node:
        case Arithmetic():
            return _unit_of_arithmetic(node, scope)
        case Negate(item=item) | Abs(item=item) | Round(item=item):
            return unit_of(item, scope)
        case If(then=then, otherwise=otherwise):
            return unit_of(then, scope) or unit_of(otherwise, scope)
        case Coalesce(items=items) | Extreme(items=items):
            return next(filter(None, (unit_of(item, scope) for item in items)), "")
        case History(function=function, item=Node() as item) if function not in ("changes", "unchanged_for"):
            return unit_of(item, scope)
        case Across(function=function, item=Node() as item) if function != "distinct":
            return unit_of(item, scope)
        case Related(function=function, item=Node() as item) if function not in ("distinct", "share"):
            return unit_of(item, replace(scope, kind=node.kind))
        case _:
            column = column_of(node, scope)
            return column.unit if column else ""


def _unit_of_arithmetic(node: Arithmetic, scope: Scope) -> str:
    left = "" if node.left.type is Type.PERCENT else unit_of(node.left, scope)
    right = "" if node.right.type is Type.PERCENT else unit_of(node.right, scope)
    if node.op in "+-":
        return left or right
    if node.op == "*":
        return "" if left and right else left or right
    return "" if right and node.type is not Type.MONEY else left


def values_of(node: Node, scope: Scope) -> tuple[str, ...]:
    """The texts that a node can have, when its column lists them."""
    column = _column_told(node, scope)
    return column.values if column else ()


def _column_told(node: Node, scope: Scope) -> ColumnSchema | None:
    """The column whose value, present or past, the node is."""
    if isinstance(node, History) and node.function in ("previous", "ago") and node.item is not None:
        return _column_told(node.item, scope)
    return column_of(node, scope)


def is_literal(node: Node) -> bool:
    """A bare number, whose type is settled by what stands beside it."""
    match node:
        case Const(type=Type.INTEGER | Type.NUMBER):
            return True
        case If(then=then, otherwise=otherwise):
            return is_literal(then) and is_literal(otherwise)
        case _:
            return False


def meet(left: Node, right: Node, scope: Scope, at: Span | None = None) -> tuple[Node, Node]:
    """Both nodes as values that can be compared with or added to each other: literals take the other side's type.

    Raises ExpressionError when their types or units do not go together; ``at`` is the place it points to (None: both nodes).
    """
    at = at or cover(left, right)
    left, right = adapt(left, right, scope), adapt(right, left, scope)
    if not _compatible(left, right, scope):
        raise _mismatch(left, right, at)
    units = unit_of(left, scope), unit_of(right, scope)
    if left.type in NUMERIC - {Type.PERCENT} and right.type is not Type.PERCENT and all(units) and units[0] != units[1]:
        sentence = Text(f"{units[0]} and {units[1]} are different units", f"单位不同：{units[0]} 和 {units[1]}")
        raise wrong("unit_mismatch", at, sentence)
    return left, right


def adapt(node: Node, beside: Node, scope: Scope) -> Node:
    """``node`` with the type of ``beside``, if it is a literal that can take it; else ``node`` itself."""
    if is_literal(node) and not is_literal(beside):
        return _number_as(node, beside.type)
    if isinstance(node, If) and node.type is Type.STRING and beside.type in (Type.TIMESTAMP, Type.DATE):
        then, otherwise = adapt(node.then, beside, scope), adapt(node.otherwise, beside, scope)
        return replace(node, then=then, otherwise=otherwise, type=beside.type) if then.type == otherwise.type == beside.type else node
    if isinstance(node, Const) and isinstance(node.value, str) and beside.type in (Type.TIMESTAMP, Type.DATE):
        return _time(node, beside.type, scope)
    return node


def _number_as(node: Node, type_: Type) -> Node:
    """A literal as a number or money, or, if it is 0, as a percentage: only nothing is the same in every unit."""
    if isinstance(node, If):
        then, otherwise = _number_as(node.then, type_), _number_as(node.otherwise, type_)
        return replace(node, then=then, otherwise=otherwise, type=joint_type((then, otherwise)))
    if type_ in (Type.MONEY, Type.NUMBER) or (type_ is Type.PERCENT and isinstance(node, Const) and node.value == 0):
        return replace(node, type=type_)
    return node


def _time(node: Const, type_: Type, scope: Scope) -> Const:
    """A text literal as an instant (in the project's time zone; a day is its first instant) or as a day."""
    text = str(node.value)
    try:
        found = datetime.fromisoformat(text) if _DAY.fullmatch(text) or _INSTANT.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not 1900 <= found.year <= 2200:
        sentence = Text(f"'{text}' is not a date or time", f"'{text}' 不是日期或时间")
        raise wrong(
            "bad_date", node.at, sentence, Text("write '2026-11-11' or '2026-11-11 10:00'", "写法如 '2026-11-11' 或 '2026-11-11 10:00'")
        )
    if type_ is Type.TIMESTAMP:
        zoned = found if found.tzinfo else found.replace(tzinfo=ZoneInfo(scope.time_zone))
        return Const(zoned.astimezone(UTC), type=type_, at=node.at)
    if not _DAY.fullmatch(text):
        sentence = Text(f"'{text}' has a time of day; a date has none", f"'{text}' 带有时刻，而日期没有时刻")
        raise wrong("bad_date", node.at, sentence, Text(f"write '{text[:10]}'", f"请写 '{text[:10]}'"))
    return Const(found.date(), type=type_, at=node.at)


def refuse_unlisted(node: Node, beside: Node, scope: Scope) -> None:
    """Raises ExpressionError for a text literal that the column ``beside`` it can never hold."""
    if isinstance(node, If):
        gather(lambda each: refuse_unlisted(each, beside, scope), (node.then, node.otherwise))
        return
    column = _column_told(beside, scope)
    values = column.values if column else ()
    if column and values and isinstance(node, Const) and node.value not in (*values, None):
        meant = dict(column.words).get(str(node.value))
        rewritten = Text(f"rules write it '{meant}'", f"规则里要写 '{meant}'") if meant else None
        sentence = Text(f"'{node.value}' is none of its values", f"'{node.value}' 不在可取的值之中")
        known = Text(f"values: {', '.join(values)}", f"可取的值：{'、'.join(values)}")
        raise wrong("unknown_value", node.at, sentence, rewritten or did_you_mean(str(node.value), values) or known)


def _compatible(left: Node, right: Node, scope: Scope) -> bool:
    types = {left.type, right.type}
    if len(types) == 1 or types == {Type.INTEGER, Type.NUMBER}:
        return True
    if types == {Type.PERCENT, Type.NUMBER}:
        ratio = left if left.type is Type.NUMBER else right
        return not is_literal(ratio) and not unit_of(ratio, scope)
    return False


def _mismatch(left: Node, right: Node, at: Span) -> ExpressionError:
    one, two = WORDS[left.type], WORDS[right.type]
    sentence = Text(f"{one.en} and {two.en} do not go together", f"{one.zh}和{two.zh}不能放在一起")
    hint = _hint_for_percentage(left, right) if left.type is Type.PERCENT else _hint_for_percentage(right, left)
    return wrong("type_mismatch", at, sentence, hint or hint_for(left.type, right.type))


def _hint_for_percentage(percentage: Node, other: Node) -> Text | None:
    if percentage.type is not Type.PERCENT or other.type not in (Type.INTEGER, Type.NUMBER):
        return None
    if not is_literal(other):
        return Text("a percentage goes with a percentage, or with a ratio such as a / b", "百分比只能与百分比或比值（如 a / b）放在一起")
    if isinstance(other, Const) and isinstance(other.value, Decimal):
        value, hundredfold = f"{other.value}%", f"{(other.value * 100).normalize():f}%"
        return (
            Text(f"write {hundredfold} or {value}", f"请写 {hundredfold} 或 {value}")
            if 0 < other.value <= 1
            else Text(f"write {value}", f"请写 {value}")
        )
    return None


def hint_for(left: Type, right: Type) -> Text | None:
    """Advice when these two types meet where they cannot."""
    return _HINTS.get(frozenset(Type.NUMBER if type_ is Type.INTEGER else type_ for type_ in (left, right)))


def meet_all(items: Sequence[Node], scope: Scope) -> tuple[tuple[Node, ...], Type]:
    """All items as one type, that of the item whose type is most settled: alternatives of ``if``, ends of ``between``."""
    anchor = min(items, key=lambda item: (is_literal(item), isinstance(item, Const)))
    met = gather(lambda item: item if item is anchor else meet(item, anchor, scope, item.at)[0], items)
    return met, joint_type(met)


def joint_type(items: Sequence[Node]) -> Type:
    types = {item.type for item in items}
    return types.pop() if len(types) == 1 else Type.NUMBER


def require(node: Node, types: frozenset[Type] | set[Type]) -> Node:
    """``node``, if its type is among ``types``; else an ExpressionError that says what is expected."""
    if node.type in types:
        return node
    found = WORDS[node.type]
    expected = _GROUPS.get(frozenset(types)) or WORDS[next(iter(types - {Type.INTEGER}))]
    sentence = Text(f"this is {found.en}; expected {expected.en}", f"这是{found.zh}，应为{expected.zh}")
    raise wrong("wrong_type", node.at, sentence, hint_for(node.type, next(iter(types))) if len(types) == 1 else None)


def cover(left: Node, right: Node) -> Span:
    return Span(min(left.at.start, right.at.start), max(left.at.end, right.at.end))


def number(value: Decimal, at: Span) -> Const:
    """A number literal: INTEGER when whole, else NUMBER."""
    return Const(value, type=Type.INTEGER if value == value.to_integral_value() else Type.NUMBER, at=at)
