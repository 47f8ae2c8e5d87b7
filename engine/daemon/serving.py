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

from engine.daemon.agenda import LOOK
from engine.daemon.alarm import Alarm
from engine.daemon.clock import Clock
from engine.daemon.delivering import Courier
from engine.daemon.evaluating import Evaluator
from engine.daemon.facts import Lookout, read_facts
from engine.daemon.health import PINGING, not_turning, sick, unready
from engine.daemon.inbox import Inbox
from engine.daemon.logs import Secrets, secrets_of
from engine.daemon.metrics import Exhibition
from engine.daemon.pages import Front
from engine.daemon.ping import Pinger
from engine.daemon.reloading import Reloader
from engine.daemon.signals import caught
from engine.daemon.status import Status
from engine.daemon.systemd import Systemd
from engine.daemon.watching import Watchman
from engine.daemon.web import Pages
from engine.daemon.workers import Worker
from engine.errors import Text
from engine.pipeline import Dispatch, Round
from engine.project import Project
from engine.state import State

LOG = logging.getLogger(__name__)
ENDING = {signal.SIGTERM, signal.SIGINT}
LAST_WORD = 1.0  # seconds
GRACE = 8.0  # seconds that what is in hand may still take after a stop was asked for


class Daemon:
    """Evaluates the project on schedule and (with ``send``) sends, until it is told to stop. The database is open and stays the
    caller's; ``console`` is where channels of type console write, ``inbox`` the folder to use instead of that of ``schedules.yaml``;
    ``secrets`` learns those of a project that is reloaded.

    From any thread: ``project()`` is the project in use, ``reload()`` reads its files anew and gives their problems."""

    def __init__(
        self,
        project: Project,
        state: State,
        clock: Clock,
        console: TextIO,
        secrets: Secrets,
        *,
        send: bool = True,
        inbox: Path | None = None,
    ) -> None:
        self.status = Status(clock.now())
        self._stop = threading.Event()
        self._reloader = Reloader(project, clock, self.status, self._reloaded)
        self.project = self._reloader.project
        self.reload = self._reloader.reload
        self._evaluator = Evaluator(state, self.project, clock, self.status, self.goes_on, self._evaluated, self._set_alarm, LOOK)
        self._courier = Courier(state, self.project, clock, self.status, console, self._stop)
        self._evaluating = Worker("evaluating", self._evaluator.step, self.status)
        self._delivering = Worker("delivering", self._courier.step, self.status)
        self._reloading = Worker("reloading", self._reloader.step, self.status)
        self._ingesting = Worker("inbox", Inbox(self.project, clock, self.status, self._evaluating.wake, inbox).step, self.status)
        self._watchman = Watchman(state, self.project, clock, self.status)
        self._pinger = Pinger(self.project, lambda: not (self.unready() or self.idle()), clock, self.status, os.environ)
        watching = Worker("watching", self._watchman.step, self.status)
        pinging = Worker(PINGING, self._pinger.step, self.status)
        self._workers = [
            self._evaluating,
            self._reloading,
            self._ingesting,
            *([self._delivering] if send else []),
            watching,
            pinging,
        ]
        self._lookout = Lookout(lambda: read_facts(state, self.project().snapshots, clock.now()), time.monotonic)
        self._clock, self._secrets = clock, secrets
        self._turned = time.monotonic()
        self._systemd = Systemd(os.environ)
        self._alarm = Alarm(self._evaluating.wake)

    def goes_on(self) -> bool:
        return not self._stop.is_set()

    def sick(self) -> list[Text]:
        """Why the process should be started anew; nothing when it turns."""
        return list(sick(self._workers, time.monotonic() - self._turned))

    def unready(self) -> list[Text]:
        """Why it does not do its work; nothing when it does."""
        return [*self.sick(), *unready(self.status.figures, self._lookout.look()[1])]

    def idle(self) -> list[Text]:
        """Schedules whose rounds cannot be done."""
        return list(not_turning(self.status.figures))

    def pages(self) -> Pages:
        """What the web server shows."""
        figures = lambda: self.status.figures  # noqa: E731 - always the present ones
        exhibition = Exhibition(figures, self.project, self._lookout, lambda: not self.unready(), self._clock.now)
        return Front(figures, self.sick, self.unready, self.reload, exhibition).pages()

    def turn(self) -> None:
        """To be called by the main loop every second or so."""
        self._turned = time.monotonic()
        self._systemd.turn(alive=not self.sick())

    def start(self) -> None:
        self._systemd.tell("READY=1")
        self._alarm.start()
        for worker in self._workers:
            worker.start()

    def reload_soon(self) -> None:
        """Read the project's files anew, whether they changed or not; returns at once."""
        self._reloader.ask()
        self._reloading.wake()

    def stop(self) -> None:
        """Ask for the end; returns at once."""
        self._systemd.tell("STOPPING=1")
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
        self._leave()
        return True

    def _leave(self) -> None:
        """Tell the database that nobody is here any more; one that does not answer at once finds out by itself."""
        leaving = threading.Thread(target=self._watchman.leave, name="leaving", daemon=True)
        leaving.start()
        leaving.join(LAST_WORD)

    def _evaluated(self, _: Round | Dispatch) -> None:
        self._delivering.wake()

    def _reloaded(self) -> None:
        self._secrets.add(secrets_of(self.project(), os.environ))
        for worker in self._workers:
            worker.wake()

    def _set_alarm(self) -> None:
        self._alarm.set(self._evaluator.timetables)


def serve(daemon: Daemon, begun: Callable[[], None]) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP reloads. A second signal ends the process at once, and so does work that cannot be finished
    in time. ``begun`` is called when signals are heeded."""
    with caught(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        daemon.start()
        begun()
        while daemon.goes_on():
            daemon.turn()
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
