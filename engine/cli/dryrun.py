"""``storewatch dry-run``: what the rules would have found, and told, over the snapshots there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, Writers, clock, emit, emit_json, existing_state, fail, settings
from engine.cli.replaying import Asked, bar, check_stores, known_stores, names_in, planned, span, steps
from engine.cli.words import local_time
from engine.errors import StorewatchError, Text, UsageError

if TYPE_CHECKING:
    from engine.archive import Archive
    from engine.model import Severity
    from engine.project import Project
    from engine.replay import Replay

RULES = {
    "rule": Text("rule", "规则"),
    "owner": Text("owner", "负责人"),
    "alerts": Text("alerts", "告警"),
    "critical": Text("critical", "严重"),
    "stores": Text("stores", "店铺"),
    "relapses": Text("again < 1 d", "一天内复发"),
    "open": Text("still on", "未结束"),
    "resolve": Text("median to end", "恢复中位数"),
    "longest": Text("longest", "最长"),
    "notifications": Text("messages", "消息"),
    "unknown": Text("unknown rows", "未知行"),
    "failed": Text("failed", "失败"),
}
DAYS = {
    "day": Text("day", "日期"),
    "alerts": Text("alerts", "告警"),
    "critical": Text("critical", "严重"),
    "resolved": Text("ended", "结束"),
    "open": Text("on at the end", "日终未结束"),
    "notifications": Text("messages", "消息"),
}
OWNERS = {
    "owner": Text("owner", "负责人"),
    "rules": Text("rules", "规则"),
    "alerts": Text("alerts", "告警"),
    "critical": Text("critical", "严重"),
    "stores": Text("stores", "店铺"),
    "resolve": Text("median to end", "恢复中位数"),
    "notifications": Text("messages", "消息"),
}


def register(app: typer.Typer) -> None:
    app.command("dry-run")(dry_run)


def dry_run(
    context: typer.Context,
    since: Annotated[str, typer.Option("--from", help="First day or instant (project time zone).")] = "",
    until: Annotated[str, typer.Option("--to", help="Last day or instant. Default: now.")] = "",
    days: Annotated[int, typer.Option("--days", help="So many days up to --to. Default: 30.", min=0, show_default=False)] = 0,
    rules: Annotated[
        list[str] | None, typer.Option("--rules", help="Only these rules: names with commas between. Incidents are looked for as always.")
    ] = None,
    stores: Annotated[list[str] | None, typer.Option("--stores", help="Tell of these stores only: ids with commas between.")] = None,
    every: Annotated[str, typer.Option("--every", help="Evaluate all rules so often (1d, 6h, 30m), not as schedules.yaml says.")] = "",
    per_batch: Annotated[bool, typer.Option("--per-batch", help="Evaluate wherever the data of a rule changes.")] = False,
    as_live: Annotated[bool, typer.Option("--as-live", help="One evaluation now, from the real state: what would happen next.")] = False,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write rules, days, owners, alerts, notifications as CSV here.")] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML to this file: a test case for each rule.")] = None,
    mails: Annotated[Path | None, typer.Option("--messages", help="Write every message into this folder, as it would be sent.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write one HTML page with everything to this file.")] = None,
    kept: Annotated[
        int,
        typer.Option("--html-messages", help="Messages that the page shows just as they would be sent; the others are only listed.", min=0),
    ] = 1_000,
    fail_on: Annotated[str, typer.Option("--fail-on", help="Exit with 1 when an alert of this severity or above fired.")] = "",
) -> None:
    """Replay the snapshots through the rules as they are now: alerts and messages by rule, by day, by owner.

    The same matching, incidents, lifecycle, routing and rendering as live, with a state of its own that begins with no alert; messages are
    counted and can be written to files, nothing is sent, and nothing of the real state or the snapshots is changed. Every message
    counts as delivered at once. Ctrl+C ends it early and tells what was found so far.

    Exit code 0: done. 1: --fail-on. 2: the command line or a file of the project is wrong. 3: a rule could not be evaluated.

    With --format json: one object with since, until, complete, evaluations, planned, rules, days, owners, alerts, notifications,
    not_told (changes that were not told, by reason).
    """
    options = settings(context)
    asked = Asked(since, until, days, names_in(rules), names_in(stores), every, per_batch)
    try:
        threshold = _severity(fail_on)
        project, archive, found = _replayed(options, asked, as_live)
        _write(options, project, archive, found, csv, junit, mails, threshold)
        if html:
            _write_page(options, project, archive, found, html, kept)
        _tell(options, project, found)
    except StorewatchError as error:
        fail(options, error)
    raise typer.Exit(_code(found, threshold))


def _severity(name: str) -> Severity | None:
    from engine.cli.run import severity_of

    return severity_of(name) if name else None


def _replayed(options: Settings, asked: Asked, as_live: bool) -> tuple[Project, Archive, Replay]:
    from engine.archive import Archive
    from engine.project import load_project  # heavy: not on the path of --help
    from engine.replay import replay
    from engine.replay.summary import only
    from engine.snapshots import Snapshots

    project = load_project(options.project)
    project.select(asked.rules)
    archive = Archive.of(Snapshots(project.snapshots))
    if as_live:
        found = _next_round(options, asked, project, archive)
    else:
        since, until = span(asked, project, archive)
        instants = planned(asked, project, archive, since, until)
        check_stores(asked, known_stores(project, archive, until) if asked.stores else ())
        with bar(options) as progress:
            found = replay(project, archive, instants, until=until, progress=progress)
    return project, archive, only(found, asked.stores) if asked.stores else found


def _next_round(options: Settings, asked: Asked, project: Project, archive: Archive) -> Replay:
    """One evaluation now, over a copy of the real state."""
    from engine.replay import Appointment, Memory, replay

    if asked.since or asked.until or asked.days or asked.every or asked.per_batch:
        text = Text(
            "--as-live is one evaluation now: it takes no --from, --to, --days, --every or --per-batch", "--as-live 只检查现在这一次"
        )
        raise UsageError(text)
    now = clock().replace(microsecond=0)
    here = [Appointment(now, "as-live", tuple(rule.name for rule in project.select(asked.rules)))]
    state = existing_state(options.project)
    if state is None:
        return replay(project, archive, here)
    with state:
        return replay(project, archive, here, memory=Memory.like(state))


def _write(
    options: Settings,
    project: Project,
    archive: Archive,
    found: Replay,
    csv: Path | None,
    junit: Path | None,
    messages: Path | None,
    threshold: Severity | None,
) -> None:
    """The files that were asked for, all or none."""
    from engine.replay import exporting
    from engine.replay.files import message_files
    from engine.writing import replace_files

    files: dict[Path, bytes] = {}
    if csv:
        for name, rows in exporting.tables(found, project.facts.zone, options.language).items():
            files[csv / f"{name}.csv"] = b"\xef\xbb\xbf" + exporting.csv_text(rows, exporting.COLUMNS[name]).encode("utf-8", "replace")
    if junit:
        files[junit] = exporting.junit(found, threshold)
    if messages:
        files |= {messages / name: content for name, content in message_files(project, archive, found).items()}
    if files:
        replace_files(files)


def _write_page(options: Settings, project: Project, archive: Archive, found: Replay, target: Path, kept: int) -> None:
    from engine.matching.evaluate import Matcher
    from engine.replay import Clerk
    from engine.report import write_report

    clerk = Clerk(project, Matcher(project.facts.schemas, project.facts.time_zone), archive)
    with steps(options, Text("writing messages", "正在生成消息")) as progress:
        write_report(found, clerk, target, options.language, most_mails=kept, progress=progress)
    options.say(Text(f"written: {target}", f"已写入：{target}"))


def _tell(options: Settings, project: Project, found: Replay) -> None:
    from engine.replay import exporting

    zone = project.facts.zone
    if options.format == "json":
        emit_json(exporting.as_data(found, zone, options.language))
    else:
        _print(options, exporting.tables(found, zone, options.language))
    for sentence in _sentences(found, project):
        options.say(sentence)


def _print(options: Settings, tables: Mapping[str, list[dict[str, object]]]) -> None:
    from engine.wording import Writer

    writer = Writer(options.language, UTC)
    spans: Writers = {"resolve": writer.duration, "longest": writer.duration}
    eventful = [row for row in tables["rules"] if row["alerts"] or row["notifications"] or row["unknown"] or row["failed"]]
    emit(options, eventful, RULES, Text("no rule found anything", "没有规则发现问题"), spans)
    typer.echo()
    emit(options, tables["days"], DAYS, Text("no day", "没有日期"))
    if tables["owners"]:
        typer.echo()
        emit(options, tables["owners"], OWNERS, Text("no owner", "没有负责人"), spans)


def _sentences(found: Replay, project: Project) -> Iterable[Text]:
    from engine.replay.summary import by_rule, fired

    zone = project.facts.zone
    done = sum(bool(moment.judged) for moment in found.moments)
    alerts, messages, quiet = len(fired(found)), len(found.sent), sum(not each.alerts for each in by_rule(found))
    first, last = local_time(found.since, zone), local_time(found.seen_until, zone)
    yield Text(
        f"{done} evaluation(s) from {first} to {last}: {alerts} alert(s), {messages} message(s); {quiet} rule(s) found nothing",
        f"{first} 至 {last} 共检查 {done} 次：{alerts} 个告警，{messages} 条消息；{quiet} 条规则没有发现问题",
    )
    for each in by_rule(found):
        if each.failed:
            yield Text(
                f"{each.rule}: {each.failed} of {each.evaluations} evaluations failed: {each.error}",
                f"{each.rule}：{each.evaluations} 次检查中有 {each.failed} 次失败：{each.error}",
            )
    if not found.complete:
        yield Text(f"interrupted: {done} of {found.planned} evaluations were done", f"已中断：完成了 {found.planned} 次检查中的 {done} 次")


def _code(found: Replay, threshold: Severity | None) -> int:
    if any(each.error for moment in found.moments for each in moment.judged.values()):
        return 3
    return int(any(threshold and each.fired and each.severity.rank >= threshold.rank for each in found.episodes))
