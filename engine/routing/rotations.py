"""On-call rotations: contacts whose messages go to whoever's turn it is. A pure function of the instant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from engine.errors import Text
from engine.fields import Duration, Strict, TimeZone, about, named, written
from engine.routing.digests import TIME_OF_DAY, parse_time
from engine.yamlfile import BilingualError, shown

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LOCAL = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}"


@dataclass(frozen=True, slots=True)
class Handover:
    """When one member hands over to the next: a time of day, on a weekday (0 is Monday) where one is given."""

    at: time
    weekday: int | None = None

    def first(self, start: date) -> datetime:
        """The first handover on or after a day, in local time."""
        ahead = 0 if self.weekday is None else (self.weekday - start.weekday()) % 7
        return datetime.combine(start + timedelta(days=ahead), self.at)


def parse_handover(value: object) -> Handover:
    """``mon 09:00`` or ``09:00``. Raises :class:`BilingualError`."""
    if isinstance(value, Handover):
        return value
    day, _, clock = value.strip().lower().rpartition(" ") if isinstance(value, str) else ("?", "", "")
    try:
        if not day or day in WEEKDAYS:
            return Handover(parse_time(clock), WEEKDAYS.index(day) if day else None)
    except BilingualError:
        pass
    said = shown(value)
    text = Text(f"{said.en} is not a time to hand over", f"{said.zh} 不是交接时间")
    raise BilingualError(
        "bad_handover", text, Text("write it like mon 09:00, or 09:00 for every day", "写法如 mon 09:00；每天交接写 09:00")
    )


def parse_day(value: object) -> date:
    """``2026-01-05``. Raises :class:`BilingualError`."""
    if isinstance(value, date):
        return value
    try:
        if isinstance(value, str):
            return date.fromisoformat(value.strip())
    except ValueError:
        pass
    said = shown(value)
    raise BilingualError(
        "bad_date", Text(f"{said.en} is not a date", f"{said.zh} 不是日期"), Text("write it like 2026-01-05", "写法如 2026-01-05")
    )


def parse_local(value: object) -> datetime:
    """``2026-11-20T09:00``, local time. Raises :class:`BilingualError`."""
    if isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str) and re.fullmatch(_LOCAL, value.strip()):
            return datetime.fromisoformat(value.strip())
    except ValueError:
        pass
    said = shown(value)
    raise BilingualError(
        "bad_date",
        Text(f"{said.en} is not a time", f"{said.zh} 不是时间"),
        Text("write it like 2026-11-20T09:00", "写法如 2026-11-20T09:00"),
    )


_HANDOVER = written(rf"\s*(({'|'.join(WEEKDAYS)}) )?{TIME_OF_DAY}\s*", Text("such as mon 09:00", "如 mon 09:00"))
_Handover = Annotated[Handover, BeforeValidator(parse_handover, json_schema_input_type=Annotated[str, _HANDOVER])]
_Day = Annotated[
    date,
    BeforeValidator(
        parse_day, json_schema_input_type=Annotated[str, written(r"\s*\d{4}-?\d{2}-?\d{2}\s*", Text("such as 2026-01-05", "如 2026-01-05"))]
    ),
]
_Local = Annotated[
    datetime,
    BeforeValidator(
        parse_local,
        json_schema_input_type=Annotated[str, written(rf"\s*{_LOCAL}\s*", Text("such as 2026-11-20T09:00", "如 2026-11-20T09:00"))],
    ),
]
_Contact = Annotated[str, named("owners")]


class Override(Strict):
    """Somebody who stands in."""

    contact: Annotated[_Contact, about("who stands in: a name under contacts", "由谁代班：contacts 下的名字")]
    from_: Annotated[_Local, about("from when on, local time", "从什么时候起（当地时间）", examples=["2026-11-20T09:00"])] = Field(
        alias="from"
    )
    to: Annotated[_Local, about("until when, local time", "到什么时候为止（当地时间）", examples=["2026-11-23T09:00"])]


class Rotation(Strict):
    """Members take turns, each for ``every``, from the first ``handover`` on or after ``start``."""

    members: Annotated[tuple[_Contact, ...], about("names under contacts, in turn", "轮流的人：contacts 下的名字")] = Field(min_length=1)
    every: Annotated[Duration, about("how long a turn lasts", "一班多久", examples=["1d", "1w"])] = timedelta(weeks=1)
    handover: Annotated[_Handover, about("when turns begin, local time", "交接时间（当地时间）", examples=["mon 09:00", "09:00"])] = (
        Handover(time(9))
    )
    start: Annotated[_Day, about("the day from which turns are counted", "从哪天开始轮", examples=["2026-01-05"])]
    time_zone: Annotated[TimeZone | None, about("time zone; default: that of the file", "时区，默认与整个文件相同")] = None
    overrides: Annotated[tuple[Override, ...], about("who stands in, and when; the last that fits counts", "代班；后写的优先")] = ()

    def on_call(self, at: datetime, time_zone: str) -> str:
        """The contact whose turn it is. Turns are counted in local time, so that a handover at nine stays at nine where clocks change."""
        local = at.astimezone(ZoneInfo(self.time_zone or time_zone)).replace(tzinfo=None)
        standing_in = [each.contact for each in self.overrides if each.from_ <= local < each.to]
        if standing_in:
            return standing_in[-1]
        return self.members[(local - self.handover.first(self.start)) // self.every % len(self.members)]
