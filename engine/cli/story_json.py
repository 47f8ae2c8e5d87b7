"""Stories of alerts as JSON, with raw values."""

from __future__ import annotations

from engine.cli.reasons import HOLDS, SUPPRESSIONS
from engine.cli.stories import Outlook, Story
from engine.model import Alert, RuleInfo
from engine.model import State as AlertState
from engine.outbox import Letter
from engine.routing import Held
from engine.wording import REASONS


def story_json(story: Story) -> dict[str, object]:
    """Everything of a story, with raw values."""
    alert = story.alert
    return {
        "alert": None if alert is None else alert_json(alert, story.info),
        "history": [
            {
                "at": event.at,
                "before": event.before,
                "after": event.after,
                "reason": event.reason,
                "reason_text": REASONS[event.reason],
                "severity": event.severity,
                "episode": event.episode,
                "values": {item.label.en: item.value for item in event.shown},
            }
            for event in story.events
        ],
        "messages": [letter_json(letter) for letter in story.letters],
        "suppressed": [
            {"at": at, "reason": reason, "reason_text": SUPPRESSIONS[reason], "route": route or None}
            for at, reason, route in story.suppressed
        ],
        "people": [
            {"at": deed.at, "act": deed.act, "by": deed.author, "comment": deed.comment, "episode": deed.episode} for deed in story.deeds
        ],
        "held": [held_json(each) for each in story.held],
        "last_evaluated": story.health.last_ok if story.health else None,
        "failures": story.health.failures if story.health else 0,
    }


def alert_json(alert: Alert, info: RuleInfo) -> dict[str, object]:
    return {
        "state": alert.state,
        "severity": alert.severity,
        "store_id": alert.store_id,
        "episode": alert.episode,
        "pending_since": alert.pending_since,
        "fires_at": alert.pending_since + info.hold if alert.state is AlertState.PENDING else None,
        "firing_since": alert.firing_since,
        "last_true": alert.last_true,
        "not_true_since": alert.not_true_since,
        "kept_until": alert.not_true_since + info.keep_firing if alert.not_true_since else None,
        "resolved_at": alert.resolved_at,
        "notified_at": alert.notified_at,
        "acknowledged_by": alert.acknowledged_by or None,
        "closed_by": alert.closed_by or None,
        "explained_by": str(alert.explained_by) if alert.explained_by else None,
        "members": [str(member.identity) for member in alert.members],
    }


def held_json(held: Held) -> dict[str, object]:
    return {
        "route": held.route,
        "state": held.after,
        "reason": held.reason,
        "at": held.at,
        "hold": held.hold,
        "hold_text": HOLDS[held.hold],
        "since": held.since,
        "until": held.until,
    }


def letter_json(letter: Letter) -> dict[str, object]:
    about = letter.notification
    return {
        "id": about.id,
        "channel": about.channel,
        "recipient": about.recipient,
        "subject": about.subject,
        "state": letter.state,
        "attempts": letter.attempts,
        "created_at": about.created_at,
        "delivered_at": letter.delivered_at,
        "next_attempt_at": letter.next_attempt_at,
        "category": letter.category,
        "detail": letter.detail,
    }


def outlook_json(outlook: Outlook) -> dict[str, object]:
    move = outlook.move
    return {
        "would_become": move.after if move else None,
        "reason": move.reason if move else None,
        "state_is_newer": outlook.late,
        "labels": outlook.labels,
        "as_severity": outlook.severity,
        "routes": list(outlook.routes),
        "recipients": [
            {
                "route": each.route.name,
                "receiver": each.route.receiver,
                "channel": to.channel,
                "address": to.address,
                "language": to.language,
            }
            for each in outlook.plans
            for to in each.recipients
        ],
    }
