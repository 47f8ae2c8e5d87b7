"""Asking web servers, carefully: bounded in size, time and number, by a name of its own, and never inside one's own network.

Every hop of a redirect is checked like the first. Answers are asked for uncompressed and what is sent compressed all the same is not
unpacked, so that there are no bombs. No proxy is used: it would connect to what we did not check.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urljoin, urlsplit
from urllib.robotparser import RobotFileParser

import httpcore

from engine.facts import Visits
from engine.ingest.enrichers.addresses import Guarded, RefusedAddress, Resolver, look_up
from engine.ingest.enrichers.reasons import Reason

MOST_HOPS = 8
LONGEST_ADDRESS = 4000
ROBOTS_BYTES = 200_000
AGAIN = frozenset({Reason.TIMEOUT, Reason.UNREACHABLE})
PAUSE = 1.0  # seconds before another try
_FAULTS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Page:
    """What a server gave in the end. ``status`` is 0 where no server answered; ``body`` are at most the bytes that were asked for, and
    ``whole`` tells whether that is all. ``reason`` is OPENS, ERROR_STATUS, or why there is no answer."""

    reason: Reason
    status: int = 0
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    body: bytes = b""
    whole: bool = True


class Visitor:
    """Fetches pages for one run. Safe to use from several threads at once."""

    def __init__(self, visits: Visits, resolver: Resolver = look_up) -> None:
        self.visits = visits
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(), max_connections=32, network_backend=Guarded(visits.allow, resolver), retries=0
        )
        self._turns: defaultdict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(visits.per_host))
        self._robots: dict[str, RobotFileParser] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        self._pool.close()

    def fetch(self, url: str, most: int) -> Page:
        """The page at ``url`` after redirects; of its body at most ``most`` bytes. A server that cannot be reached is tried again."""
        for left in range(self.visits.retries, -1, -1):
            page = self._followed(url, most)
            if page.reason not in AGAIN or not left:
                break
            time.sleep(PAUSE)
        return page

    def _followed(self, url: str, most: int) -> Page:
        for _ in range(MOST_HOPS):
            if not is_web(url):
                return Page(Reason.BAD_ADDRESS, url=url)
            if self.visits.robots and not self._may(url):
                return Page(Reason.ROBOTS, url=url)
            page = self._asked(url, most)
            target = page.headers.get("location", "")
            if page.status not in (301, 302, 303, 307, 308) or not target:
                return page
            url = urljoin(url, target)
        return Page(Reason.TOO_MANY_REDIRECTS, url=url)

    def _may(self, url: str) -> bool:
        """What the server's robots.txt says; a server without one, or that cannot tell, minds nothing."""
        parts = urlsplit(url)
        root = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            known = self._robots.get(root)
        if known is None:
            known = RobotFileParser()
            page = self._asked(f"{root}/robots.txt", ROBOTS_BYTES)
            known.parse(page.body.decode("utf-8", "replace").splitlines() if page.status == 200 else [])
            with self._lock:
                self._robots[root] = known
        return known.can_fetch(self.visits.agent, url)

    def _asked(self, url: str, most: int) -> Page:
        """One request, when it is its host's turn."""
        with self._lock:
            turn = self._turns[urlsplit(url).netloc.lower()]
        with turn:
            try:
                return self._answer(url, most)
            except _FAULTS as error:
                return Page(fault(error), url=url)

    def _answer(self, url: str, most: int) -> Page:
        seconds = self.visits.timeout.total_seconds()
        deadline = time.monotonic() + 3 * seconds
        headers = {"User-Agent": self.visits.agent, "Accept": "*/*", "Accept-Encoding": "identity"}
        limits = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), seconds)}
        body, whole = bytearray(), True
        with self._pool.stream("GET", _ascii(url), headers=list(headers.items()), extensions=limits) as response:
            told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            for chunk in response.iter_stream():
                body += chunk
                if len(body) > most:
                    whole = False
                    break
                if time.monotonic() > deadline:
                    raise httpcore.ReadTimeout("the answer drips")
        reason = Reason.OPENS if response.status < 400 else Reason.ERROR_STATUS
        return Page(reason, response.status, url, told, bytes(body[:most]), whole)


def is_web(url: str) -> bool:
    """Whether ``url`` is an http or https address with a host and without a password."""
    if len(url) > LONGEST_ADDRESS or any(ord(char) < 33 for char in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and (parts.port or 1) > 0
    except ValueError:
        return False


def _ascii(url: str) -> str:
    """The address as requests carry it: the host in IDNA, other characters quoted."""
    from urllib.parse import quote

    parts = urlsplit(url)
    host = (parts.hostname or "").encode("idna").decode() if not (parts.hostname or "").isascii() else parts.hostname or ""
    netloc = (f"[{host}]" if ":" in host else host) + (f":{parts.port}" if parts.port else "")
    query = f"?{quote(parts.query, safe='=&%/:?+,;@!$*()-._~[]')}" if parts.query else ""
    return f"{parts.scheme}://{netloc}{quote(parts.path or '/', safe='/%:@!$&*+,;=()-._~')}{query}"


def fault(error: BaseException) -> Reason:
    """Why there is no answer."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    if any(isinstance(one, RefusedAddress) for one in chain):
        return Reason.REFUSED_ADDRESS
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in chain):
        return Reason.BAD_CERTIFICATE
    if any(isinstance(one, socket.gaierror | UnicodeError) for one in chain):
        return Reason.UNKNOWN_HOST
    if any(isinstance(one, httpcore.TimeoutException | TimeoutError) for one in chain):
        return Reason.TIMEOUT
    return Reason.BAD_ADDRESS if isinstance(error, httpcore.UnsupportedProtocol) else Reason.UNREACHABLE
