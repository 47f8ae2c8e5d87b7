"""One round, wired: facts are matched, matches move alerts, transitions are routed and rendered, and all of it is stored at once.

Reads like the picture in DESIGN section 1. It decides nothing itself; sending is :mod:`engine.outbox`'s, after the commit.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.actions import compose
from engine.builtin import BUILT_IN, OWN, TOO_MANY_ALERTS, Operations, judge_amounts, judge_operations, judge_staleness
from engine.errors import EvaluationError, SnapshotError, Text
from engine.lifecycle import changed, fold, step
from engine.matching.evaluate import Matcher
from engine.matching.reads import kinds_read
from engine.matching.trends import shown_now, trend
from engine.model import Alert, Identity, Item, KindSchema, Message, Notification, RuleInfo, RuleResult, Shown, State, Transition, Trend
from engine.project import Project
from engine.reasoning.correlate import correlate
from engine.routing import Plan, Suppressed, around_trouble, due_repeats, plan
from engine.rules import AlertRule
from engine.snapshots import Snapshots
from engine.state import Evaluation, operations
from engine.state import State as Database

LOG = logging.getLogger(__name__)
Values = tuple[Shown, ...]
TREND_POINTS = 14
TRENDS_A_MESSAGE = 5
KNOWN_FOR = timedelta(days=30)
PRESENT = timedelta(minutes=15)
"""An evaluation of an instant that near says something of the present."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Data that never came: batches of ``kind``, for any store (``stores`` is None) or for some that report other kinds. ``rules`` read
    it in their conditions, and are unknown for these stores."""

    kind: str
    stores: tuple[str, ...] | None
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Round:
    """What a round did. ``claimed`` is False when its (schedule, instant) had been evaluated before: then nothing was done.

    ``rules`` are the alert rules that were evaluated; ``results`` are theirs, those of built-in rules and of incident rules. ``faults`` are
    templates' mistakes, with how many notifications are in the built-in plain text because of each.
    """

    at: datetime
    claimed: bool
    rules: tuple[str, ...]
    results: Mapping[str, RuleResult]
    transitions: tuple[Transition, ...]
    suppressed: tuple[Suppressed, ...]
    notifications: tuple[Notification, ...]
    missing: tuple[Missing, ...] = ()
    faults: Mapping[str, int] = field(default_factory=dict)

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
    infos = project.infos | BUILT_IN
    before = state.alerts()
    results = _match(project, matcher, snapshots, at, rules, before)
    results |= _own(project, operations(state, started), results.values(), before, at)
    before |= state.resolved(candidate.identity for result in results.values() for candidate in result.candidates)
    after, transitions = step(before, results.values(), infos, at)
    incidents = correlate(project.reasoning, after, infos, matcher, snapshots, at)
    ended = state.resolved(candidate.identity for result in incidents for candidate in result.candidates)
    before, results = before | ended, results | {result.rule: result for result in incidents}
    after, more = step(after | ended, incidents, infos, at)
    after, transitions = fold(after, (*transitions, *more), at)
    told = state.told()
    repeats = due_repeats(_unmoved(after, transitions), infos, project.channels, at, told)
    plans, suppressed = plan((*transitions, *repeats), after, infos, project.channels, at, told)
    plans = around_trouble(plans, project.channels)
    written = list(_Desk(project, matcher, snapshots, state, infos, _ages(results.values()), at).notifications(plans))
    notifications = tuple(notification for notification, _ in written)
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
    names = tuple(rule.name for rule in rules)
    missing = tuple(never_came(rules, snapshots, project.facts.schemas, at))
    faults = Counter(fault for _, fault in written if fault)
    return Round(at, claimed, names, results, (*transitions, *repeats), suppressed, notifications, missing, faults)


def never_came(rules: Sequence[AlertRule], snapshots: Snapshots, schemas: Mapping[str, KindSchema], at: datetime) -> Iterator[Missing]:
    """What the conditions of ``rules`` read and nobody ever ingested until ``at``, kind by kind.

    A store that reported some kind within the last 30 days, and never one that other stores do report, is told too. This is information,
    not an alert: platforms differ in what they export, so only the stores that facts.yaml calls ``expected`` are known to be late.
    """
    readers: defaultdict[str, list[str]] = defaultdict(list)
    for rule in rules:
        conditions = [node for node in (rule.where, rule.when, *(node for _, node in rule.severities)) if node]
        for kind in kinds_read(rule.kind, conditions, schemas):
            readers[kind].append(rule.name)
    ages = {kind: snapshots.ages(kind, at, schemas[kind].fresh_for) for kind in schemas}
    known = {age.store_id for listed in ages.values() for age in listed if age.age <= KNOWN_FOR} - {"*"}
    for kind in sorted(readers):
        reporting = {age.store_id for age in ages[kind]}
        if not reporting:
            yield Missing(kind, None, tuple(readers[kind]))
        elif "*" not in reporting and known - reporting:
            yield Missing(kind, tuple(sorted(known - reporting)), tuple(readers[kind]))


def _match(
    project: Project, matcher: Matcher, snapshots: Snapshots, at: datetime, rules: Sequence[AlertRule], alerts: Iterable[Identity]
) -> dict[str, RuleResult]:
    active: defaultdict[str, set[Identity]] = defaultdict(set)
    for identity in alerts:
        active[identity.rule].add(identity)
    asked = {rule: frozenset(identities) for rule, identities in active.items()}
    results = matcher.evaluate(rules, snapshots, at, asked)
    built_in = (
        judge_amounts(results.values(), {rule.name: rule.max_alerts for rule in rules}, active[TOO_MANY_ALERTS.name], at),
        judge_staleness(snapshots, project.facts.schemas, project.facts.expected, at),
    )
    return results | {result.rule: result for result in built_in}


def _own(
    project: Project, observed: Operations, results: Iterable[RuleResult], alerts: Iterable[Identity], at: datetime
) -> dict[str, RuleResult]:
    """What storewatch tells of itself. An instant that is long past, or to come, has nothing to do with how it fares now."""
    if abs(observed.at - at) > PRESENT:
        return {}
    own = {rule.name for rule in OWN}
    active = frozenset(identity for identity in alerts if identity.rule in own)
    return {result.rule: result for result in judge_operations(observed, results, project.infos.keys(), active, at)}


def _ages(results: Iterable[RuleResult]) -> dict[Identity, datetime]:
    """The instant of the batch behind each candidate."""
    return {candidate.identity: candidate.as_of for result in results for candidate in result.candidates}


def _unmoved(alerts: Mapping[Identity, Alert], transitions: Iterable[Transition]) -> dict[Identity, Alert]:
    """Alerts that nothing happened to: only they can be due for a reminder."""
    moved = {transition.alert.identity for transition in transitions}
    return {identity: alert for identity, alert in alerts.items() if identity not in moved}


@contextmanager
def _dispensable(what: str) -> Iterator[None]:
    """For what makes a message nicer: without it the message still goes out."""
    try:
        yield
    except (EvaluationError, SnapshotError) as error:
        LOG.warning("no %s: %s", what, error)


@dataclass(frozen=True, slots=True)
class _Desk:
    """Makes notifications of plans: gathers what a message shows, renders it in each language, addresses it."""

    project: Project
    matcher: Matcher
    snapshots: Snapshots
    state: Database
    infos: Mapping[str, RuleInfo]
    as_of: Mapping[Identity, datetime]
    at: datetime

    def notifications(self, plans: Iterable[Plan]) -> Iterator[tuple[Notification, str]]:
        """Each notification with the mistake of its template, empty where there is none."""
        plans = tuple(plans)
        trends, current = self._trends(plans), self._current(plans)
        names = self.snapshots.store_names({t.alert.store_id for p in plans for t in p.transitions}, self.at)
        for each in plans:
            message = self._message(each, trends, names, current)
            rendered = {language: self.project.renderer.render(message, language) for language in {r.language for r in each.recipients}}
            for recipient in each.recipients:
                channel = self.project.channels.channels[recipient.channel]
                started = self.state.thread_started(each.thread, recipient.address)
                content = rendered[recipient.language]
                yield compose(channel, message, content, recipient, answers=started), content.fault

    def _message(
        self, each: Plan, trends: Mapping[Identity, Trend], names: Mapping[str, str], current: Mapping[Identity, Values]
    ) -> Message:
        told = self._told(each.transitions)
        items = tuple(
            Item(
                moved,
                self._info(moved.alert),
                names.get(moved.alert.store_id, ""),
                trends.get(moved.alert.identity),
                current.get(moved.alert.identity, ()),
                self._told_before(moved),
                self.as_of.get(moved.alert.identity),
            )
            for moved in told
        )
        omitted = len(each.transitions) - len(told)
        return Message(each.id, each.thread, items, each.labels, self.at, self.project.facts.time_zone, each.first, omitted)

    def _told(self, transitions: Sequence[Transition]) -> list[Transition]:
        """The transitions that a message lists: the most severe, as many as the rule with the smallest ``max_alerts`` allows."""
        concerned = {moved.alert.identity.rule for moved in transitions}
        limit = min((most for rule, most in self.project.limits.items() if rule in concerned), default=len(transitions))
        return sorted(transitions, key=lambda moved: -moved.alert.severity.rank)[:limit]

    def _told_before(self, moved: Transition) -> Values:
        """What the last message about a firing alert showed."""
        if moved.before is not State.FIRING:
            return ()
        told = [event for event in self.state.history(moved.alert.identity) if event.episode == moved.alert.episode]
        return told[-1].shown if told else ()

    def _current(self, plans: Iterable[Plan]) -> dict[Identity, Values]:
        """The present values of alerts that are over: the alert itself keeps those of when it was last true."""
        ended: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
        for moved in (moved for each in plans for moved in each.transitions):
            if moved.after is State.RESOLVED:
                ended[moved.alert.identity.rule].add(moved.alert.identity.key)
        found: dict[Identity, Values] = {}
        for rule in self.project.rules:
            if rule.name in ended:
                with _dispensable(f"present values of {rule.name}"):
                    values = shown_now(rule, ended[rule.name], self.matcher, self.snapshots, self.at)
                    found |= {Identity(rule.name, key): shown for key, shown in values.items()}
        return found

    def _info(self, alert: Alert) -> RuleInfo:
        """The alert's rule; of a rule that is gone, what its name tells."""
        name = alert.identity.rule
        return self.infos.get(name) or RuleInfo(name, Text.same(name), alert.severity)

    def _trends(self, plans: Iterable[Plan]) -> dict[Identity, Trend]:
        """Trends of the first few firing alerts of each message, asked for once a rule."""
        wanted: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
        for each in plans:
            for moved in [t for t in each.transitions if t.after is State.FIRING][:TRENDS_A_MESSAGE]:
                wanted[moved.alert.identity.rule].add(moved.alert.identity.key)
        found: dict[Identity, Trend] = {}
        facts = self.project.facts
        for rule in self.project.rules:
            if rule.trend and rule.name in wanted:
                keys = wanted[rule.name]
                with _dispensable(f"trend of {rule.name}"):
                    series = trend(
                        rule.trend, rule.kind, keys, self.snapshots, facts.schemas, self.at, facts.time_zone, TREND_POINTS, self.matcher
                    )
                    found |= {Identity(rule.name, key): one for key, one in series.items()}
        return found
