"""Real HTTP servers for tests: one with scripted answers, and robots that answer as the platforms document."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any


@dataclass
class Received:
    """One request that arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Post:
    """Keeps what arrives. ``answers`` are (status, body, headers), given one after another; afterwards 200 with ``usual``."""

    answers: list[tuple[int, str, dict[str, str]]] = field(default_factory=list)
    usual: str = "ok"
    received: list[Received] = field(default_factory=list)

    def answer(self, _: Received) -> tuple[int, str, dict[str, str]]:
        return self.answers.pop(0) if self.answers else (200, self.usual, {})


@contextmanager
def web_server(post: Post, context: SSLContext | None = None) -> Iterator[str]:
    """The address of a running server."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Received(self.path, dict(self.headers.items()), body)
            post.received.append(request)
            status, text, headers = post.answer(request)
            content = text.encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that leaves is no error."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Robot(Post):
    """A platform's robot: HTTP 200 whatever happens, with the code that ``rule`` gives for a request (0: taken)."""

    rule: Callable[[Received], tuple[int, str]] = lambda _: (0, "ok")
    keys: tuple[str, str] = ("errcode", "errmsg")

    def answer(self, request: Received) -> tuple[int, str, dict[str, str]]:
        if self.answers:
            return super().answer(request)
        code, said = self.rule(request)
        return 200, json.dumps({self.keys[0]: code, self.keys[1]: said}), {"Content-Type": "application/json"}
