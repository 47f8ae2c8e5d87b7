"""The typed tree: what :mod:`engine.language.typecheck` makes of a parsed expression and :mod:`engine.matching` compiles.

Every name is resolved, every literal has its final type, and what needs no data is folded away. Nodes are frozen and compare by
structure (``at``, the place in the source, does not count), so that equal sub-expressions of different rules are computed once.

Meaning, held by the reference evaluator in ``tests/`` and by the columnar backend alike:

* A value may be *missing*. Comparisons, ``in``, ``between``, ``matches``, ``contains`` and arithmetic with a missing operand are
  missing (for conditions we say *unknown*); ``and``, ``or``, ``not`` are Kleene's. ``IsMissing`` is never unknown.
* INTEGER, NUMBER, MONEY and PERCENT values are exact decimals and so are sums, differences and products of them. Quotients, means,
  medians and standard deviations are doubles (``exact`` is False), and so is what is computed from them; a comparison with a double on
  either side rounds both sides to nine digits after the point first. Dividing by zero is missing.
* ``If`` with an unknown condition is missing. ``Extreme`` (least, greatest) is missing if any item is. ``Coalesce`` takes the first
  item that is not missing.
* TIMESTAMP is an instant, DATE a day in the project's time zone, DURATION a whole number of microseconds.
* ``History`` reads rows of the same key in batches strictly before the judged row's batch (whose instant is b): aggregates read those
  with ``b - window <= as_of < b``, skip missing values and are missing when none is left (``total`` too; ``stdev`` is the sample
  deviation, missing below two values); ``previous`` reads the batch of the store just before b; ``ago`` the batch that was the
  newest at ``b - window``, missing if that one was older than the kind's ``fresh_for`` even then; ``seen_for`` is the time from the first
  batch that had the key, back to back or not, until b (zero when b is the first). ``changes`` counts how often a value differs from
  the one before it, over the window's values followed by the judged row's own; 0 when there is nothing to compare. ``unchanged_for`` is
  the time until b from the oldest row since which no value differs from the judged row's (zero when there is none; missing if the
  judged row's value is). ``same_weekday_mean`` reads those of the window whose ``as_of`` falls on b's weekday in the project's time zone.
* A history row is of the same key and store as the judged row; where a batch is asked for, it is one that covers that store.
* A DURATION that was multiplied, divided or averaged is rounded to whole microseconds, half away from zero.
* ``Related`` aggregates current rows of another kind that refer to this row. Rows whose ``where`` is unknown are not counted.
  ``count``, ``sum`` and ``distinct`` of no rows are 0; ``avg``, ``min``, ``max``, ``share`` of none are missing; missing values are
  skipped.
* ``Across`` aggregates the current rows of the same kind that have equal ``by`` values; a row with a missing ``by`` value gets missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from engine.model import Type


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range of characters in the expression's text."""

    start: int
    end: int


NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    type: Type
    at: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Const(Node):
    """``value`` is Decimal for INTEGER, NUMBER, MONEY and PERCENT (95% is 0.95), datetime in UTC for TIMESTAMP; None is missing."""

    value: Decimal | str | bool | datetime | date | timedelta | None


@dataclass(frozen=True, slots=True)
class ColumnRef(Node):
    """A column of the row, or, through ``path`` (columns that hold keys of other kinds, one after another), of a row it refers to."""

    path: tuple[str, ...]
    column: str


@dataclass(frozen=True, slots=True)
class RowMissing(Node):
    """No current row exists that ``path`` refers to (``product is missing``); true as well when the referring column is missing."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Now(Node):
    """The instant of evaluation."""


@dataclass(frozen=True, slots=True)
class Not(Node):
    item: Node


@dataclass(frozen=True, slots=True)
class And(Node):
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or(Node):
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """Both sides have comparable types; for STRING and BOOLEAN only ``==`` and ``!=``."""

    op: Literal["==", "!=", "<", "<=", ">", ">="]
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """``+ - * /`` on numbers and durations; TIMESTAMP - TIMESTAMP is DURATION, TIMESTAMP +- DURATION is TIMESTAMP.
    ``age(x)`` arrives as ``Now - x``, ``until(x)`` as ``x - Now``. DURATION / DURATION is NUMBER."""

    op: Literal["+", "-", "*", "/"]
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Negate(Node):
    item: Node


@dataclass(frozen=True, slots=True)
class In(Node):
    item: Node
    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Between(Node):
    """Both ends included."""

    item: Node
    low: Node
    high: Node


@dataclass(frozen=True, slots=True)
class IsMissing(Node):
    item: Node


@dataclass(frozen=True, slots=True)
class Matches(Node):
    """The regular expression (RE2 syntax) is found anywhere in the text; anchor with ^ and $."""

    item: Node
    pattern: str


@dataclass(frozen=True, slots=True)
class Contains(Node):
    item: Node
    part: Node


@dataclass(frozen=True, slots=True)
class If(Node):
    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Coalesce(Node):
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Extreme(Node):
    which: Literal["least", "greatest"]
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Abs(Node):
    item: Node


@dataclass(frozen=True, slots=True)
class Round(Node):
    """Half away from zero, to ``digits`` after the point."""

    item: Node
    digits: int = 0


@dataclass(frozen=True, slots=True)
class TimePart(Node):
    """``date`` (DATE), ``hour`` (INTEGER 0..23), ``weekday`` (INTEGER, Monday is 1), in the project's time zone."""

    part: Literal["date", "hour", "weekday"]
    item: Node


HistoryFunction = Literal[
    "previous",
    "ago",
    "mean",
    "median",
    "highest",
    "lowest",
    "total",
    "stdev",
    "seen_for",
    "changes",
    "unchanged_for",
    "same_weekday_mean",
]


@dataclass(frozen=True, slots=True)
class History(Node):
    """``item`` (None for ``seen_for``) holds only columns of the row itself, constants and scalar functions."""

    function: HistoryFunction
    item: Node | None
    window: timedelta | None = None


RelatedFunction = Literal["count", "sum", "avg", "min", "max", "share", "distinct"]


@dataclass(frozen=True, slots=True)
class Related(Node):
    """Aggregate over the rows of ``kind`` whose column ``via`` holds this row's key. ``item`` (None for ``count``; a condition for
    ``share``) and ``where`` are in the scope of ``kind``'s row, and may use its references but no history."""

    function: RelatedFunction
    kind: str
    via: str
    item: Node | None = None
    where: Node | None = None


@dataclass(frozen=True, slots=True)
class Across(Node):
    """Aggregate over the current rows of the same kind with equal ``by`` columns (of the row itself)."""

    function: Literal["count", "sum", "avg", "min", "max", "distinct"]
    item: Node | None
    by: tuple[str, ...]


def is_exact(node: Node) -> bool:
    """False when the value is a double: a quotient, a mean, a deviation, or computed from one."""
    match node:
        case Arithmetic(op=op, left=left, right=right):
            return op != "/" and is_exact(left) and is_exact(right)
        case History(function="mean" | "median" | "stdev" | "same_weekday_mean"):
            return False
        case Related(function="avg" | "share") | Across(function="avg"):
            return False
        case Negate(item=item) | Abs(item=item) | Round(item=item) | History(item=Node() as item):
            return is_exact(item)
        case Related(item=Node() as item) | Across(item=Node() as item):
            return is_exact(item)
        case If(then=then, otherwise=otherwise):
            return is_exact(then) and is_exact(otherwise)
        case Coalesce(items=items) | Extreme(items=items):
            return all(is_exact(item) for item in items)
        case _:
            return True
