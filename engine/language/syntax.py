"""The parsed expression: what was written, before any name is looked up.

Nodes are frozen and compare by structure; ``at``, the place in the text, does not count. A parenthesis leaves no trace but the shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from engine.language.typed import NOWHERE, Span

RESERVED = frozenset("and or not in between is missing present matches contains of where by no true false now".split())
"""Words of the grammar. No column, kind or constant that an expression should name can be called so."""

_PLAIN_NAME = re.compile(r"(?![\uff00-\uffef])(?:[^\W\d]|[0-9]+[\u3400-\u9fff])(?:(?![\uff00-\uffef])\w)*")  # as in grammar.lark


def written(name: str) -> str:
    """A name as expressions write it: in backquotes where it holds more than letters and digits, or is a word of the grammar."""
    return name if _PLAIN_NAME.fullmatch(name) and name not in RESERVED else f"`{name}`"


CompareOp = Literal["==", "!=", "<", "<=", ">", ">="]
ArithmeticOp = Literal["+", "-", "*", "/"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    at: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Number(Expression):
    value: Decimal


@dataclass(frozen=True, slots=True)
class Percent(Expression):
    """``value`` is the fraction: ``95%`` is 0.95."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Duration(Expression):
    value: timedelta


@dataclass(frozen=True, slots=True)
class String(Expression):
    value: str


@dataclass(frozen=True, slots=True)
class Boolean(Expression):
    value: bool


@dataclass(frozen=True, slots=True)
class Now(Expression):
    pass


@dataclass(frozen=True, slots=True)
class Name(Expression):
    """``price``, or ``product.price`` as parts."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """``named_at``, here and below, is the place of the function's name."""

    function: str
    arguments: tuple[Expression, ...]
    named_at: Span = field(default=NOWHERE, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Related(Expression):
    """``count(order where …)``, ``sum(amount of order where …)``; ``item`` is what stands before ``of``."""

    function: str
    item: Expression | None
    kind: Name
    where: Expression | None
    named_at: Span = field(default=NOWHERE, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class No(Expression):
    """``no order where …``"""

    kind: Name
    where: Expression | None


@dataclass(frozen=True, slots=True)
class Across(Expression):
    """``min(price by sku)``, ``count(by store_id)``"""

    function: str
    item: Expression | None
    by: tuple[Name, ...]
    named_at: Span = field(default=NOWHERE, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Not(Expression):
    item: Expression


@dataclass(frozen=True, slots=True)
class And(Expression):
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or(Expression):
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Compare(Expression):
    op: CompareOp
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Arithmetic(Expression):
    op: ArithmeticOp
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Negate(Expression):
    item: Expression


@dataclass(frozen=True, slots=True)
class In(Expression):
    item: Expression
    options: tuple[Expression, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Between(Expression):
    item: Expression
    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True)
class IsMissing(Expression):
    """``x is missing``; with ``negated``, ``x is present``."""

    item: Expression
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Matches(Expression):
    item: Expression
    pattern: String


@dataclass(frozen=True, slots=True)
class Contains(Expression):
    item: Expression
    part: Expression


def children(expression: Expression) -> Iterator[Expression]:
    """The expressions directly inside this one, in the order they are written."""
    for name in expression.__dataclass_fields__:  # fields() makes a tuple of them each time
        value = getattr(expression, name)
        if isinstance(value, Expression):
            yield value
        elif isinstance(value, tuple):
            yield from (item for item in value if isinstance(item, Expression))
