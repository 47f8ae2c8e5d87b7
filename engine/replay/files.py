"""The messages of a replay as files, one a notification, exactly as they would have been sent."""

from __future__ import annotations

import re

from engine.archive import Archive
from engine.matching.evaluate import Matcher
from engine.project import Project
from engine.replay.model import Replay, Sent
from engine.replay.writing import Clerk
from engine.routing import Channels

SUFFIXES = {"email": "eml", "console": "txt"}
"""By type of channel; what others send is JSON."""
_UNFIT = re.compile(r"[^\w.@+-]+")


def message_files(project: Project, archive: Archive, replay: Replay) -> dict[str, bytes]:
    """Under each file's name its content: ``0001-20261120T093000Z-mail-service@shop.example.eml``."""
    clerk = Clerk(project, Matcher(project.facts.schemas, project.facts.time_zone), archive)
    return {_name(number, sent, project.channels): clerk.write(sent).payload for number, sent in enumerate(replay.sent, 1)}


def _name(number: int, sent: Sent, channels: Channels) -> str:
    channel = channels.channels[sent.recipient.channel]
    whom = _UNFIT.sub("_", f"{sent.recipient.channel}-{sent.recipient.address}")[:80]
    return f"{number:05}-{sent.at:%Y%m%dT%H%M%SZ}-{whom}.{SUFFIXES.get(channel.type, 'json')}"
