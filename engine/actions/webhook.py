"""Signed JSON to a web address of the owner's choice."""

from __future__ import annotations

import base64
import hashlib
import hmac

from engine.actions.payloads import as_json, webhook_payload
from engine.actions.surroundings import Surroundings, address_of, from_variable, secret_of, trusted
from engine.actions.web import Request, WebSender, answer_outcome
from engine.errors import Secret
from engine.model import Message, Notification, Rendered
from engine.routing import Recipient
from engine.routing.web_channels import AlertmanagerChannel, WebhookChannel
from engine.sending import Sender

USER_AGENT = "storewatch"


def webhook_sender(channel: WebhookChannel, surroundings: Surroundings) -> Sender:
    """Raises :class:`~engine.errors.UsageError` when something that the channel names is not there."""
    address, key = address_of(channel, surroundings), secret_of(channel, "secret", surroundings)
    headers = login_headers(channel, surroundings)
    headers |= {name: from_variable(variable, "headers_env", surroundings) for name, variable in channel.headers_env.items()}

    def request(notification: Notification) -> Request:
        timestamp = str(int(surroundings.now().timestamp()))
        fixed = {"Content-Type": "application/json", "User-Agent": USER_AGENT, "Idempotency-Key": notification.id}
        signed = {"X-Storewatch-Timestamp": timestamp}
        if key:
            signed["X-Storewatch-Signature"] = signature(key, timestamp, notification.payload)
        own = {name: value.reveal() for name, value in headers.items()}
        return Request(address.reveal(), fixed | signed | own, notification.payload)

    logins = (secret_of(channel, name, surroundings) for name in ("password", "bearer"))
    secrets = (*headers.values(), *filter(None, (key, *logins)))
    return WebSender(address, request, answer_outcome, channel.timeout, surroundings.now, trusted(channel, surroundings), secrets)


def webhook_bytes(channel: WebhookChannel, message: Message, rendered: Rendered, recipient: Recipient, _: str | None) -> bytes:
    return as_json(webhook_payload(message, rendered, recipient, channel.external_url))


def signature(secret: Secret, timestamp: str, body: bytes) -> str:
    """``sha256=`` and the HMAC of timestamp, dot and body, in hexadecimal."""
    return "sha256=" + hmac.new(secret.reveal().encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def login_headers(channel: WebhookChannel | AlertmanagerChannel, surroundings: Surroundings) -> dict[str, Secret]:
    """The ``Authorization`` header, where the channel has a login."""
    if bearer := secret_of(channel, "bearer", surroundings):
        return {"Authorization": Secret(f"Bearer {bearer.reveal()}")}
    password = secret_of(channel, "password", surroundings)
    if channel.username and password:
        pair = base64.b64encode(f"{channel.username}:{password.reveal()}".encode()).decode()
        return {"Authorization": Secret(f"Basic {pair}")}
    return {}
