"""What pydantic finds, said in both languages: what was expected, what is there, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from engine.errors import Text, did_you_mean
from engine.yamlfile.scalars import Path_, shown

Model = TypeVar("Model", bound=BaseModel)


class BilingualError(ValueError):
    """Raised by validators of typed files: a sentence in both languages that reaches the user as it is. ``at`` leads from the value
    that the validator was given to the part of it that is wrong; with ``key`` it is the key there, not its value."""

    def __init__(self, code: str, text: Text, hint: Text | None = None, at: Path_ = (), *, key: bool = False) -> None:
        super().__init__(text.en)
        self.code = code
        self.text = text
        self.hint = hint
        self.at = at
        self.key = key


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake, not yet placed in a file. ``wanted`` is set where only the kind of value is wrong."""

    code: str
    text: Text
    hint: Text | None = None
    wanted: Text | None = None


FULL_WIDTH_COLON = Finding(
    "full_width",
    Text("'：' is full-width, which YAML does not take for a colon", "“：”是全角冒号，YAML 不认"),
    Text("type ': ' with a space after it, and ',' for '，'", "请改用半角冒号加空格 “: ”，逗号也用半角 “,”"),
)
_TEXT = Text("a text", "文字")
_WHOLE = Text("a whole number", "整数")
_NUMBER = Text("a number", "数字")
_TRUTH = Text("true or false", "true 或 false")
_LIST = Text("a list", "列表")
_KEYS = Text("keys with values", "“键: 值”的形式")
_DATE = Text("a date such as 2026-11-20", "日期，如 2026-11-20")
_TIME = Text("a time such as 2026-11-20 09:30", "时间，如 2026-11-20 09:30")
_SPAN = Text("a duration such as 30m or 26h", "时长，如 30m、26h")
_OTHER = Text("something else", "别的写法")

# By the first word of pydantic's error type: string_type, int_parsing, model_attributes_type ...
_WANTED: Mapping[str, Text] = {
    "string": _TEXT,
    "int": _WHOLE,
    "float": _NUMBER,
    "decimal": _NUMBER,
    "finite": _NUMBER,
    "bool": _TRUTH,
    "list": _LIST,
    "tuple": _LIST,
    "set": _LIST,
    "frozen": _LIST,
    "iterable": _LIST,
    "dict": _KEYS,
    "mapping": _KEYS,
    "model": _KEYS,
    "dataclass": _KEYS,
    "date": _DATE,
    "datetime": _TIME,
    "time": _SPAN,
}
_TYPE_ERROR = re.compile(r"([a-z]+)(_attributes)?_(type|parsing|parsing_size|from_float|from_datetime_inexact|from_date_parsing|number)")

# Error types with limits; the words are filled from pydantic's context.
_LIMITS: Mapping[str, Text] = {
    "greater_than": Text("more than {gt}", "大于 {gt} 的数"),
    "greater_than_equal": Text("at least {ge}", "不小于 {ge} 的数"),
    "less_than": Text("less than {lt}", "小于 {lt} 的数"),
    "less_than_equal": Text("at most {le}", "不大于 {le} 的数"),
    "multiple_of": Text("a multiple of {multiple_of}", "{multiple_of} 的倍数"),
    "too_long": Text("a list of at most {max_length}", "最多 {max_length} 项的列表"),
    "string_too_long": Text("a text of at most {max_length} characters", "最多 {max_length} 个字符的文字"),
}
_CHOICES = {"literal_error": "expected", "enum": "expected", "union_tag_invalid": "expected_tags"}
_EMPTY = {"too_short", "string_too_short"}


def finding_of(kind: str, context: Mapping[str, object], value: object, subject: Text, raw: str | None) -> Finding:
    """A pydantic error of type ``kind`` as a finding.

    ``subject`` names what is wrong ("'port'"), ``value`` is what was there and ``raw`` its text as written, None where it is no scalar.
    """
    error = context.get("error")
    if isinstance(error, BilingualError):
        return Finding(error.code, error.text, error.hint)
    if kind in _CHOICES:
        return _choice(re.findall(r"'([^']*)'", str(context.get(_CHOICES[kind], ""))), value, subject, raw)
    if kind in _EMPTY:
        return Finding("empty_value", Text(f"{subject.en} must not be empty", f"{_spaced(subject.zh)}不能为空"))
    if kind in _LIMITS:
        limits = {name: str(limit) for name, limit in context.items()}
        return _wrong(subject, Text(_LIMITS[kind].en.format_map(limits), _LIMITS[kind].zh.format_map(limits)), value)
    if wanted := _wanted(kind):
        found = _wrong(subject, wanted, value, raw)
        return Finding(found.code, found.text, _hint(wanted, value, raw), wanted)
    return _wrong(subject, _OTHER, value, raw)


def _wanted(kind: str) -> Text | None:
    match = _TYPE_ERROR.fullmatch(kind)
    return _WANTED.get(match[1]) if match else None


def _choice(choices: list[str], value: object, subject: Text, raw: str | None) -> Finding:
    found = _found(value, raw)
    text = Text(f"{subject.en} cannot be {found.en}", f"{_spaced(subject.zh)}不能是 {found.zh}")
    listed = Text(f"use {', '.join(choices)}", f"可用：{'、'.join(choices)}") if choices else None
    return Finding("bad_value", text, did_you_mean(raw or str(value), choices) or listed)


def _wrong(subject: Text, wanted: Text, value: object, raw: str | None = None) -> Finding:
    about = _spaced(subject.zh)
    if value is None:
        return Finding("bad_value", Text(f"{subject.en} has no value; it should be {wanted.en}", f"{about}没有值，应为 {wanted.zh}"))
    found = _found(value, raw)
    text = Text(f"{subject.en} should be {wanted.en}, not {found.en}", f"{about}应为 {wanted.zh}，而不是 {found.zh}")
    return Finding("bad_value", Text(text.en, re.sub(r"(应为|不是) (?=[^ -~])", r"\1", text.zh)))


def _spaced(subject: str) -> str:
    """A blank stands between Chinese and what is in quotes."""
    return f"{subject} " if subject.endswith("'") else subject


def _found(value: object, raw: str | None) -> Text:
    """``yes`` is a truth value in YAML, which surprises those who meant a word."""
    if isinstance(value, bool) and raw is not None:
        return Text(f"{raw}, which YAML reads as {shown(value)}", f"{raw}（YAML 把它当作 {shown(value)}）")
    return shown(value)


def _hint(wanted: Text, value: object, raw: str | None) -> Text | None:
    if wanted is _TEXT and raw:
        return Text(f"put it in quotes: '{raw}'", f"请加引号：'{raw}'")
    if wanted is _LIST:
        return Text("write [a, b], or every entry on a line of its own after '- '", "写成 [a, b]，或每项一行、以 “- ” 开头")
    if wanted is _KEYS:
        return _colon_hint(str(value)) or Text("write  key: value  on lines of their own", "每行写一个  键: 值")
    return None


_FULL_WIDTH_COLON = re.compile(r"\w+\s*：")
_TIGHT_COLON = re.compile(r"[A-Za-z_]\w*:\S")


def _colon_hint(text: str) -> Text | None:
    """``alert：x`` and ``alert:x`` are one word to YAML."""
    if _FULL_WIDTH_COLON.match(text):
        return Text("'：' is full-width; type ': ' with a space after it", "“：”是全角冒号，请改用半角冒号加空格 “: ”")
    if _TIGHT_COLON.match(text):
        return Text("write a space after the colon", "冒号后面要有一个空格")
    return None


def cut_text_hint(name: str, value: object) -> Text | None:
    """``{en: low, or gone}`` has a key ``or gone``, without a value."""
    if value is not None or " " not in name:
        return None
    return Text("put a text that holds a comma in quotes", "文字里若有逗号加空格，请给整段文字加引号")


def unknown_key(name: str, value: object, known: list[str]) -> Finding:
    """A key that the model does not have. ``known`` are those that it has."""
    hint = _colon_hint(name) or did_you_mean(name, known) or cut_text_hint(name, value)
    if hint is None and known:
        hint = Text(f"known keys here: {', '.join(known)}", f"这里可以用的键：{'、'.join(known)}")
    said = shown(name)
    return Finding("unknown_key", Text(f"unknown key {said}", f"不认识的键 {said}"), hint)


def missing_keys(names: list[str], parent: Text | None) -> Finding:
    en = f"key '{names[0]}' is missing" if len(names) == 1 else f"keys are missing: {', '.join(names)}"
    zh = f"缺少键 '{names[0]}'" if len(names) == 1 else f"缺少这些键：{'、'.join(names)}"
    return Finding("missing_key", Text(f"{en} in {parent.en}", f"{_spaced(parent.zh)}{zh}") if parent else Text(en, zh))


def merged(findings: Iterable[Finding], subject: Text, value: object, raw: str | None) -> Iterator[Finding]:
    """The findings at one value; what members of a union wanted each becomes one sentence."""
    all_ = list(dict.fromkeys(findings))
    wanted = list(dict.fromkeys(finding.wanted for finding in all_ if finding.wanted))
    yield from (finding for finding in all_ if not finding.wanted or len(wanted) < 2)
    if len(wanted) > 1:
        either = Text(" or ".join(want.en for want in wanted), "或".join(want.zh for want in wanted))
        yield _wrong(subject, either, value, raw)


def fields_at(model: type[BaseModel], loc: Path_) -> list[str]:
    """Names of the fields of the (nested) model that ``loc`` leads to, as written in files."""
    current: object = model
    for part in loc:
        current = _step(current, part)
    if isinstance(current, type) and issubclass(current, BaseModel):
        return [info.alias or name for name, info in current.model_fields.items()]
    return []


def _step(current: object, part: str | int) -> object:
    if isinstance(current, type) and issubclass(current, BaseModel):
        for name, info in current.model_fields.items():
            if part in (name, info.alias):
                return _models_in(info.annotation)
    return current


def _models_in(annotation: object) -> object:
    """The one model inside ``list[M]``, ``dict[str, M]``, ``M | None``; None where there is none or several."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = [m for arg in getattr(annotation, "__args__", ()) if (m := _models_in(arg)) is not None]
    return found[0] if len(found) == 1 else None
