"""Values handed from stage to stage. All are frozen; none does I/O.

Instants are timezone-aware ``datetime`` in UTC. Key values are text. Numbers in messages are ``Decimal`` when they are exact.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from engine.errors import Text

Value = str | int | float | Decimal | bool | datetime | date | timedelta | None


class Type(StrEnum):
    """What a column or an expression is. A ``url`` column is a STRING to expressions."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    MONEY = "money"
    PERCENT = "percent"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    DATE = "date"
    DURATION = "duration"


@dataclass(frozen=True, slots=True)
class ColumnSchema:
    """A column as expressions see it. ``names`` are further names it may be called by (Chinese headings); ``words`` are the texts that
    exports have for its values, each with the value it stands for."""

    name: str
    type: Type
    unit: str = ""
    title: Text | None = None
    names: tuple[str, ...] = ()
    personal: bool = False
    values: tuple[str, ...] = ()
    words: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class KindSchema:
    """A fact kind as expressions see it. ``references`` maps a column of this kind to the kind whose key it holds."""

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, ColumnSchema]
    references: Mapping[str, str]
    fresh_for: timedelta
    title: Text | None = None


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return ("info", "warning", "critical").index(self)


class State(StrEnum):
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class Reason(StrEnum):
    """Why an alert changed its state, or was mentioned again."""

    FIRST = "first"  # the condition is true and the rule has no `for`
    WAITING = "waiting"  # true for the first time, `for` not yet over
    HELD_LONG_ENOUGH = "held_long_enough"  # pending for the rule's `for`
    SEVERITY_ROSE = "severity_rose"
    SEVERITY_FELL = "severity_fell"
    REPEAT_DUE = "repeat_due"
    NO_LONGER_TRUE = "no_longer_true"
    ROW_GONE = "row_gone"  # the newest batch no longer has the row
    RESOLVED_BY_HAND = "resolved_by_hand"  # somebody said so
    RULE_GONE = "rule_gone"  # the rule was deleted or renamed
    KEEP_FIRING = "keep_firing"  # not true now, but `keep_firing_for` holds it
    MISSING_INPUT = "missing_input"  # unknown, and the rule says `unknown: alert | resolve`
    MEMBER_JOINED = "member_joined"  # an alert became part of a firing incident
    ESCALATED = "escalated"  # nobody acknowledged it in time
    SURFACED = "surfaced"  # no firing incident explains the alert any more, and it still fires


@lru_cache(maxsize=1 << 16)
def _fingerprint(rule: str, key: tuple[str, ...]) -> str:
    return hashlib.sha256("\x1f".join((rule, *key)).encode()).hexdigest()[:16]


class Identity(NamedTuple):
    """Who an alert is: its rule and the key values of the row it judges. Never rendered text."""

    rule: str
    key: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits, the same on every machine and in every year."""
        return _fingerprint(self.rule, self.key)

    def __str__(self) -> str:
        return f"{self.rule}/{'/'.join(self.key)}"


@dataclass(frozen=True, slots=True)
class Shown:
    """One labelled value of a message. ``type`` and ``unit`` say how to write it."""

    label: Text
    value: Value
    type: Type
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """An alert that an incident is made of, bound to a name of its rule. One that is ``explained`` is told in the incident's message and
    not by itself; one that is ``raised`` is at least as severe as the incident."""

    identity: Identity
    binding: str
    explained: bool = True
    raised: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row for which a rule's condition is true at an instant, or what an incident rule found.

    ``as_of`` is the instant of the batch the row is from; ``evidence`` lists related rows, each as labelled values. Of an incident,
    ``members`` are its alerts and ``evidence`` tells of them.
    """

    identity: Identity
    store_id: str
    severity: Severity
    as_of: datetime
    shown: tuple[Shown, ...] = ()
    evidence: tuple[tuple[Shown, ...], ...] = ()
    members: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class Stores:
    """A set of stores that may be all but a few: ``names``, or, when ``inverted``, every store except ``names``."""

    names: frozenset[str] = frozenset()
    inverted: bool = False

    def __contains__(self, store_id: object) -> bool:
        return (store_id in self.names) is not self.inverted

    def __bool__(self) -> bool:
        return self.inverted or bool(self.names)

    def __invert__(self) -> Stores:
        return Stores(self.names, not self.inverted)

    def __and__(self, other: Stores) -> Stores:
        match self.inverted, other.inverted:
            case False, False:
                return Stores(self.names & other.names)
            case False, True:
                return Stores(self.names - other.names)
            case True, False:
                return Stores(other.names - self.names)
            case _:
                return Stores(self.names | other.names, inverted=True)

    def __or__(self, other: Stores) -> Stores:
        return ~(~self & ~other)

    def __sub__(self, other: Stores) -> Stores:
        return self & ~other


ALL_STORES = Stores(inverted=True)


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one evaluation of one rule found.

    ``candidates`` are the most severe first. ``unknown`` are the identities whose condition is unknown (an input is missing), as far
    as anyone asks: those among the active ones, or all of them when the rule says ``unknown: alert``; ``unknown_count`` counts all.
    Only ``fresh_stores`` are known: those with fresh data of every kind that the rule reads. ``present`` are those of the
    identities asked about that still have a row. ``judged`` counts the rows in scope. ``error`` tells that the evaluation
    failed: then everything else is empty and states stay as they are.
    """

    rule: str
    candidates: tuple[Candidate, ...] = ()
    unknown: frozenset[Identity] = frozenset()
    unknown_count: int = 0
    fresh_stores: Stores = Stores()
    present: frozenset[Identity] = frozenset()
    judged: int = 0
    error: Text | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """The stored state of one identity. ``episode`` counts its firings from 1, so that a relapse is a new thread of mails.

    ``notified_at`` is the instant of the last message of this episode that was delivered. ``not_true_since`` is set while the condition
    is false and only ``keep_firing_for`` keeps the alert. A pending alert that fired before still carries the ``firing_since`` and
    ``resolved_at`` of that episode, so that it can go back to it. ``members`` are the alerts that were part of an incident in this episode;
    ``explained_by`` is the firing incident that tells of this alert (of a resolved alert: that did when it ended).
    """

    identity: Identity
    store_id: str
    state: State
    severity: Severity
    pending_since: datetime
    last_true: datetime
    firing_since: datetime | None = None
    resolved_at: datetime | None = None
    notified_at: datetime | None = None
    episode: int = 1
    shown: tuple[Shown, ...] = ()
    evidence: tuple[tuple[Shown, ...], ...] = ()
    acknowledged_by: str = ""
    not_true_since: datetime | None = None
    owner: str = ""  # the rule's owner when the condition was last true: whom to tell when the rule is gone
    members: tuple[Member, ...] = ()
    explained_by: Identity | None = None
    closed_by: str = ""  # who resolved it by hand: then it does not fire again before its condition was false once


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of one alert at one instant. ``before`` is None for an alert that was not there (or was resolved)."""

    alert: Alert
    before: State | None
    after: State
    reason: Reason
    at: datetime


@dataclass(frozen=True, slots=True)
class Notification:
    """One message to one recipient over one channel, with the bytes exactly as they will be sent.

    ``id`` is the idempotency key: the same for the same message however often it is sent. ``thread`` names what it is about (mails
    of one thread are shown together). ``alerts`` are fingerprints.
    """

    id: str
    channel: str
    recipient: str
    thread: str
    subject: str
    payload: bytes
    created_at: datetime
    alerts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trend:
    """Values of one expression over past instants, oldest first, for a message's picture; None where it was missing."""

    label: Text
    points: tuple[tuple[datetime, float | None], ...]
    type: Type = Type.NUMBER
    unit: str = ""


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """What messages and the lifecycle need to know of a rule (a plain view of :class:`engine.rules.AlertRule`)."""

    name: str
    title: Text
    severity: Severity
    owner: str = ""
    area: str = ""
    advice: Text | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    hold: timedelta = timedelta(0)  # `for`
    keep_firing: timedelta = timedelta(0)
    unknown: str = "keep"  # keep | alert | resolve
    facts: str = ""
    key: tuple[str, ...] = ()
    template: str = ""
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by English shown label, Chinese for values that are not


@dataclass(frozen=True, slots=True)
class Item:
    """One alert as a message tells it: what happened to it, its rule, its trend (None: no picture).

    A resolved alert keeps the values of when it was last true; ``current`` are the same values at this instant, where they are known.
    ``before`` are the values that the previous message of the thread told. ``as_of`` is the instant of the batch the values are from.
    """

    transition: Transition
    rule: RuleInfo
    store_name: str = ""
    trend: Trend | None = None
    current: tuple[Shown, ...] = ()
    before: tuple[Shown, ...] = ()
    as_of: datetime | None = None
    picture: bytes = b""  # a small JPEG of what the alert is about, with a box around what was read from it


@dataclass(frozen=True, slots=True)
class Message:
    """What one group of alerts has to say at one instant, before it is rendered.

    ``id`` is the idempotency key; ``thread`` is the same for all messages about the same group and episode. ``labels`` are the group's
    common labels (``alert``, ``store_id`` ...). ``first`` tells that nothing was sent in this thread yet.
    """

    id: str
    thread: str
    items: tuple[Item, ...]
    labels: Mapping[str, str]
    at: datetime
    time_zone: str
    first: bool = True
    digest: bool = False  # what collected since the last one, and what goes on
    omitted: int = 0  # items left out by the rule's `max_alerts`
    drill: bool = False  # a test that somebody asked for: of no alert


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG or JPEG that the HTML refers to as ``cid:<name>``; ``alt`` says in words what it shows."""

    name: str
    data: bytes
    alt: str

    @property
    def format(self) -> str:
        return "jpeg" if self.data.startswith(b"\xff\xd8") else "png"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message ready for a channel. ``fault`` names the template's mistake when the built-in plain message was used instead.
    ``markdown`` is for chats, in the form that :mod:`engine.markdown` tells of; empty where no channel asks for it."""

    subject: str
    text: str
    html: str = ""
    pictures: tuple[Picture, ...] = ()
    fault: str = ""
    markdown: str = ""
