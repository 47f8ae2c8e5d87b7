"""From the bytes of a file to a :class:`Document`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import yaml

from engine.errors import Problem, ProblemsFound, Text
from engine.yamlfile.document import MOST_PROBLEMS, Document
from engine.yamlfile.mistakes import Failure, explain, extent
from engine.yamlfile.scalars import LINE_BREAK, Mark, Path_, plain_value, shown

# libyaml reads ten times faster; both readers give events with marks.
LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_BYTES = 1_000_000
MAX_DEPTH = 60

_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCES = {
    "*": ("alias", Text("an alias", "别名")),
    "&": ("anchor", Text("an anchor", "锚点")),
    "!": ("tag", Text("a tag", "标签")),
}
_REASONS = {
    FileNotFoundError: Text("the file is missing", "缺少这个文件"),
    PermissionError: Text("the file may not be read: permission denied", "没有读取这个文件的权限"),
}


def load(path: Path, name: str | None = None) -> Document:
    """Read one YAML file. ``name`` is how problems call it (default: the path as given).

    Raises :class:`ProblemsFound` for what cannot be read, is not UTF-8, is not YAML, holds a key twice, anchors, aliases, tags or
    several documents, or is nested or long past the limits (:data:`MAX_BYTES`, :data:`MAX_DEPTH`).
    """
    name = name or str(path)
    try:
        if path.exists() and not path.is_file():
            raise ProblemsFound([Problem(name, 0, 0, "unreadable", Text("this is not a file", "这不是文件"))])
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        code = "missing_file" if isinstance(error, FileNotFoundError) else "unreadable"
        text = _REASONS.get(type(error), Text(f"the file cannot be read: {error.strerror}", f"无法读取：{error.strerror}"))
        raise ProblemsFound([Problem(name, 0, 0, code, text)]) from None
    return loads(raw, name)


def loads(raw: bytes, name: str) -> Document:
    """As :func:`load`, from bytes."""
    if len(raw) > MAX_BYTES:
        text = Text(f"the file is larger than {MAX_BYTES:,} bytes", f"文件超过 {MAX_BYTES:,} 字节")
        raise ProblemsFound([Problem(name, 0, 0, "too_large", text, Text("split it into several files", "请拆成几个文件"))])
    try:
        source = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProblemsFound([_not_utf8(raw, error.start, name)]) from None
    if strange := _NOT_TEXT.search(source):
        raise ProblemsFound([_control_character(source, strange.start(), name)])
    return _Reader(name, source).read()


def _not_utf8(raw: bytes, at: int, name: str) -> Problem:
    line = raw[:at].count(b"\n") + 1
    start = raw.rfind(b"\n", 0, at) + 1
    hint = Text("save it as UTF-8", "请另存为 UTF-8 编码")
    try:
        source = raw.splitlines()[line - 1].decode("gb18030")
        raw.decode("gb18030")
    except (UnicodeDecodeError, IndexError):
        return Problem(name, line, 1, "not_utf8", Text("the file is not UTF-8 text", "文件不是 UTF-8 编码"), hint)
    column = len(raw[start:at].decode("gb18030", "replace")) + 1
    text = Text("the file is not UTF-8 but, it seems, GBK (Windows' Chinese encoding)", "文件不是 UTF-8 编码，看起来是 GBK（ANSI）编码")
    return Problem(name, line, column, "not_utf8", text, hint, source)


def _control_character(source: str, index: int, name: str) -> Problem:
    lines = LINE_BREAK.split(source[:index])
    whole = LINE_BREAK.split(source)[len(lines) - 1]
    code = f"U+{ord(source[index]):04X}"
    text = Text(f"the character {code} cannot stand in a text file", f"文本文件里不能有字符 {code}")
    hint = Text("is this another kind of file? else delete the character", "是不是别的类型的文件？否则请删掉这个字符")
    return Problem(name, len(lines), len(lines[-1]) + 1, "control_character", text, hint, whole)


class _Reader:
    """Builds plain data from YAML's events, remembering marks and refusing what projects must not hold."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.source = source
        self.lines = LINE_BREAK.split(source)
        self.values: dict[Path_, Mark] = {}
        self.keys: dict[Path_, Mark] = {}
        self.problems: list[Problem] = []
        self.last: yaml.Event | None = None

    def read(self) -> Document:
        try:
            data = self._document(self._events())
        except yaml.MarkedYAMLError as error:
            found = explain(Failure.of(error, self.last, self.lines))
            self._refuse(found.line, found.column, found.width, found.code, found.text, found.hint)
        if self.problems:
            raise ProblemsFound(self.problems)
        return Document(self.name, self.source, data, self.values, self.keys)

    def _events(self) -> Iterator[yaml.Event]:
        for event in yaml.parse(self.source, Loader=LOADER):
            if isinstance(event, yaml.NodeEvent):
                self._refuse_reference(event)
            self.last = event
            yield event

    def _document(self, events: Iterator[yaml.Event]) -> object:
        """The one document of the stream; None for an empty one."""
        data: object = None
        for event in events:
            if isinstance(event, yaml.NodeEvent):
                data = self._value(event, events, ())
            elif isinstance(event, yaml.DocumentStartEvent) and () in self.values:
                text = Text("a second document starts here", "从这里开始了第二个 YAML 文档")
                hint = Text("remove the line of dashes", "请删掉这行 “---”")
                self._refuse_at(event, 3, "second_document", text, hint)
        return data

    def _value(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path_) -> object:
        if len(path) > MAX_DEPTH:
            text = Text(f"the file is nested deeper than {MAX_DEPTH} levels", f"嵌套超过 {MAX_DEPTH} 层")
            self._refuse_at(event, 1, "too_deep", text)
        if isinstance(event, yaml.ScalarEvent):
            self.values[path] = self._mark(event, event)
            return plain_value(event.value) if event.implicit[0] else event.value
        data = self._mapping(events, path) if isinstance(event, yaml.MappingStartEvent) else self._sequence(events, path)
        assert self.last  # noqa: S101 - the end of what was read
        self.values[path] = self._mark(event, self.last)
        return data

    def _sequence(self, events: Iterator[yaml.Event], path: Path_) -> list[object]:
        data: list[object] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            data.append(self._value(event, events, (*path, len(data))))
        return data

    def _mapping(self, events: Iterator[yaml.Event], path: Path_) -> dict[str, object]:
        """Keys are text, whatever they look like: ``no: [...]`` has the key ``no``."""
        data: dict[str, object] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key, mark = self._key(event)
            if key in data:
                self._twice(key, mark, self.keys[(*path, key)].line)
            self.keys[(*path, key)] = mark
            data[key] = self._value(next(events), events, (*path, key))
        return data

    def _key(self, event: yaml.Event) -> tuple[str, Mark]:
        if not isinstance(event, yaml.ScalarEvent):
            text = Text("a key must be a text, not a list or keys of its own", "键必须是文字，不能是列表或“键: 值”")
            hint = Text("put a value that starts with { or [ in quotes", "以 { 或 [ 开头的值请加引号")
            self._refuse_at(event, 1, "key_not_text", text, hint)
        if event.value == "<<" and event.implicit[0]:
            text = Text("merge keys (<<) are not allowed", "不允许使用合并键（<<）")
            self._refuse_at(event, 2, "merge_key", text, Text("write the keys out", "请把这些键直接写出来"))
        return event.value, self._mark(event, event)

    def _twice(self, key: str, mark: Mark, first: int) -> None:
        said = shown(key)
        text = Text(f"key {said} is given twice (first on line {first})", f"键 {said} 写了两次（第一次在第 {first} 行）")
        self.problems.append(self._problem(mark.line, mark.column, mark.width, "duplicate_key", text))
        if len(self.problems) >= MOST_PROBLEMS:
            raise ProblemsFound(self.problems)

    def _refuse_reference(self, event: yaml.NodeEvent) -> None:
        """Anchors, aliases and tags: what starts with ``&``, ``*`` or ``!`` and was most likely meant as text."""
        tagged = getattr(event, "tag", None) is not None
        if not tagged and event.anchor is None:
            return
        sign = "*" if isinstance(event, yaml.AliasEvent) else "!" if tagged else "&"
        code, what = _REFERENCES[sign]
        text = Text(f"in YAML, {sign} starts {what.en}, which is not allowed", f"YAML 里 {sign} 开头的是{what.zh}，不允许使用")
        hint = Text(f"put a text that starts with {sign} in quotes", f"以 {sign} 开头的文字请加引号")
        self._refuse_at(event, 1, code, text, hint)

    def _refuse_at(self, event: yaml.Event, width: int, code: str, text: Text, hint: Text | None = None) -> NoReturn:
        mark, _ = extent(event, event)
        self._refuse(mark.line + 1, mark.column + 1, width, code, text, hint)

    def _refuse(self, line: int, column: int, width: int, code: str, text: Text, hint: Text | None) -> NoReturn:
        raise ProblemsFound([*self.problems, self._problem(line, column, width, code, text, hint)]) from None

    def _problem(self, line: int, column: int, width: int, code: str, text: Text, hint: Text | None = None) -> Problem:
        source = self.lines[line - 1] if line <= len(self.lines) else ""
        return Problem(self.name, line, column, code, text, hint, source, width)

    def _mark(self, first: yaml.Event, last: yaml.Event) -> Mark:
        start, end = extent(first, last)
        line = self.lines[start.line] if start.line < len(self.lines) else ""
        width = end.column - start.column if end.line == start.line else len(line) - start.column
        scalar = first if isinstance(first, yaml.ScalarEvent) else None
        style = scalar.style or "" if scalar else ""
        return Mark(start.line + 1, start.column + 1, max(1, width), start.index, scalar.value if scalar else None, style)
