"""What messages show besides a match: the course of an expression over past days, and present values of rows that no longer match."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from engine.matching.evaluate import Matcher
from engine.matching.results import Raw, plain_value, shown_values
from engine.model import KindSchema, Shown, Trend, Type
from engine.rules import AlertRule, Labelled
from engine.snapshots import Snapshots

MOMENT = timedelta(microseconds=1)
SPARSE = 4  # looks back this many days for each point wanted


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
    """For each key the value of ``item`` on the last ``points`` days that have a batch of ``kind``, up to ``at``.

    A day's value is the one at its last batch, the last value the one at ``at``. Durations are in seconds, truth is 1 or 0.
    ``matcher`` saves compiling when it is at hand. Raises EvaluationError or SnapshotError.
    """
    matcher = matcher or Matcher(schemas, time_zone)
    instants = last_of_days([batch.as_of for batch in snapshots.batches(kind, at - points * SPARSE * timedelta(days=1), at)], time_zone)
    moments = [*instants[-points:-1], at] if instants else []
    courses = [matcher.values(kind, item.value, keys, snapshots, moment) for moment in moments]
    return {
        key: Trend(
            item.label,
            tuple((moment, _number(values.get(key), item.value.type)) for moment, values in zip(moments, courses, strict=True)),
            item.value.type,
            item.unit,
        )
        for key in keys
    }


def shown_now(
    rule: AlertRule, keys: Collection[tuple[str, ...]], matcher: Matcher, snapshots: Snapshots, at: datetime
) -> dict[tuple[str, ...], tuple[Shown, ...]]:
    """The rule's shown values for rows with these keys, matching or not; rows that are gone are left out.

    Raises EvaluationError or SnapshotError.
    """
    columns = [matcher.values(rule.kind, item.value, keys, snapshots, at) for item in rule.show]
    there = [key for key in keys if any(key in column for column in columns)]
    return {key: shown_values(rule.show, [column.get(key) for column in columns]) for key in there}


def last_of_days(instants: Collection[datetime], time_zone: str) -> list[datetime]:
    """The last instant of each day, oldest first. An instant at midnight belongs to the day that it ends."""
    zone = ZoneInfo(time_zone)
    return list({(instant - MOMENT).astimezone(zone).date(): instant for instant in sorted(instants)}.values())


def _number(value: Raw, type_: Type) -> float | None:
    match plain_value(value, type_):
        case timedelta() as span:
            return span.total_seconds()
        case bool() | int() | float() | Decimal() as number:
            return float(number)
        case _:
            return None
