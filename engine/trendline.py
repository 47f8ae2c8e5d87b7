"""What a trend tells, before any picture: its points as a series, and the movement in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal

from engine.errors import Text
from engine.model import Trend, Type, Value
from engine.wording import Writer


@dataclass(frozen=True, slots=True)
class Series:
    """The points of a trend that can be drawn: seconds since the first one, and the value (NaN where it was missing)."""

    start: datetime
    seconds: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def known(self) -> tuple[int, ...]:
        return tuple(index for index, value in enumerate(self.values) if math.isfinite(value))


def series_of(trend: Trend, zone: tzinfo) -> Series | None:
    """The trend's points in time order from the first that has a value, or None when fewer than two days have one."""
    points = sorted(((at, _number(value)) for at, value in trend.points), key=lambda point: point[0])
    known = [index for index, (_, value) in enumerate(points) if math.isfinite(value)]
    if len({day_of(points[index][0], zone) for index in known}) < 2:
        return None
    points = points[known[0] :]
    start = points[0][0]
    return Series(start, tuple((at - start).total_seconds() for at, _ in points), tuple(value for _, value in points))


def day_of(instant: datetime, zone: tzinfo) -> date:
    """The day that an instant tells of; midnight belongs to the day that it ends."""
    return (instant.astimezone(zone) - timedelta(microseconds=1)).date()


def _number(value: float | None) -> float:
    """A value that a picture can hold; anything past 10^15 is taken as missing, for a chart of it would tell nothing."""
    return float(value) if value is not None and abs(value) < 1e15 else math.nan


def typed(trend: Trend, value: float) -> Value:
    """A drawn value as the type the trend is of, without the noise of doubles."""
    if trend.type is Type.DURATION:
        return timedelta(seconds=round(value))
    return Decimal(f"{value:.6g}") if trend.type in (Type.NUMBER, Type.PERCENT) else Decimal(f"{value:.2f}")


def trend_words(trend: Trend, writer: Writer) -> str:
    """What the picture shows, for readers without it: ``14 天内从 4.82 降到 4.66``. Empty when fewer than two days are known."""
    series = series_of(trend, writer.zone)
    if series is None:
        return ""
    first, last = (series.values[index] for index in (series.known[0], series.known[-1]))
    end = series.start + timedelta(seconds=series.seconds[series.known[-1]])
    days = day_of(end, writer.zone) - day_of(series.start, writer.zone)
    words = {"days": writer.duration(days), "first": _told(trend, first, writer), "last": _told(trend, last, writer)}
    return writer.say(_movement(words["first"] == words["last"], last > first), **words)


def _movement(same: bool, up: bool) -> Text:
    if same:
        return Text("steady at {last} over {days}", "{days}内保持在 {last}")
    return (
        Text("rose from {first} to {last} in {days}", "{days}内从 {first} 升到 {last}")
        if up
        else Text("fell from {first} to {last} in {days}", "{days}内从 {first} 降到 {last}")
    )


def _told(trend: Trend, value: float, writer: Writer) -> str:
    return writer.value(typed(trend, value), trend.type, trend.unit)
