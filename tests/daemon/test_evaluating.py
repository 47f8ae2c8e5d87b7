"""What is evaluated when: after a start, a stop, a jump of the clock, a fault, and beside other processes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from engine.daemon import evaluating
from engine.daemon.agenda import OWN
from engine.daemon.clock import Vigil
from engine.daemon.evaluating import ATTEMPTS, HEARTBEAT, Evaluator
from engine.daemon.status import Status
from engine.errors import SnapshotError, StateError, Text
from engine.pipeline import Round
from engine.project import Project
from engine.state import State, turn
from engine.state_tables import EVALUATIONS
from tests.daemon.conftest import START, ManualClock

Load = Callable[[str], Project]
HOUR = timedelta(hours=1)


@dataclass
class Bench:
    """An evaluator whose clock the test moves."""

    project: Project
    state: State
    clock: ManualClock = field(default_factory=ManualClock)
    rounds: list[Round] = field(default_factory=list)
    goes_on: bool = True

    def __post_init__(self) -> None:
        self.status = Status(self.clock.now())
        self.evaluator = Evaluator(
            self.state, lambda: self.project, self.clock, self.status, lambda: self.goes_on, self.rounds.append, lambda: None
        )

    def work(self) -> list[str]:
        """Step until there is nothing to do; the instants evaluated, as schedule and local time."""
        before = len(self.rounds)
        while self.evaluator.step() < HEARTBEAT:
            pass
        return [local(done.at) for done in self.rounds[before:] if done.claimed]


def local(instant: datetime) -> str:
    return (instant + timedelta(hours=8)).strftime("%H:%M")


def claims(state: State) -> list[tuple[str, datetime]]:
    """Every evaluated instant of the project's schedules."""
    query = select(EVALUATIONS.c.schedule, EVALUATIONS.c.instant, EVALUATIONS.c.rules).order_by(EVALUATIONS.c.number)
    with state.reading() as connection:
        return [(row.schedule, row.instant) for row in connection.execute(query) if row.rules and row.schedule != OWN]


def test_a_new_schedule_counts_from_when_it_was_first_seen(scheduled: Load, state: State) -> None:
    bench = Bench(scheduled("schedules: {hourly: {every: 1h, missed: each}}"), state)
    bench.clock.pass_(timedelta(minutes=30))
    assert bench.work() == []
    bench.clock.pass_(timedelta(hours=2))
    assert bench.work() == ["10:00", "11:00"]
    assert bench.work() == []


def test_an_instant_at_the_very_start_is_evaluated(scheduled: Load, state: State) -> None:
    assert Bench(scheduled("schedules: {hourly: {every: 1h}}"), state).work() == ["09:00"]


@pytest.mark.parametrize(
    ("missed", "expected"), [("each", ["10:00", "11:00", "12:00"]), ("latest", ["12:00"]), ("skip", [])], ids=["each", "latest", "skip"]
)
def test_after_a_stop_of_three_hours(scheduled: Load, state: State, missed: str, expected: list[str]) -> None:
    project = scheduled(f"schedules: {{hourly: {{every: 1h, missed: {missed}}}}}")
    assert Bench(project, state).work() == ["09:00"]
    later = Bench(project, state, ManualClock(START + 3 * HOUR + timedelta(minutes=1)))
    assert later.work() == expected
    later.clock.pass_(HOUR)
    assert later.work() == ["13:00"]


@pytest.mark.parametrize(
    ("missed", "expected"), [("each", ["10:00", "11:00", "12:00"]), ("latest", ["12:00"]), ("skip", [])], ids=["each", "latest", "skip"]
)
def test_suspended_for_three_hours(scheduled: Load, state: State, missed: str, expected: list[str]) -> None:
    bench = Bench(scheduled(f"schedules: {{hourly: {{every: 1h, missed: {missed}}}}}"), state)
    assert bench.work() == ["09:00"]
    bench.clock.jump(3 * HOUR + timedelta(minutes=1))
    assert bench.work() == expected
    assert bench.status.figures.clock_jumps == 1


@pytest.mark.parametrize("missed", ["each", "latest", "skip"])
def test_busy_is_not_missed(scheduled: Load, state: State, missed: str) -> None:
    bench = Bench(scheduled(f"schedules: {{hourly: {{every: 1h, missed: {missed}}}}}"), state)
    bench.work()
    bench.clock.pass_(HOUR + timedelta(minutes=20))
    assert bench.work() == ["10:00"]


@pytest.mark.parametrize("missed", ["each", "latest", "skip"])
def test_clock_set_back(scheduled: Load, state: State, missed: str) -> None:
    bench = Bench(scheduled(f"schedules: {{hourly: {{every: 1h, missed: {missed}}}}}"), state)
    bench.work()
    bench.clock.pass_(2 * HOUR)
    bench.work()
    before = claims(state)
    bench.clock.jump(-2 * HOUR)
    for _ in range(8):
        bench.clock.pass_(timedelta(minutes=15))
        bench.work()
    evaluated = claims(state)
    assert len(set(evaluated)) == len(evaluated), "twice"
    assert {local(at) for _, at in evaluated[len(before) :]} <= {"10:00"}, "only what had been folded can be new"
    bench.clock.pass_(HOUR)
    assert bench.work() == ["12:00"]


def test_a_clock_that_was_far_ahead_does_not_silence_a_schedule(scheduled: Load, state: State) -> None:
    bench = Bench(scheduled("schedules: {hourly: {every: 1h}}"), state)
    bench.work()
    bench.clock.jump(timedelta(days=400))
    bench.work()
    bench.clock.jump(-timedelta(days=400))
    bench.clock.pass_(HOUR)
    assert bench.work() == ["10:00"]


def test_small_corrections_of_the_clock_are_not_jumps(clock: ManualClock) -> None:
    vigil = Vigil(clock, Status(clock.now()))
    clock.pass_(timedelta(seconds=1))
    clock.jump(timedelta(seconds=3))
    assert vigil.broken() is None
    clock.jump(-timedelta(minutes=5))
    assert vigil.broken() == -timedelta(minutes=5)
    assert vigil.broken() is None


def test_schedules_are_evaluated_in_the_order_of_their_instants(scheduled: Load, state: State) -> None:
    bench = Bench(scheduled("schedules: {b: {every: 2h, missed: each}, a: {every: 1h, missed: each}}"), state)
    bench.clock.pass_(timedelta(minutes=1))
    bench.work()
    bench.clock.pass_(3 * HOUR)
    bench.work()
    assert [(name, local(at)) for name, at in claims(state)] == [
        ("a", "10:00"),
        ("b", "10:00"),
        ("a", "11:00"),
        ("a", "12:00"),
        ("b", "12:00"),
    ]


def test_an_instant_that_another_process_evaluated_is_not_evaluated_again(scheduled: Load, state: State, url: str) -> None:
    project = scheduled("schedules: {hourly: {every: 1h, missed: each}}")
    with State.open(url) as other:
        ours, theirs = Bench(project, state), Bench(project, other)
        assert (ours.work(), theirs.work()) == (["09:00"], [])
        for bench in (ours, theirs):
            bench.clock.pass_(2 * HOUR)
        assert (theirs.work(), ours.work()) == (["10:00", "11:00"], [])


def test_a_round_waits_for_its_turn(scheduled: Load, state: State, url: str) -> None:
    bench = Bench(scheduled("schedules: {hourly: {every: 1h}}"), state)
    done = threading.Event()
    with State.open(url) as other, turn(other, lambda: False) as ours:
        assert ours
        worker = threading.Thread(target=lambda: (bench.work(), done.set()))
        worker.start()
        assert not done.wait(0.5)
        assert not claims(state)
    assert done.wait(60)
    worker.join()
    assert len(claims(state)) == 1


def test_a_stop_ends_the_waiting(scheduled: Load, state: State, url: str) -> None:
    bench = Bench(scheduled("schedules: {hourly: {every: 1h}}"), state, goes_on=False)
    with State.open(url) as other, turn(other, lambda: False):
        assert bench.evaluator.step() < HEARTBEAT
    assert not claims(state)


def test_a_schedule_that_fails_holds_up_no_other(scheduled: Load, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    run_round = evaluating.run_round

    def fails_for_a(*words: object, schedule: str, **more: object) -> Round:
        if schedule == "a":
            raise SnapshotError(Text("the disk is gone", "磁盘没了"))
        return run_round(*words, schedule=schedule, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(evaluating, "run_round", fails_for_a)
    bench = Bench(scheduled("schedules: {a: {every: 1h, missed: each}, b: {every: 1h}}"), state)
    bench.work()
    assert [name for name, _ in claims(state)] == ["b"]
    figures = bench.status.figures
    assert (figures.rounds, figures.rounds_failed) == (1, 1)
    assert figures.schedules["a"].error == Text("the disk is gone", "磁盘没了")
    for _ in range(ATTEMPTS):
        bench.clock.pass_(timedelta(seconds=61))
        bench.work()
    assert bench.status.figures.rounds_failed == ATTEMPTS
    monkeypatch.setattr(evaluating, "run_round", run_round)
    bench.clock.pass_(HOUR)
    bench.work()
    assert [(name, local(at)) for name, at in claims(state)] == [("b", "09:00"), ("a", "10:00"), ("b", "10:00")]
    assert bench.status.figures.schedules["a"].error is None


def test_a_database_that_is_gone_is_the_workers_business(scheduled: Load, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> Round:
        raise StateError(Text.same("gone"))

    bench = Bench(scheduled("schedules: {hourly: {every: 1h}}"), state)
    with monkeypatch.context() as patched:
        patched.setattr(evaluating, "run_round", gone)
        with pytest.raises(StateError):
            bench.work()
    assert bench.work() == ["09:00"]


def test_status_tells_last_and_next(scheduled: Load, state: State) -> None:
    bench = Bench(scheduled("schedules: {hourly: {every: 1h}}"), state)
    bench.work()
    schedule = bench.status.figures.schedules["hourly"]
    assert schedule.last_instant and schedule.next_instant
    assert (local(schedule.last_instant), local(schedule.next_instant), schedule.rounds) == ("09:00", "10:00", 1)
    assert bench.status.figures.ready
    bench.project = scheduled_again = scheduled_without(bench.project)
    bench.work()
    assert not bench.status.figures.schedules and scheduled_again


def scheduled_without(project: Project) -> Project:
    from engine.project import load_project

    (project.folder / "schedules.yaml").write_text("schedules: {}\n", encoding="utf-8")
    return load_project(project.folder)


def test_nothing_to_do_is_a_heartbeat(scheduled: Load, state: State) -> None:
    assert Bench(scheduled("schedules: {}"), state).evaluator.step() == HEARTBEAT
