"""Operands: what they refer to, what they are worth for one fact."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.correlation.values import Arithmetic, Comparison, Constant, Operand, Own, Ref, Scalar, Test

Values = Mapping[str, Scalar]  # of one fact, without those that are missing

COMPARE: Mapping[Comparison, Callable[[Any, Any], bool]] = {
    Comparison.EQUAL: operator.eq,
    Comparison.UNEQUAL: operator.ne,
    Comparison.LESS: operator.lt,
    Comparison.AT_MOST: operator.le,
    Comparison.MORE: operator.gt,
    Comparison.AT_LEAST: operator.ge,
}
COMPUTE: Mapping[str, Callable[[Any, Any], float]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def leaves(operand: Operand) -> Iterator[Constant | Own | Ref]:
    if isinstance(operand, Arithmetic):
        yield from leaves(operand.left)
        yield from leaves(operand.right)
    else:
        yield operand


def bindings(operand: Operand) -> frozenset[str]:
    """The bindings that an operand refers to; ``""`` stands for the fact itself."""
    return frozenset(leaf.binding if isinstance(leaf, Ref) else "" for leaf in leaves(operand) if not isinstance(leaf, Constant))


def is_own(operand: Operand) -> bool:
    return bindings(operand) <= {""}


def seen_from_itself(operand: Operand) -> Operand:
    """The operand, which refers to one fact, as that fact would write it."""
    match operand:
        case Ref(_, field):
            return Own(field)
        case Arithmetic(op, left, right):
            return Arithmetic(op, seen_from_itself(left), seen_from_itself(right))
        case _:
            return operand


def worth(operand: Operand, values: Values) -> Scalar | None:
    """What an operand without references is worth for the fact that has these values. None when something is missing."""
    match operand:
        case Constant(value):
            return value
        case Own(field):
            return values.get(field)
        case Arithmetic(op, left, right):
            one, other = worth(left, values), worth(right, values)
            if isinstance(one, str) or isinstance(other, str) or one is None or other is None:
                return None
            return COMPUTE[op](one, other)
        case Ref():
            raise ValueError(operand)


def passes(test: Test, values: Values) -> bool:
    """Whether the fact passes a test without references."""
    value, other = values.get(test.field), worth(test.operand, values)
    return value is not None and other is not None and COMPARE[test.op](value, other)
