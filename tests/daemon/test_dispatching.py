"""Between rounds the daemon tells what had to wait."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from engine.outbox import letters
from engine.pipeline import Dispatch
from engine.project import Project, load_project
from engine.routing import Silence
from engine.routing.matchers import parse_matcher
from engine.state import State, add_silence, expire_silence, silences
from tests.daemon.conftest import CHANNELS, START
from tests.daemon.test_evaluating import Bench
from tests.daemon.test_reloading import ingest_stores

__all__ = ["ingest_stores"]

MUTED = CHANNELS.replace("route: {", "time_intervals: {early: [{times: ['08:00..09:20']}]}\nroute: {mute_time_intervals: [early], ")
DAILY = "schedules: {daily: {cron: '5 9 * * *', time_zone: Asia/Shanghai}}"
MINUTE = timedelta(minutes=1)


def test_a_mute_that_ends_between_rounds(scheduled: Callable[[str], Project], folder: Path, state: State, ingest_stores: None) -> None:
    (folder / "channels.yaml").write_text(MUTED, encoding="utf-8")
    bench = Bench(scheduled(DAILY), state)
    bench.work()
    bench.clock.pass_(5 * MINUTE)
    assert bench.work() == ["09:05"]
    assert [held.until for held in state.held()] == [START + 20 * MINUTE] and letters(state) == ()
    bench.clock.pass_(14 * MINUTE)
    assert (bench.work(), letters(state)) == ([], ())
    bench.clock.pass_(MINUTE)
    bench.evaluator.step()
    assert len(letters(state)) == 1 and state.held() == ()
    assert isinstance(bench.rounds[-1], Dispatch), "the courier is woken"
    bench.clock.pass_(MINUTE)
    bench.evaluator.step()
    assert len(letters(state)) == 1


def test_a_silence_that_somebody_ends_is_noticed(
    scheduled: Callable[[str], Project], folder: Path, state: State, ingest_stores: None
) -> None:
    add_silence(state, Silence((parse_matcher("alert=dsr_drop"),), "amy", "", START, START, START + timedelta(days=1)))
    bench = Bench(scheduled(DAILY), state)
    bench.work()
    bench.clock.pass_(5 * MINUTE)
    bench.work()
    assert letters(state) == ()
    bench.clock.pass_(MINUTE)
    expire_silence(state, silences(state)[0].number, bench.clock.now())
    bench.evaluator.step()
    bench.clock.pass_(MINUTE)
    bench.evaluator.step()
    assert len(letters(state)) == 1


def test_what_is_held_survives_a_restart(scheduled: Callable[[str], Project], folder: Path, state: State, ingest_stores: None) -> None:
    (folder / "channels.yaml").write_text(MUTED, encoding="utf-8")
    first = Bench(scheduled(DAILY), state)
    first.work()
    first.clock.pass_(5 * MINUTE)
    first.work()
    second = Bench(load_project(folder), state)
    second.clock.at = START + 30 * MINUTE
    second.evaluator.step()
    assert len(letters(state)) == 1 and state.held() == ()
