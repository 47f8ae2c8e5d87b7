"""What the daemon has done so far, counted in one place for logs, metrics and ``storewatch status`` to read."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from engine.errors import Problem, Text
from engine.outbox import Waiting


@dataclass(frozen=True, slots=True)
class ScheduleFigures:
    """One schedule: its newest evaluated instant and when that was done, the next instant, rounds, and rounds that could not be done."""

    last_instant: datetime | None = None
    last_done: datetime | None = None
    next_instant: datetime | None = None
    rounds: int = 0
    failures: int = 0
    error: Text | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """All counts since ``started``. ``errors`` are, by worker, steps that failed; ``error`` the present failure of each, none when well.
    ``problems`` are those of the project's files, because of which the files of before ``wrong_since`` are still in force."""

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
    clock_jumps: int = 0
    batches: int = 0
    batches_refused: int = 0
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

    def of_schedule(self, name: str, *, rounds: int = 0, failures: int = 0, **values: Any) -> None:
        """Add to the counts of a schedule, and set its other figures."""
        with self._lock:
            old = self._figures.schedules.get(name, ScheduleFigures())
            new = replace(old, rounds=old.rounds + rounds, failures=old.failures + failures, **values)
            self._figures = replace(self._figures, schedules={**self._figures.schedules, name: new})

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
