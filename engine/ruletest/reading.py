"""From ``*.test.yaml`` to :class:`~engine.ruletest.model.RuleTest`, with a problem at its place for everything that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from engine.errors import Problem, ProblemsFound, Text, UsageError
from engine.ingest import parse_instant
from engine.project import Project
from engine.remembering import Memory, digest
from engine.ruletest.alerts import AlertReader
from engine.ruletest.expecting import ExpectReader
from engine.ruletest.files import StepFile, TestFile
from engine.ruletest.heads import Head, Heads, heads_of
from engine.ruletest.model import Given, GivenAlert, Key, RuleTest, Step
from engine.ruletest.notes import Notes
from engine.ruletest.rows import RowReader
from engine.ruletest.values import TIME_HINT, age, relative, typed_text
from engine.yamlfile import BilingualError, Document, Path_, load

DEFAULT_AT = "2026-11-20 10:00"
OF_A_STEP = ("given", "alerts", "expect", "quiet", "mails")


def load_tests(project: Project) -> tuple[RuleTest, ...]:
    """All tests beside the rules of ``project``, in the order of files and lines. Raises :class:`ProblemsFound`."""
    tests: list[RuleTest] = []
    problems: list[Problem] = []
    heads = heads_of(project)
    for path in _paths(project.folder):
        found, wrong = _load(path, project.folder, heads)
        tests += found
        problems += wrong
    if problems:
        raise ProblemsFound(problems)
    return tuple(tests)


def check_tests(project: Project, memory: Memory | None = None) -> tuple[Problem, ...]:
    """Every mistake of every test file of ``project``. Files that ``memory`` knows to be right are not read again."""
    problems: list[Problem] = []
    heads = heads_of(project)
    depends = digest(("tests", heads)) if memory else ""
    for path in _paths(project.folder):
        look = partial(_problems, path, project.folder, heads)
        problems += memory.unless_right(digest((depends, _content(path))), look) if memory else look()
    return ProblemsFound(problems).problems


def read_tests(document: Document, project: Project) -> tuple[tuple[RuleTest, ...], tuple[Problem, ...]]:
    """The tests of one file that are right, and every mistake in it."""
    return _read(document, heads_of(project))


def _paths(folder: Path) -> list[Path]:
    return sorted((folder / "rules").rglob("*.test.yaml"))


def _content(path: Path) -> bytes | None:
    """None for what :func:`_load` will complain of."""
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError:
        return None


def _load(path: Path, folder: Path, heads: Heads) -> tuple[Sequence[RuleTest], Sequence[Problem]]:
    try:
        return _read(load(path, path.relative_to(folder).as_posix()), heads)
    except ProblemsFound as error:
        return (), error.problems


def _problems(path: Path, folder: Path, heads: Heads) -> Sequence[Problem]:
    return _load(path, folder, heads)[1]


def _read(document: Document, heads: Heads) -> tuple[tuple[RuleTest, ...], tuple[Problem, ...]]:
    notes = Notes(document)
    return tuple(_read_file(notes, heads)), tuple(notes.problems)


def _read_file(notes: Notes, heads: Heads) -> list[RuleTest]:
    data = notes.document.data
    if data is not None and not isinstance(data, list):
        text = Text("expected a list of tests, each starting with '- test: title'", "应是测试的列表，每个以 “- test: 标题” 开头")
        notes.wrong((), "not_a_list", text)
        return []
    tests: dict[str, RuleTest] = {}
    for index, each in enumerate(data or []):
        test = _TestReader(notes, heads, (index,)).read(each)
        if test and test.title in tests:
            line = tests[test.title].line
            text = Text(f"this title is already used on line {line}", f"第 {line} 行已用过这个标题")
            notes.wrong((index, "test"), "duplicate_test", text)
        elif test:
            tests[test.title] = test
    return list(tests.values())


@dataclass(frozen=True)
class _Instant:
    """A step as written, where it stands, and when it is."""

    path: Path_
    at: datetime
    step: StepFile


@dataclass(frozen=True)
class _TestReader:
    """Reads one test, which stands at ``root`` in its file."""

    notes: Notes
    heads: Heads
    root: Path_

    def read(self, data: object) -> RuleTest | None:
        """The test, or None where something about it is wrong; that is noted."""
        before = len(self.notes.problems)
        raw = self.notes.validated(TestFile, self.root, data)
        rule = self._rule(raw) if raw else None
        if raw is None or rule is None or not self._has_one_form(raw):
            return None
        steps = self._steps(raw, rule)
        mark = self.notes.document.values[self.root]
        return RuleTest(raw.test, raw.rule, self.notes.document.file, mark.line, steps) if len(self.notes.problems) == before else None

    def _rule(self, raw: TestFile) -> Head | None:
        rules = self.heads.rules
        if raw.rule not in rules:
            text = Text(f"there is no rule '{raw.rule}'", f"没有名为 '{raw.rule}' 的规则")
            self.notes.unknown((*self.root, "rule"), "unknown_rule", text, raw.rule, rules)
        return rules.get(raw.rule)

    def _has_one_form(self, raw: TestFile) -> bool:
        """Whether it has a timeline or one set of rows, not both, and expects something."""
        before = len(self.notes.problems)
        for name in OF_A_STEP:
            if raw.timeline is not None and getattr(raw, name) is not None:
                text = Text(f"with a timeline, '{name}' belongs into its steps", f"有 timeline 时，{name} 要写在每一步里")
                self.notes.wrong((*self.root, name), "not_here", text, key=True)
        steps: Sequence[StepFile] = [raw] if raw.timeline is None else raw.timeline
        if not any(step.expect is not None or step.quiet or step.mails is not None for step in steps):
            text = Text("the test expects nothing", "这个测试没有任何期望")
            hint = Text("add expect, quiet: true or mails", "请写 expect、quiet: true 或 mails")
            self.notes.wrong(self.root, "expects_nothing", text, hint)
        return len(self.notes.problems) == before

    def _steps(self, raw: TestFile, rule: Head) -> tuple[Step, ...]:
        instants = self._instants(raw)
        path = (*self.root, "store")
        store = self.notes.attempt(path, lambda: typed_text(self.notes.document, path, raw.store))
        if not instants:
            return ()
        rows = RowReader(self.notes, self.heads.facts, store or "")
        earlier = self._earlier(raw, instants[0].at, rows)
        given = [self._given(instant, rows) for instant in instants]
        exports = (*earlier, *(one for each in given for one in each))
        known = self._keys(exports, rule.kind) if rule.kind and not self.notes.problems else None
        reader = ExpectReader(self.notes, self.heads.facts, rule, known)
        alerts = [self._alerts(instant, rule, store or "") for instant in instants]
        steps = [self._step(instant, *each, reader) for instant, each in zip(instants, zip(given, alerts, strict=True), strict=True)]
        return (replace(steps[0], given=(*earlier, *steps[0].given)), *steps[1:])

    def _alerts(self, instant: _Instant, rule: Head, store: str) -> tuple[GivenAlert, ...] | None:
        path, written = (*instant.path, "alerts"), instant.step.alerts
        if written is None:
            return None
        if rule.kind:
            text = Text("alerts are given to tests of incident rules only", "只有事件规则的测试才能直接给出告警")
            self.notes.wrong(path, "not_here", text, Text("give rows: given: …", "请用 given 给出数据行"), key=True)
            return None
        return AlertReader(self.notes, self.heads, store).read(path, written, instant.at)

    def _given(self, instant: _Instant, rows: RowReader) -> tuple[Given, ...]:
        written = instant.step.given
        return () if written is None else rows.read((*instant.path, "given"), written, instant.at)

    def _step(self, instant: _Instant, given: tuple[Given, ...], alerts: tuple[GivenAlert, ...] | None, reader: ExpectReader) -> Step:
        expected = reader.read(instant.path, instant.step, instant.at)
        line = self.notes.document.values[instant.path].line
        return Step(instant.at, given, expected, reader.mails(instant.step), line, alerts)

    def _keys(self, given: Sequence[Given], kind: str) -> frozenset[Key]:
        key = self.heads.facts.kinds[kind].key
        return frozenset(tuple(str(row[name]) for name in key) for each in given if each.kind == kind for row in each.rows)

    def _earlier(self, raw: TestFile, at: datetime, rows: RowReader) -> tuple[Given, ...]:
        """The exports before the first instant, oldest first, so that ``same`` repeats the newest."""
        ages = {name: self.notes.attempt((*self.root, "earlier", name), partial(age, name), key=True) for name in raw.earlier}
        known = sorted(((span, name) for name, span in ages.items() if span), reverse=True)
        return tuple(given for span, name in known for given in rows.read((*self.root, "earlier", name), raw.earlier[name], at - span))

    # when

    def _instants(self, raw: TestFile) -> list[_Instant]:
        """Every instant with its step, in order of time; none where one of them is wrong."""
        own = (*self.root, "at")
        if raw.timeline is None:
            places = [(*own, index) for index in range(len(raw.at))] if isinstance(raw.at, list) and raw.at else [own]
            written = raw.at if isinstance(raw.at, list) and raw.at else [raw.at]
            return self._in_order([(self.root, raw, place, text) for place, text in zip(places, written, strict=True)], None)
        start = self.notes.attempt(own, lambda: self._moment(own, raw.at, None))
        paths = [(*self.root, "timeline", index) for index in range(len(raw.timeline))]
        pairs = [(path, step, (*path, "at"), step.at) for path, step in zip(paths, raw.timeline, strict=True)]
        pairs[0] = (*pairs[0][:3], "now" if pairs[0][3] is None else pairs[0][3])
        return self._in_order(pairs, start) if start else []

    def _in_order(self, pairs: Sequence[tuple[Path_, StepFile, Path_, object]], start: datetime | None) -> list[_Instant]:
        """``pairs`` are a step's place, the step, and the place and text of its instant; ``start`` is what they are relative to."""
        found: list[_Instant] = []
        for path, step, place, written in pairs:
            at = self.notes.attempt(place, partial(self._moment, place, written, start))
            if at is None:
                return []
            if found and at <= found[-1].at:
                text = Text("is not later than the instant before it", "没有晚于前一个时刻")
                self.notes.wrong(place, "not_later", text)
                return []
            found.append(_Instant(path, at, step))
            start = start or at
        return found

    def _moment(self, path: Path_, written: object, first: datetime | None) -> datetime:
        text = typed_text(self.notes.document, path, written)
        if text is None and first is not None:
            raise BilingualError("missing_key", Text("key 'at' is missing", "缺少键 'at'"), Text("write it like at: +6h", "写法如 at: +6h"))
        if text and first and (later := relative(text, first)):
            return later
        try:
            return parse_instant(text or DEFAULT_AT, self.heads.facts)
        except UsageError as error:
            raise BilingualError("bad_time", error.text, TIME_HINT) from None
