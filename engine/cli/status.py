"""``storewatch status``: how storewatch itself fares, as the state database and the snapshots tell."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

import typer

from engine.cli.common import Settings, Writers, clock, emit, emit_json, existing_state, fail, settings
from engine.cli.words import answer, local_time
from engine.errors import StorewatchError, Text
from engine.model import Severity
from engine.wording import SEVERITIES

if TYPE_CHECKING:
    from engine.builtin.facts import Daemon
    from engine.project import Project
    from engine.state import State

Row = Mapping[str, object]
LATE = timedelta(minutes=10)
"""A running daemon that has not evaluated an instant so long after it is overdue."""
DAEMONS = {
    "host": Text("host", "主机"),
    "process": Text("process", "进程"),
    "running": Text("running", "运行中"),
    "started": Text("since", "启动于"),
    "seen": Text("last seen", "最近一次露面"),
}
SCHEDULES = {
    "schedule": Text("schedule", "时间表"),
    "last": Text("last instant", "上一时刻"),
    "next": Text("next instant", "下一时刻"),
    "overdue": Text("overdue", "超时"),
}
CHANNELS = {
    "channel": Text("channel", "渠道"),
    "queued": Text("waiting", "等待"),
    "sending": Text("being sent", "发送中"),
    "dead": Text("given up", "已放弃"),
    "failing_since": Text("failing since", "开始失败"),
    "answer": Text("last answer", "最近的回答"),
}
RULES = {
    "rule": Text("rule", "规则"),
    "failures": Text("failures in a row", "连续失败"),
    "last_ok": Text("last went well", "上次成功"),
    "error": Text("error", "错误"),
}
STALE = {"kind": Text("data", "数据"), "stores": Text("stores", "店铺数"), "newest": Text("oldest of them", "其中最旧一份")}
ALERTS = {"severity": Text("severity", "级别"), "firing": Text("firing", "触发中"), "pending": Text("pending", "待定")}
SILENCES = {
    "silence": Text("silence", "静默"),
    "matchers": Text("of", "对象"),
    "until": Text("until", "到"),
    "author": Text("by", "设置人"),
}


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the command tells. ``failing`` says in sentences what is not well."""

    daemons: tuple[Row, ...]
    schedules: tuple[Row, ...]
    rules: tuple[Row, ...]
    stale: tuple[Row, ...]
    channels: tuple[Row, ...]
    alerts: tuple[Row, ...]
    silences: tuple[Row, ...]
    failing: tuple[Text, ...]
    zone: tzinfo


def register(app: typer.Typer) -> None:
    app.command("status")(status)


def status(context: typer.Context) -> None:
    """How storewatch itself fares: daemons, schedules, failing rules, old data, what waits on each channel, open alerts,
    silences in force.

    Asks the state database, so it works whether a daemon runs or not, on any machine that reaches the database.

    Exit code 0: nothing fails (no daemon need run). 3: a daemon fell silent or is overdue, files of the project are wrong, a disk is
    nearly full, a rule's last evaluation failed, or messages on a channel fail or were given up within the last day.

    With --format json: one object with well, failing (sentences), daemons, schedules, rules (that fail), stale (kinds), channels, alerts,
    silences.
    """
    options = settings(context)
    try:
        report = _report(options)
    except StorewatchError as error:
        fail(options, error)
    _tell(options, report)
    raise typer.Exit(3 if report.failing else 0)


def _report(options: Settings) -> Report:
    from engine.project import load_project

    project, now = load_project(options.project), clock()
    state = existing_state(options.project)
    if state is None:
        return Report((), tuple(_unseen(project, now)), (), tuple(_stale(project, now)), (), (), (), (), project.facts.zone)
    with state:
        return _asked(project, state, now)


def _asked(project: Project, state: State, now: datetime) -> Report:
    from engine.daemon.facts import read_facts
    from engine.state import operations, silences

    facts, observed = read_facts(state, project.snapshots, now), operations(state, now)
    running = [daemon for daemon in observed.daemons if is_running(daemon, now)]
    schedules = tuple(_schedules(project, state, running, now))
    troubles = {each.channel: each for each in observed.backlogs}
    channels = tuple(
        {
            "channel": name,
            **{wanted: sum(each.count for each in facts.letters if (each.channel, each.state) == (name, wanted)) for wanted in UNSENT},
            "failing_since": troubles[name].since if name in troubles else None,
            "answer": troubles[name].answer if name in troubles else None,
        }
        for name in dict.fromkeys([*project.channels.channels, *(each.channel for each in facts.letters)])
    )
    rules = tuple(
        {"rule": name, "failures": each.times, "last_ok": each.last_ok, "error": each.error}
        for name, each in observed.failing.items()
        if name in project.infos
    )
    alerts = tuple(
        {"severity": severity} | {wanted: _count(facts.alerts, severity, wanted) for wanted in ("firing", "pending")}
        for severity in ("critical", "warning", "info")
    )
    failing = [*_silent(observed.daemons, running), *_machines(running)]
    failing += [
        Text(f"schedule {each['schedule']} is overdue", f"时间表 {each['schedule']} 超时未执行") for each in schedules if each["overdue"]
    ]
    failing += [Text(f"rule {each['rule']} fails: {each['error']}", f"规则 {each['rule']} 检查失败") for each in rules]
    failing += [Text(f"messages on channel {name} fail", f"渠道 {name} 发送失败") for name in troubles]
    quiet = tuple(
        {"silence": each.number, "matchers": " ".join(map(str, each.matchers)), "until": each.ends_at, "author": each.author}
        for each in silences(state)
        if each.is_active(now)
    )
    daemons = tuple(
        {"host": each.host, "process": each.process, "running": each in running, "started": each.started, "seen": each.seen}
        for each in observed.daemons
    )
    return Report(daemons, schedules, rules, tuple(_stale(project, now)), channels, alerts, quiet, tuple(failing), project.facts.zone)


UNSENT = ("queued", "sending", "dead")


def is_running(daemon: Daemon, now: datetime) -> bool:
    """Whether the daemon was seen lately and, where it is on this machine, its process is there."""
    if not daemon.is_alive(now):
        return False
    return daemon.host != socket.gethostname() or os.path.exists(f"/proc/{daemon.process}") or not os.path.isdir("/proc/self")


def _count(alerts: Mapping[tuple[str, str, str], int], severity: str, state: str) -> int:
    return sum(count for (_, is_, in_), count in alerts.items() if (is_, in_) == (severity, state))


def _silent(daemons: tuple[Daemon, ...], running: list[Daemon]) -> Iterator[Text]:
    for each in daemons:
        if each not in running and not any(other.host == each.host for other in running):
            yield Text(f"the daemon on {each.host} ended without a word", f"{each.host} 上的守护进程意外退出")


def _machines(running: list[Daemon]) -> Iterator[Text]:
    from engine.builtin.own import amount, is_nearly_full

    for each in running:
        if each.reload:
            first = each.reload.first
            yield Text(f"{each.host}: files of the project are wrong: {first.en}", f"{each.host}：项目文件有误：{first.zh}")
        for disk in each.disks:
            if is_nearly_full(disk, told=False):
                free = amount(disk.free)
                yield Text(f"{each.host}: {free} free in {disk.folder}", f"{each.host}：{disk.folder} 只剩 {free}")


def _schedules(project: Project, state: State, running: list[Daemon], now: datetime) -> Iterator[Row]:
    """Last and next instants. An instant is overdue when a daemon that was there in time has not evaluated it."""
    from engine.daemon.agenda import timetable_of

    awake = min((daemon.started for daemon in running), default=None)
    for name, schedule in project.schedules.schedules.items():
        timetable = timetable_of(project, name)
        last = state.last_instant(name, now)
        due = timetable.next_after(max(last, awake)) if last and awake else None
        overdue = due is not None and now - due - schedule.jitter > LATE
        yield {"schedule": name, "last": last, "next": timetable.next_after(now), "overdue": overdue}


def _unseen(project: Project, now: datetime) -> Iterator[Row]:
    from engine.daemon.agenda import timetable_of

    for name in project.schedules.schedules:
        yield {"schedule": name, "last": None, "next": timetable_of(project, name).next_after(now), "overdue": False}


def _stale(project: Project, now: datetime) -> Iterator[Row]:
    """Kinds with data that is too old, how many stores that concerns, and the oldest of their newest batches."""
    from engine.builtin import judge_staleness
    from engine.snapshots import Snapshots

    found: dict[str, list[datetime]] = {}
    for candidate in judge_staleness(Snapshots(project.snapshots), project.facts.schemas, project.facts.expected, now).candidates:
        found.setdefault(candidate.identity.key[0], []).append(candidate.as_of)
    for kind in sorted(found):
        yield {"kind": kind, "stores": len(found[kind]), "newest": min(found[kind])}


def _writers(language: str, zone: tzinfo) -> Writers:
    instants = ("last", "next", "started", "seen", "failing_since", "last_ok", "newest", "until")
    truths = {name: lambda truth: Text("yes" if truth else "", "是" if truth else "").in_(language) for name in ("running", "overdue")}
    return {
        **{name: lambda instant: local_time(instant, zone) for name in instants},
        **truths,
        "answer": lambda said: " ".join((answer(said.partition(" ")[0]).in_(language), said.partition(" ")[2])),
        "severity": lambda code: SEVERITIES[Severity(code)].in_(language),
        "error": lambda text: text.in_(language),
    }


def _tell(options: Settings, report: Report) -> None:
    if options.format == "json":
        told = {
            name: getattr(report, name) for name in ("failing", "daemons", "schedules", "rules", "stale", "channels", "alerts", "silences")
        }
        emit_json({"well": not report.failing, **told})
        return
    say = options.language
    if not report.daemons:
        typer.echo(Text("no daemon runs (storewatch serve)", "没有守护进程在运行（storewatch serve）").in_(say))
    sections = (
        (report.daemons, DAEMONS),
        (report.schedules, SCHEDULES),
        (report.channels, CHANNELS),
        (report.rules, RULES),
        (report.stale, STALE),
        (report.alerts, ALERTS),
        (report.silences, SILENCES),
    )
    for rows, columns in sections:
        if rows:
            emit(options, rows, columns, Text("", ""), _writers(say, report.zone))
            typer.echo()
    for reason in report.failing:
        typer.echo(f"✗ {reason.in_(say)}")
    if not report.failing:
        typer.echo(Text("nothing fails", "一切正常").in_(say))
