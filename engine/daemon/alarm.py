"""The alarm clock: APScheduler wakes the evaluating thread on time, one job a schedule.

It only wakes. What is due is told by :mod:`.agenda`, and the evaluating thread looks every second by itself: an alarm that is late, or
lost in a jump of the clock, costs a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from engine.schedules import Timetable


class Alarm:
    """Calls ``wake`` whenever a timetable says that an evaluation begins."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._scheduler = BackgroundScheduler(timezone=UTC)

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def set(self, timetables: Mapping[str, Timetable]) -> None:
        """Ring for these, and for no others any more; also to be called when the clock jumped."""
        self._scheduler.remove_all_jobs()
        for name, timetable in timetables.items():
            self._scheduler.add_job(self._wake, _Begins(timetable), id=name, coalesce=True, misfire_grace_time=None)


class _Begins(BaseTrigger):  # type: ignore[misc]
    def __init__(self, timetable: Timetable) -> None:
        self.timetable = timetable

    def get_next_fire_time(self, _: datetime | None, now: datetime) -> datetime | None:
        return self.timetable.wakes(now)
