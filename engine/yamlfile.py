"""YAML files with positions.

:func:`load` reads one file into plain values and remembers where each of them stands; :meth:`Document.validate` turns it into a
typed model and every mistake into a :class:`~engine.errors.Problem` with line and column. The module knows YAML and pydantic and
nothing of rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from engine.errors import Problem, ProblemsFound, Text, did_you_mean

Path_ = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

# libyaml reads ten times faster; both readers give nodes with marks.
LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_BYTES = 4_000_000
MAX_DEPTH = 60
FULL_WIDTH = {"：": ":", "，": ",", "（": "(", "）": ")", "“": '"', "”": '"', "‘": "'", "’": "'", "；": ";", "－": "-", "　": " "}


class _Position(Protocol):
    """PyYAML's marks, of the C and of the Python reader: line and column from 0."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a value starts (line and column from 1) and how many characters it takes on its first line."""

    line: int
    column: int
    width: int
    block: bool = False


@dataclass(frozen=True)
class Document:
    """One file: its plain ``data`` and, by path into the data, the marks of values and of mapping keys."""

    file: str
    lines: tuple[str, ...]
    data: object
    values: Mapping[Path_, Mark]
    keys: Mapping[Path_, Mark] = field(default_factory=dict)

    def problem(
        self, path: Path_, code: str, text: Text, hint: Text | None = None, *, key: bool = False, offset: int = 0, width: int | None = None
    ) -> Problem:
        """A problem at the value (or key) under ``path``; ``offset`` counts characters into a scalar's text."""
        mark = self._mark(path, key)
        line, column = self._inside(mark, offset)
        source = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return Problem(self.file, line, column, code, text, hint, source, width or (mark.width if not offset else 1))

    def _mark(self, path: Path_, key: bool) -> Mark:
        """The mark of ``path``, or of its nearest ancestor that the file spells out."""
        if key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Mark(1, 1, 1))

    def _inside(self, mark: Mark, offset: int) -> tuple[int, int]:
        if not offset and not mark.block:
            return mark.line, mark.column
        if mark.block:
            return self._inside_block(mark, offset)
        source = self.lines[mark.line - 1] if mark.line <= len(self.lines) else ""
        quoted = source[mark.column - 1 : mark.column] in ("'", '"')
        return mark.line, mark.column + offset + int(quoted)

    def _inside_block(self, mark: Mark, offset: int) -> tuple[int, int]:
        line = mark.line + 1
        while line <= len(self.lines):
            text = self.lines[line - 1]
            indent = len(text) - len(text.lstrip())
            length = len(text) - indent
            if offset <= length:
                return line, indent + offset + 1
            offset -= length + 1
            line += 1
        return mark.line, mark.column

    def validate(self, model: type[Model]) -> Model:
        """The document as ``model``. Raises :class:`ProblemsFound` with every mistake at its place."""
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            raise ProblemsFound(self.problems_of(error, model)) from None

    def problems_of(self, error: ValidationError, model: type[BaseModel], prefix: Path_ = ()) -> Iterator[Problem]:
        """Pydantic's findings as problems; ``prefix`` is where in the file the validated part hangs."""
        for item in error.errors(include_url=False):
            path = prefix + self._real_path(prefix, tuple(item["loc"]))
            yield self._problem_of(dict(item), path, model)

    def _real_path(self, prefix: Path_, loc: Path_) -> Path_:
        """``loc`` without the names of union members that pydantic puts into it."""
        path: Path_ = ()
        for part in loc:
            if prefix + path + (part,) in self.values or prefix + path + (part,) in self.keys:
                path += (part,)
        return path if path or not loc else (loc[-1],) if len(loc) == 1 else path

    def _problem_of(self, item: dict[str, object], path: Path_, model: type[BaseModel]) -> Problem:
        kind = str(item["type"])
        loc = item["loc"]
        name = str(loc[-1]) if isinstance(loc, tuple) and loc else ""
        if kind == "extra_forbidden":
            known = _fields_at(model, tuple(loc[:-1]) if isinstance(loc, tuple) else ())
            return self.problem(
                path, "unknown_key", Text(f"unknown key '{name}'", f"不认识的键 '{name}'"), _key_hint(name, known), key=True
            )
        if kind == "missing":
            return self.problem(path, "missing_key", Text(f"key '{name}' is missing", f"缺少键 '{name}'"))
        text = item.get("ctx")
        error = text.get("error") if isinstance(text, dict) else None
        if isinstance(error, BilingualError):
            return self.problem(path, error.code, error.text, error.hint)
        message = str(item["msg"]).removeprefix("Value error, ")
        shown = repr(item.get("input"))[:60]
        return self.problem(
            path, "bad_value", Text(f"{name}: {message} (found {shown})", f"{name}：值不合要求：{message}（现在是 {shown}）")
        )


class BilingualError(ValueError):
    """Raised by validators of typed files: a sentence in both languages that reaches the user as it is."""

    def __init__(self, code: str, text: Text, hint: Text | None = None) -> None:
        super().__init__(text.en)
        self.code = code
        self.text = text
        self.hint = hint


def _key_hint(name: str, known: list[str]) -> Text | None:
    near = did_you_mean(name, known)
    if near or not known:
        return near
    return Text(f"known keys here: {', '.join(known)}", f"这里可以用的键：{'、'.join(known)}")


def _fields_at(model: type[BaseModel], loc: Path_) -> list[str]:
    """Names of the fields of the (nested) model that ``loc`` leads to, as written in files."""
    current: object = model
    for part in loc:
        current = _step(current, part)
    if isinstance(current, type) and issubclass(current, BaseModel):
        return [info.alias or name for name, info in current.model_fields.items()]
    return []


def _step(current: object, part: str | int) -> object:
    if isinstance(current, type) and issubclass(current, BaseModel):
        for name, info in current.model_fields.items():
            if part in (name, info.alias):
                return _models_in(info.annotation)
    return current


def _models_in(annotation: object) -> object:
    """The one model inside ``list[M]``, ``dict[str, M]``, ``M | None``; None where there is none or several."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = [m for arg in getattr(annotation, "__args__", ()) if (m := _models_in(arg)) is not None]
    return found[0] if len(found) == 1 else None


def load(path: Path, name: str | None = None) -> Document:
    """Read one YAML file. ``name`` is how problems call it (default: the path as given).

    Raises :class:`ProblemsFound` for unreadable text, broken YAML, duplicate keys, aliases, tags, tabs, and nesting or size
    past the limits (:data:`MAX_BYTES`, :data:`MAX_DEPTH`).
    """
    name = name or str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        text = Text(f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}")
        raise ProblemsFound([Problem(name, 0, 0, "unreadable", text)]) from None
    return loads(raw, name)


def loads(raw: bytes, name: str) -> Document:
    """As :func:`load`, from bytes."""
    if len(raw) > MAX_BYTES:
        text = Text(f"is larger than {MAX_BYTES:,} bytes", f"超过 {MAX_BYTES:,} 字节")
        raise ProblemsFound([Problem(name, 0, 0, "too_large", text)])
    try:
        text_ = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        hint = Text("save it as UTF-8", "请另存为 UTF-8 编码")
        raise ProblemsFound([Problem(name, line, 1, "not_utf8", Text("is not UTF-8 text", "不是 UTF-8 编码"), hint)]) from None
    reader = _Reader(name, text_)
    return reader.read()


class _Reader:
    """Builds plain data from YAML events' nodes, remembering marks and refusing what projects must not hold."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.lines = tuple(text.splitlines())
        self.values: dict[Path_, Mark] = {}
        self.keys: dict[Path_, Mark] = {}
        self.problems: list[Problem] = []
        self.constructor = yaml.SafeLoader("")

    def read(self) -> Document:
        try:
            self._guard_depth()
            node = yaml.compose(self.text, Loader=LOADER)
        except yaml.MarkedYAMLError as error:
            raise ProblemsFound([self._syntax(error)]) from None
        except yaml.YAMLError as error:
            problem = Problem(self.name, 0, 0, "yaml_syntax", Text(f"is not YAML: {error}", f"不是合法的 YAML：{error}"))
            raise ProblemsFound([problem]) from None
        data = None if node is None else self._build(node, ())
        if self.problems:
            raise ProblemsFound(self.problems)
        return Document(self.name, self.lines, data, self.values, self.keys)

    def _guard_depth(self) -> None:
        """Aliases and deep nesting are refused on the event stream, before anything is built from them."""
        depth = 0
        for event in yaml.parse(self.text, Loader=LOADER):
            if isinstance(event, yaml.AliasEvent):
                text = Text("aliases (*name) are not allowed", "不允许使用 YAML 别名（*name）")
                raise ProblemsFound([self._at(event.start_mark, "alias", text)])
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    text = Text(f"is nested deeper than {MAX_DEPTH} levels", f"嵌套超过 {MAX_DEPTH} 层")
                    raise ProblemsFound([self._at(event.start_mark, "too_deep", text)])
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1

    def _at(self, mark: _Position | None, code: str, text: Text, hint: Text | None = None, width: int = 1) -> Problem:
        if mark is None:
            return Problem(self.name, 0, 0, code, text, hint)
        source = self.lines[mark.line] if mark.line < len(self.lines) else ""
        return Problem(self.name, mark.line + 1, mark.column + 1, code, text, hint, source, width)

    def _syntax(self, error: yaml.MarkedYAMLError) -> Problem:
        mark = error.problem_mark or error.context_mark
        source = self.lines[mark.line] if mark and mark.line < len(self.lines) else ""
        hint = None
        if mark and "\t" in source[: mark.column + 1]:
            hint = Text("indent with spaces, not with tabs", "请用空格缩进，不要用制表符（Tab）")
        elif wide := next((char for char in source if char in FULL_WIDTH), None):
            hint = Text(f"'{wide}' is full-width; type '{FULL_WIDTH[wide]}'", f"“{wide}”是全角符号，请改用半角 '{FULL_WIDTH[wide]}'")
        text = Text(f"is not valid YAML: {error.problem}", f"YAML 写法有误：{error.problem}")
        return self._at(mark, "yaml_syntax", text, hint)

    def _mark(self, node: yaml.Node) -> Mark:
        start, end = node.start_mark, node.end_mark
        block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
        width = end.column - start.column if end.line == start.line else len(self.lines[start.line]) - start.column
        return Mark(start.line + 1, start.column + 1, max(1, width), block)

    def _build(self, node: yaml.Node, path: Path_) -> object:
        self.values[path] = self._mark(node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path_) -> dict[object, object]:
        data: dict[object, object] = {}
        for key_node, value_node in node.value:
            key = self._scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str | int) or isinstance(key, bool):
                key = key_node.value if isinstance(key_node, yaml.ScalarNode) else repr(key_node.start_mark)
            if key in data:
                first = self.keys[(*path, key)].line
                text = Text(f"key '{key}' is given twice (first on line {first})", f"键 '{key}' 写了两次（第一次在第 {first} 行）")
                self.problems.append(self._at(key_node.start_mark, "duplicate_key", text, width=len(str(key))))
            self.keys[(*path, key)] = self._mark(key_node)
            data[key] = self._build(value_node, (*path, key))
        return data

    def _scalar(self, node: yaml.Node) -> object:
        try:
            return self.constructor.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            text = Text(f"cannot be used here: {error}".split("\n", maxsplit=1)[0], "这里不能这样写")
            self.problems.append(self._at(node.start_mark, "yaml_value", text))
            return None
