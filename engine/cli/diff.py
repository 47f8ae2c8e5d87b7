"""``storewatch diff``: what a change of rules would have changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, clock, emit, emit_json, fail, settings
from engine.cli.history import INTERRUPTED, appointments_of, progress_bar, span_of
from engine.errors import StorewatchError, Text

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from engine.diff import Difference
    from engine.project import Project
    from engine.replay import Progress, Replay
    from engine.rules import AlertRule
    from engine.snapshots import Snapshots


def register(app: typer.Typer) -> None:
    app.command("diff")(diff)


def diff(
    context: typer.Context,
    base: Annotated[str, typer.Option(help="What to compare with: a git revision, or another project's folder. Default: main.")] = "",
    days: Annotated[int | None, typer.Option(min=1, help="How many days of history; default 90.")] = None,
    since: Annotated[str, typer.Option("--from", help="First day or instant, instead of --days.")] = "",
    until: Annotated[str, typer.Option("--to", help="Last day or instant. Default: the last day that there is data of.")] = "",
    rule: Annotated[list[str] | None, typer.Option("--rule", help="Only this rule; may be given several times.")] = None,
    budget: Annotated[
        list[str] | None, typer.Option(help="Exit with 1 above it: '+10 notifications/day', '+5% alerts', '200 notifications/week'.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Markdown for a pull request.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="Alerts and notifications that are listed one by one.")] = 20,
) -> None:
    """Replay the same history under two versions of the project, and tell which alerts and notifications come, go, or change.

    The newer version is the project's folder as it is now; the older one is read out of git without touching the working tree. Both see the
    same snapshots, which need not be in git. A rule that was only renamed is told as renamed.

    Examples:

      storewatch diff

      storewatch diff --base v1.2 --days 30 --rule dsr_drop

      storewatch diff --base origin/main --markdown --budget "+10 notifications/day"

    With --format json: base, head, days, rules (each with its figures), renamed, alerts and notifications (each difference: side, rule,
    key, what changed, before, after), budgets.

    Exit code 0: done. 1: over a budget. 2: the command line or a file of either version is wrong. 130: interrupted.
    """
    options = settings(context)
    try:
        raise typer.Exit(_diff(options, base, (since, until, days), rule or [], budget or [], markdown, limit))
    except StorewatchError as error:
        fail(options, error)


def _diff(
    options: Settings, asked: str, span: tuple[str, str, int | None], rules: list[str], budgets: list[str], markdown: bool, limit: int
) -> int:
    from engine.diff import base_of, compare, parse_budget  # heavy modules load only when they are needed
    from engine.diff.telling import as_json, as_markdown
    from engine.project import load_project
    from engine.snapshots import Snapshots

    limits = [parse_budget(text) for text in budgets]
    head = load_project(options.project)
    with base_of(asked, options.project) as base:
        snapshots = Snapshots(head.snapshots)
        since, until = span_of(head, snapshots, *span, clock())
        replays = []
        for project, name in ((base.project, Text(base.name, base.name)), (head, Text("this version", "当前版本"))):
            chosen = _chosen(project, rules, (base.project, head))
            with progress_bar(options, name) as progress:
                replays.append(_replayed(project, snapshots, chosen, (since, until), progress))
            if not replays[-1].complete:
                options.say(Text("interrupted: nothing was compared", "已中断：没有比较"))
                return INTERRUPTED
        found = compare(replays[0], replays[1], (base.project, head), snapshots, (base.name, str(options.project)))
    if options.format == "json":
        judged = [{"budget": each.text, "spent": float(each.spent(found)), "kept": each.kept(found)} for each in limits]
        emit_json(as_json(found) | {"budgets": judged})
    elif markdown:
        typer.echo(as_markdown(found, options.language, head.facts.zone, limit, [each.verdict(found) for each in limits]), nl=False)
    else:
        _tell(options, found, head, limit)
    for each in limits:
        options.say(each.verdict(found))
    return int(not all(each.kept(found) for each in limits))


def _chosen(project: Project, asked: list[str], projects: tuple[Project, Project]) -> tuple[AlertRule, ...]:
    """The project's rules among those asked for, by their name in either version; all where none is asked for. Raises UsageError."""
    from engine.diff.renames import renames

    if not asked:
        return project.rules
    names = [rule.name for each in projects for rule in each.rules]
    for name in asked:
        if name not in names:
            projects[1].select([name])  # raises, with what was probably meant
    alike = [{one.before, one.after} for one in renames(*projects)]
    wanted = set(asked).union(*(pair for pair in alike if pair & set(asked)))
    return tuple(rule for rule in project.rules if rule.name in wanted)


def _replayed(
    project: Project,
    snapshots: Snapshots,
    rules: tuple[AlertRule, ...],
    span: tuple[datetime, datetime],
    progress: Callable[[Progress], None],
) -> Replay:
    """A replay of the project in that time. Where it has none of the rules, it is looked at when it would have evaluated the others."""
    from engine.replay import replay

    found = appointments_of(project, snapshots, *span, rules or project.rules)
    planned = found if rules else [replace(each, rules=()) for each in found]
    return replay(project, snapshots, planned, until=span[1], progress=progress)


def _tell(options: Settings, found: Difference, head: Project, limit: int) -> None:
    from engine.diff.telling import LISTED, RULES, listed_rows, notes, rule_rows, summary

    typer.echo(f"{found.names[0]} → {found.names[1]}, {summary(found).in_(options.language)}")
    for note in notes(found):
        typer.echo(note.in_(options.language))
    rows = rule_rows(found)
    if not rows:
        typer.echo(Text("no alert and no notification is different", "告警和通知没有任何差别").in_(options.language))
        return
    typer.echo()
    emit(options, rows, RULES, Text("", ""))
    listed = listed_rows(found, options.language, head.facts.zone, limit)
    if listed:
        typer.echo()
        emit(options, listed, LISTED, Text("", ""))
    more = max(len(found.alerts.differences), len(found.notifications.differences)) > limit
    if more:
        options.say(Text(f"only the first {limit} of each are listed: --limit", f"每种只列出前 {limit} 个：--limit 可以改"))
