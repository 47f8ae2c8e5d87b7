"""Signals, told in the main thread's own time: a handler that interrupts it could find a lock in its own hands."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager

READ = 64


class Signals:
    """Made by :func:`caught`."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def wait(self, seconds: float) -> list[signal.Signals]:
        """The signals that came, after at most so many seconds."""
        ready, _, _ = select.select([self._pipe], [], [], seconds)
        return [signal.Signals(number) for number in os.read(self._pipe, READ)] if ready else []


@contextmanager
def caught(*wanted: signal.Signals) -> Iterator[Signals]:
    """These signals do nothing of themselves any more, but are told. Only in the main thread."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = {number: signal.signal(number, lambda *_: None) for number in wanted}
    fd_before = signal.set_wakeup_fd(writer)
    try:
        yield Signals(reader)
    finally:
        signal.set_wakeup_fd(fd_before)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)
