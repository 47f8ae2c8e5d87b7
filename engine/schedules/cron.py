"""Cron lines: five fields, read as cron reads them, and the wall-clock times that they name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated

from apscheduler.triggers.cron import CronTrigger
from pydantic import BeforeValidator

from engine.errors import Text
from engine.fields import written
from engine.yamlfile import BilingualError, shown

FIELDS = (
    ("minute", Text("minute (0-59)", "分钟（0-59）")),
    ("hour", Text("hour (0-23)", "小时（0-23）")),
    ("day", Text("day of the month (1-31)", "日（1-31）")),
    ("month", Text("month (1-12)", "月（1-12）")),
    ("day_of_week", Text("weekday (mon-sun, or 0-7 from Sunday on)", "星期（mon-sun，或从星期日起 0-7）")),
)
SOME_DAY = datetime(2001, 1, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NUMBERED = re.compile(r"([0-7])(?:-([0-7]))?(?:/([1-7]))?")


def parse_cron(value: object) -> str:
    """Five fields, as cron has them, with weekdays by name (APScheduler counts them from Monday, cron from Sunday).

    Raises :class:`BilingualError`."""
    fields = value.split() if isinstance(value, str) else []
    if len(fields) != len(FIELDS):
        said = shown(value)
        hint = Text("five fields: minute hour day month weekday, such as '30 9 * * *'", "五个字段：分 时 日 月 周，如 '30 9 * * *'")
        raise BilingualError("bad_cron", Text(f"{said.en} is not a cron line", f"{said.zh} 不是 cron 写法"), hint)
    fields[-1] = ",".join(_weekdays(part) for part in fields[-1].lower().split(","))
    for (name, meaning), field in zip(FIELDS, fields, strict=True):
        try:
            CronTrigger(**{name: field}, timezone=UTC)
        except ValueError:
            text = Text(f"{shown(field)} cannot be the {meaning.en}", f"{shown(field)} 不能作为{meaning.zh}")
            raise BilingualError("bad_cron", text, Text("such as 5, */15, 9-18 or 1,15", "写法如 5、*/15、9-18、1,15")) from None
    cron = " ".join(fields)
    if next(wall_times(cron, SOME_DAY.replace(tzinfo=None)), None) is None:
        hint = Text("no month has that day", "没有哪个月有这一天")
        raise BilingualError("cron_never", Text(f"{shown(value)} never comes", f"{shown(value)} 永远不会到来"), hint)
    return cron


def wall_times(cron: str, since: datetime) -> Iterator[datetime]:
    """The wall-clock times (naive) that a cron line names, from ``since`` (naive, included) on, ascending.

    APScheduler is asked in UTC, where no hour is missing or comes twice: in a zone with summer time its trigger names a time that comes
    twice two times, and one that does not exist by the wrong name (3.11.3)."""
    names = [name for name, _ in FIELDS]
    trigger = CronTrigger(**dict(zip(names, cron.split(), strict=True)), timezone=UTC)
    found = trigger.get_next_fire_time(None, since.replace(tzinfo=UTC))
    while found is not None:
        yield found.replace(tzinfo=None)
        found = trigger.get_next_fire_time(found, found + MOMENT)


def _weekdays(part: str) -> str:
    """``1-5`` as names, ``mon,tue,wed,thu,fri``; a part without numbers as it is."""
    match = _NUMBERED.fullmatch(part)
    if not match:
        return part
    first, last, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
    return ",".join(_WEEKDAYS[day] for day in range(first, last + 1, step)) or part


_CRON_WANTED = Text("five fields: minute hour day month weekday", "五个字段：分 时 日 月 周")
Cron = Annotated[str, BeforeValidator(parse_cron, json_schema_input_type=Annotated[str, written(r"\s*\S+(\s+\S+){4}\s*", _CRON_WANTED)])]
