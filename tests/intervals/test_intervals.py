"""Named stretches of local time: what is in them, and when they change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from typer.testing import CliRunner

from engine.cli.init import copy_starter
from engine.cli.main import app
from engine.intervals import IntervalModel, TimeInterval, interval_of, unknown_days
from engine.yamlfile import BilingualError

SHANGHAI = "Asia/Shanghai"
MINUTE = timedelta(minutes=1)


def interval(*parts: dict[str, object], time_zone: str = SHANGHAI) -> TimeInterval:
    return interval_of([IntervalModel.model_validate(part) for part in parts], time_zone)


def local(text: str, time_zone: str = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(time_zone)).astimezone(UTC)


NIGHT = {"times": ["22:00..08:00"]}
FRIDAY_NIGHT = {"weekdays": ["fri"], "times": ["22:00..08:00"]}
FREEZE = {"dates": ["2026-10-31T20:00..2026-11-12T00:00"]}
EVERY_YEAR = {"dates": ["11-01..11-12"]}
CASES = [
    ("night begins", NIGHT, "2026-11-20 22:00", True),
    ("a night's end is not in it", NIGHT, "2026-11-20 08:00", False),
    ("small hours", NIGHT, "2026-11-20 07:59:59", True),
    ("midday", NIGHT, "2026-11-20 12:00", False),
    ("friday night", FRIDAY_NIGHT, "2026-11-20 23:00", True),
    ("a night belongs to the day it begins on", FRIDAY_NIGHT, "2026-11-21 03:00", True),
    ("friday's small hours are thursday's night", FRIDAY_NIGHT, "2026-11-20 03:00", False),
    ("to midnight", {"times": ["18:00..24:00"]}, "2026-11-20 23:59", True),
    ("weekdays", {"weekdays": ["mon..fri"]}, "2026-11-20 12:00", True),
    ("weekend", {"weekdays": ["mon..fri"]}, "2026-11-21 12:00", False),
    ("weekdays round the end", {"weekdays": ["saturday..mon"]}, "2026-11-23 12:00", True),
    ("last day of the month", {"days_of_month": [-1]}, "2026-02-28 12:00", True),
    ("last day of a leap month", {"days_of_month": [-1]}, "2028-02-28 12:00", False),
    ("from the 25th to the last", {"days_of_month": ["25..-1"]}, "2026-11-30 12:00", True),
    ("first days", {"days_of_month": ["1..3"]}, "2026-11-04 00:00", False),
    ("months round the year", {"months": ["nov..2"]}, "2026-01-31 12:00", True),
    ("years", {"years": [2026, "2028..2029"]}, "2027-01-01 00:00", False),
    ("freeze begins", FREEZE, "2026-10-31 20:00", True),
    ("before the freeze", FREEZE, "2026-10-31 19:59", False),
    ("freeze ends", FREEZE, "2026-11-12 00:00", False),
    ("every year, last day", EVERY_YEAR, "2031-11-12 23:59", True),
    ("every year, day after", EVERY_YEAR, "2031-11-13 00:00", False),
    ("round the year's end", {"dates": ["12-25..01-05"]}, "2027-01-05 23:00", True),
    ("29 February", {"dates": ["02-29"]}, "2027-03-01 00:00", False),
    ("every year at a time", {"dates": ["11-10 20:00..11-12 00:00"]}, "2027-11-10 19:59", False),
    ("a night that begins in the freeze", EVERY_YEAR | NIGHT, "2026-11-13 03:00", True),
    ("all must hold", FREEZE | {"times": ["09:00..18:00"]}, "2026-11-05 20:00", False),
    ("national day", {"holidays": "cn"}, "2026-10-01 12:00", True),
    ("a plain sunday is no holiday", {"holidays": "cn"}, "2026-11-22 12:00", False),
    ("a plain sunday is off", {"days_off": "cn"}, "2026-11-22 12:00", True),
    ("a sunday worked to make up for a holiday", {"workdays": "cn"}, "2026-09-20 12:00", True),
    ("which is not off", {"days_off": "cn"}, "2026-09-20 12:00", False),
    ("a monday of a holiday", {"workdays": "cn"}, "2026-10-05 12:00", False),
]


@pytest.mark.parametrize(("part", "at", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_contains(part: dict[str, object], at: str, expected: bool) -> None:
    assert interval(part).contains(local(at)) is expected


def test_parts_add_up() -> None:
    both = interval({"weekdays": ["sat", "sun"]}, NIGHT)
    assert both.contains(local("2026-11-21 12:00"))
    assert both.contains(local("2026-11-20 23:00"))
    assert not both.contains(local("2026-11-20 12:00"))


def test_a_part_has_its_own_time_zone() -> None:
    assert interval({"times": ["22:00..23:00"], "time_zone": "America/New_York"}).contains(local("2026-11-20 22:30", "America/New_York"))


@pytest.mark.parametrize(
    ("parts", "after", "expected"),
    [
        ([NIGHT], "2026-11-20 12:00", "2026-11-20 22:00"),
        ([NIGHT], "2026-11-20 22:00", "2026-11-21 08:00"),
        ([FREEZE], "2026-01-01 00:00", "2026-10-31 20:00"),
        ([FREEZE], "2026-11-12 00:00", None),
        ([{"dates": ["02-29"]}], "2024-03-01 00:00", "2028-02-29 00:00"),
        ([{"years": [2027]}], "2026-11-22 12:00", "2027-01-01 00:00"),
        ([{"times": ["09:00..18:00"]}, {"times": ["18:00..20:00"]}], "2026-11-20 10:00", "2026-11-20 20:00"),
        ([{"times": ["08:00..20:00"]}, {"times": ["20:00..08:00"]}], "2026-11-20 10:00", None),
    ],
)
def test_next_change(parts: list[dict[str, object]], after: str, expected: str | None) -> None:
    assert interval(*parts).next_change(local(after)) == (local(expected) if expected else None)


@pytest.mark.parametrize(
    ("part", "after", "changes"),
    [
        # 02:30 does not exist on 29 March: the interval begins with the clocks' jump to 03:00
        ({"times": ["02:30..04:00"]}, "2026-03-28T12:00:00+00:00", ["2026-03-29T01:00:00+00:00", "2026-03-29T02:00:00+00:00"]),
        ({"times": ["02:15..02:45"]}, "2026-03-29T00:00:00+00:00", ["2026-03-30T00:15:00+00:00", "2026-03-30T00:45:00+00:00"]),
        # 02:00 to 03:00 comes twice on 25 October
        (
            {"times": ["02:15..02:45"]},
            "2026-10-24T12:00:00+00:00",
            ["2026-10-25T00:15:00+00:00", "2026-10-25T00:45:00+00:00", "2026-10-25T01:15:00+00:00", "2026-10-25T01:45:00+00:00"],
        ),
    ],
)
def test_when_the_clocks_change(part: dict[str, object], after: str, changes: list[str]) -> None:
    berlin, instant = interval(part, time_zone="Europe/Berlin"), datetime.fromisoformat(after)
    for change in changes:
        found = berlin.next_change(instant)
        assert found == datetime.fromisoformat(change)
        instant = found


def test_years_that_nobody_has_published_are_told_and_have_only_weekends() -> None:
    part = IntervalModel.model_validate({"workdays": "cn"})
    assert unknown_days([part], local("2026-12-31 12:00").date()) == ()
    (calendar,) = unknown_days([part], local("2040-10-01 12:00").date())
    assert (calendar.country, calendar.package) == ("cn", "chinesecalendar")
    assert interval_of([part], SHANGHAI).contains(local("2040-10-01 12:00"))  # a Monday, and a holiday surely, but who knows


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("times", "22:00"),
        ("times", "22:00..22:00"),
        ("times", "24:00..08:00"),
        ("times", "9..18"),
        ("times", 22),
        ("weekdays", "fr"),
        ("weekdays", "monday:friday"),
        ("days_of_month", 0),
        ("days_of_month", 32),
        ("days_of_month", "5..1"),
        ("days_of_month", True),
        ("months", 13),
        ("years", "2027..2026"),
        ("dates", "2026-02-29"),
        ("dates", "2026-11-12..11-13"),
        ("dates", "2026-11-12..2026-11-11"),
        ("dates", "11-11 10:00..11-11 10:00"),
        ("dates", "11.11"),
    ],
)
def test_what_is_no_range_is_refused_with_a_hint(key: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        IntervalModel.model_validate({key: [value]})
    (error,) = caught.value.errors()
    bilingual = error["ctx"]["error"]
    assert isinstance(bilingual, BilingualError)
    assert bilingual.hint is not None


TIMES = st.tuples(st.integers(0, 95), st.integers(0, 96)).filter(lambda pair: pair[0] != pair[1])


@st.composite
def parts(draw: st.DrawFn) -> dict[str, object]:
    """Parts whose changes are at quarters of hours, most of them within a few days of the year's strangest nights."""
    part: dict[str, object] = {}
    clock = "{:02}:{:02}".format
    if draw(st.booleans()):
        part["times"] = [
            f"{clock(*divmod(a * 15, 60))}..{clock(*divmod(b * 15, 60))}" for a, b in draw(st.lists(TIMES, min_size=1, max_size=2))
        ]
    if draw(st.booleans()):
        part["weekdays"] = draw(st.lists(st.sampled_from(["mon", "tue..thu", "sat", "sun", "fri..mon"]), min_size=1, max_size=2))
    if draw(st.booleans()):
        part["days_of_month"] = draw(st.lists(st.sampled_from([1, -1, "20..-1", "25..28", "-7..-2"]), min_size=1, max_size=2))
    if draw(st.booleans()):
        some = ["03-28..03-30", "2026-10-24T23:30..2026-10-25T02:30", "2026-10-25", "03-29 01:15..03-29 05:00", "10-20..03-29"]
        part["dates"] = draw(st.lists(st.sampled_from(some), min_size=1, max_size=2))
    if draw(st.booleans()):
        part["time_zone"] = draw(st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tehran", SHANGHAI]))
    return part if part.keys() - {"time_zone"} else part | {"months": ["mar..oct"]}


@settings(max_examples=120, deadline=None)
@example([{"times": ["01:45..01:30"], "days_of_month": ["25..28"], "dates": ["03-29 01:15..03-29 05:00"]}], "2026-03-28T00:00", 0)
@given(
    st.lists(parts(), min_size=1, max_size=2),
    st.sampled_from(["2026-03-28T00:00", "2026-10-24T12:00", "2026-04-04T06:00", "2026-03-21T06:00"]),
    st.integers(0, 600),
)
def test_next_change_is_what_a_scan_minute_by_minute_finds(written: list[dict[str, object]], start: str, offset: int) -> None:
    asked = interval(*written, time_zone="Europe/Berlin")
    after = datetime.fromisoformat(start).replace(tzinfo=UTC) + offset * MINUTE
    now = asked.contains(after)
    scanned = next((after + n * MINUTE for n in range(1, 2 * 24 * 60) if asked.contains(after + n * MINUTE) is not now), None)
    found = asked.next_change(after)
    if scanned:
        assert found == scanned
    else:
        assert found is None or found >= after + 2 * 24 * 60 * MINUTE


def test_check_says_when_public_holidays_will_be_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copy_starter(tmp_path / "shop")
    path = tmp_path / "shop" / "channels.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "\ntime_intervals:\n  office: [{workdays: cn}]\n", encoding="utf-8")
    for today, warned in (("2026-06-01", False), ("2040-01-01", True)):
        monkeypatch.setattr("engine.cli.check.clock", lambda today=today: local(f"{today} 12:00"))
        result = CliRunner().invoke(app, ["--project", str(tmp_path / "shop"), "--lang", "en", "check"])
        assert result.exit_code == 0, result.output
        assert ("time interval 'office': public holidays are known until" in result.output) is warned
