"""One round, wired: facts are matched, matches move alerts, transitions are routed and rendered, and all of it is stored at once. Between
rounds a dispatch tells what had to wait.

Reads like the picture in DESIGN section 1. It decides nothing itself; sending is :mod:`engine.outbox`'s, after the commit.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.archive import Archive
from engine.builtin import OWN, TOO_MANY_ALERTS, Operations, judge_amounts, judge_operations, judge_staleness
from engine.composing import Desk, Write, written
from engine.lifecycle import changed, close, fold, step
from engine.matching.evaluate import Matcher
from engine.matching.reads import kinds_read
from engine.model import Alert, Identity, KindSchema, Notification, RuleResult, Transition
from engine.project import Project
from engine.reasoning.correlate import correlate
from engine.routing import Escalations, Held, Plan, Reminders, Suppressed, around_trouble, decide, due_escalations, due_repeats, held_in
from engine.rules import AlertRule
from engine.snapshots import Snapshots
from engine.state import Basis, Deed, Evaluation, Ledger

LOG = logging.getLogger(__name__)
DISPATCH, BY_HAND = "dispatch", "by_hand"
"""The schedules under which dispatches, and ends by hand, are stored."""
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
    templates' mistakes, with how many notifications are in the built-in plain text because of each. ``held`` is all that waits to be told.
    """

    at: datetime
    claimed: bool
    rules: tuple[str, ...]
    results: Mapping[str, RuleResult]
    transitions: tuple[Transition, ...]
    suppressed: tuple[Suppressed, ...]
    notifications: tuple[Notification, ...]
    held: tuple[Held, ...] = ()
    faults: Mapping[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> tuple[RuleResult, ...]:
        return tuple(result for result in self.results.values() if result.error)


@dataclass(frozen=True)
class Dispatch:
    """What a dispatch did. ``stored`` is False when another process told something meanwhile: then nothing was done, and it is to be tried
    again."""

    at: datetime
    stored: bool
    transitions: tuple[Transition, ...]
    suppressed: tuple[Suppressed, ...]
    notifications: tuple[Notification, ...]
    held: tuple[Held, ...]
    faults: Mapping[str, int] = field(default_factory=dict)


def run_round(
    project: Project,
    matcher: Matcher,
    snapshots: Snapshots,
    state: Ledger,
    at: datetime,
    *,
    schedule: str,
    rules: Sequence[AlertRule],
    clock: Callable[[], datetime],
    write: Write = written,
) -> Round:
    """Evaluate ``rules`` at ``at`` and store what came of it in one transaction. ``clock`` only dates the record of the run; ``write``
    makes the messages.

    An instant that was evaluated before under the same ``schedule`` stores nothing, and the round says so (``claimed``).
    Raises :class:`~engine.errors.StateError` or :class:`~engine.errors.SnapshotError`; a rule that fails is reported in its result.
    """
    started = clock()
    snapshots, observed = Archive.of(snapshots), state.operations(started)
    infos = project.all_infos
    before = state.alerts(closed=True)
    results = _match(project, matcher, snapshots, at, rules, before)
    results |= _own(project, observed, results.values(), before, at)
    before |= state.resolved(identity for result in results.values() for identity in _true(result))
    after, transitions = step(before, results.values(), infos, at)
    incidents = correlate(project.reasoning, after, infos, matcher, snapshots, at)
    ended = state.resolved(candidate.identity for result in incidents for candidate in result.candidates)
    before, results = before | ended, results | {result.rule: result for result in incidents}
    after, more = step(after | ended, incidents, infos, at)
    after, transitions = fold(after, (*transitions, *more), at)
    told, waiting, quiet = state.told(), state.held(), state.silences()
    still = _unmoved(after, transitions)
    repeats = due_repeats(still, infos, project.channels, at, told, waiting, quiet)
    repeats += due_escalations(still, infos, project.channels, at, told, quiet)
    known = state.resolved(held.identity for held in waiting) | after
    decided = decide((*transitions, *repeats), known, infos, project.channels, at, told, waiting, quiet)
    desk = Desk(project, matcher, snapshots, state, infos, _ages(results.values()), at)
    notifications, faults = _messages(desk, decided.plans, write)
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
            decided.suppressed,
            waiting,
            decided.held,
            basis=Basis(project.version, project.files, snapshots.ids, observed),
        )
    )
    names = tuple(rule.name for rule in rules)
    moved = (*transitions, *repeats)
    return Round(at, claimed, names, results, moved, decided.suppressed, notifications, decided.held, faults)


def run_dispatch(
    project: Project,
    matcher: Matcher,
    snapshots: Snapshots,
    state: Ledger,
    at: datetime,
    *,
    clock: Callable[[], datetime],
    write: Write = written,
) -> Dispatch:
    """Tell what is due at ``at`` without evaluating anything: what was held until now, and reminders. With the present values of the
    alerts, and stored in one transaction; where nothing is due, nothing is stored. ``clock`` only dates the record, ``write`` makes the
    messages.

    Raises :class:`~engine.errors.StateError` or :class:`~engine.errors.SnapshotError`.
    """
    return _dispatch(project, matcher, snapshots, state, at, clock, write)


def run_resolve(
    project: Project,
    matcher: Matcher,
    snapshots: Snapshots,
    state: Ledger,
    alert: Alert,
    deed: Deed,
    *,
    clock: Callable[[], datetime],
    write: Write = written,
) -> Dispatch:
    """End a firing alert by hand, and tell that (with whatever else is due). Raises as :func:`run_dispatch`."""
    return _dispatch(project, matcher, snapshots, state, deed.at, clock, write, close(alert, deed.author, deed.at), deed)


def _dispatch(
    project: Project,
    matcher: Matcher,
    snapshots: Snapshots,
    state: Ledger,
    at: datetime,
    clock: Callable[[], datetime],
    write: Write,
    closed: Transition | None = None,
    deed: Deed | None = None,
) -> Dispatch:
    started, newest = clock(), state.newest()
    infos = project.all_infos
    told, waiting, quiet = state.told(), state.held(), state.silences()
    ended = {closed.alert.identity: closed.alert} if closed else {}
    alerts = state.alerts() | state.resolved(held.identity for held in waiting) | ended
    repeats = due_repeats(alerts, infos, project.channels, at, told, waiting, quiet)
    steps = due_escalations(alerts, infos, project.channels, at, told, quiet)
    moved = ((closed,) if closed else ()) + repeats + steps
    decided = decide(moved, alerts, infos, project.channels, at, told, waiting, quiet)
    if not moved and not decided.plans and not decided.suppressed and set(decided.held) == set(waiting):
        return Dispatch(at, True, (), (), (), decided.held)
    notifications, faults = _messages(Desk(project, matcher, snapshots, state, infos, {}, at), decided.plans, write)
    entry = Evaluation(
        f"{BY_HAND}:{closed.alert.identity.fingerprint}" if closed else DISPATCH,
        at,
        started,
        clock(),
        alerts=ended,
        transitions=moved,
        notifications=notifications,
        suppressed=decided.suppressed,
        resumed=waiting,
        held=decided.held,
        known=newest,
        deeds={identity: deed for identity in ended if deed},
        basis=Basis(project.version, project.files, frozenset(), Operations(started)),
    )
    stored = state.commit(entry)
    return Dispatch(at, stored, moved, decided.suppressed, notifications, decided.held, faults)


def _messages(desk: Desk, plans: Sequence[Plan], write: Write) -> tuple[tuple[Notification, ...], Counter[str]]:
    """The notifications, and how many of them are in the built-in plain text because of each fault."""
    messages = write(desk, around_trouble(plans, desk.project.channels))
    return tuple(notification for notification, _ in messages), Counter(fault for _, fault in messages if fault)


def next_dispatch(project: Project, state: Ledger, at: datetime) -> datetime | None:
    """The first instant from ``at`` on at which :func:`run_dispatch` will have something to tell, if nothing happens until then.

    It may come too early, never too late, as long as it is asked for again after every evaluation, dispatch, silence and reload.
    """
    infos, told, waiting, quiet = project.all_infos, state.told(), state.held(), state.silences()
    open_ = state.alerts()
    alerts = open_ | state.resolved(held.identity for held in waiting)
    decided = decide((), alerts, infos, project.channels, at, told, waiting, quiet)
    if decided.plans or decided.suppressed:
        return at
    reminders = Reminders(infos, project.channels, told, held_in(waiting), quiet)
    due = [held.until for held in decided.held if held.until]
    due += [instant for alert in open_.values() for instant in reminders.expected(alert, at)]
    steps = Escalations(infos, project.channels, told, quiet)
    due += [instant for alert in open_.values() for _, instant in steps.of(alert)]
    return max(at, min(due)) if due else None


def never_came(rules: Sequence[AlertRule], snapshots: Snapshots, schemas: Mapping[str, KindSchema], at: datetime) -> Iterator[Missing]:
    """What the conditions of ``rules`` read and nobody ever ingested until ``at``, kind by kind.

    A store that reported some kind within the last 30 days, and never one that other stores do report, is told too. This is information,
    not an alert: platforms differ in what they export, so only the stores that facts.yaml calls ``expected`` are known to be late.
    """
    readers: defaultdict[str, list[str]] = defaultdict(list)
    for rule in rules:
        for kind in kinds_read(rule.kind, rule.conditions, schemas):
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


def _true(result: RuleResult) -> Iterator[Identity]:
    """The identities that may fire: what was found, and what is unknown, which some rules tell, too."""
    yield from (candidate.identity for candidate in result.candidates)
    yield from result.unknown


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
