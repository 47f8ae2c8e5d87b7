"""``storewatch run``, ``alerts`` and ``outbox``: one round, what is wrong, what was sent."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, emit, fail, settings
from engine.errors import StorewatchError, Text, UsageError
from engine.model import Severity

if TYPE_CHECKING:
    from engine.outbox import DeliveryReport, Letter
    from engine.pipeline import Round
    from engine.project import Project
    from engine.state import State

MANUAL = "manual"


def register(app: typer.Typer) -> None:
    app.command("run")(run)
    app.command("alerts")(alerts)
    app.command("outbox")(outbox)


def clock() -> datetime:
    """This instant."""
    return datetime.now(UTC)


def run(
    context: typer.Context,
    at: Annotated[str, typer.Option(help="Instant to evaluate, such as 2026-11-20T09:30 (project time zone). Default: now.")] = "",
    rules: Annotated[list[str] | None, typer.Option("--rules", help="Only this rule; may be given several times.")] = None,
    send: Annotated[bool, typer.Option(help="Send what is due after the evaluation.")] = True,
    fail_on: Annotated[str, typer.Option(help="Exit with 1 when an alert of this severity or above is firing.")] = "",
) -> None:
    """Evaluate the rules once, note what changed, and send the messages.

    Running again for the same instant evaluates nothing, and only sends what still waits. Exit code 3: an evaluation or a delivery failed.
    """
    options = settings(context)
    try:
        threshold = _severity(fail_on) if fail_on else None
        raise typer.Exit(_run(options, at, rules or [], send, threshold))
    except StorewatchError as error:
        fail(options, error)


def _severity(name: str) -> Severity:
    if name not in [severity.value for severity in Severity]:
        raise UsageError(Text(f"--fail-on {name}: use info, warning or critical", f"--fail-on {name}：可用 info、warning、critical"))
    return Severity(name)


def _run(options: Settings, at: str, rules: list[str], send: bool, threshold: Severity | None) -> int:
    from engine.ingest import parse_instant  # heavy modules load only when the command runs
    from engine.matching.evaluate import Matcher
    from engine.model import State as AlertState
    from engine.pipeline import run_round
    from engine.project import load_project
    from engine.snapshots import Snapshots

    project = load_project(options.project)
    instant = parse_instant(at, project.facts) if at else clock().replace(microsecond=0)
    selected = project.select(rules)
    schedule = MANUAL if not rules else f"{MANUAL}:{','.join(sorted(set(rules)))}"
    matcher = Matcher(project.facts.schemas, project.facts.time_zone)
    with open_state(options.project) as state:
        snapshots = Snapshots(project.snapshots)
        done = run_round(project, matcher, snapshots, state, instant, schedule=schedule, rules=selected, clock=clock)
        report = deliver_due(project, state) if send else None
        firing = [alert for alert in state.alerts().values() if alert.state is AlertState.FIRING]
    _tell(options, project, done, report)
    if done.failed or (report and (report.dead or report.retried)):
        return 3
    return int(threshold is not None and any(alert.severity.rank >= threshold.rank for alert in firing))


def open_state(folder: Path) -> State:
    """The project's state: ``STOREWATCH_STATE`` (a database URL), else ``state.db`` in the project's folder."""
    from engine.state import State

    return State.open(os.environ.get("STOREWATCH_STATE") or f"sqlite:///{folder / 'state.db'}")


def deliver_due(project: Project, state: State) -> DeliveryReport:
    """Send everything in the outbox that is due."""
    from engine.actions import Surroundings, senders
    from engine.actions.notices import dead_letter_notice
    from engine.outbox import deliver

    surroundings = Surroundings(project.folder, os.environ, sys.stdout)
    return deliver(state, senders(project.channels, surroundings), clock, notice=dead_letter_notice(project.channels))


def _tell(options: Settings, project: Project, done: Round, report: DeliveryReport | None) -> None:
    """The transitions as a table on standard output; the summary beside it, on standard error."""
    from engine.builtin import BUILT_IN

    infos = project.infos | BUILT_IN
    rows = [
        {
            "at": moved.at,
            "rule": moved.alert.identity.rule,
            "title": infos[moved.alert.identity.rule].title.in_(options.language) if moved.alert.identity.rule in infos else "",
            "store_id": moved.alert.store_id,
            "key": "/".join(moved.alert.identity.key),
            "change": moved.after.value,
            "reason": moved.reason.value,
            "severity": moved.alert.severity.value,
        }
        for moved in done.transitions
    ]
    columns = {
        "change": Text("change", "变化"),
        "severity": Text("severity", "级别"),
        "store_id": Text("store", "店铺"),
        "rule": Text("rule", "规则"),
        "title": Text("title", "标题"),
        "key": Text("key", "对象"),
        "reason": Text("reason", "原因"),
    }
    emit(options, rows, columns, Text("nothing changed", "没有变化"))
    for result in done.failed:
        options.say(Text(f"rule {result.rule} failed: {result.error}", f"规则 {result.rule} 评估失败：{result.error and result.error.zh}"))
    options.say(_summary(options, done, report))


def _summary(options: Settings, done: Round, report: DeliveryReport | None) -> Text:
    if not done.claimed:
        before = Text("this instant was evaluated before; ", "这一时刻已评估过；")
    else:
        judged = sum(result.judged for result in done.results.values())
        unknown = sum(result.unknown_count for result in done.results.values())
        before = Text(
            f"{len(done.results)} rules judged {judged} rows ({unknown} unknown), {len(done.transitions)} changes; ",
            f"{len(done.results)} 条规则检查了 {judged} 行（未知 {unknown}），{len(done.transitions)} 处变化；",
        )
    if report is None:
        return Text(before.en + "nothing sent (--no-send)", before.zh + "未发送（--no-send）")
    sent = f"{report.delivered} / {report.retried} / {report.dead}"
    return Text(f"{before.en}sent / to retry / given up: {sent}", f"{before.zh}已发送 / 待重试 / 放弃：{sent}")


def alerts(
    context: typer.Context,
    resolved: Annotated[bool, typer.Option("--all", help="Also alerts that are over.")] = False,
    rule: Annotated[list[str] | None, typer.Option(help="Only this rule; may be given several times.")] = None,
    store: Annotated[str, typer.Option(help="Only this store.")] = "",
) -> None:
    """What is wrong now: pending and firing alerts, the most severe first."""
    options = settings(context)
    try:
        with open_state(options.project) as state:
            found = [alert for alert in state.alerts(rule, resolved=resolved).values() if store in ("", alert.store_id)]
    except StorewatchError as error:
        fail(options, error)
    found.sort(key=lambda alert: (-alert.severity.rank, alert.firing_since or alert.pending_since, alert.identity))
    rows = [
        {
            "id": alert.identity.fingerprint,
            "rule": alert.identity.rule,
            "key": "/".join(alert.identity.key),
            "store_id": alert.store_id,
            "state": alert.state.value,
            "severity": alert.severity.value,
            "since": alert.firing_since or alert.pending_since,
            "last_true": alert.last_true,
            "resolved_at": alert.resolved_at,
            "acknowledged_by": alert.acknowledged_by or None,
            "values": {item.label.in_(options.language): item.value for item in alert.shown},
            "shown": "，".join(f"{item.label.in_(options.language)} {item.value}" for item in alert.shown[:3] if item.value is not None),
        }
        for alert in found
    ]
    columns = {
        "state": Text("state", "状态"),
        "severity": Text("severity", "级别"),
        "rule": Text("rule", "规则"),
        "store_id": Text("store", "店铺"),
        "key": Text("key", "对象"),
        "since": Text("since", "开始"),
        "shown": Text("values", "数值"),
    }
    emit(options, rows, columns, Text("no alerts", "没有告警"))


def outbox(
    context: typer.Context,
    only: Annotated[str, typer.Option("--state", help="Only queued, sending, delivered or dead.")] = "",
    retry_dead: Annotated[bool, typer.Option(help="Queue the dead letters again.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many, the newest first.", min=1)] = 100,
) -> None:
    """What was sent, what waits to be sent, and what could not be sent, with the reason."""
    options = settings(context)
    try:
        from engine.outbox import letters
        from engine.outbox import retry_dead as requeue

        with open_state(options.project) as state:
            if retry_dead:
                count = requeue(state)
                options.say(Text(f"{count} dead letter(s) queued again", f"已重新排队 {count} 封"))
            found = letters(state, *filter(None, [only]), limit=limit)
    except StorewatchError as error:
        fail(options, error)
    columns = {
        "state": Text("state", "状态"),
        "attempts": Text("attempts", "次数"),
        "channel": Text("channel", "渠道"),
        "recipient": Text("recipient", "收件人"),
        "subject": Text("subject", "主题"),
        "created_at": Text("created", "生成"),
        "category": Text("last answer", "最近结果"),
    }
    emit(options, [_letter_row(letter) for letter in found], columns, Text("the outbox is empty", "发件箱是空的"))


def _letter_row(letter: Letter) -> dict[str, object]:
    told = letter.notification
    return {
        "id": told.id,
        "state": letter.state,
        "attempts": letter.attempts,
        "channel": told.channel,
        "recipient": told.recipient,
        "subject": told.subject,
        "thread": told.thread,
        "created_at": told.created_at,
        "next_attempt_at": letter.next_attempt_at,
        "delivered_at": letter.delivered_at,
        "category": letter.category,
        "detail": letter.detail,
    }
