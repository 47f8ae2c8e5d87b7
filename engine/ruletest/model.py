"""A rule test, read and checked: rows over time in, what is expected at instants out. All values are frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from engine.errors import Text
from engine.ingest.cells import Cell
from engine.model import Identity, Reason, Severity, Shown, Type

Key = tuple[str, ...]


class Expectation(StrEnum):
    """What a test may expect of one row: a state of its alert, or that there is none."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"
    QUIET = "quiet"  # no alert, and the condition is known: nothing that it needs is missing
    UNKNOWN = "unknown"  # the condition cannot be told for want of data


@dataclass(frozen=True, slots=True)
class Given:
    """One export: the current rows of ``kind`` for all stores at ``as_of``, as ingest stores them, each with the ``line`` it stands on."""

    kind: str
    as_of: datetime
    rows: tuple[Mapping[str, Cell], ...]
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ShownValue:
    """A value that the message must show. ``digits`` were typed after the point: so many of an inexact value count."""

    label: Text
    type: Type
    value: Cell
    text: str
    digits: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of one row; None means that anything will do."""

    state: Expectation = Expectation.FIRING
    severity: Severity | None = None
    reason: Reason | None = None
    shows: tuple[ShownValue, ...] = ()


@dataclass(frozen=True, slots=True)
class ExpectedMail:
    """A message to each of ``to`` (empty: to anybody) whose subject contains ``subject``."""

    subject: str = ""
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GivenAlert:
    """An alert that fires, for the test of an incident rule: for ``since``, with the values that its message shows."""

    identity: Identity
    store_id: str
    severity: Severity
    since: timedelta
    shown: tuple[Shown, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One instant: what comes in before it, and what is expected at it. ``expected`` is None when nothing is asked about alerts, else
    every row that it does not name must stay quiet; ``mails`` likewise. ``alerts`` are all that fire; None: the same as before."""

    at: datetime
    given: tuple[Given, ...]
    expected: Mapping[Key, Expected] | None
    mails: tuple[ExpectedMail, ...] | None
    line: int
    alerts: tuple[GivenAlert, ...] | None = None


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One test of one rule. ``line`` is where it starts in ``file``."""

    title: str
    rule: str
    file: str
    line: int
    steps: tuple[Step, ...]
