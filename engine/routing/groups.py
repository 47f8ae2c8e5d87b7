"""Groups: alerts of one route whose ``group_by`` labels agree, the threads in which they are told, and whom."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from engine.errors import Text
from engine.model import Alert, Identity, RuleInfo, Severity, State
from engine.routing.addressing import addresses
from engine.routing.channels import Channels, Receiver
from engine.routing.coalescing import Change
from engine.routing.decisions import Plan, Recipient, Thread, Told
from engine.routing.tree import Route, Same, routes_for

KEPT = 1 << 15
"""Places that are kept, about twenty megabytes of them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an alert belongs: its labels, and the routes that take it, each with the key of its group there."""

    labels: Mapping[str, str]
    groups: tuple[tuple[Route, str], ...]


@dataclass(frozen=True, slots=True)
class Places:
    """The places of alerts, which are asked for many times and change only with an alert's severity and store."""

    rules: Mapping[str, RuleInfo]
    channels: Channels
    _kept: dict[Identity, tuple[Severity, str, Place]] = field(default_factory=dict)

    def of(self, alert: Alert) -> Place:
        severity, store_id, place = self._kept.get(alert.identity) or NOWHERE
        if severity is alert.severity and store_id == alert.store_id:
            return place
        labels = labels_of(alert, rule_of(alert, self.rules))
        place = Place(labels, tuple((route, group_key(route, labels)) for route in routes_for(labels, self.channels)))
        if alert.identity.rule in self.rules:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[alert.identity] = alert.severity, alert.store_id, place
        return place


NOWHERE = None, "", Place({}, ())


def places(rules: Mapping[str, RuleInfo], channels: Channels) -> Places:
    """The same for the very same rules and channels."""
    return _places(Same(rules), Same(channels))


@lru_cache(maxsize=2)
def _places(rules: Same[Mapping[str, RuleInfo]], channels: Same[Channels]) -> Places:
    return Places(rules.it, channels.it)


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


def rule_of(alert: Alert, rules: Mapping[str, RuleInfo]) -> RuleInfo:
    """The alert's rule; of one that is gone, what its name and its last owner tell."""
    name = alert.identity.rule
    return rules.get(name) or RuleInfo(name, Text.same(name), alert.severity, alert.owner)


def group_key(route: Route, labels: Mapping[str, str]) -> str:
    values = [f"{name}={labels.get(name, '')}" for name in route.group_by]
    return _known_digest(route.name, route.receiver, *values)


def digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode(errors="surrogatepass")).hexdigest()[:20]


_known_digest = lru_cache(maxsize=1 << 16)(digest)
"""For what is asked of the same groups again and again."""


def threads_in(alert: Alert, group: str, told: Told) -> list[Thread]:
    """The threads of one group in which the alert's present episode was told."""
    return [thread for thread in told.get(alert.identity.fingerprint, ()) if thread.id.startswith(f"{group}.")]


@dataclass(slots=True)
class Group:
    """A message in the making: changes that share a route and the values of its ``group_by`` labels. ``members`` fire in the group."""

    route: Route
    labels: Mapping[str, str]
    owners: set[str] = field(default_factory=set)
    changes: list[Change] = field(default_factory=list)
    members: dict[Identity, Alert] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return group_key(self.route, self.labels)

    @property
    def since(self) -> datetime:
        """The instant from which the group has been waiting."""
        return min(change.since for change in self.changes)

    def add(self, change: Change, rules: Mapping[str, RuleInfo]) -> None:
        alert = change.transition.alert
        self.owners |= {rule_of(alert, rules).owner, *_owners_of_members(alert, rules)}
        self.changes.append(change)
        self.members[alert.identity] = alert

    def plan(self, channels: Channels, at: datetime, told: Told) -> Plan:
        thread, first = self.thread(told) if self.route.digest is None else (f"{self.key}.{at.isoformat()}", True)
        transitions = tuple(change.transition for change in self.changes)
        known = [f"{moved.alert.identity.fingerprint}.{moved.alert.episode}.{moved.reason}" for moved in transitions]
        identifier = digest(thread, at.isoformat(), *sorted(known))
        people = recipients(channels.receivers[self.route.receiver], self.owners, channels, at)
        return Plan(identifier, thread, self.route, self.labels, people, transitions, at, first)

    def thread(self, told: Told) -> tuple[str, bool]:
        """The thread in which the longest-firing member was told of, else a new one, founded by that member."""
        by_age = sorted(self.members.values(), key=lambda alert: (alert.firing_since or alert.pending_since, alert.identity.fingerprint))
        for alert in by_age:
            for thread in threads_in(alert, self.key, told):
                return thread.id, False
        founder = by_age[0]
        return f"{self.key}.{founder.identity.fingerprint}.{founder.episode}", True


def add_members(groups: Mapping[str, Group], alerts: Mapping[Identity, Alert], rules: Mapping[str, RuleInfo], channels: Channels) -> None:
    """Tell the groups which alerts, though silent now, are firing in them."""
    known = places(rules, channels)
    for alert in alerts.values() if groups else ():
        if alert.state is State.FIRING:
            for _, key in known.of(alert).groups:
                group = groups.get(key)
                if group:
                    group.members[alert.identity] = alert


def _owners_of_members(alert: Alert, rules: Mapping[str, RuleInfo]) -> Iterator[str]:
    """Whose alerts are told only in this incident's message: they hear of it, too."""
    return (rules[member.identity.rule].owner for member in alert.members if member.explained and member.identity.rule in rules)


def recipients(receivers: Iterable[Receiver], owners: Iterable[str], channels: Channels, at: datetime) -> tuple[Recipient, ...]:
    """Whom receivers reach at ``at``: each address once a channel, in the order of the file."""
    found: dict[tuple[str, str], Recipient] = {}
    for receiver in receivers:
        for address, language in addresses(receiver, owners, channels, at):
            chosen = receiver.language or language or channels.language
            found.setdefault((receiver.channel, address), Recipient(receiver.channel, address, chosen))
    return tuple(found.values())
