"""The rows of the outbox: which are due, which this process takes, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select, update

from engine.model import Notification
from engine.outbox.limits import Limits, free_at, locked
from engine.sending import Limit, Outcome
from engine.state import State
from engine.state_tables import ALERTS, NOTIFICATION_ALERTS, NOTIFICATIONS

NO_LIMITS: Limits = MappingProxyType({})


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
class Waiting:
    """What a delivery left in the outbox: letters that wait for their turn, those of them whose last attempt failed with the instant of
    the next attempt, those that another process is sending (or was, when it died) with the instant at which the last lease ends, and those
    that are due but held back by the limit of their channel, with the instant at which the first channel may send again."""

    queued: int = 0
    failed: int = 0
    next_attempt_at: datetime | None = None
    sending: int = 0
    lease_until: datetime | None = None
    held: int = 0
    held_until: datetime | None = None


def waiting(state: State, limits: Limits = NO_LIMITS, at: datetime | None = None) -> Waiting:
    """What is still to be sent; with ``limits`` and the instant ``at`` also what they hold back then."""
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
        left = Waiting(*connection.execute(query).one())
        held = list(_held(connection, limits, at)) if at else []
    if not held:
        return left
    return replace(left, held=sum(count for _, count in held), held_until=min(free for free, _ in held))


def _held(connection: Connection, limits: Limits, at: datetime) -> Iterator[tuple[datetime, int]]:
    for channel, several in limits.items():
        free = free_at(connection, channel, several, at)
        count = select(func.count()).where(NOTIFICATIONS.c.channel == channel, _is_due(at))
        if free > at and (due := connection.scalars(count).one()):
            yield free, due


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


def withdraw(state: State, identifier: str) -> int:
    """Give up what is still queued of the notifications with that id; nobody is told. Returns how many."""
    n = NOTIFICATIONS.c
    query = update(NOTIFICATIONS).where(n.id == identifier, n.state == "queued")
    with state.writing() as connection:
        return connection.execute(query.values(state="dead", next_attempt_at=None)).rowcount


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


def due_channels(state: State, at: datetime) -> set[str]:
    query = select(NOTIFICATIONS.c.channel).where(_is_due(at)).distinct()
    with state.reading() as connection:
        return set(connection.scalars(query))


def lease_next(
    state: State, channel: str, due: datetime, now: datetime, lease: timedelta, limits: Sequence[Limit]
) -> Letter | datetime | None:
    """Mark the oldest letter of a channel that was due at ``due`` as being sent, for this process alone, until its lease ends.

    None when there is none; where a limit holds it back, the instant from which it may be sent.
    """
    n = NOTIFICATIONS.c
    query = select(NOTIFICATIONS).where(n.channel == channel, _is_due(due), _is_first_in_thread()).order_by(n.number).limit(1)
    with state.writing() as connection:
        if limits:
            locked(connection, channel)
        row = connection.execute(query.with_for_update(skip_locked=True, of=NOTIFICATIONS)).first()
        if row is None:
            return None
        if limits and (free := free_at(connection, channel, limits, now)) > now:
            return free
        begun = func.coalesce(n.first_attempt_at, due)
        changes = update(NOTIFICATIONS).where(n.number == row.number)
        changes = changes.values(state="sending", lease_until=now + lease, attempts=n.attempts + 1, first_attempt_at=begun)
        leased = connection.execute(changes.returning(NOTIFICATIONS)).one()
        return _letter(leased, _alerts_of(connection, row.number))


def note_delivered(state: State, letter: Letter, outcome: Outcome, at: datetime) -> None:
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


def note_retry(state: State, letter: Letter, outcome: Outcome, next_attempt_at: datetime) -> None:
    with state.writing() as connection:
        if _still_ours(connection, letter):
            _change(connection, letter, state="queued", next_attempt_at=next_attempt_at, category=outcome.category, detail=outcome.detail)


def note_dead(state: State, letter: Letter, outcome: Outcome, notices: Sequence[Notification]) -> None:
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
