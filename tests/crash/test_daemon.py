"""A daemon that is killed and started again, compared with one that nobody disturbs. The whole matrix: ``make chaos``."""

from __future__ import annotations

import random

import pytest

from tests.crash.chaos import judge, kills_at_points, random_kills, world
from tests.delivery.conftest import NO_POSTGRES, POSTGRES

POINTS_TRIED = ("commit", "note the delivery")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # a busy machine is slow, which is no fault


@pytest.mark.parametrize(("url", "daemons"), [("", 1), pytest.param(POSTGRES, 2, marks=NO_POSTGRES)], ids=["sqlite", "two on postgresql"])
def test_killed_at_random_times(url: str, daemons: int) -> None:
    with world(url) as made:
        random_kills(made, daemons, 4, random.Random(1))
        verdict = judge(made)
    assert verdict.kills == 4
    assert verdict.messages > 0


def test_killed_at_fault_points() -> None:
    with world() as made:
        assert not kills_at_points(made, 1, POINTS_TRIED)
        verdict = judge(made)
    assert verdict.kills == 2 * len(POINTS_TRIED)
