"""The dead-man's ping: a service outside is called while rounds turn, and raises the alarm when the calls stop."""

from __future__ import annotations

import http.client
import logging
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping

from engine.daemon.clock import Clock
from engine.daemon.status import Status
from engine.errors import Secret, Text, UsageError
from engine.project import Project

LOG = logging.getLogger(__name__)
PATIENCE = 10.0  # seconds for one call
PAUSE = 5.0  # between two looks whether it is time


def address_of(project: Project, environ: Mapping[str, str]) -> Secret | None:
    """The address to call; None where the project wants no call. Raises :class:`UsageError` when it cannot be found."""
    ping = project.schedules.ping
    if ping is None:
        return None
    try:
        said = environ.get(ping.url_env, "") if ping.url_env else (project.folder / ping.url_file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        said = ""
    if not said.strip().startswith(("https://", "http://")):
        named = ping.url_env or ping.url_file
        text = Text(f"ping: {named} holds no address that begins with https://", f"ping：{named} 里没有以 https:// 开头的地址")
        raise UsageError(text, Text("schedules.yaml names it under ping:", "schedules.yaml 的 ping: 里写了它"))
    return Secret(said.strip())


class Pinger:
    """``step`` is a worker's. ``turning()`` tells whether rounds turn; while they do not, nobody is called."""

    def __init__(
        self,
        wanted: Callable[[], Project],
        turning: Callable[[], bool],
        clock: Clock,
        status: Status,
        environ: Mapping[str, str],
    ) -> None:
        self.wanted, self.turning, self.clock, self.status, self.environ = wanted, turning, clock, status, environ
        self._last = float("-inf")

    def step(self) -> float:
        """Call when it is time; a call that fails is logged and counted and changes nothing else. Raises :class:`UsageError`."""
        project, now = self.wanted(), self.clock.monotonic()
        address = address_of(project, self.environ)
        ping = project.schedules.ping
        if address and ping and now - self._last >= ping.every.total_seconds() and self.turning():
            self._last = now
            went = called(address)
            self.status.add(pings=int(went), pings_failed=int(not went))
        return PAUSE


def called(address: Secret) -> bool:
    """Whether the service took the call. What went wrong is logged, without the address."""
    request = urllib.request.Request(address.reveal(), headers={"User-Agent": "storewatch"})  # noqa: S310 - address_of has looked
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE):  # noqa: S310
            return True
    except urllib.error.HTTPError as error:
        LOG.warning("the ping was answered by %s", error.code)
        error.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        LOG.warning("the ping failed: %s", getattr(reason, "strerror", "") or type(reason).__name__)
    return False
