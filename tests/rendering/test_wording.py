"""How values are written, in both languages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from string import Formatter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import LANGUAGES
from engine.model import Reason, Severity, Type, Value
from engine.wording import PHRASES, REASONS, SEVERITIES, Writer, clean_lines, zone_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)

WRITTEN: list[tuple[Value, Type, str, str, str]] = [
    (Decimal("4.660000"), Type.NUMBER, "分", "4.66 分", "4.66"),
    (Decimal("4.8"), Type.NUMBER, "分", "4.80 分", "4.80"),
    (Decimal("4.699"), Type.NUMBER, "分", "4.699 分", "4.699"),
    (Decimal("4.84568"), Type.NUMBER, "", "4.84568", "4.84568"),
    (4.8456789, Type.NUMBER, "", "4.85", "4.85"),
    (1234567, Type.INTEGER, "单", "1,234,567 单", "1,234,567 orders"),
    (0, Type.INTEGER, "", "0", "0"),
    (-0.0, Type.NUMBER, "", "0", "0"),
    (Decimal("-0.001"), Type.NUMBER, "", "-0.001", "-0.001"),
    (Decimal("1234.5"), Type.MONEY, "元", "¥1,234.50", "¥1,234.50"),
    (Decimal("-30"), Type.MONEY, "元", "-¥30.00", "-¥30.00"),
    (Decimal("0.1250"), Type.MONEY, "CNY", "¥0.125", "¥0.125"),
    (Decimal("99.90"), Type.MONEY, "BRL", "R$99.90", "R$99.90"),
    (Decimal("5"), Type.MONEY, "XAU", "5.00 XAU", "5.00 XAU"),
    (Decimal("0.95"), Type.PERCENT, "", "95%", "95%"),
    (Decimal("0.00431"), Type.PERCENT, "", "0.431%", "0.431%"),
    (1 / 3, Type.PERCENT, "", "33.33%", "33.33%"),
    (True, Type.BOOLEAN, "", "是", "yes"),
    (False, Type.BOOLEAN, "", "否", "no"),
    (NOON, Type.TIMESTAMP, "", "2026-11-20 12:00", "20 Nov 2026, 12:00"),
    (NOON.astimezone(timezone(timedelta(hours=-5))), Type.TIMESTAMP, "", "2026-11-20 12:00", "20 Nov 2026, 12:00"),
    (date(2026, 1, 5), Type.DATE, "", "2026-01-05", "5 Jan 2026"),
    (timedelta(days=2, hours=3, minutes=4), Type.DURATION, "", "2 天 3 小时", "2 days 3 h"),
    (timedelta(days=1, minutes=4), Type.DURATION, "", "1 天", "1 day"),
    (timedelta(hours=-5), Type.DURATION, "", "-5 小时", "-5 h"),
    (timedelta(0), Type.DURATION, "", "0 分钟", "0 min"),
    (timedelta(seconds=30), Type.DURATION, "", "不到 1 分钟", "less than a minute"),
    ("首页\n焦点", Type.STRING, "", "首页 焦点", "首页 焦点"),
    (None, Type.MONEY, "元", "—", "—"),
    ("oops", Type.MONEY, "元", "oops", "oops"),
    (Decimal("NaN"), Type.NUMBER, "", "NaN", "NaN"),
]


@pytest.mark.parametrize(("value", "type_", "unit", "zh", "en"), WRITTEN)
def test_values_are_written(value: Value, type_: Type, unit: str, zh: str, en: str) -> None:
    assert Writer("zh", SHANGHAI).value(value, type_, unit) == zh
    assert Writer("en", SHANGHAI).value(value, type_, unit) == en


@given(
    st.none()
    | st.text(st.characters())
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.booleans()
    | st.datetimes()
    | st.dates()
    | st.timedeltas(),
    st.sampled_from(Type),
    st.text(max_size=8),
    st.sampled_from(LANGUAGES),
)
@settings(deadline=None)
def test_every_value_is_one_short_line(value: Value, type_: Type, unit: str, language: str) -> None:
    written = Writer(language, SHANGHAI).value(value, type_, unit)
    assert written or value == "" or isinstance(value, str)
    assert len(written) <= 330
    assert len(written.splitlines()) <= 1


@given(st.decimals(-(10**9), 10**9, places=4))
def test_exact_numbers_keep_their_digits(value: Decimal) -> None:
    assert Decimal(Writer("en", UTC).number(value).replace(",", "")) == value


def test_the_year_is_left_out_when_it_is_this_one() -> None:
    late = datetime(2026, 12, 31, 17, 0, tzinfo=UTC)
    writer = Writer("zh", SHANGHAI)
    assert writer.datetime(NOON, NOON) == "11-20 12:00"
    assert writer.datetime(late, NOON) == "2027-01-01 01:00", "the year is the one of the time zone"


def test_lines_stay_apart() -> None:
    assert clean_lines("一\r\n二\r三\u2028 \n\x00四\n") == ("一", "二", "三", "四")


def test_every_reason_and_severity_has_words() -> None:
    assert set(REASONS) == set(Reason)
    assert set(SEVERITIES) == set(Severity)


@pytest.mark.parametrize("phrase", PHRASES)
def test_phrases_of_both_languages_take_values_of_the_same_names(phrase: str) -> None:
    zh, en = ({name for _, name, _, _ in Formatter().parse(text) if name} for text in (PHRASES[phrase].zh, PHRASES[phrase].en))
    assert zh <= en | {"since", "duration", "ended"}
    assert en <= zh | {"since", "duration", "ended"}


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "Asia/Shanghai\x00"])
def test_a_time_zone_that_is_none_is_utc(name: str) -> None:
    assert zone_of(name) is UTC
