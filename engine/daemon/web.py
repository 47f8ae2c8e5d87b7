"""The daemon's small web server: health, readiness, metrics, status, and the request to reload.

It is for a machine's own network: no TLS, no login. Nothing it answers is a secret. A client that is slow, or that sends without end, is
cut off; no more than :data:`MOST` are served at once.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any, Self
from urllib.parse import urlsplit

from engine.errors import StateError, Text, UsageError

LOG = logging.getLogger(__name__)
MOST = 16  # requests at once
PATIENCE = 10.0  # seconds that a request may take to arrive and its answer to leave
LONGEST_PAGE = 300.0  # seconds that making an answer may take; reloading a project may take some
LONGEST_REQUEST = 64 * 1024  # bytes
JSON = "application/json; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"
HINT = Text("such as 127.0.0.1:9464, or '' for no web server", "如 127.0.0.1:9464；不要网页服务就写 ''")


@dataclass(frozen=True, slots=True)
class Answer:
    status: HTTPStatus
    body: bytes
    type: str = PLAIN


def as_json(status: HTTPStatus, value: object) -> Answer:
    return Answer(status, json.dumps(value, ensure_ascii=False, default=str).encode() + b"\n", JSON)


Page = Callable[[], Answer]
Pages = Mapping[tuple[str, str], Page]
"""What answers a method and path, such as ``("GET", "/metrics")``. One that raises is answered for by the server."""


def address_of(listen: str) -> tuple[str, int]:
    """``host:port``, ``[::1]:port`` or ``:port`` (all interfaces) as a pair. Raises :class:`UsageError`."""
    host, colon, port = listen.rpartition(":")
    if not colon or not (port.isascii() and port.isdecimal()) or int(port) > 65535 or (":" in host and not host.startswith("[")):
        raise UsageError(Text(f"--listen {listen}: write HOST:PORT", f"--listen {listen}：请写成 主机:端口"), HINT)
    return host.strip("[]"), int(port)


class Web:
    """The server, in threads of its own. Use as a context manager, or :meth:`start` and :meth:`stop` it."""

    def __init__(self, listen: str, pages: Pages, *, patience: float = PATIENCE) -> None:
        """Raises :class:`UsageError` when ``listen`` is no address, or one that is not free."""
        host, port = address_of(listen)
        try:
            self._server = _Server(host, port, pages, patience)
        except OSError as error:
            reason = error.strerror or str(error)
            raise UsageError(Text(f"--listen {listen} cannot be used: {reason}", f"--listen {listen} 无法使用：{reason}"), HINT) from None
        self._thread = threading.Thread(target=self._server.serve_forever, name="web", daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens, with the port that the system chose when it was asked for port 0."""
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close the port; answers in hand are not waited for."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, host: str, port: int, pages: Pages, patience: float) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.host, self.pages, self.patience = host, pages, patience
        self._free = threading.Semaphore(MOST)
        self._open: dict[socket.socket, float] = {}
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """As it is, without asking a name server for our name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            _turn_away(request)
            self.shutdown_request(request)
            return
        self._open[request] = time.monotonic() + self.patience
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread to be had
            self._closed(request)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._closed(request)

    def wait_for(self, request: socket.socket, seconds: float) -> None:
        """Cut the request off only after so many seconds from now."""
        self._open[request] = time.monotonic() + seconds

    def _closed(self, request: socket.socket) -> None:
        del self._open[request]
        self._free.release()

    def service_actions(self) -> None:
        """Called twice a second: cut off whoever drips in a byte at a time."""
        now = time.monotonic()
        for request, until in list(self._open.items()):
            if now > until:
                _cut(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        LOG.debug("a request was broken off", exc_info=True)


def _turn_away(request: socket.socket) -> None:
    request.setblocking(False)
    try:
        request.send(b"HTTP/1.0 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 15\r\n\r\ntoo many calls\n")
    except OSError:
        return


def _cut(request: socket.socket) -> None:
    try:
        request.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


class _Limited:
    """A request, as far as :data:`LONGEST_REQUEST` bytes; then it ends."""

    def __init__(self, source: BufferedIOBase) -> None:
        self._source = source
        self._left = LONGEST_REQUEST

    def readline(self, size: int) -> bytes:
        return self._taken(self._source.readline(min(size, self._left)))

    def read(self, size: int) -> bytes:
        return self._taken(self._source.read(min(size, self._left)))

    def _taken(self, data: bytes) -> bytes:
        self._left -= len(data)
        return data

    def close(self) -> None:
        self._source.close()


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def setup(self) -> None:
        self.request.settimeout(self.server.patience)
        super().setup()
        self.rfile = _Limited(self.rfile)  # type: ignore[assignment]

    def version_string(self) -> str:
        return "storewatch"

    def do_GET(self) -> None:
        self._answer("GET")

    def do_HEAD(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        path = urlsplit(self.path).path
        self._read_body()
        page = self.server.pages.get((method, path))
        if page is None:
            self._send(*self._no_page(path))
        elif method == "POST" and not self._is_welcome():
            self._send(as_json(HTTPStatus.FORBIDDEN, {"error": "requests from web pages are refused"}))
        else:
            self.server.wait_for(self.request, LONGEST_PAGE)
            answer = _made(page, path)
            self.server.wait_for(self.request, self.server.patience)
            self._send(answer)

    def _no_page(self, path: str) -> tuple[Answer, str]:
        allowed = sorted(method for method, known in self.server.pages if known == path)
        if allowed:
            return as_json(HTTPStatus.METHOD_NOT_ALLOWED, {"error": f"use {' or '.join(allowed)}"}), ", ".join(allowed)
        known = sorted(f"{method} {page}" for method, page in self.server.pages)
        return as_json(HTTPStatus.NOT_FOUND, {"error": "there is no such page", "pages": known}), ""

    def _read_body(self) -> None:
        """So that the client reads our answer before it hears that we closed; what the body says does not matter."""
        length = self.headers.get("Content-Length", "")
        if length.isascii() and length.isdecimal() and len(length) < 10:
            self.rfile.read(int(length))

    def _is_welcome(self) -> bool:
        """No page of this server sends requests, so one that a browser marks with its origin comes from somebody else's page; and a name
        that is neither ours nor a number may be one that such a page pointed at us."""
        browser = self.headers.get("Origin") is not None or self.headers.get("Sec-Fetch-Site", "none") != "none"
        return not browser and self._is_our_name(self.headers.get("Host", ""))

    def _is_our_name(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return "." not in name or name in (self.server.host, socket.gethostname()) or _is_number(name)

    def _send(self, answer: Answer, allow: str = "") -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if allow:
            self.send_header("Allow", allow)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        LOG.debug("web: %s", format % args)


def _made(page: Page, path: str) -> Answer:
    try:
        return page()
    except StateError as error:
        return as_json(HTTPStatus.SERVICE_UNAVAILABLE, {"error": error.text.en})
    except Exception:  # a page's fault must not end the server
        LOG.exception("page %s failed", path)
        return as_json(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "this page failed; the log tells why"})


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
