"""The life of alerts, as a pure function: what an evaluation found moves alerts between pending, firing and resolved.

Three principles hold everywhere. *Only evidence moves an alert*: a failed evaluation, a missing input or a store without fresh data
leaves it as it was. *Time only goes forward*: a result older than what an alert already knows is ignored, so a late or repeated
evaluation changes nothing. *Memory is kept*: resolved alerts stay in the mapping, so that a relapse is told as a new episode.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from engine.model import Alert, Candidate, Identity, Member, Reason, RuleInfo, RuleResult, Severity, State, Transition


def step(
    alerts: Mapping[Identity, Alert], results: Iterable[RuleResult], rules: Mapping[str, RuleInfo], at: datetime
) -> tuple[dict[Identity, Alert], tuple[Transition, ...]]:
    """The states after an evaluation at ``at``, and the transitions that led there, sorted by identity.

    ``alerts`` are all known alerts: pending, firing, and the resolved ones of identities that may relapse. ``rules`` are all rules that
    exist, evaluated this time or not: alerts of rules that are not among them are resolved as RULE_GONE. A rule without a result
    keeps its alerts as they are. A pending alert that never fired and is no longer true is left out of the returned mapping.

    A result whose rule is not in ``rules`` raises KeyError.
    """
    after = dict(alerts)
    transitions: list[Transition] = []
    for before, now, reason in _moves(alerts, results, rules, at):
        _store(after, now)
        if reason:
            transitions.append(_transition(before, now, reason, at))
    return after, tuple(sorted(transitions, key=lambda transition: transition.alert.identity))


def fold(
    alerts: Mapping[Identity, Alert], transitions: Iterable[Transition], at: datetime
) -> tuple[dict[Identity, Alert], tuple[Transition, ...]]:
    """The states and transitions of a whole evaluation, once each alert knows which firing incident tells of it.

    An alert that is more severe than its incident speaks for itself. One whose incident no longer tells of it, and which still fires, comes
    to the surface; one that an incident raises becomes as severe as it, and stays so for as long as the incident fires.
    """
    explained, raised = _explained(alerts), _raised(alerts)
    folded: dict[Identity, Alert] = {}
    more: dict[Identity, Transition] = {}
    moved = {transition.alert.identity for transition in transitions}
    for identity, alert in alerts.items():
        now, reason = _folded(alert, explained.get(identity), raised.get(identity)) if alert.state is State.FIRING else (alert, None)
        folded[identity] = now
        if reason and identity not in moved:
            more[identity] = Transition(now, State.FIRING, State.FIRING, reason, at)
    known = [_with_alert(each, folded.get(each.alert.identity, each.alert)) for each in transitions]
    return folded, tuple(sorted([*known, *more.values()], key=lambda transition: transition.alert.identity))


def _with_alert(moved: Transition, alert: Alert) -> Transition:
    return moved if alert is moved.alert else replace(moved, alert=alert)


def _folded(alert: Alert, incident: Alert | None, least: Severity | None) -> tuple[Alert, Reason | None]:
    rises = least is not None and least.rank > alert.severity.rank
    now = replace(alert, severity=least) if least is not None and rises else alert
    tells = incident is not None and incident.severity.rank >= now.severity.rank
    by = incident.identity if incident and tells else None
    now = replace(now, explained_by=by) if by != now.explained_by else now
    surfaced = alert.explained_by is not None and now.explained_by is None
    now = replace(now, acknowledged_by="") if rises else now
    return now, Reason.SURFACED if surfaced else Reason.SEVERITY_ROSE if rises else None


def _explained(alerts: Mapping[Identity, Alert]) -> dict[Identity, Alert]:
    """Under each explained alert its incident: of several the most severe, then the oldest."""
    incidents = sorted(_incidents(alerts), key=lambda alert: (-alert.severity.rank, alert.firing_since, alert.identity))
    found: dict[Identity, Alert] = {}
    for incident in incidents:
        for member in incident.members:
            if member.explained:
                found.setdefault(member.identity, incident)
    return found


def _raised(alerts: Mapping[Identity, Alert]) -> dict[Identity, Severity]:
    """The least severity of the alerts that firing incidents raise."""
    found: dict[Identity, Severity] = {}
    for incident in sorted(_incidents(alerts), key=lambda alert: alert.severity.rank):
        found |= {member.identity: incident.severity for member in incident.members if member.raised}
    return found


def _incidents(alerts: Mapping[Identity, Alert]) -> list[Alert]:
    return [alert for alert in alerts.values() if alert.members and alert.state is State.FIRING]


def close(alert: Alert, by: str, at: datetime) -> Transition:
    """End a firing alert by hand: it stays resolved, whatever is found, until its condition was false (or its row gone) once."""
    return _transition(alert, replace(_end(alert, Reason.RESOLVED_BY_HAND, at)[1], closed_by=by), Reason.RESOLVED_BY_HAND, at)


def changed(before: Mapping[Identity, Alert], after: Mapping[Identity, Alert]) -> dict[Identity, Alert]:
    """The alerts of ``after`` that ``before`` does not have in the same state: what needs storing."""
    return {identity: alert for identity, alert in after.items() if before.get(identity) != alert}


Move = tuple[Alert | None, Alert, Reason | None]
"""An alert before (None: new, or resolved before) and after, and why it is worth a transition (None: it is not)."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A condition that counts as true: by a candidate, or, for a rule that says ``unknown: alert``, by a missing input."""

    rule: RuleInfo
    at: datetime
    candidate: Candidate | None = None
    least: Severity = Severity.INFO  # what an incident raises the alert to

    def refresh(self, alert: Alert) -> Alert:
        """The alert with what is known now: values, severity, and that it is true."""
        if self.candidate is None:
            return alert
        found = self.candidate
        return replace(
            alert,
            store_id=found.store_id,
            severity=max(found.severity, self.least, key=lambda severity: severity.rank),
            shown=found.shown,
            evidence=found.evidence,
            last_true=self.at,
            not_true_since=None,
            owner=self.rule.owner,
            members=_joined(alert.members if alert.state is State.FIRING else (), found.members),
        )


def _joined(known: tuple[Member, ...], found: tuple[Member, ...]) -> tuple[Member, ...]:
    """Who belongs to an incident: once a member, an alert stays one until the episode is over, so that it is not told of twice."""
    there = {member.identity for member in found}
    return (*found, *(member for member in known if member.identity not in there))


def _moves(alerts: Mapping[Identity, Alert], results: Iterable[RuleResult], rules: Mapping[str, RuleInfo], at: datetime) -> Iterator[Move]:
    for alert in alerts.values():
        if alert.identity.rule not in rules and _is_open(alert) and not _is_late(alert, at):
            yield _end(alert, Reason.RULE_GONE, at)
    by_rule: dict[str, list[Alert]] = {}
    for alert in alerts.values():
        by_rule.setdefault(alert.identity.rule, []).append(alert)
    raised = _raised(alerts)
    for result in results:
        if result.error is None:
            known = {alert.identity: alert for alert in by_rule.get(result.rule, ())}
            yield from _judge(known, result, rules[result.rule], at, raised)


def _judge(
    alerts: Mapping[Identity, Alert], result: RuleResult, rule: RuleInfo, at: datetime, raised: Mapping[Identity, Severity]
) -> Iterator[Move]:
    """The moves of one rule's alerts. A candidate is true whatever else is said of its identity."""
    found = {each.identity: _Found(rule, at, each, raised.get(each.identity, Severity.INFO)) for each in result.candidates}
    if rule.unknown == "alert":
        unsure = result.unknown | {alert.identity for alert in alerts.values() if _is_open(alert) and _is_unknown(alert, result)}
        found = {identity: _Found(rule, at) for identity in unsure} | found
    for identity in sorted(found):
        alert = alerts.get(identity)
        if alert is None or not (alert.closed_by or _is_late(alert, at)):
            yield _true(alert, identity, found[identity])
    for alert in alerts.values():
        if alert.identity in found or _is_late(alert, at):
            continue
        if _is_open(alert):
            yield from _not_true(alert, result, rule, at)
        elif alert.closed_by and not _is_unknown(alert, result):
            yield alert, replace(alert, closed_by=""), None


def _is_open(alert: Alert) -> bool:
    return alert.state is not State.RESOLVED


def _is_late(alert: Alert, at: datetime) -> bool:
    """Whether ``at`` is before the newest instant that the alert knows of."""
    known = (alert.pending_since, alert.last_true, alert.firing_since, alert.resolved_at, alert.not_true_since)
    return any(instant is not None and at < instant for instant in known)


def _is_unknown(alert: Alert, result: RuleResult) -> bool:
    """Whether the result says nothing of this alert. One that a missing input made may have no store; it counts as fresh."""
    stale = bool(alert.store_id) and alert.store_id not in result.fresh_stores
    return stale or alert.identity in result.unknown


def _true(alert: Alert | None, identity: Identity, found: _Found) -> Move:
    if alert is not None and alert.state is State.FIRING:
        return _still_firing(alert, found)
    if alert is not None and alert.state is State.PENDING:
        return _maybe_fire(alert, found.refresh(alert), found)
    return _maybe_fire(None, _begin(alert, identity, found), found)


def _begin(past: Alert | None, identity: Identity, found: _Found) -> Alert:
    """A pending alert; ``past`` is its last, resolved, episode."""
    if past is not None:
        return found.refresh(replace(past, state=State.PENDING, pending_since=found.at, last_true=found.at, explained_by=None))
    rule = found.rule
    store_id = dict(zip(rule.key, identity.key, strict=False)).get("store_id", "")
    return found.refresh(Alert(identity, store_id, State.PENDING, rule.severity, found.at, found.at, owner=rule.owner))


def _maybe_fire(before: Alert | None, alert: Alert, found: _Found) -> Move:
    if found.at - alert.pending_since < found.rule.hold:
        return before, alert, Reason.WAITING if before is None else None
    firing = replace(
        alert,
        state=State.FIRING,
        firing_since=found.at,
        resolved_at=None,
        notified_at=None,
        acknowledged_by="",
        episode=alert.episode + (alert.firing_since is not None),
    )
    if found.candidate is None:
        return before, firing, Reason.MISSING_INPUT
    return before, firing, Reason.HELD_LONG_ENOUGH if found.rule.hold else Reason.FIRST


def _still_firing(alert: Alert, found: _Found) -> Move:
    now = found.refresh(alert)
    if now.severity.rank > alert.severity.rank:
        return alert, replace(now, acknowledged_by=""), Reason.SEVERITY_ROSE
    if len(now.members) > len(alert.members):
        return alert, now, Reason.MEMBER_JOINED
    return alert, now, Reason.SEVERITY_FELL if now.severity is not alert.severity else None


def _not_true(alert: Alert, result: RuleResult, rule: RuleInfo, at: datetime) -> Iterator[Move]:
    """The move of an open alert that is not among the candidates: none when that may be for want of data."""
    if _is_unknown(alert, result):
        if rule.unknown == "resolve":
            yield _end(alert, Reason.MISSING_INPUT, at)
        return
    since = alert.not_true_since or at
    if alert.state is State.FIRING and at - since < rule.keep_firing:
        yield alert, replace(alert, not_true_since=since), None if alert.not_true_since else Reason.KEEP_FIRING
    else:
        yield _end(alert, Reason.NO_LONGER_TRUE if alert.identity in result.present else Reason.ROW_GONE, at)


def _end(alert: Alert, reason: Reason, at: datetime) -> Move:
    """Resolved: a firing alert by this instant, a pending one back to the end of the episode before, if it had one."""
    resolved_at = at if alert.state is State.FIRING else alert.resolved_at
    return alert, replace(alert, state=State.RESOLVED, resolved_at=resolved_at, acknowledged_by="", not_true_since=None), reason


def _store(after: dict[Identity, Alert], now: Alert) -> None:
    if now.state is State.RESOLVED and now.firing_since is None:
        del after[now.identity]
    else:
        after[now.identity] = now


def _transition(before: Alert | None, now: Alert, reason: Reason, at: datetime) -> Transition:
    return Transition(now, before.state if before else None, now.state, reason, at)
