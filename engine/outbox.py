"""Delivery: takes notifications that are due from the outbox, sends them, and notes at once what became of each.

A notification is *leased* before it is sent, so that several processes may deliver side by side; a process that dies leaves one lease
behind, which ends by itself, and the same bytes (with the same Message-ID) are sent again. Messages of one thread to one recipient
keep their order. A notification that cannot be sent is tried again with growing pauses; one that its channel refuses for good, or
that is too old, becomes a *dead letter*, which is kept and told about on another channel.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select, update

from engine.model import Delivery, Notification, Outcome, Send, Sender
from engine.state import State
from engine.state_tables import ALERTS, NOTIFICATION_ALERTS, NOTIFICATIONS

LOG = logging.getLogger(__name__)
LEASE = timedelta(minutes=5)
"""Longer than any one message takes to send (a mail: a handful of answers, each within the channel's ``timeout``)."""

Notice = Callable[["Letter", Outcome], Iterable[Notification]]
"""Makes the messages, on other channels, that tell of a dead letter."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Pauses between attempts: at random up to ``base`` doubled with every attempt, never above ``longest`` ("full jitter").
    ``give_up_after`` counts from the first attempt."""

    base: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(hours=1)
    give_up_after: timedelta = timedelta(days=3)
    chance: Callable[[], float] = random.random

    def pause(self, attempts: int) -> timedelta:
        """How long to wait after that many failed attempts (from 1)."""
        ceiling: timedelta = min(self.longest, self.base * 2 ** min(attempts, 20))
        return max(timedelta(seconds=1), ceiling * self.chance())


@dataclass(frozen=True, slots=True)
class Letter:
    """A row of the outbox. ``state`` is queued, sending, delivered or dead; ``category`` and ``detail`` tell of the last attempt."""

    number: int
    notification: Notification
    state: str
    attempts: int
    first_attempt_at: datetime | None
    next_attempt_at: datetime | None
    lease_until: datetime | None
    category: str
    detail: str
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send a letter; ``died`` tells that it was the last."""

    letter: Letter
    outcome: Outcome
    died: bool


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What a delivery did, attempt by attempt."""

    attempts: tuple[Attempt, ...] = ()

    @property
    def delivered(self) -> int:
        return sum(attempt.outcome.delivery is Delivery.DELIVERED for attempt in self.attempts)

    @property
    def dead(self) -> int:
        return sum(attempt.died for attempt in self.attempts)

    @property
    def retried(self) -> int:
        """Letters that were put off."""
        return len(self.attempts) - self.delivered - self.dead

    def failures(self) -> dict[tuple[str, str], int]:
        """How often each (channel, category) of failure came up."""
        failed = (attempt for attempt in self.attempts if attempt.outcome.delivery is not Delivery.DELIVERED)
        return dict(Counter((attempt.letter.notification.channel, attempt.outcome.category) for attempt in failed))


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a delivery left in the outbox: letters that wait for their turn, those of them whose last attempt failed with the instant of
    the next attempt, and those that another process is sending (or was, when it died) with the instant at which the last lease ends."""

    queued: int = 0
    failed: int = 0
    next_attempt_at: datetime | None = None
    sending: int = 0
    lease_until: datetime | None = None


def waiting(state: State) -> Waiting:
    """What is still to be sent."""
    n = NOTIFICATIONS.c
    tried = (n.state == "queued") & (n.attempts > 0)
    query = select(
        func.count().filter(n.state == "queued"),
        func.count().filter(tried),
        func.min(n.next_attempt_at).filter(tried),
        func.count().filter(n.state == "sending"),
        func.max(n.lease_until).filter(n.state == "sending"),
    )
    with state.reading() as connection:
        return Waiting(*connection.execute(query).one())


def deliver(
    state: State,
    senders: Mapping[str, Sender],
    now: Callable[[], datetime],
    *,
    retry: Retry | None = None,
    notice: Notice | None = None,
    lease: timedelta = LEASE,
) -> DeliveryReport:
    """Send everything that is due, channel by channel, each over one session. A channel that fails holds up no other.

    Notifications of a channel that ``senders`` does not know wait like those of a channel that is down. Raises
    :class:`~engine.errors.StateError` when the outcome of an attempt cannot be stored; that message may then be sent once more.
    """
    delivery = _Delivery(state, now, retry or Retry(), notice, lease)
    channels = _due_channels(state, now())
    return DeliveryReport(tuple(attempt for channel in channels for attempt in delivery.channel(channel, senders.get(channel))))


@dataclass(frozen=True, slots=True)
class _Delivery:
    state: State
    now: Callable[[], datetime]
    retry: Retry
    notice: Notice | None
    lease: timedelta

    def channel(self, channel: str, sender: Sender | None) -> Iterator[Attempt]:
        """Send what is due on one channel now; what fails and is due again later waits for the next delivery."""
        due = self.now()
        with ExitStack() as stack:
            send = _opened(channel, sender, stack)
            while letter := _lease_next(self.state, channel, due, self.now() + self.lease):
                outcome = _guarded(send, letter.notification)
                yield Attempt(letter, outcome, died=self._note(letter, outcome))

    def _note(self, letter: Letter, outcome: Outcome) -> bool:
        """Store the outcome, in its own transaction. Returns whether the letter is dead now."""
        at = self.now()
        if outcome.delivery is Delivery.DELIVERED:
            _note_delivered(self.state, letter, outcome, at)
            return False
        begun = letter.first_attempt_at or at
        if outcome.delivery is Delivery.TRY_LATER and at - begun < self.retry.give_up_after:
            _note_retry(self.state, letter, outcome, at + self.retry.pause(letter.attempts))
            return False
        notices = list(self.notice(letter, outcome)) if self.notice else []
        _note_dead(self.state, letter, outcome, notices)
        return True


def _opened(channel: str, sender: Sender | None, stack: ExitStack) -> Send:
    """The channel's open session; where there is none, a function that says why."""
    if sender is None:
        missing = Outcome(Delivery.TRY_LATER, "unknown_channel", f"channels.yaml has no channel '{channel}'")
        return lambda _: missing
    try:
        return stack.enter_context(sender.session())
    except Exception as error:  # one channel's fault must not stop the others
        LOG.exception("channel %s cannot be opened", channel)
        fault = Outcome(Delivery.TRY_LATER, "sender_fault", type(error).__name__)
        return lambda _: fault


def _guarded(send: Send, notification: Notification) -> Outcome:
    try:
        return send(notification)
    except Exception as error:  # one message's fault must not stop the others
        LOG.exception("sender of channel %s failed", notification.channel)
        return Outcome(Delivery.TRY_LATER, "sender_fault", type(error).__name__)


def letters(state: State, *states: str, limit: int | None = None, about: str = "") -> tuple[Letter, ...]:
    """The outbox in the order of writing: the newest ``limit`` letters (default: all) in the given states (default: in any).
    ``about`` asks for those about the alert with that fingerprint."""
    query = select(NOTIFICATIONS).order_by(NOTIFICATIONS.c.number.desc()).limit(limit)
    if about:
        told = select(NOTIFICATION_ALERTS.c.notification).where(NOTIFICATION_ALERTS.c.fingerprint == about)
        query = query.where(NOTIFICATIONS.c.number.in_(told))
    if states:
        query = query.where(NOTIFICATIONS.c.state.in_(states))
    with state.reading() as connection:
        rows = connection.execute(query).all()[::-1]
        alerts = _alerts_since(connection, rows[0].number) if rows else {}
    return tuple(_letter(row, tuple(alerts.get(row.number, ()))) for row in rows)


def retry_dead(state: State, numbers: Sequence[int] | None = None) -> int:
    """Queue dead letters again (None: all of them) as if they had never been tried. Returns how many."""
    query = update(NOTIFICATIONS).where(NOTIFICATIONS.c.state == "dead")
    if numbers is not None:
        query = query.where(NOTIFICATIONS.c.number.in_(numbers))
    with state.writing() as connection:
        return connection.execute(query.values(state="queued", attempts=0, first_attempt_at=None, next_attempt_at=None)).rowcount


def _is_due(at: datetime) -> ColumnElement[bool]:
    n = NOTIFICATIONS.c
    queued = and_(n.state == "queued", or_(n.next_attempt_at.is_(None), n.next_attempt_at <= at))
    return or_(queued, and_(n.state == "sending", n.lease_until <= at))


def _is_first_in_thread() -> ColumnElement[bool]:
    """Nothing older of the same thread still waits for the same recipient."""
    older = NOTIFICATIONS.alias("older")
    mine = NOTIFICATIONS.c
    same = and_(older.c.thread == mine.thread, older.c.channel == mine.channel, older.c.recipient == mine.recipient)
    waits = and_(older.c.number < mine.number, older.c.state.in_(("queued", "sending")))
    return ~select(older.c.number).where(same, waits).exists()


def _due_channels(state: State, at: datetime) -> list[str]:
    query = select(NOTIFICATIONS.c.channel).where(_is_due(at)).distinct().order_by(NOTIFICATIONS.c.channel)
    with state.reading() as connection:
        return list(connection.scalars(query))


def _lease_next(state: State, channel: str, due: datetime, until: datetime) -> Letter | None:
    """Mark the oldest due letter of a channel as being sent, for this process alone, until its lease ends."""
    n = NOTIFICATIONS.c
    query = select(NOTIFICATIONS).where(n.channel == channel, _is_due(due), _is_first_in_thread()).order_by(n.number).limit(1)
    with state.writing() as connection:
        row = connection.execute(query.with_for_update(skip_locked=True, of=NOTIFICATIONS)).first()
        if row is None:
            return None
        begun = func.coalesce(n.first_attempt_at, due)
        changes = update(NOTIFICATIONS).where(n.number == row.number)
        changes = changes.values(state="sending", lease_until=until, attempts=n.attempts + 1, first_attempt_at=begun)
        leased = connection.execute(changes.returning(NOTIFICATIONS)).one()
        return _letter(leased, _alerts_of(connection, row.number))


def _note_delivered(state: State, letter: Letter, outcome: Outcome, at: datetime) -> None:
    """Note the delivery, and in the alerts, as far as they are still in the episode that was told, that it was told."""
    about = NOTIFICATION_ALERTS.c
    same_episode = and_(about.fingerprint == ALERTS.c.fingerprint, about.episode == ALERTS.c.episode)
    told = select(about.fingerprint).where(about.notification == letter.number, same_episode).exists()
    instant = letter.notification.created_at
    newer = or_(ALERTS.c.notified_at.is_(None), ALERTS.c.notified_at < instant)
    with state.writing() as connection:
        _change(
            connection, letter, state="delivered", delivered_at=at, next_attempt_at=None, category=outcome.category, detail=outcome.detail
        )
        connection.execute(update(ALERTS).where(told, newer).values(notified_at=instant))


def _note_retry(state: State, letter: Letter, outcome: Outcome, next_attempt_at: datetime) -> None:
    with state.writing() as connection:
        if _still_ours(connection, letter):
            _change(connection, letter, state="queued", next_attempt_at=next_attempt_at, category=outcome.category, detail=outcome.detail)


def _note_dead(state: State, letter: Letter, outcome: Outcome, notices: Sequence[Notification]) -> None:
    with state.writing() as connection:
        if _still_ours(connection, letter):
            _change(connection, letter, state="dead", next_attempt_at=None, category=outcome.category, detail=outcome.detail)
            for notice in notices:
                state.enqueue(connection, notice)


def _still_ours(connection: Connection, letter: Letter) -> bool:
    """Whether no other process has taken the letter over since our lease ended."""
    n = NOTIFICATIONS.c
    query = select(n.number).where(n.number == letter.number, n.state == "sending", n.lease_until == letter.lease_until)
    return connection.execute(query.with_for_update()).first() is not None


def _change(connection: Connection, letter: Letter, **values: object) -> None:
    connection.execute(update(NOTIFICATIONS).where(NOTIFICATIONS.c.number == letter.number).values(lease_until=None, **values))


def _alerts_of(connection: Connection, number: int) -> tuple[str, ...]:
    about = NOTIFICATION_ALERTS.c
    return tuple(connection.scalars(select(about.fingerprint).where(about.notification == number).order_by(about.fingerprint)))


def _alerts_since(connection: Connection, first: int) -> dict[int, list[str]]:
    """Fingerprints by number of notification, from that number on."""
    about = NOTIFICATION_ALERTS.c
    query = select(about.notification, about.fingerprint).where(about.notification >= first).order_by(about.fingerprint)
    found: dict[int, list[str]] = {}
    for number, fingerprint in connection.execute(query):
        found.setdefault(number, []).append(fingerprint)
    return found


def _letter(row: Row[Any], alerts: tuple[str, ...]) -> Letter:
    about = Notification(row.id, row.channel, row.recipient, row.thread, row.subject, row.payload, row.created_at, alerts)
    attempt = (row.state, row.attempts, row.first_attempt_at, row.next_attempt_at, row.lease_until)
    return Letter(row.number, about, *attempt, row.category, row.detail, row.delivered_at)
