"""A mail server that misbehaves: every mail arrives or is in the dead letters with the reason, and the other channel was not held up."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.actions.email import SmtpSender
from engine.errors import Secret
from engine.outbox import Retry, deliver, letters
from engine.state import State
from tests.delivery.servers import Inbox, bare_server, check_password, free_port, hears, says, server_context, smtp_server, waits
from tests.delivery.test_outbox import NOW, Fake, queue
from tests.delivery.test_smtp import certificate, config
from tests.delivery.values import letter

__all__ = ["certificate"]
HOUR = timedelta(hours=1)
RECIPIENTS = ("a@shop.example", "b@shop.example", "c@shop.example")
STEADY = Retry(chance=lambda: 1.0)


def mails(size: int = 0) -> list[Any]:
    made = [letter(number, to=to) for number, to in enumerate(RECIPIENTS, 1)]
    return [replace(each, payload=each.payload + b"x" * 70 * size + b"\r\n") for each in made]


def pump(state: State, sender: SmtpSender, begin: datetime, hours: float) -> Fake:
    """Deliver again and again on an injected clock; the other channel."""
    chat, at = Fake(), begin
    while at <= begin + timedelta(hours=hours):
        deliver(state, {"mail": sender, "chat": chat}, lambda at=at: at, retry=STEADY)  # type: ignore[misc]
        at += timedelta(minutes=5)
    return chat


def outcome(state: State) -> dict[str, tuple[str, str]]:
    return {row.notification.recipient: (row.state, row.category) for row in letters(state) if row.notification.channel == "mail"}


FAULTS: dict[str, tuple[dict[tuple[str, str], list[str]], dict[str, tuple[str, str]]]] = {
    "greylisting": ({("RCPT", to): ["451 4.7.1 greylisted"] * 2 for to in RECIPIENTS}, {}),
    "busy": ({("MAIL", ""): ["421 too many"] * 3}, {}),
    "4xx after the data": ({("DATA", "b@shop.example"): ["452 disk full"] * 3}, {}),
    "5xx for one of three": ({("RCPT", "b@shop.example"): ["550 gone"]}, {"b@shop.example": ("dead", "bad_recipient")}),
    "5xx after the data": ({("DATA", "c@shop.example"): ["554 spam"]}, {"c@shop.example": ("dead", "content_refused")}),
    "sender refused": ({("MAIL", ""): ["550 not you"]}, {"a@shop.example": ("dead", "sender_refused")}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_answers_of_a_real_server(state: State, name: str) -> None:
    answers, dead = FAULTS[name]
    inbox = Inbox({key: list(values) for key, values in answers.items()})
    queue(state, *mails(), letter(9, channel="chat"))
    with smtp_server(inbox) as port:
        chat = pump(state, SmtpSender(config(port)), NOW, 3)
    expected = {to: dead.get(to, ("delivered", "accepted")) for to in RECIPIENTS}
    assert outcome(state) == expected and chat.sent == ["id9"]
    assert sorted(to for to, _ in inbox.mails) == sorted(to for to in RECIPIENTS if to not in dead), "once each"


def once(trouble: Callable[[socket.socket], None], then: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    """The first connection meets the trouble."""
    seen: list[int] = []

    def converse(connection: socket.socket) -> None:
        seen.append(1)
        (trouble if len(seen) == 1 else then)(connection)

    return converse


def reset_amid_data(connection: socket.socket) -> None:
    says("220 hi", "250 ok", "250 ok", "250 ok", "354 go", then=hears)(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


TAKES_ONE = says("220 hi", "250 ok", "250 ok", "250 ok", "354 go", "250 taken", "221 bye")


@pytest.mark.parametrize(
    "trouble", [reset_amid_data, waits, says("554 no service", then=hears)], ids=["reset in mid-DATA", "hang", "no service"]
)
def test_conversations_that_break(state: State, trouble: Callable[[socket.socket], None]) -> None:
    queue(state, letter(1), letter(9, channel="chat"))
    with bare_server(once(trouble, TAKES_ONE)) as port:
        chat = pump(state, SmtpSender(config(port, timeout="1s")), NOW, 1)
    assert outcome(state) == {"a@shop.example": ("delivered", "accepted")} and chat.sent == ["id9"]


def test_a_mail_that_is_too_large(state: State) -> None:
    queue(state, *mails(size=100), letter(9, channel="chat"))
    with smtp_server(Inbox(), data_size_limit=1000) as port:
        chat = pump(state, SmtpSender(config(port)), NOW, 0)
    assert set(outcome(state).values()) == {("dead", "message_too_large")} and chat.sent == ["id9"]


def test_two_hours_of_outage(state: State) -> None:
    queue(state, *mails(), letter(9, channel="chat"))
    port = free_port()
    chat = pump(state, SmtpSender(config(port)), NOW, 2)
    assert {state_ for state_, _ in outcome(state).values()} == {"queued"} and chat.sent == ["id9"]
    with at_port(port) as inbox:
        pump(state, SmtpSender(config(port)), NOW + 2 * HOUR, 2)
    assert set(outcome(state).values()) == {("delivered", "accepted")} and len(inbox.mails) == 3


@contextmanager
def at_port(port: int) -> Iterator[Inbox]:
    from aiosmtpd.controller import Controller

    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield inbox
    finally:
        controller.stop()


def test_a_wrong_certificate_and_a_refused_login_are_put_right(state: State, certificate: tuple[Path, Path]) -> None:  # noqa: F811
    cert, key = certificate
    options = {"tls_context": server_context(str(cert), str(key)), "require_starttls": True, "authenticator": check_password}
    queue(state, *mails(), letter(9, channel="chat"))
    with smtp_server(Inbox(), **options) as port:
        channel = config(port, security="starttls", username="storewatch")
        chat = pump(state, SmtpSender(channel, Secret("wrong")), NOW, 0.2)
        assert set(outcome(state).values()) == {("queued", "tls")} and chat.sent == ["id9"]
        pump(state, SmtpSender(channel, Secret("wrong"), cert), NOW + HOUR, 0.2)
        assert set(outcome(state).values()) == {("queued", "auth_refused")}
        pump(state, SmtpSender(channel, Secret("correct horse"), cert), NOW + 2 * HOUR, 1)
    assert set(outcome(state).values()) == {("delivered", "accepted")}


def test_a_server_that_never_gets_well_ends_in_the_dead_letters(state: State) -> None:
    queue(state, letter(1))
    sender = SmtpSender(config(free_port()))
    for day in range(5):
        deliver(state, {"mail": sender}, lambda day=day: NOW + timedelta(days=day), retry=STEADY)  # type: ignore[misc]
    assert outcome(state) == {"a@shop.example": ("dead", "connection_refused")}
