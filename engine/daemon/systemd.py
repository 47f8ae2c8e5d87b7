"""What systemd wants to hear of a service of ``Type=notify``, when it runs us (``NOTIFY_SOCKET``)."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Mapping

LOG = logging.getLogger(__name__)


class Systemd:
    """The service manager, if there is one."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._pause = watchdog_pause(environ)
        self._fed = float("-inf")

    def tell(self, *words: str) -> None:
        notify(self._environ, *words)

    def turn(self, *, alive: bool) -> None:
        """Say from time to time that the daemon is alive, where systemd wants to hear it."""
        if alive and self._pause is not None and time.monotonic() - self._fed >= self._pause:
            self._fed = time.monotonic()
            self.tell("WATCHDOG=1")


def notify(environ: Mapping[str, str], *words: str) -> bool:
    """Tell systemd ``READY=1``, ``WATCHDOG=1`` and the like; False when nobody listens."""
    path = environ.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")):
        return False
    address = f"\0{path[1:]}" if path.startswith("@") else path
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.sendto("\n".join(words).encode(), address)
    except OSError as error:
        LOG.debug("systemd does not listen: %s", error.strerror)
        return False
    return True


def watchdog_pause(environ: Mapping[str, str]) -> float | None:
    """Seconds between two ``WATCHDOG=1``: a third of what systemd waits for (``WatchdogSec=``); None when it does not watch."""
    said = environ.get("WATCHDOG_USEC", "")
    return int(said) / 3e6 if said.isdecimal() and int(said) > 0 else None
