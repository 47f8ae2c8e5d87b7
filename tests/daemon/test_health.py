"""Reasons why the daemon should be started anew, why it does not do its work, and why the ping is not sent."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from engine.daemon.health import PINGING, STUCK, TURNS_WITHIN, not_turning, sick, unready
from engine.daemon.status import Figures, Status
from engine.errors import Text
from tests.daemon.conftest import START

WELL = Figures(START, ready=True)
BROKEN = Text("broken", "坏了")


@dataclass
class Thread:
    name: str = "evaluating"
    alive: bool = True
    busy: float = 0.0

    def is_alive(self) -> bool:
        return self.alive

    def busy_for(self) -> float:
        return self.busy


@pytest.mark.parametrize(
    ("thread", "since_last_turn", "said"),
    [
        (Thread(), 1, []),
        (Thread(busy=STUCK), TURNS_WITHIN, []),
        (Thread(), 31, ["the main loop has not turned for 31 s"]),
        (Thread(alive=False), 1, ["the thread 'evaluating' has ended"]),
        (Thread(busy=STUCK + 1), 1, ["'evaluating' has been at one step for 1801 s"]),
    ],
)
def test_a_process_that_hangs_is_to_be_started_anew(thread: Thread, since_last_turn: float, said: list[str]) -> None:
    assert [reason.en for reason in sick([thread], since_last_turn)] == said


def test_it_is_ready_when_nothing_keeps_it_from_its_work() -> None:
    assert list(unready(WELL, None)) == []
    assert [reason.en for reason in unready(Figures(START), BROKEN)] == ["broken", "still catching up on what was missed"]
    status = Status(START)
    status.put(ready=True)
    status.failed("evaluating", BROKEN)
    status.failed(PINGING, BROKEN)
    assert [reason.en for reason in unready(status.figures, None)] == ["evaluating: broken"]
    status.well("evaluating")
    assert list(unready(status.figures, None)) == []


def test_the_ping_waits_while_a_round_cannot_be_done() -> None:
    status = Status(START)
    status.of_schedule("daily", failures=1, error=BROKEN)
    assert [reason.en for reason in not_turning(status.figures)] == ["schedule daily: broken"]
    status.of_schedule("daily", rounds=1, error=None)
    assert list(not_turning(status.figures)) == []
