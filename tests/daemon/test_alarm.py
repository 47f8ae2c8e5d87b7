"""What wakes the threads, and how `run` waits for its turn."""

from __future__ import annotations

import os
import signal
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from engine.cli import run
from engine.cli.main import app
from engine.daemon.alarm import Alarm
from engine.daemon.delivering import LOOK, SOON, pause
from engine.daemon.signals import caught
from engine.outbox import Waiting
from engine.schedules import Schedule, Timetable
from engine.state import State, turn
from tests.daemon.conftest import STORES, ingest_store

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def timetable(**options: object) -> Timetable:
    return Timetable("s", Schedule.model_validate(options), ZoneInfo("Asia/Shanghai"))


def test_the_alarm_rings_again_and_again_and_for_new_schedules() -> None:
    rings = threading.Semaphore(0)
    alarm = Alarm(rings.release)
    alarm.start()
    try:
        alarm.set({"seldom": timetable(every="1d"), "data": timetable(on="ingest")})
        alarm.set({"often": timetable(every="1s"), "seldom": timetable(every="1d")})
        assert rings.acquire(timeout=60) and rings.acquire(timeout=60)
    finally:
        alarm.stop()


@pytest.mark.parametrize(
    ("left", "seconds"),
    [
        (Waiting(), LOOK),
        (Waiting(queued=1, next_attempt_at=NOW + timedelta(seconds=2)), 2),
        (Waiting(queued=1, next_attempt_at=NOW - timedelta(seconds=2)), SOON),
        (Waiting(queued=2, next_attempt_at=NOW + timedelta(hours=2)), LOOK),
        (Waiting(queued=2, next_attempt_at=NOW + timedelta(hours=2), held=1, held_until=NOW + timedelta(seconds=3)), 3),
    ],
    ids=["nothing waits", "soon", "overdue", "in two hours", "a limit ends first"],
)
def test_when_the_outbox_is_looked_at_again(left: Waiting, seconds: float) -> None:
    assert pause(left, NOW) == seconds


def test_signals_are_told_and_do_nothing_else() -> None:
    with caught(signal.SIGHUP, signal.SIGTERM) as signals:
        assert signals.wait(0) == []
        os.kill(os.getpid(), signal.SIGHUP)
        assert signals.wait(60) == [signal.SIGHUP]
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.wait(60) == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_run_waits_for_its_turn_and_says_so_when_that_takes_too_long(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "schedules.yaml").write_text("schedules: {}\n", encoding="utf-8")
    ingest_store(folder, STORES, datetime.now(UTC))
    monkeypatch.setattr(run, "LONGEST_WAIT", 2)
    arguments = ["--project", str(folder), "--lang", "en", "run", "--no-send"]
    with State.open(f"sqlite:///{folder / 'state.db'}") as state:
        with turn(state, lambda: False):
            refused = CliRunner().invoke(app, arguments)
        assert refused.exit_code == 3
        assert "another storewatch is evaluating; waiting for it ..." in refused.output
        assert "nothing was evaluated" in refused.output
        assert not state.alerts()
        assert CliRunner().invoke(app, arguments).exit_code == 0
        assert state.alerts()
