"""A replay is what the live path does, instant after instant."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from engine.matching.evaluate import NO_ACTIVE, Matcher
from engine.matching.foresight import Foresight
from engine.model import Reason
from engine.project import Project
from engine.replay import Progress, replay
from engine.replay.planning import every
from engine.replay.summary import by_day, by_owner, by_rule
from tests.replay.conftest import START, STEP, Batch, appointments, histories, write

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


def test_who_interrupts_a_replay_may_begin_another(project: Project, matchers: tuple[Foresight, Foresight], tmp_path: Path) -> None:
    """What was being looked at in the thread is given up, wherever it is."""
    rows = [tuple({"store_id": store, "dsr_desc": Decimal(f"4.{number % 4 + 5}")} for store in ("s1", "s2")) for number in range(60)]
    archive = write(project, tmp_path / "snapshots", [Batch(START + n * STEP, None, each) for n, each in enumerate(rows)])
    whole = replay(project, archive, appointments(project, 60), matcher=matchers[1])
    for when in (1, 8, 9, 25, 60):

        def stop(progress: Progress, when: int = when) -> None:
            if progress.done == when:
                raise KeyboardInterrupt

        found = replay(project, archive, appointments(project, 60), matcher=matchers[0], progress=stop)
        assert not found.complete and found.moments == whole.moments[: len(found.moments)]
    assert replay(project, archive, appointments(project, 60), matcher=matchers[0]) == whole


def test_figures(project: Project, tmp_path: Path) -> None:
    """A rating that falls twice: for twelve hours, and again six hours later for six; another store falls for good."""
    ratings = ["4.9", "4.6", "4.6", "4.9", "4.6", "4.9", "4.9", "4.9"]
    rows = [
        tuple({"store_id": store, "dsr_desc": Decimal(dsr)} for store, dsr in (("s1", rating), ("s2", "4.4" if number > 4 else "4.9")))
        for number, rating in enumerate(ratings)
    ]
    archive = write(project, tmp_path / "snapshots", [Batch(START + n * STEP, None, each) for n, each in enumerate(rows)])
    rules = [rule for rule in project.rules if rule.name == "dsr_drop"]
    found = replay(project, archive, every(STEP, START, START + 7 * STEP, rules), until=START + 8 * STEP)
    (figures,) = [each for each in by_rule(found) if each.rule == "dsr_drop"]
    assert (figures.alerts, figures.critical, figures.stores, figures.relapses, figures.open) == (3, 1, 2, 1, 1)
    assert (figures.resolve, figures.longest) == (timedelta(hours=9), timedelta(hours=18))
    assert figures.notifications == sum("dsr_drop" in {moved.alert.identity.rule for moved in sent.transitions} for sent in found.sent)
    days = by_day(found, project.facts.zone)  # the first instant is at eight o'clock in Shanghai
    assert [(day.alerts, day.resolved, day.open) for day in days] == [(1, 0, 1), (2, 2, 1), (0, 0, 1)]
    (owner,) = [each for each in by_owner(found) if each.owner == "service"]
    assert (owner.rules, owner.alerts, owner.stores) == (1, 3, 2)
    reasons = [moved.reason for sent in found.sent for moved in sent.transitions if moved.alert.store_id == "s2"]
    assert Reason.ESCALATED in reasons, "nobody acknowledged it for three hours"
