"""The typed model of ``schedules.yaml``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from engine.errors import Text
from engine.fields import Duration, Strict, TimeZone, about, named
from engine.routing.matchers import Matching
from engine.schedules.cron import Cron
from engine.yamlfile import BilingualError

_TRIGGERS = ("cron", "every", "on")
_TEXT: JsonDict = {"type": "string"}
_SOME_TRIGGER: JsonDict = {
    "anyOf": [{"required": [key], "properties": {key: _TEXT}} for key in _TRIGGERS],
    "not": {"required": ["cron", "every"], "properties": {"cron": _TEXT, "every": _TEXT}},
}


class Schedule(Strict):
    """One schedule: ``cron`` or ``every``, ``on: ingest``, or a clock and that; for all rules or some."""

    model_config = ConfigDict(json_schema_extra=_SOME_TRIGGER)

    cron: Annotated[
        Cron | None,
        about(
            "minute hour day month weekday; or write every", "分 时 日 月 周；与 every 二选一", examples=["30 9 * * *", "0 9 * * mon-fri"]
        ),
    ] = None
    every: Annotated[Duration | None, about("how often; or write cron", "多久一次；与 cron 二选一", examples=["30m", "1h", "1d"])] = None
    on: Annotated[
        Literal["ingest"] | None,
        about(
            "evaluate when new data came that the rules read; alone, or beside cron or every",
            "用到的数据一导入就检查；可单用，也可与 cron 或 every 同用",
        ),
    ] = None
    time_zone: Annotated[
        TimeZone | None, about("time zone; default: that of facts.yaml", "时区；默认与 facts.yaml 相同", examples=["Asia/Shanghai"])
    ] = None
    rules: Annotated[list[Annotated[str, named("rules", "all")]], about("rules to evaluate, or all", "检查哪些规则，all 是全部")] = Field(
        default=["all"], min_length=1
    )
    match: Annotated[
        tuple[Matching, ...],
        about(
            "of these rules, only those whose labels fit: alert, severity, owner, area, facts, and their own",
            "其中只检查标签符合的规则：alert、severity、owner、area、facts，以及规则自己的标签",
        ),
    ] = ()
    blackout: Annotated[
        tuple[Annotated[str, named("time_intervals")], ...],
        about("evaluate nothing in these time intervals of channels.yaml", "这些时间段内不检查（channels.yaml 的 time_intervals）"),
    ] = ()
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
        hint = Text("such as  every: 30m  or  cron: '30 9 * * *'", "如  every: 30m  或  cron: '30 9 * * *'")
        if self.cron is not None and self.every is not None:
            text = Text("give either cron or every", "cron 和 every 只能写一个")
            raise BilingualError("cron_or_every", text, hint)
        if self.cron is None and self.every is None and self.on is None:
            text = Text("give cron, every or on: ingest", "cron、every、on: ingest 至少要写一个")
            raise BilingualError("cron_or_every", text, hint)
        if self.every is not None and self.every < timedelta(seconds=1):
            raise BilingualError("too_often", Text("every must be at least 1s", "every 至少为 1s"), at=("every",))
        if self.every is not None and self.jitter >= self.every:
            text = Text("jitter must be shorter than every", "jitter 必须比 every 短")
            raise BilingualError("jitter_too_long", text, at=("jitter",))
        return self


_ONE_ADDRESS: JsonDict = {"oneOf": [{"required": [key], "properties": {key: {"type": "string"}}} for key in ("url_env", "url_file")]}


class Ping(Strict):
    """The dead-man's ping. The address is named, never written: who knows it can keep the alarm silent."""

    model_config = ConfigDict(json_schema_extra=_ONE_ADDRESS)

    url_env: Annotated[
        str, about("environment variable that holds the address", "存放地址的环境变量名，不要写地址", examples=["STOREWATCH_PING_URL"])
    ] = ""
    url_file: Annotated[str, about("file that holds the address", "存放地址的文件，不要写地址")] = ""
    every: Annotated[Duration, about("how often it is called", "多久呼叫一次", examples=["5m"])] = timedelta(minutes=5)

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if bool(self.url_env) == bool(self.url_file):
            text = Text("give either url_env or url_file", "url_env 和 url_file 必须写一个，且只能写一个")
            hint = Text("such as  url_env: STOREWATCH_PING_URL", "如  url_env: STOREWATCH_PING_URL")
            raise BilingualError("one_ping_address", text, hint)
        if "://" in self.url_env + self.url_file:
            key = "url_env" if self.url_env else "url_file"
            text = Text("the address itself must not stand in the file", "不要把地址本身写进文件")
            hint = Text("write the name of an environment variable that holds it", "请写存放它的环境变量名")
            raise BilingualError("ping_address_in_file", text, hint, at=(key,))
        if self.every < timedelta(seconds=10):
            raise BilingualError("too_often", Text("every must be at least 10s", "every 至少为 10s"), at=("every",))
        return self


class Schedules(Strict):
    """The whole file."""

    schedules: Annotated[dict[str, Schedule], about("name → when which rules are evaluated", "名称 → 什么时候检查哪些规则")] = {}
    inbox: Annotated[
        str, about("folder from which the daemon ingests exports as they come; default: inbox", "守护进程从这个文件夹自动导入；默认 inbox")
    ] = Field("inbox", min_length=1)
    ping: Annotated[
        Ping | None,
        about(
            "address to call while rounds turn; a service there raises the alarm when the calls stop",
            "检查正常时定期呼叫的地址；呼叫停止时由对方报警",
        ),
    ] = None
