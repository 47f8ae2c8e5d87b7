"""What a scrape of a serving daemon gives: promtool finds nothing to say, every metric has its line in the docs, and a database that
does not answer holds nothing up."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from engine.builtin.facts import Disk, Jump
from engine.daemon.facts import Facts, Lookout, read_facts
from engine.daemon.metrics import METRICS, Exhibition
from engine.daemon.spread import LIMITS, Spread
from engine.daemon.status import Status
from engine.errors import StateError, Text
from engine.model import Notification
from engine.outbox import deliver
from engine.project import Project, load_project
from engine.sending import Delivery, Outcome
from engine.state import State
from tests.daemon.conftest import START

DOCS = Path(__file__).parents[2] / "docs" / "operations.md"
PROMTOOL = shutil.which("promtool")


@dataclass
class Ticks:
    at: float = 0.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Answers:
    """A sender that answers what the channel's messages ask for in their subjects."""

    seen: list[str] = field(default_factory=list)

    @contextmanager
    def session(self) -> Iterator[object]:
        yield self.send

    def send(self, notification: Notification) -> Outcome:
        self.seen.append(notification.id)
        return Outcome(Delivery(notification.subject), f"because_{notification.subject}")


def letter(name: str, subject: str) -> Notification:
    return Notification(name, "screen", "console", name, subject, b"", START)


@pytest.fixture
def project(folder: Path) -> Project:
    return load_project(folder)


def scrape(project: Project, status: Status, lookout: Lookout) -> str:
    exhibition = Exhibition(lambda: status.figures, lambda: project, lookout, lambda: True, lambda: START)
    return exhibition.page().body.decode()


def busy(project: Project, state: State) -> str:
    """A scrape in which every metric has a sample."""
    status = Status(START)
    with state.writing() as connection:
        for notification in (letter("1", "delivered"), letter("2", "try_later"), letter("3", "give_up")):
            state.enqueue(connection, notification)
    status.attempted(deliver(state, {"screen": Answers()}, lambda: START))
    status.of_schedule("daily", rounds=2, took=0.3, last_instant=START, last_done=START + timedelta(seconds=4), next_instant=START)
    status.of_schedule("daily", failures=1, took=1000.0)
    status.failed("evaluating", Text.same("x"))
    status.jumped(Jump(START, timedelta(hours=1)))
    status.put(disks=(Disk("/srv", 5, 9),))
    lookout = Lookout(lambda: read_facts(state, project.snapshots, START + timedelta(minutes=1)), Ticks())
    return scrape(project, status, lookout)


def test_the_figures_are_told(project: Project, state: State) -> None:
    told = busy(project, state)
    for line in (
        'storewatch_delivery_attempts_total{category="because_give_up",channel="screen",outcome="give_up"} 1.0',
        'storewatch_notifications{channel="screen",state="dead"} 1.0',
        'storewatch_notifications{channel="screen",state="queued"} 1.0',
        'storewatch_evaluations_total{outcome="failed",schedule="daily"} 1.0',
        'storewatch_evaluation_lag_seconds{schedule="daily"} 4.0',
        'storewatch_evaluation_duration_seconds_bucket{le="0.5",schedule="daily"} 1.0',
        'storewatch_evaluation_duration_seconds_count{schedule="daily"} 2.0',
        'storewatch_alerts{rule="dsr_drop",severity="critical",state="firing"} 0.0',
        'storewatch_disk_free_bytes{folder="/srv"} 5.0',
        "storewatch_state_up 1.0",
        "storewatch_clock_jumps_total 1.0",
    ):
        assert line in told.splitlines(), told


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian package prometheus)")
def test_promtool_finds_nothing_to_say(project: Project, state: State) -> None:
    found = subprocess.run([PROMTOOL or "", "check", "metrics"], input=busy(project, state), capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_names_follow_the_conventions() -> None:
    names = [described.name for described in METRICS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"storewatch_[a-z_]+", name) for name in names)
    assert not [name for name in names if re.search(r"_(total|ms|minutes|percent)$", name)]


def test_every_metric_has_its_line_in_the_docs_and_the_docs_no_other() -> None:
    rows = dict(re.findall(r"^\| `(storewatch_\w+)(?:\{[^`]*\})?` \| (.*?) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    assert rows == {each.name + ("_total" if each.type == "counter" else ""): each.help for each in METRICS}


def test_a_broken_database_is_told_and_what_was_known_stays(project: Project) -> None:
    ticks, broken = Ticks(), threading.Event()

    def read() -> Facts:
        if broken.is_set():
            raise StateError(Text("the state database cannot be used", "状态库无法使用"))
        return Facts(START, {("dsr_drop", "warning", "firing"): 3})

    lookout = Lookout(read, ticks)
    known = 'storewatch_alerts{rule="dsr_drop",severity="warning",state="firing"} 3.0'
    assert known in scrape(project, Status(START), lookout)
    broken.set()
    assert "storewatch_state_up 1.0" in scrape(project, Status(START), lookout), "asked at most every few seconds"
    ticks.at = 60
    told = scrape(project, Status(START), lookout)
    assert "storewatch_state_up 0.0" in told and known in told
    broken.clear()
    ticks.at = 120
    assert "storewatch_state_up 1.0" in scrape(project, Status(START), lookout)


def test_a_database_that_does_not_answer_keeps_nobody_waiting(project: Project) -> None:
    gate, asked = threading.Event(), []

    def read() -> Facts:
        asked.append(1)
        gate.wait(60)
        return Facts(START)

    ticks = Ticks()
    lookout = Lookout(read, ticks, patience=0.05)
    for _ in range(3):
        assert "storewatch_state_up 0.0" in scrape(project, Status(START), lookout)
    assert len(asked) == 1, "one question at a time, however many ask"
    gate.set()
    while lookout.look()[1]:
        ticks.at += 1
    assert "storewatch_state_up 1.0" in scrape(project, Status(START), lookout)


@pytest.mark.parametrize(("seconds", "bucket"), [(0.0, 0), (0.05, 0), (0.051, 1), (900, len(LIMITS) - 1), (901, len(LIMITS))])
def test_durations_fall_into_the_bucket_whose_edge_they_do_not_pass(seconds: float, bucket: int) -> None:
    spread = Spread().plus(seconds)
    assert spread.counts.index(1) == bucket and sum(spread.counts) == 1
    assert spread.cumulative()[-1] == ("+Inf", 1)
