"""A thread that does one step after another and survives whatever a step raises."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

from engine.daemon.status import Status
from engine.errors import StorewatchError, Text

LOG = logging.getLogger(__name__)
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds


class Worker(threading.Thread):
    """Calls ``step`` again and again; it answers how many seconds there is nothing to do. A step that raises is logged and counted,
    and tried again after a pause that grows with every failure in a row."""

    def __init__(self, name: str, step: Callable[[], float], status: Status) -> None:
        super().__init__(name=name, daemon=True)
        self.step = step
        self.status = status
        self._failures = 0
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._busy_since: float | None = None

    def wake(self) -> None:
        """End the present pause."""
        self._awake.set()

    def stop(self) -> None:
        """No further step begins."""
        self._stopping.set()
        self.wake()

    def goes_on(self) -> bool:
        return not self._stopping.is_set()

    def busy_for(self) -> float:
        """How many seconds the present step has taken; 0 between steps."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def run(self) -> None:
        while self.goes_on():
            pause = self.do_step()
            if pause > 0:
                self._awake.wait(pause)
            self._awake.clear()

    def do_step(self) -> float:
        """One step; seconds until the next."""
        self._busy_since = time.monotonic()
        try:
            pause = self.step()
        except StorewatchError as error:
            LOG.error("%s: %s", self.name, error.text.en)
            return self._failed(error.text)
        except Exception as error:  # whatever it is, the thread must go on
            LOG.exception("%s failed", self.name)
            return self._failed(Text.same(f"{type(error).__name__}: {error}"))
        finally:
            self._busy_since = None
        if self._failures:
            LOG.info("%s: well again", self.name)
        self._failures = 0
        self.status.well(self.name)
        return pause

    def _failed(self, error: Text) -> float:
        self._failures += 1
        self.status.failed(self.name, error)
        return pause_after(self._failures)


def pause_after(failures: int) -> float:
    """Seconds to wait after so many failures in a row (from 1)."""
    ceiling: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures, 10))
    return ceiling * random.uniform(0.5, 1)  # noqa: S311 - spreads attempts
