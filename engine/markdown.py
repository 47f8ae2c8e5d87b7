"""The markdown of chat messages, before a channel writes it in its own dialect.

Templates (``<rule>.md.j2``) write: ``# heading``, ``**strong**``, ``> quoted``, ``- item``, ``[text](address)``, and spans in a tone,
``<critical>…</critical>`` (``critical``, ``warning``, ``info``, ``resolved``, ``muted``), each
within one line. What comes from data has been
through :func:`harmless` before a template sees it: characters that could mean something in any dialect are replaced by their full-width
twins, which look nearly the same and mean nothing. (Backslashes would not do: DingTalk shows them, WeCom ignores them.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

TONES = ("critical", "warning", "info", "resolved", "muted")
SPAN = re.compile(rf"<({'|'.join(TONES)})>(.*?)</\1>")
LINK = re.compile(r"\[([^\[\]]*)\]\((https?://[^\s()]*)\)")
CODES = frozenset({"id", "rule", "tone", "severity", "state", "kind", "reason", "template", "type", "names", "language", "picture"})
"""Attributes that hold words of ours, which templates compare."""

_TWINS = str.maketrans({char: chr(ord(char) + 0xFEE0) for char in "[]()<>*`#@~|\\!"})
_SCHEME = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*):(?=//)|\b(www)\.")
_UNDERSCORE = re.compile(r"(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
_OPENING = re.compile(r"^(\s*)(?:([-=+])|(\d+)\.(?=\s))")


def harmless(text: str) -> str:
    """``text`` so that no chat takes any of it for a link, a mention, a heading, a list, emphasis or a tag."""
    text = _SCHEME.sub(lambda found: f"{found[1]}：" if found[1] else f"{found[2]}．", text.translate(_TWINS))
    return _OPENING.sub(_flat, _UNDERSCORE.sub("＿", text))


def _flat(found: re.Match[str]) -> str:
    """A list mark at the start of a line, as its twin."""
    return found[1] + ({"-": "−", "=": "＝", "+": "＋"}[found[2]] if found[2] else f"{found[3]}．")


def harmless_values(value: Any) -> Any:
    """The same value with every text in it harmless: texts, tuples, mappings, and the dataclasses of :mod:`engine.views`."""
    made = value
    if isinstance(value, str):
        made = harmless(value)
    elif isinstance(value, tuple | list):
        made = type(value)(harmless_values(each) for each in value)
    elif isinstance(value, Mapping):
        made = {key: harmless_values(each) for key, each in value.items()}
    elif is_dataclass(value) and not isinstance(value, type):
        changed = {each.name: _field(each.name, getattr(value, each.name)) for each in fields(value) if each.name not in CODES}
        made = replace(value, **changed)
    return made


def _field(name: str, value: Any) -> Any:
    return address(value) if name == "link" else harmless_values(value)


def address(link: str) -> str:
    """A safe link (:func:`engine.wording.safe_link`) so that it ends where it should."""
    return "".join(f"%{ord(char):02X}" if char in "()[]<>*`" else char for char in link)


def from_text(text: str) -> str:
    """A plain message as markdown: the same lines."""
    return "\n".join(harmless(line) for line in text.splitlines())
