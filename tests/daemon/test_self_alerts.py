"""What storewatch tells of itself: judged purely, stored and read back, told on channels that work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.builtin import (
    BUILT_IN,
    CLOCK_JUMPED,
    DELIVERY_FAILING,
    DISK_NEARLY_FULL,
    EVALUATION_FAILING,
    OWN,
    RELOAD_FAILED,
    Backlog,
    BadReload,
    Daemon,
    Disk,
    Failing,
    Jump,
    Operations,
    judge_operations,
)
from engine.builtin.own import amount
from engine.errors import Text
from engine.lifecycle import step
from engine.model import Alert, Candidate, Identity, Item, Message, Reason, RuleInfo, RuleResult, State, Transition
from engine.rendering import Renderer
from engine.routing import around_trouble, load_channels, plan
from tests.rendering.gallery import TEMPLATES

AT = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
GIB = 1 << 30
BROKEN = Text("division by zero", "除以零")
HERE = Daemon("d1", "shop-1", 42, AT - HOUR, AT)


def judged(
    operations: Operations, results: Iterable[RuleResult] = (), rules: Iterable[str] = ("r",), active: Iterable[Identity] = ()
) -> dict[str, RuleResult]:
    return {result.rule: result for result in judge_operations(operations, results, set(rules), frozenset(active), operations.at)}


def found(rule: RuleInfo, operations: Operations, **more: object) -> list[tuple[str, ...]]:
    return [candidate.identity.key for candidate in judged(operations, **more)[rule.name].candidates]  # type: ignore[arg-type]


def lives(rule: RuleInfo, course: Iterable[Operations]) -> list[tuple[Reason, datetime]]:
    """The transitions of the rule's alerts as operations go on."""
    alerts: dict[Identity, Alert] = {}
    seen = []
    for operations in course:
        active = frozenset(identity for identity, alert in alerts.items() if alert.state is not State.RESOLVED)
        results = judge_operations(operations, (), {"r"}, active, operations.at)
        alerts, moves = step(alerts, results, BUILT_IN, operations.at)
        seen += [(move.reason, move.at) for move in moves if move.alert.identity.rule == rule.name]
    return seen


@pytest.mark.parametrize(
    ("before", "fails_now", "told"),
    [(0, True, False), (1, True, False), (2, True, True), (2, None, False), (3, None, True), (9, False, False)],
)
def test_a_rule_is_told_of_when_three_evaluations_in_a_row_failed(before: int, fails_now: bool | None, told: bool) -> None:
    failing = {"r": Failing(before, BROKEN, AT - HOUR)} if before else {}
    results = [] if fails_now is None else [RuleResult("r", error=BROKEN if fails_now else None)]
    assert found(EVALUATION_FAILING, Operations(AT, failing), results=results) == ([("r",)] if told else [])


def test_a_rule_that_is_gone_fails_no_more() -> None:
    assert found(EVALUATION_FAILING, Operations(AT, {"old": Failing(9, BROKEN)})) == []


def test_rules_about_storewatch_itself_do_not_make_rules_unhealthy() -> None:
    results = judged(Operations(AT))
    assert set(results) == {rule.name for rule in OWN}
    assert not any(result.candidates or result.unknown or result.error for result in results.values())


@pytest.mark.parametrize(
    ("backlog", "told"),
    [
        (Backlog("mail", 3, AT - 29 * MINUTE, "refused_connection"), False),
        (Backlog("mail", 3, AT - 30 * MINUTE, "refused_connection"), True),
        (Backlog("mail", dead=1), True),
    ],
)
def test_a_channel_is_told_of_after_half_an_hour_or_when_it_gave_up(backlog: Backlog, told: bool) -> None:
    assert found(DELIVERY_FAILING, Operations(AT, backlogs=(backlog,))) == ([("mail",)] if told else [])


def test_a_channel_that_comes_and_goes_is_told_once() -> None:
    stuck = (Backlog("mail", 1, AT - 2 * HOUR),)
    course = [Operations(AT + n * 20 * MINUTE, backlogs=stuck if n % 2 == 0 or n > 4 else ()) for n in range(8)]
    assert [reason for reason, _ in lives(DELIVERY_FAILING, course)].count(Reason.FIRST) == 1
    ended = [*course, *(Operations(AT + timedelta(hours=3 + n)) for n in range(3))]
    assert [reason for reason, _ in lives(DELIVERY_FAILING, ended)][-1] is Reason.NO_LONGER_TRUE


@pytest.mark.parametrize("by", [timedelta(hours=3), timedelta(hours=-3)])
def test_a_jump_of_the_clock_is_told_for_an_hour(by: timedelta) -> None:
    jumped = replace(HERE, jumps=(Jump(AT, by),))
    course = [Operations(AT + n * 20 * MINUTE, daemons=(replace(jumped, seen=AT + n * 20 * MINUTE),)) for n in range(5)]
    assert lives(CLOCK_JUMPED, course) == [(Reason.FIRST, AT), (Reason.NO_LONGER_TRUE, AT + HOUR)]


@pytest.mark.parametrize(
    ("free", "total", "told_before", "told"),
    [
        (GIB, 4 * GIB, False, False),
        (GIB - 1, 4 * GIB, False, True),
        (GIB + 1, 4 * GIB, True, True),
        (GIB * 6 // 5 + 1, 4 * GIB, True, False),
        (5 * GIB, 100 * GIB, False, False),
        (5 * GIB - 1, 100 * GIB, False, True),
    ],
)
def test_a_disk_is_nearly_full_below_a_gibibyte_or_a_twentieth_and_must_get_well_by_a_fifth(
    free: int, total: int, told_before: bool, told: bool
) -> None:
    operations = Operations(AT, daemons=(replace(HERE, disks=(Disk("/srv", free, total),)),))
    active = [Identity(DISK_NEARLY_FULL.name, ("shop-1", "/srv"))] if told_before else []
    assert found(DISK_NEARLY_FULL, operations, active=active) == ([("shop-1", "/srv")] if told else [])


def test_of_a_machine_that_fell_silent_nothing_is_known_and_of_one_that_is_gone_nothing_goes_on() -> None:
    full = replace(HERE, disks=(Disk("/srv", 1, GIB),))
    silent, later = replace(full, seen=AT - HOUR), AT + 2 * HOUR
    assert lives(DISK_NEARLY_FULL, [Operations(AT, daemons=(full,)), Operations(later, daemons=(silent,))]) == [(Reason.FIRST, AT)]
    ends = lives(DISK_NEARLY_FULL, [Operations(AT, daemons=(full,)), Operations(AT + MINUTE), Operations(later)])
    assert [reason for reason, _ in ends] == [Reason.FIRST, Reason.KEEP_FIRING, Reason.ROW_GONE]


def test_wrong_files_are_told_until_they_are_right() -> None:
    bad = replace(HERE, reload=BadReload(AT, 2, BROKEN))
    course = [Operations(AT, daemons=(bad,)), Operations(AT + MINUTE, daemons=(bad,)), Operations(AT + 2 * MINUTE, daemons=(HERE,))]
    assert lives(RELOAD_FAILED, course) == [(Reason.FIRST, AT), (Reason.NO_LONGER_TRUE, AT + 2 * MINUTE)]


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (GIB, "1.0 GiB"), (50 * GIB, "50 GiB"), (1 << 51, "2048 TiB")],
)
def test_amounts_are_told_as_people_write_them(size: int, text: str) -> None:
    assert amount(size) == text


TROUBLE = Operations(
    AT,
    {"r": Failing(3, BROKEN, AT - HOUR)},
    (Backlog("mail", 3, AT - HOUR, "refused_connection", 2),),
    (
        replace(
            HERE,
            disks=(Disk("/srv", 500 << 20, 100 * GIB),),
            jumps=(Jump(AT - MINUTE, timedelta(hours=-2)),),
            reload=BadReload(AT, 2, Text("rules/a.yaml:3: no such column", "rules/a.yaml:3：没有这一列")),
        ),
    ),
)
TOLD = {
    EVALUATION_FAILING.name: ("规则 r 连续 3 次检查失败：除以零", "Rule r failed 3 times in a row: division by zero"),
    DELIVERY_FAILING.name: (
        "渠道 mail：从 2026-11-20 08:30 起发送失败，3 封在等待，已放弃 2 封",
        "Channel mail: 3 waiting, failing since 20 Nov 2026, 08:30, 2 given up",
    ),
    CLOCK_JUMPED.name: ("服务器 shop-1 的时钟向后跳了 2 小时", "The clock of shop-1 jumped back by 2 h"),
    DISK_NEARLY_FULL.name: ("/srv 只剩 500 MiB（共 100 GiB）", "/srv: 500 MiB free of 100 GiB"),
    RELOAD_FAILED.name: (
        "2 个问题，第一个：rules/a.yaml:3：没有这一列",
        "2 problem(s), the first: rules/a.yaml:3: no such column",
    ),
}


@pytest.mark.parametrize("rule", OWN, ids=lambda rule: rule.name)
def test_the_message_says_it_in_a_sentence(rule: RuleInfo) -> None:
    (candidate,) = judged(TROUBLE)[rule.name].candidates
    for language, told in zip(("zh", "en"), TOLD[rule.name], strict=True):
        rendered = Renderer(TEMPLATES).render(_message(rule, candidate), language)
        assert not rendered.fault
        assert rendered.subject.endswith(told)
        assert rule.advice and rule.advice.in_(language)[:10] in rendered.text


def _message(rule: RuleInfo, candidate: Candidate) -> Message:
    alert = Alert(candidate.identity, "", State.FIRING, rule.severity, AT, AT, AT, shown=candidate.shown)
    return Message("n", "t", (Item(Transition(alert, None, State.FIRING, Reason.FIRST, AT), rule),), {}, AT, "Asia/Shanghai")


CHANNELS = """
channels: {mail: {type: email, host: h.example, from: a@shop.example}, spare: {type: email, host: i.example, from: a@shop.example}}
contacts: {data: {email: [data@shop.example]}}
receivers:
  owner: [{channel: mail, to: [owner]}]
  both: [{channel: mail, to: [owner]}, {channel: spare, to: [spare@shop.example]}]
  lead: [{channel: spare, to: [lead@shop.example]}]
route: {receiver: RECEIVER}
"""


def told_to(tmp_path: Path, receiver: str, *bad: str, channels: str = CHANNELS) -> list[tuple[str, str]]:
    """Channel and address of those who are told that channels are in trouble."""
    (tmp_path / "channels.yaml").write_text(channels.replace("RECEIVER", receiver), encoding="utf-8")
    known = load_channels(tmp_path / "channels.yaml")
    results = judged(Operations(AT, backlogs=tuple(Backlog(name, dead=1) for name in bad))).values()
    alerts, moves = step({}, results, BUILT_IN, AT)
    plans, _ = plan(moves, alerts, BUILT_IN, known, AT, {})
    return [(one.channel, one.address) for each in around_trouble(plans, known) for one in each.recipients]


def test_trouble_of_a_channel_is_told_on_others(tmp_path: Path) -> None:
    assert told_to(tmp_path, "owner", "spare") == [("mail", "data@shop.example")]
    assert told_to(tmp_path, "both", "mail") == [("spare", "spare@shop.example")]
    assert told_to(tmp_path, "owner", "mail") == [("spare", "spare@shop.example"), ("spare", "lead@shop.example")]


def test_where_there_is_no_other_channel_it_is_told_on_that_one(tmp_path: Path) -> None:
    alone = CHANNELS.replace("spare: {type: email, host: i.example, from: a@shop.example}", "").replace("channel: spare", "channel: mail")
    assert told_to(tmp_path, "owner", "mail", channels=alone) == [("mail", "data@shop.example")]
