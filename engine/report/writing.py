"""Puts a report together: one file with its style, its script and all data, that asks for nothing."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import zlib
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

from engine.replay import Clerk, Replay
from engine.report.data import Plain, blocks, contents, title
from engine.report.letters import Progress, letters
from engine.report.words import PAGE
from engine.wording import Writer
from engine.writing import replace_files

MOST_MAILS = 1_000
ALERTS_A_BLOCK, MAILS_A_BLOCK = 50, 10
PAGE_FILES = "page.html", "style.css", "script.js"


def write_report(
    replay: Replay,
    clerk: Clerk,
    path: Path,
    language: str,
    *,
    most_mails: int = MOST_MAILS,
    progress: Progress = lambda done, planned: None,
) -> None:
    """Write a replay to ``path`` as a page in ``language`` (zh or en).

    ``clerk`` writes the messages, of which the first ``most_mails`` are kept; ``progress`` is told how many of all notifications are done.
    Raises :class:`~engine.errors.StorewatchError` where the file cannot be written, or a batch went away.
    """
    project = clerk.project
    writer = Writer(language, project.facts.zone)
    made = contents(replay, letters(clerk, replay.sent, most_mails, progress), writer)
    heading = title(replay, project.folder.resolve().name, writer).in_(language)
    words = {name: text.in_(language) for name, text in PAGE.items()}
    data = {"language": language, "words": words, **made.index, "sizes": [ALERTS_A_BLOCK, MAILS_A_BLOCK]}
    packed = [*_packed("alerts", made.details, ALERTS_A_BLOCK), *_packed("mails", made.mails, MAILS_A_BLOCK)]
    replace_files({path: _page(heading, language, data, packed).encode()})


def _packed(name: str, items: Sequence[Plain], size: int) -> Iterator[str]:
    """Data blocks that the script unpacks when it needs one: JSON, deflated (RFC 1951), in base64."""
    for number, block in enumerate(blocks(items, size)):
        deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        raw = deflate.compress(json.dumps(block, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")) + deflate.flush()
        yield f'<script type="text/plain" id="{name}-{number}">{base64.b64encode(raw).decode()}</script>'


def _page(heading: str, language: str, data: Plain, packed: Sequence[str]) -> str:
    page, style, script = (files("engine.report").joinpath(name).read_text(encoding="utf-8") for name in PAGE_FILES)
    parts = {
        "language": "zh-CN" if language == "zh" else "en",
        "title": html.escape(heading),
        "no_script": html.escape(PAGE["script"].in_(language)),
        "style": style,
        "script": script,
        "digest": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "data": in_script(data),
        "packed": "\n".join(packed),
    }
    pieces = page.split("%%")  # every second piece is a name
    return "".join(parts[piece] if index % 2 else piece for index, piece in enumerate(pieces))


def in_script(data: Plain) -> str:
    """JSON that no script element can be left by."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace").decode().replace("<", "\\u003c")
