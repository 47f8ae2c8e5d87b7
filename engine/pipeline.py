"""One round, wired: facts are matched, matches move alerts, transitions are routed and rendered, and all of it is stored at once.

Reads like the picture in DESIGN section 1. It decides nothing itself; sending is :mod:`engine.outbox`'s, after the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.actions import compose
from engine.errors import Text
from engine.lifecycle import changed, step
from engine.matching.evaluate import Matcher
from engine.matching.trends import trend
from engine.model import Alert, Identity, Item, Message, Notification, RuleInfo, RuleResult, State, Transition, Trend
from engine.project import Project
from engine.routing import Plan, Suppressed, due_repeats, plan
from engine.rules import AlertRule
from engine.snapshots import Snapshots
from engine.staleness import STALE_DATA, judge_staleness
from engine.state import Evaluation
from engine.state import State as Database

TREND_POINTS = 14
TRENDS_A_MESSAGE = 5


@dataclass(frozen=True)
class Round:
    """What a round did. ``claimed`` is False when its (schedule, instant) had been evaluated before: then nothing was done."""

    at: datetime
    claimed: bool
    results: Mapping[str, RuleResult]
    transitions: tuple[Transition, ...]
    suppressed: tuple[Suppressed, ...]
    notifications: tuple[Notification, ...]

    @property
    def failed(self) -> tuple[RuleResult, ...]:
        return tuple(result for result in self.results.values() if result.error)


def run_round(
    project: Project,
    matcher: Matcher,
    snapshots: Snapshots,
    state: Database,
    at: datetime,
    *,
    schedule: str,
    rules: Sequence[AlertRule],
    clock: Callable[[], datetime],
) -> Round:
    """Evaluate ``rules`` at ``at`` and store what came of it in one transaction. ``clock`` only dates the record of the run.

    An instant that was evaluated before under the same ``schedule`` stores nothing, and the round says so (``claimed``).
    Raises :class:`~engine.errors.StateError` or :class:`~engine.errors.SnapshotError`; a rule that fails is reported in its result.
    """
    started = clock()
    infos = {**project.infos, STALE_DATA.name: STALE_DATA}
    before = state.alerts()
    results = _match(project, matcher, snapshots, at, rules, before)
    before |= state.resolved(candidate.identity for result in results.values() for candidate in result.candidates)
    after, transitions = step(before, results.values(), infos, at)
    told = state.told()
    repeats = due_repeats(_unmoved(after, transitions), infos, project.channels, at, told)
    plans, suppressed = plan((*transitions, *repeats), after, infos, project.channels, at, told)
    notifications = tuple(_Desk(project, matcher, snapshots, state, infos, at).notifications(plans))
    claimed = state.commit(
        Evaluation(
            schedule,
            at,
            started,
            clock(),
            tuple(results.values()),
            changed(before, after),
            (*transitions, *repeats),
            notifications,
            suppressed,
        )
    )
    return Round(at, claimed, results, (*transitions, *repeats), suppressed, notifications)


def _match(
    project: Project, matcher: Matcher, snapshots: Snapshots, at: datetime, rules: Sequence[AlertRule], alerts: Iterable[Identity]
) -> dict[str, RuleResult]:
    active: dict[str, set[Identity]] = {}
    for identity in alerts:
        active.setdefault(identity.rule, set()).add(identity)
    asked = {rule: frozenset(identities) for rule, identities in active.items()}
    results = matcher.evaluate(rules, snapshots, at, asked)
    results[STALE_DATA.name] = judge_staleness(snapshots, project.facts.schemas, project.facts.expected, at)
    return results


def _unmoved(alerts: Mapping[Identity, Alert], transitions: Iterable[Transition]) -> dict[Identity, Alert]:
    """Alerts that nothing happened to: only they can be due for a reminder."""
    moved = {transition.alert.identity for transition in transitions}
    return {identity: alert for identity, alert in alerts.items() if identity not in moved}


@dataclass(frozen=True, slots=True)
class _Desk:
    """Makes notifications of plans: gathers what a message shows, renders it in each language, addresses it."""

    project: Project
    matcher: Matcher
    snapshots: Snapshots
    state: Database
    infos: Mapping[str, RuleInfo]
    at: datetime

    def notifications(self, plans: Iterable[Plan]) -> Iterable[Notification]:
        plans = tuple(plans)
        trends = self._trends(plans)
        names = self.snapshots.store_names({t.alert.store_id for p in plans for t in p.transitions}, self.at)
        for each in plans:
            message = self._message(each, trends, names)
            rendered = {language: self.project.renderer.render(message, language) for language in {r.language for r in each.recipients}}
            for recipient in each.recipients:
                channel = self.project.channels.channels[recipient.channel]
                started = self.state.thread_started(each.thread, recipient.address)
                yield compose(channel, message, rendered[recipient.language], recipient, answers=started)

    def _message(self, each: Plan, trends: Mapping[Identity, Trend], names: Mapping[str, str]) -> Message:
        items = tuple(
            Item(moved, self._info(moved.alert), names.get(moved.alert.store_id, ""), trends.get(moved.alert.identity))
            for moved in each.transitions
        )
        return Message(each.id, each.thread, items, each.labels, self.at, self.project.facts.time_zone, each.first)

    def _info(self, alert: Alert) -> RuleInfo:
        """The alert's rule; of a rule that is gone, what its name tells."""
        name = alert.identity.rule
        return self.infos.get(name) or RuleInfo(name, Text.same(name), alert.severity)

    def _trends(self, plans: Iterable[Plan]) -> dict[Identity, Trend]:
        """Trends of the first few firing alerts of each message, asked for once a rule."""
        wanted: dict[str, set[tuple[str, ...]]] = {}
        for each in plans:
            for moved in [t for t in each.transitions if t.after is State.FIRING][:TRENDS_A_MESSAGE]:
                wanted.setdefault(moved.alert.identity.rule, set()).add(moved.alert.identity.key)
        found: dict[Identity, Trend] = {}
        facts = self.project.facts
        for rule in self.project.rules:
            if rule.trend and rule.name in wanted:
                keys = wanted[rule.name]
                series = trend(
                    rule.trend, rule.kind, keys, self.snapshots, facts.schemas, self.at, facts.time_zone, TREND_POINTS, self.matcher
                )
                found |= {Identity(rule.name, key): one for key, one in series.items()}
        return found
