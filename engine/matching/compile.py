"""Typed expressions to Ibis.

:class:`Compiler` turns a :class:`~engine.language.typed.Node` into a column expression over one table. What the table holds as a
column (columns of the row and of rows it refers to, aggregates, history) it is told by ``leaves``; :mod:`engine.matching.frames`
makes such tables. Equal nodes are compiled once. The meaning is fixed in :mod:`engine.language.typed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import reduce

import ibis
from ibis.expr import types as ir

from engine.errors import EvaluationError, Text
from engine.language import typed as t
from engine.matching import functions, numbers
from engine.matching.numbers import Exact, Value
from engine.model import Type

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
CENTURY = timedelta(days=36_525)
YEARS_1_TO_9999 = (-62_135_596_800_000_000, 253_402_300_799_999_999)
MIRRORED: Mapping[str, str] = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
DTYPES: Mapping[Type, str] = {
    Type.STRING: "string",
    Type.INTEGER: "int64",
    Type.NUMBER: "decimal",
    Type.MONEY: "decimal",
    Type.PERCENT: "decimal",
    Type.BOOLEAN: "boolean",
    Type.TIMESTAMP: "timestamp",
    Type.DATE: "date",
    Type.DURATION: "int64",
}
NUMBERS = (Type.INTEGER, Type.NUMBER, Type.MONEY, Type.PERCENT, Type.DURATION)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a backend calls things. ``now`` is the instant of evaluation: on DuckDB a variable, so that compiled text serves any instant."""

    backend: str
    now: ir.Value
    time_zone: str

    @classmethod
    def duckdb(cls, time_zone: str) -> Dialect:
        return cls("duckdb", functions.variable("now"), time_zone)

    @classmethod
    def portable(cls, backend: str, at: datetime, time_zone: str) -> Dialect:
        """For any Ibis backend; what needs a function of DuckDB is refused by name."""
        return cls(backend, _instant(at), time_zone)

    def local(self, moment: ir.Value, wanted_for: str) -> ir.Value:
        """A UTC timestamp as wall-clock time of the project's time zone."""
        self.require_duckdb(wanted_for)
        return functions.in_zone(self.time_zone, functions.in_utc("UTC", moment))

    def require_duckdb(self, function: str) -> None:
        if self.backend != "duckdb":
            raise EvaluationError(
                Text(f"{function} cannot be computed on {self.backend}", f"{self.backend} 无法计算 {function}"),
                Text("evaluate the rule on duckdb, or leave the function out", "请在 duckdb 上评估该规则，或不用该函数"),
            )


class Compiler:
    """Compiles nodes over one table. ``leaf`` gives the column for nodes that the table holds as columns; ``now`` is the instant of
    evaluation where each row has its own."""

    def __init__(self, dialect: Dialect, leaf: Callable[[t.Node], Value], now: ir.Value | None = None) -> None:
        self.dialect = dialect
        self._leaf = leaf
        self._now = dialect.now if now is None else now
        self._done: dict[t.Node, Value] = {}

    def condition(self, node: t.Node) -> ir.BooleanValue:
        return self.value(node).expr

    def value(self, node: t.Node) -> Value:
        if node not in self._done:
            self._done[node] = self._compile(node)
        return self._done[node]

    def _compile(self, node: t.Node) -> Value:
        match node:
            case t.Const():
                return constant(node)
            case t.Now():
                return Value(self._now)
            case t.Arithmetic() | t.Negate() | t.Abs() | t.Round():
                return self._arithmetic(node)
            case t.If() | t.Coalesce() | t.Extreme():
                return self._choice(node)
            case t.TimePart(part=part, item=item):
                return self._time_part(part, self._native(self.value(item)))
            case t.ColumnRef() | t.RowMissing() | t.History() | t.Related() | t.Across():
                return self._leaf(node)
            case _:
                return Value(self._condition(node))

    def _condition(self, node: t.Node) -> ir.BooleanValue:
        match node:
            case t.Not(item=item):
                return ~self.condition(item)
            case t.And(items=items):
                return reduce(lambda a, b: a & b, [self.condition(item) for item in items])
            case t.Or(items=items):
                return reduce(lambda a, b: a | b, [self.condition(item) for item in items])
            case t.Compare(op=op, left=left, right=right):
                return self._compare(op, left, right)
            case t.In(item=item, options=options):
                return self._in(item, options)
            case t.Between(item=item, low=low, high=high):
                return self._all_present(self._compare(">=", item, low) & self._compare("<=", item, high), [item, low, high])
            case t.IsMissing(item=item):
                return self.value(item).expr.isnull()
            case t.Matches(item=item, pattern=pattern):
                return self.value(item).expr.re_search(f"(?-s:{pattern})")
            case t.Contains(item=item, part=part):
                return self.value(item).expr.contains(self.value(part).expr)
            case _:
                raise EvaluationError(Text(f"cannot compile {type(node).__name__}", f"无法编译 {type(node).__name__}"))

    def _in(self, item: t.Node, options: Sequence[t.Node]) -> ir.BooleanValue:
        if item.type is Type.STRING and all(isinstance(option, t.Const) and option.value is not None for option in options):
            return self.value(item).expr.isin([option.value for option in options if isinstance(option, t.Const)])
        return self._all_present(reduce(lambda a, b: a | b, [self._compare("==", item, option) for option in options]), options)

    def _all_present(self, condition: ir.BooleanValue, items: Sequence[t.Node]) -> ir.BooleanValue:
        """``condition``, but missing where any of ``items`` is."""
        unsure = [self.value(item).expr.isnull() for item in items if not isinstance(item, t.Const) or item.value is None]
        return ibis.cases((reduce(lambda a, b: a | b, unsure), ibis.null("boolean")), else_=condition) if unsure else condition

    def _compare(self, op: str, left: t.Node, right: t.Node) -> ir.BooleanValue:
        for moved in (self._without_age(op, left, right), self._without_age(MIRRORED[op], right, left)):
            if moved is not None:
                return moved
        one, two = self.value(left), self.value(right)
        if left.type in NUMBERS:
            return numbers.compare(op, one, two)
        if one.micros or two.micros:
            return numbers.compare(op, to_micros(one), to_micros(two))
        return numbers.COMPARISONS[op](one.expr, two.expr)

    def _without_age(self, op: str, left: t.Node, right: t.Node) -> ir.BooleanValue | None:
        """``now - x < d`` as ``x > now - d``, ``x - now < d`` as ``x < now + d``: a comparison of a column with a constant."""
        match left, right:
            case t.Arithmetic(op="-", left=t.Now(), right=t.Node(type=Type.TIMESTAMP) as item), t.Const(value=timedelta() as span):
                op, span = MIRRORED[op], -span
            case t.Arithmetic(op="-", left=t.Node(type=Type.TIMESTAMP) as item, right=t.Now()), t.Const(value=timedelta() as span):
                pass
            case _:
                return None
        moment = self.value(item)
        if abs(span) > CENTURY or moment.micros:
            return None
        return numbers.COMPARISONS[op](moment.expr, self._now + ibis.interval(microseconds=span // MICROSECOND))

    def _arithmetic(self, node: t.Node) -> Value:
        match node:
            case t.Arithmetic(op=op, left=left, right=right) if Type.TIMESTAMP in (left.type, right.type):
                return self._moments(op, left, right, node.type)
            case t.Arithmetic(op=op, left=left, right=right):
                return whole_microseconds(_apply(op, self.value(left), self.value(right)), node.type)
            case t.Negate(item=item):
                return numbers.negate(self.value(item))
            case t.Abs(item=item):
                return numbers.absolute(self.value(item))
            case t.Round(item=item, digits=digits):
                return numbers.round_to(self.value(item), digits)
            case _:
                raise AssertionError(node)

    def _moments(self, op: str, left: t.Node, right: t.Node, type_: Type) -> Value:
        """TIMESTAMP - TIMESTAMP, and TIMESTAMP with DURATION, in microseconds."""
        one, two = self.value(left), self.value(right)
        if type_ is Type.DURATION and not one.micros and not two.micros:
            return Value(one.expr.delta(two.expr, unit="microsecond"), numbers.INTERVAL)
        one = to_micros(one) if left.type is Type.TIMESTAMP else one
        two = to_micros(two) if right.type is Type.TIMESTAMP else two
        return replace(numbers.add(one, two, subtract=op == "-"), micros=type_ is Type.TIMESTAMP)

    def _choice(self, node: t.Node) -> Value:
        match node:
            case t.If(condition=condition, then=then, otherwise=otherwise):
                holds = self.condition(condition)
                one, two = self._alike([then, otherwise])
                return replace(one, expr=ibis.cases((holds, one.expr), (~holds, two.expr)), constant=None)
            case t.Coalesce(items=items):
                alike = self._alike(items)
                return replace(alike[0], expr=ibis.coalesce(*[item.expr for item in alike]), constant=None)
            case t.Extreme(which=which, items=items):
                alike = self._alike(items)
                pick = ibis.least if which == "least" else ibis.greatest
                present = reduce(lambda a, b: a & b, [item.expr.notnull() for item in alike])
                return replace(alike[0], expr=ibis.cases((present, pick(*[item.expr for item in alike]))), constant=None)
            case _:
                raise AssertionError(node)

    def _alike(self, nodes: Sequence[t.Node]) -> list[Value]:
        """The values of ``nodes`` in one representation."""
        values = [self.value(node) for node in nodes]
        if any(node.type in NUMBERS for node in nodes):
            return numbers.unify(values)
        if any(value.micros for value in values):
            return [replace(value, micros=True) for value in numbers.unify([to_micros(value) for value in values])]
        return values

    def _native(self, value: Value) -> ir.Value:
        """A TIMESTAMP as the backend's own; missing where it is beyond the years 1 to 9999."""
        if not value.micros:
            return value.expr
        self.dialect.require_duckdb("date arithmetic inside date(), hour() or weekday()")
        return functions.from_micros(ibis.cases((value.expr.between(*YEARS_1_TO_9999), value.expr.cast("int64"))))

    def _time_part(self, part: str, moment: ir.Value) -> Value:
        local = self.dialect.local(moment, f"{part}()")
        match part:
            case "date":
                return Value(local.date())
            case "hour":
                return Value(local.hour().cast("int64"), Exact(2, 0, integer=True))
            case _:
                return Value(local.day_of_week.index().cast("int64") + 1, Exact(1, 0, integer=True))


def constant(node: t.Const) -> Value:
    match node.value:
        case None:
            return numbers.missing() if node.type in NUMBERS else Value(ibis.null(DTYPES[node.type]))
        case Decimal() as number:
            return numbers.literal(number)
        case timedelta() as span:
            return numbers.literal(Decimal(span // MICROSECOND))
        case datetime() as moment:
            return Value(_instant(moment))
        case date() | str() | bool() as value:
            return Value(ibis.literal(value))


def column(expr: ir.Value, type_: Type) -> Value:
    """A column as stored."""
    return Value(expr, numbers.COLUMNS.get(type_))


def to_micros(moment: Value) -> Value:
    """A TIMESTAMP as a number: microseconds since 1970."""
    return (
        replace(moment, micros=False) if moment.micros else Value(moment.expr.delta(_instant(EPOCH), unit="microsecond"), numbers.INTERVAL)
    )


def whole_microseconds(value: Value, type_: Type) -> Value:
    return numbers.round_to(value, 0) if type_ is Type.DURATION else value


def _instant(moment: datetime) -> ir.Value:
    return ibis.literal(moment.astimezone(UTC).replace(tzinfo=None), "timestamp")


def _apply(op: str, left: Value, right: Value) -> Value:
    match op:
        case "+" | "-":
            return numbers.add(left, right, subtract=op == "-")
        case "*":
            return numbers.multiply(left, right)
        case _:
            return numbers.divide(left, right)
