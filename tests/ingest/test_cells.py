"""Cells as real exports have them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from engine.errors import Text
from engine.facts import Alias, Column
from engine.ingest.cells import BadCell, Cell, cell_parser, parse_as_of
from engine.model import Type

SHANGHAI = ZoneInfo("Asia/Shanghai")
STATUS = {"paid": ("买家已付款", "等待卖家发货", "买家已付款,等待卖家发货"), "done": ("交易成功",)}


def read(type_: Type, text: str, *, in_: str = "", part: str = "", is_id: bool = False, values: bool = False) -> Cell:
    column = Column("x", type_, Text.same("x"), values=STATUS if values else {})
    return cell_parser(column, Alias("x", in_, part), SHANGHAI, is_id=is_id)(text)  # type: ignore[arg-type]


def utc(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]


@pytest.mark.parametrize("type_", list(Type))
@pytest.mark.parametrize("text", ["", " ", "-", "--", "—", "null", "NULL", "'null", "'", '=""', "\u00a0", "\u200b", "N/A", "nan", "None"])
def test_missing_in_all_its_dresses(type_: Type, text: str) -> None:
    assert read(type_, text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('="3515463214576843210"', "3515463214576843210"),
        ("'18612345678", "18612345678"),
        ("\t3515463214576843210\t", "3515463214576843210"),
        (" 3515463214576843210\u00a0", "3515463214576843210"),
        ("３５１５", "3515"),
        ("0012", "0012"),
        ("A\u200b1", "A1"),
    ],
)
def test_identifiers(text: str, value: str) -> None:
    assert read(Type.STRING, text, is_id=True) == value


@pytest.mark.parametrize("text", ["3.51546321457684E+18", "3.5154632145768433e+18", "3.51546E+18", "1E+12"])
def test_a_long_number_that_went_through_a_float_is_no_identifier(text: str) -> None:
    with pytest.raises(BadCell, match="lost_precision"):
        read(Type.STRING, text, is_id=True)


def test_titles_keep_their_full_width_punctuation() -> None:
    assert read(Type.STRING, " 面霜５０ｇ（补水），包邮 ") == "面霜５０ｇ（补水），包邮"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("34,895.00", "34895"),
        ("1,234,567.8", "1234567.8"),
        ("¥12.50", "12.5"),
        ("￥12.50", "12.5"),
        ("¥ 12.50", "12.5"),
        ("12.5元", "12.5"),
        ("１２．５", "12.5"),
        ("-3.2", "-3.2"),
        ("+3", "3"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1.2e3", "1200"),
        ("0.00005", "0.0001"),
    ],
)
def test_money(text: str, value: str) -> None:
    assert read(Type.MONEY, text) == Decimal(value)


@pytest.mark.parametrize("text", ["12,34", "1,2345", "abc", "12.5.3", "1 2 x", "(12)", "∞", "=1+1", "12元角", "1e999", "0x10", "٣"])
def test_not_money(text: str) -> None:
    with pytest.raises(BadCell, match="bad_number"):
        read(Type.MONEY, text)


def test_cents() -> None:
    assert read(Type.MONEY, "123456", in_="cents") == Decimal("1234.56")
    with pytest.raises(BadCell, match="not_whole_cents"):
        read(Type.MONEY, "1234.56", in_="cents")


@pytest.mark.parametrize("text", ["123456789012345", "1e15"])
def test_what_does_not_fit_is_not_rounded(text: str) -> None:
    with pytest.raises(BadCell, match="too_large"):
        read(Type.MONEY, text)


@pytest.mark.parametrize(
    ("text", "in_", "value"),
    [
        ("0.43%", "", "0.0043"),
        ("0.03331", "", "0.03331"),
        ("3.331", "percent", "0.03331"),
        ("95％", "", "0.95"),
        ("4.5%", "percent", "0.045"),
    ],
)
def test_rates(text: str, in_: str, value: str) -> None:
    assert read(Type.PERCENT, text, in_=in_) == Decimal(value)


@pytest.mark.parametrize(("text", "value"), [("1,024", 1024), ("3.0", 3), ("-2", -2), ("9223372036854775807", 2**63 - 1)])
def test_integers(text: str, value: int) -> None:
    assert read(Type.INTEGER, text) == value


@pytest.mark.parametrize(
    ("text", "code"), [("3.5", "not_integer"), ("30%", "not_integer"), ("9223372036854775808", "too_large"), ("三", "bad_number")]
)
def test_not_integers(text: str, code: str) -> None:
    with pytest.raises(BadCell, match=code):
        read(Type.INTEGER, text)


@pytest.mark.parametrize("text", ["是", "Y", "yes", "1", "TRUE", "True", "１"])
def test_yes(text: str) -> None:
    assert read(Type.BOOLEAN, text) is True


@pytest.mark.parametrize("text", ["否", "N", "no", "0", "FALSE", "false"])
def test_no(text: str) -> None:
    assert read(Type.BOOLEAN, text) is False


def test_maybe() -> None:
    with pytest.raises(BadCell, match="bad_boolean"):
        read(Type.BOOLEAN, "也许")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20 10:00:01",
        "2026-11-20T10:00:01",
        "2026/11/20 10:00:01",
        "2026/11/20  10:00:01",
        "2026.11.20 10:00:01",
        "2026年11月20日 10:00:01",
        "2026年11月20日10时00分01秒",
        "２０２６-１１-２０ １０：００：０１",
        "20261120100001",
        "2026-11-20T02:00:01Z",
        "2026-11-20 02:00:01+00:00",
        "2026-11-19T21:00:01-0500",
        "1795140001",
        "1795140001000",
        "46346.4166782407",
    ],
)
def test_one_time_in_many_dresses(text: str) -> None:
    assert read(Type.TIMESTAMP, text) == utc(2026, 11, 20, 2, 0, 1)


def test_times_keep_their_fraction() -> None:
    assert read(Type.TIMESTAMP, "2026-11-20 10:00:01.25") == utc(2026, 11, 20, 2, 0, 1, 250000)
    assert read(Type.TIMESTAMP, "1795140001250") == utc(2026, 11, 20, 2, 0, 1, 250000)


@pytest.mark.parametrize("text", ["2026-1-2", "2026/1/2", "2026年1月2日", "20260102", "46024"])
def test_a_day_is_its_first_second(text: str) -> None:
    assert read(Type.TIMESTAMP, text) == utc(2026, 1, 1, 16)
    assert read(Type.DATE, text) == date(2026, 1, 2)


@pytest.mark.parametrize(
    "text",
    ["2026-02-30", "2026-13-01", "11/20/2026", "yesterday", "2026-11-20 25:00", "0000-00-00 00:00:00", "123", "0001-01-01", "26-11-20"],
)
def test_not_a_time(text: str) -> None:
    with pytest.raises(BadCell, match="bad_time"):
        read(Type.TIMESTAMP, text)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-03-23 00:00:00-2026-03-31 23:59:59", utc(2026, 3, 22, 16), utc(2026, 3, 31, 15, 59, 59)),
        ("2026-03-23 00:00:00 ~ 2026-03-31 23:59:59", utc(2026, 3, 22, 16), utc(2026, 3, 31, 15, 59, 59)),
        ("2026-03-23 00:00:00至2026-03-31 23:59:59", utc(2026, 3, 22, 16), utc(2026, 3, 31, 15, 59, 59)),
        ("起：2026-03-23 00:00:00\n止：2026-03-31 23:59:59", utc(2026, 3, 22, 16), utc(2026, 3, 31, 15, 59, 59)),
        ("起：2026-03-23 00:00:00\n止：", utc(2026, 3, 22, 16), None),
        ("2026/03/23-2026/03/31", utc(2026, 3, 22, 16), utc(2026, 3, 31, 15, 59, 59)),
        ("2026-03-23-2026-03-31", utc(2026, 3, 22, 16), utc(2026, 3, 31, 15, 59, 59)),
        ("2026-03-23", utc(2026, 3, 22, 16), utc(2026, 3, 23, 15, 59, 59)),
    ],
)
def test_two_times_in_a_cell(text: str, start: datetime | None, end: datetime | None) -> None:
    assert read(Type.TIMESTAMP, text, part="start") == start
    assert read(Type.TIMESTAMP, text, part="end") == end


@pytest.mark.parametrize("text", ["长期有效", "2026-03-23 10:00:00", "2026-03-23-2026-03-24-2026-03-25"])
def test_not_two_times(text: str) -> None:
    with pytest.raises(BadCell, match="bad_range"):
        read(Type.TIMESTAMP, text, part="end")


def test_unknown_values_offer_what_is_near() -> None:
    assert read(Type.STRING, "买家已付款，等待卖家发货", values=True) == "paid"
    assert read(Type.STRING, "done", values=True) == "done"
    with pytest.raises(BadCell, match="unknown_value") as caught:
        read(Type.STRING, "交易成", values=True)
    assert caught.value.hint and "交易成功" in caught.value.hint.zh


@pytest.mark.parametrize(
    ("text", "in_", "seconds"),
    [
        ("01:02:03", "", 3723),
        ("26:00:00", "", 93600),
        ("1小时20分", "", 4800),
        ("90m", "", 5400),
        ("2天", "", 172800),
        ("45", "seconds", 45),
        ("1.5", "hours", 5400),
    ],
)
def test_durations(text: str, in_: str, seconds: int) -> None:
    assert read(Type.DURATION, text, in_=in_) == seconds * 1_000_000


@pytest.mark.parametrize("text", ["45", "soon", "1:2"])
def test_a_plain_number_is_no_duration(text: str) -> None:
    with pytest.raises(BadCell, match="bad_duration"):
        read(Type.DURATION, text)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-20", datetime(2026, 11, 20, 16)),
        ("20261120", datetime(2026, 11, 20, 16)),
        ("2026-11-20 18:30:00.9", datetime(2026, 11, 20, 10, 30)),
        ("2026-11-20T18:30:00Z", datetime(2026, 11, 20, 18, 30)),
    ],
)
def test_a_day_is_known_when_it_is_over(text: str, instant: datetime) -> None:
    assert parse_as_of(text, SHANGHAI) == instant


def test_days_end_when_they_end_there() -> None:
    """The day on which clocks were put forward in São Paulo began at one o'clock and had 23 hours."""
    assert parse_as_of("2017-10-14", ZoneInfo("America/Sao_Paulo")).replace(tzinfo=UTC) == datetime(2017, 10, 15, 3, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-11-20 00:00:00", "2026-11-20T00:00:00.000", "2026/11/20 0:00", "46346"])
def test_a_date_cell_counts_as_a_day(text: str) -> None:
    """What spreadsheets, databases and JSON make of a date without a time."""
    assert parse_as_of(text, SHANGHAI) == parse_as_of("2026-11-20", SHANGHAI) == datetime(2026, 11, 20, 16)


@pytest.mark.parametrize("text", ["2026-11-20T00:00:00Z", "2026-11-20 00:00:01"])
def test_an_instant_is_not_a_day(text: str) -> None:
    assert parse_as_of(text, SHANGHAI) < datetime(2026, 11, 20, 1)


@pytest.mark.parametrize("text", ["9999-12-31", "0001-01-01", "3000-01-01T00:00:00", "1969-12-31"])
def test_a_year_that_no_export_is_of(text: str) -> None:
    with pytest.raises(BadCell, match="bad_year"):
        parse_as_of(text, SHANGHAI)
