"""``schedules.yaml``: when which rules are evaluated."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from apscheduler.triggers.cron import CronTrigger
from pydantic import BeforeValidator, Field, model_validator

from engine.errors import Problem, ProblemsFound, Text, did_you_mean
from engine.fields import Duration, Strict
from engine.yamlfile import BilingualError, Document, load


def _check_cron(value: object) -> str:
    """Five fields, as cron has them. Raises :class:`BilingualError`."""
    try:
        CronTrigger.from_crontab(str(value), timezone=ZoneInfo("UTC"))
    except ValueError as error:
        hint = Text("five fields: minute hour day month weekday, such as '30 9 * * *'", "五个字段：分 时 日 月 周，如 '30 9 * * *'")
        text = Text(f"{value!r} is not a cron line: {error}", f"{value!r} 不是 cron 写法：{error}")
        raise BilingualError("bad_cron", text, hint) from None
    return str(value)


def _check_zone(value: object) -> str:
    if isinstance(value, str) and value in available_timezones():
        return value
    hint = did_you_mean(str(value), available_timezones()) or Text("such as Asia/Shanghai", "如 Asia/Shanghai")
    raise BilingualError("bad_time_zone", Text(f"{value!r} is not a time zone", f"{value!r} 不是时区名称"), hint)


Cron = Annotated[str, BeforeValidator(_check_cron)]
TimeZone = Annotated[str, BeforeValidator(_check_zone)]


class Schedule(Strict):
    """One schedule: ``cron`` or ``every``, for all rules or the named ones."""

    cron: Cron | None = None
    every: Duration | None = None
    time_zone: TimeZone | None = None
    rules: list[str] = Field(default=["all"], min_length=1)
    missed: Literal["each", "latest", "skip"] = "latest"

    @model_validator(mode="after")
    def _one_clock(self) -> Self:
        if (self.cron is None) == (self.every is None):
            raise BilingualError("cron_or_every", Text("give either cron or every", "cron 和 every 必须写一个，且只能写一个"))
        if self.every is not None and self.every < timedelta(seconds=1):
            raise BilingualError("too_often", Text("every must be at least 1s", "every 至少为 1s"))
        return self


class Schedules(Strict):
    """The whole file."""

    schedules: dict[str, Schedule] = {}


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
                yield document.problem(("schedules", name, "rules", index), "unknown_rule", text, did_you_mean(rule, rules))
