"""A new rule and its tests as text, in the layout of the shipped rules: what ``storewatch new rule`` writes.

:func:`draft` makes both and checks them as part of the project, tests run and all, before a single file is touched.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from engine.editing import SCHEMAS, with_line
from engine.errors import ProblemsFound, StorewatchError, Text, UsageError
from engine.facts import Kind
from engine.ingest import parse_instant
from engine.language.printing import show_typed
from engine.language.typed import ColumnRef, Node, Related
from engine.language.walk import children
from engine.lets import Lets, read_lets
from engine.project import Project, rule_paths
from engine.rules import AlertRule, read_rules
from engine.ruletest.examples import Example, Row, find_examples, key_of
from engine.ruletest.reading import DEFAULT_AT, read_tests
from engine.ruletest.rows import columns_named
from engine.ruletest.running import Bench, Verdict
from engine.yamlfile import loads

MOST_SHOWN = 6
LONGEST_LINE = 100


@dataclass(frozen=True, slots=True)
class Answers:
    """What was asked about a new rule. ``hold`` is a duration as typed, '' for at once; ``file`` is relative to the project."""

    name: str
    title: Text
    kind: str
    when: str
    hold: str
    severity: str
    owner: str
    area: str
    file: str


@dataclass(frozen=True, slots=True)
class Draft:
    """``files`` with their whole new content, the ``rule`` as text, and how its tests ended: none where no example was found."""

    files: dict[Path, bytes]
    rule: str
    tests: str
    verdicts: tuple[Verdict, ...]


def draft(project: Project, answers: Answers, language: str) -> Draft:
    """Raises :class:`ProblemsFound` when the rule is wrong, :class:`UsageError` when it cannot be added to its file."""
    path = project.folder / answers.file
    tests_path = path.with_name(f"{path.stem}.test.yaml")
    rule = _read(project, _rule_text(answers, ()), answers)
    text = _rule_text(answers, _shown(rule, project))
    rule = _read(project, text, answers)
    content = _with(project, path, text, "rules")
    _compare(project, answers, content, rule)
    grown = replace(project, rules=(*project.rules, rule))
    tests, verdicts = _tests(grown, rule, answers, language)
    tests_content = _with(project, tests_path, tests, "tests")
    _, problems = read_tests(loads(tests_content, tests_path.relative_to(project.folder).as_posix()), grown)
    if problems:
        raise ProblemsFound(problems)
    return Draft({path: content, tests_path: tests_content}, text, tests, verdicts)


def lets_of(project: Project, file: str) -> Lets:
    """The names that rules in ``file``, which need not be there yet, can use."""
    found = {path.relative_to(project.folder).as_posix(): path.read_bytes() for path in rule_paths(project.folder)}
    documents = [loads(content, name) for name, content in {file: b"", **found}.items()]
    return read_lets(documents, project.facts.schemas, project.facts.time_zone)


def _read(project: Project, text: str, answers: Answers) -> AlertRule:
    document = loads(text.encode(), answers.file)
    read = read_rules(document, project.facts.schemas, project.facts.time_zone, lets_of(project, answers.file))
    if read.problems:
        raise ProblemsFound(read.problems)
    return read.rules[0]


def _compare(project: Project, answers: Answers, content: bytes, rule: AlertRule) -> None:
    """The file must hold what it held, and the rule."""
    lets, names = lets_of(project, answers.file), list[str]()
    with suppress(ProblemsFound):
        read = read_rules(loads(content, answers.file), project.facts.schemas, project.facts.time_zone, lets)
        names = [] if read.problems else [each.name for each in read.rules]
    if names != [*(each.name for each in project.rules if each.defined_at.rpartition(":")[0] == answers.file), rule.name]:
        hint = Text("name another file, such as --file my.yaml", "请换一个文件，如 --file my.yaml")
        raise UsageError(Text(f"a rule cannot be added at the end of {answers.file}", f"无法在 {answers.file} 末尾添加规则"), hint)


def _with(project: Project, path: Path, text: str, form: str) -> bytes:
    """The file with ``text`` at its end, indented as its own entries are; a new one where there is none."""
    if not path.exists():
        named = (project.folder / SCHEMAS).is_dir()
        depth = "../" * len(path.parent.relative_to(project.folder).parts)
        content = text.encode()
        return with_line(content, f"{depth}{SCHEMAS.as_posix()}/{form}.json") if named else content
    before = path.read_bytes()
    newline = "\r\n" if b"\r\n" in before else "\n"
    entry = re.search(rb"(?m)^([ ]*)- ", before)
    indent = entry[1].decode() if entry else ""
    lines = [f"{indent}{line}" if line else "" for line in text.splitlines()]
    start = before.rstrip(b"\r\n")
    gap = newline * 2 if start else ""
    return start + (gap + newline.join(lines) + newline).encode()


# The rule


def _rule_text(answers: Answers, shown: Sequence[tuple[str, str]]) -> str:
    title = answers.title
    both = f"{{zh: {scalar(title.zh, flow=True)}, en: {scalar(title.en, flow=True)}}}"
    lines = [f"- alert: {answers.name}", f"  title: {scalar(title.zh) if title.zh == title.en else both}", f"  facts: {answers.kind}"]
    lines += _condition(answers.when)
    lines += [f"  for: {answers.hold}"] if answers.hold else []
    lines += [f"  severity: {answers.severity}"]
    lines += [f"  owner: {scalar(answers.owner)}"] if answers.owner else []
    lines += [f"  labels: {{area: {scalar(answers.area, flow=True)}}}"] if answers.area else []
    lines += ["  show:", *(f"    {scalar(label)}: {scalar(text)}" for label, text in shown)] if shown else []
    return "\n".join(lines) + "\n"


def _condition(when: str) -> list[str]:
    """On one line, or, where it is long or YAML would misread it, as a block."""
    text = " ".join(when.split("\n")).strip()
    if len(text) <= LONGEST_LINE and scalar(text) == text:
        return [f"  when: {text}"]
    return ["  when: >-", *(f"    {line}" for line in re.split(" (?=(?:and|or) )", text))]


def scalar(text: str, *, flow: bool = False) -> str:
    """``text`` as YAML has it: plain where that means the same, else in quotes."""
    plain = f"[{text}]" if flow else f"- {text}"
    pair = f"{{{text}: 1}}" if flow else f"{text}: 1"
    try:
        if loads(plain.encode(), "").data == [text] and loads(pair.encode(), "").data == {text: 1}:
            return text
    except ProblemsFound:
        pass
    return json.dumps(text, ensure_ascii=False)


def _shown(rule: AlertRule, project: Project) -> list[tuple[str, str]]:
    """Label and expression of what the condition looks at: columns, and numbers of other rows."""
    found: dict[str, str] = {}
    for node in _looked_at(rule.when):
        label = _label(node, rule.kind, project)
        if label not in found and len(found) < MOST_SHOWN:
            typed = "" if rule.names else rule.condition[node.at.start : node.at.end]  # places are not those of names that were used
            found[label] = typed or show_typed(node)
    return list(found.items())


def _looked_at(node: Node) -> Iterator[ColumnRef | Related]:
    if isinstance(node, ColumnRef | Related):
        yield node
    else:
        for child in children(node):
            yield from _looked_at(child)


def _label(node: ColumnRef | Related, kind: str, project: Project) -> str:
    kinds = project.facts.kinds
    if isinstance(node, Related):
        title = kinds[node.kind].title
        return f"{title.zh} ({node.function}) / {title.en} ({node.function})"
    for column in node.path:
        kind = kinds[kind].references.get(column, "store")
    title = kinds[kind].columns[node.column].title
    return title.zh if title.zh == title.en else f"{title.zh} / {title.en}"


# Its tests


def _tests(project: Project, rule: AlertRule, answers: Answers, language: str) -> tuple[str, tuple[Verdict, ...]]:
    """Tests that pass, with how they ended; where none could be made, a sketch in comments."""
    at = parse_instant(DEFAULT_AT, project.facts)
    with tempfile.TemporaryDirectory(prefix="storewatch-new-") as folder:
        pair = find_examples(rule, project.facts, Path(folder) / "examples", at)
        if pair:
            writer = _TestWriter(project, rule, answers, language)
            for held in (True, False) if answers.hold else (True,):
                text = writer.test(pair[0], fires=True, held=held) + "\n" + writer.test(pair[1], fires=False)
                verdicts = _run(project, text, answers, Path(folder))
                if verdicts and all(verdict.passed for verdict in verdicts):
                    return text, verdicts
    return _sketch(rule, answers, project, language), ()


def _run(project: Project, text: str, answers: Answers, folder: Path) -> tuple[Verdict, ...]:
    tests, problems = read_tests(loads(text.encode(), f"{Path(answers.file).stem}.test.yaml"), project)
    if problems:
        return ()
    try:
        with Bench(project, folder) as bench:
            return tuple(bench.run(test) for test in tests)
    except StorewatchError:
        return ()


@dataclass(frozen=True)
class _TestWriter:
    """Writes examples as tests."""

    project: Project
    rule: AlertRule
    answers: Answers
    language: str

    def test(self, example: Example, *, fires: bool, held: bool = True) -> str:
        """``held``: until the alert fires; else only until it waits, where its rows would be too old by then."""
        lines = [f"- test: {scalar(self._title(example, fires))}", f"  rule: {self.rule.name}"]
        now = [row for row in example.rows if not row.age]
        ages = dict.fromkeys(row.age for row in example.rows if row.age)
        if ages:
            lines.append("  earlier:")
        for age in ages:
            lines += [f"    {age}:", *self._given([row for row in example.rows if row.age == age], 6)]
        key = "/".join(key_of(self._kind(self.rule.kind), "1", "s1"))
        told = f"{{{key}: {{severity: {self.answers.severity}}}}}"
        if not fires:
            lines += ["  given:", *self._given(now, 4), "  quiet: true"]
        elif self.answers.hold and held:
            lines += ["  timeline:", "    - given:", *self._given(now, 8), f"      expect: {{{key}: pending}}"]
            lines += [f"    - at: +{self.answers.hold}", "      given:", *self._given(now, 8), f"      expect: {told}"]
        else:
            lines += ["  given:", *self._given(now, 4), f"  expect: {{{key}: pending}}" if self.answers.hold else f"  expect: {told}"]
        return "\n".join(lines) + "\n"

    def _title(self, example: Example, fires: bool) -> str:
        spot, kind = example.decides, self._kind(example.decides.kind)
        what = kind.columns[spot.column].title if spot.column else Text(f"rows of {kind.name}", f"{kind.title.zh}行数")
        value = Text("missing", "缺失") if example.value is None else Text.same(str(example.value))
        zh, en = ("报警", "fires") if fires else ("不报", "stays quiet")
        return (
            f"{self.rule.name}：{what.zh} {value.zh}，{zh}" if self.language == "zh" else f"{self.rule.name} {en} with {what.en} {value.en}"
        )

    def _given(self, rows: Iterable[Row], indent: int) -> Iterator[str]:
        by_kind: dict[str, list[str]] = {}
        for row in rows:
            by_kind.setdefault(row.kind, []).append(self._row(row))
        for name, written in by_kind.items():
            yield f"{' ' * indent}{scalar(self._said(self._kind(name)))}: {{{', '.join(written)}}}"

    def _row(self, row: Row) -> str:
        kind = self._kind(row.kind)
        key = "/".join(key_of(kind, "1" if row.count else "2", "s1"))
        if row.count > 1:
            key = f"{key}..{kind.name[0]}{row.count}" if len(kind.key) == 1 else f"{key}..{row.count}"
        cells = ", ".join(f"{scalar(self._named(kind, column), flow=True)}: {_cell(text)}" for column, text in row.cells.items())
        return f"{scalar(key, flow=True)}: {{{cells}}}"

    def _named(self, kind: Kind, name: str) -> str:
        """The column's Chinese title where it is that column's alone, and that is the language; else its name."""
        title = kind.columns[name].title.zh
        return title if self.language == "zh" and [each.name for each in columns_named(title, kind)] == [name] else name

    def _said(self, kind: Kind) -> str:
        return kind.title.zh if self.language == "zh" else kind.name

    def _kind(self, name: str) -> Kind:
        return self.project.facts.kinds[name]


def _cell(text: str) -> str:
    """Cells are read by their characters: numbers need no quotes, unlike what YAML would take apart."""
    return text if re.fullmatch(r"[+-]?[\w.%]+", text) else scalar(text, flow=True)


def _sketch(rule: AlertRule, answers: Answers, project: Project, language: str) -> str:
    """The rows that a test needs, to be filled in, as comments: a test that says nothing would fail."""
    kind = project.facts.kinds[rule.kind]
    columns = [node.column for node in _looked_at(rule.when) if isinstance(node, ColumnRef) and not node.path]
    key = "/".join(key_of(kind, "1", "s1"))
    todo = Text("TODO: no rows were found by trying; fill them in, take the # away", "TODO：没能自动推出数据，请补上数值并去掉行首的 #")
    cells = ", ".join(f"{name}: ..." for name in dict.fromkeys(columns))
    lines = [f"# {todo.in_(language)}", f"# - test: {rule.name}", f"#   rule: {rule.name}", "#   given:"]
    lines += [f"#     {kind.name}: {{{key}: {{{cells}}}}}", f"#   expect: {{{key}: {{severity: {answers.severity}}}}}"]
    return "\n".join(lines) + "\n"
