"""The channels: a literal table from the ``type`` in ``channels.yaml`` to what sends over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from engine.actions.console import ConsoleSender
from engine.actions.email import SmtpSender
from engine.actions.mime import compose as compose_mail
from engine.actions.mime import message_id_for
from engine.errors import Secret, Text, UsageError
from engine.fields import Strict
from engine.model import Message, Notification, Rendered, Sender
from engine.outbox import Limits
from engine.routing import Channel, Channels, ConsoleChannel, EmailChannel, Recipient


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What channels may take from outside the file: the project's folder, environment variables, where a console channel writes (None:
    nowhere)."""

    folder: Path
    environ: Mapping[str, str]
    stdout: TextIO | None


@dataclass(frozen=True, slots=True)
class ChannelType:
    """One kind of channel: the model of its options, an example of them, how its sender is made (may raise UsageError), and how the
    bytes of a notification are: from the options, the message as rendered, who gets it, and the id of the notification it answers."""

    options: type[Strict]
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
        payload=TYPES[channel.type].payload(channel, message, rendered, recipient, answers),
        created_at=message.at,
        alerts=tuple(dict.fromkeys(item.transition.alert.identity.fingerprint for item in message.items)),
    )


def senders(channels: Channels, surroundings: Surroundings) -> dict[str, Sender]:
    """A sender for each channel, by the channel's name. Raises :class:`UsageError` when a password or a file it names is not there."""
    return {name: TYPES[channel.type].build(channel, surroundings) for name, channel in channels.channels.items()}


def limits(channels: Channels) -> Limits:
    """What each channel may send in a while, for :func:`engine.outbox.deliver`."""
    return {name: channel.limits for name, channel in channels.channels.items() if channel.limits}


def secret_of(channel: EmailChannel, surroundings: Surroundings) -> Secret | None:
    """The password that the channel names, or None when it names none. Raises :class:`UsageError`."""
    if channel.password_env:
        value = surroundings.environ.get(channel.password_env)
        if not value:
            name = channel.password_env
            text = Text(f"the environment variable {name} is not set", f"没有设置环境变量 {name}")
            raise UsageError(
                text, Text("channels.yaml takes a password from it (password_env)", "channels.yaml 的 password_env 要从中读取密码")
            )
        return Secret(value)
    if channel.password_file:
        return Secret(_read(surroundings.folder / channel.password_file).strip())
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        text = Text(f"{path} cannot be read: {reason}", f"无法读取 {path}：{reason}")
        raise UsageError(text, Text("channels.yaml names this file", "channels.yaml 里写了这个文件")) from None


def _email(channel: EmailChannel, surroundings: Surroundings) -> Sender:
    ca_file = surroundings.folder / channel.ca_file if channel.ca_file else None
    if ca_file:
        _read(ca_file)
    return SmtpSender(channel, secret_of(channel, surroundings), ca_file)


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
    "console": ChannelType(ConsoleChannel, {"type": "console"}, _console, _plain_text),
}
