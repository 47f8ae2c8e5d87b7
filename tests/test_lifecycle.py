"""The life of alerts: named cases for every move, and properties over random sequences of evaluations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import Text
from engine.lifecycle import changed, step
from engine.model import (
    ALL_STORES,
    Alert,
    Candidate,
    Identity,
    Reason,
    RuleInfo,
    RuleResult,
    Severity,
    State,
    Stores,
    Transition,
)

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
ORDER = Identity("late", ("S1", "1001"))
KEY = ("store_id", "order_id")


def rule(**options: object) -> RuleInfo:
    return RuleInfo("late", Text.same("late"), Severity.WARNING, **{"owner": "fulfilment", "key": KEY, **options})  # type: ignore[arg-type]


def true(identity: Identity = ORDER, severity: Severity = Severity.WARNING, at: datetime = START) -> RuleResult:
    candidate = Candidate(identity, identity.key[0], severity, at)
    return RuleResult("late", (candidate,), fresh_stores=ALL_STORES, present=frozenset({identity}))


FALSE = RuleResult("late", fresh_stores=ALL_STORES, present=frozenset({ORDER}))
GONE = RuleResult("late", fresh_stores=ALL_STORES)
UNKNOWN = RuleResult("late", unknown=frozenset({ORDER}), fresh_stores=ALL_STORES, present=frozenset({ORDER}))
STALE = RuleResult("late", fresh_stores=~Stores(frozenset({"S1"})), present=frozenset({ORDER}))
FAILED = RuleResult("late", error=Text.same("boom"))


def play(
    info: RuleInfo, *results: RuleResult | None, every: timedelta = HOUR
) -> tuple[dict[Identity, Alert], list[tuple[int, State | None, State, Reason]]]:
    """One evaluation an hour (None: the rule is not evaluated); the states, and (number of the evaluation, before, after, reason)."""
    alerts: dict[Identity, Alert] = {}
    told = []
    for number, result in enumerate(results):
        alerts, transitions = step(alerts, [result] if result else [], {"late": info}, START + number * every)
        told += [(number, t.before, t.after, t.reason) for t in transitions]
    return alerts, told


P, F, R = State.PENDING, State.FIRING, State.RESOLVED
CASES = {
    "fires at once": (rule(), [true()], [(0, None, F, Reason.FIRST)], F),
    "stays firing without a word": (rule(), [true(), true()], [(0, None, F, Reason.FIRST)], F),
    "waits for its hold": (rule(hold=2 * HOUR), [true(), true()], [(0, None, P, Reason.WAITING)], P),
    "fires at exactly its hold": (
        rule(hold=2 * HOUR),
        [true(), true(), true()],
        [(0, None, P, Reason.WAITING), (2, P, F, Reason.HELD_LONG_ENOUGH)],
        F,
    ),
    "pending disappears": (rule(hold=2 * HOUR), [true(), FALSE], [(0, None, P, Reason.WAITING), (1, P, R, Reason.NO_LONGER_TRUE)], None),
    "hold starts anew after a gap": (
        rule(hold=2 * HOUR),
        [true(), FALSE, true(), true()],
        [(0, None, P, Reason.WAITING), (1, P, R, Reason.NO_LONGER_TRUE), (2, None, P, Reason.WAITING)],
        P,
    ),
    "resolves when false": (rule(), [true(), FALSE], [(0, None, F, Reason.FIRST), (1, F, R, Reason.NO_LONGER_TRUE)], R),
    "resolves when the row is gone": (rule(), [true(), GONE], [(0, None, F, Reason.FIRST), (1, F, R, Reason.ROW_GONE)], R),
    "an unknown keeps it": (rule(), [true(), UNKNOWN], [(0, None, F, Reason.FIRST)], F),
    "stale data keeps it": (rule(), [true(), STALE], [(0, None, F, Reason.FIRST)], F),
    "a failure keeps it": (rule(), [true(), FAILED], [(0, None, F, Reason.FIRST)], F),
    "no evaluation keeps it": (rule(), [true(), None], [(0, None, F, Reason.FIRST)], F),
    "an unknown keeps it pending": (rule(hold=HOUR * 5), [true(), UNKNOWN, STALE, FAILED], [(0, None, P, Reason.WAITING)], P),
    "an unknown never fires": (rule(), [UNKNOWN, STALE, FAILED], [], None),
    "unknown: resolve": (rule(unknown="resolve"), [true(), UNKNOWN], [(0, None, F, Reason.FIRST), (1, F, R, Reason.MISSING_INPUT)], R),
    "unknown: resolve, stale store": (
        rule(unknown="resolve"),
        [true(), STALE],
        [(0, None, F, Reason.FIRST), (1, F, R, Reason.MISSING_INPUT)],
        R,
    ),
    "unknown: resolve, but it failed": (rule(unknown="resolve"), [true(), FAILED], [(0, None, F, Reason.FIRST)], F),
    "unknown: alert": (rule(unknown="alert"), [UNKNOWN], [(0, None, F, Reason.MISSING_INPUT)], F),
    "unknown: alert waits too": (
        rule(unknown="alert", hold=HOUR),
        [UNKNOWN, UNKNOWN],
        [(0, None, P, Reason.WAITING), (1, P, F, Reason.MISSING_INPUT)],
        F,
    ),
    "unknown: alert resolves when known": (
        rule(unknown="alert"),
        [UNKNOWN, FALSE],
        [(0, None, F, Reason.MISSING_INPUT), (1, F, R, Reason.NO_LONGER_TRUE)],
        R,
    ),
    "severity rises": (
        rule(),
        [true(), true(severity=Severity.CRITICAL)],
        [(0, None, F, Reason.FIRST), (1, F, F, Reason.SEVERITY_ROSE)],
        F,
    ),
    "severity falls": (rule(), [true(), true(severity=Severity.INFO)], [(0, None, F, Reason.FIRST), (1, F, F, Reason.SEVERITY_FELL)], F),
    "severity changes silently while pending": (
        rule(hold=HOUR * 2),
        [true(), true(severity=Severity.CRITICAL)],
        [(0, None, P, Reason.WAITING)],
        P,
    ),
    "keeps firing, told once": (
        rule(keep_firing=2 * HOUR),
        [true(), FALSE, GONE],
        [(0, None, F, Reason.FIRST), (1, F, F, Reason.KEEP_FIRING)],
        F,
    ),
    "kept firing ends": (
        rule(keep_firing=2 * HOUR),
        [true(), FALSE, FALSE, FALSE],
        [(0, None, F, Reason.FIRST), (1, F, F, Reason.KEEP_FIRING), (3, F, R, Reason.NO_LONGER_TRUE)],
        R,
    ),
    "kept firing starts anew when true": (
        rule(keep_firing=2 * HOUR),
        [true(), FALSE, true(), FALSE, FALSE],
        [(0, None, F, Reason.FIRST), (1, F, F, Reason.KEEP_FIRING), (3, F, F, Reason.KEEP_FIRING)],
        F,
    ),
    "pending is not kept": (
        rule(hold=2 * HOUR, keep_firing=5 * HOUR),
        [true(), FALSE],
        [(0, None, P, Reason.WAITING), (1, P, R, Reason.NO_LONGER_TRUE)],
        None,
    ),
    "relapse": (
        rule(),
        [true(), FALSE, true()],
        [(0, None, F, Reason.FIRST), (1, F, R, Reason.NO_LONGER_TRUE), (2, None, F, Reason.FIRST)],
        F,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    info, results, expected, final = CASES[name]
    alerts, told = play(info, *results)
    assert told == expected
    assert (alerts[ORDER].state if ORDER in alerts else None) == final


def test_a_relapse_is_a_new_episode_and_forgets_the_acknowledgement_and_the_notification() -> None:
    alerts, _ = play(rule(), true())
    first = replace(alerts[ORDER], notified_at=START, acknowledged_by="li")
    assert first.episode == 1
    resolved, _ = step({ORDER: first}, [FALSE], {"late": rule()}, START + HOUR)
    assert (resolved[ORDER].acknowledged_by, resolved[ORDER].resolved_at, resolved[ORDER].episode) == ("", START + HOUR, 1)
    again, _ = step(resolved, [true()], {"late": rule()}, START + 2 * HOUR)
    alert = again[ORDER]
    assert (alert.episode, alert.firing_since, alert.pending_since) == (2, START + 2 * HOUR, START + 2 * HOUR)
    assert (alert.resolved_at, alert.notified_at, alert.acknowledged_by) == (None, None, "")


def test_an_acknowledgement_lasts_while_it_fires() -> None:
    alerts, _ = play(rule(), true())
    alerts, _ = step({ORDER: replace(alerts[ORDER], acknowledged_by="li")}, [true()], {"late": rule()}, START + HOUR)
    assert alerts[ORDER].acknowledged_by == "li"


def test_a_pending_relapse_that_comes_to_nothing_leaves_the_past_episode() -> None:
    held = rule(hold=2 * HOUR)
    alerts, _ = play(held, true(), true(), true(), FALSE)
    past = alerts[ORDER]
    assert (past.state, past.episode, past.resolved_at) == (R, 1, START + 3 * HOUR)
    alerts, _ = step(alerts, [true()], {"late": held}, START + 4 * HOUR)
    assert alerts[ORDER].state is P
    alerts, (transition,) = step(alerts, [FALSE], {"late": held}, START + 5 * HOUR)
    assert (transition.before, transition.after) == (P, R)
    assert (alerts[ORDER].state, alerts[ORDER].episode, alerts[ORDER].resolved_at) == (R, 1, START + 3 * HOUR)
    for hour in (6, 7, 8):
        alerts, _ = step(alerts, [true()], {"late": held}, START + hour * HOUR)
    assert (alerts[ORDER].state, alerts[ORDER].episode) == (F, 2)


def test_alerts_of_a_rule_that_is_gone_end() -> None:
    alerts, _ = play(rule(), true())
    alerts, (transition,) = step(alerts, [], {"other": replace(rule(), name="other")}, START + HOUR)
    assert (transition.reason, transition.before, transition.after) == (Reason.RULE_GONE, F, R)
    assert alerts[ORDER].owner == "fulfilment"
    assert step(alerts, [], {}, START + 2 * HOUR) == (alerts, ())


def test_a_resolved_alert_keeps_the_values_of_when_it_was_true() -> None:
    alerts, _ = play(rule(), true(severity=Severity.CRITICAL), FALSE)
    assert (alerts[ORDER].severity, alerts[ORDER].last_true, alerts[ORDER].store_id) == (Severity.CRITICAL, START, "S1")


def test_an_unknown_row_takes_its_store_from_its_key() -> None:
    alerts, _ = play(rule(unknown="alert"), UNKNOWN)
    assert alerts[ORDER].store_id == "S1"


def test_a_candidate_of_a_rule_nobody_knows_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        step({}, [true()], {}, START)


@pytest.mark.parametrize("result", [true(severity=Severity.CRITICAL), FALSE, GONE], ids=["true", "false", "gone"])
def test_a_late_evaluation_changes_nothing(result: RuleResult) -> None:
    alerts, _ = play(rule(), true(), true())
    assert step(alerts, [result], {"late": rule()}, START + HOUR / 2) == (alerts, ())
    resolved, _ = step(alerts, [FALSE], {"late": rule()}, START + 3 * HOUR)
    assert step(resolved, [result], {"late": rule()}, START + 2 * HOUR) == (resolved, ())
    assert step(resolved, [], {}, START - HOUR) == (resolved, ())


def test_changed_leaves_out_what_is_as_it_was() -> None:
    before, _ = play(rule(), true())
    after, _ = step(before, [true(Identity("late", ("S2", "7")))], {"late": rule()}, START + HOUR)
    assert set(changed(before, after)) == {ORDER, Identity("late", ("S2", "7"))}  # ORDER resolved: its row is gone
    unsaid, _ = step(before, [], {"late": rule()}, START + HOUR)
    assert changed(before, unsaid) == {}
    assert changed(after, after) == {}


# random histories

IDENTITIES = [Identity("late", (store, order)) for store in ("S1", "S2") for order in ("1", "2")]
INFOS = st.builds(
    rule,
    hold=st.sampled_from([timedelta(0), HOUR, 3 * HOUR]),
    keep_firing=st.sampled_from([timedelta(0), 2 * HOUR]),
    unknown=st.sampled_from(["keep", "alert", "resolve"]),
)


@dataclass(frozen=True)
class World:
    """What holds of each identity at one evaluation: t(rue), c(ritical), f(alse), g(one), u(nknown); which stores are fresh; failed."""

    rows: dict[Identity, str]
    stale: frozenset[str]
    failed: bool

    def result(self) -> RuleResult:
        if self.failed:
            return FAILED
        fresh = {identity: word for identity, word in self.rows.items() if identity.key[0] not in self.stale}
        severities = {"t": Severity.WARNING, "c": Severity.CRITICAL}
        return RuleResult(
            "late",
            tuple(Candidate(i, i.key[0], severities[word], START) for i, word in fresh.items() if word in severities),
            frozenset(i for i, word in fresh.items() if word == "u"),
            fresh_stores=~Stores(self.stale),
            present=frozenset(i for i, word in fresh.items() if word != "g"),
        )

    def word(self, identity: Identity) -> str:
        return "u" if self.failed or identity.key[0] in self.stale else self.rows[identity]


WORLDS = st.builds(
    World,
    st.fixed_dictionaries({identity: st.sampled_from("tcfgu") for identity in IDENTITIES}),
    st.frozensets(st.sampled_from(["S1", "S2"]), max_size=1),
    st.sampled_from([False, False, False, True]),
)
HISTORIES = st.lists(WORLDS, max_size=14)


def run(info: RuleInfo, worlds: list[World]) -> tuple[list[dict[Identity, Alert]], list[tuple[int, Transition]]]:
    states: list[dict[Identity, Alert]] = [{}]
    moves = []
    for number, world in enumerate(worlds):
        after, transitions = step(states[-1], [world.result()], {"late": info}, START + number * HOUR)
        states.append(after)
        moves += [(number, transition) for transition in transitions]
    return states, moves


@given(INFOS, HISTORIES)
def test_nothing_resolves_without_evidence_and_unknown_moves_nothing(info: RuleInfo, worlds: list[World]) -> None:
    _, moves = run(info, worlds)
    for number, move in moves:
        word = worlds[number].word(move.alert.identity)
        if move.reason is Reason.MISSING_INPUT or (info.unknown == "alert" and word == "u"):
            assert info.unknown != "keep" and word == "u"
        elif move.after is R:
            assert word == ("g" if move.reason is Reason.ROW_GONE else "f")
        else:
            assert word != "u"


@given(INFOS, HISTORIES)
def test_unknown_keeps_every_state_when_the_rule_says_keep(info: RuleInfo, worlds: list[World]) -> None:
    states, _ = run(replace(info, unknown="keep"), worlds)
    for world, before, after in zip(worlds, states[:-1], states[1:], strict=True):
        assert all(before.get(i) == after.get(i) for i in IDENTITIES if world.word(i) == "u")


@given(INFOS, HISTORIES)
def test_nothing_fires_before_its_hold(info: RuleInfo, worlds: list[World]) -> None:
    states, _ = run(info, worlds)
    for alert in states[-1].values():
        if alert.state is F and alert.firing_since:
            assert alert.firing_since - alert.pending_since >= info.hold


@given(INFOS, HISTORIES)
def test_every_episode_begins_once_and_ends_at_most_once(info: RuleInfo, worlds: list[World]) -> None:
    _, moves = run(info, worlds)
    for identity in IDENTITIES:
        mine = [move for _, move in moves if move.alert.identity == identity]
        begins = [move.alert.episode for move in mine if move.after is F and move.before is not F]
        ends = [move.alert.episode for move in mine if move.before is F and move.after is R]
        assert begins == list(range(1, len(begins) + 1))
        assert ends == begins[: len(ends)] and len(begins) - len(ends) in (0, 1)


@given(INFOS, HISTORIES)
def test_each_transition_starts_where_the_one_before_ended(info: RuleInfo, worlds: list[World]) -> None:
    _, moves = run(info, worlds)
    now: dict[Identity, State | None] = {}
    for _, move in moves:
        assert move.before == now.get(move.alert.identity)
        now[move.alert.identity] = None if move.after is R else move.after


@given(INFOS, HISTORIES, WORLDS, st.randoms(use_true_random=False))
def test_order_of_candidates_does_not_matter_and_input_is_untouched(info: RuleInfo, worlds: list[World], last: World, chance) -> None:
    before = run(info, worlds)[0][-1]
    copy = dict(before)
    result, at = last.result(), START + len(worlds) * HOUR
    shuffled = list(result.candidates)
    chance.shuffle(shuffled)
    first = step(before, [result], {"late": info}, at)
    assert step(before, [replace(result, candidates=tuple(shuffled))], {"late": info}, at) == first
    assert before == copy


@given(INFOS, HISTORIES, WORLDS)
def test_the_same_instant_again_is_idempotent(info: RuleInfo, worlds: list[World], last: World) -> None:
    before = run(info, worlds)[0][-1]
    at = START + len(worlds) * HOUR
    after, _ = step(before, [last.result()], {"late": info}, at)
    assert step(after, [last.result()], {"late": info}, at) == (after, ())


@settings(max_examples=50)
@given(INFOS, HISTORIES, WORLDS)
def test_an_earlier_instant_loses_no_newer_knowledge(info: RuleInfo, worlds: list[World], late: World) -> None:
    """A late result may only speak of alerts that know nothing newer."""
    before = run(info, worlds)[0][-1]
    at = START - HOUR
    after, moves = step(before, [late.result()], {"late": info}, at)
    assert all(after[identity] == alert for identity, alert in before.items())
    assert not {move.alert.identity for move in moves} & set(before)
