"""One file as plain values that know where they stand."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby, islice

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine.errors import Problem, ProblemsFound, Text, nearest
from engine.yamlfile.findings import (
    FULL_WIDTH_COLON,
    BilingualError,
    Finding,
    Model,
    fields_at,
    finding_of,
    merged,
    missing_keys,
    unknown_key,
)
from engine.yamlfile.scalars import LINE_BREAK, Mark, Path_, shown, written_at

MOST_PROBLEMS = 100


@dataclass(frozen=True)
class Document:
    """One file: its ``source``, its plain ``data`` and, by path into the data, the marks of values and of mapping keys."""

    file: str
    source: str
    data: object
    values: Mapping[Path_, Mark]
    keys: Mapping[Path_, Mark] = field(default_factory=dict)

    @cached_property
    def lines(self) -> tuple[str, ...]:
        return tuple(LINE_BREAK.split(self.source))

    @cached_property
    def _starts(self) -> list[int]:
        """Index of the first character of every line."""
        return [0, *(match.end() for match in LINE_BREAK.finditer(self.source))]

    def problem(
        self, path: Path_, code: str, text: Text, hint: Text | None = None, *, key: bool = False, offset: int = 0, width: int | None = None
    ) -> Problem:
        """A problem at the value (or key) under ``path``. With ``width``: at so many characters of the scalar's text from ``offset`` on,
        however the file writes them."""
        mark = self._mark(path, key)
        if mark.text is None or width is None:
            return self._at(mark.line, mark.column, mark.width, code, text, hint)
        start, end = written_at(self.source, mark, offset)
        line, column = self._place(start)
        _, end = written_at(self.source, mark, offset + width - 1) if width > 1 else (start, end)
        last, behind = self._place(max(start, end - 1))
        under = behind + 1 - column if last == line else len(self.lines[line - 1]) + 1 - column
        return self._at(line, column, max(1, under), code, text, hint)

    def _at(self, line: int, column: int, width: int, code: str, text: Text, hint: Text | None) -> Problem:
        source = self.lines[line - 1] if line <= len(self.lines) else ""
        return Problem(self.file, line, column, code, text, hint, source, width)

    def _place(self, index: int) -> tuple[int, int]:
        """Line and column, from 1, of the character at ``index``; of the line's end for its break."""
        line = bisect_right(self._starts, index)
        return line, min(index - self._starts[line - 1], len(self.lines[line - 1])) + 1

    def _mark(self, path: Path_, key: bool) -> Mark:
        """The mark of ``path``, or of its nearest ancestor that the file spells out."""
        if key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Mark(1, 1, 1))

    def validate(self, model: type[Model]) -> Model:
        """The document as ``model``. Raises :class:`ProblemsFound` with every mistake at its place (the first hundred of them)."""
        if self.data is None:
            known = fields_at(model, ())
            hint = Text(f"it may hold the keys {', '.join(known)}", f"可以写的键：{'、'.join(known)}")
            raise ProblemsFound([self.problem((), "empty_file", Text("the file is empty", "文件是空的"), hint)])
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            raise ProblemsFound(self.problems_of(error, model)) from None

    def problems_of(self, error: ValidationError, model: type[BaseModel], prefix: Path_ = ()) -> Iterator[Problem]:
        """Pydantic's findings as problems; ``prefix`` is where in the file the validated part hangs."""
        items = error.errors(include_url=False)
        extra = [item["loc"] for item in items if _sort(item) == "extra"]
        misspelt = {loc: nearest(str(loc[-1]), fields_at(model, loc[:-1])) for loc in extra}
        placed = [(self._real_path(prefix, item), item) for item in items if not _is_consequence(item, misspelt)]
        placed.sort(key=lambda pair: str(pair[0]))
        groups = ((path, [item for _, item in pairs]) for path, pairs in groupby(placed, key=lambda pair: pair[0]))
        yield from islice((problem for path, group in groups for problem in self._at_one_place(path, group, model)), MOST_PROBLEMS)

    def _at_one_place(self, path: Path_, items: list[ErrorDetails], model: type[BaseModel]) -> Iterator[Problem]:
        extra, missing, wrong = ([item for item in items if _sort(item) == sort] for sort in ("extra", "missing", "wrong"))
        for item in extra:
            name = str(item["loc"][-1])
            yield self._told((*path, name), unknown_key(name, item["input"], fields_at(model, item["loc"][:-1])), key=True)
        if missing:
            names = [str(item["loc"][-1]) for item in missing]
            yield self._told(path, missing_keys(names, self._subject(path) if _key_of(path) else None))
        if wrong:
            yield from self._wrong_value(path, wrong)

    def _wrong_value(self, path: Path_, items: list[ErrorDetails]) -> Iterator[Problem]:
        value, raw, subject = items[0]["input"], self._mark(path, False).text, self._subject(path)
        if value is None and "：" in _key_of(path) and path in self.keys:  # in { }, YAML takes all of it for a key
            yield self._told(path, FULL_WIDTH_COLON, key=True)
            return
        findings: list[Finding] = []
        for item in items:
            context: Mapping[str, object] = item.get("ctx", {})
            error = context.get("error")
            finding = finding_of(item["type"], context, value, subject, raw)
            if isinstance(error, BilingualError) and error.at:
                yield self._told(path + error.at, finding, key=error.key)
            else:
                findings.append(finding)
        yield from (self._told(path, finding) for finding in merged(findings, subject, value, raw))

    def _told(self, path: Path_, finding: Finding, *, key: bool = False) -> Problem:
        return self.problem(path, finding.code, finding.text, finding.hint, key=key)

    def _real_path(self, prefix: Path_, item: ErrorDetails) -> Path_:
        """The value in this file that the error is about; of a key too many or missing, what it is or should be a key of."""
        loc = item["loc"] if _sort(item) == "wrong" else item["loc"][:-1]
        path = prefix
        for part in loc:  # pydantic puts the names of union members among the keys
            if (*path, part) in self.values:
                path = (*path, part)
        return path

    def _subject(self, path: Path_) -> Text:
        """What a sentence calls the value under ``path``."""
        if not path:
            return Text("the file", "文件")
        name = _key_of(path)
        if not isinstance(path[-1], int):
            return shown(name)
        if not name:
            return Text("this entry", "这一项")
        return Text(f"an entry of {shown(name)}", f"{shown(name)} 里的一项")


def _key_of(path: Path_) -> str:
    """The last key of ``path``; '' where there is none."""
    return next((part for part in reversed(path) if isinstance(part, str)), "")


def _sort(item: ErrorDetails) -> str:
    return {"extra_forbidden": "extra", "missing": "missing"}.get(item["type"], "wrong")


def _is_consequence(item: ErrorDetails, misspelt: Mapping[Path_, list[str]]) -> bool:
    """Whether a key is missing only because it is there under a misspelt name."""
    loc = item["loc"]
    return item["type"] == "missing" and any(key[:-1] == loc[:-1] and names[:1] == [loc[-1]] for key, names in misspelt.items())
