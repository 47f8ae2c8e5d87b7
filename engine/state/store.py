"""The state database: alerts and their history, what was told, what is still to be sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, case, delete, false, func, literal, select

from engine.builtin.facts import Operations
from engine.errors import StateError, Text
from engine.model import Alert, Identity, Notification, Severity, Transition
from engine.model import State as AlertState
from engine.routing import Held, Silence, Suppression, Thread, Told
from engine.state.database import Database
from engine.state.people import note_deed, silences
from engine.state.records import observed_row, store_basis
from engine.state.rows import (
    alert_of,
    alert_row,
    evaluation_row,
    event_of,
    health_of,
    health_row,
    held_of,
    held_row,
    notification_row,
    suppressed_row,
    transition_row,
)
from engine.state.values import Evaluation, Event, RuleHealth
from engine.state.watching import operations
from engine.state_tables import ALERTS, EVALUATIONS, HELD, NOTIFICATION_ALERTS, NOTIFICATIONS, RULE_HEALTH, SUPPRESSED, TRANSITIONS

CHUNK = 500  # values in one IN (...); SQLite takes at most 32766
OPEN = (AlertState.PENDING.value, AlertState.FIRING.value)


class State(Database):
    """An open state database, in SQLite or PostgreSQL. One evaluation is one transaction, see :meth:`commit`.

    Every method raises :class:`~engine.errors.StateError` for whatever the database answers; no message holds parameters or passwords.
    """

    def alerts(self, rules: Collection[str] | None = None, *, resolved: bool = False, closed: bool = False) -> dict[Identity, Alert]:
        """Pending and firing alerts of the given rules (None: of all), with ``resolved`` also the ended ones, with ``closed`` of those the
        ones that were ended by hand and whose condition has been true ever since."""
        query = select(ALERTS)
        if not resolved:
            query = query.where(ALERTS.c.state.in_(OPEN) | ((ALERTS.c.closed_by != "") if closed else false()))
        if rules is not None:
            query = query.where(ALERTS.c.rule.in_(rules))
        with self.reading() as connection:
            return {alert.identity: alert for alert in map(alert_of, connection.execute(query))}

    def resolved(self, identities: Iterable[Identity]) -> dict[Identity, Alert]:
        """Those of the identities that fired before and are resolved: :func:`engine.lifecycle.step` needs them to count episodes."""
        wanted = [identity.fingerprint for identity in identities]
        query = select(ALERTS).where(ALERTS.c.state == AlertState.RESOLVED.value)
        found: list[Alert] = []
        with self.reading() as connection:
            for start in range(0, len(wanted), CHUNK):
                some = query.where(ALERTS.c.fingerprint.in_(wanted[start : start + CHUNK]))
                found += map(alert_of, connection.execute(some))
        return {alert.identity: alert for alert in found}

    def identities(self, prefix: str = "", rule: str = "") -> tuple[Identity, ...]:
        """Whoever is, or ever was, an alert, sorted; of ``rule`` only, where given, and whose fingerprint begins with ``prefix``."""
        found: set[Identity] = set()
        with self.reading() as connection:
            for table in (ALERTS, TRANSITIONS):
                query = select(table.c.rule, table.c.key).distinct().where(table.c.fingerprint.startswith(prefix, autoescape=True))
                rows = connection.execute(query.where(table.c.rule == rule) if rule else query)
                found |= {Identity(row.rule, tuple(row.key)) for row in rows}
        return tuple(sorted(found))

    def history(self, identity: Identity) -> tuple[Event, ...]:
        """All stored transitions of one identity, oldest first."""
        query = select(TRANSITIONS).where(TRANSITIONS.c.fingerprint == identity.fingerprint).order_by(TRANSITIONS.c.number)
        with self.reading() as connection:
            return tuple(map(event_of, connection.execute(query)))

    def last_event(self, identity: Identity, episode: int, before: datetime) -> Event | None:
        """The last stored transition of one episode before an instant."""
        of_episode = (TRANSITIONS.c.fingerprint == identity.fingerprint) & (TRANSITIONS.c.episode == episode)
        query = select(TRANSITIONS).where(of_episode, TRANSITIONS.c.at < before).order_by(TRANSITIONS.c.number.desc()).limit(1)
        with self.reading() as connection:
            row = connection.execute(query).first()
        return event_of(row) if row else None

    def suppressed(self, identity: Identity) -> tuple[tuple[datetime, Suppression, str], ...]:
        """When transitions of one identity were not told, why, and by which route ('': by any), oldest first."""
        columns = select(SUPPRESSED.c.at, SUPPRESSED.c.reason, SUPPRESSED.c.route)
        query = columns.where(SUPPRESSED.c.fingerprint == identity.fingerprint).order_by(SUPPRESSED.c.number)
        with self.reading() as connection:
            return tuple((row.at, Suppression(row.reason), row.route) for row in connection.execute(query))

    def health(self) -> tuple[RuleHealth, ...]:
        """The health of every rule that was ever evaluated, by name."""
        with self.reading() as connection:
            return tuple(map(health_of, connection.execute(select(RULE_HEALTH).order_by(RULE_HEALTH.c.rule))))

    def claimed(self, schedule: str, instant: datetime) -> bool:
        """Whether this instant of the schedule was evaluated; :meth:`commit` asks again, this only saves the work."""
        query = select(EVALUATIONS.c.number).where(EVALUATIONS.c.schedule == schedule, EVALUATIONS.c.instant == instant)
        with self.reading() as connection:
            return connection.scalars(query).first() is not None

    def last_instant(self, schedule: str, until: datetime | None = None) -> datetime | None:
        """The newest instant of a schedule that was evaluated (not after ``until``), or from which it counts (:meth:`count_from`)."""
        query = select(EVALUATIONS.c.instant).where(EVALUATIONS.c.schedule == schedule)
        if until is not None:
            query = query.where(EVALUATIONS.c.instant <= until)
        with self.reading() as connection:
            return connection.scalars(query.order_by(EVALUATIONS.c.instant.desc()).limit(1)).first()

    def told(self) -> Told:
        """The threads of the present episodes of alerts that fire or are held, for :func:`engine.routing.decide`; to be read before
        :meth:`commit`."""
        n, about = NOTIFICATIONS.c, NOTIFICATION_ALERTS.c
        told_at = func.max(case((n.state == "delivered", n.created_at)))
        queued = func.max(case((n.state.in_(("queued", "sending")), 1), else_=0))
        query = (
            select(ALERTS.c.fingerprint, n.thread, told_at, queued, func.min(n.created_at))
            .join(NOTIFICATION_ALERTS, about.notification == n.number)
            .join(ALERTS, (ALERTS.c.fingerprint == about.fingerprint) & (ALERTS.c.episode == about.episode))
            .where((ALERTS.c.state == AlertState.FIRING.value) | ALERTS.c.fingerprint.in_(select(HELD.c.fingerprint)))
            .group_by(ALERTS.c.fingerprint, n.thread)
            .order_by(func.min(n.number))
        )
        threads: dict[str, list[Thread]] = {}
        with self.reading() as connection:
            for fingerprint, thread, last, waiting, begun in connection.execute(query):
                threads.setdefault(fingerprint, []).append(Thread(thread, last, bool(waiting), begun))
        return threads

    def held(self, identity: Identity | None = None) -> tuple[Held, ...]:
        """What waits to be told, in the order in which it was held; with ``identity``, of that alert only."""
        query = select(HELD).order_by(HELD.c.number)
        with self.reading() as connection:
            rows = connection.execute(query.where(HELD.c.fingerprint == identity.fingerprint) if identity else query)
            return tuple(map(held_of, rows))

    def newest(self) -> int:
        """The number of the newest notification, 0 where there is none."""
        with self.reading() as connection:
            return _newest(connection)

    def thread_started(self, thread: str, recipient: str) -> str | None:
        """The id of the first notification to a recipient in a thread, or None: what the next mail answers to."""
        query = select(NOTIFICATIONS.c.id).where(NOTIFICATIONS.c.thread == thread, NOTIFICATIONS.c.recipient == recipient)
        with self.reading() as connection:
            return connection.scalars(query.order_by(NOTIFICATIONS.c.number).limit(1)).first()

    def silences(self) -> tuple[Silence, ...]:
        """All that were ever made, oldest first."""
        return silences(self)

    def operations(self, at: datetime) -> Operations:
        """How storewatch itself fares."""
        return operations(self, at)

    # what changes

    batches_stored: frozenset[str] = frozenset()
    """Batches of which this process knows that they are noted as seen."""

    def commit(self, evaluation: Evaluation) -> bool:
        """Store an evaluation in one transaction; False, and nothing is changed, when its (schedule, instant) was already claimed, or
        when another process told something since ``evaluation.known``.

        Raises :class:`StateError` when another process changed one of its alerts since they were read; nothing is stored then.
        """
        batches = self.batches_stored
        with self.writing_alone() as connection:
            if evaluation.known not in (None, _newest(connection)):
                return False
            number = self._claim(connection, evaluation)
            if number is None:
                return False
            _check_unchanged(connection, evaluation.transitions)
            self._store_alerts(connection, evaluation)
            _insert_all(connection, TRANSITIONS, [transition_row(number, transition) for transition in evaluation.transitions])
            _insert_all(connection, SUPPRESSED, [suppressed_row(number, evaluation.instant, item) for item in evaluation.suppressed])
            _exchange(connection, set(evaluation.resumed), set(evaluation.held))
            for notification in evaluation.notifications:
                self.enqueue(connection, notification)
            self._store_health(connection, evaluation)
            for identity, deed in evaluation.deeds.items():
                note_deed(connection, identity, deed)
            if evaluation.basis:
                batches = store_basis(self, connection, number, evaluation.basis, self.batches_stored)
        self.batches_stored = batches
        return True

    def count_from(self, schedule: str, instant: datetime) -> None:
        """Claim ``instant`` without evaluating anything: a schedule that is new has missed nothing before it."""
        with self.writing() as connection:
            self._claim(connection, Evaluation(schedule, instant, instant, instant))

    def enqueue(self, connection: Connection, notification: Notification) -> None:
        """Put a notification into the outbox; one that is there already (same id, channel and recipient) is left alone."""
        insert = self.insert(NOTIFICATIONS).values(notification_row(notification))
        number = connection.scalars(insert.on_conflict_do_nothing().returning(NOTIFICATIONS.c.number)).first()
        if number is not None and notification.alerts:
            about = select(literal(number), ALERTS.c.fingerprint, ALERTS.c.episode).where(ALERTS.c.fingerprint.in_(notification.alerts))
            columns = ["notification", "fingerprint", "episode"]
            connection.execute(NOTIFICATION_ALERTS.insert().from_select(columns, about))

    def _claim(self, connection: Connection, evaluation: Evaluation) -> int | None:
        observed = observed_row(evaluation.basis.observed) if evaluation.basis else None
        insert = self.insert(EVALUATIONS).values(evaluation_row(evaluation, observed)).on_conflict_do_nothing()
        number: int | None = connection.scalars(insert.returning(EVALUATIONS.c.number)).first()
        return number

    def _store_alerts(self, connection: Connection, evaluation: Evaluation) -> None:
        """Write the states. What others may have set meanwhile (delivery, acknowledgement) is kept for as long as the episode lasts."""
        rows = [alert_row(alert) for alert in evaluation.alerts.values()]
        if rows:
            insert = self.insert(ALERTS)
            new = insert.excluded
            same = ALERTS.c.episode == new.episode
            values = {name: new[name] for name in rows[0] if name != "fingerprint"}
            values["notified_at"] = case((same, ALERTS.c.notified_at), else_=new.notified_at)
            still = same & (new.state == AlertState.FIRING.value) & (_rank(new.severity) <= _rank(ALERTS.c.severity))
            values["acknowledged_by"] = case((still, ALERTS.c.acknowledged_by), else_=new.acknowledged_by)
            connection.execute(insert.on_conflict_do_update(index_elements=["fingerprint"], set_=values), rows)
        gone = {t.alert.identity for t in evaluation.transitions if t.after is AlertState.RESOLVED and t.alert.firing_since is None}
        for identity in gone:
            connection.execute(delete(ALERTS).where(ALERTS.c.fingerprint == identity.fingerprint))

    def _store_health(self, connection: Connection, evaluation: Evaluation) -> None:
        """How each rule fared: one statement for those that were evaluated, one for those that failed."""
        insert = self.insert(RULE_HEALTH)
        well = {name: insert.excluded[name] for name in ("last_ok", "failures", "last_error", "unknown")}
        failed = {"failures": RULE_HEALTH.c.failures + 1, "last_error": insert.excluded.last_error}
        for is_failure, changes in ((False, well), (True, failed)):
            rows = [health_row(result, evaluation.instant) for result in evaluation.results if bool(result.error) is is_failure]
            if rows:
                connection.execute(insert.on_conflict_do_update(index_elements=["rule"], set_=changes), rows)


def _check_unchanged(connection: Connection, transitions: Sequence[Transition]) -> None:
    """Each alert must still be in the state that its first transition starts from."""
    expected: dict[str, Transition] = {}
    for transition in transitions:
        expected.setdefault(transition.alert.identity.fingerprint, transition)
    if not expected:
        return
    rows = connection.execute(select(ALERTS.c.fingerprint, ALERTS.c.state).where(ALERTS.c.state.in_(OPEN)))
    stored = {row.fingerprint: row.state for row in rows}
    for fingerprint, transition in expected.items():
        before = transition.before.value if transition.before in (AlertState.PENDING, AlertState.FIRING) else None
        if stored.get(fingerprint) != before:
            name = transition.alert.identity
            raise StateError(
                Text(f"another storewatch process changed the alert {name} meanwhile", f"另一个 storewatch 进程同时改动了告警 {name}"),
                Text("nothing was stored; run it again", "本次结果没有写入，请重新运行"),
            )


def _rank(severity: ColumnElement[str]) -> ColumnElement[int]:
    return case(*((severity == each.value, each.rank) for each in Severity), else_=0)


def _newest(connection: Connection) -> int:
    return connection.scalar(select(func.max(NOTIFICATIONS.c.number))) or 0


def _exchange(connection: Connection, before: set[Held], now: set[Held]) -> None:
    """Forget what is no longer held, and note what is from now on."""
    gone = [held.number for held in before - now]
    deleted = sum(
        connection.execute(delete(HELD).where(HELD.c.number.in_(gone[start : start + CHUNK]))).rowcount
        for start in range(0, len(gone), CHUNK)
    )
    if deleted != len(gone):
        raise StateError(
            Text("another storewatch process told what was waiting meanwhile", "另一个 storewatch 进程同时发出了等待中的消息"),
            Text("nothing was stored; run it again", "本次结果没有写入，请重新运行"),
        )
    _insert_all(connection, HELD, [held_row(held) for held in sorted(now - before, key=lambda held: (held.since, held.identity))])


def _insert_all(connection: Connection, table: Table, rows: list[dict[str, object]]) -> None:
    if rows:
        connection.execute(table.insert(), rows)
