"""The very messages of a replay, as a page can show them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import groupby

from engine.actions.robots import markdown_in
from engine.model import Notification
from engine.replay import Clerk, Sent
from engine.routing import EmailChannel

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message: its subject ('' where it has none), and its HTML with the pictures inside, or its text."""

    subject: str
    html: str
    text: str


def letters(clerk: Clerk, sent: Sequence[Sent], most: int, progress: Progress = lambda done, planned: None) -> list[Letter | None]:
    """The message of each of ``sent`` (in the order of time), in that order. What several people are told at once over one channel in one
    language is written once; after ``most`` that were written there are None.

    Raises :class:`~engine.errors.SnapshotError` where a batch went away.
    """
    made: dict[tuple[str, str, str], Letter] = {}
    found: list[Letter | None] = []
    for _, group in groupby(sent, key=lambda each: each.at):
        fellows = list(group)
        new = {_key(each): each for each in fellows if _key(each) not in made}
        chosen = dict(list(new.items())[: most - len(made)])
        written = clerk.write_all(list(chosen.values()))
        made |= {key: letter_of(notification, clerk) for key, notification in zip(chosen, written, strict=True)}
        found += [made.get(_key(each)) for each in fellows]
        progress(len(found), len(sent))
    return found


def _key(sent: Sent) -> tuple[str, str, str]:
    return (sent.plan.id, sent.recipient.channel, sent.recipient.language)


def letter_of(notification: Notification, clerk: Clerk) -> Letter:
    """What the bytes of a notification say: a mail's HTML part, a chat's markdown, else the JSON or text as it leaves."""
    if isinstance(clerk.project.channels.channels[notification.channel], EmailChannel):
        return _mail(message_from_bytes(notification.payload, policy=policy.default))
    text = notification.payload.decode("utf-8", "replace")
    try:
        data = json.loads(text)
    except ValueError:
        return Letter(notification.subject, "", text)
    return Letter(notification.subject, "", markdown_in(data) or json.dumps(data, ensure_ascii=False, indent=2))


def _mail(mail: EmailMessage) -> Letter:
    html, text = mail.get_body(("html",)), mail.get_body(("plain",))
    page = html.get_content() if html else ""
    for part in mail.walk():
        if part.get_content_maintype() == "image":
            picture = base64.b64encode(part.get_payload(decode=True) or b"").decode()  # type: ignore[arg-type]
            page = page.replace(f"cid:{str(part['Content-ID']).strip('<>')}", f"data:{part.get_content_type()};base64,{picture}")
    return Letter(str(mail["Subject"]), page, text.get_content() if text and not html else "")
