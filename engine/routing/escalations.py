"""Escalations: who is told next when nobody acknowledges an alert. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from engine.model import Alert, Identity, Reason, RuleInfo, State, Transition
from engine.routing.channels import Channels
from engine.routing.decisions import Told
from engine.routing.groups import Places, group_key, places, threads_in
from engine.routing.holding import free_from
from engine.routing.silences import Silence
from engine.routing.tree import Route, escalations_of


def due_escalations(
    alerts: Mapping[Identity, Alert],
    rules: Mapping[str, RuleInfo],
    channels: Channels,
    at: datetime,
    told: Told,
    silences: Collection[Silence] = (),
) -> tuple[Transition, ...]:
    """Alerts of which somebody else is to be told at ``at``, as transitions for :func:`engine.routing.decide`."""
    steps = Escalations(rules, channels, told, silences)
    return tuple(
        Transition(alert, State.FIRING, State.FIRING, Reason.ESCALATED, at)
        for alert in sorted(alerts.values(), key=lambda alert: alert.identity)
        if any(due <= at for _, due in steps.of(alert))
    )


@dataclass(frozen=True)
class Escalations:
    """The steps that are still to be taken, given what was told."""

    rules: Mapping[str, RuleInfo]
    channels: Channels
    told: Told
    silences: Collection[Silence] = ()

    @cached_property
    def _places(self) -> Places:
        return places(self.rules, self.channels)

    def of(self, alert: Alert) -> Iterator[tuple[Route, datetime]]:
        """The routes of the steps that were not taken, each with the instant from which it is due.

        The time of a step counts from the first message about the alert on the route that escalates. Nobody is told of an alert that is
        acknowledged, silenced, or told in an incident's message.
        """
        if alert.state is not State.FIRING or alert.acknowledged_by or alert.explained_by or alert.identity.rule not in self.rules:
            return
        place = self._places.of(alert)
        for route, group in place.groups:
            if not route.escalate:
                continue
            begun = min((each.begun for each in threads_in(alert, group, self.told) if each.begun), default=None)
            for after, step in escalations_of(route) if begun else ():
                if begun and not threads_in(alert, group_key(step, place.labels), self.told):
                    due = free_from(step, self.channels, place.labels, self.silences, begun + after)
                    if due is not None:
                        yield step, due
