"""Digests, escalations and rotations: what leaves when, and to whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from engine.model import Alert, Identity, Reason, Severity, State, Transition
from engine.routing import Channels, Decisions, Held, Hold, Silence, Thread, decide, due_escalations, due_repeats
from engine.routing.contacts import reached
from engine.routing.digests import Digest
from engine.routing.matchers import parse_matcher
from tests.delivery.test_routing import BOTH, channels, ended, firing, first
from tests.delivery.values import HOUR, START, store

MINUTE = timedelta(minutes=1)
A, B = firing(store("S1")), firing(Identity("banner", ("P1",)))
DAILY = channels({"digest": {"at": ["09:00", "18:00"]}, "repeat_interval": "24h"})
EVENING = START + 2 * HOUR  # START is 16:00 in Shanghai


def decided(
    transitions: Iterable[Transition] = (),
    alerts: Iterable[Alert] = (),
    *,
    to: Channels = DAILY,
    at: datetime = START,
    told: dict[str, list[Thread]] | None = None,
    held: Sequence[Held] = (),
    silences: Sequence[Silence] = (),
) -> Decisions:
    return decide(transitions, {alert.identity: alert for alert in alerts}, BOTH, to, at, told or {}, held, silences)


def kinds(found: Decisions) -> list[list[tuple[str, Reason]]]:
    return [[(moved.alert.identity.rule, moved.reason) for moved in each.transitions] for each in found.plans]


def heard(found: Decisions, at: datetime) -> dict[str, list[Thread]]:
    threads: dict[str, list[Thread]] = {}
    for each in found.plans:
        for moved in each.transitions:
            threads.setdefault(moved.alert.identity.fingerprint, []).append(Thread(each.thread, at, begun=at))
    return threads


@pytest.mark.parametrize(
    ("zone", "since", "expected"),
    [
        ("Asia/Shanghai", "2026-11-20T08:00+00:00", "2026-11-20T10:00+00:00"),
        ("Asia/Shanghai", "2026-11-20T10:00+00:00", "2026-11-20T10:00+00:00"),
        ("Asia/Shanghai", "2026-11-20T10:00:01+00:00", "2026-11-21T01:00+00:00"),
        ("Europe/Berlin", "2026-03-28T20:00+00:00", "2026-03-29T07:00+00:00"),  # nine o'clock, summer time
        ("Europe/Berlin", "2026-10-24T20:00+00:00", "2026-10-25T08:00+00:00"),
    ],
)
def test_a_digest_leaves_at_local_times(zone: str, since: str, expected: str) -> None:
    assert Digest((time(18), time(9)), zone).next(datetime.fromisoformat(since)) == datetime.fromisoformat(expected)


def test_a_digest_is_one_message_for_each_owner() -> None:
    other = firing(store("S2"))
    collected = decided([first(A), first(other), first(B)], [A, other, B])
    assert collected.plans == () and {one.hold for one in collected.held} == {Hold.DIGEST}
    assert {one.until for one in collected.held} == {EVENING}
    sent = decided([], [A, other, B], at=EVENING, held=collected.held)
    assert sorted((each.labels["owner"], len(each.transitions)) for each in sent.plans) == [("page", 1), ("service", 2)]
    assert sent.held == () and all(each.first for each in sent.plans)


def test_a_digest_that_leaves_late_has_what_came_meanwhile_and_all_that_goes_on() -> None:
    before = heard(decided([first(A)], [A], at=EVENING), EVENING)
    new = firing(store("S2"), EVENING + HOUR)
    collected = decided([first(new)], [A, new], at=EVENING + HOUR, told=before)
    morning = EVENING + 15 * HOUR
    third = firing(store("S3"), morning)
    late = decided([first(third)], [A, new, third], at=morning + MINUTE, told=before, held=collected.held)
    assert kinds(late) == [[("dsr_drop", Reason.FIRST), ("dsr_drop", Reason.FIRST), ("dsr_drop", Reason.REPEAT_DUE)]]
    assert late.plans[0].transitions[-1].alert == A


def test_the_end_of_what_was_told_is_in_the_next_digest() -> None:
    before = heard(decided([first(A)], [A], at=EVENING), EVENING)
    over = ended(A, EVENING + HOUR)
    collected = decided([over], [], at=EVENING + HOUR, told=before)
    assert [one.after for one in collected.held] == [State.RESOLVED]
    sent = decided([], [over.alert], at=EVENING + 15 * HOUR, told=before, held=collected.held)
    assert kinds(sent) == [[("dsr_drop", Reason.NO_LONGER_TRUE)]]


def test_a_digest_with_nothing_but_what_goes_on_leaves_when_a_reminder_is_due() -> None:
    before = heard(decided([first(A)], [A], at=EVENING), EVENING)
    for at, due in ((EVENING + 15 * HOUR, False), (EVENING + 24 * HOUR, True), (EVENING + 24 * HOUR + MINUTE, True)):
        reminders = due_repeats({A.identity: A}, BOTH, DAILY, at, before)
        assert bool(reminders) is due
        assert bool(decided(reminders, [A], at=at, told=before).plans) is due


def test_a_digest_leaves_out_what_is_silenced_or_explained() -> None:
    silenced, folded = firing(store("S2")), replace(firing(store("S3")), explained_by=Identity("incident", ("S3",)))
    quiet = Silence((parse_matcher("store_id=S2"),), "amy", "", START, START, START + 9 * HOUR)
    silenced = replace(silenced, store_id="S2")
    collected = decided([first(A), first(silenced)], [A, silenced, folded], silences=[quiet])
    sent = decided([], [A, silenced, folded], at=EVENING, held=collected.held, silences=[quiet])
    assert [[moved.alert for moved in each.transitions] for each in sent.plans] == [[A]]
    assert [one.hold for one in sent.held] == [Hold.SILENCED]


def test_a_route_below_a_digest_may_tell_at_once_and_groups_as_ever() -> None:
    tree = {"digest": {"at": ["09:00"]}, "routes": [{"matchers": ['severity="critical"'], "digest": False}]}
    bad = replace(A, severity=Severity.CRITICAL)
    (told,) = decided([first(bad)], [bad], to=channels(tree)).plans
    assert told.labels == {"alert": "dsr_drop", "store_id": "S1"}


ESCALATING = channels({"escalate": [{"after": "30m", "receiver": "lead"}, {"after": "2h", "receiver": "screen"}]})


def escalated(at: datetime, alert: Alert, before: dict[str, list[Thread]], to: Channels = ESCALATING) -> Decisions:
    steps = due_escalations({alert.identity: alert}, BOTH, to, at, before)
    return decided(steps, [alert], to=to, at=at, told=before)


def test_an_escalation_tells_each_receiver_once_and_all_of_them_of_the_end() -> None:
    begun = decided([first(A)], [A], to=ESCALATING)
    before = heard(begun, START)
    assert escalated(START + 29 * MINUTE, A, before).plans == ()
    step = escalated(START + 30 * MINUTE, A, before)
    assert kinds(step) == [[("dsr_drop", Reason.ESCALATED)]]
    assert [to.address for to in step.plans[0].recipients] == ["lead@shop.example"]
    for name, threads in heard(step, START + 30 * MINUTE).items():
        before[name] = [*before[name], *threads]
    assert escalated(START + HOUR, A, before).plans == ()
    second = escalated(START + 3 * HOUR, A, before)
    assert [to.channel for each in second.plans for to in each.recipients] == ["screen"]
    end = decided([ended(A, START + HOUR)], [], to=ESCALATING, at=START + HOUR, told=before)
    assert sorted(to.address for each in end.plans for to in each.recipients) == ["lead@shop.example", "s@shop.example"]


@pytest.mark.parametrize(
    "alert",
    [
        replace(A, acknowledged_by="amy"),
        replace(A, explained_by=Identity("incident", ("S1",))),
        replace(A, state=State.RESOLVED),
    ],
    ids=["acknowledged", "explained", "over"],
)
def test_nobody_else_is_told_of_what_is_in_hand(alert: Alert) -> None:
    before = heard(decided([first(A)], [A], to=ESCALATING), START)
    assert due_escalations({alert.identity: alert}, BOTH, ESCALATING, START + 9 * HOUR, before) == ()


def test_an_escalation_counts_from_the_first_message_and_waits_for_the_end_of_a_mute() -> None:
    assert due_escalations({A.identity: A}, BOTH, ESCALATING, START + 9 * HOUR, {}) == (), "nobody was told yet"
    night = {"night": [{"times": ["16:15..17:30"]}]}
    muted = channels({"mute_time_intervals": ["night"], "escalate": [{"after": "30m", "receiver": "lead"}]}, time_intervals=night)
    before = heard(decided([first(A)], [A], to=muted), START)
    assert escalated(START + HOUR, A, before, muted).plans == ()
    assert len(escalated(START + 90 * MINUTE, A, before, muted).plans) == 1


# rotations

WEEK = {"members": ["amy", "bo"], "every": "1w", "handover": "mon 09:00", "start": "2026-01-05"}


def on_call(rotation: dict[str, object], at: str) -> list[str]:
    contacts = {
        "service": {"rotation": rotation},
        "amy": {"email": ["amy@shop.example"], "language": "en"},
        "bo": {"email": ["bo@shop.example"]},
        "cy": {"email": ["cy@shop.example"]},
    }
    found = channels({}, contacts=contacts)
    return [address for one in reached("service", found.contacts, datetime.fromisoformat(at), "Asia/Shanghai") for address in one.email]


OVERRIDES = [
    {"contact": "cy", "from": "2026-11-20T09:00", "to": "2026-11-22T09:00"},
    {"contact": "amy", "from": "2026-11-21T09:00", "to": "2026-11-21T18:00"},
]


@pytest.mark.parametrize(
    ("rotation", "at", "expected"),
    [
        (WEEK, "2026-01-05T01:00+00:00", "amy"),
        (WEEK, "2026-01-12T00:59+00:00", "amy"),
        (WEEK, "2026-01-12T01:00+00:00", "bo"),
        (WEEK, "2026-01-19T01:00+00:00", "amy"),
        (WEEK, "2026-01-05T00:59+00:00", "bo"),  # before the start it turns as well
        (WEEK | {"every": "1d", "handover": "09:00"}, "2026-01-06T01:00+00:00", "bo"),
        (WEEK | {"start": "2026-01-07"}, "2026-01-12T01:00+00:00", "amy"),  # the first Monday after
        (WEEK | {"time_zone": "Europe/Berlin", "start": "2026-03-23"}, "2026-03-30T06:59+00:00", "amy"),
        (WEEK | {"time_zone": "Europe/Berlin", "start": "2026-03-23"}, "2026-03-30T07:00+00:00", "bo"),  # nine in summer time
        (WEEK | {"overrides": OVERRIDES}, "2026-11-20T01:00+00:00", "cy"),
        (WEEK | {"overrides": OVERRIDES}, "2026-11-21T02:00+00:00", "amy"),
        (WEEK | {"overrides": OVERRIDES}, "2026-11-21T10:00+00:00", "cy"),
    ],
)
def test_whose_turn_it_is(rotation: dict[str, object], at: str, expected: str) -> None:
    assert on_call(rotation, at) == [f"{expected}@shop.example"]


def test_messages_go_to_whoever_is_on_call_in_their_language() -> None:
    people = {"service": {"rotation": WEEK}, "amy": {"email": ["amy@shop.example"], "language": "en"}, "bo": {"email": ["bo@shop.example"]}}
    found = channels({"receiver": "duty"}, contacts=people, receivers={"duty": [{"channel": "mail", "to": ["owner", "bo"]}]})
    at = datetime(2026, 1, 5, 2, tzinfo=UTC)
    (told,) = decided([first(A, at)], [A], to=found, at=at).plans
    assert [(to.address, to.language) for to in told.recipients] == [("amy@shop.example", "en"), ("bo@shop.example", "zh")]
