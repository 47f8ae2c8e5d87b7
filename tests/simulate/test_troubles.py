"""Every rule has a trouble; all of them planted in one small world are found by the engine at once, and nothing else is.

``benchmarks/quarter.py`` does the same for 50 stores over 90 days.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.builtin import BUILT_IN, STALE_DATA
from engine.cli.init import copy_starter
from engine.errors import UsageError
from engine.project import load_project
from engine.simulate.causes import CAUSES
from engine.simulate.incidents import plant
from engine.simulate.plan import Dice, Options
from engine.simulate.playing import Player, steps
from engine.simulate.run import Summary, simulate
from engine.simulate.scoring import read_incidents, read_truth, score
from engine.simulate.trouble import Slot
from engine.simulate.troubles import TROUBLES
from engine.simulate.world import build
from engine.state import State

ALL = tuple(TROUBLES)
REPOSITORY = Path(__file__).parents[2]


def test_every_rule_has_a_trouble_and_every_incident_rule_a_cause() -> None:
    project = load_project(REPOSITORY)
    assert set(TROUBLES) == {rule.name for rule in project.rules} | {STALE_DATA.name}
    assert set(CAUSES) == {rule.name for rule in project.incidents}


@pytest.mark.slow
def test_the_engine_finds_every_planted_incident_at_once_and_nothing_else(tmp_path: Path) -> None:
    summary = simulate(tmp_path / "exports", Options(stores=8, days=14, incidents=1, rules=ALL, causes=1))
    copy_starter(tmp_path / "project")
    project = load_project(tmp_path / "project")
    planned = steps(tmp_path / "exports")
    transitions = []
    with State.open("sqlite://") as state:
        player = Player(project, state, lambda: datetime.now(UTC), "test")
        for step in planned:
            player.ingest(step)
            transitions += player.evaluate(step).transitions
    truth = read_truth(tmp_path / "exports", project.infos | BUILT_IN)
    result = score(truth, transitions, [step.at for step in planned])
    assert {one.rule for one in (*summary.incidents, *summary.causes) if one.note} == {*ALL, *CAUSES}, "an incident does not show"
    assert [one for one in result.rules if one.at_once < one.planted or one.closed < one.ended or one.extra] == []


@pytest.fixture(scope="module")
def every_variant(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    return simulate(tmp_path_factory.mktemp("variants"), Options(stores=40, days=30, incidents=3, rules=ALL))


@pytest.mark.parametrize("rule", ALL)
def test_every_variant_shows_and_ends(rule: str, every_variant: Summary) -> None:
    planted = [one for one in every_variant.incidents if one.rule == rule and one.note]
    assert len(planted) == 3
    assert len({one.note for one in planted}) >= 2


@pytest.fixture(scope="module")
def every_cause(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    folder = tmp_path_factory.mktemp("causes")
    return folder, simulate(folder, Options(stores=14, days=30, incidents=0, causes=2))


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_shows_and_ends(cause: str, every_cause: tuple[Path, Summary]) -> None:
    planted = [one for one in every_cause[1].causes if one.rule == cause and one.note]
    assert len(planted) == 2
    assert all(one.ends_at for one in planted)


def test_causes_have_a_file_of_their_own(every_cause: tuple[Path, Summary]) -> None:
    folder, summary = every_cause
    assert read_incidents(folder / "causes.csv") == summary.causes
    assert not {one.rule for one in summary.incidents} & set(CAUSES)
    assert set(read_truth(folder, {"store_at_risk"})) == {one for one in summary.causes if one.rule == "store_at_risk"}


def test_nothing_shows_in_healthy_stores(tmp_path: Path) -> None:
    assert simulate(tmp_path, Options(stores=12, days=40, seed=2, incidents=0, rules=ALL)).incidents == ()


def test_a_trouble_can_be_planted_by_hand_in_a_store_and_a_slot() -> None:
    options = Options(stores=2, days=10, rules=ALL)
    shop = build(options)[1]
    for trouble in TROUBLES.values():
        planted = trouble.plant(shop, Slot(5, 6, 1), Dice(1), options)
        assert planted.shop != shop
        assert planted.key
        assert planted.note


def test_one_rule_alone_is_planted_but_the_truth_is_told_about_all(tmp_path: Path) -> None:
    summary = simulate(tmp_path, Options(stores=3, days=16, incidents=2, rules=("traffic_drop",)))
    assert {one.rule for one in summary.incidents if one.note} == {"traffic_drop"}
    assert {one.rule for one in summary.incidents if not one.note} == {"traffic_source_drop"}


def test_a_rule_that_does_not_exist_is_refused() -> None:
    options = Options(rules=("dsr_drop", "dsr_dorp"))
    with pytest.raises(UsageError, match="dsr_dorp"):
        plant(build(options), options)
