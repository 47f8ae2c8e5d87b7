"""Every instant of a schedule, as docs/daemon.md says: summer time both ways, leap day, month end, and what is due after a stop."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.cron import CronTrigger

from engine.intervals import IntervalModel, interval_of
from engine.schedules import Schedule, Timetable

NEW_YORK, BERLIN, SHANGHAI = "America/New_York", "Europe/Berlin", "Asia/Shanghai"
EPOCH = datetime(2001, 1, 1, tzinfo=UTC)


def timetable(zone: str, **options: object) -> Timetable:
    return Timetable("s", Schedule.model_validate(options), ZoneInfo(zone))


def local(zone: str, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def first(zone: str, options: dict[str, object], after: str, count: int) -> list[str]:
    table, found, at = timetable(zone, **options), [], local(zone, after)
    for _ in range(count):
        following = table.next_after(at)
        assert following is not None
        at = following
        found.append(at.astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M%z"))
    return found


CASES: list[tuple[str, str, dict[str, object], str, Sequence[str]]] = [
    ("forward: a time that does not exist", NEW_YORK, {"cron": "30 2 * * *"}, "2026-03-07T12:00", ["03-08 03:30-0400", "03-09 02:30-0400"]),
    ("forward: another zone", BERLIN, {"cron": "30 2 * * *"}, "2026-03-28T12:00", ["03-29 03:30+0200", "03-30 02:30+0200"]),
    (
        "forward: every half hour goes on",
        NEW_YORK,
        {"cron": "*/30 * * * *"},
        "2026-03-08T01:00",
        ["03-08 01:30-0500", "03-08 03:00-0400", "03-08 03:30-0400", "03-08 04:00-0400"],
    ),
    (
        "forward: named hours, none twice",
        NEW_YORK,
        {"cron": "0,30 1-3 * * *"},
        "2026-03-08T01:00",
        ["03-08 01:30-0500", "03-08 03:00-0400", "03-08 03:30-0400", "03-09 01:00-0400"],
    ),
    ("back: a time that comes twice", NEW_YORK, {"cron": "30 1 * * *"}, "2026-10-31T12:00", ["11-01 01:30-0400", "11-02 01:30-0500"]),
    ("back: another zone", BERLIN, {"cron": "30 2 * * *"}, "2026-10-24T12:00", ["10-25 02:30+0200", "10-26 02:30+0100"]),
    (
        "back: every half hour goes on",
        NEW_YORK,
        {"cron": "*/30 * * * *"},
        "2026-11-01T00:30",
        ["11-01 01:00-0400", "11-01 01:30-0400", "11-01 01:00-0500", "11-01 01:30-0500", "11-01 02:00-0500"],
    ),
    (
        "back: named hours count once",
        NEW_YORK,
        {"cron": "0,30 1-2 * * *"},
        "2026-11-01T00:30",
        ["11-01 01:00-0400", "11-01 01:30-0400", "11-01 02:00-0500", "11-01 02:30-0500"],
    ),
    (
        "every is elapsed time, forward",
        NEW_YORK,
        {"every": "6h"},
        "2026-03-07T23:00",
        ["03-08 00:00-0500", "03-08 07:00-0400", "03-08 13:00-0400"],
    ),
    (
        "every is elapsed time, back",
        BERLIN,
        {"every": "12h"},
        "2026-10-24T12:30",
        ["10-24 13:00+0200", "10-25 01:00+0200", "10-25 12:00+0100"],
    ),
    ("every day begins at midnight", SHANGHAI, {"every": "1d"}, "2026-11-20T12:00", ["11-21 00:00+0800", "11-22 00:00+0800"]),
    ("weeks begin on Monday", SHANGHAI, {"every": "1w"}, "2026-11-20T12:00", ["11-23 00:00+0800", "11-30 00:00+0800"]),
    ("no summer time", SHANGHAI, {"cron": "30 9 * * *"}, "2026-03-08T00:00", ["03-08 09:30+0800", "03-09 09:30+0800"]),
    ("leap day", SHANGHAI, {"cron": "0 9 29 2 *"}, "2026-11-20T12:00", ["02-29 09:00+0800", "02-29 09:00+0800"]),
    ("month end", SHANGHAI, {"cron": "0 18 last * *"}, "2027-01-15T12:00", ["01-31 18:00+0800", "02-28 18:00+0800", "03-31 18:00+0800"]),
    ("the 31st", SHANGHAI, {"cron": "0 9 31 * *"}, "2026-11-20T12:00", ["12-31 09:00+0800", "01-31 09:00+0800", "03-31 09:00+0800"]),
    ("weekdays as cron counts them", SHANGHAI, {"cron": "0 9 * * 1-5"}, "2026-11-20T12:00", ["11-23 09:00+0800", "11-24 09:00+0800"]),
    ("zone of its own", SHANGHAI, {"cron": "0 9 * * *", "time_zone": BERLIN}, "2026-11-20T00:00", ["11-20 16:00+0800", "11-21 16:00+0800"]),
    ("a day that was left out", "Pacific/Apia", {"cron": "0 9 * * *"}, "2011-12-29T12:00", ["12-31 09:00+1400", "01-01 09:00+1400"]),
]


@pytest.mark.parametrize(("zone", "options", "after", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_instants(zone: str, options: dict[str, object], after: str, expected: Sequence[str]) -> None:
    assert first(zone, options, after, len(expected)) == list(expected)


def test_why_apscheduler_is_asked_in_utc() -> None:
    """When this fails, a newer APScheduler may be asked in the schedule's own zone."""
    trigger, at = CronTrigger(hour=1, minute=30, timezone=ZoneInfo(NEW_YORK)), local(NEW_YORK, "2026-11-01T00:00")
    first = trigger.get_next_fire_time(None, at)
    second = trigger.get_next_fire_time(first, first)
    assert (first.isoformat(), second.isoformat()) == ("2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00"), "twice in one night"


@pytest.mark.parametrize("zone", [NEW_YORK, BERLIN, SHANGHAI, "Australia/Lord_Howe"])
@pytest.mark.parametrize("cron", ["*/7 * * * *", "*/30 1-3 * * *", "15 2 * * *", "0 */2 * * *"])
def test_asking_from_anywhere_gives_the_same_instants_in_order(zone: str, cron: str) -> None:
    table, dice = timetable(zone, cron=cron), random.Random(5)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    year = list(table.between(start, start + timedelta(days=366)))
    assert year == sorted(set(year))
    for place in dice.sample(range(len(year) - 1), 50):
        between = year[place] + (year[place + 1] - year[place]) * (dice.random() * 0.99)
        assert table.next_after(year[place]) == table.next_after(between) == year[place + 1]


def due(missed: str, after: str, now: str, awake: str = "2026-11-20T00:00", **options: object) -> list[str]:
    table = timetable(SHANGHAI, missed=missed, **({"every": "1h"} | options))
    found = table.due(local(SHANGHAI, after), local(SHANGHAI, now), local(SHANGHAI, awake))
    return [instant.astimezone(ZoneInfo(SHANGHAI)).strftime("%H:%M") for instant in found]


@pytest.mark.parametrize(
    ("missed", "awake", "expected"),
    [
        ("each", "2026-11-20T12:30", ["10:00", "11:00", "12:00"]),
        ("latest", "2026-11-20T12:30", ["12:00"]),
        ("skip", "2026-11-20T12:30", []),
        ("skip", "2026-11-20T11:30", ["12:00"]),
        ("skip", "2026-11-20T12:00", ["12:00"]),
    ],
)
def test_after_a_stop(missed: str, awake: str, expected: list[str]) -> None:
    assert due(missed, "2026-11-20T09:00", "2026-11-20T12:31", awake) == expected


@pytest.mark.parametrize("missed", ["each", "latest", "skip"])
def test_nothing_is_due_twice_or_when_the_clock_was_set_back(missed: str) -> None:
    assert due(missed, "2026-11-20T12:00", "2026-11-20T12:59") == []
    assert due(missed, "2026-11-20T12:00", "2026-11-20T09:30") == []


def test_a_year_of_missed_instants_is_folded_at_once() -> None:
    assert due("latest", "2025-11-20T00:00", "2026-11-20T12:00", every="1s") == ["12:00"]
    assert due("latest", "2020-11-20T00:00", "2026-11-20T12:00", every=None, cron="0 9 29 2 *") == ["09:00"]


def test_jitter_delays_the_start_and_not_the_instant() -> None:
    table = timetable(SHANGHAI, every="1h", jitter="10m")
    instants = list(islice(table.between(EPOCH, EPOCH + timedelta(days=9)), 200))
    delays = [table.starts(instant) - instant for instant in instants]
    assert all(timedelta(0) <= delay < timedelta(minutes=10) for delay in delays)
    assert len(set(delays)) > 100
    assert delays == [timetable(SHANGHAI, every="1h", jitter="10m").starts(instant) - instant for instant in instants]
    for before, instant in zip(instants, instants[1:], strict=False):
        starts = table.starts(instant)
        assert table.wakes(instant) == starts
        just_before = list(table.due(before, starts - timedelta(microseconds=1), EPOCH))
        assert just_before == []
        assert list(table.due(before, starts, EPOCH)) == [instant]


def test_a_blackout_is_left_out_and_what_lands_in_it_waits_for_its_end() -> None:
    nights = interval_of([IntervalModel.model_validate({"times": ["20:00..08:00"]})], SHANGHAI)
    mornings = interval_of([IntervalModel.model_validate({"times": ["07:00..09:00"]})], SHANGHAI)
    table = Timetable("s", Schedule.model_validate({"every": "6h"}), ZoneInfo(SHANGHAI), (nights, mornings))
    assert table.next_after(local(SHANGHAI, "2026-11-20T18:00")) == local(SHANGHAI, "2026-11-21T12:00")
    assert table.permitted_from(local(SHANGHAI, "2026-11-20T23:30")) == local(SHANGHAI, "2026-11-21T09:00")
    assert table.permitted_from(local(SHANGHAI, "2026-11-20T12:30")) == local(SHANGHAI, "2026-11-20T12:30")
    assert list(table.due(local(SHANGHAI, "2026-11-20T12:00"), local(SHANGHAI, "2026-11-21T11:00"), EPOCH)) == [
        local(SHANGHAI, "2026-11-20T18:00")
    ]
