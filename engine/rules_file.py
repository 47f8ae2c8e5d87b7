"""The form of an alert rule in ``rules/*.yaml``: what may stand where. What it means is :mod:`engine.rules`'s."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from engine.errors import Text, did_you_mean
from engine.expressions import Expression, parse_expression
from engine.fields import Duration, LocalText, Name, Strict, about
from engine.model import Severity
from engine.yamlfile import BilingualError, Path_, shown


def _parse_severity(value: object) -> tuple[tuple[Severity, str], ...]:
    """``warning``, or ``{critical: condition, warning: otherwise}``, tried in order, as (severity, condition or ``otherwise``)."""
    if not isinstance(value, dict) or not value:
        return ((parse_severity(value), OTHERWISE),)
    for name in list(value)[:-1]:
        if value[name] == OTHERWISE:
            text = Text("'otherwise' must come last: what follows it is never tried", "'otherwise' 必须写在最后，后面的不会被用到")
            raise BilingualError("otherwise_not_last", text, at=(name,))
    return tuple((parse_severity(name, (name,)), parse_expression(condition, (name,))) for name, condition in value.items())


def parse_severity(name: object, at: Path_ = ()) -> Severity:
    """``critical`` and so on; ``at`` is the key that says so, where it is one. Raises :class:`BilingualError`."""
    names = [severity.value for severity in Severity]
    if isinstance(name, str) and name in names:
        return Severity(name)
    said = shown(name)
    hint = did_you_mean(str(name), names) or Text("use info, warning or critical", "可用 info、warning、critical")
    raise BilingualError("bad_severity", Text(f"{said.en} is not a severity", f"{said.zh} 不是级别"), hint, at, key=True)


OTHERWISE = "otherwise"
_NONE, _SPANS = timedelta(0), ("30m", "6h", "2d")
_Case = Annotated[Expression, about("condition, or otherwise", "条件，或 otherwise（其余情况）", examples=[OTHERWISE])]


class _BySeverity(Strict):
    """Severities by condition, tried in order."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    critical: _Case = ""
    warning: _Case = ""
    info: _Case = ""


Severities = Annotated[tuple[tuple[Severity, str], ...], BeforeValidator(_parse_severity, json_schema_input_type=Severity | _BySeverity)]


class EvidenceFile(Strict):
    """``evidence:`` of a rule."""

    from_: Annotated[str, about("fact kind whose rows are listed", "列出哪种事实的行", names="kinds")] = Field(alias="from")
    where: Annotated[Expression | None, about("which of its rows; default: all of this row", "只列满足条件的行；不写则全部")] = None
    show: Annotated[dict[str, Expression], about("columns: label → expression", "各列：名目 → 表达式")] = {}
    order: Annotated[Expression | None, about("what the rows are sorted by", "按什么排序")] = None
    descending: Annotated[bool, about("the largest first", "从大到小")] = False
    group: Annotated[str, about("column: one line for each of its values, with the count", "列名：按它分组，每组一行并计数")] = ""
    top: Annotated[int, about("rows or groups at most", "最多几行或几组")] = Field(default=10, ge=1, le=100)


class RuleFile(Strict):
    """One alert rule as written in ``rules/*.yaml``."""

    alert: Annotated[Name, about("unique name, in snake_case", "规则名称，小写字母、数字和下划线，不能重复")]
    title: Annotated[LocalText, about("title in messages, or {zh: ..., en: ...}", "消息里的标题；或 {zh: ..., en: ...}")]
    facts: Annotated[str, about("fact kind whose rows are judged; each row is an alert", "判断哪种事实，每一行单独告警", names="kinds")]
    params: Annotated[dict[str, Expression], about("names for the rule's numbers: name → value", "给规则里的数字起名字：名字 → 值")] = {}
    overrides: Annotated[
        dict[str, dict[str, Expression]],
        about("other values where a condition holds: condition → name → value", "条件成立时用别的数字：条件 → 名字 → 值"),
    ] = {}
    where: Annotated[Expression | None, about("which rows the rule is about; default: all", "规则管哪些行；不写则全部")] = None
    when: Annotated[Expression, about("condition: true means that something is wrong", "条件：成立就是有问题")]
    for_: Annotated[Duration, about("how long it must hold before it is told", "持续多久才告警", examples=_SPANS)] = Field(
        _NONE, alias="for"
    )
    keep_firing_for: Annotated[Duration, about("how long it must be over to be resolved", "恢复多久才算解除", examples=_SPANS)] = _NONE
    severity: Annotated[Severities, about("or {severity: condition}; the first that holds counts", "级别；或 {级别: 条件}，先成立的算数")]
    owner: Annotated[str, about("a name under contacts of channels.yaml", "负责人：channels.yaml 里 contacts 下的名字", names="owners")] = (
        ""
    )
    labels: Annotated[dict[str, str], about("labels for routing, such as area", "分派用的标签，如 area", names="own_labels")] = {}
    show: Annotated[dict[str, Expression], about("values in the message: label → expression", "消息里列出的数值：名目 → 表达式")] = {}
    evidence: Annotated[EvidenceFile | None, about("related rows that the message lists", "消息里附上的相关行")] = None
    trend: Annotated[Expression | None, about("expression whose last 14 days are drawn", "画最近 14 天走势的表达式")] = None
    picture: Annotated[Expression | None, about("column with the picture that the message shows", "消息里附上的图片")] = None
    advice: Annotated[LocalText | None, about("what the reader should do", "建议怎么处理")] = None
    unknown: Annotated[Literal["keep", "alert", "resolve"], about("when data is missing", "缺数据时：保持原状、告警、解除")] = "keep"
    max_alerts: Annotated[int, about("rows that a message lists at most; none is lost", "一封消息最多列几行，其余不会丢")] = Field(
        100, ge=1
    )
