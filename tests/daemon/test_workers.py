"""A worker's thread outlives whatever its steps raise; locks end with their holders."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.daemon import workers
from engine.daemon.status import Status
from engine.daemon.workers import FIRST_PAUSE, LONGEST_PAUSE, Worker, pause_after
from engine.errors import StateError, Text, UsageError
from engine.state import State, only_daemon, turn

NOW = datetime(2026, 11, 20, tzinfo=UTC)
HOLDER = """
import sys
from datetime import UTC, datetime
from engine.state import State, only_daemon, turn
with State.open(sys.argv[1]) as state, only_daemon(state, datetime(2026, 11, 20, tzinfo=UTC)), turn(state, lambda: False) as ours:
    print("held" if ours else "not held", flush=True)
    sys.stdin.read()
"""


def test_a_worker_survives_errors_and_says_so(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(workers, "FIRST_PAUSE", 0.001)
    status, done = Status(NOW), threading.Event()
    steps = iter([StateError(Text("gone", "没了")), ValueError("a bug"), None])

    def step() -> float:
        error = next(steps, None)
        if error is not None:
            raise error
        done.set()
        return 60

    worker = Worker("evaluating", step, status)
    with caplog.at_level("INFO"):
        worker.start()
        assert done.wait(60)
        worker.stop()
        worker.join(60)
    assert not worker.is_alive()
    assert status.figures.errors == {"evaluating": 2}
    assert not status.figures.error
    assert "evaluating: gone" in caplog.text
    assert "ValueError: a bug" in caplog.text
    assert "well again" in caplog.text


def test_the_present_error_is_shown_until_it_is_over() -> None:
    status = Status(NOW)
    worker = Worker("delivering", lambda: 1 / 0, status)
    assert worker.do_step() >= FIRST_PAUSE
    assert status.figures.error == {"delivering": Text.same("ZeroDivisionError: division by zero")}


def test_pauses_grow_to_a_limit() -> None:
    assert FIRST_PAUSE <= pause_after(1) <= 2 * FIRST_PAUSE
    assert LONGEST_PAUSE / 2 <= pause_after(50) <= LONGEST_PAUSE


def test_figures_are_added_up_by_many_threads() -> None:
    status = Status(NOW)
    threads = [threading.Thread(target=lambda: [status.add(rounds=1) for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert status.figures.rounds == 4000


def holder(url: str) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "held\n"
    return process


def test_a_turn_ends_with_the_process_that_has_it(state: State, url: str) -> None:
    with holder(url) as process:
        with turn(state, lambda: False) as ours:
            assert not ours
        process.kill()
    with turn(state, _patient()) as ours:
        assert ours
    with turn(state, lambda: False) as again:
        assert again


def _patient() -> object:
    """For as long as a server may take to see that a client is gone."""
    left = iter(range(600))
    return lambda: next(left, None) is not None


def test_the_second_daemon_of_a_sqlite_file_hears_of_the_first(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    with State.open(url) as state:
        with holder(url) as process:
            with pytest.raises(UsageError) as refused, only_daemon(state, NOW):
                pass
            assert f"(process {process.pid}, since 2026-11-20T00:00:00+00:00)" in refused.value.text.en
            assert f"进程 {process.pid}" in refused.value.text.zh
            process.kill()
        with only_daemon(state, NOW):
            assert str(os.getpid()) in (tmp_path / "state.db.daemon").read_text()


def test_several_daemons_may_share_postgresql(state: State, url: str) -> None:
    if url.startswith("sqlite"):
        pytest.skip("one daemon a file")
    with State.open(url) as other, only_daemon(state, NOW), only_daemon(other, NOW):
        pass
