"""The form of ``*.test.yaml``: what may stand where. What the values mean is :mod:`engine.ruletest.reading`'s."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field

from engine.errors import Text, did_you_mean
from engine.fields import Strict
from engine.model import Reason, Severity
from engine.ruletest.model import Expectation
from engine.yamlfile import BilingualError

Word = TypeVar("Word", bound=StrEnum)


def one_of(words: type[Word], value: object) -> Word:
    """``value`` as one of the words. Raises BilingualError."""
    known = [word.value for word in words]
    if value in known:
        return words(value)
    hint = did_you_mean(str(value), known) or Text(f"use {', '.join(known)}", f"可用 {'、'.join(known)}")
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


class ExpectFile(Strict):
    """What is expected of one row."""

    state: Annotated[Expectation, BeforeValidator(lambda value: one_of(Expectation, value))] = Expectation.FIRING
    severity: Annotated[Severity, BeforeValidator(lambda value: one_of(Severity, value))] | None = None
    reason: Annotated[Reason, BeforeValidator(lambda value: one_of(Reason, value))] | None = None
    shows: dict[str, Any] = Field(default={}, description="label of the message → value")


class MailFile(Strict):
    """One expected message."""

    subject: str = Field(default="", description="contained in the subject")
    to: Annotated[tuple[str, ...], BeforeValidator(_names)] = Field(default=(), description="recipient, or list of recipients")


class StepFile(Strict):
    """One instant of a timeline."""

    at: Any = Field(default=None, description="2026-11-20 09:30, or +6h after the first instant")
    given: Any = Field(default=None, description="kind → key → columns; 'same': the last export comes again unchanged")
    expect: dict[Any, Any] | None = Field(default=None, description="key → state, or {state, severity, reason, shows}")
    quiet: Annotated[bool, BeforeValidator(_yes)] | None = Field(default=None, description="true: no row may alert")
    mails: list[MailFile] | None = Field(default=None, description="exactly these messages go out; [] means none")


class TestFile(StepFile):
    """One test as written in ``rules/*.test.yaml``."""

    __test__ = False  # pytest: not a class of tests

    test: str = Field(min_length=1, description="title")
    rule: str = Field(description="name of the rule that is tested")
    store: Any = Field(default="s1", description="store of rows that do not say theirs")
    earlier: dict[str, Any] = Field(default={}, description="age (3d) → given, for rules that look back")
    timeline: list[StepFile] | None = Field(default=None, description="several instants, instead of given and expect")
