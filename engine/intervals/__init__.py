"""Named stretches of local time: nights, office hours, public holidays, promotion freezes. Pure: an instant is in one, or it is not."""

from engine.intervals.calendars import CALENDARS, Calendar
from engine.intervals.interval import IntervalModel, TimeInterval, interval_of, unknown_days

__all__ = ["CALENDARS", "Calendar", "IntervalModel", "TimeInterval", "interval_of", "unknown_days"]
