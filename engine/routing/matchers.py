"""Matchers in Alertmanager's words: ``severity="critical"``, ``area=~"客服|售后"``, ``owner!="page"``, ``store_id!~"T.*"``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

from engine.errors import Text
from engine.fields import named, written
from engine.yamlfile import BilingualError, shown

MATCHER = r'\s*(\w+)\s*(=~|!~|!=|=)\s*(?:"(.*)"|([^"\s=~]\S*)|)\s*'
_MATCHER = re.compile(MATCHER, re.DOTALL)


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label. A label that an alert does not have counts as empty; a regex must match the whole value."""

    label: str
    operator: str
    value: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        found = labels.get(self.label, "")
        equal = found == self.value if self.operator in ("=", "!=") else bool(re.fullmatch(self.value, found))
        return equal is not self.operator.startswith("!")

    def __str__(self) -> str:
        return f'{self.label}{self.operator}"{self.value}"'


def parse_matcher(text: object) -> Matcher:
    """Raises :class:`BilingualError` (a ValueError) for what is not a matcher."""
    if isinstance(text, Matcher):
        return text
    match = _MATCHER.fullmatch(text) if isinstance(text, str) else None
    if not match:
        hint = Text('write it like severity="critical" or area=~"A|B"', '写法如 severity="critical" 或 area=~"客服|售后"')
        raise BilingualError("bad_matcher", Text(f"{shown(text).en} is not a matcher", f"{shown(text).zh} 不是匹配条件"), hint)
    label, operator, quoted, bare = match.groups()
    value = quoted if quoted is not None else bare or ""
    if operator.endswith("~"):
        _check_regex(value)
    return Matcher(label, operator, value)


def _check_regex(value: str) -> None:
    try:
        re.compile(value)
    except re.error as error:
        text = Text(f"{shown(value)} is not a regular expression: {error}", f"{shown(value)} 不是正确的正则表达式：{error}")
        raise BilingualError("bad_regex", text) from None


_WANTED = Text('severity="critical" or area=~"A|B"', 'severity="critical" 或 area=~"客服|售后"')
Matching = Annotated[
    Matcher, BeforeValidator(parse_matcher, json_schema_input_type=Annotated[str, written(MATCHER, _WANTED)]), named("matchers")
]
"""A matcher as files write it."""
