"""The daemon as a whole: its threads, its signals, its end."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from engine.daemon.alarm import Alarm
from engine.daemon.clock import Clock
from engine.daemon.delivering import Courier
from engine.daemon.evaluating import Evaluator
from engine.daemon.inbox import Inbox
from engine.daemon.reloading import Reloader
from engine.daemon.signals import caught
from engine.daemon.status import Status
from engine.daemon.workers import Worker
from engine.pipeline import Round
from engine.project import Project
from engine.state import State

LOG = logging.getLogger(__name__)
ENDING = {signal.SIGTERM, signal.SIGINT}
GRACE = 8.0  # seconds that what is in hand may still take after a stop was asked for


class Daemon:
    """Evaluates the project on schedule and (with ``send``) sends, until it is told to stop. The database is open and stays the
    caller's; ``console`` is where channels of type console write, ``inbox`` the folder to use instead of that of ``schedules.yaml``.

    From any thread: ``project()`` is the project in use, ``reload()`` reads its files anew and gives their problems."""

    def __init__(
        self, project: Project, state: State, clock: Clock, console: TextIO, *, send: bool = True, inbox: Path | None = None
    ) -> None:
        self.status = Status(clock.now())
        self._stop = threading.Event()
        self._reloader = Reloader(project, clock, self.status, self._reloaded)
        self.project = self._reloader.project
        self.reload = self._reloader.reload
        self._evaluator = Evaluator(state, self.project, clock, self.status, self.goes_on, self._evaluated, self._set_alarm)
        self._courier = Courier(state, self.project, clock, self.status, console, self._stop)
        self._evaluating = Worker("evaluating", self._evaluator.step, self.status)
        self._delivering = Worker("delivering", self._courier.step, self.status)
        self._reloading = Worker("reloading", self._reloader.step, self.status)
        self._ingesting = Worker("inbox", Inbox(self.project, clock, self.status, self._evaluating.wake, inbox).step, self.status)
        self._workers = [self._evaluating, self._reloading, self._ingesting, *([self._delivering] if send else [])]
        self._alarm = Alarm(self._evaluating.wake)

    def goes_on(self) -> bool:
        return not self._stop.is_set()

    def start(self) -> None:
        self._alarm.start()
        for worker in self._workers:
            worker.start()

    def reload_soon(self) -> None:
        """Read the project's files anew, whether they changed or not; returns at once."""
        self._reloader.ask()
        self._reloading.wake()

    def stop(self) -> None:
        """Ask for the end; returns at once."""
        self._stop.set()
        for worker in self._workers:
            worker.stop()

    def finish(self, hurry: Callable[[], bool]) -> bool:
        """Let what is in hand be finished; False when it took too long, or somebody is in a hurry. Then nothing of the running round is
        stored, and a message in hand may be sent once more, with the same id."""
        self._alarm.stop()
        until = time.monotonic() + GRACE
        while any(worker.is_alive() for worker in self._workers):
            if time.monotonic() > until or hurry():
                return False
        return True

    def _evaluated(self, _: Round) -> None:
        self._delivering.wake()

    def _reloaded(self) -> None:
        for worker in self._workers:
            worker.wake()

    def _set_alarm(self) -> None:
        self._alarm.set(self._evaluator.timetables)


def serve(daemon: Daemon) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP reloads. A second signal ends the process at once, and so does work that cannot be finished
    in time."""
    with caught(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        daemon.start()
        while daemon.goes_on():
            for number in signals.wait(1):
                _heed(daemon, number)
        if not daemon.finish(hurry=lambda: ENDING.intersection(signals.wait(0.05)) != set()):
            LOG.warning("what was in hand was not finished: nothing of it is stored, and it will be done again")
            _leave()


def _heed(daemon: Daemon, number: signal.Signals) -> None:
    if number in ENDING:
        LOG.info("%s: stopping", number.name)
        daemon.stop()
    else:
        LOG.info("%s: reloading", number.name)
        daemon.reload_soon()


def _leave() -> None:
    """End at once, without waiting for threads."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)
