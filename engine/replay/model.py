"""A whole replay as frozen values: when was evaluated, what was found, which alerts that made, who would have been told what.

Nothing here holds a matcher, a connection or a file, so that a replay can be handed on, compared and reported by itself. What a message
says is written when somebody asks for it: :class:`engine.replay.writing.Clerk`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.errors import Text
from engine.model import Alert, Identity, Reason, RuleInfo, Severity, State, Transition
from engine.routing import Plan, Recipient, Suppressed
from engine.state import Event


@dataclass(frozen=True, slots=True, order=True)
class Appointment:
    """An instant at which ``rules`` (names of alert rules, in the project's order) are evaluated, and under which schedule."""

    at: datetime
    schedule: str
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """What one rule found at one instant: rows in scope, rows that matched, rows that are unknown, or why it failed."""

    judged: int
    matched: int
    unknown: int
    error: Text | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """One evaluation, or (``schedule`` is ``dispatch``) what was told between two. ``judged`` is by rule, built-in and incident rules
    too; ``held`` counts what waits to be told after it."""

    at: datetime
    schedule: str
    judged: Mapping[str, Judged] = field(default_factory=dict)
    transitions: int = 0
    notifications: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class Remembered:
    """What messages need to know of what was told before: for each thread and recipient the first notification's id, and the last event of
    each alert. It answers as :class:`engine.state.Past` does."""

    started: dict[tuple[str, str], str] = field(default_factory=dict)
    events: dict[Identity, Event] = field(default_factory=dict)

    def last_event(self, identity: Identity, episode: int, before: datetime) -> Event | None:
        event = self.events.get(identity)
        return event if event and event.episode == episode and event.at < before else None

    def thread_started(self, thread: str, recipient: str) -> str | None:
        return self.started.get((thread, recipient))


@dataclass(frozen=True, slots=True)
class Sent:
    """One notification: a plan of one recipient, at ``plan.at``. ``told`` are the alerts that it lists (the rule's ``max_alerts`` may
    leave some of ``plan.transitions`` out). ``past`` and ``as_of`` are what it, and all others of its evaluation, need to be written."""

    plan: Plan
    told: tuple[Identity, ...]
    past: Remembered
    as_of: Mapping[Identity, datetime]

    @property
    def at(self) -> datetime:
        return self.plan.at

    @property
    def recipient(self) -> Recipient:
        """Channel, address and language."""
        return self.plan.recipients[0]

    @property
    def transitions(self) -> tuple[Transition, ...]:
        return self.plan.transitions

    @property
    def receiver(self) -> str:
        """The receiver of channels.yaml whose recipient it is."""
        return self.plan.route.receiver

    @property
    def digest(self) -> bool:
        return self.plan.route.digest is not None


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert from when its condition was first true to its end. ``transitions`` are its own, in order; ``alert`` is its last state
    within the replay, with the values of when it was last true. One that was only ever pending has ``fired`` None."""

    alert: Alert
    info: RuleInfo
    transitions: tuple[Transition, ...]

    @property
    def identity(self) -> Identity:
        return self.alert.identity

    @property
    def rule(self) -> str:
        return self.alert.identity.rule

    @property
    def store_id(self) -> str:
        return self.alert.store_id

    @property
    def number(self) -> int:
        """Counts the identity's firings from 1."""
        return self.alert.episode

    @property
    def owner(self) -> str:
        return self.alert.owner or self.info.owner

    @property
    def started(self) -> datetime:
        """When the condition was first true (of an alert that the replay began with: as it was known)."""
        return self.alert.pending_since

    @property
    def fired(self) -> datetime | None:
        return next((moved.at for moved in self.transitions if moved.after is State.FIRING), self.alert.firing_since)

    @property
    def resolved(self) -> datetime | None:
        """When it ended; None while it goes on at the end of the replay."""
        last = self.transitions[-1] if self.transitions else None
        return last.at if last and last.after is State.RESOLVED else None

    @property
    def ended_by(self) -> Reason | None:
        return self.transitions[-1].reason if self.resolved else None

    @property
    def severities(self) -> tuple[tuple[datetime, Severity], ...]:
        """From when on which severity, as it fired."""
        found: list[tuple[datetime, Severity]] = []
        for moved in self.transitions:
            if moved.after is State.FIRING and (not found or found[-1][1] is not moved.alert.severity):
                found.append((moved.at, moved.alert.severity))
        return tuple(found)

    @property
    def severity(self) -> Severity:
        """The highest that it had."""
        return max((each for _, each in self.severities), key=lambda each: each.rank, default=self.alert.severity)

    def lasted(self, until: datetime) -> timedelta | None:
        """For how long it fired, up to ``until`` where it did not end; None where it never fired."""
        return (self.resolved or until) - self.fired if self.fired else None


@dataclass(frozen=True)
class Replay:
    """A replay of ``since <= at <= until``. ``complete`` is False when it was interrupted: then it tells of the instants up to
    ``moments[-1].at``.

    ``episodes`` are sorted by when they began, those that the state began with first; ``sent`` and ``suppressed`` are in the order in
    which they happened. ``rules`` are all rules that exist, built-in and incident rules too; ``evaluated`` those that were asked for.
    ``planned`` counts the evaluations that were to be done. ``names`` are those of stores, as far as they are known. ``version`` is that
    of the project's files (:attr:`engine.project.Project.version`).
    """

    since: datetime
    until: datetime
    moments: tuple[Moment, ...]
    episodes: tuple[Episode, ...]
    sent: tuple[Sent, ...]
    suppressed: tuple[tuple[datetime, Suppressed], ...]
    rules: Mapping[str, RuleInfo]
    evaluated: tuple[str, ...]
    planned: int
    complete: bool = True
    names: Mapping[str, str] = field(default_factory=dict)
    version: str = ""

    @property
    def transitions(self) -> tuple[Transition, ...]:
        """All of them, in the order in which they happened (those of one instant by identity)."""
        found = (moved for episode in self.episodes for moved in episode.transitions)
        return tuple(sorted(found, key=lambda moved: (moved.at, moved.alert.identity)))

    @property
    def seen_until(self) -> datetime:
        """The last instant that was looked at: ``until``, or where it was interrupted."""
        return self.until if self.complete else max((moment.at for moment in self.moments), default=self.since)
