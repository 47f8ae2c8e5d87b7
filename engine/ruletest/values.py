"""What is typed in a test file, as the values that ingest would make of it.

A cell is read from the very characters in the file (``007`` stays ``007``, ``4.850`` is exact, ``否`` is a text or a no, as its column
says) by the reader that ingest uses for the cells of an export. Times may also be relative to a moment: ``now``, ``-50h``, ``now+6h``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from engine.errors import Text
from engine.facts import Alias, Column
from engine.fields import parse_duration
from engine.ingest.cells import BadCell, Cell, cell_parser
from engine.ingest.quarantine import REASONS
from engine.model import Type
from engine.yamlfile import BilingualError, Document, Mark, Path_

WRITTEN = Alias("")
TIMES = (Type.TIMESTAMP, Type.DATE)
MOST_ROWS = 5_000
_RELATIVE = re.compile(r"(?:now|现在)?\s*([+-])\s*(\w+)")
_RANGE = re.compile(r"(.*?)(\d{1,9})\.\.(.*?)(\d{1,9})")


def typed_text(document: Document, path: Path_, value: object) -> str | None:
    """The characters of a scalar as they stand in the file; None for a missing value. Raises BilingualError for a list or mapping."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list | dict):
        text = Text("expected one value here, not a list or mapping", "这里应是一个值，而不是列表或映射")
        raise BilingualError("not_a_value", text)
    return _source(document, document.values[path])


def typed_key(document: Document, path: Path_) -> str:
    """A mapping's key as it stands in the file."""
    key = path[-1]
    return key if isinstance(key, str) else _source(document, document.keys[path])


def _source(document: Document, mark: Mark) -> str:
    line = document.lines[mark.line - 1]
    return line[mark.column - 1 : mark.column - 1 + mark.width].strip()


def read_cell(column: Column, text: str, moment: datetime, zone: ZoneInfo, *, is_id: bool = False) -> Cell:
    """``text`` as a value of ``column``, as ingest stores it; times may be relative to ``moment``. Raises BilingualError."""
    if column.type in TIMES:
        if (instant := relative(text, moment)) is not None:
            return instant.astimezone(zone).date() if column.type is Type.DATE else instant.replace(tzinfo=None)
        if text.strip().isdigit():
            raise BilingualError("bad_time", Text(f"{text} is not a date or time", f"{text} 不是日期或时间"), TIME_HINT)
    try:
        value = cell_parser(column, WRITTEN, zone, is_id=is_id)(text)
    except BadCell as fault:
        raise _refused(column, text, fault.code, fault.hint) from None
    if (code := _out_of_bounds(column, value)) is not None:
        raise _refused(column, text, code, None)
    return value


TIME_HINT = Text(
    "write it like 2026-11-20 09:30, or relative to the instant of the data: -50h, +6h, now",
    "写法如 2026-11-20 09:30，或相对于数据时刻：-50h、+6h、now",
)


def _refused(column: Column, text: str, code: str, hint: Text | None) -> BilingualError:
    said = REASONS[code]
    if hint is None and column.type in TIMES:
        hint = TIME_HINT
    if hint is None and column.values:
        hint = Text(f"known values: {', '.join(column.values)}", f"可用的值：{'、'.join(column.values)}")
    shown = text if len(text) <= 40 else f"{text[:40]}…"
    return BilingualError(code, Text(f"{column.name}: {shown!r} {said.en}", f"{column.title.zh}：{shown!r} {said.zh}"), hint)


def _out_of_bounds(column: Column, value: Cell) -> str | None:
    if not isinstance(value, int | Decimal):
        return None
    if column.low is not None and value < column.low:
        return "below_min"
    return "above_max" if column.high is not None and value > column.high else None


def relative(text: str, moment: datetime) -> datetime | None:
    """``now``, ``-50h``, ``+6h``, ``now-50h`` as an instant in UTC; None when it is not written so."""
    stripped = text.strip()
    if stripped in ("now", "现在"):
        return moment.astimezone(UTC)
    match = _RELATIVE.fullmatch(stripped)
    if not match:
        return None
    try:
        span = parse_duration(match[2])
        return (moment + (span if match[1] == "+" else -span)).astimezone(UTC)
    except (BilingualError, OverflowError):
        raise BilingualError("bad_time", Text(f"{text!r} is not a date or time", f"{text!r} 不是日期或时间"), TIME_HINT) from None


def age(text: str) -> timedelta:
    """``3d``, also written ``-3d``. Raises BilingualError."""
    return parse_duration(text.strip().removeprefix("-"))


def expand(key: str) -> Iterator[str]:
    """``o1..o20`` (or ``o1..20``) as twenty keys, ``o01..o20`` with as many digits; any other key as itself. Raises BilingualError."""
    match = _RANGE.fullmatch(key)
    if not match or match[3] not in ("", match[1]):
        yield key
        return
    stem, first, last = match[1], int(match[2]), int(match[4])
    if not 0 <= last - first < MOST_ROWS:
        text = Text(f"'{key}' does not count upwards to at most {MOST_ROWS:,} rows", f"'{key}' 应从小到大，且最多 {MOST_ROWS:,} 行")
        raise BilingualError("bad_range", text)
    width = len(match[2]) if match[2].startswith("0") else 0
    yield from (f"{stem}{number:0{width}d}" for number in range(first, last + 1))
