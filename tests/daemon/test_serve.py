"""`storewatch serve` from the outside: it evaluates, sends, takes turns, and ends when asked."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.cli.init import copy_starter
from engine.outbox import letters
from engine.state import State, turn
from tests.daemon.conftest import STORES
from tests.daemon.processes import serving, storewatch, surroundings, until
from tests.daemon.test_evaluating import claims

SCHEDULES = "schedules: {often: {every: 1s}}\n"


@pytest.fixture
def shop(folder: Path) -> Path:
    """A project with a schedule of a second, and a store whose rating is low."""
    (folder / "schedules.yaml").write_text(SCHEDULES, encoding="utf-8")
    (folder / "stores.csv").write_text(STORES, encoding="utf-8")
    subprocess.run(storewatch(folder, "ingest", str(folder / "stores.csv"), "--kind", "store"), check=True, capture_output=True)
    return folder


def test_evaluates_sends_and_ends(shop: Path, url: str) -> None:
    with serving(shop, url=url) as daemon, State.open(url) as state:
        until(lambda: len(claims(state)) >= 3, "three rounds")
        until(lambda: letters(state, "delivered"), "a message")
        assert daemon.end(signal.SIGTERM) == 0
        evaluated = claims(state)
    assert len(set(evaluated)) == len(evaluated)
    assert daemon.said("SIGTERM: stopping") and daemon.said("stopped")


def test_without_sending_messages_wait(shop: Path, url: str) -> None:
    with serving(shop, "--no-send", url=url) as daemon, State.open(url) as state:
        until(lambda: letters(state, "queued"), "a message")
        assert daemon.end(signal.SIGINT) == 0
        assert not letters(state, "delivered")


def test_a_second_daemon_on_sqlite_is_refused_and_run_takes_turns(shop: Path) -> None:
    with serving(shop) as daemon:
        daemon.wait_for("often at")
        second = subprocess.run(storewatch(shop, "serve"), capture_output=True, text=True, check=False)
        assert second.returncode == 2
        assert f"another storewatch serve works on this database (process {daemon.process.pid}, since 20" in second.stderr
        subprocess.run(storewatch(shop, "run", "--no-send"), check=True, capture_output=True)
        assert not daemon.said("ERROR")
        assert daemon.end(signal.SIGTERM) == 0
    with serving(shop) as daemon:
        daemon.wait_for("often at")


def test_a_project_that_is_wrong_is_not_served(shop: Path) -> None:
    (shop / "schedules.yaml").write_text("schedules: {often: {every: 1x}}\n", encoding="utf-8")
    refused = subprocess.run(storewatch(shop, "serve"), capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "schedules.yaml:1:28" in refused.stderr


def test_a_round_that_waits_is_abandoned_at_the_end(shop: Path, url: str) -> None:
    with State.open(url) as state, turn(state, lambda: False) as ours:
        assert ours
        with serving(shop, url=url) as daemon:
            daemon.wait_for("storewatch serves")
            assert daemon.end(signal.SIGTERM) == 0
        assert not claims(state)


@contextmanager
def silent_server() -> Iterator[int]:
    """Takes connections and never says a word, as a mail server that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken: list[socket.socket] = []
        thread = threading.Thread(target=lambda: taken.append(server.accept()[0]), daemon=True)
        thread.start()
        yield server.getsockname()[1]
        for each in taken:
            each.close()


@pytest.mark.parametrize("signals", [1, 2], ids=["ends in time", "a second signal ends it at once"])
def test_a_delivery_that_hangs_holds_up_neither_rounds_nor_the_end(shop: Path, tmp_path: Path, signals: int) -> None:
    copy_starter(tmp_path / "starter")
    channels = (tmp_path / "starter" / "channels.yaml").read_text(encoding="utf-8").replace("timeout: 20s", "timeout: 2m")
    with silent_server() as port:
        (shop / "channels.yaml").write_text(channels.replace("port: 2525", f"port: {port}"), encoding="utf-8")
        with serving(shop) as daemon, State.open(f"sqlite:///{shop / 'state.db'}") as state:
            until(lambda: letters(state, "sending"), "a delivery")
            rounds = len(claims(state))
            until(lambda: len(claims(state)) > rounds + 1, "rounds beside it")
            daemon.process.send_signal(signal.SIGTERM)
            if signals == 2:
                daemon.wait_for("SIGTERM: stopping")
                daemon.process.send_signal(signal.SIGTERM)
            assert daemon.process.wait(30) == 0
            assert daemon.said("what was in hand was not finished")
            assert [letter.state for letter in letters(state)] == ["sending"], "its lease ends by itself, and it is sent again"


def test_help_tells_how_it_ends() -> None:
    told = subprocess.run(storewatch(Path(), "serve", "--help"), capture_output=True, text=True, check=True, env=surroundings("")).stdout
    assert "SIGTERM" in told and "--no-send" in told
