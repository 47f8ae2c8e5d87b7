"""Time intervals as files write them (:class:`IntervalModel`) and as decisions ask them (:class:`TimeInterval`)."""

from __future__ import annotations

import heapq
from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, ConfigDict, WithJsonSchema, model_validator
from pydantic.config import JsonDict

from engine.errors import Text
from engine.fields import Strict, TimeZone, about, written
from engine.intervals.calendars import CALENDARS, Calendar
from engine.intervals.ranges import (
    CLOCK,
    DAY_MINUTES,
    Clock,
    Dates,
    MonthDays,
    Span,
    parse_clock,
    parse_dates,
    parse_month_days,
    parse_months,
    parse_weekdays,
    parse_years,
)
from engine.yamlfile import BilingualError

HORIZON = timedelta(days=366 * 9)
"""How far :meth:`TimeInterval.next_change` looks: far enough for 29 February."""
_DAY = timedelta(days=1)
_CONDITIONS = ("times", "weekdays", "days_of_month", "months", "years", "dates", "holidays", "workdays", "days_off")
_ANY_CONDITION: JsonDict = {"anyOf": [{"required": [key]} for key in _CONDITIONS]}


def _range(one: str, en: str, zh: str) -> WithJsonSchema:
    """For JSON Schema: a text ``one``, or ``one..one``."""
    return written(rf"\s*({one})\s*(\.\.\s*({one})\s*)?", Text(f"such as {en}", f"如 {zh}"))


_WORD, _DATE = "[A-Za-z]{3,9}", r"(\d{4}-)?\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2})?"
_TIMES = written(rf"\s*({CLOCK})\s*\.\.\s*({CLOCK})\s*", Text("such as 22:00..08:00", "如 22:00..08:00"))
_DAYS = Annotated[str, _range(r"-?\d{1,2}", "1..5 or -1", "1..5 或 -1")]
_MONTHS = Annotated[str, _range(rf"{_WORD}|\d{{1,2}}", "1..3 or dec", "1..3 或 dec")]
_YEARS = Annotated[str, _range(r"\d{4}", "2026..2028", "2026..2028")]
_Times = Annotated[Clock, BeforeValidator(parse_clock, json_schema_input_type=Annotated[str, _TIMES])]
_Weekdays = Annotated[Span, BeforeValidator(parse_weekdays, json_schema_input_type=Annotated[str, _range(_WORD, "mon..fri", "mon..fri")])]
_MonthDays = Annotated[MonthDays, BeforeValidator(parse_month_days, json_schema_input_type=int | _DAYS)]
_Months = Annotated[Span, BeforeValidator(parse_months, json_schema_input_type=int | _MONTHS)]
_Years = Annotated[Span, BeforeValidator(parse_years, json_schema_input_type=int | _YEARS)]
_Dates = Annotated[
    Dates, BeforeValidator(parse_dates, json_schema_input_type=Annotated[str, _range(_DATE, "11-01..11-12", "11-01..11-12")])
]
_Country = Literal["cn"]


class IntervalModel(Strict):
    """One part of a named time interval: all that it says must hold, of each list any entry.

    A range of ``times`` that crosses midnight belongs to the day on which it begins: ``{weekdays: [fri], times: ["22:00..08:00"]}`` lasts
    until Saturday morning.
    """

    model_config = ConfigDict(json_schema_extra=_ANY_CONDITION)

    times: Annotated[
        tuple[_Times, ...], about("times of day, the end not included", "一天中的时段，不含结束时刻", examples=[["22:00..08:00"]])
    ] = ()
    weekdays: Annotated[tuple[_Weekdays, ...], about("weekdays", "星期", examples=[["mon..fri"], ["sat", "sun"]])] = ()
    days_of_month: Annotated[tuple[_MonthDays, ...], about("days of the month; -1 is the last", "每月几号，-1 是最后一天")] = ()
    months: Annotated[tuple[_Months, ...], about("months", "月份", examples=[["jan..mar"], [11]])] = ()
    years: Annotated[tuple[_Years, ...], about("years", "年份", examples=[[2026]])] = ()
    dates: Annotated[
        tuple[_Dates, ...],
        about(
            "dates, both ends included, or local times; without a year: every year",
            "日期（含首尾）或具体时刻；不写年份则每年都算",
            examples=[["11-01..11-12"], ["2026-10-31T20:00..2026-11-12T00:00"]],
        ),
    ] = ()
    holidays: Annotated[_Country | None, about("public holidays of this country", "法定节假日")] = None
    workdays: Annotated[_Country | None, about("days worked, make-up days too", "工作日，含调休上班日")] = None
    days_off: Annotated[_Country | None, about("weekends and public holidays", "休息日：周末与节假日，不含调休上班日")] = None
    time_zone: Annotated[TimeZone | None, about("time zone; default: that of facts.yaml", "时区，默认用 facts.yaml 的")] = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not any(getattr(self, key) for key in _CONDITIONS):
            text = Text("a time interval must say when", "时间段需要写明是什么时候")
            raise BilingualError("empty_interval", text, Text("such as  times: ['22:00..08:00']", "如  times: ['22:00..08:00']"))
        return self

    @property
    def calendars(self) -> tuple[Calendar, ...]:
        return tuple(CALENDARS[name] for name in (self.holidays, self.workdays, self.days_off) if name)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a time interval in its time zone."""

    model: IntervalModel
    zone: ZoneInfo

    def contains(self, instant: datetime) -> bool:
        local = instant.astimezone(self.zone)
        clocked = [dates for dates in self.model.dates if not dates.whole]
        began = list(self._began(local))
        if not any(map(self._is_day, began)):
            return False
        whole = [dates for dates in self.model.dates if dates.whole]
        on_day = any(dates.touches(day) for dates in whole for day in began if self._is_day(day))
        return not self.model.dates or on_day or any(dates.contains(local) for dates in clocked)

    def _began(self, local: datetime) -> Iterator[date]:
        """The days whose ``times`` hold at this local time: today, yesterday, neither or both."""
        minute, times = local.hour * 60 + local.minute, self.model.times
        if not times or any(clock.today(minute) for clock in times):
            yield local.date()
        if any(clock.next_day(minute) for clock in times):
            yield local.date() - _DAY

    def _is_day(self, day: date) -> bool:
        """Whether the day itself is as the part asks; of ``dates`` nothing is asked here."""
        model = self.model
        length = monthrange(day.year, day.month)[1]
        return (
            (not model.weekdays or any(day.weekday() in span for span in model.weekdays))
            and (not model.days_of_month or any(days.contains(day.day, length) for days in model.days_of_month))
            and (not model.months or any(day.month in span for span in model.months))
            and (not model.years or any(day.year in span for span in model.years))
            and (not model.holidays or CALENDARS[model.holidays].day(day).holiday)
            and (not model.workdays or not CALENDARS[model.workdays].day(day).off)
            and (not model.days_off or CALENDARS[model.days_off].day(day).off)
        )

    def changes(self, after: datetime) -> Iterator[datetime]:
        """Instants at which it may begin or end, in order, until :data:`HORIZON`."""
        first = after.astimezone(self.zone).date() - _DAY
        minutes = sorted(self._minutes())
        for offset in range(HORIZON // _DAY):
            day = first + offset * _DAY
            if self._may_hold_near(day):
                yield from sorted(self._at(day, minutes))

    def _may_hold_near(self, day: date) -> bool:
        """Whether it may hold on the day, or have held shortly before. A night is of the day on which it began."""
        near, dates = (day, day - _DAY, day - 2 * _DAY), self.model.dates
        return any(map(self._is_day, near)) and (not dates or any(each.touches(one) for each in dates for one in near))

    def _minutes(self) -> set[int]:
        times = {minute % DAY_MINUTES for clock in self.model.times for minute in (clock.start, clock.end)}
        return {0, *times, *(minute for dates in self.model.dates for minute in dates.minutes())}

    def _at(self, day: date, minutes: Iterable[int]) -> set[datetime]:
        """The instants of these local minutes of the day, and of a change of the clocks on it."""
        midnight = datetime.combine(day, time(), self.zone)
        locals_ = [midnight + timedelta(minutes=minute) for minute in minutes]
        found = {local.replace(fold=fold).astimezone(UTC) for local in locals_ for fold in (0, 1)}
        start, end = midnight.astimezone(UTC), (midnight + _DAY).astimezone(UTC)
        if start.astimezone(self.zone).utcoffset() != end.astimezone(self.zone).utcoffset():
            found.add(_clock_change(start, end, self.zone))
        return found


def _clock_change(start: datetime, end: datetime, zone: ZoneInfo) -> datetime:
    """The instant between ``start`` and ``end`` at which the clocks of the zone change, to the minute."""
    offset = start.astimezone(zone).utcoffset()
    while end - start > timedelta(minutes=1):
        middle = start + (end - start) // 2
        middle = middle.replace(second=0, microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            start = middle
        else:
            end = middle
    return end


@dataclass(frozen=True, slots=True)
class TimeInterval:
    """A named time interval: an instant is in it when it is in one of its parts. Instants are aware; those returned are in UTC."""

    parts: tuple[_Part, ...]

    def contains(self, instant: datetime) -> bool:
        return any(part.contains(instant) for part in self.parts)

    def next_change(self, after: datetime) -> datetime | None:
        """The first instant after ``after`` at which it begins or ends. None when it does neither any more, or not within nine years."""
        now = self.contains(after)
        candidates = heapq.merge(*(part.changes(after) for part in self.parts))
        return next((instant for instant, _ in groupby(candidates) if instant > after and self.contains(instant) is not now), None)


def interval_of(models: Sequence[IntervalModel], time_zone: str) -> TimeInterval:
    """``time_zone`` is that of parts that name none."""
    return TimeInterval(tuple(_Part(model, ZoneInfo(model.time_zone or time_zone)) for model in models))


def unknown_days(models: Iterable[IntervalModel], day: date) -> tuple[Calendar, ...]:
    """The calendars that these read and that do not know whether ``day`` is a public holiday: for them a weekday is a workday then."""
    asked = {calendar.country: calendar for model in models for calendar in model.calendars}
    return tuple(calendar for calendar in asked.values() if not calendar.knows(day))
