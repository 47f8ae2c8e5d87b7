"""A replay is what the live path does, instant after instant."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from engine.matching.evaluate import NO_ACTIVE, Matcher
from engine.matching.foresight import Foresight
from engine.project import Project
from engine.replay import replay
from tests.replay.conftest import Batch, appointments, histories, write

SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
calm = settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=SLOW)


class Shortsighted(Foresight):
    """Looks nowhere ahead: it evaluates one instant after another, as a daemon does."""

    def look_ahead(self, glances, archive, active):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        return 1

    def evaluate(self, rules, snapshots, at, active=NO_ACTIVE):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        return Matcher.evaluate(self, rules, snapshots, at, active)


@pytest.fixture(scope="module")
def matchers(project: Project) -> tuple[Foresight, Foresight]:
    facts = project.facts
    return Foresight(facts.schemas, facts.time_zone), Shortsighted(facts.schemas, facts.time_zone)


@calm
@given(batches=histories())
def test_a_replay_is_one_instant_after_another(
    batches: tuple[Batch, ...], project: Project, matchers: tuple[Foresight, Foresight], tmp_path: Path
) -> None:
    archive = write(project, tmp_path / "snapshots", batches)
    once, each = (replay(project, archive, appointments(project), matcher=matcher) for matcher in matchers)
    assert once == each
