"""A slow evaluator of typed expressions, one row at a time, as plain as the meaning in :mod:`engine.language.typed` allows.

It shares no code with the columnar backend and is what that is tested against. A :class:`World` holds what every export said;
:func:`current` picks the rows that count now; :func:`evaluate` gives the value of an expression for one of them, None when missing.

Inside, an instant and a duration are whole numbers of microseconds, so that no sum of them overflows; numbers are ``Decimal`` where they
are exact and ``float`` where they are not.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engine.language import typed as t
from engine.model import KindSchema, Type, Value

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
EXACT = Context(prec=400)
NUMBERS = (Type.INTEGER, Type.NUMBER, Type.MONEY, Type.PERCENT)


@dataclass(frozen=True)
class Batch:
    """What one export said: ``scope`` names the stores it covers, None stands for all."""

    as_of: datetime
    rows: tuple[Mapping[str, Value], ...]
    scope: frozenset[str] | None = None

    def covers(self, store_id: Value) -> bool:
        return self.scope is None or store_id in self.scope


@dataclass(frozen=True)
class World:
    """All batches of every kind, and the instant from which they are looked at."""

    kinds: Mapping[str, KindSchema]
    batches: Mapping[str, Sequence[Batch]]
    now: datetime
    time_zone: str = "Asia/Shanghai"

    def of(self, kind: str) -> list[Batch]:
        """The batches of ``kind`` known now, oldest first."""
        return sorted((batch for batch in self.batches.get(kind, ()) if batch.as_of <= self.now), key=lambda batch: batch.as_of)


@dataclass(frozen=True)
class Row:
    """A row and the batch it is from."""

    kind: str
    batch: Batch
    values: Mapping[str, Value]


def evaluate(node: t.Node, row: Row, world: World) -> Value:
    """The value of ``node`` for ``row``: Decimal or float for numbers, otherwise as rows hold it; None when missing."""
    return _outside(_value(node, row, world), node.type)


def current(kind: str, world: World) -> list[Row]:
    """The current rows of ``kind``: of each store, those of the newest batch that covers it; of rows with one key, the newest."""
    batches = world.of(kind)
    stores = {row["store_id"] for batch in batches for row in batch.rows}
    rows = []
    for store in stores:
        newest = [batch for batch in batches if batch.covers(store)][-1:]
        rows += [Row(kind, batch, row) for batch in newest for row in batch.rows if row["store_id"] == store]
    rows.sort(key=lambda row: str(row.values["store_id"]))
    rows.sort(key=lambda row: row.batch.as_of, reverse=True)
    unique: dict[tuple[Value, ...], Row] = {}
    for row in rows:
        unique.setdefault(_key(row, world), row)
    return list(unique.values())


def _key(row: Row, world: World) -> tuple[Value, ...]:
    return tuple(row.values.get(column) for column in world.kinds[row.kind].key)


def _value(node: t.Node, row: Row, world: World) -> Any:
    value = _VALUES[type(node)](node, row, world)
    if value is not None and node.type in NUMBERS and not t.is_exact(node):
        return float(value)
    return value


def _inside(value: Value) -> Any:
    if isinstance(value, datetime):
        return (value - EPOCH) // MICROSECOND
    if isinstance(value, timedelta):
        return value // MICROSECOND
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return value


def _outside(value: Any, type_: Type) -> Value:
    try:
        if value is not None and type_ is Type.TIMESTAMP:
            return EPOCH + value * MICROSECOND
        if value is not None and type_ is Type.DURATION:
            return value * MICROSECOND
    except OverflowError:
        return None
    return value


# Columns and constants


def _const(node: t.Const, row: Row, world: World) -> Any:
    return _inside(node.value)


def _now(node: t.Now, row: Row, world: World) -> Any:
    return _inside(world.now)


def _column(node: t.ColumnRef, row: Row, world: World) -> Any:
    found = _follow(node.path, row, world)
    return None if found is None else _inside(found.values.get(node.column))


def _row_missing(node: t.RowMissing, row: Row, world: World) -> bool:
    return _follow(node.path, row, world) is None


def _follow(path: Sequence[str], row: Row | None, world: World) -> Row | None:
    """The current row at the end of ``path``, None when there is none."""
    for column in path:
        if row is None or row.values.get(column) is None:
            return None
        kind = world.kinds[row.kind].references.get(column, "store")
        key = row.values[column]
        row = next((other for other in current(kind, world) if _key(other, world) == (key,)), None)
    return row


# Logic


def _not(node: t.Not, row: Row, world: World) -> bool | None:
    value = _value(node.item, row, world)
    return None if value is None else not value


def _and(node: t.And, row: Row, world: World) -> bool | None:
    values = [_value(item, row, world) for item in node.items]
    return False if False in values else None if None in values else True


def _or(node: t.Or, row: Row, world: World) -> bool | None:
    values = [_value(item, row, world) for item in node.items]
    return True if True in values else None if None in values else False


def _is_missing(node: t.IsMissing, row: Row, world: World) -> bool:
    return _value(node.item, row, world) is None


# Comparisons


def _order(left: Any, right: Any) -> int:
    """-1, 0 or 1. Beside a double, both sides are rounded to nine digits first."""
    if isinstance(left, float) or isinstance(right, float):
        left, right = _round_double(float(left), 9), _round_double(float(right), 9)
    return (left > right) - (left < right)


def _compare(node: t.Compare, row: Row, world: World) -> bool | None:
    left, right = _value(node.left, row, world), _value(node.right, row, world)
    if left is None or right is None:
        return None
    order = _order(left, right)
    return {"==": order == 0, "!=": order != 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[node.op]


def _in(node: t.In, row: Row, world: World) -> bool | None:
    values = [_value(each, row, world) for each in (node.item, *node.options)]
    return None if None in values else any(_order(values[0], option) == 0 for option in values[1:])


def _between(node: t.Between, row: Row, world: World) -> bool | None:
    values = [_value(each, row, world) for each in (node.item, node.low, node.high)]
    return None if None in values else _order(values[0], values[1]) >= 0 and _order(values[0], values[2]) <= 0


def _matches(node: t.Matches, row: Row, world: World) -> bool | None:
    """As RE2 reads it: classes are ASCII, ``$`` is the very end."""
    text = _value(node.item, row, world)
    pattern = re.sub(r"(\\.|\[\^?\]?(?:\\.|[^\]\\])*\])|\$", lambda match: match[1] or r"\Z", node.pattern, flags=re.DOTALL)
    return None if text is None else re.search(pattern, text, re.ASCII) is not None


def _contains(node: t.Contains, row: Row, world: World) -> bool | None:
    text, part = _value(node.item, row, world), _value(node.part, row, world)
    return None if text is None or part is None else part in text


# Arithmetic


def _arithmetic(node: t.Arithmetic, row: Row, world: World) -> Any:
    left, right = _value(node.left, row, world), _value(node.right, row, world)
    if left is None or right is None:
        return None
    if node.op in "+-" and isinstance(left, int):
        return left + right if node.op == "+" else left - right
    value = _calculate(node.op, left, right)
    return _microseconds(value) if node.type is Type.DURATION and value is not None else value


def _calculate(op: str, left: Any, right: Any) -> Any:
    """Exact unless a side is a double; quotients are doubles."""
    if op == "/":
        return float(left) / float(right) if right else None
    if isinstance(left, float) or isinstance(right, float):
        left, right = float(left), float(right)
        return {"+": left + right, "-": left - right, "*": left * right}[op]
    left, right = Decimal(left), Decimal(right)
    return {"+": EXACT.add, "-": EXACT.subtract, "*": EXACT.multiply}[op](left, right)


def _microseconds(value: Decimal | float) -> int:
    return int(_round_double(value, 0) if isinstance(value, float) else value.to_integral_value(ROUND_HALF_UP))


def _negate(node: t.Negate, row: Row, world: World) -> Any:
    value = _value(node.item, row, world)
    return None if value is None else -value


def _abs(node: t.Abs, row: Row, world: World) -> Any:
    value = _value(node.item, row, world)
    return None if value is None else abs(value)


def _round(node: t.Round, row: Row, world: World) -> Any:
    value = _value(node.item, row, world)
    if value is None or isinstance(value, float):
        return value if value is None else _round_double(value, node.digits)
    return value.quantize(Decimal(1).scaleb(-node.digits), ROUND_HALF_UP, EXACT)


def _round_double(value: float, digits: int) -> float:
    scaled = abs(value) * 10**digits
    if not math.isfinite(scaled):
        return value
    whole = math.floor(scaled)
    return math.copysign((whole + (scaled - whole >= 0.5)) / 10**digits, value)


# Choices


def _if(node: t.If, row: Row, world: World) -> Any:
    condition = _value(node.condition, row, world)
    return None if condition is None else _value(node.then if condition else node.otherwise, row, world)


def _coalesce(node: t.Coalesce, row: Row, world: World) -> Any:
    return next((value for item in node.items if (value := _value(item, row, world)) is not None), None)


def _extreme(node: t.Extreme, row: Row, world: World) -> Any:
    values = [_value(item, row, world) for item in node.items]
    return None if None in values else min(values) if node.which == "least" else max(values)


def _time_part(node: t.TimePart, row: Row, world: World) -> Any:
    moment = _outside(_value(node.item, row, world), Type.TIMESTAMP)
    if not isinstance(moment, datetime):
        return None
    local = moment.astimezone(ZoneInfo(world.time_zone))
    return {"date": local.date(), "hour": Decimal(local.hour), "weekday": Decimal(local.isoweekday())}[node.part]


# History


def _history(node: t.History, row: Row, world: World) -> Any:
    function: Callable[..., Any] = {
        "previous": _previous,
        "ago": _ago,
        "changes": _changes,
        "unchanged_for": _unchanged_for,
        "seen_for": _seen_for,
        "same_weekday_mean": _same_weekday_mean,
    }.get(node.function, _windowed)
    return function(node, row, world)


def _row_in(batch: Batch, row: Row, world: World) -> Row | None:
    """The row of the same key and store in another batch."""
    for values in batch.rows:
        other = Row(row.kind, batch, values)
        if _key(other, world) == _key(row, world) and values["store_id"] == row.values["store_id"]:
            return other
    return None


def _earlier(row: Row, world: World) -> list[Batch]:
    """Batches that cover the row's store, before the row's own, oldest first."""
    return [batch for batch in world.of(row.kind) if batch.as_of < row.batch.as_of and batch.covers(row.values["store_id"])]


def _earlier_rows(row: Row, world: World, window: timedelta | None = None) -> list[Row]:
    batches = [batch for batch in _earlier(row, world) if window is None or batch.as_of >= row.batch.as_of - window]
    return [found for batch in batches if (found := _row_in(batch, row, world)) is not None]


def _values(node: t.History, rows: Sequence[Row], world: World) -> list[Any]:
    """The values that are not missing."""
    assert node.item is not None
    return [value for row in rows if (value := _value(node.item, row, world)) is not None]


def _previous(node: t.History, row: Row, world: World) -> Any:
    found = [_row_in(batch, row, world) for batch in _earlier(row, world)[-1:]]
    return next(iter(_values(node, [each for each in found if each], world)), None)


def _ago(node: t.History, row: Row, world: World) -> Any:
    assert node.window is not None
    then = row.batch.as_of - node.window
    newest = [batch for batch in _earlier(row, world) if batch.as_of <= then][-1:]
    fresh = [batch for batch in newest if batch.as_of + world.kinds[row.kind].fresh_for >= then]
    found = [_row_in(batch, row, world) for batch in fresh]
    return next(iter(_values(node, [each for each in found if each], world)), None)


def _windowed(node: t.History, row: Row, world: World) -> Any:
    return _aggregate(_AGGREGATES[node.function], _values(node, _earlier_rows(row, world, node.window), world), node.type)


def _same_weekday_mean(node: t.History, row: Row, world: World) -> Any:
    def weekday(batch: Batch) -> int:
        return batch.as_of.astimezone(ZoneInfo(world.time_zone)).isoweekday()

    rows = [each for each in _earlier_rows(row, world, node.window) if weekday(each.batch) == weekday(row.batch)]
    return _aggregate("avg", _values(node, rows, world), node.type)


def _changes(node: t.History, row: Row, world: World) -> Decimal:
    values = _values(node, [*_earlier_rows(row, world, node.window), row], world)
    return Decimal(sum(_order(one, two) != 0 for one, two in zip(values, values[1:], strict=False)))


def _unchanged_for(node: t.History, row: Row, world: World) -> int | None:
    assert node.item is not None
    own = _value(node.item, row, world)
    if own is None:
        return None
    since = row.batch.as_of
    for earlier in reversed(_earlier_rows(row, world)):
        value = _value(node.item, earlier, world)
        if value is not None and _order(value, own) != 0:
            break
        if value is not None:
            since = earlier.batch.as_of
    return (row.batch.as_of - since) // MICROSECOND


def _seen_for(node: t.History, row: Row, world: World) -> int:
    rows = [*_earlier_rows(row, world), row]
    return (row.batch.as_of - rows[0].batch.as_of) // MICROSECOND


# Aggregates

_AGGREGATES = {"mean": "avg", "median": "median", "highest": "max", "lowest": "min", "total": "sum", "stdev": "stdev"}


def _aggregate(function: str, values: Sequence[Any], type_: Type) -> Any:
    """Over values that are not missing; missing when there are none (``distinct``: 0)."""
    if function == "distinct":
        return Decimal(len(set(values)))
    if len(values) < (2 if function == "stdev" else 1):
        return None
    if function in ("min", "max"):
        return min(values) if function == "min" else max(values)
    value = _sum(values) if function == "sum" else _average(function, values)
    return _microseconds(value) if type_ is Type.DURATION else value


def _sum(values: Sequence[Any]) -> Any:
    if any(isinstance(value, float) for value in values):
        return math.fsum(values)
    total = Decimal(0)
    for value in values:
        total = EXACT.add(total, Decimal(value))
    return total


def _average(function: str, values: Sequence[Any]) -> float:
    if function == "avg":
        return float(_sum(values)) / len(values)
    numbers = [float(value) for value in values]
    return statistics.median(numbers) if function == "median" else statistics.stdev(numbers)


def _related(node: t.Related, row: Row, world: World) -> Any:
    (key,) = _key(row, world)
    rows = [other for other in current(node.kind, world) if other.values.get(node.via) == key and key is not None]
    rows = [other for other in rows if node.where is None or _value(node.where, other, world) is True]
    return _over_rows(node, rows, world)


def _across(node: t.Across, row: Row, world: World) -> Any:
    by = [row.values.get(column) for column in node.by]
    if None in by:
        return None
    rows = [other for other in current(row.kind, world) if [other.values.get(column) for column in node.by] == by]
    return _over_rows(node, rows, world)


def _over_rows(node: t.Related | t.Across, rows: Sequence[Row], world: World) -> Any:
    if node.item is None:
        return Decimal(len(rows))
    values = [value for row in rows if (value := _value(node.item, row, world)) is not None]
    if node.function == "share":
        return sum(values) / len(values) if values else None
    if node.function == "sum" and not values and isinstance(node, t.Related):
        return 0 if node.type is Type.DURATION else Decimal(0)
    return _aggregate(node.function, values, node.type)


_VALUES: dict[type[t.Node], Callable[[Any, Row, World], Any]] = {
    t.Const: _const,
    t.Now: _now,
    t.ColumnRef: _column,
    t.RowMissing: _row_missing,
    t.Not: _not,
    t.And: _and,
    t.Or: _or,
    t.Compare: _compare,
    t.In: _in,
    t.Between: _between,
    t.IsMissing: _is_missing,
    t.Matches: _matches,
    t.Contains: _contains,
    t.Arithmetic: _arithmetic,
    t.Negate: _negate,
    t.If: _if,
    t.Coalesce: _coalesce,
    t.Extreme: _extreme,
    t.Abs: _abs,
    t.Round: _round,
    t.TimePart: _time_part,
    t.History: _history,
    t.Related: _related,
    t.Across: _across,
}
