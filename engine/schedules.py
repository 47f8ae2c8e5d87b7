"""``schedules.yaml``: when which rules are evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from engine.errors import Problem, ProblemsFound, Text, did_you_mean
from engine.fields import Duration, Strict, TimeZone, about, named, written
from engine.yamlfile import BilingualError, Document, load, shown

_FIELDS = (
    ("minute", Text("minute (0-59)", "分钟（0-59）")),
    ("hour", Text("hour (0-23)", "小时（0-23）")),
    ("day", Text("day of the month (1-31)", "日（1-31）")),
    ("month", Text("month (1-12)", "月（1-12）")),
    ("day_of_week", Text("weekday (mon-sun, or 0-7 from Sunday on)", "星期（mon-sun，或从星期日起 0-7）")),
)
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NUMBERED = re.compile(r"([0-7])(?:-([0-7]))?(?:/([1-7]))?")


def parse_cron(value: object) -> str:
    """Five fields, as cron has them, with weekdays by name (APScheduler counts them from Monday, cron from Sunday).

    Raises :class:`BilingualError`."""
    fields = value.split() if isinstance(value, str) else []
    if len(fields) != len(_FIELDS):
        said = shown(value)
        hint = Text("five fields: minute hour day month weekday, such as '30 9 * * *'", "五个字段：分 时 日 月 周，如 '30 9 * * *'")
        raise BilingualError("bad_cron", Text(f"{said.en} is not a cron line", f"{said.zh} 不是 cron 写法"), hint)
    fields[-1] = ",".join(_weekdays(part) for part in fields[-1].lower().split(","))
    for (name, meaning), field in zip(_FIELDS, fields, strict=True):
        try:
            CronTrigger(**{name: field}, timezone=ZoneInfo("UTC"))
        except ValueError:
            text = Text(f"{shown(field)} cannot be the {meaning.en}", f"{shown(field)} 不能作为{meaning.zh}")
            raise BilingualError("bad_cron", text, Text("such as 5, */15, 9-18 or 1,15", "写法如 5、*/15、9-18、1,15")) from None
    return " ".join(fields)


def _weekdays(part: str) -> str:
    """``1-5`` as names, ``mon,tue,wed,thu,fri``; a part without numbers as it is."""
    match = _NUMBERED.fullmatch(part)
    if not match:
        return part
    first, last, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
    return ",".join(_WEEKDAYS[day] for day in range(first, last + 1, step)) or part


_CRON_WANTED = Text("five fields: minute hour day month weekday", "五个字段：分 时 日 月 周")
Cron = Annotated[str, BeforeValidator(parse_cron, json_schema_input_type=Annotated[str, written(r"\s*\S+(\s+\S+){4}\s*", _CRON_WANTED)])]
_ONE_CLOCK: JsonDict = {"oneOf": [{"required": [key], "properties": {key: {"type": "string"}}} for key in ("cron", "every")]}


class Schedule(Strict):
    """One schedule: ``cron`` or ``every``, for all rules or the named ones."""

    model_config = ConfigDict(json_schema_extra=_ONE_CLOCK)

    cron: Annotated[
        Cron | None,
        about(
            "minute hour day month weekday; or write every", "分 时 日 月 周；与 every 二选一", examples=["30 9 * * *", "0 9 * * mon-fri"]
        ),
    ] = None
    every: Annotated[Duration | None, about("how often; or write cron", "多久一次；与 cron 二选一", examples=["30m", "1h", "1d"])] = None
    time_zone: Annotated[TimeZone | None, about("time zone of cron", "cron 的时区", examples=["Asia/Shanghai"])] = None
    rules: Annotated[list[Annotated[str, named("rules", "all")]], about("rules to evaluate, or all", "检查哪些规则，all 是全部")] = Field(
        default=["all"], min_length=1
    )
    missed: Annotated[
        Literal["each", "latest", "skip"],
        about("instants missed while stopped: evaluate each, the latest, or none", "停机期间错过的时刻：逐个补、只补最近的、跳过"),
    ] = "latest"

    @model_validator(mode="after")
    def _one_clock(self) -> Self:
        if (self.cron is None) == (self.every is None):
            text = Text("give either cron or every", "cron 和 every 必须写一个，且只能写一个")
            hint = Text("such as  every: 30m  or  cron: '30 9 * * *'", "如  every: 30m  或  cron: '30 9 * * *'")
            raise BilingualError("cron_or_every", text, hint)
        if self.every is not None and self.every < timedelta(seconds=1):
            raise BilingualError("too_often", Text("every must be at least 1s", "every 至少为 1s"), at=("every",))
        return self


class Schedules(Strict):
    """The whole file."""

    schedules: Annotated[dict[str, Schedule], about("name → when which rules are evaluated", "名称 → 什么时候检查哪些规则")] = {}


def load_schedules(path: Path, name: str, rules: Iterable[str]) -> Schedules:
    """Read and check the file; ``rules`` are the names that exist. Raises :class:`ProblemsFound`."""
    document = load(path, name)
    found = document.validate(Schedules)
    if problems := list(_unknown_rules(document, found, list(rules))):
        raise ProblemsFound(problems)
    return found


def _unknown_rules(document: Document, found: Schedules, rules: list[str]) -> Iterable[Problem]:
    for name, schedule in found.schedules.items():
        for index, rule in enumerate(schedule.rules):
            if rule != "all" and rule not in rules:
                text = Text(f"there is no rule '{rule}'", f"没有名为 '{rule}' 的规则")
                hint = did_you_mean(rule, rules) or _listed(rules)
                yield document.problem(("schedules", name, "rules", index), "unknown_rule", text, hint)


def _listed(rules: list[str]) -> Text | None:
    return Text(f"rules: all, {', '.join(rules)}", f"可以写：all、{'、'.join(rules)}") if 0 < len(rules) <= 20 else None
