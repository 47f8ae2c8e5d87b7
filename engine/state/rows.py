"""How evaluations, alerts and transitions are written as rows, and read back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from engine.errors import Text
from engine.model import Alert, Identity, Member, Notification, Reason, RuleResult, Severity, Transition
from engine.model import State as AlertState
from engine.routing import Held, Hold, Suppressed
from engine.state.values import Evaluation, Event, RuleHealth
from engine.state_tables import shown_from_json, shown_to_json

_SAME = (
    "store_id",
    "pending_since",
    "last_true",
    "firing_since",
    "resolved_at",
    "notified_at",
    "episode",
    "acknowledged_by",
    "not_true_since",
    "owner",
    "closed_by",
)
"""Fields of an alert that are stored as they are."""


def _identity_row(identity: Identity) -> dict[str, object]:
    return {"fingerprint": identity.fingerprint, "rule": identity.rule, "key": list(identity.key)}


def _words(identity: Identity) -> list[object]:
    return [identity.rule, list(identity.key)]


def _identity(rule: str, key: list[str]) -> Identity:
    return Identity(rule, tuple(key))


def alert_row(alert: Alert) -> dict[str, object]:
    return {
        **_identity_row(alert.identity),
        **{name: getattr(alert, name) for name in _SAME},
        "state": alert.state.value,
        "severity": alert.severity.value,
        "shown": shown_to_json(alert.shown),
        "evidence": [shown_to_json(row) for row in alert.evidence],
        "members": [[*_words(member.identity), member.binding, member.explained, member.raised] for member in alert.members],
        "explained_by": _words(alert.explained_by) if alert.explained_by else None,
    }


def alert_of(row: Row[Any]) -> Alert:
    return Alert(
        identity=Identity(row.rule, tuple(row.key)),
        state=AlertState(row.state),
        severity=Severity(row.severity),
        shown=shown_from_json(row.shown),
        evidence=tuple(map(shown_from_json, row.evidence)),
        members=tuple(Member(_identity(rule, key), *rest) for rule, key, *rest in row.members),
        explained_by=_identity(*row.explained_by) if row.explained_by else None,
        **{name: getattr(row, name) for name in _SAME},
    )


def transition_row(evaluation: int, transition: Transition) -> dict[str, object]:
    return {
        **_identity_row(transition.alert.identity),
        "evaluation": evaluation,
        "episode": transition.alert.episode,
        "before": transition.before.value if transition.before else None,
        "after": transition.after.value,
        "reason": transition.reason.value,
        "severity": transition.alert.severity.value,
        "at": transition.at,
        "shown": shown_to_json(transition.alert.shown),
    }


def event_of(row: Row[Any]) -> Event:
    return Event(
        Identity(row.rule, tuple(row.key)),
        row.episode,
        AlertState(row.before) if row.before else None,
        AlertState(row.after),
        Reason(row.reason),
        Severity(row.severity),
        row.at,
        shown_from_json(row.shown),
    )


def suppressed_row(evaluation: int, at: datetime, item: Suppressed) -> dict[str, object]:
    return {
        "evaluation": evaluation,
        "fingerprint": item.identity.fingerprint,
        "at": at,
        "reason": item.reason.value,
        "route": item.route,
    }


def held_row(held: Held) -> dict[str, object]:
    return {
        **_identity_row(held.identity),
        **{name: getattr(held, name) for name in ("episode", "route", "at", "since", "until", "owed")},
        "group_key": held.group,
        "before": held.before.value if held.before else None,
        "after": held.after.value,
        "reason": held.reason.value,
        "hold": held.hold.value,
    }


def held_of(row: Row[Any]) -> Held:
    return Held(
        Identity(row.rule, tuple(row.key)),
        row.episode,
        row.group_key,
        row.route,
        AlertState(row.before) if row.before else None,
        AlertState(row.after),
        Reason(row.reason),
        row.at,
        Hold(row.hold),
        row.since,
        row.until,
        row.owed,
        row.number,
    )


def health_of(row: Row[Any]) -> RuleHealth:
    return RuleHealth(row.rule, row.last_ok, row.failures, Text(*row.last_error) if row.last_error else None, row.unknown)


def evaluation_row(evaluation: Evaluation, observed: object = None) -> dict[str, object]:
    return {
        "schedule": evaluation.schedule,
        "instant": evaluation.instant,
        "rules": [result.rule for result in evaluation.results],
        "started": evaluation.started,
        "finished": evaluation.finished,
        "judged": sum(result.judged for result in evaluation.results),
        "transitions": len(evaluation.transitions),
        "notifications": len(evaluation.notifications),
        "version": evaluation.basis.version if evaluation.basis else "",
        "observed": observed,
    }


def notification_row(notification: Notification) -> dict[str, object]:
    names = ("id", "channel", "recipient", "thread", "subject", "payload", "created_at")
    return {name: getattr(notification, name) for name in names} | {"state": "queued", "attempts": 0, "category": "", "detail": ""}


def health_row(result: RuleResult, at: datetime) -> dict[str, object]:
    """The health of a rule at its first evaluation."""
    error = result.error
    return {
        "rule": result.rule,
        "last_ok": None if error else at,
        "failures": 1 if error else 0,
        "last_error": [error.en, error.zh] if error else None,
        "unknown": result.unknown_count,
    }
