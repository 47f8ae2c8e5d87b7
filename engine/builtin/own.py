"""What storewatch tells of itself: evaluations that fail, channels that deliver nothing, clocks that jump, disks that fill, files
that are wrong. Pure: what was observed is an argument."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from engine.builtin.facts import Backlog, Daemon, Disk, Failing, Operations
from engine.errors import Text
from engine.model import ALL_STORES, Candidate, Identity, RuleInfo, RuleResult, Severity, Shown, Type

FAILURES = 3
"""So many evaluations of a rule in a row must fail before it is told; one may be a hiccup."""
STUCK = timedelta(minutes=30)
"""A channel whose oldest failed letter is tried for so long delivers nothing."""
LEAST_JUMP = timedelta(minutes=1)
JUMP_TOLD_FOR = timedelta(hours=1)
LEAST_FREE = 1 << 30
LEAST_SHARE = 20
"""A disk is nearly full below 1 GiB or a twentieth, whichever is more."""
CALM = timedelta(hours=1)
"""What gets well is believed after so long, so that what comes and goes is told once."""
OWNER = "data"
AREA = "系统"


def _rule(name: str, title: Text, advice: Text, key: tuple[str, ...], severity: Severity = Severity.WARNING) -> RuleInfo:
    return RuleInfo(
        name=name,
        title=title,
        severity=severity,
        owner=OWNER,
        area=AREA,
        advice=advice,
        labels={"area": AREA},
        keep_firing=CALM,
        key=key,
        template=name,
    )


EVALUATION_FAILING = _rule(
    "evaluation_failing",
    Text("A rule cannot be evaluated", "一条规则检查不了"),
    Text(
        "Its alerts stay as they are until an evaluation succeeds. `storewatch run --rule NAME` shows the error. "
        "Mend the rule or the data.",
        "在检查成功之前，它的告警保持原样。用 storewatch run --rule 规则名 查看错误，修好规则或数据。",
    ),
    ("rule",),
)
DELIVERY_FAILING = _rule(
    "delivery_failing",
    Text("A channel does not deliver", "一个渠道发不出消息"),
    Text(
        "Messages on this channel wait and are tried again, nothing is lost. See `storewatch outbox`; of dead letters, "
        "`storewatch outbox --state dead`, and when the cause is mended `storewatch outbox --retry-dead`.",
        "该渠道的消息在等待重试，没有丢失。请看 storewatch outbox；放弃的消息见 storewatch outbox --state dead，"
        "排除原因后用 storewatch outbox --retry-dead 重发。",
    ),
    ("channel",),
    Severity.CRITICAL,
)
CLOCK_JUMPED = replace(
    _rule(
        "clock_jumped",
        Text("The clock of the server jumped", "服务器时钟跳变"),
        Text(
            "It was set, or the machine slept. Instants that were jumped over are caught up as `missed:` says. "
            "See that time is synchronized (chrony, NTP).",
            "时钟被调整，或机器休眠过。被跳过的时刻按 missed 的设置补上。请检查时间同步（chrony、NTP）。",
        ),
        ("host",),
    ),
    keep_firing=timedelta(0),
)
DISK_NEARLY_FULL = _rule(
    "disk_nearly_full",
    Text("A disk is nearly full", "磁盘快满了"),
    Text(
        "When it is full nothing can be stored, and no alert is told. Make room, or end the keeping of old data: "
        "`storewatch prune --keep 400d`.",
        "磁盘满后无法写入，也就发不出告警。请清理空间，或删除过期数据：storewatch prune --keep 400d。",
    ),
    ("host", "folder"),
)
RELOAD_FAILED = replace(
    _rule(
        "reload_failed",
        Text("Files of the project are wrong; the old ones hold", "项目文件有误，仍按旧的执行"),
        Text(
            "Changes take effect only when all files are right. `storewatch check` shows every problem at its place.",
            "全部文件正确后修改才会生效。用 storewatch check 查看每个问题的位置。",
        ),
        ("host",),
    ),
    keep_firing=timedelta(0),
)
OWN = (EVALUATION_FAILING, DELIVERY_FAILING, CLOCK_JUMPED, DISK_NEARLY_FULL, RELOAD_FAILED)


def judge_operations(
    operations: Operations, results: Iterable[RuleResult], rules: Collection[str], active: Collection[Identity], at: datetime
) -> tuple[RuleResult, ...]:
    """The results of all rules about storewatch itself, at ``at``.

    ``results`` are those of the rules evaluated just now, ``rules`` the names of all that exist, ``active`` the open alerts of the rules
    here. What a machine said is known for as long as its daemon is alive; when that stops noting, its alerts stay as they are, and
    end when it is forgotten.
    """
    failing = _failing_now(operations.failing, results, at)
    alive = [daemon for daemon in operations.daemons if daemon.is_alive(operations.at)]
    silent = {daemon.host for daemon in operations.daemons} - {daemon.host for daemon in alive}
    unknown = frozenset(identity for identity in active if identity.key[0] in silent)
    return (
        _result(EVALUATION_FAILING, _evaluations(failing, rules, at), (Identity(EVALUATION_FAILING.name, (name,)) for name in rules)),
        _result(DELIVERY_FAILING, _deliveries(operations.backlogs, at), (each for each in active if each.rule == DELIVERY_FAILING.name)),
        _result(CLOCK_JUMPED, _clocks(alive, at), (Identity(CLOCK_JUMPED.name, (each.host,)) for each in alive), unknown),
        _result(DISK_NEARLY_FULL, _disks(alive, active, at), _folders(alive), unknown),
        _result(RELOAD_FAILED, _reloads(alive, at), (Identity(RELOAD_FAILED.name, (each.host,)) for each in alive), unknown),
    )


def _result(
    rule: RuleInfo, candidates: Iterable[Candidate], present: Iterable[Identity], unknown: frozenset[Identity] = frozenset()
) -> RuleResult:
    found = {candidate.identity: candidate for candidate in candidates}
    known = frozenset(present) | found.keys()
    unsure = frozenset(identity for identity in unknown if identity.rule == rule.name)
    return RuleResult(rule.name, tuple(found.values()), unsure, len(unsure), ALL_STORES, known, len(known))


def _candidate(rule: RuleInfo, key: tuple[str, ...], at: datetime, *shown: Shown) -> Candidate:
    return Candidate(Identity(rule.name, key), "", rule.severity, at, shown)


def _failing_now(before: Mapping[str, Failing], results: Iterable[RuleResult], at: datetime) -> dict[str, Failing]:
    """Failures in a row, counting the evaluation that these results are of."""
    failing = dict(before)
    for result in results:
        past = failing.pop(result.rule, None)
        if result.error:
            failing[result.rule] = Failing(past.times + 1 if past else 1, result.error, past.last_ok if past else None)
    return failing


def _evaluations(failing: Mapping[str, Failing], rules: Collection[str], at: datetime) -> Iterator[Candidate]:
    for name in sorted(failing.keys() & set(rules)):
        told = failing[name]
        if told.times >= FAILURES:
            yield _candidate(
                EVALUATION_FAILING,
                (name,),
                at,
                Shown(Text("Rule", "规则"), name, Type.STRING),
                Shown(Text("Failures in a row", "连续失败"), told.times, Type.INTEGER),
                Shown(Text("Error", "错误"), _both(told.error), Type.STRING),
                Shown(Text("Last went well", "上次成功"), told.last_ok, Type.TIMESTAMP),
            )


def _both(text: Text) -> str:
    return text.en if text.en == text.zh else f"{text.zh} / {text.en}"


def _deliveries(backlogs: Iterable[Backlog], at: datetime) -> Iterator[Candidate]:
    for each in backlogs:
        if each.dead or (each.since is not None and at - each.since >= STUCK):
            yield _candidate(
                DELIVERY_FAILING,
                (each.channel,),
                at,
                Shown(Text("Channel", "渠道"), each.channel, Type.STRING),
                Shown(Text("Waiting", "等待重试"), each.waiting, Type.INTEGER),
                Shown(Text("Failing since", "开始失败"), each.since, Type.TIMESTAMP),
                Shown(Text("Last answer", "最近的回答"), each.answer or None, Type.STRING),
                Shown(Text("Given up", "已放弃"), each.dead, Type.INTEGER),
            )


def _clocks(daemons: Iterable[Daemon], at: datetime) -> Iterator[Candidate]:
    for each in daemons:
        lately = [jump for jump in each.jumps if abs(jump.by) >= LEAST_JUMP and abs(at - jump.at) < JUMP_TOLD_FOR]
        if lately:
            last = max(lately, key=lambda jump: jump.at)
            ahead = last.by > timedelta(0)
            yield _candidate(
                CLOCK_JUMPED,
                (each.host,),
                at,
                Shown(Text("Server", "服务器"), each.host, Type.STRING),
                Shown(Text("Ahead by", "向前") if ahead else Text("Back by", "向后"), abs(last.by), Type.DURATION),
                Shown(Text("At", "时间"), last.at, Type.TIMESTAMP),
            )


def _disks(daemons: Iterable[Daemon], active: Collection[Identity], at: datetime) -> Iterator[Candidate]:
    for each in daemons:
        for disk in each.disks:
            identity = Identity(DISK_NEARLY_FULL.name, (each.host, disk.folder))
            if is_nearly_full(disk, told=identity in active):
                yield _candidate(
                    DISK_NEARLY_FULL,
                    identity.key,
                    at,
                    Shown(Text("Server", "服务器"), each.host, Type.STRING),
                    Shown(Text("Folder", "文件夹"), disk.folder, Type.STRING),
                    Shown(Text("Free", "剩余"), amount(disk.free), Type.STRING),
                    Shown(Text("Of", "总共"), amount(disk.total), Type.STRING),
                )


def _folders(daemons: Iterable[Daemon]) -> Iterator[Identity]:
    return (Identity(DISK_NEARLY_FULL.name, (each.host, disk.folder)) for each in daemons for disk in each.disks)


def is_nearly_full(disk: Disk, *, told: bool) -> bool:
    """Whether too little is free; once ``told``, a fifth more must be free before that is over."""
    least = max(LEAST_FREE, disk.total // LEAST_SHARE)
    return disk.free < (least + least // 5 if told else least)


def amount(size: int) -> str:
    """Bytes as people write them: ``1.5 GiB``."""
    value, units = float(size), ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while value >= 1024 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{value:.0f} {units[0]}" if value >= 10 or units[0] == "bytes" else f"{value:.1f} {units[0]}"


def _reloads(daemons: Iterable[Daemon], at: datetime) -> Iterator[Candidate]:
    for each in daemons:
        if each.reload:
            yield _candidate(
                RELOAD_FAILED,
                (each.host,),
                at,
                Shown(Text("Server", "服务器"), each.host, Type.STRING),
                Shown(Text("Problems", "问题数"), each.reload.problems, Type.INTEGER),
                Shown(Text("First", "第一个"), _both(each.reload.first), Type.STRING),
                Shown(Text("Since", "开始于"), each.reload.since, Type.TIMESTAMP),
            )
