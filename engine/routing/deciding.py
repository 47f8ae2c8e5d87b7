"""Which transitions are told to whom, in which thread, and why the others are not. Pure."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from engine.errors import Text
from engine.model import Alert, Identity, Reason, RuleInfo, State, Transition
from engine.routing.channels import OWNER, Channels, Receiver
from engine.routing.tree import Route, all_routes, routes_for


class Suppression(StrEnum):
    """Why a transition is not told."""

    STILL_PENDING = "still_pending"  # true, but not yet for the rule's `for`
    NEVER_FIRED = "never_fired"  # no longer true before the rule's `for` was over
    KEPT_FIRING = "kept_firing"  # not true, but `keep_firing_for` holds it: nothing to tell yet
    SEVERITY_FELL = "severity_fell"  # less severe: the next reminder will say so
    EXPLAINED = "explained"  # told in the message of the incident that it is part of
    NO_RECIPIENT = "no_recipient"  # the receiver reaches nobody: it asks for an owner that has no contact


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A transition that was not told, and why."""

    identity: Identity
    reason: Suppression


@dataclass(frozen=True, slots=True)
class Thread:
    """What was said of an alert in one thread. ``told_at`` is the instant of the last message that was delivered, None before the first;
    ``queued`` tells that one is on its way."""

    id: str
    told_at: datetime | None = None
    queued: bool = False


Told = Mapping[str, Sequence[Thread]]
"""Fingerprint -> the threads of the alert's present episode, oldest first."""


@dataclass(frozen=True, slots=True, order=True)
class Recipient:
    """One address on one channel (a console's is ``console``), and the language it reads."""

    channel: str
    address: str
    language: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One message to be rendered: what to tell, to whom.

    ``labels`` are the group's common labels. ``thread`` is the same for all messages about one group for as long as any of
    its alerts fires: it is named for the group (route, receiver, labels) and for the alert that founded it, the one that had fired
    longest when the group was first told of; alerts that join later, or outlive the founder, stay in its thread. ``first`` tells that the
    thread is new. ``id`` is the same whenever the same transitions are told at the same instant in the same thread.
    """

    id: str
    thread: str
    route: Route
    labels: Mapping[str, str]
    recipients: tuple[Recipient, ...]
    transitions: tuple[Transition, ...]
    at: datetime
    first: bool


def labels_of(alert: Alert, rule: RuleInfo) -> dict[str, str]:
    """What matchers and ``group_by`` see: the rule's own labels, the key columns by name, and the built-in labels, which win."""
    key = dict(zip(rule.key, alert.identity.key, strict=False))
    built_in = {
        "alert": rule.name,
        "severity": alert.severity.value,
        "owner": rule.owner,
        "area": rule.area,
        "store_id": alert.store_id,
    }
    return {**rule.labels, **key, **built_in}


def plan(
    transitions: Iterable[Transition],
    alerts: Mapping[Identity, Alert],
    rules: Mapping[str, RuleInfo],
    channels: Channels,
    at: datetime,
    told: Told,
) -> tuple[tuple[Plan, ...], tuple[Suppressed, ...]]:
    """The messages to send for an evaluation at ``at``, and the transitions that nobody is told.

    ``alerts`` are the states after the evaluation; with ``told``, what was said before it, they decide which thread a message belongs to.
    Where several routes would tell one recipient the same, only the first does.
    """
    suppressed: list[Suppressed] = []
    groups: dict[str, _Group] = {}
    for transition in transitions:
        reason = suppression(transition, told)
        if reason:
            suppressed.append(Suppressed(transition.alert.identity, reason))
        else:
            _add(groups, transition, rules, channels, told, at)
    _add_members(groups, alerts, rules, channels)
    plans = [group.plan(channels, at, told) for group in groups.values()]
    silent = {transition.alert.identity for plan in plans if not plan.recipients for transition in plan.transitions}
    suppressed += [Suppressed(identity, Suppression.NO_RECIPIENT) for identity in sorted(silent)]
    return tuple(plan for plan in _once_each(plans) if plan.recipients), tuple(suppressed)


def _once_each(plans: Iterable[Plan]) -> Iterator[Plan]:
    """The plans without recipients whom an earlier plan tells all of it."""
    heard: defaultdict[tuple[str, str], set[Transition]] = defaultdict(set)
    for each in plans:
        moves = set(each.transitions)
        new = tuple(recipient for recipient in each.recipients if not moves <= heard[recipient.channel, recipient.address])
        for recipient in new:
            heard[recipient.channel, recipient.address] |= moves
        yield replace(each, recipients=new)


def suppression(transition: Transition, told: Told) -> Suppression | None:
    """Why this transition is nobody's business; None when it should be told. The end of an alert that was told of before an incident
    explained it is told, too."""
    alert = transition.alert
    if alert.explained_by and not (transition.after is State.RESOLVED and told.get(alert.identity.fingerprint)):
        return Suppression.EXPLAINED
    if transition.reason is Reason.WAITING:
        return Suppression.STILL_PENDING
    if transition.before is State.PENDING and transition.after is State.RESOLVED:
        return Suppression.NEVER_FIRED
    if transition.reason is Reason.KEEP_FIRING:
        return Suppression.KEPT_FIRING
    return Suppression.SEVERITY_FELL if transition.reason is Reason.SEVERITY_FELL else None


def due_repeats(
    alerts: Mapping[Identity, Alert], rules: Mapping[str, RuleInfo], channels: Channels, at: datetime, told: Told
) -> tuple[Transition, ...]:
    """Reminders that are due at ``at`` on at least one route, as transitions for :func:`plan`.

    A reminder is due when the alert fires, is not acknowledged, no incident tells of it, nothing about it is queued on that route, and its
    last delivered message there (or its firing, when none was delivered) is at least the route's ``repeat_interval`` ago.
    """
    return tuple(
        Transition(alert, State.FIRING, State.FIRING, Reason.REPEAT_DUE, at)
        for alert in sorted(alerts.values(), key=lambda alert: alert.identity)
        if alert.identity.rule in rules and any(_repeat_due(alert, rules[alert.identity.rule], channels, at, told))
    )


def _repeat_due(alert: Alert, rule: RuleInfo, channels: Channels, at: datetime, told: Told) -> Iterator[bool]:
    """For each route of a firing alert, whether its reminder is due there."""
    if alert.state is State.FIRING and not alert.acknowledged_by and not alert.explained_by:
        labels = labels_of(alert, rule)
        for route in routes_for(labels, channels):
            yield _is_due(alert, route, _group_key(route, labels), at, told)


def _is_due(alert: Alert, route: Route, group: str, at: datetime, told: Told) -> bool:
    threads = _threads(alert, group, told)
    if any(thread.queued for thread in threads):
        return False
    last = max((thread.told_at for thread in threads if thread.told_at), default=alert.firing_since)
    return last is not None and at - last >= route.repeat_interval


def _threads(alert: Alert, group: str, told: Told) -> list[Thread]:
    return [thread for thread in told.get(alert.identity.fingerprint, ()) if thread.id.startswith(f"{group}.")]


@dataclass(slots=True)
class _Group:
    """A message in the making: transitions that share a route and the values of its ``group_by`` labels."""

    route: Route
    labels: Mapping[str, str]
    owners: set[str]
    transitions: list[Transition]
    members: dict[Identity, Alert]

    @property
    def key(self) -> str:
        return _group_key(self.route, self.labels)

    def plan(self, channels: Channels, at: datetime, told: Told) -> Plan:
        thread, first = self._thread(told)
        known = [f"{t.alert.identity.fingerprint}.{t.alert.episode}.{t.reason}" for t in self.transitions]
        identifier = _digest(thread, at.isoformat(), *sorted(known))
        recipients = _recipients(channels.receivers[self.route.receiver], self.owners, channels)
        return Plan(identifier, thread, self.route, self.labels, recipients, tuple(self.transitions), at, first)

    def _thread(self, told: Told) -> tuple[str, bool]:
        """The thread in which the longest-firing member was told of, else a new one, founded by that member."""
        by_age = sorted(self.members.values(), key=lambda alert: (alert.firing_since or alert.pending_since, alert.identity.fingerprint))
        for alert in by_age:
            for thread in _threads(alert, self.key, told):
                return thread.id, False
        founder = by_age[0]
        return f"{self.key}.{founder.identity.fingerprint}.{founder.episode}", True


def _add(
    groups: dict[str, _Group], transition: Transition, rules: Mapping[str, RuleInfo], channels: Channels, told: Told, at: datetime
) -> None:
    alert = transition.alert
    rule = _rule(alert, rules)
    labels = labels_of(alert, rule)
    for route in _routes(transition, labels, channels, told):
        key = _group_key(route, labels)
        if transition.reason is Reason.REPEAT_DUE and not _is_due(alert, route, key, at, told):
            continue
        common = {name: labels.get(name, "") for name in route.group_by}
        group = groups.setdefault(key, _Group(route, common, set(), [], {}))
        group.owners |= {rule.owner, *_owners_of_members(alert, rules)}
        group.transitions.append(transition)
        group.members[alert.identity] = alert


def _owners_of_members(alert: Alert, rules: Mapping[str, RuleInfo]) -> Iterator[str]:
    """Whose alerts are told only in this incident's message: they hear of it, too."""
    return (rules[member.identity.rule].owner for member in alert.members if member.explained and member.identity.rule in rules)


def _routes(transition: Transition, labels: Mapping[str, str], channels: Channels, told: Told) -> tuple[Route, ...]:
    """The end of an alert is told to those who were told that it fires, though its severity may have changed or its rule be gone."""
    if transition.after is State.RESOLVED:
        heard = tuple(route for route in all_routes(channels) if _threads(transition.alert, _group_key(route, labels), told))
        if heard:
            return heard
    return routes_for(labels, channels)


def _add_members(groups: dict[str, _Group], alerts: Mapping[Identity, Alert], rules: Mapping[str, RuleInfo], channels: Channels) -> None:
    """Tell the groups which alerts, though silent now, are firing in them."""
    for alert in alerts.values() if groups else ():
        if alert.state is State.FIRING:
            labels = labels_of(alert, _rule(alert, rules))
            for route in routes_for(labels, channels):
                group = groups.get(_group_key(route, labels))
                if group:
                    group.members[alert.identity] = alert


def _rule(alert: Alert, rules: Mapping[str, RuleInfo]) -> RuleInfo:
    name = alert.identity.rule
    return rules.get(name) or RuleInfo(name, Text.same(name), alert.severity, alert.owner)


def _recipients(receivers: Iterable[Receiver], owners: Iterable[str], channels: Channels) -> tuple[Recipient, ...]:
    """Each address once a channel, in the order of the file."""
    found: dict[tuple[str, str], Recipient] = {}
    for receiver in receivers:
        for address, language in _addresses(receiver, owners, channels):
            chosen = receiver.language or language or channels.language
            found.setdefault((receiver.channel, address), Recipient(receiver.channel, address, chosen))
    return tuple(found.values())


def _addresses(receiver: Receiver, owners: Iterable[str], channels: Channels) -> Iterator[tuple[str, str | None]]:
    if one := channels.channels[receiver.channel].ONE_ADDRESS:
        yield one, None
        return
    for target in receiver.to:
        if target != OWNER:
            yield target, None
            continue
        for contact in (channels.contacts[owner] for owner in sorted(owners) if owner in channels.contacts):
            yield from ((address, contact.language) for address in contact.email)


def _group_key(route: Route, labels: Mapping[str, str]) -> str:
    values = [f"{name}={labels.get(name, '')}" for name in route.group_by]
    return _digest(route.name, route.receiver, *values)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode(errors="surrogatepass")).hexdigest()[:20]
