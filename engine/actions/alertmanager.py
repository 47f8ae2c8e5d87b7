"""Alerts to Prometheus Alertmanager (``POST /api/v2/alerts``), which groups, silences and sends them on by its own rules.

An alert that fires is sent with an end in the future, ``expires`` after the message, and each reminder moves it; one that is over is sent
with the end it had. Severity is a label, and labels are what an alert *is* to Alertmanager: with each message the alert's twins of other
severities are ended, so that one whose severity changed is not there twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from engine.actions.payloads import annotations_of, as_json, instant, labels
from engine.actions.surroundings import Surroundings, address_of, secret_of, trusted
from engine.actions.web import Request, WebSender, answer_outcome
from engine.actions.webhook import USER_AGENT, login_headers
from engine.model import Item, Message, Notification, Rendered, Severity, State
from engine.routing import Recipient
from engine.routing.web_channels import AlertmanagerChannel
from engine.sending import Sender
from engine.views import entry
from engine.wording import Writer, zone_of

PATH = "/api/v2/alerts"
NOTICE_LASTS = timedelta(hours=1)


def alertmanager_sender(channel: AlertmanagerChannel, surroundings: Surroundings) -> Sender:
    """Raises :class:`~engine.errors.UsageError` when something that the channel names is not there."""
    address, login = address_of(channel, surroundings), login_headers(channel, surroundings)
    headers = {name: value.reveal() for name, value in login.items()} | {"Content-Type": "application/json", "User-Agent": USER_AGENT}

    def request(notification: Notification) -> Request:
        return Request(address.reveal().rstrip("/") + PATH, headers, notification.payload)

    secrets = (*login.values(), *filter(None, [secret_of(channel, key, surroundings) for key in ("password", "bearer")]))
    return WebSender(address, request, answer_outcome, channel.timeout, surroundings.now, trusted(channel, surroundings), secrets)


def alertmanager_bytes(channel: AlertmanagerChannel, message: Message, rendered: Rendered, recipient: Recipient, _: str | None) -> bytes:
    if not message.items:
        return as_json([_notice(message, rendered)])
    writer = Writer(recipient.language, zone_of(message.time_zone))
    return as_json([alert for item in message.items for alert in _alerts(item, message, writer, channel)])


def label_name(name: str) -> str:
    """A name that Prometheus takes: other characters by their code (``店铺`` is ``u5e97u94fa``)."""
    made = "".join(char if re.match(r"[A-Za-z0-9_]", char) else f"u{ord(char):x}" if not char.isascii() else "_" for char in name)
    made = re.sub(r"^_+", "", made)
    return made if re.match(r"[A-Za-z]", made) else f"x_{made}"


def _alerts(item: Item, message: Message, writer: Writer, channel: AlertmanagerChannel) -> Iterator[dict[str, object]]:
    """The alert, and its ended twins of other severities."""
    alert = item.transition.alert
    told = entry(item, message.at, writer)
    known = {label_name(name): value for name, value in labels(item, message).items()}
    start = alert.firing_since or alert.pending_since
    over = item.transition.after is State.RESOLVED
    end = (told.ended or message.at) if over else message.at + channel.expires
    yield _alert(known, annotations_of(told), start, end, channel)
    for severity in Severity:
        if severity is not alert.severity:
            yield _alert(known | {"severity": severity.value}, {}, start, (told.ended or message.at) if over else message.at, channel)


def _alert(known: dict[str, str], texts: dict[str, str], start: datetime, end: datetime, channel: AlertmanagerChannel) -> dict[str, object]:
    link = {"generatorURL": channel.external_url} if channel.external_url else {}
    return {"labels": known, "annotations": texts, "startsAt": instant(min(start, end)), "endsAt": instant(end), **link}


def _notice(message: Message, rendered: Rendered) -> dict[str, object]:
    """A message that is of no alert: that another could not be delivered."""
    known = {"alertname": "storewatch_notice", "severity": "warning", "thread": message.thread}
    texts = {"summary": rendered.subject, "description": rendered.text}
    return {"labels": known, "annotations": texts, "startsAt": instant(message.at), "endsAt": instant(message.at + NOTICE_LASTS)}
