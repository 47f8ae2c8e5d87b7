"""The markdown of :mod:`engine.markdown` in the dialect of each chat platform, cut to what the platform takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from engine.errors import Text
from engine.markdown import SPAN

Dialect = Callable[[str], str]
"""One line of our markdown as the platform writes it."""

LEFT_OUT = Text("(cut: the message is longer than this group takes)", "（消息超过群消息长度上限，余下省略）")
_HEADING = re.compile(r"^#{1,6} (.*)$")
_QUOTE = re.compile(r"^> ?")
_ITEM = re.compile(r"^- ")
_WECOM: Mapping[str, str] = {"critical": "warning", "warning": "warning", "info": "comment", "resolved": "info", "muted": "comment"}
_FEISHU: Mapping[str, str] = {"critical": "red", "warning": "orange", "info": "blue", "resolved": "green", "muted": "grey"}


def dingtalk(line: str) -> str:
    """Headings, quotes, emphasis, links and lists are known; colours are not. A single line break needs two blanks."""
    written = SPAN.sub(r"\2", line)
    return f"{written}  " if written else ""


def wecom(line: str) -> str:
    """Three colours: ``warning`` (orange), ``info`` (green), ``comment`` (grey). Lists are shown as they are written."""
    return SPAN.sub(lambda found: f'<font color="{_WECOM[found[1]]}">{found[2]}</font>', line)


def feishu(line: str) -> str:
    """Cards know emphasis, links and colours; headings, quotes and lists are written so that they need not be known."""
    line = _ITEM.sub("• ", _QUOTE.sub("", _HEADING.sub(r"**\1**", line)))
    return SPAN.sub(lambda found: f"<font color='{_FEISHU[found[1]]}'>{found[2]}</font>", line)


def fitted(markdown: str, dialect: Dialect, closing: str, language: str, fits: Callable[[str], bool]) -> str:
    """The message in a dialect, with ``closing`` (mentions) as its last line; where it does not fit, as many of its lines as do, and a word
    that there were more."""
    lines = [dialect(line) for line in markdown.strip().splitlines()]
    whole = _joined([*lines, *_closing(closing)])
    if fits(whole):
        return whole
    note = LEFT_OUT.in_(language)
    fewest, most = 0, len(lines)
    while fewest < most:
        middle = (fewest + most + 1) // 2
        fewest, most = (middle, most) if fits(_joined([*lines[:middle], note, *_closing(closing)])) else (fewest, middle - 1)
    return _joined([*lines[:fewest], note, *_closing(closing)])


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines)


def _closing(closing: str) -> list[str]:
    return ["", closing] if closing else []
