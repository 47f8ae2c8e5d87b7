"""Field types that the typed files share: durations (``26h``), fractions (``5%``), texts in one or two languages."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from engine.errors import Text
from engine.yamlfile import BilingualError

UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


class Strict(BaseModel):
    """Base of all file models: unknown keys are errors, values are not changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def parse_duration(text: object) -> timedelta:
    """``90s``, ``30m``, ``1h30m``, ``7d``, ``2w`` as a timedelta. Raises :class:`BilingualError` (a ValueError)."""
    if isinstance(text, timedelta):
        return text
    match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) and text.strip() else None
    if not match:
        raise BilingualError(
            "bad_duration",
            Text(f"{text!r} is not a duration", f"{text!r} 不是时长"),
            Text("write it like 30m, 26h, 7d or 1h30m", "写法如 30m、26h、7d、1h30m"),
        )
    return timedelta(seconds=sum(int(n) * UNITS[unit] for n, unit in zip(match.groups(), "wdhms", strict=True) if n))


def parse_fraction(text: object) -> Decimal:
    """``5%`` or ``0.05`` as Decimal 0.05. Raises :class:`BilingualError`."""
    if isinstance(text, int | float | Decimal) and not isinstance(text, bool):
        return Decimal(str(text))
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", str(text))
    if not match:
        raise BilingualError(
            "bad_fraction", Text(f"{text!r} is not a percentage", f"{text!r} 不是百分比"), Text("write it like 5%", "写法如 5%")
        )
    return Decimal(match.group(1)) / 100


def parse_text(value: object) -> Text:
    """One string, or ``{zh: ..., en: ...}`` (one of the two stands for both when the other is not given)."""
    if isinstance(value, Text):
        return value
    if isinstance(value, str):
        return Text.same(value)
    if isinstance(value, dict) and value and set(value) <= {"zh", "en"} and all(isinstance(v, str) for v in value.values()):
        zh, en = value.get("zh"), value.get("en")
        return Text(en or zh or "", zh or en or "")
    raise BilingualError("bad_text", Text("expected one string or {zh: ..., en: ...}", "应为一段文字，或 {zh: ..., en: ...}"))


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Fraction = Annotated[Decimal, BeforeValidator(parse_fraction)]
LocalText = Annotated[Text, BeforeValidator(parse_text)]
