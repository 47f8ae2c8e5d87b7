"""Which alerts fired at an instant in the past, as far as stored transitions tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Select, func, or_, select

from engine.model import Alert, Identity
from engine.model import State as AlertState
from engine.state.database import Database
from engine.state.rows import alert_of, event_of
from engine.state.values import Event
from engine.state_tables import ALERTS, TRANSITIONS

FIRING = AlertState.FIRING.value
T = TRANSITIONS.c


def firing_at(database: Database, at: datetime) -> dict[Identity, Alert]:
    """The alerts that fired at ``at``, with the severity that they had then.

    Values are stored with transitions, so those of an alert that went on are of its last change until then; those of one that was not
    seen later than ``at`` are the newest. Raises :class:`~engine.errors.StateError`.
    """
    last = _events(_newest(at))
    began = _events(_newest(at).where(T.after == FIRING, or_(T.before.is_(None), T.before != FIRING)))
    with database.reading() as connection:
        alerts = [alert_of(row) for row in connection.execute(select(ALERTS))]
        newest = {event.identity: event for event in map(event_of, connection.execute(last)) if event.after is AlertState.FIRING}
        first = {event.identity: event for event in map(event_of, connection.execute(began))}
    return {alert.identity: _then(alert, newest[alert.identity], first, at) for alert in alerts if alert.identity in newest}


def _newest(at: datetime) -> Select[tuple[int]]:
    """The number of the last transition of each alert until ``at``."""
    return select(func.max(T.number)).where(T.at <= at).group_by(T.fingerprint)


def _events(numbers: Select[tuple[int]]) -> Select[tuple[object, ...]]:
    return select(TRANSITIONS).where(T.number.in_(numbers))


def _then(alert: Alert, last: Event, began: dict[Identity, Event], at: datetime) -> Alert:
    if alert.state is AlertState.FIRING and alert.last_true <= at and alert.episode == last.episode:
        return alert
    since = began.get(alert.identity, last).at
    pending = alert.pending_since if alert.episode == last.episode else since
    return replace(
        alert,
        state=AlertState.FIRING,
        severity=last.severity,
        shown=last.shown,
        episode=last.episode,
        firing_since=since,
        pending_since=min(pending, since),
        last_true=min(alert.last_true, at),
        resolved_at=None,
    )
