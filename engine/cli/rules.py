"""``storewatch rules``: what is looked for, as a table or as the page ``docs/rules.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import emit, fail, settings
from engine.errors import StorewatchError, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.incidents import IncidentRule, Pattern
    from engine.rules import AlertRule

INCIDENT = "incident"


def register(app: typer.Typer) -> None:
    app.command("rules")(rules)


def rules(
    context: typer.Context,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a page that describes every rule.")] = False,
) -> None:
    """List the rules of the project: name, title, fact kind (or incident), worst severity, owner, file and line."""
    from engine.project import load_project

    options = settings(context)
    try:
        project = load_project(options.project)
    except StorewatchError as error:
        fail(options, error)
    if markdown:
        typer.echo("\n".join([*_page(project.rules), *_incidents_page(project.incidents)]))
        return
    rows = [_row(rule, rule.kind, " ".join(rule.condition.split()), options.language) for rule in project.rules]
    rows += [_row(rule, INCIDENT, "; ".join(pattern.text for pattern in rule.patterns), options.language) for rule in project.incidents]
    columns = {
        "name": Text("name", "名称"),
        "title": Text("title", "标题"),
        "facts": Text("facts", "事实"),
        "severity": Text("severity", "级别"),
        "owner": Text("owner", "负责人"),
        "defined_at": Text("defined at", "位置"),
    }
    emit(options, rows, columns, Text("no rules", "没有规则"))


def _row(rule: AlertRule | IncidentRule, facts: str, when: str, language: str) -> dict[str, str]:
    return {
        "name": rule.name,
        "title": rule.info.title.in_(language),
        "facts": facts,
        "severity": rule.info.severity.value,
        "owner": rule.info.owner,
        "when": when,
        "defined_at": rule.defined_at,
    }


def _incidents_page(found: Iterable[IncidentRule]) -> Iterator[str]:
    """The second part of ``docs/rules.md``: every incident rule with its patterns."""
    for number, rule in enumerate(found):
        info = rule.info
        yield from ("", "# Incidents / 事件") if number == 0 else ()
        yield from ("", f"## `{rule.name}`: {info.title.zh} / {info.title.en}", "")
        scope = ", ".join(f"`{name}`" for name in rule.scope)
        yield f"One for each {scope}. Severity: {info.severity.value}. Owner: {info.owner or '-'}. Defined in `{rule.defined_at}`."
        for way in rule.ways:
            yield ""
            for group, patterns in way.groups:
                yield from (f"    {group}  {pattern.binding}: {_counted(pattern)}" for pattern in patterns)
        if info.advice:
            yield from ("", info.advice.zh, "", info.advice.en)


def _counted(pattern: Pattern) -> str:
    of = f" different {pattern.distinct}" if pattern.distinct else ""
    return f"{pattern.count}{of}: {pattern.text}" if pattern.count > 1 else pattern.text


def _page(found: tuple[AlertRule, ...]) -> list[str]:
    """``docs/rules.md``: every rule with what it catches, its condition as written, and what to do."""
    lines = ["# Rules / 规则", "", "Made from `rules/` by `storewatch rules --markdown`; do not edit by hand."]
    for rule in found:
        info = rule.info
        lines += ["", f"## `{rule.name}`: {info.title.zh} / {info.title.en}", ""]
        lines += [
            f"Facts: `{rule.kind}`. Severity: up to {info.severity.value}. Owner: {info.owner or '-'}. Defined in `{rule.defined_at}`."
        ]
        lines += ["", "    " + "\n    ".join(rule.condition.splitlines())]
        lines += _named(rule)
        if info.advice:
            lines += ["", info.advice.zh, "", info.advice.en]
    return lines


def _named(rule: AlertRule) -> list[str]:
    """The shared names that the rule uses, and its parameters with their overrides."""
    from engine.language.printing import show_typed  # heavy

    lines = [f"* `{name}`: `{' '.join(text.split())}`" for name, text in rule.names]
    for param in rule.params:
        lines.append(f"* 参数 / parameter `{param.name}`: `{param.text}`")
        lines += [f"    * `{show_typed(override.condition)}`: `{override.text}`" for override in param.overrides]
    return ["", *lines] if lines else []
