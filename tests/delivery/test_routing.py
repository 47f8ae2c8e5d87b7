"""Who is told what, in which thread, and why not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Text
from engine.lifecycle import step
from engine.model import Alert, Identity, Reason, RuleInfo, Severity, State, Transition
from engine.routing import Channels, Plan, Recipient, Suppression, Thread, Told, due_repeats, labels_of, plan, routes_for
from tests.delivery.values import HOUR, RULES, START, found, store

PAGE = RuleInfo(
    "banner", Text.same("banner"), Severity.WARNING, owner="page", area="页面", key=("placement_id",), labels={"team": "design"}
)
BOTH = {**RULES, PAGE.name: PAGE}


def channels(route: dict[str, object], **more: object) -> Channels:
    data = {
        "channels": {"mail": {"type": "email", "host": "h", "from": "w@shop.example"}, "screen": {"type": "console"}},
        "contacts": {"service": {"email": ["s@shop.example"]}, "page": {"email": ["p@shop.example", "q@shop.example"], "language": "en"}},
        "receivers": {
            "owner": [{"channel": "mail", "to": ["owner"]}],
            "lead": [{"channel": "mail", "to": ["lead@shop.example"], "language": "en"}],
            "screen": [{"channel": "screen"}],
            "everyone": [{"channel": "mail", "to": ["owner", "s@shop.example", "lead@shop.example"]}, {"channel": "screen"}],
        },
        "route": {"receiver": "owner"} | route,
    }
    return Channels.model_validate(data | more)


SIMPLE = channels({})


def firing(identity: Identity, at: datetime = START, severity: Severity = Severity.WARNING, store_id: str = "S1") -> Alert:
    return Alert(identity, store_id, State.FIRING, severity, at, at, firing_since=at)


def first(alert: Alert, at: datetime = START) -> Transition:
    return Transition(alert, None, State.FIRING, Reason.FIRST, at)


def ended(alert: Alert, at: datetime, reason: Reason = Reason.NO_LONGER_TRUE) -> Transition:
    return Transition(replace(alert, state=State.RESOLVED, resolved_at=at), State.FIRING, State.RESOLVED, reason, at)


def banner(number: int) -> Identity:
    return Identity("banner", (f"P{number}",))


def plans(
    transitions: Iterable[Transition],
    alerts: Iterable[Alert] = (),
    *,
    to: Channels = SIMPLE,
    at: datetime = START,
    told: Told | None = None,
) -> tuple[Plan, ...]:
    return plan(transitions, {alert.identity: alert for alert in alerts}, BOTH, to, at, told or {})[0]


def test_labels() -> None:
    assert labels_of(firing(banner(1)), PAGE) == {
        "alert": "banner",
        "severity": "warning",
        "owner": "page",
        "area": "页面",
        "store_id": "S1",
        "placement_id": "P1",
        "team": "design",
    }


def test_a_rule_cannot_pretend_to_be_another() -> None:
    liar = replace(PAGE, labels={"severity": "info", "alert": "other"})
    assert labels_of(firing(banner(1)), liar)["alert"] == "banner"


TREE = channels(
    {
        "receiver": "owner",
        "repeat_interval": "24h",
        "routes": [
            {"matchers": ['severity="critical"'], "receiver": "screen", "continue": True, "repeat_interval": "1h"},
            {
                "matchers": ['area=~"客服|售后"'],
                "receiver": "lead",
                "group_by": ["area"],
                "routes": [{"matchers": ['store_id="S9"'], "receiver": "screen"}],
            },
            {"matchers": ['severity="critical"'], "receiver": "everyone"},
        ],
    }
)
ROUTES: dict[str, tuple[dict[str, str], list[tuple[str, tuple[str, ...], int]]]] = {
    "nothing fits": ({"area": "页面", "severity": "info"}, [("owner", ("alert", "store_id"), 24)]),
    "a branch, its own group_by, inherited interval": ({"area": "售后", "severity": "info"}, [("lead", ("area",), 24)]),
    "the deepest wins": ({"area": "客服", "store_id": "S9"}, [("screen", ("area",), 24)]),
    "continue, then the first that fits": (
        {"area": "客服", "severity": "critical"},
        [("screen", ("alert", "store_id"), 1), ("lead", ("area",), 24)],
    ),
    "continue, then a later one": (
        {"severity": "critical"},
        [("screen", ("alert", "store_id"), 1), ("everyone", ("alert", "store_id"), 24)],
    ),
}


@pytest.mark.parametrize("name", ROUTES)
def test_routes(name: str) -> None:
    labels, expected = ROUTES[name]
    found_ = [(r.receiver, r.group_by, int(r.repeat_interval / HOUR)) for r in routes_for(labels, TREE)]
    assert found_ == expected


A = firing(store("S1"))
TOLD = {
    "first": (first(A), None),
    "held": (replace(first(A), before=State.PENDING, reason=Reason.HELD_LONG_ENOUGH), None),
    "rose": (replace(first(A), before=State.FIRING, reason=Reason.SEVERITY_ROSE), None),
    "missing input": (replace(first(A), reason=Reason.MISSING_INPUT), None),
    "resolved": (ended(A, START), None),
    "row gone": (ended(A, START, Reason.ROW_GONE), None),
    "rule gone": (ended(A, START, Reason.RULE_GONE), None),
    "waiting": (replace(first(A), after=State.PENDING, reason=Reason.WAITING), Suppression.STILL_PENDING),
    "pending came to nothing": (replace(ended(A, START), before=State.PENDING), Suppression.NEVER_FIRED),
    "pending, rule gone": (replace(ended(A, START, Reason.RULE_GONE), before=State.PENDING), Suppression.NEVER_FIRED),
    "kept firing": (replace(first(A), before=State.FIRING, reason=Reason.KEEP_FIRING), Suppression.KEPT_FIRING),
    "fell": (replace(first(A), before=State.FIRING, reason=Reason.SEVERITY_FELL), Suppression.SEVERITY_FELL),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_is_told(name: str) -> None:
    transition, reason = TOLD[name]
    planned, suppressed = plan([transition], {}, BOTH, SIMPLE, START, {})
    assert [item.reason for item in suppressed] == ([reason] if reason else [])
    assert [each.transitions for each in planned] == ([] if reason else [(transition,)])


def test_alerts_are_grouped_by_rule_and_store() -> None:
    alerts = [firing(banner(1)), firing(banner(2)), firing(banner(3), store_id="S2"), firing(store("S1"))]
    planned = plans(map(first, alerts), alerts)
    assert [(each.labels, len(each.transitions)) for each in planned] == [
        ({"alert": "banner", "store_id": "S1"}, 2),
        ({"alert": "banner", "store_id": "S2"}, 1),
        ({"alert": "dsr_drop", "store_id": "S1"}, 1),
    ]
    assert len({each.id for each in planned}) == len({each.thread for each in planned}) == 3


def test_recipients_are_the_owner_and_others_once_each_in_their_language() -> None:
    (one,) = plans([first(firing(banner(1)))])
    assert one.recipients == (Recipient("mail", "p@shop.example", "en"), Recipient("mail", "q@shop.example", "en"))
    (one,) = plans([first(A)], to=channels({"receiver": "everyone"}))
    assert one.recipients == (
        Recipient("mail", "s@shop.example", "zh"),
        Recipient("mail", "lead@shop.example", "zh"),
        Recipient("screen", "console", "zh"),
    )
    (one,) = plans([first(A)], to=channels({"receiver": "lead"}))
    assert one.recipients == (Recipient("mail", "lead@shop.example", "en"),)


def test_a_group_of_several_owners_reaches_them_all() -> None:
    together = channels({"group_by": ["store_id"]})
    (one,) = plans([first(A), first(firing(banner(1)))], to=together)
    assert {recipient.address for recipient in one.recipients} == {"s@shop.example", "p@shop.example", "q@shop.example"}


def test_an_owner_without_contact_is_noted() -> None:
    nobody = channels({}, contacts={})
    planned, suppressed = plan([first(A)], {A.identity: A}, BOTH, nobody, START, {})
    assert planned == ()
    assert [(item.identity, item.reason) for item in suppressed] == [(A.identity, Suppression.NO_RECIPIENT)]


def test_the_same_plan_has_the_same_id_and_another_does_not() -> None:
    alerts = [firing(banner(1)), firing(banner(2))]
    (one,) = plans(map(first, alerts), alerts)
    (again,) = plans(map(first, reversed(alerts)), reversed(alerts))
    (later,) = plans([first(alert, START + HOUR) for alert in alerts], alerts, at=START + HOUR)
    (fewer,) = plans([first(alerts[0])], alerts)
    assert one.id == again.id and one.thread == again.thread == later.thread == fewer.thread
    assert len({one.id, later.id, fewer.id}) == 3


def told_of(each: Plan, *, at: datetime = START, queued: bool = False) -> dict[str, list[Thread]]:
    return {t.alert.identity.fingerprint: [Thread(each.thread, None if queued else at, queued)] for t in each.transitions}


def test_all_messages_of_a_group_stay_in_one_thread() -> None:
    one, two = firing(banner(1)), firing(banner(2), START + HOUR)
    (begin,) = plans([first(one)], [one])
    assert begin.first
    told = told_of(begin)
    (joins,) = plans([first(two)], [one, two], told=told)
    told |= told_of(joins)
    (founder_ends,) = plans([ended(one, START + 2 * HOUR)], [two], told=told)
    del told[one.identity.fingerprint]  # the state no longer tells of resolved alerts
    (last_ends,) = plans([ended(two, START + 3 * HOUR)], [], told=told)
    assert begin.thread == joins.thread == founder_ends.thread == last_ends.thread
    assert not (joins.first or founder_ends.first or last_ends.first)


def test_a_relapse_is_a_new_thread() -> None:
    (begin,) = plans([first(A)], [A])
    again = replace(A, episode=2, firing_since=START + 5 * HOUR)
    (relapse,) = plans([first(again)], [again])
    assert relapse.first and relapse.thread != begin.thread


def test_the_end_is_told_to_whoever_heard_of_the_start() -> None:
    critical = replace(A, severity=Severity.CRITICAL)
    to_lead = channels({"routes": [{"matchers": ['severity="critical"'], "receiver": "lead"}]})
    (begin,) = plans([first(critical)], [critical], to=to_lead)
    (end,) = plans([ended(A, START + HOUR)], to=to_lead, told=told_of(begin))
    assert (end.recipients, end.thread) == (begin.recipients, begin.thread)
    without_rule, _ = plan([ended(replace(A, owner="service"), START, Reason.RULE_GONE)], {}, {}, to_lead, START, told_of(begin))
    assert without_rule[0].recipients == begin.recipients


def test_a_gone_rule_that_nobody_heard_of_goes_to_its_last_owner() -> None:
    planned, _ = plan([ended(replace(A, owner="service"), START, Reason.RULE_GONE)], {}, {}, SIMPLE, START, {})
    assert planned[0].recipients == (Recipient("mail", "s@shop.example", "zh"),)


# reminders


def due(alert: Alert, at: datetime, told: Told, to: Channels = SIMPLE) -> bool:
    return bool(due_repeats({alert.identity: alert}, BOTH, to, at, told))


(BEGIN,) = plans([first(A)], [A])
DAY = timedelta(days=1)
REMINDERS = {
    "a day after the last message": (A, START + DAY, told_of(BEGIN), True),
    "a moment before": (A, START + DAY - timedelta(seconds=1), told_of(BEGIN), False),
    "a day after the last reminder only": (A, START + DAY, told_of(BEGIN, at=START + HOUR), False),
    "while one is on its way": (A, START + 3 * DAY, told_of(BEGIN, queued=True), False),
    "never delivered, none on its way": (A, START + DAY, {A.identity.fingerprint: [Thread(BEGIN.thread)]}, True),
    "never told": (A, START + DAY, {}, True),
    "never told, young": (A, START + HOUR, {}, False),
    "acknowledged": (replace(A, acknowledged_by="li"), START + DAY, told_of(BEGIN), False),
    "resolved": (replace(A, state=State.RESOLVED), START + DAY, told_of(BEGIN), False),
    "pending": (replace(A, state=State.PENDING), START + DAY, told_of(BEGIN), False),
    "an earlier instant": (A, START - DAY, told_of(BEGIN), False),
}


@pytest.mark.parametrize("name", REMINDERS)
def test_reminders(name: str) -> None:
    alert, at, told, expected = REMINDERS[name]
    assert due(alert, at, told) is expected


def test_each_route_reminds_at_its_own_pace() -> None:
    two = channels(
        {
            "routes": [
                {"matchers": ["alert=dsr_drop"], "receiver": "screen", "repeat_interval": "1h", "continue": True},
                {"matchers": ["alert=dsr_drop"], "receiver": "lead", "repeat_interval": "4h"},
            ]
        }
    )
    begins = plans([first(A)], [A], to=two)
    told = {A.identity.fingerprint: [Thread(each.thread, START) for each in begins]}
    for hours, expected in ((1, {"screen"}), (4, {"screen", "lead"})):
        at = START + hours * HOUR
        reminders = due_repeats({A.identity: A}, BOTH, two, at, told)
        assert [t.reason for t in reminders] == [Reason.REPEAT_DUE]
        assert {each.route.receiver for each in plans(reminders, [A], to=two, at=at, told=told)} == expected


def test_an_alert_of_a_rule_that_is_gone_is_not_repeated() -> None:
    assert due_repeats({A.identity: A}, {}, SIMPLE, START + DAY, {}) == ()


@given(st.lists(st.sampled_from(["S1", "S2", "S3"]), max_size=12), st.sets(st.integers(0, 11)))
def test_every_transition_is_either_told_or_has_a_reason_why_not(stores: list[str], critical: set[int]) -> None:
    alerts: dict[Identity, Alert] = {}
    for number, name in enumerate(stores):
        at = START + number * HOUR
        severity = Severity.CRITICAL if number in critical else Severity.WARNING
        alerts, transitions = step(alerts, [found(name, severity=severity)], RULES, at)
        planned, suppressed = plan(transitions, alerts, RULES, SIMPLE, at, {})
        told = [t.alert.identity for each in planned for t in each.transitions]
        assert sorted(told + [item.identity for item in suppressed]) == sorted(t.alert.identity for t in transitions)
