"""Which rules a schedule evaluates, and when new data makes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.daemon.evaluating import HEARTBEAT
from engine.daemon.landings import SETTLED, Landings
from engine.project import Project, load_project
from engine.schedules import Schedule, selected
from engine.state import State
from tests.daemon.conftest import STORES, ManualClock, ingest_store
from tests.daemon.test_evaluating import Bench, claims

Load = Callable[[str], Project]
ROOT = Path(__file__).parents[2]
OF_SERVICE = "schedules: {fresh: {on: ingest, match: ['owner=\"service\"']}}"


@pytest.fixture(scope="module")
def shipped() -> Project:
    return load_project(ROOT)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"match": ['owner="fulfilment"']}, lambda rule: rule.info.owner == "fulfilment"),
        ({"match": ['owner!="fulfilment"']}, lambda rule: rule.info.owner != "fulfilment"),
        ({"match": ['facts=~"order|refund"']}, lambda rule: rule.kind in ("order", "refund")),
        ({"match": ['area=~"客.*"']}, lambda rule: rule.info.area.startswith("客")),
        (
            {"match": ['severity="critical"', 'owner="service"']},
            lambda rule: rule.info.owner == "service" and "critical" in severities(rule),
        ),
        ({"rules": ["dsr_drop", "dead_keyword"], "match": ['owner="service"']}, lambda rule: rule.name == "dsr_drop"),
        ({}, lambda rule: True),
    ],
    ids=["owner", "not owner", "kind", "area", "severity and owner", "of those named", "all"],
)
def test_selection(shipped: Project, options: dict[str, object], expected: Callable[[object], bool]) -> None:
    found = selected(Schedule.model_validate({"every": "1h"} | options), shipped.rules)
    assert found == tuple(rule for rule in shipped.rules if expected(rule))
    assert found


def severities(rule: object) -> set[str]:
    return {case[0].value for case in rule.severities} or {rule.info.severity.value}  # type: ignore[attr-defined]


def bench(project: Project, state: State) -> Bench:
    """With the clock of the file system: that is what dates a landing."""
    return Bench(project, state, ManualClock(datetime.now(UTC)))


def settle(ours: Bench) -> None:
    """Let the bench's clock, which stands still while data is ingested, pass the landing."""
    ours.clock.pass_(datetime.now(UTC) - ours.clock.now() + SETTLED + timedelta(seconds=2))


def test_new_data_is_evaluated_once(scheduled: Load, state: State) -> None:
    project = scheduled(OF_SERVICE)
    ours = bench(project, state)
    assert ours.work() == [], "nothing came yet"
    ingest_store(project.folder, STORES, ours.clock.now())
    settle(ours)
    assert len(ours.work()) == 1
    assert {alert.identity.key for alert in state.alerts().values()} == {("s1",)}
    ours.clock.pass_(timedelta(minutes=5))
    assert ours.work() == []
    assert bench(project, state).work() == [], "nor after another start"


def test_data_that_came_while_stopped_is_evaluated(scheduled: Load, state: State) -> None:
    project = scheduled(OF_SERVICE)
    ours = bench(project, state)
    ours.work()
    ingest_store(project.folder, STORES, ours.clock.now())
    later = Bench(project, state, ManualClock(ours.clock.now() + timedelta(hours=2)))
    assert len(later.work()) == 1


def test_data_of_another_kind_is_not_waited_for(scheduled: Load, state: State, folder: Path) -> None:
    rules = folder / "rules" / "one.yaml"
    rules.write_text(
        rules.read_text(encoding="utf-8")
        + "- {alert: no_stock, title: 缺货, facts: product, when: stock == 0, severity: info, owner: service}\n",
        encoding="utf-8",
    )
    project = scheduled("schedules: {products: {on: ingest, rules: [no_stock]}, stores: {on: ingest, rules: [dsr_drop]}}")
    ours = bench(project, state)
    ours.work()
    ingest_store(folder, STORES, ours.clock.now())
    settle(ours)
    ours.work()
    assert [name for name, _ in claims(state)] == ["stores"]


def test_both_a_clock_and_data(scheduled: Load, state: State) -> None:
    project = scheduled("schedules: {both: {on: ingest, every: 1d}}")
    ours = bench(project, state)
    ours.work()
    ingest_store(project.folder, STORES, ours.clock.now())
    settle(ours)
    evaluated = len(ours.work())
    ours.clock.pass_(timedelta(days=1))
    assert evaluated and len(ours.work()) == 1


def test_data_in_a_blackout_waits_for_its_end(scheduled: Load, state: State, folder: Path) -> None:
    now = datetime.now(UTC)
    channels = folder / "channels.yaml"
    span = f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}..{now + timedelta(hours=1):%Y-%m-%dT%H:%M}"
    freeze = f'time_intervals: {{freeze: [{{dates: ["{span}"], time_zone: UTC}}]}}\n'
    channels.write_text(channels.read_text(encoding="utf-8") + freeze, encoding="utf-8")
    project = scheduled("schedules: {fresh: {on: ingest, blackout: [freeze]}, often: {every: 10m, blackout: [freeze]}}")
    ours = bench(project, state)
    ours.work()
    ingest_store(folder, STORES, now)
    for _ in range(5):
        ours.clock.pass_(timedelta(minutes=10))
        assert ours.evaluator.step() == HEARTBEAT
    ours.clock.pass_(timedelta(minutes=25))
    ours.work()
    assert {name for name, _ in claims(state)} == {"fresh", "often"}


def test_old_data_and_data_dated_ahead(folder: Path, scheduled: Load) -> None:
    project, now = scheduled("schedules: {}"), datetime.now(UTC).replace(microsecond=0)
    landings = Landings(project.snapshots, project.facts.schemas)
    assert landings.of(["store"], now) == []
    ingest_store(folder, STORES, now - timedelta(days=300))
    assert landings.of(["store"], now) == [], "it can be current for no store"
    ahead = now + timedelta(hours=3)
    ingest_store(folder, STORES, ahead)
    assert landings.of(["store"], now) == [ahead]
    ingest_store(folder, STORES.replace("4.61", "4.62"), now - timedelta(hours=1))
    assert len(landings.of(["store"], now)) == 2
    assert landings.of(["order"], now) == []


def test_days_that_are_over_are_forgotten(folder: Path, scheduled: Load) -> None:
    project, now = scheduled("schedules: {}"), datetime.now(UTC).replace(microsecond=0)
    landings = Landings(project.snapshots, project.facts.schemas)
    ingest_store(folder, STORES, now - timedelta(hours=1))
    assert landings.of(["store"], now)
    assert landings.of(["store"], now + timedelta(days=300)) == []
    assert not landings._days
