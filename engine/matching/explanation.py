"""What an explanation says: plain values, for a terminal to draw and a program to read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from engine.errors import Text
from engine.language import typed as t
from engine.matching.origins import Batches, Origin
from engine.model import Identity, RuleResult, Severity, Shown, Type, Value
from engine.params import Param
from engine.rules import AlertRule


class Verdict(StrEnum):
    """What the rule says of the row."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"  # an input is missing
    OUT_OF_SCOPE = "out_of_scope"  # `where` is false
    STALE = "stale"  # data that the rule reads is too old for this store, or never came: unknown
    QUARANTINED = "quarantined"  # the current export has the row, but it could not be read: unknown
    GONE = "gone"  # an earlier batch had the row, the current one has not
    NO_ROW = "no_row"  # no batch of late had such a row
    FAILED = "failed"  # the rule could not be evaluated


class Missing(StrEnum):
    """Why a value is missing."""

    EMPTY = "empty"  # the cell is empty
    NO_COLUMN = "no_column"  # the export had no such column
    NO_REFERENCE = "no_reference"  # the referring column is empty
    NO_ROW = "no_row"  # the row referred to is not there
    NO_GROUP = "no_group"  # a column after `by` is empty
    NO_HISTORY = "no_history"  # no earlier batch in the window
    NO_VALUE = "no_value"  # there are rows or batches, but none with a value
    UNDEFINED = "undefined"  # all inputs are there, and yet it cannot be computed: a division by zero
    STALE = "stale"  # it reads data that is too old


@dataclass(frozen=True, slots=True)
class Counted:
    """The rows behind an aggregate: ``counted`` of ``rows``; for ``unsure`` of them the condition is unknown, they are not counted."""

    kind: str
    rows: int
    counted: int
    unsure: int = 0


@dataclass(frozen=True, slots=True)
class Clause:
    """One expression with its value (None: missing; for a condition: unknown).

    ``last_known`` is the value by the newest data there is, however old; it differs from ``value`` only where data is ``stale``. ``origin``
    is the row referred to, ``batches`` what a history function read, ``rows`` what an aggregate counted. ``parts`` are the clauses
    of a condition, and the inputs of a value.
    """

    text: str
    node: t.Node
    value: Value
    last_known: Value
    unit: str = ""
    title: Text | None = None
    stale: tuple[str, ...] = ()
    missing: Missing | None = None
    origin: Origin | None = None
    batches: Batches | None = None
    rows: Counted | None = None
    parts: tuple[Clause, ...] = ()

    @property
    def type(self) -> Type:
        return self.node.type


@dataclass(frozen=True, slots=True)
class Used:
    """The ``value`` that a parameter had (None: missing), and of each override that names it, in order, whether its condition held."""

    param: Param
    value: Clause
    conditions: tuple[Clause, ...] = ()

    @property
    def chosen(self) -> int | None:
        """The number of the override that gave the value; None for the default, or where an unknown condition comes first."""
        return next((i for i, clause in enumerate(self.conditions) if clause.value), None) if self.known else None

    @property
    def known(self) -> bool:
        """Whether no unknown condition comes before the first that held."""
        return next((clause.value for clause in self.conditions if clause.value is not False), True) is not None


@dataclass(frozen=True, slots=True)
class Freshness:
    """The newest data of a kind for the row's store; ``as_of`` is None when none ever came."""

    kind: str
    fresh_for: timedelta
    as_of: datetime | None = None
    age: timedelta | None = None
    source: str = ""
    stale: bool = True


@dataclass(frozen=True, slots=True)
class Explanation:
    """A rule at one row and instant. ``row`` is None when there is none; then ``last_seen`` is where it was before, if it was.

    ``severities`` are the rule's cases with their conditions (None: otherwise); ``severity`` is the one chosen, None unless the verdict is
    true. ``near`` are keys like the one asked for, where that was never seen. ``result`` is the evaluation's, of this identity alone.
    """

    rule: AlertRule
    identity: Identity
    at: datetime
    verdict: Verdict
    result: RuleResult
    row: Origin | None = None
    where: Clause | None = None
    when: Clause | None = None
    severities: tuple[tuple[Severity, Clause | None], ...] = ()
    severity: Severity | None = None
    params: tuple[Used, ...] = ()
    shown: tuple[Shown, ...] = ()
    freshness: tuple[Freshness, ...] = ()
    last_seen: Origin | None = None
    near: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[Clause, ...]:
        """The inputs without a value, each once."""
        roots = [clause for clause in (self.where, self.when) if clause]
        return tuple({clause.text: clause for root in roots for clause in flat(root) if clause.missing}.values())


def flat(clause: Clause) -> Iterable[Clause]:
    """The clause and all inside it, outer ones first."""
    yield clause
    for part in clause.parts:
        yield from flat(part)
