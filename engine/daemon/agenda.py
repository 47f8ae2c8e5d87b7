"""What is due: for each schedule, from the newest instant that the database knows as dealt with, and now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.daemon.landings import Landings
from engine.matching.reads import kinds_judged
from engine.project import Project
from engine.schedules import Schedule, Timetable, selected
from engine.state import State

MOMENT = timedelta(microseconds=1)
OWN = "storewatch:own"
LOOK = Schedule(every=timedelta(minutes=5), missed="skip")
"""The daemon's own schedule: no rules, but the built-in alerts are judged, so that storewatch tells of its own troubles, and of data that
did not come, between the rounds of a day."""


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """An instant of a schedule whose time has come."""

    instant: datetime
    schedule: str


class Agenda:
    """The schedules of one project, and ``own``, where there is one. What it remembers only saves questions: :meth:`confirmed` asks the
    database again."""

    def __init__(self, project: Project, state: State, own: Schedule | None = None) -> None:
        self.state = state
        self.timetables = {name: timetable_of(project, name) for name in project.schedules.schedules}
        if own:
            self.timetables[OWN] = Timetable(OWN, own, project.facts.zone)
        self._landings = Landings(project.snapshots, project.facts.schemas)
        self._awaited = {name: _awaited(project, one) for name, one in project.schedules.schedules.items() if one.on == "ingest"}
        self._dealt_with: dict[str, datetime] = {}
        self._given_up: dict[str, datetime] = {}
        self._quiet_until: dict[str, datetime] = {}

    def forget(self) -> None:
        """Trust nothing that was remembered: the clock jumped."""
        self._dealt_with.clear()
        self._quiet_until.clear()

    def due(self, now: datetime, awake_since: datetime, without: Iterable[str] = ()) -> Due | None:
        """The oldest instant that is due, of schedules other than ``without``. Raises :class:`~engine.errors.StateError`."""
        names = sorted(self.timetables.keys() - set(without))
        return min((due for name in names for due in self._due(name, now, awake_since)), default=None)

    def confirmed(self, due: Due, now: datetime, awake_since: datetime) -> Due | None:
        """What is due of the same schedule after another look into the database, where another process may have dealt with it."""
        self._dealt_with.pop(due.schedule, None)
        self._quiet_until.pop(due.schedule, None)
        return next(self._due(due.schedule, now, awake_since), None)

    def done(self, due: Due) -> None:
        """The instant was evaluated, by whomever."""
        self._dealt_with[due.schedule] = due.instant

    def give_up(self, due: Due) -> None:
        """The instant cannot be evaluated: go on with later ones."""
        self._given_up[due.schedule] = due.instant

    def wakes(self, name: str, now: datetime) -> datetime | None:
        """When the schedule should be looked at again."""
        return self.timetables[name].wakes(now)

    def _due(self, name: str, now: datetime, awake_since: datetime) -> Iterator[Due]:
        landed = self._landed(name, now)
        if not landed and now < self._quiet_until.get(name, now):
            return
        timetable = self.timetables[name]
        dealt_with = max(self._base(name, now), self._given_up.get(name, datetime.min.replace(tzinfo=now.tzinfo)))
        found = next(timetable.due(dealt_with, now, awake_since, landed), None)
        if found is not None:
            yield Due(found, name)
        else:
            self._quiet_until[name] = timetable.wakes(now) or datetime.max.replace(tzinfo=now.tzinfo)

    def _landed(self, name: str, now: datetime) -> list[datetime]:
        """The instants of batches that nobody has evaluated since, as far as is remembered."""
        if name not in self._awaited:
            return []
        known = self._dealt_with.get(name)
        permitted = map(self.timetables[name].permitted_from, self._landings.of(self._awaited[name], now))
        return sorted({instant for instant in permitted if instant and instant <= now and (known is None or instant > known)})

    def _base(self, name: str, now: datetime) -> datetime:
        """The newest instant dealt with. One that lies ahead, because the clock was set back, does not count; a schedule that nobody has
        seen before counts from now."""
        known = self._dealt_with.get(name)
        if known is None or known > now:
            known = self.state.last_instant(name, until=now)
        if known is None:
            known = now.replace(microsecond=0) - MOMENT
            self.state.count_from(name, known)
        self._dealt_with[name] = known
        return known


def timetable_of(project: Project, name: str) -> Timetable:
    """When a schedule of the project comes due."""
    schedule = project.schedules.schedules[name]
    blackout = tuple(project.channels.interval(each) for each in schedule.blackout)
    return Timetable(name, schedule, project.facts.zone, blackout)


def _awaited(project: Project, schedule: Schedule) -> frozenset[str]:
    """The kinds that the schedule's rules read."""
    rules = selected(schedule, project.rules)
    return frozenset[str]().union(*(kinds_judged(rule, project.facts.schemas) for rule in rules))
