"""Trees back to text: ``parse(show(e)) == e``, with no more parentheses than that takes; :func:`show_typed` for typed trees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from engine.fields import UNITS
from engine.language import syntax, typed
from engine.language.inlining import names_in
from engine.language.syntax import Expression, Name
from engine.language.walk import walk
from engine.model import Type


class _Level(IntEnum):
    """How tightly an expression binds; one that binds less than its place asks for is put in parentheses."""

    OR = 0
    AND = 1
    NOT = 2
    COMPARISON = 3
    SUM = 4
    PRODUCT = 5
    UNARY = 6
    ATOM = 7


def show(expression: Expression) -> str:
    """``expression`` as it could have been typed."""
    return _show(expression)[0]


def show_duration(value: timedelta) -> str:
    """``2d``, ``1h30m``; zero is ``0s``. Microseconds are dropped."""
    rest = int(value.total_seconds())
    parts = []
    for unit, seconds in UNITS.items():
        count, rest = divmod(rest, seconds)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _at(level: _Level, expression: Expression) -> str:
    text, own = _show(expression)
    return text if own >= level else f"({text})"


def _show(expression: Expression) -> tuple[str, _Level]:
    match expression:
        case syntax.Or(items=items):
            return " or ".join(_at(_Level.AND, item) for item in items), _Level.OR
        case syntax.And(items=items):
            return " and ".join(_at(_Level.NOT, item) for item in items), _Level.AND
        case syntax.Not(item=item):
            return f"not {_at(_Level.NOT, item)}", _Level.NOT
        case syntax.No(kind=kind, where=where):
            return f"no {show(kind)}{_where(where)}", _Level.OR
        case syntax.Arithmetic(op=op, left=left, right=right):
            level = _Level.SUM if op in "+-" else _Level.PRODUCT
            return f"{_at(level, left)} {op} {_at(_Level(level + 1), right)}", level
        case syntax.Negate(item=item):
            return f"-{_at(_Level.UNARY, item)}", _Level.UNARY
        case syntax.Compare() | syntax.In() | syntax.Between() | syntax.IsMissing() | syntax.Matches() | syntax.Contains():
            return _show_comparison(expression), _Level.COMPARISON
        case _:
            return _show_atom(expression), _Level.ATOM


def _show_comparison(expression: Expression) -> str:
    match expression:
        case syntax.Compare(op=op, left=left, right=right):
            return f"{_sum(left)} {op} {_sum(right)}"
        case syntax.In(item=item, options=options, negated=negated):
            return f"{_sum(item)} {'not in' if negated else 'in'} ({_list(options)})"
        case syntax.Between(item=item, low=low, high=high):
            return f"{_sum(item)} between {_sum(low)} and {_sum(high)}"
        case syntax.IsMissing(item=item, negated=negated):
            return f"{_sum(item)} is {'present' if negated else 'missing'}"
        case syntax.Matches(item=item, pattern=pattern):
            return f"{_sum(item)} matches {show(pattern)}"
        case syntax.Contains(item=item, part=part):
            return f"{_sum(item)} contains {_sum(part)}"
        case _:
            raise TypeError(type(expression))


def _show_atom(expression: Expression) -> str:
    match expression:
        case syntax.Name(parts=parts):
            return ".".join(map(syntax.written, parts))
        case syntax.Call(function=function, arguments=arguments):
            return f"{function}({_list(arguments)})"
        case syntax.Related(function=function, item=item, kind=kind, where=where):
            of = f"{show(item)} of " if item else ""
            return f"{function}({of}{show(kind)}{_where(where)})"
        case syntax.Across(function=function, item=item, by=by):
            of = f"{show(item)} " if item else ""
            return f"{function}({of}by {_list(by)})"
        case _:
            return _show_literal(expression)


def _show_literal(expression: Expression) -> str:
    match expression:
        case syntax.Number(value=value):
            return _decimal(value)
        case syntax.Percent(value=value):
            return f"{_decimal(value * 100)}%"
        case syntax.Duration(value=value):
            return show_duration(value)
        case syntax.String(value=value):
            return _quoted(value)
        case syntax.Boolean(value=value):
            return "true" if value else "false"
        case syntax.Now():
            return "now"
        case _:
            raise TypeError(type(expression))


def _sum(expression: Expression) -> str:
    return _at(_Level.SUM, expression)


def _list(expressions: tuple[Expression, ...]) -> str:
    return ", ".join(show(each) for each in expressions)


def _where(where: Expression | None) -> str:
    return f" where {show(where)}" if where else ""


def _decimal(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _quoted(text: str) -> str:
    quote = '"' if "'" in text and '"' not in text else "'"
    for plain, escape in (("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t"), (quote, f"\\{quote}")):
        text = text.replace(plain, escape)
    return f"{quote}{text}{quote}"


def show_typed(node: typed.Node, called: Mapping[str, str] = MappingProxyType({})) -> str:
    """``node`` as it could have been typed, with columns under their own names, or as ``called`` says; what was folded away stays so."""
    return show(_renamed(_untyped(node), called) if called else _untyped(node))


def words_of(parsed: Expression, node: typed.Node) -> Iterator[tuple[str, str]]:
    """By what :func:`show_typed` writes, what ``parsed``, of which ``node`` was made, wrote for it: names of columns and referred rows."""
    written = {name.at: name.parts for name in names_in(parsed)}
    for each in walk(node):
        if isinstance(each, typed.ColumnRef) and len(parts := written.get(each.at, ())) == len(each.path) + 1:
            yield from zip((*_row(each.path), each.column), parts, strict=True)


def _renamed(expression: Expression, called: Mapping[str, str]) -> Expression:
    if isinstance(expression, Name):
        return replace(expression, parts=tuple(called.get(part, part) for part in expression.parts))
    changes: dict[str, Any] = {}
    for name in expression.__dataclass_fields__:
        value = getattr(expression, name)
        if isinstance(value, Expression):
            changes[name] = _renamed(value, called)
        elif isinstance(value, tuple):
            changes[name] = tuple(_renamed(item, called) if isinstance(item, Expression) else item for item in value)
    return replace(expression, **changes)


def _untyped(node: typed.Node) -> Expression:
    match node:
        case typed.Const():
            return _literal(node)
        case typed.Now():
            return syntax.Now()
        case typed.ColumnRef(path=path, column=column):
            return Name((*_row(path), column))
        case typed.Arithmetic(op="-", left=typed.Now(), right=typed.Node(type=Type.TIMESTAMP) as item):
            return _call("age", item)
        case typed.Arithmetic(op="-", left=typed.Node(type=Type.TIMESTAMP) as item, right=typed.Now()):
            return _call("until", item)
        case typed.Arithmetic(op=op, left=left, right=right):
            return syntax.Arithmetic(op, _untyped(left), _untyped(right))
        case typed.Negate(item=item):
            return syntax.Negate(_untyped(item))
        case typed.Related() | typed.Across():
            return _untyped_aggregate(node)
        case _ if node.type is Type.BOOLEAN and not isinstance(node, typed.If | typed.Coalesce | typed.History):
            return _untyped_condition(node)
        case _:
            return _untyped_call(node)


def _untyped_aggregate(node: typed.Related | typed.Across) -> Expression:
    item = _untyped(node.item) if node.item else None
    if isinstance(node, typed.Across):
        return syntax.Across(node.function, item, tuple(Name((name,)) for name in node.by))
    return syntax.Related(node.function, item, Name((node.kind,)), _untyped(node.where) if node.where else None)


def _untyped_condition(node: typed.Node) -> Expression:
    match node:
        case typed.Not(item=item):
            return _negated(item)
        case typed.And(items=items):
            return syntax.And(_all(items))
        case typed.Or(items=items):
            return syntax.Or(_all(items))
        case typed.Compare(op=op, left=left, right=right):
            return syntax.Compare(op, _untyped(left), _untyped(right))
        case typed.In(item=item, options=options):
            return syntax.In(_untyped(item), _all(options))
        case typed.Between(item=item, low=low, high=high):
            return syntax.Between(_untyped(item), _untyped(low), _untyped(high))
        case typed.IsMissing() | typed.RowMissing():
            return syntax.IsMissing(_asked(node))
        case typed.Matches(item=item, pattern=pattern):
            return syntax.Matches(_untyped(item), syntax.String(pattern))
        case typed.Contains(item=item, part=part):
            return syntax.Contains(_untyped(item), _untyped(part))
        case _:
            raise TypeError(type(node))


def _negated(node: typed.Node) -> Expression:
    match node:
        case typed.IsMissing() | typed.RowMissing():
            return syntax.IsMissing(_asked(node), negated=True)
        case typed.In(item=item, options=options):
            return syntax.In(_untyped(item), _all(options), negated=True)
        case _:
            return syntax.Not(_untyped(node))


def _untyped_call(node: typed.Node) -> Expression:
    match node:
        case typed.If(then=typed.Const(value=None), otherwise=typed.Related() as related):  # unless_missing()
            return _untyped(related)
        case typed.If(condition=condition, then=then, otherwise=otherwise):
            return _call("if", condition, then, otherwise)
        case typed.Coalesce(items=items):
            return _call("coalesce", *items)
        case typed.Extreme(which=which, items=items):
            return _call(which, *items)
        case typed.Abs(item=item):
            return _call("abs", item)
        case typed.Round(item=item, digits=digits):
            return syntax.Call("round", (_untyped(item), *([syntax.Number(Decimal(digits))] if digits else [])))
        case typed.TimePart(part=part, item=item):
            return _call(part, item)
        case typed.History(function=function, item=item, window=window):
            arguments = [_untyped(item)] if item else []
            return syntax.Call(function, (*arguments, *([syntax.Duration(window)] if window else [])))
        case _:
            raise TypeError(type(node))


def _literal(node: typed.Const) -> Expression:
    match node.value:
        case bool() as value:
            return syntax.Boolean(value)
        case Decimal() as value:
            number = syntax.Percent(abs(value)) if node.type is Type.PERCENT else syntax.Number(abs(value))
            return syntax.Negate(number) if value < 0 else number
        case timedelta() as span:
            return syntax.Negate(syntax.Duration(-span)) if span < timedelta(0) else syntax.Duration(span)
        case datetime() as moment:
            return syntax.String(f"{moment:%Y-%m-%d %H:%M:%S}Z")
        case date() as day:
            return syntax.String(day.isoformat())
        case str() as text:
            return syntax.String(text)
        case _:
            return Name(("missing",))


def _asked(node: typed.IsMissing | typed.RowMissing) -> Expression:
    """What a question for something missing asks about."""
    return Name(_row(node.path)) if isinstance(node, typed.RowMissing) else _untyped(node.item)


def _row(path: tuple[str, ...]) -> tuple[str, ...]:
    """The row that referring columns lead to: ``product`` for ``product_id``."""
    return tuple(column.removesuffix("_id") for column in path)


def _all(nodes: tuple[typed.Node, ...]) -> tuple[Expression, ...]:
    return tuple(map(_untyped, nodes))


def _call(function: str, *arguments: typed.Node) -> Expression:
    return syntax.Call(function, _all(arguments))
