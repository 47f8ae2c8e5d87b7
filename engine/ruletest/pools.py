"""Values worth trying for a column in a condition: what it is compared with, a step to either side, and a few of its type's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from engine.facts import Column
from engine.language.printing import show_duration
from engine.language.typed import Const
from engine.model import Type

Measure = TypeVar("Measure", Decimal, timedelta)
MOST = 12
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_SIGNS = re.compile(r"[|()\[\]{}\\^$.*+?]")


def pool(column: Column, anchors: Iterable[Const | str], alone: bool) -> tuple[str, ...]:
    """Texts, as a test file has them, in ascending order where there is one. ``anchors`` are the constants (and patterns) that the
    column is compared with, ``alone`` says whether with nothing else."""
    constants = [each.value for each in anchors if isinstance(each, Const)]
    match column.type:
        case Type.BOOLEAN:
            return ("否", "是")
        case Type.STRING:
            patterns = [each for each in anchors if isinstance(each, str)]
            return tuple(dict.fromkeys(_texts(column, constants, patterns)))
        case Type.TIMESTAMP | Type.DATE:
            return tuple(dict.fromkeys(_times(column.type, constants)))
        case Type.DURATION:
            spans = [span for value in constants if isinstance(value, timedelta) for span in _around(value, _step_of_time(value))]
            return tuple(
                show_duration(span) for span in sorted({*spans, *(() if alone and spans else (_HOUR, _DAY))}) if span >= timedelta()
            )
        case _:
            return tuple(_written(column.type, number) for number in _numbers(column, constants, alone))


def counts(anchors: Iterable[Const | str]) -> tuple[int, ...]:
    """Numbers of rows worth trying."""
    found = [int(each.value) for each in anchors if isinstance(each, Const) and isinstance(each.value, Decimal) and each.value < 100]
    return tuple(sorted({1, *(number for each in found for number in (each - 1, each, each + 1) if number >= 1)}))


def _numbers(column: Column, constants: Sequence[object], alone: bool) -> list[Decimal]:
    anchors = [value for value in constants if isinstance(value, Decimal)]
    near = {number for value in anchors for number in _around(value, _step(column.type, value))}
    found = near if near and alone else near | set(_usual(column))
    sound = [
        number
        for number in sorted(found)
        if (column.low is None or number >= column.low) and (column.high is None or number <= column.high)
    ]
    whole = [number for number in sound if column.type is not Type.INTEGER or number == number.to_integral_value()]
    return whole[:MOST]


def _around(value: Measure, step: Measure) -> tuple[Measure, Measure, Measure]:
    return (value - step, value, value + step)


def _step(type_: Type, value: Decimal) -> Decimal:
    if type_ is Type.INTEGER or (type_ is not Type.PERCENT and abs(value) >= 20 and value == value.to_integral_value()):
        return Decimal(1)
    return Decimal("0.01")


def _usual(column: Column) -> tuple[Decimal, ...]:
    if column.high is not None:
        low = column.low or Decimal(0)
        found = (low + (column.high - low) * share for share in (Decimal("0.1"), Decimal("0.5"), Decimal("0.9")))
        return tuple(number.to_integral_value() if column.type is Type.INTEGER else number for number in found)
    shares = ("0.1", "0.5", "0.9") if column.type is Type.PERCENT else ("10", "100", "1000")
    return tuple(map(Decimal, shares))


def _written(type_: Type, number: Decimal) -> str:
    plain = f"{(number * 100 if type_ is Type.PERCENT else number):f}"
    short = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return f"{short}%" if type_ is Type.PERCENT else short


def _texts(column: Column, constants: Sequence[object], patterns: Sequence[str]) -> Iterator[str]:
    """The words that exports have for the values, the texts compared with, the longest plain piece of a pattern, and another text."""
    named = [value for value in constants if isinstance(value, str)]
    for value in named:
        words = column.values.get(value, ())
        yield words[0] if words else value or "x"
    for pattern in patterns:
        yield max(_SIGNS.split(pattern), key=len) or "x"
    others = [words[0] if words else value for value, words in column.values.items() if value not in named]
    yield from others[:2] if column.values else ["别的", *(["甲"] if not named else [])]


def _times(type_: Type, constants: Sequence[object]) -> Iterator[str]:
    """Before and after now, and around the durations that it is compared with; around given days."""
    for value in constants:
        if isinstance(value, date):
            day = value.date() if isinstance(value, datetime) else value
            yield from (str(day + _DAY * offset) for offset in (-1, 0, 1))
    step = _DAY if type_ is Type.DATE else _HOUR
    spans = {step, *(span for value in constants if isinstance(value, timedelta) for span in _around(value, _step_of_time(value, type_)))}
    ahead = sorted(span for span in spans if span > timedelta())
    yield from (f"-{_spoken(span)}" for span in reversed(ahead))
    yield "now"
    yield from (f"+{_spoken(span)}" for span in ahead)


def _spoken(span: timedelta) -> str:
    """``49h`` rather than ``2d1h``."""
    hours, rest = divmod(span, _HOUR)
    return f"{hours}h" if hours and not rest and span < 4 * _DAY and span % _DAY else show_duration(span)


def _step_of_time(span: timedelta, type_: Type = Type.DURATION) -> timedelta:
    if type_ is Type.DATE:
        return _DAY
    return _HOUR if span >= timedelta(hours=2) else timedelta(minutes=1)
