"""The columnar backend agrees with the slow reference evaluator on random expressions and random snapshots."""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.language import check
from engine.language.names import Scope
from engine.language.typed import Node
from engine.matching.evaluate import Matcher
from engine.matching.results import plain_value
from engine.model import Type, Value
from engine.snapshots import Snapshots
from tests.language.strategies import conditions, values
from tests.matching.worlds import NOW, SCHEMAS, make_world
from tests.reference import World, current, evaluate

SEEDS = range(4)
calm = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
TYPES = [Type.INTEGER, Type.NUMBER, Type.MONEY, Type.PERCENT, Type.DURATION, Type.TIMESTAMP, Type.DATE, Type.STRING]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[World, Snapshots]]:
    folders = [tmp_path_factory.mktemp(f"world{seed}") for seed in SEEDS]
    return [(make_world(seed, folder), Snapshots(Path(folder))) for seed, folder in zip(SEEDS, folders, strict=True)]


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(SCHEMAS, "Asia/Shanghai")


@pytest.mark.parametrize("kind", ["store", "order", "product", "traffic"])
@calm
@given(data=st.data())
def test_conditions_agree(kind: str, data: st.DataObject, worlds: list[tuple[World, Snapshots]], matcher: Matcher) -> None:
    world, snapshots = data.draw(st.sampled_from(worlds))
    node = check(data.draw(conditions(kind, SCHEMAS)), Scope(kind, SCHEMAS, "Asia/Shanghai"), "condition")
    compare(node, kind, world, snapshots, matcher)


@pytest.mark.parametrize("type_", TYPES)
@calm
@given(data=st.data())
def test_values_agree(type_: Type, data: st.DataObject, worlds: list[tuple[World, Snapshots]], matcher: Matcher) -> None:
    kind = data.draw(st.sampled_from(["store", "order"]))
    world, snapshots = data.draw(st.sampled_from(worlds))
    node = check(data.draw(values(type_, kind, SCHEMAS)), Scope(kind, SCHEMAS, "Asia/Shanghai"), type_)
    compare(node, kind, world, snapshots, matcher)


def compare(node: Node, kind: str, world: World, snapshots: Snapshots, matcher: Matcher) -> None:
    rows = {tuple(str(row.values[name]) for name in SCHEMAS[kind].key): row for row in current(kind, world)}
    found = matcher.values(kind, node, rows.keys(), snapshots, NOW)
    assert set(found) == set(rows)
    for key, row in rows.items():
        expected = evaluate(node, row, world)
        got = plain_value(found[key], node.type)
        assert same(got, expected), f"{key}: {got!r}, expected {expected!r}"


def same(got: Value, expected: Value) -> bool:
    """Equal; doubles to nine digits."""
    if isinstance(got, float) or isinstance(expected, float):
        return got is not None and expected is not None and math.isclose(float(got), float(expected), rel_tol=1e-9, abs_tol=2e-9)  # type: ignore[arg-type]
    if isinstance(got, timedelta) and isinstance(expected, timedelta):
        return abs(got - expected) <= timedelta(microseconds=1)
    if isinstance(got, int) and isinstance(expected, Decimal):
        return Decimal(got) == expected
    return got == expected
