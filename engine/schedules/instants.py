"""The instants of a schedule: which come after an instant, and which are due now. Pure: the clock is an argument.

``every`` counts elapsed time from midnight of Monday, 1 January 2001, in the schedule's time zone: the same instants on every machine,
whenever it was started. ``cron`` names wall-clock times. One that does not exist, because clocks are set forward, is taken as if they
had not been (02:30 is 03:30 of the new time). One that comes twice, because clocks are set back, counts the first time only,
unless the line says every hour (``*`` in the second field): then it counts both times, as hours go on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from heapq import merge
from zoneinfo import ZoneInfo

from engine.intervals import TimeInterval
from engine.schedules.cron import wall_times
from engine.schedules.model import Schedule

ANCHOR = datetime(2001, 1, 1)
MOMENT = timedelta(microseconds=1)
NEAR = timedelta(hours=25)
"""No change of a zone's offset is larger than a day (Samoa left one out), so further away it cannot confuse the order."""
LOOKING_BACK = tuple(timedelta(days=days) for days in (0.04, 1, 32, 367, 8 * 367))


@dataclass(frozen=True)
class Timetable:
    """When a schedule comes due. ``zone`` is the project's, for a schedule that names none; instants within a ``blackout`` are left out.
    All instants are aware, in UTC."""

    name: str
    schedule: Schedule
    zone: ZoneInfo
    blackout: tuple[TimeInterval, ...] = ()

    def next_after(self, instant: datetime) -> datetime | None:
        """The first instant after ``instant``; None when there is none any more."""
        return next(self._from(instant), None)

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The instants with ``after < instant <= until``, ascending."""
        for instant in self._from(after):
            if instant > until:
                return
            yield instant

    def starts(self, instant: datetime) -> datetime:
        """When the evaluation of ``instant`` begins: up to ``jitter`` later, the same on every machine."""
        digest = hashlib.sha256(f"{self.name}|{instant.astimezone(UTC).isoformat()}".encode()).digest()
        return instant + self.schedule.jitter * (int.from_bytes(digest[:6]) / 2**48)

    def wakes(self, now: datetime) -> datetime | None:
        """When the next evaluation begins, after ``now``; None when none will."""
        earliest = None
        for instant in self._from(now - self.schedule.jitter):
            if earliest is not None and instant >= earliest:
                break
            starts = self.starts(instant)
            if starts > now:
                earliest = min(starts, earliest or starts)
        return earliest

    def permitted_from(self, instant: datetime) -> datetime | None:
        """The instant itself, or, within a blackout, its end; None when that does not end."""
        found: datetime | None = instant
        while found is not None and (within := [interval for interval in self.blackout if interval.contains(found)]):
            found = within[0].next_change(found)
        return found

    def due(self, after: datetime, now: datetime, awake_since: datetime, others: Iterable[datetime] = ()) -> Iterator[datetime]:
        """The instants to be evaluated at ``now``, in order, when ``after`` is the newest one that was dealt with.

        ``missed: each`` gives all of them, ``latest`` the newest, ``skip`` the newest of those that came since ``awake_since``, when
        the daemon was last started or woke up. ``others`` are instants that come from elsewhere, ascending, outside of blackouts.
        """
        if self.schedule.missed == "skip":
            after = max(after, awake_since - MOMENT)
        extra = [instant for instant in others if after < instant <= now]
        if self.schedule.missed == "each":
            yield from self._each(after, now, extra)
            return
        newest = max([*extra, *self._newest(after, now)], default=None)
        if newest is not None:
            yield newest

    def _each(self, after: datetime, now: datetime, others: Iterable[datetime]) -> Iterator[datetime]:
        last = None
        for instant in merge(self.between(after, now), others):
            if self.starts(instant) > now:
                return
            if instant != last:
                yield instant
            last = instant

    def _newest(self, after: datetime, now: datetime) -> Iterator[datetime]:
        """The newest instant after ``after`` whose evaluation may begin, if there is one."""
        for window in LOOKING_BACK:
            since = max(after, now - window)
            found = [instant for instant in self.between(since, now) if self.starts(instant) <= now]
            if found:
                yield found[-1]
                return
            if since == after:
                return

    def _from(self, after: datetime) -> Iterator[datetime]:
        return (instant for instant in self._all_from(after.astimezone(UTC)) if not self._is_blackout(instant))

    def _is_blackout(self, instant: datetime) -> bool:
        return any(interval.contains(instant) for interval in self.blackout)

    def _all_from(self, after: datetime) -> Iterator[datetime]:
        if self.schedule.every is not None:
            return self._steps(self.schedule.every, after)
        return self._cron(self.schedule.cron, after) if self.schedule.cron is not None else iter(())

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.schedule.time_zone) if self.schedule.time_zone else self.zone

    def _steps(self, every: timedelta, after: datetime) -> Iterator[datetime]:
        anchor = ANCHOR.replace(tzinfo=self._zone).astimezone(UTC)
        count = (after - anchor) // every + 1
        while True:
            yield anchor + count * every
            count += 1

    def _cron(self, cron: str, after: datetime) -> Iterator[datetime]:
        """The instants of a cron line. Near a change of the zone's offset wall-clock times are not in the order of their instants, so they
        are held back until nothing earlier can follow."""
        hourly = cron.split()[1] == "*"
        wall = after.astimezone(self._zone).replace(tzinfo=None) - self._shift(after)
        held: set[datetime] = set()
        for each in wall_times(cron, wall):
            instants = self._instants_of(each, hourly=hourly)
            held.update(instant for instant in instants if instant > after)
            ready = {instant for instant in held if instant <= instants[0] - self._shift(instants[0])}
            yield from sorted(ready)
            held -= ready

    def _shift(self, instant: datetime) -> timedelta:
        """By how much the zone's offset changes near ``instant``; mostly nothing."""
        offsets = [(instant + by).astimezone(self._zone).utcoffset() or timedelta(0) for by in (-NEAR, timedelta(0), NEAR)]
        return max(offsets) - min(offsets)

    def _instants_of(self, wall: datetime, *, hourly: bool) -> list[datetime]:
        """The instants that a wall-clock time means, ascending: one, or both of a time that comes twice where ``hourly``."""
        first, second = (wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        return [first, second] if hourly and second > first else [first]
