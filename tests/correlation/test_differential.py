"""durable-rules, driven by the engine, against every combination tried in plain Python."""

from __future__ import annotations

import pytest

from engine.correlation import Program
from tests.correlation.random_programs import SCHEMA, Maker, difference

CASES, PARTS = 2000, 10


@pytest.mark.parametrize("part", range(PARTS))
def test_engine_agrees_with_trying_all_combinations(part: int) -> None:
    for seed in range(part * CASES // PARTS, (part + 1) * CASES // PARTS):
        case = Maker(seed).case()
        assert not difference(case, Program(case.rules, SCHEMA)), f"seed {seed}: {case}"
