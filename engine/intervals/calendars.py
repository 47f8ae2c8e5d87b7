"""Public holidays, and the weekend days that are worked to make up for them, as governments publish them year by year."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import NamedTuple


class Day(NamedTuple):
    """``holiday``: a day of a public holiday, at a weekend or not. ``off``: nobody works, for a holiday or a weekend."""

    holiday: bool
    off: bool


@dataclass(frozen=True, slots=True)
class Published:
    """The days from ``first`` to ``last``, of which the government has said whether they are worked."""

    first: date
    last: date
    day: Callable[[date], Day]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of one country. ``package`` is the library whose new versions bring new years."""

    country: str
    package: str
    published: Callable[[], Published]

    def day(self, day: date) -> Day:
        """Of days that nobody has published, only whether they are at a weekend."""
        published = self.published()
        return published.day(day) if self.knows(day) else Day(False, day.weekday() >= 5)

    def knows(self, day: date) -> bool:
        published = self.published()
        return published.first <= day <= published.last


@cache
def _china() -> Published:
    from chinese_calendar import get_holiday_detail, holidays  # heavy: a thousand days as enumerations

    @lru_cache(maxsize=4096)
    def published(day: date) -> Day:
        off, name = get_holiday_detail(day)
        return Day(off and name is not None, off)

    return Published(date(min(holidays).year, 1, 1), date(max(holidays).year, 12, 31), published)


CALENDARS: Mapping[str, Calendar] = {"cn": Calendar("cn", "chinesecalendar", _china)}
