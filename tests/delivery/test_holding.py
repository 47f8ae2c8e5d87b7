"""What waits before it is told: new groups, muted routes; what becomes of the changes that pile up meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.lifecycle import step
from engine.model import Alert, Identity, Reason, Severity, State, Transition
from engine.routing import Channels, Decisions, Held, Hold, Plan, Suppression, Thread, decide, due_repeats
from tests.delivery.test_routing import BOTH, channels, ended, firing, first, told_of
from tests.delivery.values import HOUR, RULES, START, found, store

MINUTE = timedelta(minutes=1)
A = firing(store("S1"))
NIGHT = {"night": [{"times": ["15:00..17:30"]}]}  # START is 16:00 in Shanghai
MUTED = channels({"mute_time_intervals": ["night"]}, time_intervals=NIGHT)
MORNING = START + 1.5 * HOUR
WAITING = channels({"group_wait": "30s", "group_by": ["store_id"]})


def decided(
    transitions: Iterable[Transition] = (),
    alerts: Iterable[Alert] = (),
    *,
    to: Channels = MUTED,
    at: object = START,
    told: dict[str, list[Thread]] | None = None,
    held: Sequence[Held] = (),
) -> Decisions:
    return decide(transitions, {alert.identity: alert for alert in alerts}, BOTH, to, at, told or {}, held)  # type: ignore[arg-type]


def told(found_: Decisions) -> list[tuple[Reason, ...]]:
    return [tuple(moved.reason for moved in each.transitions) for each in found_.plans]


def reasons(found_: Decisions) -> list[Suppression]:
    return [each.reason for each in found_.suppressed]


def test_a_muted_route_tells_when_the_mute_is_over() -> None:
    night = decided([first(A)], [A])
    (held,) = night.held
    assert (night.plans, held.hold, held.until, held.since) == ((), Hold.MUTED, MORNING, START)
    later = decided([], [A], at=MORNING - MINUTE, held=night.held)
    assert (later.plans, later.held, later.suppressed) == ((), night.held, ())
    day = decided([], [A], at=MORNING, held=night.held)
    assert (told(day), day.held, reasons(day)) == ([(Reason.FIRST,)], (), [])


def test_active_intervals_are_the_reverse() -> None:
    office = channels(
        {"active_time_intervals": ["office"]}, time_intervals={"office": [{"times": ["09:00..16:00"], "weekdays": ["mon..fri"]}]}
    )
    (held,) = decided([first(A)], [A], to=office).held  # Friday, four in the afternoon
    assert (held.hold, held.until) == (Hold.MUTED, START + timedelta(days=2, hours=17))  # Monday at nine


def test_a_mute_without_an_end_is_held_until_somebody_changes_the_file() -> None:
    always = channels({"mute_time_intervals": ["always"]}, time_intervals={"always": [{"weekdays": ["mon..sun"]}]})
    (held,) = decided([first(A)], [A], to=always).held
    assert held.until is None
    assert told(decided([], [A], to=channels({}), held=[held])) == [(Reason.FIRST,)]


def test_a_new_group_waits_for_what_joins_it_and_then_says_everything_at_once() -> None:
    other = firing(Identity("banner", ("P1",)), START + 20 * timedelta(seconds=1))
    begun = decided([first(A)], [A], to=WAITING)
    assert [(one.hold, one.until) for one in begun.held] == [(Hold.GROUP_WAIT, START + timedelta(seconds=30))]
    joined = decided([first(other)], [A, other], to=WAITING, at=START + timedelta(seconds=20), held=begun.held)
    assert [one.until for one in joined.held] == [START + timedelta(seconds=30)] * 2
    done = decided([], [A, other], to=WAITING, at=START + timedelta(seconds=30), held=joined.held)
    assert (told(done), done.held) == ([(Reason.FIRST, Reason.FIRST)], ())
    third = firing(Identity("banner", ("P2",)), START + HOUR)
    again = decided([first(third)], [A, other, third], to=WAITING, at=START + HOUR, told=told_of(done.plans[0]))
    assert told(again) == [(Reason.FIRST,)], "a group that was told does not wait again"


ROSE = replace(A, severity=Severity.CRITICAL)
RISE = Transition(ROSE, State.FIRING, State.FIRING, Reason.SEVERITY_ROSE, START + MINUTE)
END = ended(A, START + 2 * MINUTE)
AGAIN = replace(A, episode=2, firing_since=START + 3 * MINUTE)
RELAPSE = Transition(AGAIN, None, State.FIRING, Reason.FIRST, START + 3 * MINUTE)
END_AGAIN = ended(AGAIN, START + 4 * MINUTE)
PILED_UP: dict[str, tuple[list[Transition], bool, list[Reason], list[Suppression]]] = {
    "began": ([first(A)], False, [Reason.FIRST], []),
    "began and rose": ([first(A), RISE], False, [Reason.FIRST], [Suppression.JOINED]),
    "began and ended": ([first(A), END], False, [], [Suppression.OVER_BEFORE_TOLD] * 2),
    "began, rose, ended": ([first(A), RISE, END], False, [], [Suppression.JOINED] + [Suppression.OVER_BEFORE_TOLD] * 2),
    "rose": ([RISE], True, [Reason.SEVERITY_ROSE], []),
    "ended": ([END], True, [Reason.NO_LONGER_TRUE], []),
    "rose and ended": ([RISE, END], True, [Reason.NO_LONGER_TRUE], [Suppression.OVERTAKEN]),
    "ended and began again": ([END, RELAPSE], True, [Reason.FIRST], [Suppression.RELAPSED]),
    "ended, began again, ended again": (
        [END, RELAPSE, END_AGAIN],
        True,
        [Reason.NO_LONGER_TRUE],
        [Suppression.RELAPSED, Suppression.OVERTAKEN],
    ),
    "began, ended, began again": (
        [first(A), END, RELAPSE],
        False,
        [Reason.FIRST],
        [Suppression.OVER_BEFORE_TOLD] * 2,
    ),
}


@pytest.mark.parametrize("name", PILED_UP)
def test_what_piles_up_is_told_once(name: str) -> None:
    moves, heard, expected, dropped = PILED_UP[name]
    before = {A.identity.fingerprint: [Thread(told_in(A), START - HOUR)]} if heard else {}
    held: tuple[Held, ...] = ()
    why: list[Suppression] = []
    for moved in moves:
        mine = before if moved.alert.episode == 1 else {}
        result = decided([moved], [moved.alert], at=moved.at, told=mine, held=held)
        held, why = result.held, [*why, *reasons(result)]
        assert result.plans == ()
    mine = before if moves[-1].alert.episode == 1 else {}
    day = decided([], [moves[-1].alert], at=MORNING, told=mine, held=held)
    assert [moved.reason for each in day.plans for moved in each.transitions] == expected
    assert (why + reasons(day), day.held) == (dropped, ())
    for each in day.plans:
        (moved,) = each.transitions
        assert moved.alert.severity is (Severity.CRITICAL if moves[-1] is RISE else Severity.WARNING), "the present values are told"


def told_in(alert: Alert) -> str:
    """The thread in which MUTED would tell of it."""
    (each,) = decided([first(alert)], [alert], at=MORNING).plans
    return each.thread


def test_critical_alerts_pass_a_mute_by_a_route_of_their_own() -> None:
    passing = channels(
        {"mute_time_intervals": ["night"], "routes": [{"matchers": ['severity="critical"'], "mute_time_intervals": []}]},
        time_intervals=NIGHT,
    )
    night = decided([first(A)], [A], to=passing)
    risen = decided([RISE], [ROSE], to=passing, at=RISE.at, held=night.held)
    assert told(risen) == [(Reason.FIRST,)], "told once, as new, with the present severity"
    assert sorted(reasons(risen)) == [Suppression.JOINED, Suppression.REROUTED]
    assert risen.held == ()


def test_what_waits_on_a_route_that_is_gone_goes_to_whoever_is_responsible_now() -> None:
    night = decided([first(A)], [A])
    to_lead = channels({"receiver": "lead"})
    moved = decided([], [A], to=to_lead, held=night.held)
    assert [each.recipients[0].address for each in moved.plans] == ["lead@shop.example"]
    assert reasons(moved) == [Suppression.REROUTED]


def test_what_an_incident_explains_meanwhile_is_not_told() -> None:
    night = decided([first(A)], [A])
    folded = replace(A, explained_by=Identity("incident", ("S1",)))
    assert reasons(decided([], [folded], at=MORNING, held=night.held)) == [Suppression.EXPLAINED]


def test_an_alert_that_nobody_knows_any_more_is_not_told() -> None:
    night = decided([first(A)], [A])
    assert reasons(decided([], [], at=MORNING, held=night.held)) == [Suppression.OVER_BEFORE_TOLD]


def test_reminders_wait_for_the_end_of_a_mute() -> None:
    daily = channels({"mute_time_intervals": ["night"], "repeat_interval": "24h"}, time_intervals=NIGHT)
    before = {A.identity.fingerprint: [Thread(told_in(A), START)]}
    for at, due in ((START + timedelta(days=1), False), (MORNING + timedelta(days=1), True)):
        assert bool(due_repeats({A.identity: A}, BOTH, daily, at, before)) is due


# whatever happens


@dataclass
class World:
    """Alerts over time, and all that was told of them, as a state database would keep it."""

    to: Channels
    alerts: dict[Identity, Alert] = field(default_factory=dict)
    held: tuple[Held, ...] = ()
    threads: dict[str, list[Thread]] = field(default_factory=dict)
    told: list[Plan] = field(default_factory=list)
    untold: list[tuple[Identity, Suppression]] = field(default_factory=list)

    def evaluate(self, at: object, rated: dict[str, Severity]) -> None:
        results = [found(name, severity=severity) for name, severity in rated.items()]
        merged = [replace(found(), candidates=tuple(c for result in results for c in result.candidates))]
        before = {name: alert.episode for name, alert in self.alerts.items()}
        self.alerts, moved = step(self.alerts, merged, RULES, at)  # type: ignore[arg-type]
        for identity, alert in self.alerts.items():
            if before.get(identity, alert.episode) != alert.episode:
                self.threads.pop(identity.fingerprint, None)  # as a state does, which tells of the present episode only
        self._decide(moved, at)

    def dispatch(self, at: object) -> None:
        self._decide((), at)

    def _decide(self, moved: tuple[Transition, ...], at: object) -> None:
        result = decide(moved, self.alerts, RULES, self.to, at, self.threads, self.held)  # type: ignore[arg-type]
        self.held = result.held
        self.untold += [(each.identity, each.reason) for each in result.suppressed]
        for each in result.plans:
            self.told.append(each)
            for change in each.transitions:
                alert = self.alerts[change.alert.identity]
                if change.alert.episode == alert.episode:
                    self.threads.setdefault(alert.identity.fingerprint, []).append(Thread(each.thread, at))  # type: ignore[arg-type]


RATED = st.dictionaries(st.sampled_from(["S1", "S2", "S3"]), st.sampled_from([Severity.WARNING, Severity.CRITICAL]), max_size=3)
STEPS = st.lists(st.tuples(st.integers(1, 400), st.one_of(st.none(), RATED)), min_size=1, max_size=25)
TREES: list[dict[str, object]] = [
    {"digest": {"at": ["09:00", "18:00"]}},
    {"digest": {"at": ["09:00"]}, "mute_time_intervals": ["night"], "routes": [{"matchers": ['severity="critical"'], "digest": False}]},
    {"mute_time_intervals": ["night"]},
    {"group_wait": "90m", "group_by": ["alert"]},
    {"group_wait": "2h", "active_time_intervals": ["night"], "routes": [{"matchers": ['severity="critical"'], "group_wait": "0s"}]},
    {"mute_time_intervals": ["night"], "routes": [{"matchers": ['severity="critical"'], "mute_time_intervals": [], "receiver": "lead"}]},
    {
        "group_wait": "1h",
        "routes": [
            {"matchers": ["store_id=S1"], "receiver": "lead", "continue": True},
            {"matchers": ['store_id=~"S1|S2"'], "receiver": "owner", "mute_time_intervals": ["night"]},
        ],
    },
]


@settings(max_examples=150, deadline=None)
@given(STEPS, st.sampled_from(TREES))
def test_whatever_happens_every_alert_is_told_or_has_a_reason_and_never_twice_at_once(
    steps: list[tuple[int, dict[str, Severity] | None]], tree: dict[str, object]
) -> None:
    world = World(channels(tree, time_intervals={"night": [{"times": ["22:00..08:00"]}]}))
    at, seen = START, 0
    for minutes, rated in steps:
        at += minutes * MINUTE
        before = len(world.told)
        if rated is None:
            world.dispatch(at)
        else:
            world.evaluate(at, rated)
        now = world.told[before:]
        groups = [(each.route.name, tuple(each.labels.items())) for each in now]
        assert len(groups) == len(set(groups)), "a group is told once at one instant"
        for each in now:
            identities = [moved.alert.identity for moved in each.transitions]
            assert len(identities) == len(set(identities)), "no alert twice in one message"
            for moved in each.transitions:
                assert world.alerts[moved.alert.identity].state is State.FIRING or moved.after is State.RESOLVED
        seen = len(world.told)
    for hours in range(48):  # everything is over at some time, and told
        world.dispatch(at + hours * HOUR)
    assert world.held == ()
    heard = {(moved.alert.identity, moved.alert.episode) for each in world.told for moved in each.transitions}
    for identity, alert in world.alerts.items():
        if alert.state is State.FIRING:
            assert (identity, alert.episode) in heard, "what fires is told in the end"
        last: dict[str, State] = {}
        for each in world.told:
            for moved in each.transitions:
                if moved.alert.identity == identity:
                    last |= {recipient.address: moved.after for recipient in each.recipients}
        if alert.state is State.RESOLVED:
            assert set(last.values()) <= {State.RESOLVED}, "whoever heard of it heard of its end"
    assert seen <= len(world.told)
