"""Which transitions are told to whom, in which thread, which wait, and why the others are not told. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from engine.model import Alert, Identity, Reason, RuleInfo, State, Transition
from engine.routing.channels import Channels
from engine.routing.coalescing import Change, coalesced
from engine.routing.decisions import Decisions, Held, Hold, Plan, Suppressed, Suppression, Told
from engine.routing.escalations import Escalations
from engine.routing.groups import Group, add_members, group_key, places, threads_in
from engine.routing.holding import Wait, is_muted, wait_of
from engine.routing.repeats import Reminders
from engine.routing.silences import Silence, silenced_until
from engine.routing.tree import Route, all_routes


def decide(
    transitions: Iterable[Transition],
    alerts: Mapping[Identity, Alert],
    rules: Mapping[str, RuleInfo],
    channels: Channels,
    at: datetime,
    told: Told,
    held: Collection[Held] = (),
    silences: Collection[Silence] = (),
) -> Decisions:
    """What becomes of new transitions, and of those that were held until now, at ``at``.

    ``alerts`` are the states after the evaluation, those of held alerts among them; with ``told``, what was said before it, they decide
    which thread a message belongs to. Of several changes of one alert that a group was not told, at most one is told, with the present
    values. Where several routes would tell one recipient the same, only the first does.
    """
    desk = _Desk(alerts, rules, channels, at, told, silences)
    desk.resume(held, transitions := tuple(transitions))
    for transition in transitions:
        desk.receive(transition)
    groups = desk.groups()
    add_members(groups, alerts, rules, channels)
    waits = {key: wait_of(group.route, channels, group.since, at, is_new=group.thread(told)[1]) for key, group in groups.items()}
    for key, group in groups.items():
        if group.route.digest and waits[key] is None:
            desk.add_ongoing(group)
    plans = [group.plan(channels, at, told) for key, group in groups.items() if waits[key] is None]
    still = (*desk.silenced, *(one for key, group in groups.items() if (wait := waits[key]) for one in _all_held(group, wait)))
    told_now, nobody = addressed(plans)
    return Decisions(told_now, (*desk.suppressed, *nobody), still)


def plan(
    transitions: Iterable[Transition],
    alerts: Mapping[Identity, Alert],
    rules: Mapping[str, RuleInfo],
    channels: Channels,
    at: datetime,
    told: Told,
) -> tuple[tuple[Plan, ...], tuple[Suppressed, ...]]:
    """As :func:`decide`, were nothing to wait: all messages, and the transitions that nobody is ever told."""
    desk = _Desk(alerts, rules, channels, at, told)
    for transition in transitions:
        desk.receive(transition)
    groups = desk.groups()
    add_members(groups, alerts, rules, channels)
    plans, nobody = addressed([group.plan(channels, at, told) for group in groups.values()])
    return plans, (*desk.suppressed, *nobody)


def addressed(plans: Iterable[Plan]) -> tuple[tuple[Plan, ...], tuple[Suppressed, ...]]:
    """The plans that reach anybody, each recipient told the same only once; and the transitions of those that reach nobody."""
    plans = tuple(plans)
    silent = {(moved.alert.identity, each.route.name) for each in plans if not each.recipients for moved in each.transitions}
    nobody = tuple(Suppressed(identity, Suppression.NO_RECIPIENT, route) for identity, route in sorted(silent))
    return tuple(each for each in _once_each(plans) if each.recipients), nobody


def _once_each(plans: Iterable[Plan]) -> Iterator[Plan]:
    """The plans without recipients whom an earlier plan tells all of it."""
    heard: defaultdict[tuple[str, str], set[object]] = defaultdict(set)
    for each in plans:
        moves = {(moved.alert.identity, moved.before, moved.after, moved.reason, moved.at) for moved in each.transitions}
        new = tuple(recipient for recipient in each.recipients if not moves <= heard[recipient.channel, recipient.address])
        for recipient in new:
            heard[recipient.channel, recipient.address] |= moves
        yield each if new == each.recipients else replace(each, recipients=new)


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


def _all_held(group: Group, wait: Wait) -> Iterator[Held]:
    return (_held(change, group.key, group.route, wait) for change in group.changes)


def _held(change: Change, group: str, route: Route, wait: Wait) -> Held:
    moved, alert = change.transition, change.transition.alert
    return Held(
        alert.identity,
        alert.episode,
        group,
        route.name,
        moved.before,
        moved.after,
        moved.reason,
        moved.at,
        wait.hold,
        change.since,
        wait.until,
        change.owed,
    )


@dataclass
class _Desk:
    """Sorts changes by alert and group."""

    alerts: Mapping[Identity, Alert]
    rules: Mapping[str, RuleInfo]
    channels: Channels
    at: datetime
    told: Told
    silences: Collection[Silence] = ()
    silenced: list[Held] = field(default_factory=list)
    suppressed: list[Suppressed] = field(default_factory=list)
    changes: defaultdict[tuple[Identity, str], list[Change]] = field(default_factory=lambda: defaultdict(list))
    routes: dict[str, tuple[Route, Mapping[str, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._places = places(self.rules, self.channels)
        self._reminders = Reminders(self.rules, self.channels, self.told, silences=self.silences)
        self._escalations = Escalations(self.rules, self.channels, self.told, self.silences)

    def resume(self, held: Iterable[Held], transitions: Iterable[Transition]) -> None:
        """Take up what was held, each as its alert is now; ``transitions`` are those that will be received after it."""
        moving = {transition.alert.identity for transition in transitions}
        astray: list[tuple[Change, str]] = []
        for one in sorted(held, key=lambda one: (one.since, one.at, one.identity)):
            transition = self._resumed(one)
            stale = transition is None or (one.identity not in moving and transition.alert.state is not one.after)
            reason = Suppression.OVER_BEFORE_TOLD if stale or transition is None else suppression(transition, self.told)
            if reason or transition is None:
                self._drop(one.identity, reason or Suppression.OVER_BEFORE_TOLD, one.route)
                continue
            change = Change(transition, one.since, one.owed)
            route = self._route_of(transition, one.group)
            if route is None:
                astray.append((change, one.route))
            else:
                self._put(route, one.group, change)
        for change, route_name in astray:
            self._reroute(change, route_name)

    def receive(self, transition: Transition) -> None:
        reason = suppression(transition, self.told)
        if reason:
            self._drop(transition.alert.identity, reason)
            return
        if transition.reason is Reason.ESCALATED:
            steps = self._escalations.of(transition.alert)
            due_now = [step for step, due in steps if due <= self.at and not is_muted(step, self.channels, self.at)]
            for step in due_now:
                self._put(step, group_key(step, self._places.of(transition.alert).labels), Change(transition, self.at))
            return
        for route, key in self._groups(transition):
            since = self._reminders.due(transition.alert, route, key) if transition.reason is Reason.REPEAT_DUE else self.at
            if since is not None and since <= self.at:
                self._put(route, key, Change(transition, since))

    def groups(self) -> dict[str, Group]:
        """The groups that have something to tell."""
        found: dict[str, Group] = {}
        for (identity, key), changes in self.changes.items():
            heard = bool(threads_in(changes[-1].transition.alert, key, self.told))
            route, labels = self.routes[key]
            change, reasons = coalesced(changes, heard=heard)
            for reason in reasons:
                self._drop(identity, reason, route.name)
            if change is None:
                continue
            quiet = silenced_until(self._places.of(change.transition.alert).labels, self.silences, self.at)
            if quiet > self.at:
                self.silenced.append(_held(change, key, route, Wait(Hold.SILENCED, quiet)))
            else:
                common = {name: labels.get(name, "") for name in route.group_by}
                found.setdefault(key, Group(route, common)).add(change, self.rules)
        return found

    def add_ongoing(self, group: Group) -> None:
        """A digest tells of all that goes on, unless somebody asked for silence or an incident tells of it."""
        moved = {change.transition.alert.identity for change in group.changes} | {one.identity for one in self.silenced}
        for alert in sorted(group.members.values(), key=lambda alert: alert.identity):
            quiet = silenced_until(self._places.of(alert).labels, self.silences, self.at) > self.at
            if alert.state is State.FIRING and alert.identity not in moved and not alert.explained_by and not quiet:
                goes_on = Transition(alert, State.FIRING, State.FIRING, Reason.REPEAT_DUE, self.at)
                group.add(Change(goes_on, self.at), self.rules)

    def _drop(self, identity: Identity, reason: Suppression, route: str = "") -> None:
        self.suppressed.append(Suppressed(identity, reason, route))

    def _put(self, route: Route, key: str, change: Change) -> None:
        alert = change.transition.alert
        self.routes.setdefault(key, (route, self._places.of(alert).labels))
        self.changes[alert.identity, key].append(change)

    def _resumed(self, one: Held) -> Transition | None:
        """The held transition of its alert as it is now. None when nobody knows of the alert any more."""
        alert = self.alerts.get(one.identity)
        if alert is None:
            return None
        if one.after is State.RESOLVED:
            alert = replace(alert, state=State.RESOLVED, episode=one.episode)
        return Transition(alert, one.before, one.after, one.reason, one.at)

    def _route_of(self, transition: Transition, group: str) -> Route | None:
        """The route of the group, if it still takes the alert; an end is for whoever was to hear of it."""
        groups = self._everywhere(transition.alert) if transition.after is State.RESOLVED else self._places.of(transition.alert).groups
        return next((route for route, key in groups if key == group), None)

    def _reroute(self, change: Change, route_name: str) -> None:
        """The alert's labels, or the file, are not what they were: whoever is responsible now is told, unless they know."""
        alert = change.transition.alert
        self._drop(alert.identity, Suppression.REROUTED, route_name)
        for route, key in self._places.of(alert).groups if change.transition.after is State.FIRING else ():
            if not threads_in(alert, key, self.told) and (alert.identity, key) not in self.changes:
                self._put(route, key, change)

    def _groups(self, transition: Transition) -> tuple[tuple[Route, str], ...]:
        """The end of an alert is told to those who were (or still wait to be) told that it fires, though its severity may have changed or
        its rule be gone."""
        alert = transition.alert
        if transition.after is State.RESOLVED:
            everywhere = self._everywhere(alert)
            heard = [
                (route, key) for route, key in everywhere if threads_in(alert, key, self.told) or (alert.identity, key) in self.changes
            ]
            if heard:
                return tuple(heard)
        return self._places.of(alert).groups

    def _everywhere(self, alert: Alert) -> list[tuple[Route, str]]:
        """Every route, whether it takes the alert or not, with the key of the alert's group there."""
        labels = self._places.of(alert).labels
        return [(route, group_key(route, labels)) for route in all_routes(self.channels)]
