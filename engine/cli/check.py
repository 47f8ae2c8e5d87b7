"""``storewatch check``: is everything in the project right? All problems at once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from engine.cli.common import Settings, clock, fail, settings
from engine.collecting import uncollected
from engine.errors import Problem, ProblemsFound, StorewatchError, Text, visible, without_secrets

if TYPE_CHECKING:
    from engine.incidents import IncidentRule
    from engine.project import Project
    from engine.rules import AlertRule


AHEAD = timedelta(days=60)


def register(app: typer.Typer) -> None:
    app.command("check")(check)


def check(context: typer.Context) -> None:
    """Check facts.yaml, rules and their tests, channels, schedules, templates; show every problem with its place and what to do.

    With --format json: one array of problems (file, line, column, width, code, message, hint).

    Exit code 0: all is right. 1: problems were found. 2: the folder is no project.
    """
    options = settings(context)
    try:
        with uncollected():  # a seventh of the time
            project = _checked(options.project)
    except ProblemsFound as error:
        _tell(options, error.problems)
        raise typer.Exit(1) from None
    except StorewatchError as error:
        fail(options, error)
    if options.format == "json":
        typer.echo("[]")
    if _schemas_are_old(project):
        command = "storewatch schema --write"
        options.say(
            Text(
                f"note: editors complete by schemas that are out of date; run: {command}",
                f"注意：编辑器用的 schema 已过时，请运行：{command}",
            )
        )
    for name, channel in project.channels.channels.items():
        for variable in channel.variables:
            if variable not in os.environ:
                options.say(_unset(name, variable))
        if channel.PACKAGE and find_spec(channel.PACKAGE) is None:
            options.say(_not_installed(name, channel.PACKAGE))
    for sentence in _unknown_holidays(project, clock().date()):
        options.say(sentence)
    options.say(
        Text(
            f"all right: {len(project.rules)} rules, {len(project.incidents)} incident rules, {len(project.facts.schemas)} fact kinds",
            f"全部正确：{len(project.rules)} 条规则，{len(project.incidents)} 条事件规则，{len(project.facts.schemas)} 种事实",
        )
    )


def _checked(folder: Path) -> Project:
    """The project, if all of it is right. Raises ProblemsFound and UsageError."""
    from engine import remembering  # heavy: not on the path of --help
    from engine.project import load_project
    from engine.ruletest.reading import check_tests

    memory = remembering.of_user()
    project = load_project(folder, thorough=True, memory=memory)
    if problems := check_tests(project, memory):  # of rules that are wrong themselves nothing could be said
        raise ProblemsFound(problems)
    return project


def _schemas_are_old(project: Project) -> bool:
    """Whether making the schemas anew would change them; what is younger than all that they are made of is not made to see."""
    folder = project.folder
    schemas = list((folder / ".storewatch" / "schemas").glob("*.json"))
    sources = [*folder.glob("*.yaml"), *(folder / "rules").rglob("*.y*ml"), *Path(__file__).parents[1].rglob("*.py")]
    if not schemas or min(map(_written, schemas)) > max(map(_written, sources)):
        return False
    from engine import remembering

    memory = remembering.of_user()
    found = remembering.digest([*_named(project), *((path.name, path.read_bytes()) for path in sorted(schemas))])
    if memory and memory.knows(found):
        return False
    from engine.editing import changed, schema_files  # heavy

    old = bool(changed(schema_files(project.folder)))
    if memory and not old:
        memory.note(found)
    return old


def _named(project: Project) -> Iterator[object]:
    """What schemas are filled with: kinds with their columns, what rules are called and labelled, and the names in channels.yaml."""
    yield project.facts.kinds
    rules: list[AlertRule | IncidentRule] = [*project.rules, *project.incidents]
    for rule in sorted(rules, key=lambda rule: rule.defined_at):
        yield rule.name, type(rule).__name__, rule.info.owner, [*rule.info.labels.items()]
    channels = project.channels
    yield from map(list, (channels.contacts, channels.receivers, channels.time_intervals, channels.channels))


def _written(path: Path) -> float:
    return path.stat().st_mtime


def _unset(channel: str, variable: str) -> Text:
    """Only a warning: the shell that checks need not be the one that sends."""
    return Text(
        f"warning: channels.yaml: channel '{channel}': environment variable {variable} is not set in this shell; sending needs it",
        f"注意：channels.yaml 的渠道 '{channel}'：当前终端里没有设置环境变量 {variable}，发送时需要它",
    )


def _unknown_holidays(project: Project, today: date) -> Iterator[Text]:
    """Time intervals whose public holidays nobody will know of soon."""
    from engine.intervals import unknown_days

    for name, parts in project.channels.time_intervals.items():
        for calendar in unknown_days(parts, today + AHEAD):
            last = calendar.published().last
            yield Text(
                f"warning: channels.yaml: time interval '{name}': public holidays are known until {last}; after it Monday to Friday are"
                f" workdays and nothing is a holiday. Upgrade the library: pip install --upgrade {calendar.package}",
                f"注意：channels.yaml 的时间段 '{name}'：节假日安排只知道到 {last}，之后一律按周一至周五上班计算。"
                f"请升级：pip install --upgrade {calendar.package}",
            )


def _not_installed(channel: str, package: str) -> Text:
    command = "pip install 'storewatch[chat]'"
    return Text(
        f"warning: channels.yaml: channel '{channel}' needs the package {package}; its messages wait until it is installed: {command}",
        f"注意：channels.yaml 的渠道 '{channel}' 需要安装 {package}，安装前消息会一直等待：{command}",
    )


def _tell(options: Settings, problems: Sequence[Problem]) -> None:
    if options.format == "json":
        typer.echo(json.dumps([_plain(problem, options.language) for problem in problems], ensure_ascii=False, indent=2))
    else:
        typer.echo("\n\n".join(problem.render(options.language) for problem in problems) + "\n")
    count, files = len(problems), len({problem.file for problem in problems})
    options.say(Text(f"{count} problem(s) in {files} file(s)", f"{files} 个文件里共 {count} 个问题"))


def _plain(problem: Problem, language: str) -> dict[str, object]:
    """``line`` and ``column`` count from 1, in characters; line 0 means the file as a whole."""
    return {
        "file": visible(problem.file),
        "line": problem.line,
        "column": problem.column,
        "width": problem.width,
        "code": problem.code,
        "message": visible(without_secrets(problem.text.in_(language))),
        "hint": visible(without_secrets(problem.hint.in_(language))) if problem.hint else None,
    }
