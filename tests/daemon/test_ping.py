"""The dead-man's ping, against a real server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from engine.daemon.ping import Pinger, address_of
from engine.daemon.status import Status
from engine.errors import UsageError
from engine.project import load_project
from tests.daemon.conftest import ManualClock
from tests.ports import free_port


@dataclass
class Service:
    """Takes calls, and answers ``code``."""

    calls: list[str] = field(default_factory=list)
    code: int = 200
    port: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/secret-uuid"


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.calls.append(self.path)
            self.send_response(made.code)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()


@dataclass
class Bench:
    pinger: Pinger
    clock: ManualClock
    status: Status
    reasons: list[str]

    def after(self, minutes: float) -> tuple[int, int]:
        """Calls taken and failed, when so many minutes passed."""
        self.clock.pass_(timedelta(minutes=minutes))
        self.pinger.step()
        return self.status.figures.pings, self.status.figures.pings_failed


def bench(folder: Path, address: str) -> Bench:
    (folder / "schedules.yaml").write_text("ping: {url_env: PING, every: 5m}\n", encoding="utf-8")
    project, clock, reasons = load_project(folder), ManualClock(), list[str]()
    status = Status(clock.now())
    return Bench(Pinger(lambda: project, lambda: not reasons, clock, status, {"PING": address}), clock, status, reasons)


def test_it_is_called_now_and_then_while_rounds_turn(folder: Path, service: Service) -> None:
    tried = bench(folder, service.address)
    assert [tried.after(minutes) for minutes in (0, 4.9, 0.1, 5)] == [(1, 0), (1, 0), (2, 0), (3, 0)]
    tried.reasons.append("a round cannot be done")
    assert tried.after(60) == (3, 0)
    tried.reasons.clear()
    assert tried.after(0.1) == (4, 0), "at once when it is well again"
    assert service.calls == ["/secret-uuid"] * 4


def test_a_call_that_fails_is_logged_without_the_address_and_changes_nothing(
    folder: Path, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    service.code = 404
    assert bench(folder, service.address).after(0) == (0, 1)
    assert bench(folder, f"http://127.0.0.1:{free_port()}/secret-uuid").after(0) == (0, 1)
    assert bench(folder, "http://no-such-host.invalid/secret-uuid").after(0) == (0, 1)
    assert [record.getMessage() for record in caplog.records][:2] == ["the ping was answered by 404", "the ping failed: Connection refused"]
    assert "secret-uuid" not in caplog.text


@pytest.mark.parametrize("said", ["", "not an address", "file:///etc/passwd"])
def test_an_address_that_is_none_is_told_without_it(folder: Path, said: str) -> None:
    (folder / "schedules.yaml").write_text("ping: {url_env: PING}\n", encoding="utf-8")
    with pytest.raises(UsageError, match="ping: PING holds no address that begins with https://"):
        address_of(load_project(folder), {"PING": said})


def test_the_address_may_be_in_a_file(folder: Path) -> None:
    (folder / "schedules.yaml").write_text("ping: {url_file: ping.txt}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"ping\.txt holds no address"):
        address_of(load_project(folder), {})
    (folder / "ping.txt").write_text("https://hc.example/x\n", encoding="utf-8")
    found = address_of(load_project(folder), {})
    assert found and found.reveal() == "https://hc.example/x"


def test_nobody_is_called_where_the_project_wants_none(folder: Path) -> None:
    assert address_of(load_project(folder), {"PING": "https://hc.example/x"}) is None
