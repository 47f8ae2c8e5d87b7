"""Real SMTP servers for tests: aiosmtpd with scripted answers, and a bare socket for what no proper server does."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

PASSWORD = "correct horse"


@dataclass
class Inbox:
    """Keeps what arrives. ``answers`` maps (verb, recipient or "") to the answers to give, one after another, before 250."""

    answers: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    mails: list[tuple[str, bytes]] = field(default_factory=list)
    sessions: set[int] = field(default_factory=set)
    encrypted: list[bool] = field(default_factory=list)

    def _answer(self, verb: str, who: str = "") -> str | None:
        waiting = self.answers.get((verb, who), [])
        return waiting.pop(0) if waiting else None

    async def handle_MAIL(self, _: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        envelope.mail_from = address
        self.sessions.add(id(session))
        return self._answer("MAIL") or "250 OK"

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        answer = self._answer("RCPT", address)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, _: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self._answer("DATA", envelope.rcpt_tos[0])
        if answer is None:
            content = envelope.content
            assert isinstance(content, bytes)
            self.mails.append((envelope.rcpt_tos[0], content))
            self.encrypted.append(session.ssl is not None)
        return answer or "250 OK"


def check_password(_: SMTP, __: Session, ___: Envelope, ____: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"storewatch", PASSWORD.encode())
    return AuthResult(success=good, handled=False)


@contextmanager
def smtp_server(inbox: Inbox, **options: Any) -> Iterator[int]:
    """The port of a running server."""
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@contextmanager
def bare_server(conversation: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a server that holds this conversation on every connection."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            conversation(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, *_: object) -> None:
            """A client that leaves is no error."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def says(*lines: str, then: Callable[[socket.socket], None] | None = None) -> Callable[[socket.socket], None]:
    """A conversation: the first line at once, each further line after something was received; then it hangs up, or ``then``."""

    def converse(connection: socket.socket) -> None:
        for number, line in enumerate(lines):
            if number:
                connection.recv(65536)
            connection.sendall(f"{line}\r\n".encode())
        if then:
            then(connection)

    return converse


def waits(connection: socket.socket) -> None:
    """Reads what comes and never answers, until the client leaves."""
    while connection.recv(65536):
        pass


def hears(connection: socket.socket) -> None:
    connection.recv(65536)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
