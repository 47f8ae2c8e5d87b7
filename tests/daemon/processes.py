"""`storewatch serve` as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 120  # seconds before a test gives up; nothing is expected to take so long


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


@dataclass
class Served:
    """A running daemon and what it wrote to standard error."""

    process: subprocess.Popen[str]
    log: list[str] = field(default_factory=list)

    def said(self, words: str) -> bool:
        return any(words in line for line in self.log)

    def wait_for(self, words: str) -> None:
        until(lambda: self.said(words) or self.process.poll() is not None, f"{words!r} in {self.log}")
        assert self.said(words), self.log

    def end(self, signal_number: int) -> int:
        self.process.send_signal(signal_number)
        return self.process.wait(PATIENCE)


def storewatch(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "engine.cli.main", "--project", str(folder), "--lang", "en", *words]


def surroundings(url: str) -> dict[str, str]:
    return os.environ | ({"STOREWATCH_STATE": url} if url else {})


@contextmanager
def serving(folder: Path, *options: str, url: str = "") -> Iterator[Served]:
    """A daemon that is killed in the end, if it still runs."""
    quiet = () if "--listen" in options else ("--listen", "")
    command = storewatch(folder, "serve", *quiet, *options)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=surroundings(url)) as process:
        served = Served(process)
        reader = threading.Thread(target=lambda: [served.log.append(line) for line in process.stderr or ()])
        reader.start()
        try:
            yield served
        finally:
            process.kill()
            process.wait()
            reader.join()
