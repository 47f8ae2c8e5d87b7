"""Typed nodes for the operators: what each accepts, and the type of what it gives."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal, localcontext
from typing import Literal

from engine.errors import Text
from engine.language.errors import gather, wrong
from engine.language.measures import (
    MEASURED,
    ORDERED,
    WORDS,
    adapt,
    cover,
    hint_for,
    is_literal,
    joint_type,
    meet,
    meet_all,
    number,
    refuse_unlisted,
    require,
)
from engine.language.names import Scope
from engine.language.patterns import check_pattern
from engine.language.syntax import ArithmeticOp, CompareOp
from engine.language.typed import Arithmetic, Between, Compare, Const, Contains, In, Matches, Negate, Node, Span
from engine.model import Type


def compare(op: CompareOp, left: Node, right: Node, at: Span, scope: Scope) -> Node:
    left, right = meet(left, right, scope)
    refuse_unlisted(left, right, scope)
    refuse_unlisted(right, left, scope)
    if op not in ("==", "!="):
        for side in (left, right):
            _require_order(side, op)
    return Compare(op, left, right, type=Type.BOOLEAN, at=at)


def _require_order(node: Node, op: str) -> None:
    if node.type not in ORDERED:
        found = WORDS[node.type]
        sentence = Text(f"{found.en} has no order: '{op}' cannot compare it", f"{found.zh}没有大小之分，不能用 '{op}' 比较")
        raise wrong("no_order", node.at, sentence, Text("use == or != or in (…)", "请用 ==、!= 或 in (…)"))


def in_(item: Node, options: tuple[Node, ...], at: Span, scope: Scope) -> Node:
    (item, *met), _ = meet_all((item, *options), scope)
    gather(lambda option: refuse_unlisted(option, item, scope), met)
    return In(item, tuple(met), type=Type.BOOLEAN, at=at)


def between(item: Node, low: Node, high: Node, at: Span, scope: Scope) -> Node:
    (item, low, high), _ = meet_all((item, low, high), scope)
    _require_order(item, "between")
    if isinstance(low, Const) and isinstance(high, Const) and low.value > high.value:  # type: ignore[operator]
        hint = Text("the smaller end comes first", "请把较小的一端写在前面")
        raise wrong("empty_range", cover(low, high), Text("nothing lies in this range", "这个范围里没有任何值"), hint)
    return Between(item, low, high, type=Type.BOOLEAN, at=at)


def matches(item: Node, pattern: Const, at: Span) -> Node:
    require(item, {Type.STRING})
    check_pattern(str(pattern.value), pattern.at)
    return Matches(item, str(pattern.value), type=Type.BOOLEAN, at=at)


def contains(item: Node, part: Node, at: Span) -> Node:
    return Contains(require(item, {Type.STRING}), require(part, {Type.STRING}), type=Type.BOOLEAN, at=at)


def negate(item: Node, at: Span) -> Node:
    require(item, MEASURED)
    if isinstance(item, Const) and isinstance(item.value, Decimal | timedelta):
        return Const(-item.value, type=item.type, at=at)
    return Negate(item, type=item.type, at=at)


def arithmetic(op: ArithmeticOp, left: Node, right: Node, at: Span, scope: Scope) -> Node:
    """The typed operation; two literals are folded into one when the result is exact."""
    folded = _fold(op, left, right, at)
    if folded is not None:
        return folded
    if op in ("+", "-"):
        return _add(op, left, right, at, scope)
    for side in (left, right):
        require(side, MEASURED)
    type_ = _product(left, right) if op == "*" else _quotient(left, right)
    if type_ is None:
        one, two = WORDS[left.type], WORDS[right.type]
        sign = Text("times", "乘") if op == "*" else Text("divided by", "除以")
        sentence = Text(f"{one.en} {sign.en} {two.en} means nothing", f"{one.zh}{sign.zh}{two.zh}没有意义")
        raise wrong("type_mismatch", at, sentence, None)
    return Arithmetic(op, left, right, type=type_, at=at)


def _add(op: Literal["+", "-"], left: Node, right: Node, at: Span, scope: Scope) -> Node:
    left, right = adapt(left, right, scope), adapt(right, left, scope)
    match op, left.type, right.type:
        case "-", Type.TIMESTAMP, Type.TIMESTAMP:
            return Arithmetic(op, left, right, type=Type.DURATION, at=at)
        case _, Type.TIMESTAMP, Type.DURATION:
            return Arithmetic(op, left, right, type=Type.TIMESTAMP, at=at)
        case "+", Type.DURATION, Type.TIMESTAMP:
            return Arithmetic(op, right, left, type=Type.TIMESTAMP, at=at)
    _require_addable(left, right)
    left, right = meet(left, right, scope)
    return Arithmetic(op, left, right, type=joint_type((left, right)), at=at)


def _require_addable(left: Node, right: Node) -> None:
    for side in (left, right):
        if side.type in (Type.DATE, Type.TIMESTAMP):
            hint = Text("compare with date(now + 3d), or subtract times", "请与 date(now + 3d) 比较，或用时间相减")
            sentence = Text(f"{WORDS[side.type].en} cannot be added or subtracted like this", f"{WORDS[side.type].zh}不能这样加减")
            raise wrong("wrong_type", side.at, sentence, hint_for(left.type, right.type) or hint)
        require(side, MEASURED)


def _product(left: Node, right: Node) -> Type | None:
    """Money or a duration times a plain number stays what it is; a percentage times a quantity is a quantity."""
    types = {left.type, right.type}
    for carried in (Type.MONEY, Type.DURATION):
        if carried in types:
            return carried if types <= {carried, Type.INTEGER, Type.NUMBER, Type.PERCENT} and left.type != right.type else None
    if types == {Type.PERCENT}:
        return Type.PERCENT
    if Type.PERCENT in types:
        return Type.PERCENT if is_literal(left) or is_literal(right) else Type.NUMBER
    return Type.INTEGER if types == {Type.INTEGER} else Type.NUMBER


def _quotient(left: Node, right: Node) -> Type | None:
    if left.type == right.type:
        return Type.NUMBER
    if right.type is Type.DURATION or {left.type, right.type} == {Type.DURATION, Type.MONEY}:
        return None
    if left.type in (Type.MONEY, Type.DURATION):
        return left.type
    return Type.PERCENT if left.type is Type.PERCENT and is_literal(right) else Type.NUMBER


_LARGEST = Decimal(10) ** 18
_FINEST = Decimal("1e-9")


def _fold(op: ArithmeticOp, left: Node, right: Node, at: Span) -> Const | None:
    if not (isinstance(left, Const) and isinstance(right, Const) and is_literal(left) and is_literal(right)):
        return None
    value = _exactly(op, Decimal(str(left.value)), Decimal(str(right.value)))
    return None if value is None else number(value, at)


def _exactly(op: ArithmeticOp, left: Decimal, right: Decimal) -> Decimal | None:
    """The result, unless it is too long for a literal (or a quotient that does not end)."""
    with localcontext(prec=60):
        if op == "/":
            quotient = (left / right).quantize(_FINEST) if right else None
            value = quotient if quotient is not None and quotient * right == left else None
        else:
            value = {"+": left + right, "-": left - right, "*": left * right}[op]
        return value if value is not None and abs(value) < _LARGEST and value == value.quantize(_FINEST) else None
