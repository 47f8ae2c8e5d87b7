"""Any service that Apprise knows. It tells only whether a message was taken, so that is all we know; see docs/decisions."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from engine.actions.payloads import as_json
from engine.actions.surroundings import Surroundings, secret_of
from engine.errors import Text, UsageError
from engine.model import Message, Notification, Rendered
from engine.routing import Recipient
from engine.routing.web_channels import AppriseChannel
from engine.sending import Delivery, Outcome, Send, Sender

INSTALL = Text("install it with: pip install 'storewatch[chat]'", "请安装：pip install 'storewatch[chat]'")

for _name in ("apprise", "urllib3.connectionpool"):  # they log addresses, and addresses hold tokens
    logging.getLogger(_name).addFilter(lambda _: False)


@dataclass(frozen=True, slots=True)
class AppriseSender:
    service: Any
    """An ``apprise.Apprise`` with one service."""

    @contextmanager
    def session(self) -> Iterator[Send]:
        yield self._send

    def _send(self, notification: Notification) -> Outcome:
        message = json.loads(notification.payload)
        if self.service.notify(body=message["body"], title=message["title"]):
            return Outcome(Delivery.DELIVERED, "accepted")
        return Outcome(Delivery.TRY_LATER, "service_refused", "Apprise does not tell why")


def apprise_sender(channel: AppriseChannel, surroundings: Surroundings) -> Sender:
    """Raises :class:`~engine.errors.UsageError` when Apprise is not installed or does not know the address."""
    try:
        import apprise  # an extra, and heavy
    except ModuleNotFoundError:
        text = Text("channels of type apprise need Apprise, which is not installed", "apprise 渠道需要先安装 Apprise")
        raise UsageError(text, INSTALL) from None
    address = secret_of(channel, "url", surroundings)
    service = apprise.Apprise()
    if address is None or not service.add(address.reveal()):
        place = channel.url_env or channel.url_file
        raise UsageError(Text(f"{place} does not hold an address that Apprise knows", f"{place} 的内容不是 Apprise 认识的地址"), None)
    return AppriseSender(service)


def apprise_bytes(_: AppriseChannel, message: Message, rendered: Rendered, recipient: Recipient, __: str | None) -> bytes:
    return as_json({"title": rendered.subject, "body": rendered.text})
