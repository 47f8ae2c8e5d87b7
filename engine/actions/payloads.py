"""A message as data: what webhooks and files of JSON lines carry. The outer form is that of Alertmanager's webhooks, version 4
(https://prometheus.io/docs/alerting/latest/configuration/#webhook_config); what is our own stands in objects called ``storewatch``."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from engine.model import Item, Message, Rendered, Shown, State, Value
from engine.routing import Recipient, labels_of
from engine.views import Cell, Entry, entry
from engine.wording import Writer, clean, zone_of

NEVER = "0001-01-01T00:00:00Z"  # what Alertmanager writes for "not ended"


def as_json(data: object) -> bytes:
    """One line of JSON in UTF-8; texts that are no Unicode (lone surrogates) are made so."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8", "replace")


def webhook_payload(message: Message, rendered: Rendered, recipient: Recipient, external_url: str = "") -> dict[str, object]:
    """The message for programs. Its alerts are all that the message tells of; ``truncatedAlerts`` says how many it leaves out."""
    writer = Writer(recipient.language, zone_of(message.time_zone))
    alerts = [_alert(item, message, writer, external_url) for item in message.items]
    return {
        "version": "4",
        "groupKey": message.thread,
        "truncatedAlerts": message.omitted,
        "status": "firing" if any(alert["status"] == "firing" for alert in alerts) else "resolved",
        "receiver": recipient.channel,
        "groupLabels": named(message.labels),
        "commonLabels": _common([alert["labels"] for alert in alerts]),
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": external_url,
        "alerts": alerts,
        "storewatch": {
            "id": message.id,
            "thread": message.thread,
            "at": instant(message.at),
            "language": recipient.language,
            "first": message.first,
            "drill": message.drill,
            "subject": rendered.subject,
            "text": rendered.text,
        },
    }


def named(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels as Prometheus users know them: the rule's name is ``alertname``."""
    return {("alertname" if name == "alert" else name): clean(value, 1_000) for name, value in labels.items()}


def labels(item: Item, message: Message) -> dict[str, str]:
    """The labels of one alert, those that are empty left out."""
    drill = {"drill": "true"} if message.drill else {}
    return {name: value for name, value in named(labels_of(item.transition.alert, item.rule) | drill).items() if value}


def annotations_of(told: Entry) -> dict[str, str]:
    """What people read of one alert."""
    values = "; ".join(f"{cell.label}: {cell.text}" for cell in told.shown)
    texts = {"summary": f"{told.store} · {told.title}", "description": values, "advice": "\n".join(told.advice), "when": told.when}
    return {name: text for name, text in texts.items() if text}


def instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _alert(item: Item, message: Message, writer: Writer, external_url: str) -> dict[str, object]:
    alert, told = item.transition.alert, entry(item, message.at, writer)
    firing = item.transition.after is not State.RESOLVED
    return {
        "status": "firing" if firing else "resolved",
        "labels": labels(item, message),
        "annotations": annotations_of(told),
        "startsAt": instant(alert.firing_since or alert.pending_since),
        "endsAt": NEVER if firing else instant(told.ended or message.at),
        "generatorURL": external_url,
        "fingerprint": alert.identity.fingerprint,
        "storewatch": {
            "episode": alert.episode,
            "severity": alert.severity.value,
            "kind": told.kind,
            "reason": told.reason,
            "rule": alert.identity.rule,
            "key": list(alert.identity.key),
            "store": told.store,
            "store_id": told.store_id,
            "owner": told.owner,
            "acknowledged_by": told.acknowledged_by,
            "shown": _values(item.current or alert.shown, told.shown),
            "outdated": told.outdated,
            "evidence": [_values(row, cells) for row, cells in zip(alert.evidence, told.evidence, strict=False)],
            "as_of": instant(item.as_of) if item.as_of else None,
        },
    }


def _values(values: Iterable[Shown], cells: Iterable[Cell]) -> list[dict[str, object]]:
    return [
        {"label": cell.label, "value": plain_value(shown.value), "unit": shown.unit, "text": cell.text}
        for shown, cell in zip(values, cells, strict=False)
    ]


def plain_value(value: Value) -> object:
    """A value as JSON has it: instants and dates in ISO 8601, durations in seconds, numbers that are none as text."""
    if isinstance(value, datetime):
        return instant(value) if value.tzinfo else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, float | Decimal):
        number = float(value)
        return number if math.isfinite(number) else str(value)
    return clean(value, 2_000) if isinstance(value, str) else value


def _common(several: list[object]) -> dict[str, str]:
    """What all of them agree on."""
    first, *rest = [each for each in several if isinstance(each, dict)] or [{}]
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in rest)}
