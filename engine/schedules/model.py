"""The typed model of ``schedules.yaml``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from engine.errors import Problem, ProblemsFound, Text, did_you_mean
from engine.fields import Duration, Strict, TimeZone, about, named
from engine.schedules.cron import Cron
from engine.yamlfile import BilingualError, Document, load

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
    time_zone: Annotated[
        TimeZone | None, about("time zone; default: that of facts.yaml", "时区；默认与 facts.yaml 相同", examples=["Asia/Shanghai"])
    ] = None
    rules: Annotated[list[Annotated[str, named("rules", "all")]], about("rules to evaluate, or all", "检查哪些规则，all 是全部")] = Field(
        default=["all"], min_length=1
    )
    missed: Annotated[
        Literal["each", "latest", "skip"],
        about("instants missed while stopped: evaluate each, the latest, or none", "停机期间错过的时刻：逐个补、只补最近的、跳过"),
    ] = "latest"
    jitter: Annotated[
        Duration,
        about(
            "start up to so much later, so that not all begin at once; the instant that is evaluated stays the same",
            "最多推迟多久开始，以免同时开始；检查的时刻不变",
            examples=["30s", "5m"],
        ),
    ] = timedelta(0)

    @model_validator(mode="after")
    def _one_clock(self) -> Self:
        if (self.cron is None) == (self.every is None):
            text = Text("give either cron or every", "cron 和 every 必须写一个，且只能写一个")
            hint = Text("such as  every: 30m  or  cron: '30 9 * * *'", "如  every: 30m  或  cron: '30 9 * * *'")
            raise BilingualError("cron_or_every", text, hint)
        if self.every is not None and self.every < timedelta(seconds=1):
            raise BilingualError("too_often", Text("every must be at least 1s", "every 至少为 1s"), at=("every",))
        if self.every is not None and self.jitter >= self.every:
            text = Text("jitter must be shorter than every", "jitter 必须比 every 短")
            raise BilingualError("jitter_too_long", text, at=("jitter",))
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
