"""Nothing but the safe subset reaches durable-rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from engine.correlation.compiling import compiled
from engine.correlation.limits import MOST_FACTS
from engine.correlation.session import COMPLETE, FIRST, GUARD, KIND, LAST, SESSION, patterns, text
from tests.correlation.random_programs import SCHEMA, Maker

COMPARISONS = {"$neq", "$lt", "$lte", "$gt", "$gte"}


def hashed(name: str) -> int:
    """FNV-1a in 32 bits: to the engine, names (and ids) of the same hash are the same."""
    found = 0x811C9DC5
    for byte in name.encode():
        found = ((found ^ byte) * 16777619) & 0xFFFFFFFF
    return found


def test_no_two_names_of_fields_are_one_to_the_engine() -> None:
    names = ["id", "sid", "$s", "kind", FIRST, COMPLETE, LAST, *(f"{letter}{number}" for letter in "bcmp" for number in range(10_000))]
    assert len({hashed(name) for name in names}) == len(names)


def test_no_two_ids_are_one_to_the_engine() -> None:
    ids = [f"sid-{SESSION}", *(str(number) for number in range(MOST_FACTS + 10))]
    assert len({hashed(name) for name in ids}) == len(ids)


@pytest.mark.parametrize("number", [0.0, 1e-05, 1.5e-07, 1e16, 1e22, -1e300, 5e-324, 0.1, 2.0**53, 0, -1, 2**53])
def test_numbers_are_written_as_the_engine_reads_them(number: float) -> None:
    assert float(text(number)) == number
    assert ("." in text(number)) is isinstance(number, float)


def definitions() -> Iterator[list[dict[str, Any]]]:
    for seed in range(500):
        for group, _ in compiled(Maker(seed).case().rules, SCHEMA):
            for variant in group.variants:
                yield patterns(variant)


def test_every_pattern_has_the_one_shape_that_is_exact() -> None:
    seen = 0
    for variant in definitions():
        for entry in variant:
            ((name, pattern),) = entry.items()
            if name == COMPLETE:
                assert pattern == {COMPLETE: 1}
                continue
            seen += 1
            assert list(pattern) == ["$and"]
            first, *rest, last = pattern["$and"]
            assert (first, last) == (KIND, GUARD)
            assert all(one_shape(condition) for condition in rest), rest
    assert seen > 1000


def one_shape(condition: dict[str, Any]) -> bool:
    """A bit, a column that exists, or a comparison of a column; one key in each object; no text but names of ours."""
    ((key, value),) = condition.items()
    if key == "$ex":
        return list(value.values()) == [1]
    if key.startswith("b"):
        return value is True
    if key in COMPARISONS:
        ((_, value),) = value.items()
        return operand(value)
    return key.startswith("c") and isinstance(value, dict) and all(name.startswith("p") for name in value)


def operand(value: dict[str, Any]) -> bool:
    ((key, inner),) = value.items()
    if key in ("$add", "$sub", "$mul"):
        return list(inner) == ["$l", "$r"] and operand(inner["$l"]) and operand(inner["$r"])
    return (key == "$m" or key.startswith("p")) and inner.startswith("c")


def test_absence_comes_after_the_mark_that_all_is_there() -> None:
    for variant in definitions():
        names = [name for entry in variant for name in entry]
        absent = [name for name in names if name.endswith("$not")]
        assert names == [name for name in names if not name.endswith("$not") and name != COMPLETE] + [COMPLETE] * bool(absent) + absent


def test_no_text_of_a_user_is_in_a_definition() -> None:
    for variant in definitions():
        assert json.dumps(variant, ensure_ascii=False).isascii()
