"""What a fact is by itself: its values, checked, and its mask."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.correlation.operands import Values, passes
from engine.correlation.plan import Selector
from engine.correlation.values import Comparison, Constant, Fact, FieldType, Scalar, Test
from engine.errors import CorrelationError, Text

CLASS: Mapping[FieldType, type] = {FieldType.TEXT: str, FieldType.INTEGER: int, FieldType.BOOLEAN: bool, FieldType.FLOAT: float}


def clean(fact: Fact, fields: Mapping[str, FieldType]) -> Values:
    """The values of these fields that the fact has. Raises :class:`CorrelationError` for one of another type."""
    values: dict[str, Scalar] = {}
    for name, kind in fields.items():
        value = fact.values.get(name)
        if value is None:
            continue
        if type(value) is int and kind is FieldType.FLOAT:
            value = float(value)
        if type(value) is float:
            if not math.isfinite(value):
                continue
            value += 0.0  # -0.0 and 0.0 are one number
        if type(value) is not CLASS[kind]:
            en = f"fact {fact.id} ({fact.kind}): {name} must be {kind}, and is {value!r}"
            raise CorrelationError(Text(en, f"事实 {fact.id}（{fact.kind}）：{name} 应为 {kind}，实为 {value!r}"))
        values[name] = value
    return values


@dataclass(slots=True)
class _Kind:
    """The selectors that a fact of one kind may pass: those that ask for one value of a field by that value, and all others."""

    by_value: dict[str, dict[Scalar, list[tuple[int, tuple[Test, ...]]]]] = field(default_factory=dict)
    others: list[tuple[int, tuple[Test, ...]]] = field(default_factory=list)

    def add(self, bit: int, tests: tuple[Test, ...]) -> None:
        for position, test in enumerate(tests):
            if test.op is Comparison.EQUAL and isinstance(test.operand, Constant):
                rest = tests[:position] + tests[position + 1 :]
                self.by_value.setdefault(test.field, {}).setdefault(test.operand.value, []).append((bit, rest))
                return
        self.others.append((bit, tests))

    def candidates(self, values: Values) -> Iterator[tuple[int, tuple[Test, ...]]]:
        yield from self.others
        for name, by_value in self.by_value.items():
            value = values.get(name)
            if value is not None:
                yield from by_value.get(value, ())


class Selecting:
    """Masks of facts, for a set of selectors by bit."""

    def __init__(self, selectors: Mapping[int, Selector]) -> None:
        self._kinds: dict[str, _Kind] = {}
        for bit, selector in selectors.items():
            for kind in set(selector.kinds):
                self._kinds.setdefault(kind, _Kind()).add(bit, selector.tests)

    def mask(self, kind: str, values: Values) -> int:
        mask = 0
        if kind in self._kinds:
            for bit, tests in self._kinds[kind].candidates(values):
                if all(passes(test, values) for test in tests):
                    mask |= 1 << bit
        return mask
