"""The questions of ``storewatch new rule``: each is asked until its answer is right; what was given as an option is not asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeVar

import typer

from engine.errors import Problem, ProblemsFound, StorewatchError, Text, UsageError, did_you_mean

if TYPE_CHECKING:
    from engine.drafting import Answers
    from engine.project import Project

Answer = TypeVar("Answer")
SEVERITIES = ("info", "warning", "critical")


@dataclass(frozen=True, slots=True)
class Given:
    """The answers given as options; '' where there is none."""

    name: str
    title: str
    title_en: str
    facts: str
    when: str
    hold: str
    severity: str
    owner: str
    area: str
    file: str


@dataclass(frozen=True)
class Asker:
    """Asks in ``language``; with ``silent`` nothing is asked, and what has no default must be given."""

    project: Project
    given: Given
    language: str
    silent: bool

    def answers(self) -> Answers:
        """Raises :class:`StorewatchError` for a given answer that is wrong, typer's Abort where input ends."""
        from engine.drafting import Answers  # heavy

        given = self.given
        name = self._ask(Text("Name, such as dsr_low", "规则名称，小写字母、数字和下划线，如 dsr_low"), "--name", given.name, self._name)
        zh = self._ask(Text("Title in messages (Chinese, or for both)", "消息里的标题"), "--title", given.title, _text)
        en = self._ask(Text("Title in English", "英文标题"), "--title-en", given.title_en, _text, zh)
        kind = self._choose(Text("What is judged?", "判断什么？"), "--facts", given.facts, self._kinds())
        file = self._ask(Text("File under rules/", "写进 rules/ 下的哪个文件"), "--file", given.file, self._file, "my.yaml")
        condition = Text("Condition (? lists the columns)", "条件（输入 ? 列出可用的列）")
        when = self._ask(condition, "--when", given.when, self._condition(kind, file))
        hold = self._ask(
            Text("How long must it hold, such as 2d (at once)", "持续多久才报，如 2d（立刻）"), "--for", given.hold, _duration, ""
        )
        severities = {name: Text.same(name) for name in SEVERITIES}
        severity = self._choose(Text("Severity", "级别"), "--severity", given.severity, severities, "warning")
        owner = self._choose(Text("Who is in charge?", "谁负责？"), "--owner", given.owner, self._owners(), "")
        area = self._ask(self._area_question(), "--area", given.area, str.strip, "")
        return Answers(name, Text(en, zh), kind, when, hold, severity, owner, area, file)

    def _ask(self, question: Text, option: str, given: str, read: Callable[[str], Answer], default: str | None = None) -> Answer:
        """The answer as ``read`` makes it; asked again while that raises StorewatchError, unless it was given or nothing may be asked."""
        if given or self.silent:
            if not given and default is None:
                raise UsageError(Text(f"{option} is missing", f"缺少 {option}"))
            return read(given or default or "")
        while True:
            shown = typer.prompt(question.in_(self.language), default=default, show_default=bool(default), err=True)
            try:
                return read(str(shown).strip())
            except StorewatchError as error:
                self._tell(error)

    def _tell(self, error: StorewatchError) -> None:
        if isinstance(error, ProblemsFound):
            for problem in error.problems:
                typer.echo(problem.render(self.language), err=True)
        else:
            typer.echo("  ".join(text.in_(self.language) for text in (error.text, error.hint) if text), err=True)

    def _choose(self, question: Text, option: str, given: str, choices: Mapping[str, Text], default: str | None = None) -> str:
        """One of ``choices``, by its number in the list that is shown, its name, or its title."""

        def read(text: str) -> str:
            if text == default == "":
                return ""
            numbered = dict(zip(map(str, range(1, len(choices) + 1)), choices, strict=True))
            found = [name for name, title in choices.items() if text in (name, title.zh, title.en)]
            if found or text in numbered:
                return found[0] if found else numbered[text]
            listed = Text(f"use {', '.join(choices)}", f"可用 {'、'.join(choices)}")
            raise UsageError(Text(f"{option} {text}: not known", f"{option} {text}：没有这一项"), did_you_mean(text, choices) or listed)

        if not given and not self.silent:
            for number, (name, title) in enumerate(choices.items(), 1):
                typer.echo(f"  {number:>2}. {name}{'' if title.zh == name else '  ' + title.in_(self.language)}", err=True)
        return self._ask(question, option, given, read, default)

    def _kinds(self) -> Mapping[str, Text]:
        return {kind.name: kind.title for kind in self.project.facts.kinds.values()}

    def _owners(self) -> Mapping[str, Text]:
        return {name: Text.same(name) for name in self.project.channels.contacts}

    def _area_question(self) -> Text:
        areas = list(dict.fromkeys(rule.info.area for rule in self.project.rules if rule.info.area))
        return Text(f"Area ({', '.join(areas)}; none)", f"领域（{'、'.join(areas)}；可不填）")

    def _name(self, text: str) -> str:
        from engine.builtin import BUILT_IN
        from engine.fields import parse_name
        from engine.yamlfile import BilingualError

        try:
            name = parse_name(text)
        except BilingualError as error:
            raise UsageError(error.text, error.hint) from None
        places = {rule.name: rule.defined_at for rule in self.project.rules}
        places |= {incident.name: incident.defined_at for incident in self.project.incidents}
        if name in places or name in BUILT_IN:
            where = places.get(name, "storewatch")
            raise UsageError(Text(f"there is a rule '{name}' already ({where})", f"已有名为 '{name}' 的规则（{where}）"))
        return name

    def _condition(self, kind: str, file: str) -> Callable[[str], str]:
        def read(text: str) -> str:
            if text == "?":
                raise UsageError(Text.same("\n".join(self._columns(kind))))
            if problems := condition_problems(text, kind, file, self.project):
                raise ProblemsFound(problems)
            return text

        return read

    def _columns(self, kind: str) -> Sequence[str]:
        columns = [column for column in self.project.facts.kinds[kind].columns.values() if not column.personal]
        return [f"  {column.name}  {column.title.in_(self.language)}" for column in columns]

    def _file(self, text: str) -> str:
        path = PurePosixPath(text.removeprefix("rules/"))
        if path.is_absolute() or ".." in path.parts or not path.name or path.name.startswith("."):
            raise UsageError(Text(f"{text} is not a file under rules/", f"{text} 不是 rules/ 下的文件"))
        name = path.name if path.suffix in (".yaml", ".yml") else f"{path.name}.yaml"
        if name.endswith((".test.yaml", ".test.yml")):
            raise UsageError(Text(f"{text} is a file of tests", f"{text} 是测试文件"))
        return (PurePosixPath("rules") / path.with_name(name)).as_posix()


def condition_problems(text: str, kind: str, file: str, project: Project) -> list[Problem]:
    """What is wrong with a condition of a rule in ``file``, each with the caret under it."""
    from engine.drafting import lets_of
    from engine.language import ExpressionError, Scope, understand  # heavy

    try:
        names = lets_of(project, file).of(file).sound
        understand(text, Scope(kind, project.facts.schemas, project.facts.time_zone, names), condition=True)
    except ExpressionError as error:
        return [
            Problem("when", 1, found.span.start + 1, found.code, found.text, found.hint, text, max(1, found.span.end - found.span.start))
            for found in error.problems
        ]
    return []


def _text(text: str) -> str:
    if text:
        return text
    raise UsageError(Text("--title must not be empty", "标题不能为空"))


def _duration(text: str) -> str:
    from engine.fields import parse_duration
    from engine.yamlfile import BilingualError

    try:
        return text if not text or parse_duration(text) else ""
    except BilingualError as error:
        raise UsageError(error.text, error.hint) from None
