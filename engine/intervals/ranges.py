"""The ranges that time intervals are written with: ``22:00..08:00``, ``mon..fri``, ``25..-1``, ``11-01..11-12``.

Both ends belong to a range of days, months and years; of clock times the end does not. Every ``parse_`` function raises
:class:`~engine.yamlfile.BilingualError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from engine.errors import Text
from engine.yamlfile import BilingualError, shown

DAY_MINUTES = 24 * 60
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
CLOCK = r"([01]?\d|2[0-3]):([0-5]\d)|24:00"
_POINT = re.compile(r"(?:(\d{4})-)?(\d{1,2})-(\d{1,2})(?:[T ]([01]?\d|2[0-3]):([0-5]\d))?")
_HINTS: Mapping[str, Text] = {
    "times": Text("write it like 09:00..18:00, or 22:00..08:00 for a night", "写法如 09:00..18:00；跨夜写 22:00..08:00"),
    "weekdays": Text("write it like mon..fri or sat", "写法如 mon..fri 或 sat"),
    "days_of_month": Text("write it like 1..5, 15 or -1 (the last day)", "写法如 1..5、15 或 -1（最后一天）"),
    "months": Text("write it like 1..3 or dec", "写法如 1..3 或 dec"),
    "years": Text("write it like 2026 or 2026..2028", "写法如 2026 或 2026..2028"),
    "dates": Text(
        "write it like 2026-10-31T20:00..2026-11-12T00:00, 2026-11-11, or 11-01..11-12 for every year",
        "写法如 2026-10-31T20:00..2026-11-12T00:00、2026-11-11；每年都算写 11-01..11-12",
    ),
}


@dataclass(frozen=True, slots=True)
class Clock:
    """Minutes of a local day, ``start`` included, ``end`` not. An ``end`` that is not after ``start`` is one of the next day."""

    start: int
    end: int

    @property
    def crosses(self) -> bool:
        return self.end <= self.start

    def today(self, minute: int) -> bool:
        """Whether it holds at this minute of the day on which it starts."""
        return self.start <= minute and (self.crosses or minute < self.end)

    def next_day(self, minute: int) -> bool:
        """Whether it still holds at this minute of the day after."""
        return self.crosses and minute < self.end


@dataclass(frozen=True, slots=True)
class Span:
    """Whole numbers from ``first`` to ``last``; with ``first`` above ``last``, round the end: ``sat..mon``, ``nov..feb``."""

    first: int
    last: int

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        if self.first <= self.last:
            return self.first <= number <= self.last
        return number >= self.first or number <= self.last


@dataclass(frozen=True, slots=True)
class MonthDays:
    """Days of the month; -1 is the last, -2 the one before it."""

    first: int
    last: int

    def contains(self, day: int, length: int) -> bool:
        first, last = (number if number > 0 else length + 1 + number for number in (self.first, self.last))
        return first <= day <= last


@dataclass(frozen=True, slots=True)
class Dates:
    """Local time from ``first``, included, to ``last``, not included: (year, month, day, minute), or, for every year, (month, day, minute).

    A range of ``whole`` days asks for the day on which a night begins; one with clock times for the time itself.
    """

    first: tuple[int, ...]
    last: tuple[int, ...]
    whole: bool

    def contains(self, local: datetime) -> bool:
        return self._within((local.year, local.month, local.day, local.hour * 60 + local.minute))

    def touches(self, day: date) -> bool:
        """Whether any minute of the day may be within it."""
        first, last = self.first[:-1], self.last[:-1]
        key = (day.year, day.month, day.day)[-len(first) :]
        return first <= key <= last if self.first < self.last else key >= first or key <= last

    def minutes(self) -> tuple[int, int]:
        """The minutes of a day at which it may begin and end."""
        return self.first[-1], self.last[-1] % DAY_MINUTES

    def _within(self, point: tuple[int, ...]) -> bool:
        key = point[-len(self.first) :]
        if self.first < self.last:
            return self.first <= key < self.last
        return key >= self.first or key < self.last


def parse_clock(value: object) -> Clock:
    """``09:00..18:00``."""
    if isinstance(value, Clock):
        return value
    first, last = _ends("times", value)
    start, end = (_minute(value, text) for text in (first, last))
    if start in (end, DAY_MINUTES):
        raise _wrong("times", value)
    return Clock(start, end)


def _minute(value: object, text: str) -> int:
    match = re.fullmatch(CLOCK, text)
    if not match:
        raise _wrong("times", value)
    return int(match[1]) * 60 + int(match[2]) if match[1] else DAY_MINUTES


def parse_weekdays(value: object) -> Span:
    """``mon``, ``mon..fri``, ``sat..mon``; Monday is 0."""
    return value if isinstance(value, Span) else _span("weekdays", value, lambda text: _named(text, _WEEKDAYS))


def parse_months(value: object) -> Span:
    """``1..3``, ``dec``, ``nov..feb``; January is 1."""
    return value if isinstance(value, Span) else _span("months", value, _month)


def _month(text: str) -> int | None:
    named = _named(text, _MONTHS)
    if named is not None:
        return named + 1
    return int(text) if re.fullmatch(r"0?[1-9]|1[0-2]", text) else None


def parse_years(value: object) -> Span:
    """``2026`` or ``2026..2028``."""
    if isinstance(value, Span):
        return value
    span = _span("years", value, lambda text: int(text) if re.fullmatch(r"\d{4}", text) else None)
    if span.first > span.last:
        raise _wrong("years", value)
    return span


def parse_month_days(value: object) -> MonthDays:
    """``15``, ``1..5``, ``-3..-1``, ``25..-1``."""
    if isinstance(value, MonthDays):
        return value
    days = _span("days_of_month", value, lambda text: int(text) if re.fullmatch(r"-?(0?[1-9]|[12]\d|3[01])", text) else None)
    if (days.first > 0) == (days.last > 0) and days.first > days.last:
        raise _wrong("days_of_month", value)
    return MonthDays(days.first, days.last)


def parse_dates(value: object) -> Dates:
    """``2026-11-11``, ``2026-10-31T20:00..2026-11-12T00:00``, ``11-01..11-12``."""
    if isinstance(value, Dates):
        return value
    ends = [_POINT.fullmatch(text) for text in _ends("dates", value)]
    if not ends[0] or not ends[1] or bool(ends[0][1]) is not bool(ends[1][1]):
        raise _wrong("dates", value)
    first, last = (_point(value, match) for match in ends if match)
    clocked = [bool(match[4]) for match in ends if match]
    if not clocked[1]:
        last = (*last[:-1], DAY_MINUTES)
    if first == last or (len(first) == 4 and first > last):
        text = Text(f"{shown(value)} ends before it begins", f"{shown(value)} 的结束早于开始")
        raise BilingualError("bad_interval", text, _HINTS["dates"])
    return Dates(first, last, not any(clocked))


def _point(value: object, match: re.Match[str]) -> tuple[int, ...]:
    """Raises BilingualError for a day that no calendar has."""
    year, month, day = int(match[1] or 2024), int(match[2]), int(match[3])  # 2024, which has a 29 February, stands for any year
    minute = int(match[4]) * 60 + int(match[5]) if match[4] else 0
    try:
        date(year, month, day)
    except ValueError:
        raise _wrong("dates", value) from None
    return (year, month, day, minute) if match[1] else (month, day, minute)


def _span(key: str, value: object, read: Callable[[str], int | None]) -> Span:
    first, last = (read(text) for text in _ends(key, value))
    if first is None or last is None:
        raise _wrong(key, value)
    return Span(first, last)


def _ends(key: str, value: object) -> tuple[str, str]:
    """Both ends of a range as written, twice the same where it is one value. Raises BilingualError for what is no text or number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _wrong(key, value)
    first, dots, last = str(value).strip().partition("..")
    if key == "times" and not dots:
        raise _wrong(key, value)
    return first.strip(), (last if dots else first).strip()


def _named(text: str, names: tuple[str, ...]) -> int | None:
    """The place of a name that may be cut to three letters or more."""
    word = text.lower()
    return next((place for place, name in enumerate(names) if len(word) >= 3 and name.startswith(word)), None)


def _wrong(key: str, value: object) -> BilingualError:
    said = shown(value)
    return BilingualError("bad_interval", Text(f"{said.en} cannot stand under {key}", f"{said.zh} 不能写在 {key} 下"), _HINTS[key])
