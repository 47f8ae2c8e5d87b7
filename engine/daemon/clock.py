"""The clock, and how the daemon notices that it jumped or that the machine slept."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from engine.builtin.facts import Jump
from engine.daemon.status import Status

JUMP = timedelta(seconds=10)
"""Corrections of the clock below this are nobody's business."""


class Clock(Protocol):
    def now(self) -> datetime:
        """This instant, aware."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back and do not count while the machine sleeps."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class Vigil:
    """Since when the daemon is awake without a break. To be asked every second or so."""

    def __init__(self, clock: Clock, status: Status) -> None:
        self.clock = clock
        self.status = status
        self.awake_since = clock.now()
        self._seen = clock.now(), clock.monotonic()

    def broken(self) -> timedelta | None:
        """By how much the clock ran ahead of (or, below zero, behind) the time that passed since the last call, where that is too much
        to be a correction: the clock was set, or the machine slept."""
        wall, ticks = self._seen
        now, monotonic = self.clock.now(), self.clock.monotonic()
        self._seen = now, monotonic
        ahead = (now - wall) - timedelta(seconds=monotonic - ticks)
        if abs(ahead) < JUMP:
            return None
        self.awake_since = now
        self.status.jumped(Jump(now, ahead))
        return ahead
