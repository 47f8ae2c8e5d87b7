"""Reminders: which firing alerts are to be mentioned again, and when the next one will be. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from engine.model import Alert, Identity, Reason, RuleInfo, State, Transition
from engine.routing.channels import Channels
from engine.routing.decisions import Held, Told
from engine.routing.groups import Places, places, threads_in
from engine.routing.holding import free_from
from engine.routing.silences import Silence
from engine.routing.tree import Route


def due_repeats(
    alerts: Mapping[Identity, Alert],
    rules: Mapping[str, RuleInfo],
    channels: Channels,
    at: datetime,
    told: Told,
    held: Collection[Held] = (),
    silences: Collection[Silence] = (),
) -> tuple[Transition, ...]:
    """Reminders that are due at ``at`` on at least one route, as transitions for :func:`engine.routing.decide`.

    A reminder is due when the alert fires, is not acknowledged, no incident tells of it, nothing about it is queued or held on that route,
    its last delivered message there (or its firing, when none was delivered) is at least the route's ``repeat_interval`` ago, and the
    alert is not silenced nor the route muted. Where a route collects, it is due when the next digest leaves.
    """
    reminders = Reminders(rules, channels, told, held_in(held), silences)
    return tuple(
        Transition(alert, State.FIRING, State.FIRING, Reason.REPEAT_DUE, at)
        for alert in sorted(alerts.values(), key=lambda alert: alert.identity)
        if any(due is not None and due <= at for due in reminders.of(alert))
    )


def held_in(held: Collection[Held]) -> frozenset[tuple[Identity, str]]:
    """Which alerts are held in which groups."""
    return frozenset((one.identity, one.group) for one in held)


@dataclass(frozen=True)
class Reminders:
    """When alerts are due to be mentioned again, given what was told and what is held."""

    rules: Mapping[str, RuleInfo]
    channels: Channels
    told: Told
    held: frozenset[tuple[Identity, str]] = frozenset()
    silences: Collection[Silence] = ()

    @cached_property
    def _places(self) -> Places:
        return places(self.rules, self.channels)

    def of(self, alert: Alert) -> Iterator[datetime | None]:
        """For each route of the alert that is to be reminded of it, from when on; None while something is queued or held there."""
        for route, group in self._groups(alert):
            yield self.due(alert, route, group)

    def expected(self, alert: Alert, at: datetime) -> Iterator[datetime]:
        """As :meth:`of`, were what is queued delivered at ``at``."""
        for route, group in self._groups(alert):
            if (alert.identity, group) not in self.held:
                yield self.due(alert, route, group) or at + route.repeat_interval

    def _groups(self, alert: Alert) -> Iterator[tuple[Route, str]]:
        if alert.state is not State.FIRING or alert.acknowledged_by or alert.explained_by or alert.identity.rule not in self.rules:
            return
        yield from self._places.of(alert).groups

    def due(self, alert: Alert, route: Route, group: str) -> datetime | None:
        """From when on the group is due to be reminded of the alert; None while something about it is queued or held there."""
        threads = threads_in(alert, group, self.told)
        if any(thread.queued for thread in threads) or (alert.identity, group) in self.held:
            return None
        last = max((thread.told_at for thread in threads if thread.told_at), default=alert.firing_since)
        if last is None:
            return None
        labels = self._places.of(alert).labels
        return free_from(route, self.channels, labels, self.silences, last + route.repeat_interval)
