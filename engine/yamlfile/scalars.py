"""Scalars: what they mean, and where in the file each character of their text is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine.errors import Text

Path_ = tuple[str | int, ...]

LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_BLANKS = " \t\r\n\x85\u2028\u2029"
_LONGEST_SHOWN = 60

# One match writes one character that is not blank, in group 1; a match without the group writes a blank or none at all.
_PLAIN = re.compile(f"([^{_BLANKS}])")
_SINGLE = re.compile(f"(''|[^{_BLANKS}])")
_DOUBLE = re.compile(rf"\\(?:[nrtNLP \t]|\r\n|[\r\n\x85\u2028\u2029])|(\\(?:x..|u.{{4}}|U.{{8}}|.)|[^{_BLANKS}])")
_WRITTEN = {"'": _SINGLE, '"': _DOUBLE}

_WORDS = {"yes": True, "no": False, "true": True, "false": False, "on": True, "off": False}
_PLAIN_VALUES: tuple[tuple[re.Pattern[str], Callable[[str], object]], ...] = (
    (re.compile(r"|~|null|Null|NULL"), lambda text: None),
    (re.compile("|".join(f"{word}|{word.title()}|{word.upper()}" for word in _WORDS)), lambda text: _WORDS[text.lower()]),
    (re.compile(r"[-+]?(0|[1-9][0-9]{0,17})"), int),
    (re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}"), float),
)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a value or key stands: ``line`` and ``column`` from 1, the number of characters it takes on its first line, and the
    ``index`` of its first character in the file. A scalar has its ``text`` and its ``style``: a quote, ``|``, ``>``, or '' for plain."""

    line: int
    column: int
    width: int
    index: int = 0
    text: str | None = None
    style: str = ""


def plain_value(text: str) -> object:
    """What an unquoted scalar means: nothing, a truth value, a number, else its text.

    Truth values are those of YAML 1.1 (``yes``, ``on`` ...), as most readers of YAML have them. Numbers are decimal, of at most 18 digits
    on either side of the point; ids, times (``18:00``), dates and octal numbers stay text.
    """
    return next((convert(text) for pattern, convert in _PLAIN_VALUES if pattern.fullmatch(text)), text)


def written_at(source: str, mark: Mark, offset: int) -> tuple[int, int]:
    """Where character ``offset`` of the scalar's text is written: start and end as indices into ``source``.

    All styles keep the order of characters that are not blank, and write each by one character or escape; line folding, indentation
    and chomping touch only blanks. So the n-th such character of the text is the n-th in the file. A blank stands as far behind the
    character before it as in the text.
    """
    text = mark.text or ""
    before = sum(char not in _BLANKS for char in text[:offset])
    spots = _spots(source, mark)
    if offset < len(text) and text[offset] not in _BLANKS:
        return next((spot for at, spot in enumerate(spots) if at == before), (mark.index, mark.index + 1))
    behind = len(text[:offset]) - len(text[:offset].rstrip(_BLANKS))
    start = next((end for at, (_, end) in enumerate(spots) if at == before - 1), mark.index) + behind
    return start, start + 1


def _spots(source: str, mark: Mark) -> Iterator[tuple[int, int]]:
    """Where the scalar's characters that are not blank are written, in order."""
    start = mark.index
    if mark.style in ("'", '"'):
        start += 1
    elif mark.style:
        header = LINE_BREAK.search(source, start)
        start = header.end() if header else len(source)
    written = _WRITTEN.get(mark.style, _PLAIN).finditer(source, start)
    return (match.span() for match in written if match[1] is not None)


def shown(value: object) -> Text:
    """A value as a sentence can name it: cut where it is long, and in YAML's words."""
    if value is None:
        return Text("nothing", "空值")
    if isinstance(value, bool):
        return Text.same(str(value).lower())
    if isinstance(value, dict):
        return Text("keys with values", "“键: 值”")
    if isinstance(value, list | tuple):
        return Text("a list", "列表")
    text = str(value)
    text = text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
    return Text.same(f"'{text}'" if isinstance(value, str) else text)
