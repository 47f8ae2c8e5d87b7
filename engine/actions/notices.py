"""What storewatch tells of itself: that a message could not be delivered."""

from __future__ import annotations

from collections.abc import Iterator

from engine.actions import compose
from engine.errors import Text
from engine.model import Message, Notification, Rendered
from engine.outbox import Letter, Notice
from engine.routing import Channels, Recipient, named_outright
from engine.sending import Outcome
from engine.wording import clean

THREAD = "dead_letter."
SUBJECT = Text("[storewatch] a message could not be delivered: {subject}", "[巡店] 有消息没能送达：{subject}")
BODY = Text(
    "The message '{subject}' to {recipient} over '{channel}' was given up after {attempts} attempt(s).\n\n"
    "Reason: {category} {detail}\n\n"
    "It is kept. When the cause is mended, send it again with: storewatch outbox --retry-dead\n",
    "消息“{subject}”（渠道 {channel}，收件人 {recipient}）尝试 {attempts} 次后放弃。\n\n"
    "原因：{category} {detail}\n\n"
    "消息已保留；排除原因后可重新发送：storewatch outbox --retry-dead\n",
)


def dead_letter_notice(channels: Channels) -> Notice:
    """For :func:`engine.outbox.deliver`: tells of a dead letter on all channels but its own. A notice that dies itself is not told of."""

    def notice(letter: Letter, outcome: Outcome) -> Iterator[Notification]:
        if not letter.notification.thread.startswith(THREAD):
            for recipient in named_outright(channels, [letter.notification.channel]):
                yield _notice(channels, letter, outcome, recipient)

    return notice


def _notice(channels: Channels, letter: Letter, outcome: Outcome, recipient: Recipient) -> Notification:
    about = letter.notification
    values = {
        "subject": clean(about.subject),
        "recipient": clean(about.recipient),
        "channel": about.channel,
        "attempts": letter.attempts,
        "category": outcome.category,
        "detail": clean(outcome.detail),
    }
    rendered = Rendered(SUBJECT.in_(recipient.language).format(**values), BODY.in_(recipient.language).format(**values))
    message = Message(f"{THREAD}{about.id}.{letter.number}", f"{THREAD}{letter.number}", (), {}, about.created_at, "UTC")
    return compose(channels.channels[recipient.channel], message, rendered, recipient)
