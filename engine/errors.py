"""What can go wrong, and how it is told.

A mistake in a user's file is a *value*, :class:`Problem`; problems are collected and shown all at once. Exceptions are for
what cannot go on::

    StorewatchError
    ├── ProblemsFound      a project file is wrong; carries every problem (``check`` exits 1, all else 2)
    ├── UsageError         the command line or the configuration asks for what cannot be done (2)
    ├── IngestError        an export was refused; nothing of it was stored (1)
    │   └── StorageError       it may be right, but could not be read or stored now: the disk is full, say
    ├── SnapshotError      the snapshot folder cannot be read or written (3)
    ├── StateError         the state database cannot be used (3)
    └── EvaluationError    a rule could not be evaluated (3)
        └── CorrelationError   incident rules could not be (3)

Errors of libraries are translated into these at the border. Every message to a user is a :class:`Text`, in English and Chinese.
"""

from __future__ import annotations

import difflib
import itertools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

LANGUAGES = ("zh", "en")
WIDEST = 160  # cells of a source line that are shown
LONGEST_NAME = 80
_NO_CELLS = ("Mn", "Me")


@dataclass(frozen=True, slots=True, order=True)
class Text:
    """One message in both languages. :meth:`same` makes one whose languages agree (a name, a number)."""

    en: str
    zh: str

    @classmethod
    def same(cls, text: str) -> Text:
        return cls(text, text)

    def in_(self, language: str) -> str:
        return self.zh if language == "zh" else self.en

    def __str__(self) -> str:
        return self.en


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A mistake at one place of one file.

    ``line`` and ``column`` count from 1, in characters; line 0 means the file as a whole. ``source`` is the offending line,
    ``width`` the number of characters under the caret. ``code`` names the kind of mistake, in snake_case, for tests and tools.
    """

    file: str
    line: int
    column: int
    code: str
    text: Text
    hint: Text | None = None
    source: str = ""
    width: int = 1

    def render(self, language: str = "en") -> str:
        """The message as a compiler would print it: place and sentence, the line, a caret, the hint."""
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        lines = [f"{where}: {self.text.in_(language)} [{self.code}]"]
        if self.source:
            lines += [f"    {line}" for line in self._pointed()]
        if self.hint:
            lines.append(f"    {'提示：' if language == 'zh' else 'hint: '}{self.hint.in_(language)}")
        return "\n".join(visible(without_secrets(line)) for line in lines)

    def _pointed(self) -> tuple[str, str]:
        """The source line and the line with the caret; of a long line, the part around the caret."""
        start = self.column - 1
        first = max(0, start - WIDEST // 4) if cell_width(self.source) > WIDEST else 0
        shown = fitting(visible(self.source[first:]), WIDEST)
        before, under = shown[: start - first], shown[start - first : start - first + self.width]
        return shown, " " * cell_width(before) + "^" * max(1, cell_width(under))


_SECRET = re.compile(
    r"""(?P<key>[\w-]*(?:passw|pwd|secret|token|api_?key|密码|口令|密钥)[\w-]*(?<!_env)(?<!_file)["']?\s*[:=：](?!=)\s*)"""
    r"""(?P<value>"[^"]*"|'[^']*'|\S.*?)(?=\s*(?:,\s*[\w"'-]+\s*:|\}|$))""",
    re.IGNORECASE,
)


def without_secrets(line: str) -> str:
    """``line`` with stars for the value of every key that looks as if it named a secret. As long as ``line``."""
    return _SECRET.sub(lambda match: match["key"] + "*" * len(match["value"]), line)


class StorewatchError(Exception):
    """Root of all errors that users see; ``text`` is the sentence, ``hint`` what to do."""

    exit_code = 3

    def __init__(self, text: Text, hint: Text | None = None) -> None:
        super().__init__(text.en)
        self.text = text
        self.hint = hint


class ProblemsFound(StorewatchError):
    """Files of the project are wrong; ``problems`` is sorted by place."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems), key=lambda p: (p.file, p.line, p.column, p.code, p.text.en)))
        count = len(self.problems)
        first = f": {self.problems[0].file}:{self.problems[0].line}: {self.problems[0].text.en}" if count else ""
        first_zh = f"：{self.problems[0].file}:{self.problems[0].line}：{self.problems[0].text.zh}" if count else ""
        super().__init__(Text(f"{count} problem(s){first}", f"{count} 个问题{first_zh}"))


class UsageError(StorewatchError):
    exit_code = 2


class IngestError(StorewatchError):
    exit_code = 1


class StorageError(IngestError):
    pass


class SnapshotError(StorewatchError):
    pass


class StateError(StorewatchError):
    pass


class EvaluationError(StorewatchError):
    pass


class CorrelationError(EvaluationError):
    pass


class Secret:
    """A string that does not show itself: ``str`` and ``repr`` give stars, :meth:`reveal` gives the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """At most three of the names, those most like ``word`` first; none when nothing is near."""
    folded = {name.casefold(): name for name in reversed(list(known))}
    return [folded[name] for name in difflib.get_close_matches(word[:LONGEST_NAME].casefold(), list(folded), n=3, cutoff=0.6)]


def did_you_mean(word: str, known: Iterable[str]) -> Text | None:
    """A hint that offers the names nearest to ``word``, or None when nothing is near."""
    offered = nearest(word, known)
    if not offered:
        return None
    return Text(f"did you mean {' or '.join(offered)}?", f"是不是想写 {' 或 '.join(offered)}？")


def cell_width(text: str) -> int:
    """Columns that ``text`` takes on a terminal: Chinese characters and full-width punctuation take two, combining marks none."""
    return sum(map(_cells, text))


def _cells(char: str) -> int:
    if unicodedata.category(char) in _NO_CELLS:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def visible(text: str) -> str:
    """``text`` as a terminal can show it on one line: a tab is a space, other control characters are ``\ufffd``. As long as ``text``."""
    return "".join(map(_visible, text))


def _visible(char: str) -> str:
    if char.isprintable() or unicodedata.category(char) in ("Zs", *_NO_CELLS):
        return char
    return " " if char == "\t" else "\ufffd"


def fitting(text: str, cells: int) -> str:
    """The start of ``text`` that takes at most so many cells."""
    taken = itertools.accumulate(map(_cells, text))
    return text[: sum(1 for total in itertools.takewhile(lambda total: total <= cells, taken))]
