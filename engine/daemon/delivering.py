"""Sends what is due, again and again, whatever evaluation is doing."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TextIO

from engine.actions import Surroundings, limits
from engine.daemon.clock import Clock
from engine.daemon.status import Status
from engine.outbox import Waiting, waiting
from engine.posting import post, ready_senders
from engine.project import Project
from engine.sending import Sender
from engine.state import State

LOG = logging.getLogger(__name__)
LOOK = 5.0  # seconds between two looks into the outbox, where another process may have put something
SOON = 0.2


class Courier:
    """``step`` is a worker's. ``wanted()`` gives the project to use; channels of type console write to ``console``; when ``stop`` is set
    no further message is begun."""

    def __init__(
        self, state: State, wanted: Callable[[], Project], clock: Clock, status: Status, console: TextIO, stop: threading.Event
    ) -> None:
        self.state, self.wanted, self.clock, self.status, self.console, self.stop = state, wanted, clock, status, console, stop
        self._project: Project | None = None
        self._senders: Mapping[str, Sender] = {}

    def step(self) -> float:
        """Send everything that is due. Returns for how many seconds there is nothing to send."""
        project = self._opened()
        report = post(project.channels, self._senders, self.state, self.clock.now, self.stop)
        if report.attempts:
            LOG.info("messages: %d sent, %d put off, %d given up", report.delivered, report.retried, report.dead)
        for (channel, category), count in report.failures().items():
            fields = {"channel": channel, "category": category, "count": count}
            LOG.warning("channel %s: %d message(s) not sent: %s", channel, count, category, extra=fields)
        for each in report.attempts:
            letter = each.letter.notification
            fields = {"notification": letter.id, "channel": letter.channel, "outcome": each.outcome.delivery.value}
            LOG.debug("attempt %d to send a message: %s", each.letter.attempts, each.outcome.category, extra=fields)
        left = waiting(self.state, limits(project.channels), self.clock.now())
        self.status.attempted(report)
        self.status.add(delivered=report.delivered, retried=report.retried, dead=report.dead)
        self.status.put(queue=left)
        return pause(left, self.clock.now())

    def _opened(self) -> Project:
        """The present project, with senders made from it: a password that was put right counts from the next reload on."""
        project = self.wanted()
        if project is not self._project:
            self._senders = ready_senders(project.channels, Surroundings(project.folder, os.environ, self.console, self.clock.now))
            self._project = project
        return project


def pause(left: Waiting, now: datetime) -> float:
    """Seconds until the next letter is due, at most :data:`LOOK`."""
    due = [at for at in (left.next_attempt_at, left.held_until) if at]
    return min(LOOK, max(SOON, (min(due) - now).total_seconds())) if due else LOOK
