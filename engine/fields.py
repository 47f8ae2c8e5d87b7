"""Field types that the typed files share: names, durations (``26h``), fractions (``5%``), time zones, texts in one or two languages.

Each type tells JSON Schema which texts it reads, and :func:`about` what a key means, so that the schemas for editors are made of the
very models that read the files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.fields import FieldInfo
from pydantic_core import PydanticKnownError

from engine.errors import LANGUAGES, Text, did_you_mean
from engine.yamlfile import BilingualError, cut_text_hint, shown

NAME = r"[a-z][a-z0-9_]*"
LONGEST = timedelta(days=36_500)
UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:(\d{1,9})w)?(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?")
DURATION = rf"(?=\d){_DURATION.pattern}"


class Strict(BaseModel):
    """Base of all file models: unknown keys are errors, values are not changed after loading."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True, arbitrary_types_allowed=True)


def about(en: str, zh: str, *, names: str = "", examples: Sequence[object] = ()) -> FieldInfo:
    """What a key means, in both languages, for editors to show. ``examples`` are offered as values; so are the project's own ``names``
    (see :func:`named`)."""
    described: FieldInfo = Field(
        description=f"{en} · {zh}", examples=list(examples) or None, json_schema_extra={"names": names} if names else None
    )
    return described


def named(names: str, *examples: str) -> FieldInfo:
    """A name of the project: editors offer those of a sort that :mod:`engine.schemas` knows (``kinds``, ``rules``, ``owners`` ...)."""
    field: FieldInfo = Field(examples=list(examples) or None, json_schema_extra={"names": names} if names else None)
    return field


def written(pattern: str, wrong: Text) -> WithJsonSchema:
    """For JSON Schema: a text that ``pattern`` matches from end to end. ``wrong`` is what an editor says of another."""
    return WithJsonSchema({"type": "string", "pattern": f"^(?:{pattern})$", "patternErrorMessage": f"{wrong.en} · {wrong.zh}"})


def among(texts: Iterable[str]) -> WithJsonSchema:
    """For JSON Schema: one of the texts."""
    return WithJsonSchema({"type": "string", "enum": [*texts]})


def known_name(names: Collection[str], code: str, wrong: Callable[[object], Text], all_: Text) -> BeforeValidator:
    """A value that must be one of ``names``; editors offer them. A problem has this ``code``, says what is ``wrong``, and offers the name
    that was probably meant, else all, after ``all_``."""

    def parse(value: object) -> object:
        if isinstance(value, str) and value in names:
            return value
        listed = Text(f"{all_.en}: {', '.join(names)}", f"{all_.zh}：{'、'.join(names)}")
        raise BilingualError(code, wrong(value), did_you_mean(str(value), names) or listed)

    return BeforeValidator(parse, json_schema_input_type=Annotated[str, among(names)])


def read_as(form: object) -> BeforeValidator:
    """For JSON Schema: the value is passed on as it is, to be read as ``form``, a type, later."""
    return BeforeValidator(lambda value: value, json_schema_input_type=form)


def parse_name(name: str) -> str:
    """A name of the project's own: lower-case letters, digits and ``_``. Raises :class:`BilingualError`."""
    if re.fullmatch(NAME, name):
        return name
    text = Text(f"{shown(name)} cannot be a name", f"{shown(name)} 不能作为名称")
    hint = Text(
        "use lower-case letters, digits and _, starting with a letter, such as dsr_drop",
        "请用小写字母、数字和下划线，以字母开头，如 dsr_drop；中文名写在 title 里",
    )
    raise BilingualError("bad_name", text, hint)


def parse_duration(text: object) -> timedelta:
    """``90s``, ``30m``, ``1h30m``, ``7d``, ``2w`` as a timedelta. Raises :class:`BilingualError` (a ValueError)."""
    if isinstance(text, timedelta):
        return text
    match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) and text.strip() else None
    if not match:
        said = shown(text)
        hint = Text("write it like 30m, 26h, 7d or 1h30m", "写法如 30m、26h、7d、1h30m")
        raise BilingualError("bad_duration", Text(f"{said.en} is not a duration", f"{said.zh} 不是时长"), hint)
    seconds = sum(int(n) * UNITS[unit] for n, unit in zip(match.groups(), "wdhms", strict=True) if n)
    if seconds > LONGEST.total_seconds():
        text_ = Text(f"{shown(text)} is too long: a duration is at most {LONGEST.days} days", f"{shown(text)} 太长：最多 {LONGEST.days} 天")
        raise BilingualError("bad_duration", text_)
    return timedelta(seconds=seconds)


def parse_fraction(text: object) -> Decimal:
    """``5%`` or ``0.05`` as Decimal 0.05. Raises :class:`BilingualError`."""
    if isinstance(text, int | float | Decimal) and not isinstance(text, bool):
        return Decimal(str(text))
    match = re.fullmatch(r"\s*(\d{1,18}(?:\.\d{1,18})?)\s*%\s*", str(text))
    if not match:
        said = shown(text)
        hint = Text("write it like 5%", "写法如 5%")
        raise BilingualError("bad_fraction", Text(f"{said.en} is not a percentage", f"{said.zh} 不是百分比"), hint)
    return Decimal(match.group(1)) / 100


def parse_text(value: object) -> Text:
    """One string, or ``{zh: ..., en: ...}`` (one of the two stands for both when the other is not given). Raises
    :class:`BilingualError`, and pydantic's own error where the value is no text at all."""
    if isinstance(value, Text):
        return value
    if isinstance(value, dict) and value:
        return _two_texts(value)
    return Text.same(_one_text(value))


def _two_texts(value: dict[object, object]) -> Text:
    for language, text in value.items():
        if language not in LANGUAGES:
            said = shown(language)
            hint = cut_text_hint(str(language), text) or Text("write {zh: ..., en: ...}", "写成 {zh: ..., en: ...}")
            raise BilingualError("bad_text", Text(f"{said} is not a language", f"{said} 不是语言"), hint, at=(str(language),), key=True)
        if not isinstance(text, str) or not text.strip():
            said = shown(text)
            raise BilingualError(
                "bad_text",
                Text(f"'{language}' should be a text, not {said.en}", f"'{language}' 应为文字，而不是 {said.zh}"),
                Text("put it in quotes", "请加引号"),
                at=(str(language),),
            )
    zh, en = value.get("zh"), value.get("en")
    return Text(str(en or zh), str(zh or en))


def _one_text(value: object) -> str:
    if isinstance(value, list | dict) or value is None or value == "":
        raise BilingualError("bad_text", Text("expected one string or {zh: ..., en: ...}", "应为一段文字，或 {zh: ..., en: ...}"))
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    return value


def parse_zone(value: object) -> str:
    """A time zone of the IANA list. Raises :class:`BilingualError`."""
    try:
        if isinstance(value, str) and ZoneInfo(value):
            return value
    except (ValueError, OSError, ZoneInfoNotFoundError):
        pass
    said = shown(value)
    hint = Text("for China, write Asia/Shanghai", "中国请写 Asia/Shanghai")
    if near := did_you_mean(str(value), available_timezones()):
        hint = Text(f"{near.en} {hint.en}", f"{near.zh}{hint.zh}")
    raise BilingualError("bad_time_zone", Text(f"{said.en} is not a time zone", f"{said.zh} 不是时区名称"), hint)


class _Texts(Strict):
    """One text in both languages, or in one of them."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    zh: Annotated[str, about("in Chinese", "中文")] = Field("", pattern=r"\S")
    en: Annotated[str, about("in English", "英文")] = Field("", pattern=r"\S")


_NAME_WANTED = Text("lower-case letters, digits and _, such as dsr_drop", "小写字母、数字和下划线，如 dsr_drop")
_DURATION_WANTED = Text("a duration such as 30m, 26h, 7d or 1h30m", "时长，如 30m、26h、7d、1h30m")
_PERCENTAGE = Annotated[str, written(r"\s*\d{1,18}(\.\d{1,18})?\s*%\s*", Text("a percentage such as 5%", "百分比，如 5%"))]
_DURATION_TEXT = Annotated[str, written(rf"\s*{DURATION}\s*", _DURATION_WANTED)]

Name = Annotated[str, AfterValidator(parse_name), written(NAME, _NAME_WANTED)]
TimeZone = Annotated[str, BeforeValidator(parse_zone, json_schema_input_type=str)]
Duration = Annotated[timedelta, BeforeValidator(parse_duration, json_schema_input_type=_DURATION_TEXT)]
Fraction = Annotated[Decimal, BeforeValidator(parse_fraction, json_schema_input_type=float | _PERCENTAGE)]
LocalText = Annotated[Text, BeforeValidator(parse_text, json_schema_input_type=Annotated[str, Field(min_length=1)] | _Texts)]
