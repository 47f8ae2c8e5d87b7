"""What messages show besides a match: the course of an expression over past days, and present values of rows that no longer match."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from engine.matching.evaluate import Matcher
from engine.matching.reads import kinds_read
from engine.matching.results import Raw, plain_value, shown_values
from engine.model import KindSchema, Shown, Stores, Trend, Type
from engine.rules import AlertRule, Labelled
from engine.snapshots import Batch, Snapshots

MOMENT = timedelta(microseconds=1)
SPARSE = 4  # looks back this many days for each point wanted
Point = tuple[datetime, float | None]
KnownAt = Callable[[Collection[tuple[str, ...]], datetime], Mapping[tuple[str, ...], tuple[str, Raw]]]


@dataclass(slots=True)
class _Day:
    """The batches of one day: instants that are enough to know every store's last state by, newest first, and the stores spoken for."""

    instants: list[datetime] = field(default_factory=list)
    arrived: Stores = field(default_factory=Stores)


def trend(
    item: Labelled,
    kind: str,
    keys: Collection[tuple[str, ...]],
    snapshots: Snapshots,
    schemas: Mapping[str, KindSchema],
    at: datetime,
    time_zone: str,
    points: int = 14,
    matcher: Matcher | None = None,
) -> dict[tuple[str, ...], Trend]:
    """For each key the value of ``item`` on the last ``points`` days on which a kind that it reads has a batch, up to ``at``.

    A day's value is the last one that was known on it: None where some kind that ``item`` reads was not fresh. Days on which nothing
    came for the key's store have no point. The last value is the one at ``at``. Durations are in seconds, truth is 1 or 0.
    ``matcher`` saves compiling when it is at hand. Raises EvaluationError or SnapshotError.
    """
    matcher = matcher or Matcher(schemas, time_zone)
    since = at - points * SPARSE * timedelta(days=1)
    batches = [batch for read in kinds_read(kind, [item.value], schemas) for batch in snapshots.batches(read, since, at)]
    courses: dict[tuple[str, ...], list[Point]] = {key: [] for key in keys}
    for day in _days(batches, time_zone)[-points:]:
        _add_day(courses, day, lambda asked, moment: matcher.known_values(kind, item.value, asked, snapshots, moment), item.value.type)
    for key, (_, raw) in matcher.known_values(kind, item.value, keys, snapshots, at).items() if batches else ():
        _end(courses[key], (at, _number(raw, item.value.type)))
    return {key: Trend(item.label, tuple(course), item.value.type, item.unit) for key, course in courses.items()}


def _days(batches: Iterable[Batch], time_zone: str) -> list[_Day]:
    """The days of the batches, oldest first. An instant at midnight belongs to the day that it ends."""
    zone = ZoneInfo(time_zone)
    days: defaultdict[date, _Day] = defaultdict(_Day)
    told: defaultdict[tuple[date, str], Stores] = defaultdict(Stores)
    for batch in sorted(batches, key=lambda batch: batch.as_of, reverse=True):
        date_ = (batch.as_of - MOMENT).astimezone(zone).date()
        day = days[date_]
        if batch.scope - told[date_, batch.kind] and batch.as_of not in day.instants:
            day.instants.append(batch.as_of)
        told[date_, batch.kind] |= batch.scope
        day.arrived |= batch.scope
    return [days[date_] for date_ in sorted(days)]


def _add_day(courses: Mapping[tuple[str, ...], list[Point]], day: _Day, known_at: KnownAt, type_: Type) -> None:
    """Gives every course the day's point, unless nothing came for the key's store."""
    found: dict[tuple[str, ...], Point | None] = {}
    for moment in day.instants:
        if waiting := courses.keys() - found.keys():
            for key, (store, value) in known_at(waiting, moment).items():
                found[key] = (moment, _number(value, type_)) if store in day.arrived else None
    for key, course in courses.items():
        point = found.get(key, (day.instants[0], None))
        course.extend([point] if point else [])


def shown_now(
    rule: AlertRule, keys: Collection[tuple[str, ...]], matcher: Matcher, snapshots: Snapshots, at: datetime
) -> dict[tuple[str, ...], tuple[Shown, ...]]:
    """The rule's shown values for rows with these keys, matching or not; rows that are gone are left out.

    Raises EvaluationError or SnapshotError.
    """
    columns = [matcher.values(rule.kind, item.value, keys, snapshots, at) for item in rule.show]
    there = [key for key in keys if any(key in column for column in columns)]
    return {key: shown_values(rule.show, [column.get(key) for column in columns]) for key in there}


def _end(course: list[Point], now: Point) -> None:
    """Puts what is known now in the place of the last day's value, which is of the same data; a last day without one stays a gap."""
    if course and (course[-1][1] is not None or now[1] is None):
        course.pop()
    course.append(now)


def _number(value: Raw, type_: Type) -> float | None:
    match plain_value(value, type_):
        case timedelta() as span:
            return span.total_seconds()
        case bool() | int() | float() | Decimal() as number:
            return float(number)
        case _:
            return None
