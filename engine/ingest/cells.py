"""One cell at a time: the text of a cell as the value of a column.

Everything is read as text first, so that a 19-digit number never passes through a float. :func:`cell_parser` gives the function for
one column; it returns None for a missing value and raises :class:`BadCell` for what cannot be read. The real exports that taught
each rule are listed in ``docs/ingest.md``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from zoneinfo import ZoneInfo

from engine.errors import Text, UsageError, did_you_mean
from engine.facts import Alias, Column, Facts, normal_heading
from engine.model import Type

Cell = str | int | Decimal | bool | datetime | date | None
ParseCell = Callable[[str], Cell]

SCALES: Mapping[Type, int] = {Type.NUMBER: 6, Type.MONEY: 4, Type.PERCENT: 8}
DIGITS = 18
EXACT_FLOAT = 2**53
FIRST_YEAR, LAST_YEAR = 1970, 2999  # of a batch: a year outside is a slip of the keyboard, or stands for "no date"
MISSING = frozenset({"", "-", "--", "—", "——", "null", "none", "nan", "nat", "n/a", "#n/a", "\\n"})
TRUE = frozenset({"是", "有", "y", "yes", "true", "t", "1", "1.0", "√", "开", "on"})
FALSE = frozenset({"否", "无", "n", "no", "false", "f", "0", "0.0", "×", "关", "off"})
CONVERTED: Mapping[str, Decimal] = {"cents": Decimal("0.01"), "percent": Decimal("0.01")}
SECONDS: Mapping[str, int] = {"seconds": 1, "minutes": 60, "hours": 3600}

_INVISIBLE = {ord(char): None for char in "\u200b\u200c\u200d\u2060\ufeff\u00ad"} | {0xA0: " ", 0x3000: " "}
_NUMBER = re.compile(r"([+-]?)[¥$]?((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?(%?)元?", re.ASCII)
_LOST = re.compile(r"[+-]?\d(?:\.\d+)?[eE]\+?(?:1[1-9]|[2-9]\d)")
_TIME = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[T ]*(\d{1,2})[:时点](\d{1,2})(?:[:分](\d{1,2})(?:\.(\d{1,9}))?秒?|分)?)?"
    r" ?(Z|[+-]\d{2}:?\d{2}(?![-/.年\d]))?",
    re.ASCII,
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2}))?")
_SERIAL = re.compile(r"[1-9]\d{4}(?:\.\d+)?")
_MARKED = re.compile(r"起:?(.*?)止:?(.*)", re.DOTALL)
_CLOCK = re.compile(r"(\d+):(\d{1,2}):(\d{1,2}(?:\.\d+)?)")
_SPELLED = re.compile(r"(?:(\d+)(?:天|d))?(?:(\d+)(?:小时|时|h))?(?:(\d+)(?:分钟|分|m))?(?:(\d+)(?:秒|s))?")
_EXCEL_DAY_ZERO = datetime(1899, 12, 30)


class BadCell(ValueError):
    """A cell that cannot be read as its column. ``code`` is a reason of :data:`engine.ingest.quarantine.REASONS`."""

    def __init__(self, code: str, hint: Text | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.hint = hint


def clean(text: str) -> str:
    """A cell without invisible characters, outer space, and the dress that back-ends put on numbers (``="351"``, ``'186``)."""
    text = text.strip() if text.isascii() else text.translate(_INVISIBLE).strip()
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1].strip()
    return text.removeprefix("'").strip()


def cell_parser(column: Column, alias: Alias, zone: ZoneInfo, *, is_id: bool = False) -> ParseCell:
    """The function that reads cells of ``column`` found under ``alias``; local times are in ``zone``.

    Gives str, int, Decimal, bool, date, or (TIMESTAMP) naive datetime in UTC; a DURATION is int microseconds.
    """
    parse = _parse_of(column, alias, zone, is_id)

    def read(text: str) -> Cell:
        cleaned = clean(text)
        return None if cleaned.casefold() in MISSING else parse(cleaned)

    return read


def _parse_of(column: Column, alias: Alias, zone: ZoneInfo, is_id: bool) -> ParseCell:
    if column.type is Type.STRING:
        return partial(parse_choice, _choices(column)) if column.values else partial(parse_string, is_id=is_id)
    if column.type in SCALES:
        return partial(parse_decimal, type_=column.type, conversion=alias.conversion)
    if column.type is Type.TIMESTAMP:
        return partial(parse_timestamp, zone=zone, part=alias.part)
    if column.type is Type.DATE:
        return partial(parse_day, part=alias.part, zone=zone)
    if column.type is Type.DURATION:
        return partial(parse_microseconds, conversion=alias.conversion)
    return {Type.INTEGER: parse_integer, Type.BOOLEAN: parse_boolean}[column.type]


def parse_string(text: str, *, is_id: bool = False) -> str:
    """The text itself; an identifier in half-width characters. A number that went through a float is refused, it is not the number."""
    if _LOST.fullmatch(text):
        raise BadCell("lost_precision")
    return unicodedata.normalize("NFKC", text) if is_id else text


def _choices(column: Column) -> dict[str, str]:
    return {normal_heading(text): value for value, texts in column.values.items() for text in (value, *texts)}


def parse_choice(choices: Mapping[str, str], text: str) -> str:
    value = choices.get(normal_heading(text))
    if value is None:
        raise BadCell("unknown_value", did_you_mean(text, choices))
    return value


def _number(text: str) -> tuple[Decimal, bool]:
    """The number and whether a percent sign followed it. ``1,234.50``, ``¥12.5``, ``0.43%``, ``1.2e3``, full-width digits."""
    match = _NUMBER.fullmatch(unicodedata.normalize("NFKC", text).replace(" ", ""))
    if not match:
        raise BadCell("bad_number")
    sign, digits, exponent, percent = match.groups()
    return Decimal(sign + digits.replace(",", "") + (exponent or "")), bool(percent)


def parse_decimal(text: str, type_: Type, conversion: str = "") -> Decimal:
    """NUMBER, MONEY or PERCENT, rounded half up to the digits that are stored."""
    value, percent = _number(text)
    if conversion == "cents" and value != value.to_integral_value():
        raise BadCell("not_whole_cents")
    if percent:
        value /= 100
    elif conversion:
        value *= CONVERTED[conversion]
    if abs(value) >= 10 ** (DIGITS - SCALES[type_]):
        raise BadCell("too_large")
    return value.quantize(Decimal(1).scaleb(-SCALES[type_]), ROUND_HALF_UP)


def parse_integer(text: str) -> int:
    value, percent = _number(text)
    if percent or value != value.to_integral_value():
        raise BadCell("not_integer")
    if abs(value) >= 2**63:
        raise BadCell("too_large")
    return int(value)


def parse_boolean(text: str) -> bool:
    folded = unicodedata.normalize("NFKC", text).casefold()
    if folded in TRUE or folded in FALSE:
        return folded in TRUE
    raise BadCell("bad_boolean")


def parse_timestamp(text: str, zone: ZoneInfo, part: str = "") -> datetime | None:
    """Naive datetime in UTC. A date alone is its first second, as the end of a range its last; an end that is left open is None."""
    wall, day_only = _one_end(text, part) if part else _wall(text)
    if wall is None:
        return None
    if day_only and part == "end":
        wall += timedelta(hours=23, minutes=59, seconds=59)
    return to_utc(wall, zone)


def parse_day(text: str, zone: ZoneInfo, part: str = "") -> date | None:
    """The day, in ``zone`` where a time with a zone is written."""
    wall, _ = _one_end(text, part) if part else _wall(text)
    if wall is None:
        return None
    return wall.astimezone(zone).date() if wall.tzinfo else wall.date()


def parse_as_of(text: str, zone: ZoneInfo, part: str = "") -> datetime:
    """Instant of a row's batch, naive in UTC, whole seconds: a day is known when it is over.

    A midnight without a zone is a day: spreadsheets and databases have no other way to write a date cell.
    """
    wall, day_only = _one_end(text, part) if part else _wall(text)
    if wall is None:
        raise BadCell("bad_range")
    is_midnight = not part and wall.tzinfo is None and wall.time() == time()
    return _known_at(wall, day_only or is_midnight, zone)


def parse_instant(text: str, facts: Facts) -> datetime:
    """An instant on the command line: a date (the end of that day), a local time, or a time with a zone; aware, in UTC.

    Raises :class:`UsageError`."""
    try:
        return _known_at(*_wall(text.strip()), facts.zone).replace(tzinfo=UTC)
    except BadCell as fault:
        if fault.code == "bad_year":
            raise UsageError(
                Text(f"{text!r}: the year must be {FIRST_YEAR} to {LAST_YEAR}", f"{text!r}：年份应在 {FIRST_YEAR} 到 {LAST_YEAR} 之间"),
            ) from None
        raise UsageError(
            Text(f"{text!r} is not a date or time", f"{text!r} 不是日期或时间"),
            Text("write it like 2026-11-20 or 2026-11-20T18:00:00 or 2026-11-20T10:00:00Z", "写法如 2026-11-20 或 2026-11-20T18:00:00"),
        ) from None


def _known_at(wall: datetime, is_day: bool, zone: ZoneInfo) -> datetime:
    """When what is dated so is known, naive in UTC. Raises :class:`BadCell` for a year that no export is of."""
    if not FIRST_YEAR <= wall.year <= LAST_YEAR:
        raise BadCell("bad_year")
    return to_utc(wall + timedelta(days=1) if is_day else wall, zone).replace(microsecond=0)


def to_utc(wall: datetime, zone: ZoneInfo) -> datetime:
    try:
        return (wall if wall.tzinfo else wall.replace(tzinfo=zone)).astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        raise BadCell("bad_time") from None


def _wall(text: str) -> tuple[datetime, bool]:
    """A time as written (aware only where a zone is written), and whether it is a day without a time."""
    text = unicodedata.normalize("NFKC", text)
    match = _TIME.fullmatch(text) or _COMPACT.fullmatch(text)
    try:
        if match:
            return _from_match(match)
        if re.fullmatch(r"\d{10}|\d{13}", text):
            return datetime.fromtimestamp(int(text[:10]), UTC) + timedelta(milliseconds=int(text[10:] or 0)), False
        if _SERIAL.fullmatch(text):
            return _from_serial(text)
    except (ValueError, OverflowError):
        raise BadCell("bad_time") from None
    raise BadCell("bad_time")


def _from_match(match: re.Match[str]) -> tuple[datetime, bool]:
    *numbers, fraction, offset = (*match.groups(), None, None)[:8]
    year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
    wall = datetime(year, month, day, hour, minute, second, int((fraction or "0").ljust(6, "0")[:6]))
    if offset:
        written = offset.replace("Z", "+00:00").replace(":", "")
        wall = datetime.strptime(wall.strftime("%Y%m%d%H%M%S.%f") + written, "%Y%m%d%H%M%S.%f%z")
    return wall, not numbers[3]


def _from_serial(text: str) -> tuple[datetime, bool]:
    """Excel's day number, 1900 system; times are kept to the second, which is all the fraction can tell."""
    day, _, fraction = text.partition(".")
    seconds = round(Decimal(f"0.{fraction or 0}") * 86_400)
    return _EXCEL_DAY_ZERO + timedelta(days=int(day), seconds=int(seconds)), not fraction.strip("0")


def _one_end(text: str, part: str) -> tuple[datetime | None, bool]:
    """The start or end of ``2026-03-23 00:00:00-2026-03-31 23:59:59`` or ``起：…\\n止：…``; None where that end is not written."""
    text = unicodedata.normalize("NFKC", text)
    if marked := _MARKED.search(text):
        side = marked.group(1 if part == "start" else 2).strip()
        if side.casefold() in MISSING:
            return None, False
        return _wall(side)
    found = [_from_checked(match) for match in _TIME.finditer(text)]
    if len(found) == 2:
        return found[0 if part == "start" else 1]
    if len(found) == 1 and found[0][1]:
        return found[0]
    raise BadCell("bad_range")


def _from_checked(match: re.Match[str]) -> tuple[datetime, bool]:
    try:
        return _from_match(match)
    except ValueError:
        raise BadCell("bad_time") from None


def parse_microseconds(text: str, conversion: str = "") -> int:
    """A DURATION: ``26:03:04``, ``1小时20分``, ``90m``, or a plain number where its unit is declared."""
    text = unicodedata.normalize("NFKC", text).replace(" ", "")
    if conversion:
        return int(_number(text)[0] * SECONDS[conversion] * 1_000_000)
    if clock := _CLOCK.fullmatch(text):
        hours, minutes, seconds = clock.groups()
        return int((int(hours) * 3600 + int(minutes) * 60 + Decimal(seconds)) * 1_000_000)
    spelled = _SPELLED.fullmatch(text)
    if not spelled:
        raise BadCell("bad_duration")
    days, hours, minutes, seconds = (int(part or 0) for part in spelled.groups())
    return (days * 86_400 + hours * 3_600 + minutes * 60 + seconds) * 1_000_000
