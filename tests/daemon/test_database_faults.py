"""The database fails under a running daemon, and comes back: nothing is harmed, the log says what it was, and nobody has to help."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.state import State
from tests.daemon.conftest import STORES
from tests.daemon.processes import Served, serving, storewatch, until
from tests.daemon.test_evaluating import claims
from tests.ports import free_port

SCHEDULES = "schedules: {often: {every: 1s}}\n"
SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
IS_ROOT = os.geteuid() == 0


@pytest.fixture
def shop(folder: Path) -> Path:
    (folder / "schedules.yaml").write_text(SCHEDULES, encoding="utf-8")
    (folder / "stores.csv").write_text(STORES, encoding="utf-8")
    subprocess.run(storewatch(folder, "ingest", str(folder / "stores.csv"), "--kind", "store"), check=True, capture_output=True)
    return folder


def sound(evaluated: list[object]) -> bool:
    """No instant twice, and in order."""
    return evaluated == sorted(set(evaluated), key=evaluated.index) and bool(evaluated)


@dataclass
class Cluster:
    """A PostgreSQL server of the test's own, which may be stopped. It does not run as root."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def run(self, program: str, *words: str) -> None:
        command = [str(SERVERS[-1].with_name(program)), "-D", str(self.folder), *words]
        subprocess.run(command, check=True, capture_output=True, user="postgres" if IS_ROOT else None, cwd="/")

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self.run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, mode: str) -> None:
        self.run("pg_ctl", "-w", "-m", mode, "stop")


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if not SERVERS:
        pytest.skip("PostgreSQL's server programs are not installed (Debian: postgresql)")
    folder = Path("/tmp") / f"storewatch-cluster-{os.getpid()}"  # not in pytest's folder, which only its owner may enter
    folder.mkdir(mode=0o700)
    if IS_ROOT:
        shutil.chown(folder, "postgres")
    made = Cluster(folder, free_port())
    made.run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8")
    made.start()
    yield made
    subprocess.run([*map(str, (SERVERS[-1], "-D", folder, "-m", "immediate", "stop"))], user="postgres" if IS_ROOT else None, check=False)
    shutil.rmtree(folder)


def goes_on(daemon: Served, url: str) -> None:
    """Wait for rounds that were not there before."""
    with State.open(url) as state:
        before = len(claims(state))
        until(lambda: len(claims(state)) > before + 1, f"rounds, after {daemon.log[-5:]}")


def test_postgresql_dies_in_mid_cycle_and_is_away_for_a_while(shop: Path, cluster: Cluster) -> None:
    with serving(shop, url=cluster.url) as daemon:
        daemon.wait_for("often at")
        for mode in ("immediate", "fast"):
            told = len(daemon.log)
            cluster.stop(mode)
            until(lambda told=told: any("ERROR" in line for line in daemon.log[told:]), "an error")  # type: ignore[misc]
            cluster.start()
            goes_on(daemon, cluster.url)
        assert daemon.end(signal.SIGTERM) == 0
    with State.open(cluster.url) as state:
        assert sound(list(claims(state)))
    assert daemon.said("the state database cannot be used") and daemon.said("well again")
    assert not daemon.said("Traceback"), daemon.log


@pytest.fixture
def small(tmp_path: Path, shop: Path) -> Iterator[Path]:
    """The project on a disk of eight megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(disk)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here: it takes root")
    try:
        yield Path(shutil.copytree(shop, disk / "project"))
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def whole(folder: Path) -> bool:
    with sqlite3.connect(folder / "state.db") as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))


def test_sqlite_on_a_full_disk(small: Path) -> None:
    with serving(small) as daemon:
        daemon.wait_for("often at")
        filler = small.parent / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            while True:
                file.write(b"x" * 4096)
        daemon.wait_for("the disk is full: nothing was stored")
        filler.unlink()
        goes_on(daemon, f"sqlite:///{small / 'state.db'}")
        assert daemon.end(signal.SIGTERM) == 0
    assert whole(small)
    assert not daemon.said("Traceback"), daemon.log


def test_a_read_only_folder_is_told_at_once(small: Path) -> None:
    with serving(small) as daemon:
        daemon.wait_for("often at")
        assert daemon.end(signal.SIGTERM) == 0
    subprocess.run(["mount", "-o", "remount,ro", str(small.parent)], check=True)
    refused = subprocess.run(storewatch(small, "serve"), capture_output=True, text=True, check=False)
    assert refused.returncode == 3
    assert "the state database cannot be opened" in refused.stderr and "this user may write there" in refused.stderr
    assert "Traceback" not in refused.stderr
    subprocess.run(["mount", "-o", "remount,rw", str(small.parent)], check=True)
    with serving(small) as daemon:
        daemon.wait_for("often at")


def test_a_locked_file_is_waited_for(shop: Path) -> None:
    with serving(shop) as daemon:
        daemon.wait_for("often at")
        with sqlite3.connect(shop / "state.db", timeout=60, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            with State.open(f"sqlite:///{shop / 'state.db'}") as state:
                before = len(claims(state))
            other.execute("ROLLBACK")
        goes_on(daemon, f"sqlite:///{shop / 'state.db'}")
        assert daemon.end(signal.SIGTERM) == 0
    assert before and whole(shop)
    assert not daemon.said("ERROR"), daemon.log
