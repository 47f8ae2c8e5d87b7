"""What is wrong where YAML cannot be read. The parser says what it could not go on with; people need to know what they mistyped."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import yaml

from engine.errors import Text


class Position(Protocol):
    """PyYAML's marks, of the C and of the Python reader: line and column and index in the file, all from 0, in characters."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...
    @property
    def index(self) -> int: ...


def extent(first: yaml.Event, last: yaml.Event) -> tuple[Position, Position]:
    """From the start of ``first`` to the end of ``last``. Events read from a text have marks, always."""
    assert first.start_mark and last.end_mark  # noqa: S101
    return first.start_mark, last.end_mark


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake with its place; line and column from 1."""

    line: int
    column: int
    code: str
    text: Text
    hint: Text | None = None
    width: int = 1


@dataclass(frozen=True, slots=True)
class Failure:
    """How parsing failed: the parser's words, where it stood (``line`` and ``column`` from 0), where the construct that it was in began,
    the last event before."""

    problem: str
    context: str
    line: int
    column: int
    began: Position | None
    last: yaml.Event | None
    lines: list[str]

    @classmethod
    def of(cls, error: yaml.MarkedYAMLError, last: yaml.Event | None, lines: list[str]) -> Failure:
        at = error.problem_mark or error.context_mark
        line, column = (at.line, at.column) if at else (0, 0)
        return cls(error.problem or "", error.context or "", line, column, error.context_mark, last, lines)

    def source(self, line: int) -> str:
        return self.lines[line] if line < len(self.lines) else ""


def explain(failure: Failure) -> Mistake:
    """The mistake behind ``failure``: the first explanation that fits."""
    return next(mistake for explanation in _EXPLANATIONS if (mistake := explanation(failure)))


def _tab(failure: Failure) -> Mistake | None:
    found = re.match(r"[ -]*\t", failure.source(failure.line))
    if not found:
        return None
    hint = Text("indent with spaces, not with tabs", "请用空格缩进，不要用制表符（Tab）")
    return Mistake(failure.line + 1, found.end(), "tab", Text("a tab in the indentation", "缩进里有制表符（Tab）"), hint)


def _unclosed_quote(failure: Failure) -> Mistake | None:
    if "quoted scalar" not in failure.context or not failure.began or "escape" in failure.problem.lower():
        return None
    return _open_quote(failure, failure.began)


def _open_quote(failure: Failure, at: Position) -> Mistake:
    quote = failure.source(at.line)[at.column : at.column + 1]
    text = Text(f"the quote {quote} that opens here is not closed on this line", f"这里的引号 {quote} 在本行没有结束")
    inside = Text("; inside single quotes, ' is written ''", "；单引号里的 ' 要写成 ''") if quote == "'" else Text.same("")
    hint = Text(f"close it with {quote}{inside.en}", f"请补上 {quote}{inside.zh}")
    return Mistake(at.line + 1, at.column + 1, "unclosed_quote", text, hint)


def _escape(failure: Failure) -> Mistake | None:
    if "quoted scalar" not in failure.context:
        return None
    text = Text("no such escape: in double quotes, a backslash is special", "没有这种转义：双引号里的反斜杠有特殊含义")
    hint = Text("use single quotes, where a backslash is a backslash", "请改用单引号，单引号里的反斜杠就是反斜杠")
    column = failure.source(failure.line).rfind("\\", 0, failure.column + 1)
    return Mistake(failure.line + 1, column + 1, "bad_escape", text, hint, 2)


def _no_colon(failure: Failure) -> Mistake | None:
    """A line that should have been ``key: value``."""
    if "simple key" not in failure.context or not failure.began:
        return None
    at = failure.began
    return _mistyped_colon(failure, at.line) or _colonless(failure, at.line)


def _colonless(failure: Failure, line: int) -> Mistake:
    source = failure.source(line)
    column = len(source) - len(source.lstrip(" -")) + 1
    text = Text("this line has no ': '", "这一行缺少 “: ”")
    return Mistake(line + 1, column, "missing_colon", text, Text("write  key: value", "应写成  键: 值"))


def _mistyped_colon(failure: Failure, line: int) -> Mistake | None:
    source = failure.source(line)
    if found := re.match(r"[\s-]*[^\s:'\"]+\s*(：)", source):
        text = Text("'：' is full-width, which YAML does not take for a colon", "“：”是全角冒号，YAML 不认")
        hint = Text("type ': ' with a space after it", "请改用半角冒号加空格 “: ”")
        return Mistake(line + 1, found.start(1) + 1, "full_width", text, hint)
    if found := re.match(r"[\s-]*[^\s:'\"]+(:)\S", source):
        text = Text("there is no space after the colon", "冒号后面缺少空格")
        return Mistake(line + 1, found.start(1) + 1, "no_space", text, Text("write  key: value", "应写成  键: 值"))
    return None


def _text_goes_on(failure: Failure) -> Mistake | None:
    """An unquoted text that goes on over the next line, where a key was meant."""
    last = failure.last
    if not isinstance(last, yaml.ScalarEvent) or last.style or "mapping values" not in failure.problem:
        return None
    start, _ = extent(last, last)
    if start.line >= failure.line:
        return None
    if colon := _mistyped_colon(failure, start.line):
        return colon
    if start.column == _indent(failure.source(failure.line)):
        return _colonless(failure, start.line)
    first = start.line + 1
    text = Text(
        f"this line is indented deeper than line {first}, so YAML takes it for more of the text there",
        f"这一行比第 {first} 行缩进更深，被当作那一行文字的继续",
    )
    return _indentation(failure, text, first)


def _indent(source: str) -> int:
    return len(source) - len(source.lstrip())


def _indentation(failure: Failure, text: Text, like: int) -> Mistake:
    column = _indent(failure.source(failure.line)) + 1
    hint = Text(f"let it start in the same column as line {like}", f"请与第 {like} 行的同级内容对齐")
    return Mistake(failure.line + 1, column, "indentation", text, hint)


_BRACKETS = {"[": "]", "{": "}"}


def _bracket(failure: Failure) -> Mistake | None:
    if "flow" not in failure.context or not failure.began:
        return None
    if "flow node" in failure.context:
        return _no_value(failure)
    began, source = failure.began, failure.source(failure.line)
    opened = failure.source(began.line)[began.column : began.column + 1]
    if failure.line > began.line or failure.column >= len(source.rstrip()):
        return _open_bracket(failure, began.line, began.column)
    text = Text(f"between {opened} and {_BRACKETS.get(opened, '')}, a comma is expected here", f"括号 {opened} 里，这里应是逗号")
    hint = _full_width(source) or Text("put a text that holds : , [ ] { or } in quotes", "含有 : , [ ] { } 的文字请加引号")
    return Mistake(failure.line + 1, failure.column + 1, "missing_comma", text, hint)


def _no_value(failure: Failure) -> Mistake:
    """Inside brackets, something that is no value; at the start of a line, most likely what should come after the bracket."""
    before = next((line for line in range(failure.line - 1, -1, -1) if re.search(r"[\[{]", failure.source(line))), None)
    if before is not None and not failure.source(failure.line)[: failure.column].strip():
        return _open_bracket(failure, before, max(failure.source(before).rfind(bracket) for bracket in _BRACKETS))
    text = Text("a value is expected here, inside the brackets", "括号里，这里应有一个值")
    return Mistake(failure.line + 1, failure.column + 1, "missing_value", text, Text("is there a comma too many?", "是不是多了一个逗号？"))


def _open_bracket(failure: Failure, line: int, column: int) -> Mistake:
    opened = failure.source(line)[column : column + 1]
    closing = _BRACKETS.get(opened, "")
    text = Text(f"the bracket {opened} that opens here is not closed", f"这里的括号 {opened} 没有结束")
    return Mistake(line + 1, column + 1, "unclosed_bracket", text, Text(f"close it with {closing}", f"请补上 {closing}"))


def _reserved(failure: Failure) -> Mistake | None:
    """A value that starts with a sign of YAML's own."""
    if "cannot start" in failure.problem:
        at: Position | None = None
    elif any(word in failure.context for word in ("block scalar", "an alias", "an anchor", "a tag", "a directive")):
        at = failure.began
    else:
        return None
    line, column = (at.line, at.column) if at else (failure.line, failure.column)
    found = re.match(r"[^:]*:\s+([!&*>|%@`])", failure.source(line))
    column = found.start(1) if found else column
    sign = failure.source(line)[column : column + 1]
    text = Text(f"an unquoted text cannot start with {sign}", f"不加引号的文字不能以 {sign} 开头")
    return Mistake(line + 1, column + 1, "reserved_character", text, Text("put the whole value in quotes", "请给整个值加上引号"))


def _after_value(failure: Failure) -> Mistake | None:
    """``when: 'paid' == status``: a value that begins with a quote or bracket ends with it."""
    if failure.last is None or "mapping" not in failure.context:
        return None
    start, end = extent(failure.last, failure.last)
    quoted = isinstance(failure.last, yaml.ScalarEvent) and failure.last.style in ("'", '"')
    bracketed = isinstance(failure.last, yaml.CollectionEndEvent) and end.column > start.column
    if end.line != failure.line or not (quoted or bracketed):
        return None
    if quoted and start.line < end.line:
        return _open_quote(failure, start)
    what = Text("quote", "引号") if quoted else Text("bracket", "括号")
    text = Text(f"the value ends with this {what.en}, yet text follows", f"值到{what.zh}为止，后面不能再有文字")
    hint = Text("put all of it in quotes, of the other kind than those inside", "请给整个值加引号（与里面的引号不同的那一种）")
    return Mistake(failure.line + 1, failure.column + 1, "text_after_value", text, hint)


def _second_colon(failure: Failure) -> Mistake | None:
    if "mapping values" not in failure.problem:
        return None
    text = Text("a second ': ' on one line", "一行里有第二个 “: ”")
    hint = Text("put a value that holds ': ' in quotes", "值里若含 “: ”，请加引号")
    return Mistake(failure.line + 1, failure.column + 1, "second_colon", text, hint)


def _dash(failure: Failure) -> Mistake | None:
    if "block sequence entries" not in failure.problem:
        return None
    text = Text("a list cannot start on the line of its key", "列表不能写在键的同一行")
    hint = Text("start it on the next line, or write [a, b]", "请另起一行，或写成 [a, b]")
    return Mistake(failure.line + 1, failure.column + 1, "list_on_key", text, hint)


def _block(failure: Failure) -> Mistake | None:
    """A line that fits neither the list or keys that it stands under nor those around."""
    if "block" not in failure.context or not failure.began or failure.began.line == failure.line:
        return None
    line = failure.began.line + 1
    what = Text("the list", "列表") if "collection" in failure.context else Text("the keys", "各个键")
    text = Text(f"this line does not fit {what.en} that began on line {line}", f"这一行与第 {line} 行开始的{what.zh}对不上")
    mistake = _indentation(failure, text, line)
    return Mistake(mistake.line, mistake.column, "indentation", text, _full_width(failure.source(failure.line)) or mistake.hint)


def _other(failure: Failure) -> Mistake:
    look = Text("look at its indentation, colons, brackets and quotes", "请检查缩进、冒号、括号和引号")
    hint = _full_width(failure.source(failure.line)) or look
    return Mistake(failure.line + 1, failure.column + 1, "yaml_syntax", Text("this is not valid YAML", "这里的 YAML 写法有误"), hint)


_NARROW = {"：": ":", "，": ",", "“": '"', "”": '"', "‘": "'", "’": "'", "【": "[", "】": "]", "｛": "{", "｝": "}", "－": "-", "　": " "}


def _full_width(source: str) -> Text | None:
    wide = next((char for char in source if char in _NARROW), None)
    if not wide:
        return None
    return Text(f"'{wide}' is full-width; type '{_NARROW[wide]}'", f"“{wide}”是全角符号，请改用半角 '{_NARROW[wide]}'")


_EXPLANATIONS: tuple[Callable[[Failure], Mistake | None], ...] = (
    _tab,
    _unclosed_quote,
    _escape,
    _no_colon,
    _text_goes_on,
    _bracket,
    _reserved,
    _after_value,
    _second_colon,
    _dash,
    _block,
    _other,
)
