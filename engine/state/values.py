"""What is stored at an evaluation, and what can be asked later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from engine.builtin.facts import Operations
from engine.errors import Text
from engine.model import Alert, Identity, Notification, Reason, RuleResult, Severity, Shown, Transition
from engine.model import State as AlertState
from engine.routing import Held, Suppressed
from engine.state.people import Deed


@dataclass(frozen=True, slots=True)
class Basis:
    """What an evaluation went by, so that it can be replayed: the project's files (by path) and their version, the ids of all batches that
    were there, and how storewatch itself fared."""

    version: str
    files: Mapping[str, bytes]
    batches: frozenset[str]
    observed: Operations


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that one evaluation has to store.

    ``(schedule, instant)`` is its claim. ``alerts`` are the states to store (unchanged ones may be left out); alerts that ``transitions``
    end and that are not among them are forgotten. ``results`` tell the health of each rule that was evaluated. ``resumed`` is what had
    been held until now, ``held`` what is from now on. ``known`` is the newest notification that was known (see
    :meth:`engine.state.State.newest`), when others that were queued since make the evaluation void. ``deeds`` are what people did;
    ``basis`` is what it went by.
    """

    schedule: str
    instant: datetime
    started: datetime
    finished: datetime
    results: Sequence[RuleResult] = ()
    alerts: Mapping[Identity, Alert] = field(default_factory=dict)
    transitions: Sequence[Transition] = ()
    notifications: Sequence[Notification] = ()
    suppressed: Sequence[Suppressed] = ()
    resumed: Sequence[Held] = ()
    held: Sequence[Held] = ()
    known: int | None = None
    deeds: Mapping[Identity, Deed] = field(default_factory=dict)
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A stored transition. ``shown`` are the values at that instant."""

    identity: Identity
    episode: int
    before: AlertState | None
    after: AlertState
    reason: Reason
    severity: Severity
    at: datetime
    shown: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class RuleHealth:
    """How a rule's evaluations go. ``failures`` counts those in a row that failed; ``unknown`` the rows unknown in the last good one."""

    rule: str
    last_ok: datetime | None
    failures: int
    last_error: Text | None
    unknown: int
