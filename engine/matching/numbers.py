"""Arithmetic on column expressions that keeps decimals exact and can never overflow.

DuckDB gives ``DECIMAL(18,4) * DECIMAL(18,6)`` the type ``DECIMAL(18,10)`` and fails when a product does not fit. So the digits of every
exact value are tracked here, and an operand is cast wider wherever the result could need it. A result that could need more than
38 digits becomes a double. Doubles are rounded to nine digits after the point before they are compared.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import ibis
from ibis.expr import types as ir

from engine.matching import functions
from engine.model import Type

DIGITS = 38
NARROW = 18  # up to here DuckDB computes in 64 bits
ROUNDED_TO = 9
ROWS = 10  # digits that a sum may gain: ten thousand million rows

COMPARISONS: Mapping[str, Callable[[ir.Value, ir.Value], ir.BooleanValue]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Exact:
    """At most ``whole`` digits before the point and ``scale`` after it. ``integer`` tells that the backend holds a 64-bit integer."""

    whole: int
    scale: int
    integer: bool = False

    @property
    def width(self) -> int:
        return max(self.whole + self.scale, 1)

    @property
    def dtype(self) -> str:
        return f"decimal({self.width}, {self.scale})"


INTEGER = Exact(19, 0, integer=True)
COUNT = Exact(NARROW, 0, integer=True)
INTERVAL = Exact(NARROW, 0, integer=True)  # microseconds between any two instants of the years 1 to 9999
COLUMNS: Mapping[Type, Exact] = {
    Type.INTEGER: INTEGER,
    Type.NUMBER: Exact(12, 6),
    Type.MONEY: Exact(14, 4),
    Type.PERCENT: Exact(10, 8),
    Type.DURATION: INTEGER,
}


@dataclass(frozen=True, slots=True)
class Value:
    """A compiled expression. ``exact`` is None for doubles and for what is no number; ``constant`` is set for number literals.
    ``micros`` tells that a TIMESTAMP is held as a number of microseconds since 1970."""

    expr: ir.Value
    exact: Exact | None = None
    constant: Decimal | None = None
    micros: bool = False

    @property
    def double(self) -> ir.Value:
        return ibis.literal(float(self.constant), "float64") if self.constant is not None else self.expr.cast("float64")

    @property
    def decimal(self) -> ir.Value:
        """The expression as a decimal column (an integer one is cast)."""
        if self.constant is not None or self.exact is None or not self.exact.integer:
            return self.expr if self.constant is None else _decimal_literal(self.constant, self.exact or INTEGER)
        return self.expr.cast(self.exact.dtype)


def literal(number: Decimal) -> Value:
    """A number with as many digits as it needs; a double when those are more than 38."""
    exact = _digits_of(number)
    if exact.width > DIGITS:
        return Value(ibis.literal(float(number), "float64"), None, number)
    expr = ibis.literal(int(number), "int64") if exact.integer else _decimal_literal(number, exact)
    return Value(expr, exact, number)


def missing() -> Value:
    return Value(ibis.literal(None, "int64"), Exact(1, 0, integer=True))


def add(left: Value, right: Value, *, subtract: bool = False) -> Value:
    apply = operator.sub if subtract else operator.add
    if left.exact is None or right.exact is None:
        return Value(apply(left.double, right.double))
    result = Exact(max(left.exact.whole, right.exact.whole) + 1, max(left.exact.scale, right.exact.scale))
    return _combine(apply, left, right, result)


def multiply(left: Value, right: Value) -> Value:
    if left.exact is None or right.exact is None:
        return Value(left.double * right.double)
    result = Exact(left.exact.whole + right.exact.whole, left.exact.scale + right.exact.scale)
    return _combine(operator.mul, left, right, result)


def _combine(apply: Callable[[ir.Value, ir.Value], ir.Value], left: Value, right: Value, result: Exact) -> Value:
    """``apply`` in 64-bit integers where they suffice, in decimals wide enough for ``result``, or in doubles."""
    assert left.exact and right.exact  # noqa: S101  (narrows for mypy; both callers have checked)
    widest = max(left.exact.width, right.exact.width)
    if left.exact.integer and right.exact.integer and widest <= NARROW and result.whole <= NARROW + 1 - (apply is operator.mul):
        return Value(apply(left.expr, right.expr), replace(result, integer=True))
    if result.width > DIGITS:
        return Value(apply(left.double, right.double))
    first = left.decimal
    if widest <= NARROW < result.width:
        first = first.cast(f"decimal({NARROW + 1}, {left.exact.scale})")
    return Value(apply(*_side_by_side(first, right.decimal)), result)


def _side_by_side(left: ir.Value, right: ir.Value) -> tuple[ir.Value, ir.Value]:
    """Ibis refuses two decimal types neither of which holds the other: the one with more digits after the point is made wide enough."""
    one, two = left.type(), right.type()
    if not one.is_decimal() or not two.is_decimal() or one.precision is None or two.precision is None:
        return left, right
    width = max(one.precision, two.precision)
    if one.scale > two.scale:
        return left.cast(f"decimal({width}, {one.scale})"), right
    return left, right.cast(f"decimal({width}, {two.scale})")


def divide(left: Value, right: Value) -> Value:
    return Value(left.double / right.double.nullif(ibis.literal(0.0, "float64")))


def negate(item: Value) -> Value:
    return _map(operator.neg, item)


def absolute(item: Value) -> Value:
    return _map(lambda expr: expr.abs(), item)


def _map(apply: Callable[[ir.Value], ir.Value], item: Value) -> Value:
    """The least 64-bit integer has no opposite: full integers are mapped as decimals."""
    if item.exact == INTEGER:
        return Value(apply(item.decimal), Exact(item.exact.whole, 0))
    return Value(apply(item.expr), item.exact)


def round_to(item: Value, digits: int) -> Value:
    """Half away from zero."""
    if item.exact is None:
        return Value(functions.round_double(item.double, digits))
    if item.exact.scale <= digits:
        return item
    return Value(functions.round_decimal(item.decimal, digits), Exact(min(item.exact.whole + 1, DIGITS - digits), digits))


def compare(op: str, left: Value, right: Value) -> ir.BooleanValue:
    apply = COMPARISONS[op]
    if left.exact is None or right.exact is None or _common([left.exact, right.exact]).width > DIGITS:
        return apply(functions.round_double(left.double, ROUNDED_TO), functions.round_double(right.double, ROUNDED_TO))
    if left.exact.integer and right.exact.integer:
        return apply(left.expr, right.expr)
    return apply(*_side_by_side(left.decimal, right.decimal))


def unify(items: Sequence[Value]) -> list[Value]:
    """The same numbers in one representation, as ``if`` and ``coalesce`` need them."""
    exacts = [item.exact for item in items if item.exact is not None]
    common = _common(exacts) if len(exacts) == len(items) else None
    if common is None or common.width > DIGITS:
        return [Value(item.double) for item in items]
    if common.integer:
        return [Value(item.expr, common) for item in items]
    return [Value(item.decimal.cast(common.dtype), common) for item in items]


def _common(exacts: Sequence[Exact]) -> Exact:
    return Exact(max(e.whole for e in exacts), max(e.scale for e in exacts), all(e.integer for e in exacts))


def _digits_of(number: Decimal) -> Exact:
    before, _, after = f"{abs(number):f}".partition(".")
    whole, scale = len(before.lstrip("0")), len(after.rstrip("0"))
    return Exact(whole, scale, integer=not scale and whole <= NARROW)


def _decimal_literal(number: Decimal, exact: Exact) -> ir.Value:
    return ibis.literal(f"{number:f}").cast(exact.dtype)


def aggregate(function: str, item: Value, rows: ir.Table, where: ir.BooleanValue | None) -> Value:
    """``sum avg median stdev min max distinct`` over ``rows`` of the values of ``item`` that are not missing; no values give a missing
    one (``distinct``: 0)."""
    if isinstance(item.expr, ir.Scalar):
        item = Value(_for_each(rows, item.expr), item.exact, micros=item.micros)
    match function:
        case "sum":
            return _sum(item, where)
        case "avg":
            narrow = item.exact and item.exact.width + ROWS <= DIGITS
            return Value((item.expr if narrow else item.double).mean(where=where).cast("float64"))
        case "median":
            return Value(item.double.median(where=where))
        case "stdev":
            return Value(item.double.std(where=where, how="sample"))
        case "distinct":
            return Value(item.expr.nunique(where=where), COUNT)
        case _:
            return replace(item, expr=getattr(item.expr, function)(where=where), constant=None)


def _for_each(rows: ir.Table, scalar: ir.Scalar) -> ir.Value:
    """A constant as a column."""
    column = rows[rows.columns[0]]
    return ibis.cases((column.isnull(), scalar), else_=scalar)


def _sum(item: Value, where: ir.BooleanValue | None) -> Value:
    if item.exact is None or item.exact.width + ROWS > DIGITS:
        return Value(item.double.sum(where=where))
    result = Exact(item.exact.whole + ROWS, item.exact.scale)
    total = item.expr.sum(where=where)
    return Value(total.cast(result.dtype) if item.exact.integer else total, result)
