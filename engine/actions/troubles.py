"""What keeps a message from getting through, in words that are the same for all channels."""

from __future__ import annotations

import socket
import ssl

DETAIL = 200  # characters of a server's answer that are kept
_SOCKET: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLError, "tls"),
    (TimeoutError, "timeout"),
    (ConnectionRefusedError, "connection_refused"),
    (ConnectionError, "disconnected"),
    (socket.gaierror, "unknown_host"),
    (UnicodeError, "unknown_host"),
    (OSError, "unreachable"),
)


def socket_category(error: BaseException) -> str:
    return next((category for type_, category in _SOCKET if isinstance(error, type_)), "protocol")


def plain(detail: str) -> str:
    """One short printable line: a server may answer anything."""
    return "".join(char if char.isprintable() else " " for char in detail)[:DETAIL].strip()
