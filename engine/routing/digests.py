"""Digests: messages that collect, and leave at local times of day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from engine.errors import Text
from engine.fields import Strict, TimeZone, about, written
from engine.yamlfile import BilingualError, shown

TIME_OF_DAY = r"([01]?\d|2[0-3]):[0-5]\d"
GROUP_BY = ("owner",)
"""By which labels a digest groups if nobody says otherwise: one for each owner."""


def parse_time(value: object) -> time:
    """``09:00``. Raises :class:`BilingualError`."""
    if isinstance(value, time):
        return value
    try:
        if isinstance(value, str):
            hour, minute = value.strip().split(":")
            return time(int(hour), int(minute))
    except ValueError:
        pass
    said = shown(value)
    hint = Text("write it like 09:00", "写法如 09:00")
    raise BilingualError("bad_time", Text(f"{said.en} is not a time of day", f"{said.zh} 不是一天中的时刻"), hint)


_Time = Annotated[
    time,
    BeforeValidator(parse_time, json_schema_input_type=Annotated[str, written(rf"\s*{TIME_OF_DAY}\s*", Text("such as 09:00", "如 09:00"))]),
]


class DigestModel(Strict):
    """When a digest leaves."""

    at: Annotated[list[_Time], about("local times of day", "每天几点发", examples=[["09:00", "18:00"]])] = Field(min_length=1)
    time_zone: Annotated[TimeZone | None, about("time zone; default: that of the file", "时区，默认与整个文件相同")] = None


NEVER = DigestModel.model_construct(at=[], time_zone=None)
"""What ``digest: false`` means."""
DigestOrFalse = Annotated[
    DigestModel, BeforeValidator(lambda value: NEVER if value is False else value, json_schema_input_type=DigestModel | Literal[False])
]


@dataclass(frozen=True, slots=True)
class Digest:
    """Local times of day at which a digest leaves."""

    at: tuple[time, ...]
    time_zone: str

    def next(self, since: datetime) -> datetime:
        """The first of its instants that is not before ``since``, in UTC. A time that the clocks skip comes as much later."""
        zone = ZoneInfo(self.time_zone)
        first = since.astimezone(zone).date()
        instants = (
            datetime.combine(first + timedelta(days=day), each, zone).astimezone(UTC) for day in range(3) for each in sorted(self.at)
        )
        return next(instant for instant in instants if instant >= since)
