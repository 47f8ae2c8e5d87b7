"""The form of an incident rule in ``rules/*.yaml``. What its texts mean is :mod:`engine.incidents.reading`'s."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from engine.errors import Text
from engine.expressions import Expression
from engine.fields import Duration, LocalText, Name, Strict, about
from engine.language.syntax import RESERVED
from engine.model import Severity
from engine.rules_file import parse_severity
from engine.yamlfile import BilingualError, shown

KEEPS = timedelta(hours=2)
"""How long an incident outlives the last moment at which all its alerts fired, unless its rule says otherwise: one symptom that goes and
comes back within this time does not end it."""


def _binding(name: str) -> str:
    """What an expression can call a row: letters (Chinese ones too), digits and ``_``."""
    if re.fullmatch(r"[^\W\d]\w*", name) and name not in RESERVED:
        return name
    said = shown(name)
    text = Text(f"{said.en} cannot be a name in expressions", f"{said.zh} 不能在表达式里作名称")
    raise BilingualError("bad_name", text, Text("use letters, digits and _, starting with a letter", "请用文字、数字和下划线，以文字开头"))


def _pattern(value: object) -> object:
    return {"match": value} if isinstance(value, str) else value


def _ways(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _severity(value: object) -> Severity:
    return parse_severity(value)


Binding = Annotated[str, AfterValidator(_binding)]
_PATTERN = ("alert where name == 'traffic_drop'",)
_SPANS = ("30m", "2h", "1d")


class PatternFile(Strict):
    """One pattern: ``alert where …`` alone, or with how many rows it takes."""

    match: Annotated[str, about("alert where …, incident where …, or a fact kind where …", "找哪些告警、事件或数据行", examples=_PATTERN)]
    count: Annotated[int, about("at least so many rows", "至少有这么多行")] = Field(default=1, ge=1, le=10_000)
    distinct: Annotated[str, about("count the different values of this column", "按该列的不同取值计数")] = ""


Patterns = dict[Binding, Annotated[PatternFile, BeforeValidator(_pattern, json_schema_input_type=str | PatternFile)]]


class WhenFile(Strict):
    """``when:`` of an incident rule."""

    all: Annotated[Patterns, about("all of these are there: name → pattern", "全部都要有：名称 → 要找什么")] = {}
    any: Annotated[Patterns, about("at least one of these is there", "至少要有一个")] = {}
    none: Annotated[Patterns, about("none of these is there", "一个都不能有")] = {}
    also: Annotated[
        Patterns, about("what follows from it: told in its message where it is there, not asked for", "由它引起的：有就并入消息")
    ] = {}


Ways = Annotated[list[WhenFile], BeforeValidator(_ways, json_schema_input_type=WhenFile | list[WhenFile]), Field(min_length=1)]


class IncidentFile(Strict):
    """One incident rule as written in ``rules/*.yaml``."""

    incident: Annotated[Name, about("unique name, in snake_case", "事件规则名称，小写字母、数字和下划线，不能重复")]
    title: Annotated[LocalText, about("title in messages, or {zh: ..., en: ...}", "消息里的标题；或 {zh: ..., en: ...}")]
    when: Annotated[Ways, about("what belongs together; of a list, one is enough", "哪些告警和数据合在一起；写成列表时满足一项即可")]
    explains: Annotated[
        list[str] | None,
        about("alerts told only in the incident's message; default: all", "只在事件消息里说明、不再单独通知的告警；不写则全部"),
    ] = None
    escalate: Annotated[list[str], about("alerts that become as severe as the incident", "级别提升到与事件相同的告警")] = []
    assert_: Annotated[
        dict[Name, dict[str, Expression]],
        about("facts for other incident rules: kind → column → value", "供其他事件规则使用的事实：名称 → 列 → 值"),
    ] = Field({}, alias="assert")
    severity: Annotated[Severity, BeforeValidator(_severity, json_schema_input_type=Severity), about("how bad it is", "级别")]
    for_: Annotated[Duration, about("how long it must hold before it is told", "持续多久才告警", examples=_SPANS)] = Field(
        timedelta(0), alias="for"
    )
    keep_firing_for: Annotated[
        Duration, about("how long it must be over to be resolved; default: 2h", "恢复多久才算解除；不写则 2 小时", examples=_SPANS)
    ] = KEEPS
    owner: Annotated[str, about("a name under contacts of channels.yaml", "负责人：channels.yaml 里 contacts 下的名字", names="owners")] = (
        ""
    )
    labels: Annotated[dict[str, str], about("labels for routing, such as area", "分派用的标签，如 area", names="labels")] = {}
    show: Annotated[dict[str, Expression], about("values in the message: label → name.value", "消息里列出的数值：名目 → 名称.值")] = {}
    advice: Annotated[LocalText | None, about("what the reader should do", "建议怎么处理")] = None
    max_alerts: Annotated[int, about("incidents that a message lists at most; none is lost", "一封消息最多列几个，其余不会丢")] = Field(
        100, ge=1
    )
