"""Makes the messages of a drill, and follows them through the outbox."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from engine.actions import compose
from engine.cli.previewing import Maker, Source
from engine.errors import Text, UsageError, did_you_mean
from engine.markdown import harmless
from engine.model import Notification, Rendered, RuleInfo
from engine.outbox import Letter, letters, withdraw
from engine.project import Project
from engine.routing import Recipient
from engine.routing.addressing import addresses
from engine.state import State

MARK = Text("[drill]", "[演练]")
EXPLAINED = Text(
    "This is a drill, sent by hand to see whether messages arrive. Nothing needs to be done.",
    "这是一次演练，人工发出，用来确认消息能否送达，无需处理。",
)
PATIENCE = 120  # looks at the outbox, half a second apart, while another process sends


def drilled(
    project: Project, source: Source, at: datetime, channels: Sequence[str], receiver: str, language: str
) -> tuple[Notification, ...]:
    """A message for each recipient. Raises UsageError where there is none."""
    made = Maker(project, source, at, "firing", language).make(None, None)
    wanted = _receiver(project, source.info, receiver, at) if receiver else made.recipients
    for name in channels:
        if name not in project.channels.channels:
            text = Text(f"there is no channel '{name}'", f"没有名为 '{name}' 的渠道")
            raise UsageError(text, did_you_mean(name, project.channels.channels))
    chosen = tuple(to for to in wanted if not channels or to.channel in channels)
    if not chosen:
        raise UsageError(
            Text("nobody would be told", "没有人会收到"),
            Text("see channels.yaml, or use --receiver", "请看 channels.yaml，或用 --receiver"),
        )
    name = f"drill.{source.info.name}.{at.isoformat()}"
    message = replace(made.message, id=name, thread=name, at=at, drill=True)
    rendered = {each: marked(project.renderer.render(message, each), each) for each in {to.language for to in chosen}}
    return tuple(replace(compose(project.channels.channels[to.channel], message, rendered[to.language], to), alerts=()) for to in chosen)


def marked(rendered: Rendered, language: str) -> Rendered:
    """The message, unmistakably a test in every part."""
    mark, said = MARK.in_(language), EXPLAINED.in_(language)
    banner = f'<p style="margin:0;padding:12px 16px;background:#fff3cd;color:#664d03;font:bold 15px sans-serif">{mark} {said}</p>'
    html, found = re.subn(r"(<body[^>]*>)", lambda body: body[1] + banner, rendered.html, count=1)
    return replace(
        rendered,
        subject=f"{mark} {rendered.subject}",
        text=f"{mark} {said}\n\n{rendered.text}",
        html=html if found or not rendered.html else banner + rendered.html,
        markdown=f"**{harmless(mark)} {harmless(said)}**\n\n{rendered.markdown}" if rendered.markdown else "",
    )


def finished(state: State, identifier: str, deliver: Callable[[], object]) -> tuple[Letter, ...]:
    """Deliver, wait for what another process has in hand, withdraw what was not sent; the letters as they are then."""
    deliver()
    for _ in range(PATIENCE):
        if not any(letter.state == "sending" or _untried(letter) for letter in _ours(state, identifier)):
            break
        time.sleep(0.5)
        deliver()
    withdraw(state, identifier)
    return _ours(state, identifier)


def _untried(letter: Letter) -> bool:
    """Held back by the limit of its channel."""
    return letter.state == "queued" and letter.attempts == 0


def _ours(state: State, identifier: str) -> tuple[Letter, ...]:
    return tuple(letter for letter in letters(state, limit=1_000) if letter.notification.id == identifier)


def _receiver(project: Project, info: RuleInfo, name: str, at: datetime) -> tuple[Recipient, ...]:
    """All whom the receiver reaches. Raises UsageError when there is no such receiver."""
    settings = project.channels
    if name not in settings.receivers:
        text = Text(f"there is no receiver '{name}'", f"没有名为 '{name}' 的接收者")
        raise UsageError(text, did_you_mean(name, settings.receivers))
    return tuple(
        Recipient(each.channel, address, each.language or language or settings.language)
        for each in settings.receivers[name]
        for address, language in addresses(each, [info.owner], settings, at)
    )
