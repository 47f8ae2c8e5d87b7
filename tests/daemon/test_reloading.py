"""Changes of the project's files: taken up as a whole when right, refused as a whole when wrong, and evaluation goes on."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from engine.daemon.reloading import Reloader
from engine.daemon.status import Status
from engine.model import Reason
from engine.project import load_project
from engine.state import State
from tests.check.test_bad_files import CASES, PLACES
from tests.check.test_bad_files import PROJECT as BAD_FILES_PROJECT
from tests.daemon.conftest import RULE, START, STORES, ManualClock, ingest_store
from tests.daemon.processes import serving
from tests.daemon.test_evaluating import Bench, claims

SECOND = timedelta(seconds=1)


class Held(Reloader):
    """A reloader that counts how often another project took the old one's place."""

    def __init__(self, folder: Path) -> None:
        self.swaps = 0
        clock = ManualClock()
        super().__init__(load_project(folder), clock, Status(clock.now()), self.note)

    def note(self) -> None:
        self.swaps += 1


def test_nothing_changed_nothing_reloaded(folder: Path) -> None:
    held = Held(folder)
    for _ in range(3):
        held.step()
    assert held.swaps == 0


def test_a_change_is_taken_up_when_it_is_still(folder: Path) -> None:
    held = Held(folder)
    rules = folder / "rules" / "one.yaml"
    rules.write_text(RULE.replace("4.7", "4.8"), encoding="utf-8")
    held.step()
    rules.write_text(RULE.replace("4.7", "4.85"), encoding="utf-8")
    held.step()
    assert held.swaps == 0, "it is still being written"
    held.step()
    assert (held.swaps, held.status.figures.reloads) == (1, 1)
    held.step()
    assert held.swaps == 1
    (folder / "templates" / "zh" / "dsr_drop.gist.j2").unlink()
    held.step()
    held.step()
    assert held.swaps == 2, "templates count, too"


def test_asked_it_reloads_at_once_and_without_a_change(folder: Path) -> None:
    held = Held(folder)
    before = held.project()
    held.ask()
    held.step()
    assert held.swaps == 1
    assert held.project() is not before


def test_what_is_wrong_is_refused_until_it_is_right(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    held = Held(folder)
    before, schedules = held.project(), folder / "schedules.yaml"
    schedules.write_text("schedules: {a: {every: 1x}, b: {every: 5m, misssed: skip}}", encoding="utf-8")
    for _ in range(4):
        held.step()
    figures = held.status.figures
    assert held.project() is before
    assert (held.swaps, figures.reloads_failed) == (0, 1), "tried once, not every second"
    assert [problem.code for problem in figures.problems] == ["bad_duration", "unknown_key"]
    assert figures.wrong_since
    assert "schedules.yaml:1:24" in caplog.text and "misssed" in caplog.text
    schedules.write_text("schedules: {}\n", encoding="utf-8")
    held.step()
    held.step()
    assert (held.swaps, held.status.figures.problems, held.status.figures.wrong_since) == (1, (), None)


def test_a_template_that_cannot_be_rendered_is_refused(folder: Path) -> None:
    held = Held(folder)
    (folder / "templates" / "default.txt.j2").write_text("{{ items | nonsense }}", encoding="utf-8")
    assert held.reload()
    assert held.swaps == 0


def test_a_project_that_is_gone_is_refused(folder: Path) -> None:
    held = Held(folder)
    (folder / "facts.yaml").unlink()
    assert held.reload()
    assert held.status.figures.reloads_failed == 1


def hundred() -> Iterator[Path]:
    """Broken files that are refused without the thorough check."""
    return (case for case in CASES if case.parent.name in PLACES and not case.stem.startswith("let_"))


def test_a_hundred_bad_reloads_never_stop_an_evaluation(tmp_path: Path, state: State) -> None:
    folder = tmp_path / "project"
    shutil.copytree(BAD_FILES_PROJECT, folder)
    (folder / "schedules.yaml").write_text("schedules: {often: {every: 1s, missed: each}}", encoding="utf-8")
    held = Held(folder)
    bench = Bench(held.project(), state)
    bench.work()
    cases = list(hundred())[:: max(1, len(list(hundred())) // 110)][:110]
    assert len(cases) >= 100
    for case in cases:
        place = folder / PLACES[case.parent.name]
        before = place.read_bytes() if place.exists() else None
        place.parent.mkdir(exist_ok=True)
        shutil.copyfile(case, place)
        assert held.reload(), case
        if before is None:
            place.unlink()
        else:
            place.write_bytes(before)
        bench.project = held.project()
        bench.clock.pass_(SECOND)
        assert len(bench.work()) == 1, case
    assert held.status.figures.reloads_failed == len(cases)
    assert not held.reload(), "and the right files are taken again"


def test_alerts_of_a_rule_that_is_gone_end_in_the_next_round(folder: Path, state: State, ingest_stores: None) -> None:
    (folder / "schedules.yaml").write_text("schedules: {often: {every: 1s}}", encoding="utf-8")
    held = Held(folder)
    bench = Bench(held.project(), state)
    bench.work()
    assert [alert.identity.key for alert in state.alerts().values()] == [("s1",)]
    (folder / "rules" / "one.yaml").write_text(RULE.replace("dsr_drop", "rating_fell"), encoding="utf-8")
    held.reload()
    bench.project = held.project()
    bench.clock.pass_(SECOND)
    bench.work()
    moves = [(moved.alert.identity.rule, moved.reason) for moved in bench.rounds[-1].transitions]
    assert moves == [("dsr_drop", Reason.RULE_GONE), ("rating_fell", Reason.FIRST)]


@pytest.fixture
def ingest_stores(folder: Path) -> None:
    """A store with a low rating, as of the start of the clock."""
    ingest_store(folder, STORES, START - SECOND)


def test_a_served_project_is_reloaded(folder: Path) -> None:
    (folder / "schedules.yaml").write_text("schedules: {often: {every: 1s}}", encoding="utf-8")
    with serving(folder) as daemon:
        daemon.wait_for("often at")
        (folder / "schedules.yaml").write_text("schedules: {often: {every: 1s}, seldom: {evry: 1d}}", encoding="utf-8")
        daemon.wait_for("unknown key 'evry'")
        with State.open(f"sqlite:///{folder / 'state.db'}") as state:
            before = len(claims(state))
            daemon.process.send_signal(signal.SIGHUP)
            daemon.wait_for("SIGHUP: reloading")
            (folder / "schedules.yaml").write_text("schedules: {frequent: {every: 1s}}", encoding="utf-8")
            daemon.wait_for("frequent at")
            assert len(claims(state)) > before
        assert daemon.end(signal.SIGTERM) == 0
