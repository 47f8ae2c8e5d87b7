"""``storewatch diff``: what a change of rules would have changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, emit, emit_json, fail, settings
from engine.cli.replaying import Asked, bar, check_stores, known_stores, names_in, planned, span
from engine.errors import StorewatchError, Text

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from engine.archive import Archive
    from engine.diff import Difference
    from engine.project import Project
    from engine.replay import Progress, Replay

DAYS, INTERRUPTED = 90, 130


def register(app: typer.Typer) -> None:
    app.command("diff")(diff)


def diff(
    context: typer.Context,
    base: Annotated[str, typer.Option(help="What to compare with: a git revision, or another project's folder. Default: main.")] = "",
    since: Annotated[str, typer.Option("--from", help="First day or instant (project time zone).")] = "",
    until: Annotated[str, typer.Option("--to", help="Last day or instant. Default: now.")] = "",
    days: Annotated[int, typer.Option("--days", help="So many days up to --to. Default: 90.", min=0, show_default=False)] = 0,
    rules: Annotated[list[str] | None, typer.Option("--rules", help="Only these rules: names with commas between.")] = None,
    stores: Annotated[list[str] | None, typer.Option("--stores", help="Tell of these stores only: ids with commas between.")] = None,
    every: Annotated[str, typer.Option("--every", help="Evaluate all rules so often (1d, 6h, 30m), not as schedules.yaml says.")] = "",
    per_batch: Annotated[bool, typer.Option("--per-batch", help="Evaluate wherever the data of a rule changes.")] = False,
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

      storewatch diff --base v1.2 --days 30 --rules dsr_drop

      storewatch diff --base origin/main --markdown --budget "+10 notifications/day"

    With --format json: base, head, days, rules (each with its figures), renamed, alerts and notifications (each difference: side, rule,
    key, what changed, before, after), budgets.

    Exit code 0: done. 1: over a budget. 2: the command line or a file of either version is wrong. 130: interrupted.
    """
    options = settings(context)
    try:
        asked = Asked(since, until, days if days or since else DAYS, names_in(rules), names_in(stores), every, per_batch)
        raise typer.Exit(_diff(options, base, asked, budget or [], markdown, limit))
    except StorewatchError as error:
        fail(options, error)


def _diff(options: Settings, base_name: str, asked: Asked, budgets: list[str], markdown: bool, limit: int) -> int:
    from engine.archive import Archive  # heavy modules load only when they are needed
    from engine.diff import base_of, compare, parse_budget
    from engine.diff.telling import as_json, as_markdown
    from engine.project import load_project
    from engine.snapshots import Snapshots

    limits = [parse_budget(text) for text in budgets]
    head = load_project(options.project)
    archive = Archive.of(Snapshots(head.snapshots))
    since, until = span(asked, head, archive)
    check_stores(asked, known_stores(head, archive, until) if asked.stores else ())
    with base_of(base_name, options.project) as base:
        projects = (base.project, head)
        replays = []
        for project, name in zip(projects, (Text.same(base.name), Text("this version", "当前版本")), strict=True):
            with bar(options, name) as progress:
                replays.append(_replayed(project, archive, _narrowed(asked, project, projects), (since, until), progress))
            if not replays[-1].complete:
                options.say(Text("interrupted: nothing was compared", "已中断：没有比较"))
                return INTERRUPTED
        found = compare(replays[0], replays[1], projects, archive, (since, until), (base.name, str(options.project)))
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


def _narrowed(asked: Asked, project: Project, projects: tuple[Project, Project]) -> Asked | None:
    """What is asked, with the project's own names of the rules, which may be given by their name in either version. None where the project
    has none of them. Raises UsageError for a name that neither version has."""
    from engine.diff.renames import renames

    if not asked.rules:
        return asked
    known = {rule.name for each in projects for rule in each.rules}
    projects[1].select(name for name in asked.rules if name not in known)  # raises, with what was probably meant
    alike = ({one.before, one.after} for one in renames(*projects))
    wanted = set(asked.rules).union(*(pair for pair in alike if pair & set(asked.rules)))
    own = tuple(rule.name for rule in project.rules if rule.name in wanted)
    return replace(asked, rules=own) if own else None


def _replayed(
    project: Project, archive: Archive, asked: Asked | None, between: tuple[datetime, datetime], progress: Callable[[Progress], None]
) -> Replay:
    """A replay of what is asked (None: of no rule, at the instants at which others would have been evaluated)."""
    from engine.replay import replay
    from engine.replay.summary import only

    instants = planned(asked or Asked(), project, archive, *between)
    instants = instants if asked else [replace(each, rules=()) for each in instants]
    found = replay(project, archive, instants, until=between[1], progress=progress)
    return only(found, asked.stores) if asked and asked.stores else found


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
