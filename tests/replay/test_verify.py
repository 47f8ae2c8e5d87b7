"""What was done live is what a replay of it does, whatever happened in between; and where it is not, that is told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random

from sqlalchemy import func, select, update

from engine.replay.verifying import verify
from engine.state import State
from engine.state_tables import TRANSITIONS
from tests.delivery.conftest import url
from tests.replay.conftest import START, small_project
from tests.replay.live import Live

__all__ = ["url"]
HALF_A_DAY = timedelta(hours=12)


def lived(folder: Path, url: str, days: int, seed: int = 7) -> Live:
    """A few days with a reload, a restart, late data and people."""
    live = Live(small_project(folder), url, START, Random(seed))
    for number in range(days * 96):
        live.step()
        if number == days * 30:
            live.edit("dsr_desc < 4.7", "dsr_desc < 4.65")
        if number == days * 60:
            live.restart()
    return live


def test_a_replay_does_what_was_done_live(url: str, tmp_path: Path) -> None:
    live = lived(tmp_path / "shop", url, 1)
    found = verify(live.folder, live.state, START, tmp_path / "work")
    assert (found.differences, found.lost) == ((), ())
    assert found.evaluations > 10 and found.transitions > 5 and found.notifications > 2
    _tamper(live.state)
    part = verify(live.folder, live.state, live.now - HALF_A_DAY, tmp_path / "work")
    assert 0 < part.evaluations < found.evaluations
    (first,) = part.differences
    assert first.what == "alert" and "#9" in first.live and "critical" in first.live and "#9" not in first.replayed
    live.state.close()


def _tamper(state: State) -> None:
    """The newest stored change gets another severity."""
    with state.writing() as connection:
        newest = select(func.max(TRANSITIONS.c.number)).scalar_subquery()
        connection.execute(update(TRANSITIONS).where(TRANSITIONS.c.number == newest).values(severity="critical", episode=9))
