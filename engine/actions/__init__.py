"""The channels: a literal table from the ``type`` in ``channels.yaml`` to what sends over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.actions.alertmanager import alertmanager_bytes, alertmanager_sender
from engine.actions.apprise import apprise_bytes, apprise_sender
from engine.actions.console import ConsoleSender
from engine.actions.email import SmtpSender
from engine.actions.jsonl import JsonlSender, jsonl_bytes
from engine.actions.mime import compose as compose_mail
from engine.actions.mime import message_id_for
from engine.actions.robots import (
    DINGTALK,
    DINGTALK_PAUSE,
    FEISHU,
    WECOM,
    dingtalk_bytes,
    feishu_bytes,
    robot,
    sign_dingtalk,
    sign_feishu,
    unsigned,
    wecom_bytes,
)
from engine.actions.surroundings import Surroundings, secret_of, trusted
from engine.actions.webhook import webhook_bytes, webhook_sender
from engine.model import Message, Notification, Rendered
from engine.outbox import Limits
from engine.routing import Channel, Channels, ConsoleChannel, EmailChannel, Recipient
from engine.routing.channel_options import ChannelOptions
from engine.routing.channel_types import JsonlChannel
from engine.routing.plugins import plugin
from engine.routing.web_channels import (
    AlertmanagerChannel,
    AppriseChannel,
    DingtalkChannel,
    FeishuChannel,
    WebhookChannel,
    WecomChannel,
)
from engine.sending import Sender


@dataclass(frozen=True, slots=True)
class ChannelType:
    """One kind of channel: the model of its options, an example of them, how its sender is made (may raise UsageError), and how the
    bytes of a notification are: from the options, the message as rendered, who gets it, and the id of the notification it answers."""

    options: type[ChannelOptions]
    example: Mapping[str, object]
    build: Callable[[Any, Surroundings], Sender]
    payload: Callable[[Any, Message, Rendered, Recipient, str | None], bytes]


def compose(channel: Channel, message: Message, rendered: Rendered, recipient: Recipient, answers: str | None = None) -> Notification:
    """The message as it will leave over the channel. ``answers`` is the id of the first notification to this recipient in the
    thread (:meth:`engine.state.State.thread_started`), None when this is the first."""
    return Notification(
        id=message.id,
        channel=recipient.channel,
        recipient=recipient.address,
        thread=message.thread,
        subject=rendered.subject,
        payload=type_of(channel).payload(channel, message, rendered, recipient, answers),
        created_at=message.at,
        alerts=tuple(dict.fromkeys(item.transition.alert.identity.fingerprint for item in message.items)),
    )


def senders(channels: Channels, surroundings: Surroundings) -> dict[str, Sender]:
    """A sender for each channel, by the channel's name. Raises :class:`UsageError` when a password or a file it names is not there."""
    return {name: type_of(channel).build(channel, surroundings) for name, channel in channels.channels.items()}


def type_of(channel: Channel) -> ChannelType:
    """The type of a channel that has been read: built in, or of another package."""
    found: ChannelType = TYPES.get(channel.type) or plugin(channel.type)
    return found


def limits(channels: Channels) -> Limits:
    """What each channel may send in a while, for :func:`engine.outbox.deliver`."""
    return {name: channel.limits for name, channel in channels.channels.items() if channel.limits}


def _email(channel: EmailChannel, surroundings: Surroundings) -> Sender:
    return SmtpSender(channel, secret_of(channel, "password", surroundings), trusted(channel, surroundings))


def _mail(channel: EmailChannel, message: Message, rendered: Rendered, recipient: Recipient, answers: str | None) -> bytes:
    domain = channel.sender_address.rpartition("@")[2]
    return compose_mail(
        rendered,
        sender=channel.from_,
        recipients=[recipient.address],
        message_id=message_id_for(message.id, recipient.address, domain),
        date=message.at,
        in_reply_to=message_id_for(answers, recipient.address, domain) if answers else "",
        headers={"X-Storewatch-Alert": ", ".join(sorted({item.rule.name for item in message.items}))},
    )


def _console(_: ConsoleChannel, surroundings: Surroundings) -> Sender:
    return ConsoleSender(surroundings.stdout)


def _jsonl(channel: JsonlChannel, surroundings: Surroundings) -> Sender:
    return JsonlSender(surroundings.folder / channel.path)


def _plain_text(_: ConsoleChannel, __: Message, rendered: Rendered, ___: Recipient, ____: str | None) -> bytes:
    return f"{rendered.subject}\n\n{rendered.text}".encode("utf-8", "replace")


TYPES: Mapping[str, ChannelType] = {
    "email": ChannelType(
        EmailChannel,
        {
            "type": "email",
            "host": "smtp.example.com",
            "port": 587,
            "security": "starttls",
            "username": "storewatch@example.com",
            "password_env": "STOREWATCH_SMTP_PASSWORD",
            "from": "Store watch <storewatch@example.com>",
        },
        _email,
        _mail,
    ),
    "webhook": ChannelType(
        WebhookChannel,
        {"type": "webhook", "url": "https://example.com/storewatch", "secret_env": "STOREWATCH_WEBHOOK_SECRET"},
        webhook_sender,
        webhook_bytes,
    ),
    "dingtalk": ChannelType(
        DingtalkChannel,
        {"type": "dingtalk", "url_env": "DINGTALK_URL", "secret_env": "DINGTALK_SECRET"},
        robot(DINGTALK, sign_dingtalk, DINGTALK_PAUSE),
        dingtalk_bytes,
    ),
    "wecom": ChannelType(WecomChannel, {"type": "wecom", "url_env": "WECOM_URL"}, robot(WECOM, unsigned), wecom_bytes),
    "feishu": ChannelType(
        FeishuChannel,
        {"type": "feishu", "url_env": "FEISHU_URL", "secret_env": "FEISHU_SECRET"},
        robot(FEISHU, sign_feishu),
        feishu_bytes,
    ),
    "apprise": ChannelType(AppriseChannel, {"type": "apprise", "url_env": "APPRISE_URL"}, apprise_sender, apprise_bytes),
    "alertmanager": ChannelType(
        AlertmanagerChannel, {"type": "alertmanager", "url": "http://127.0.0.1:9093"}, alertmanager_sender, alertmanager_bytes
    ),
    "jsonl": ChannelType(JsonlChannel, {"type": "jsonl", "path": "sent.jsonl"}, _jsonl, jsonl_bytes),
    "console": ChannelType(ConsoleChannel, {"type": "console"}, _console, _plain_text),
}

__all__ = ["TYPES", "ChannelType", "Surroundings", "compose", "limits", "senders", "type_of"]
