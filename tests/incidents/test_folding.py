"""Alerts that an incident tells of: folded while it fires, on their own again when it is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from engine.errors import Text
from engine.lifecycle import fold, step
from engine.model import (
    ALL_STORES,
    Alert,
    Candidate,
    Identity,
    Member,
    Reason,
    RuleInfo,
    RuleResult,
    Severity,
    State,
    Transition,
)

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
CAUSE, SYMPTOM, INCIDENT = Identity("cause", ("s1",)), Identity("symptom", ("s1",)), Identity("incident", ("s1",))
RULES = {name: RuleInfo(name, Text.same(name), Severity.WARNING, key=("store_id",)) for name in ("cause", "symptom", "incident")}
Alerts = dict[Identity, Alert]


def firing(identity: Identity, severity: Severity = Severity.WARNING, *members: Member) -> Alert:
    return Alert(identity, "s1", State.FIRING, severity, AT, AT, AT, members=members)


def found(identity: Identity, severity: Severity = Severity.WARNING, *members: Member) -> RuleResult:
    candidate = Candidate(identity, "s1", severity, AT, members=members)
    return RuleResult(identity.rule, (candidate,), fresh_stores=ALL_STORES, present=frozenset({identity}))


def over(identity: Identity) -> RuleResult:
    return RuleResult(identity.rule, fresh_stores=ALL_STORES, present=frozenset({identity}))


def after(alerts: Alerts, *results: RuleResult, hours: int = 1) -> tuple[Alerts, dict[Identity, Reason]]:
    """One evaluation: its states, and what happened to whom."""
    at = AT + timedelta(hours=hours)
    states, moves = step(alerts, results, RULES, at)
    states, moves = fold(states, moves, at)
    return states, {move.alert.identity: move.reason for move in moves}


def test_a_member_is_explained_while_the_incident_fires() -> None:
    states, told = after({SYMPTOM: firing(SYMPTOM)}, found(INCIDENT, Severity.CRITICAL, Member(SYMPTOM, "s")))
    assert states[SYMPTOM].explained_by == INCIDENT
    assert told == {INCIDENT: Reason.FIRST}


def test_the_transition_of_an_explained_alert_says_so() -> None:
    transition = Transition(firing(SYMPTOM), None, State.FIRING, Reason.FIRST, AT)
    alerts = {SYMPTOM: firing(SYMPTOM), INCIDENT: firing(INCIDENT, Severity.WARNING, Member(SYMPTOM, "s"))}
    _, moves = fold(alerts, [transition], AT)
    assert [move.alert.explained_by for move in moves] == [INCIDENT]


def test_a_member_that_is_not_explained_speaks_for_itself() -> None:
    states, _ = after({SYMPTOM: firing(SYMPTOM)}, found(INCIDENT, Severity.CRITICAL, Member(SYMPTOM, "s", explained=False)))
    assert states[SYMPTOM].explained_by is None


def test_a_member_more_severe_than_its_incident_speaks_for_itself() -> None:
    states, _ = after({SYMPTOM: firing(SYMPTOM, Severity.CRITICAL)}, found(INCIDENT, Severity.WARNING, Member(SYMPTOM, "s")))
    assert states[SYMPTOM].explained_by is None


def test_it_surfaces_when_the_incident_is_over_and_it_is_not() -> None:
    states, _ = after({SYMPTOM: firing(SYMPTOM)}, found(INCIDENT, Severity.CRITICAL, Member(SYMPTOM, "s")))
    states, told = after(states, over(INCIDENT), hours=2)
    assert states[SYMPTOM].explained_by is None
    assert told == {INCIDENT: Reason.NO_LONGER_TRUE, SYMPTOM: Reason.SURFACED}


def test_what_ended_with_its_incident_still_knows_it() -> None:
    states, _ = after({SYMPTOM: firing(SYMPTOM)}, found(INCIDENT, Severity.CRITICAL, Member(SYMPTOM, "s")))
    states, told = after(states, over(INCIDENT), over(SYMPTOM), hours=2)
    assert states[SYMPTOM].explained_by == INCIDENT
    assert told == {INCIDENT: Reason.NO_LONGER_TRUE, SYMPTOM: Reason.NO_LONGER_TRUE}


def test_a_relapse_after_the_incident_is_nobodys_symptom() -> None:
    states, _ = after({SYMPTOM: firing(SYMPTOM)}, found(INCIDENT, Severity.CRITICAL, Member(SYMPTOM, "s")))
    states, _ = after(states, over(INCIDENT), over(SYMPTOM), hours=2)
    states, told = after(states, found(SYMPTOM), hours=3)
    assert (states[SYMPTOM].explained_by, told) == (None, {SYMPTOM: Reason.FIRST})


def test_a_new_member_is_told_once() -> None:
    alerts = {CAUSE: firing(CAUSE), SYMPTOM: firing(SYMPTOM)}
    states, _ = after(alerts, found(INCIDENT, Severity.CRITICAL, Member(CAUSE, "c")))
    states, told = after(states, found(INCIDENT, Severity.CRITICAL, Member(CAUSE, "c"), Member(SYMPTOM, "s")), hours=2)
    assert told == {INCIDENT: Reason.MEMBER_JOINED}
    states, told = after(states, found(INCIDENT, Severity.CRITICAL, Member(CAUSE, "c")), hours=3)
    assert states[SYMPTOM].explained_by == INCIDENT, "once a member, always a member of this episode"
    _, told = after(states, found(INCIDENT, Severity.CRITICAL, Member(CAUSE, "c"), Member(SYMPTOM, "s")), hours=4)
    assert told == {}


def test_an_incident_raises_what_it_is_told_to_raise() -> None:
    member = Member(SYMPTOM, "s", raised=True)
    states, told = after({SYMPTOM: firing(SYMPTOM)}, found(INCIDENT, Severity.CRITICAL, member))
    assert states[SYMPTOM].severity is Severity.CRITICAL
    assert told == {INCIDENT: Reason.FIRST, SYMPTOM: Reason.SEVERITY_ROSE}
    states, told = after(states, found(SYMPTOM), found(INCIDENT, Severity.CRITICAL, member), hours=2)
    assert (states[SYMPTOM].severity, told) == (Severity.CRITICAL, {})
    states, told = after(states, found(SYMPTOM), over(INCIDENT), hours=3)
    states, told = after(states, found(SYMPTOM), hours=4)
    assert (states[SYMPTOM].severity, told) == (Severity.WARNING, {SYMPTOM: Reason.SEVERITY_FELL})


def test_of_two_incidents_the_more_severe_tells_of_it() -> None:
    other = Identity("other", ("s1",))
    alerts = {
        SYMPTOM: firing(SYMPTOM),
        INCIDENT: firing(INCIDENT, Severity.WARNING, Member(SYMPTOM, "s")),
        other: replace(firing(other, Severity.CRITICAL, Member(SYMPTOM, "s")), firing_since=AT + timedelta(hours=1)),
    }
    states, _ = fold(alerts, [], AT)
    assert states[SYMPTOM].explained_by == other


def test_an_incident_that_only_may_be_there_explains_nothing() -> None:
    pending = replace(firing(INCIDENT, Severity.CRITICAL, Member(SYMPTOM, "s")), state=State.PENDING)
    states, _ = fold({SYMPTOM: firing(SYMPTOM), INCIDENT: pending}, [], AT)
    assert states[SYMPTOM].explained_by is None
