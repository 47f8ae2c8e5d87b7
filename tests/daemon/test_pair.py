"""Two daemons, real processes, on one PostgreSQL database: they share the work, one takes over when the other dies, and both go on when the
server throws them out."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from engine.model import Notification
from engine.outbox import letters
from engine.state import State
from tests.daemon.conftest import STORES, ingest_store
from tests.daemon.processes import Served, serving, until
from tests.daemon.test_evaluating import claims

pytestmark = pytest.mark.slow
SCHEDULES = "schedules: {a: {every: 1s, missed: each}, b: {every: 2s, missed: each}}\n"
SECOND = timedelta(seconds=1)
STEPS = {"a": SECOND, "b": 2 * SECOND}
MESSAGES = 60


@pytest.fixture
def shared(state: State, url: str) -> str:
    if url.startswith("sqlite"):
        pytest.skip("a SQLite file has one daemon")
    return make_url(url).update_query_dict({"application_name": "storewatch_pair"}).render_as_string(hide_password=False)


@pytest.fixture
def pair(folder: Path, shared: str) -> Iterator[list[Served]]:
    (folder / "schedules.yaml").write_text(SCHEDULES, encoding="utf-8")
    with ExitStack() as stack:
        daemons = [stack.enter_context(serving(folder, url=shared)) for _ in range(2)]
        for daemon in daemons:
            daemon.wait_for("storewatch serves")
        yield daemons


def instants(state: State, schedule: str) -> list[datetime]:
    return [instant for name, instant in claims(state) if name == schedule]


def check_each_once(state: State) -> None:
    """Every instant of every schedule, in order, and none twice."""
    for name, step in STEPS.items():
        evaluated = instants(state, name)
        assert all(later - earlier == step for earlier, later in pairwise(evaluated)), (name, evaluated)


def evaluated_by(daemon: Served) -> int:
    return sum(" change(s), " in line for line in daemon.log)


def enqueue(state: State, first: int) -> None:
    with state.writing() as connection:
        for number in range(first, first + MESSAGES):
            about = Notification(f"m{number}", "screen", "console", f"t{number}", "subject", b"text", datetime.now().astimezone())
            state.enqueue(connection, about)


def test_they_share_the_work(pair: list[Served], folder: Path, state: State) -> None:
    ingest_store(folder, STORES, datetime.now().astimezone())
    first, second = pair
    until(lambda: evaluated_by(first) > 5 and evaluated_by(second) > 5, "rounds of both")
    written = 0
    while not (first.said("messages: ") and second.said("messages: ")):
        enqueue(state, written)
        written += MESSAGES
        until(lambda: not letters(state, "queued", "sending"), "an empty outbox")
    until(lambda: len(instants(state, "a")) >= 40, "a busy minute")
    assert first.end(signal.SIGTERM) == second.end(signal.SIGTERM) == 0
    check_each_once(state)
    told = Counter((letter.notification.id, letter.notification.channel, letter.notification.recipient) for letter in letters(state))
    assert max(told.values()) == 1
    assert all(letter.attempts == 1 for letter in letters(state, "delivered")), "no message was sent twice"
    assert not any("ERROR" in line for daemon in pair for line in daemon.log)


def test_one_takes_over_when_the_other_is_killed(pair: list[Served], state: State) -> None:
    victim, survivor = pair
    until(lambda: evaluated_by(victim) > 3, "rounds of the victim")
    victim.process.kill()
    victim.process.wait()
    before = len(instants(state, "a"))
    until(lambda: len(instants(state, "a")) > before + 10, "rounds of the other")
    assert survivor.end(signal.SIGTERM) == 0
    check_each_once(state)


def test_both_go_on_when_the_server_ends_their_sessions(pair: list[Served], state: State) -> None:
    ends = text("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'storewatch_pair'")
    for _ in range(3):
        before = len(instants(state, "a"))
        until(lambda before=before: len(instants(state, "a")) > before + 3, "rounds")
        with state.reading() as connection:
            assert connection.scalar(ends)
    before = len(instants(state, "a"))
    until(lambda: len(instants(state, "a")) > before + 5, "rounds after it")
    assert all(daemon.process.poll() is None for daemon in pair)
    assert [daemon.end(signal.SIGTERM) for daemon in pair] == [0, 0]
    check_each_once(state)
