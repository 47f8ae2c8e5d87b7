"""When a replay evaluates which rules: as ``schedules.yaml`` says, every so often, or whenever new data came."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from engine.matching.reads import kinds_judged
from engine.project import Project
from engine.replay.model import Appointment
from engine.rules import AlertRule
from engine.schedules import Schedule, Timetable, selected
from engine.snapshots import Snapshots

EVERY, BATCHES = "every", "per-batch"
"""The schedules under which instants stand that the command line asked for."""
MOMENT = timedelta(microseconds=1)


def scheduled(project: Project, snapshots: Snapshots, since: datetime, until: datetime, rules: Collection[AlertRule]) -> list[Appointment]:
    """The instants of ``schedules.yaml`` with ``since <= at <= until``, each with those of ``rules`` that its schedule evaluates.

    One that says ``on: ingest`` has an instant wherever a batch of its rules' kinds is dated: when a file came is not known.
    """
    found = []
    for name, schedule in project.schedules.schedules.items():
        chosen = [rule for rule in selected(schedule, project.rules) if rule in rules]
        blackout = tuple(project.channels.interval(each) for each in schedule.blackout)
        timetable = Timetable(name, schedule, project.facts.zone, blackout)
        instants = set(timetable.between(since - MOMENT, until))
        instants |= set(_landings(timetable, project, snapshots, chosen, since, until)) if _waits(schedule) else set()
        found += [Appointment(at, name, tuple(rule.name for rule in chosen)) for at in instants if chosen]
    return sorted(found)


def every(step: timedelta, since: datetime, until: datetime, rules: Collection[AlertRule]) -> list[Appointment]:
    """All rules every ``step``, counted from ``since``."""
    names = tuple(rule.name for rule in rules)
    return [Appointment(since + number * step, EVERY, names) for number in range((until - since) // step + 1)]


def per_batch(project: Project, snapshots: Snapshots, since: datetime, until: datetime, rules: Collection[AlertRule]) -> list[Appointment]:
    """All rules wherever a batch of a kind that one of them reads is dated."""
    names = tuple(rule.name for rule in rules)
    kinds = frozenset[str]().union(*(kinds_judged(rule, project.facts.schemas) for rule in rules))
    return [Appointment(at, BATCHES, names) for at in sorted(_dates(snapshots, kinds, since, until))]


def _waits(schedule: Schedule) -> bool:
    return schedule.on == "ingest"


def _landings(
    timetable: Timetable, project: Project, snapshots: Snapshots, rules: Collection[AlertRule], since: datetime, until: datetime
) -> Iterator[datetime]:
    kinds = frozenset[str]().union(*(kinds_judged(rule, project.facts.schemas) for rule in rules))
    for instant in _dates(snapshots, kinds, since, until):
        permitted = timetable.permitted_from(instant)
        if permitted is not None and permitted <= until:
            yield permitted


def _dates(snapshots: Snapshots, kinds: Collection[str], since: datetime, until: datetime) -> set[datetime]:
    return {batch.as_of for kind in kinds for batch in snapshots.batches(kind, since, until)}
