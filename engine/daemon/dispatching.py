"""Tells between rounds what had to wait: mutes that end, groups that waited, reminders."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from engine.daemon.clock import Clock
from engine.matching.evaluate import Matcher
from engine.pipeline import Dispatch, next_dispatch, run_dispatch
from engine.project import Project
from engine.snapshots import Snapshots
from engine.state import State, turn

LOG = logging.getLogger(__name__)
LOOK = 15.0  # seconds after which to ask again what is due: silences may have ended, and messages arrived


class Dispatcher:
    """``goes_on`` says for how long to wait for the turn; ``told`` is called after each dispatch that told something."""

    def __init__(self, state: State, clock: Clock, goes_on: Callable[[], bool], told: Callable[[Dispatch], None]) -> None:
        self.state, self.clock, self.goes_on, self.told = state, clock, goes_on, told
        self._asked: float | None = None
        self._next: datetime | None = None

    def look(self, project: Project, matcher: Matcher, snapshots: Snapshots) -> None:
        """Dispatch if something is due now."""
        if self._asked is None or self.clock.monotonic() >= self._asked + LOOK:
            self._ask(project)
        if self._next is not None and self._next <= self.clock.now():
            with turn(self.state, self.goes_on) as ours:
                done = run_dispatch(project, matcher, snapshots, self.state, self.clock.now(), clock=self.clock.now) if ours else None
            if done and done.notifications:
                LOG.info("told what was due: %d message(s), %d change(s) still wait", len(done.notifications), len(done.held))
                self.told(done)
            self._ask(project)

    def forget(self) -> None:
        """Ask anew: something was evaluated, or the project is another."""
        self._asked = None

    def _ask(self, project: Project) -> None:
        self._asked, self._next = self.clock.monotonic(), next_dispatch(project, self.state, self.clock.now())
