"""The form of ``*.test.yaml``: what may stand where. What the values mean is :mod:`engine.ruletest.reading`'s."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field
from pydantic.config import JsonDict

from engine.errors import Text, did_you_mean
from engine.fields import DURATION, Duration, Strict, about, named, read_as
from engine.model import Reason, Severity
from engine.ruletest.model import Expectation
from engine.yamlfile import BilingualError

Word = TypeVar("Word", bound=StrEnum)


def one_of(words: type[Word], value: object) -> Word:
    """``value`` as one of the words. Raises BilingualError."""
    known = [word.value for word in words]
    if value in known:
        return words(value)
    severity = Text(f"write {{severity: {value}}}", f"请写 {{severity: {value}}}") if value in [*Severity] else None
    hint = severity or did_you_mean(str(value), known) or Text(f"use {', '.join(known)}", f"可用 {'、'.join(known)}")
    raise BilingualError("unknown_word", Text(f"'{value}' cannot stand here", f"这里不能写 '{value}'"), hint)


def _yes(value: object) -> bool:
    if value is True:
        return True
    text = Text("'quiet' can only be true", "quiet 只能写 true")
    raise BilingualError("not_true", text, Text("to expect alerts, write 'expect'", "要期望告警，请写 expect"))


def _names(value: object) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return tuple(names)
    raise BilingualError("not_addresses", Text("expected an address, or a list of them", "这里应是一个地址，或地址的列表"))


_State = Annotated[Expectation, BeforeValidator(lambda value: one_of(Expectation, value), json_schema_input_type=Expectation)]
_Severity = Annotated[Severity, BeforeValidator(lambda value: one_of(Severity, value), json_schema_input_type=Severity)]
_Reason = Annotated[Reason, BeforeValidator(lambda value: one_of(Reason, value), json_schema_input_type=Reason)]


_Addresses = Annotated[tuple[str, ...], BeforeValidator(_names, json_schema_input_type=str | list[str])]
_Quiet = Annotated[bool, BeforeValidator(_yes, json_schema_input_type=Literal[True])]
_AGES: JsonDict = {"propertyNames": {"pattern": rf"^\s*-?{DURATION}\s*$"}}

# What engine.ruletest.rows reads: kind → key → column → cell.
_Cell = str | float | bool | None
_Rows = dict[str, dict[str, _Cell] | None]
_Same = Literal["same"]
_Given = Annotated[dict[str, _Rows | _Same | None], named("rows")] | _Same


class ExpectFile(Strict):
    """What is expected of one row."""

    state: Annotated[_State, about("state of its alert; quiet: none; unknown: data is missing", "告警状态；quiet 不报，unknown 缺数据")] = (
        Expectation.FIRING
    )
    severity: Annotated[_Severity | None, about("severity", "级别")] = None
    reason: Annotated[_Reason | None, about("why the state changed", "状态变化的原因")] = None
    shows: Annotated[dict[str, Any], about("label of the message → value", "消息里的名目 → 值")] = {}


class MailFile(Strict):
    """One expected message."""

    subject: Annotated[str, about("contained in the subject", "主题里包含的文字")] = ""
    to: Annotated[_Addresses, about("recipient, or list of recipients", "收件人，可写几个")] = ()


class AlertFile(Strict):
    """An alert that fires, for the test of an incident rule."""

    since: Annotated[Duration, about("how long it has been firing", "已经持续多久", examples=["2h"])] = timedelta(0)
    store: Annotated[Any, read_as(_Cell), about("its store; default: the test's", "属于哪个店；不写则为测试的 store")] = None
    severity: Annotated[_Severity | None, about("severity; default: the rule's", "级别；不写则为规则的级别")] = None
    shows: Annotated[dict[str, Any], about("label of the message → value", "消息里的名目 → 值")] = {}


class StepFile(Strict):
    """One instant of a timeline."""

    at: Annotated[Any, read_as(str | None), about("2026-11-20 09:30, or +6h after the first instant", "时刻；+6h 是第一个时刻之后")] = None
    given: Annotated[Any, read_as(_Given | None), about("kind → key → columns; same: as before", "事实 → 主键 → 列；same 是与上次一样")] = (
        None
    )
    alerts: Annotated[
        dict[str, dict[Any, Any]] | None,
        read_as(dict[str, dict[str, AlertFile | None]] | None),
        about(
            "for incident rules, all alerts that fire: rule → key → {since, …}",
            "测试事件规则用，正在报警的全部告警：规则 → 主键 → {since, …}",
        ),
    ] = None
    expect: Annotated[
        dict[Any, Any] | None,
        read_as(dict[str, Expectation | ExpectFile] | None),
        about("key → state, or {state, severity, reason, shows}", "主键 → 状态，或 {state, severity, reason, shows}"),
    ] = None
    quiet: Annotated[_Quiet | None, about("no row may alert", "哪一行都不报")] = None
    mails: Annotated[list[MailFile] | None, about("exactly these messages go out; [] is none", "恰好发出这些消息；[] 是一封也不发")] = None


class TestFile(StepFile):
    """One test as written in ``rules/*.test.yaml``."""

    __test__ = False  # pytest: not a class of tests

    test: Annotated[str, about("title", "标题")] = Field(min_length=1)
    rule: Annotated[str, about("name of the rule that is tested", "测试哪条规则", names="rules")]
    at: Annotated[Any, read_as(str | list[str] | None), about("instant, or several", "时刻，可写几个", examples=["2026-11-20 10:00"])] = (
        None
    )
    store: Annotated[Any, read_as(_Cell), about("store of rows that do not say theirs", "没写店铺的行属于哪个店")] = "s1"
    earlier: Annotated[
        dict[str, Any], read_as(dict[str, _Given]), about("age, such as 3d → given then", "多久以前，如 3d → 当时的数据")
    ] = Field(default={}, json_schema_extra=_AGES)
    timeline: Annotated[list[StepFile] | None, about("several instants, instead of given", "按时间先后的几步，代替 given")] = None
