"""What the daemon has done so far, counted in one place for logs, metrics and ``storewatch status`` to read."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from engine.builtin.facts import Disk, Jump
from engine.daemon.spread import Spread
from engine.errors import Problem, Text
from engine.outbox import DeliveryReport, Waiting

JUMPS = 5  # of the clock, remembered


@dataclass(frozen=True, slots=True)
class ScheduleFigures:
    """One schedule: its newest evaluated instant and when that was done, the next instant, rounds, and rounds that could not be done."""

    last_instant: datetime | None = None
    last_done: datetime | None = None
    next_instant: datetime | None = None
    rounds: int = 0
    failures: int = 0
    error: Text | None = None
    seconds: Spread = field(default_factory=Spread)


@dataclass(frozen=True, slots=True)
class Figures:
    """All counts since ``started``. ``errors`` are, by worker, steps that failed; ``error`` the present failure of each, none when well.
    ``problems`` are those of the project's files, because of which the files of before ``wrong_since`` are still in force.
    ``attempts`` to send are counted by channel, outcome and category; ``jumps`` are the last few."""

    started: datetime
    ready: bool = False
    rounds: int = 0
    round_seconds: float = 0.0
    rules_failed: int = 0
    rounds_failed: int = 0
    delivered: int = 0
    retried: int = 0
    dead: int = 0
    queue: Waiting = field(default_factory=Waiting)
    attempts: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    clock_jumps: int = 0
    jumps: tuple[Jump, ...] = ()
    disks: tuple[Disk, ...] = ()
    batches: int = 0
    batches_refused: int = 0
    pings: int = 0
    pings_failed: int = 0
    reloads: int = 0
    reloads_failed: int = 0
    reloaded: datetime | None = None
    problems: tuple[Problem, ...] = ()
    wrong_since: datetime | None = None
    schedules: Mapping[str, ScheduleFigures] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)
    error: Mapping[str, Text] = field(default_factory=dict)


class Status:
    """Figures that several threads add to; :attr:`figures` is always a whole and consistent set of them."""

    def __init__(self, started: datetime) -> None:
        self._lock = threading.Lock()
        self._figures = Figures(started)

    @property
    def figures(self) -> Figures:
        return self._figures

    def add(self, **amounts: float) -> None:
        """Add to counts."""
        with self._lock:
            self._figures = replace(self._figures, **{name: getattr(self._figures, name) + by for name, by in amounts.items()})

    def put(self, **values: Any) -> None:
        """Replace figures."""
        with self._lock:
            self._figures = replace(self._figures, **values)

    def of_schedule(self, name: str, *, rounds: int = 0, failures: int = 0, took: float | None = None, **values: Any) -> None:
        """Add to the counts of a schedule, and set its other figures. ``took`` is how many seconds its round took."""
        with self._lock:
            old = self._figures.schedules.get(name, ScheduleFigures())
            seconds = old.seconds if took is None else old.seconds.plus(took)
            new = replace(old, rounds=old.rounds + rounds, failures=old.failures + failures, seconds=seconds, **values)
            self._figures = replace(self._figures, schedules={**self._figures.schedules, name: new})

    def attempted(self, report: DeliveryReport) -> None:
        """Count the attempts of a delivery."""
        with self._lock:
            counts = Counter(self._figures.attempts)
            for each in report.attempts:
                counts[each.letter.notification.channel, each.outcome.delivery.value, each.outcome.category] += 1
            self._figures = replace(self._figures, attempts=dict(counts))

    def jumped(self, jump: Jump) -> None:
        """The clock jumped."""
        with self._lock:
            last = (*self._figures.jumps, jump)[-JUMPS:]
            self._figures = replace(self._figures, clock_jumps=self._figures.clock_jumps + 1, jumps=last)

    def keep_schedules(self, names: set[str]) -> None:
        """Forget the schedules that are gone."""
        with self._lock:
            kept = {name: each for name, each in self._figures.schedules.items() if name in names}
            self._figures = replace(self._figures, schedules=kept)

    def failed(self, worker: str, error: Text) -> None:
        with self._lock:
            counts = {**self._figures.errors, worker: self._figures.errors.get(worker, 0) + 1}
            self._figures = replace(self._figures, errors=counts, error={**self._figures.error, worker: error})

    def well(self, worker: str) -> None:
        """The worker's last step went well."""
        if worker in self._figures.error:
            with self._lock:
                rest = {name: error for name, error in self._figures.error.items() if name != worker}
                self._figures = replace(self._figures, error=rest)
