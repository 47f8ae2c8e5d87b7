"""Syntax trees back to text: ``parse(show(e)) == e``, with no more parentheses than that takes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from enum import IntEnum

from engine.fields import UNITS
from engine.language import syntax
from engine.language.syntax import Expression


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
            return ".".join(parts)
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
