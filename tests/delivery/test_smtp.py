"""Sending by SMTP: real servers, and the table of outcomes."""

from __future__ import annotations

import smtplib
import socket
import ssl
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.actions.email import SmtpSender, answer_outcome, connecting_outcome, sending_outcome
from engine.errors import Secret
from engine.model import Notification
from engine.routing import EmailChannel
from engine.sending import Delivery, Outcome
from tests.delivery.servers import PASSWORD, Inbox, bare_server, check_password, free_port, hears, says, server_context, smtp_server, waits
from tests.delivery.values import letter

SECRET = Secret(PASSWORD)


def config(port: int, **options: Any) -> EmailChannel:
    values = {"type": "email", "host": "127.0.0.1", "port": port, "security": "none", "from": "巡店 <watch@shop.example>", "timeout": "5s"}
    return EmailChannel.model_validate(values | options)


def send(sender: SmtpSender, *notifications: Notification) -> list[Outcome]:
    with sender.session() as send_one:
        return [send_one(notification) for notification in notifications]


def words(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    return [(outcome.delivery.value, outcome.category) for outcome in outcomes]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-made certificate for 127.0.0.1, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*command.split(), "-out", cert, "-keyout", key], check=True, capture_output=True)
    return cert, key


def test_many_mails_share_one_connection() -> None:
    inbox = Inbox()
    with smtp_server(inbox) as port:
        outcomes = send(SmtpSender(config(port)), *(letter(number, to=f"u{number}@shop.example") for number in range(5)))
    assert words(outcomes) == [("delivered", "accepted")] * 5
    assert [to for to, _ in inbox.mails] == [f"u{number}@shop.example" for number in range(5)]
    assert len(inbox.sessions) == 1


def test_the_stored_bytes_arrive_unchanged() -> None:
    inbox = Inbox()
    payload = b"Subject: dots\r\n\r\n.\r\n..two\r\nplain\r\n"
    with smtp_server(inbox) as port:
        send(SmtpSender(config(port)), replace(letter(), payload=payload))
    assert inbox.mails == [("a@shop.example", payload)]


def test_bare_line_ends_cannot_smuggle_a_second_mail() -> None:
    inbox = Inbox()
    payload = b"Subject: x\n\nhello\n.\nMAIL FROM:<evil@x>\nRCPT TO:<victim@x>\nDATA\n\nboo\r.\r"
    with smtp_server(inbox) as port:
        send(SmtpSender(config(port)), replace(letter(), payload=payload))
    assert len(inbox.mails) == 1
    assert inbox.mails[0][1].replace(b"\r\n", b"\n") == payload.replace(b"\r", b"\n")


def test_eight_bit_mails_arrive() -> None:
    inbox = Inbox()
    payload = "Subject: x\r\n\r\n差评\r\n".encode()
    with smtp_server(inbox) as port:
        assert words(send(SmtpSender(config(port)), replace(letter(), payload=payload))) == [("delivered", "accepted")]
    assert inbox.mails[0][1] == payload


def test_one_bad_recipient_does_not_stop_the_others() -> None:
    inbox = Inbox({("RCPT", "gone@shop.example"): ["550 5.1.1 no such user"]})
    with smtp_server(inbox) as port:
        outcomes = send(SmtpSender(config(port)), letter(1), letter(2, to="gone@shop.example"), letter(3))
    assert words(outcomes) == [("delivered", "accepted"), ("give_up", "bad_recipient"), ("delivered", "accepted")]
    assert outcomes[1].detail == "550 5.1.1 no such user"
    assert len(inbox.sessions) == 1


def test_a_temporary_refusal_then_success() -> None:
    inbox = Inbox({("RCPT", "a@shop.example"): ["451 greylisted, come back later"], ("DATA", "a@shop.example"): ["452 disk full"]})
    with smtp_server(inbox) as port:
        sender = SmtpSender(config(port))
        assert words(send(sender, letter(), letter(), letter())) == [
            ("try_later", "recipient_deferred"),
            ("try_later", "content_deferred"),
            ("delivered", "accepted"),
        ]


def test_a_busy_server_is_left_in_peace() -> None:
    inbox = Inbox({("MAIL", ""): ["421 too many mails"]})
    with smtp_server(inbox) as port:
        assert words(send(SmtpSender(config(port)), letter(1), letter(2))) == [("try_later", "server_busy")] * 2
    assert inbox.mails == []


def test_a_mail_that_is_too_large() -> None:
    with smtp_server(Inbox(), data_size_limit=1000) as port:
        outcomes = send(SmtpSender(config(port)), replace(letter(), payload=b"Subject: x\r\n\r\n" + b"x\r\n" * 2000), letter())
    assert words(outcomes) == [("give_up", "message_too_large"), ("delivered", "accepted")]


def test_an_address_that_would_smuggle_a_command_is_given_up() -> None:
    inbox = Inbox()
    with smtp_server(inbox) as port:
        hostile = ["a@x\r\nRCPT TO:<b@x>", "a@x,b@x", "<a@x>", "", "李@shop.example", "a b@x", "a@x\x00"]
        outcomes = send(SmtpSender(config(port)), *(letter(number, to=to) for number, to in enumerate(hostile)), letter(99))
    assert words(outcomes) == [("give_up", "bad_recipient")] * len(hostile) + [("delivered", "accepted")]
    assert len(inbox.mails) == 1


def test_a_chinese_domain_is_sent_as_dns_knows_it() -> None:
    inbox = Inbox()
    with smtp_server(inbox) as port:
        send(SmtpSender(config(port)), letter(to="a@例子.公司"))
    assert [to for to, _ in inbox.mails] == ["a@xn--fsqu00a.xn--55qx5d"]


def test_starttls_with_login(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    inbox = Inbox()
    options = {
        "tls_context": server_context(str(cert), str(key)),
        "require_starttls": True,
        "authenticator": check_password,
        "auth_required": True,
    }
    with smtp_server(inbox, **options) as port:
        channel = config(port, security="starttls", username="storewatch")
        assert words(send(SmtpSender(channel, SECRET, cert), letter(1), letter(2))) == [("delivered", "accepted")] * 2
        wrong = send(SmtpSender(channel, Secret("wrong"), cert), letter())
        assert words(wrong) == [("try_later", "auth_refused")]
        assert words(send(SmtpSender(config(port, security="starttls"), None, cert), letter())) == [("try_later", "auth_refused")]
        assert words(send(SmtpSender(channel, SECRET), letter())) == [("try_later", "tls")]
        assert words(send(SmtpSender(config(port), None), letter())) == [("try_later", "auth_refused")]
    assert inbox.encrypted == [True, True]


def test_tls_from_the_start(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    context = server_context(str(cert), str(key))

    def converse(connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as secure:
                says("220 hi", "250 ok", "250 ok", "250 ok", "354 go", "250 taken", "221 bye")(secure)
        except OSError:
            return

    with bare_server(converse) as port:
        channel = config(port, security="tls")
        assert words(send(SmtpSender(channel, None, cert), letter())) == [("delivered", "accepted")]
        assert words(send(SmtpSender(channel), letter())) == [("try_later", "tls")]
        wrong_name = channel.model_copy(update={"host": "localhost"})
        assert words(send(SmtpSender(wrong_name, None, cert), letter())) == [("try_later", "tls")]


def test_nothing_is_sent_in_clear_when_starttls_is_not_offered() -> None:
    inbox = Inbox()
    with smtp_server(inbox, authenticator=check_password, auth_require_tls=False) as port:
        outcomes = send(SmtpSender(config(port, security="starttls", username="storewatch"), SECRET), letter())
    assert words(outcomes) == [("try_later", "tls")]
    assert inbox.mails == [] and inbox.sessions == set()


def test_a_server_without_login() -> None:
    with smtp_server(Inbox()) as port:
        assert words(send(SmtpSender(config(port, username="storewatch"), SECRET), letter())) == [("try_later", "auth_refused")]


def test_a_password_that_smtp_cannot_carry() -> None:
    with smtp_server(Inbox(), authenticator=check_password, auth_require_tls=False) as port:
        (outcome,) = send(SmtpSender(config(port, username="storewatch"), Secret("密码密码")), letter())
    assert (outcome.category, "密码" in outcome.detail) == ("auth_refused", False)


def test_no_server_is_asked_once_for_all_mails() -> None:
    outcomes = send(SmtpSender(config(free_port())), *(letter(number) for number in range(3)))
    assert words(outcomes) == [("try_later", "connection_refused")] * 3


CONVERSATIONS = {
    "hangs at once": (waits, ["timeout", "timeout"]),
    "hangs after its greeting": (says("220 hi", then=waits), ["timeout", "timeout"]),
    "hangs after the data": (says("220 hi", "250 ok", "250 ok", "250 ok", "354 go", then=waits), ["timeout", "timeout"]),
    "hangs up at once": (says(), ["disconnected", "disconnected"]),
    "hangs up before the data": (says("220 hi", "250 ok", "250 ok", "250 ok", then=hears), ["disconnected", "disconnected"]),
    "hangs up amid the data": (says("220 hi", "250 ok", "250 ok", "250 ok", "354 go", then=hears), ["disconnected", "disconnected"]),
    "has no service": (says("554 no service here", then=hears), ["server_refused", "server_refused"]),
    "is busy": (says("421 later", then=hears), ["server_busy", "server_busy"]),
    "talks nonsense": (says("HTTP/1.1 400 Bad Request\r\n\x00\x1b[31m", then=hears), ["server_refused", "server_refused"]),
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_server_that(name: str) -> None:
    conversation, expected = CONVERSATIONS[name]
    with bare_server(conversation) as port:
        outcomes = send(SmtpSender(config(port, timeout="1s")), letter(1), letter(2))
    assert [outcome.category for outcome in outcomes] == expected
    assert all(outcome.delivery is Delivery.TRY_LATER and outcome.detail.isprintable() for outcome in outcomes)


def test_a_dropped_connection_is_opened_again() -> None:
    count = iter(range(10))

    def converse(connection: socket.socket) -> None:
        if next(count) == 0:
            says("220 hi", "250 ok", "250 ok", "250 ok", "354 go", then=hears)(connection)
        else:
            says("220 hi", "250 ok", "250 ok", "250 ok", "354 go", "250 taken", "221 bye")(connection)

    with bare_server(converse) as port:
        assert words(send(SmtpSender(config(port)), letter(1), letter(2))) == [("try_later", "disconnected"), ("delivered", "accepted")]


ANSWERS = {
    ("recipient", 550): ("give_up", "bad_recipient"),
    ("recipient", 553): ("give_up", "bad_recipient"),
    ("recipient", 552): ("give_up", "bad_recipient"),
    ("recipient", 450): ("try_later", "recipient_deferred"),
    ("recipient", 530): ("try_later", "auth_refused"),
    ("sender", 550): ("give_up", "sender_refused"),
    ("sender", 552): ("give_up", "message_too_large"),
    ("sender", 451): ("try_later", "sender_deferred"),
    ("sender", 535): ("try_later", "auth_refused"),
    ("sender", 421): ("try_later", "server_busy"),
    ("content", 554): ("give_up", "content_refused"),
    ("content", 552): ("give_up", "message_too_large"),
    ("content", 421): ("try_later", "server_busy"),
    ("content", -1): ("try_later", "content_deferred"),
    ("content", 299): ("try_later", "content_deferred"),
}


@pytest.mark.parametrize(("stage", "code"), ANSWERS)
def test_answers(stage: str, code: int) -> None:
    assert words([answer_outcome(stage, code, "because")]) == [ANSWERS[stage, code]]


ERRORS: dict[str, tuple[Exception, str]] = {
    "timeout": (TimeoutError("timed out"), "timeout"),
    "refused": (ConnectionRefusedError(111, "refused"), "connection_refused"),
    "reset": (ConnectionResetError(104, "reset"), "disconnected"),
    "pipe": (BrokenPipeError(32, "pipe"), "disconnected"),
    "dns": (socket.gaierror(-2, "unknown"), "unknown_host"),
    "route": (OSError(113, "no route"), "unreachable"),
    "certificate": (ssl.SSLCertVerificationError("bad"), "tls"),
    "greeting": (smtplib.SMTPConnectError(554, b"no"), "server_refused"),
    "busy": (smtplib.SMTPConnectError(421, b"later"), "server_busy"),
    "helo": (smtplib.SMTPHeloError(550, b"no"), "server_refused"),
    "login": (smtplib.SMTPAuthenticationError(535, b"AHN0b3Jld2F0Y2g="), "auth_refused"),
    "no mechanism": (smtplib.SMTPException("No suitable authentication method found."), "auth_refused"),
    "starttls refused": (smtplib.SMTPResponseException(454, b"TLS not available"), "tls"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_trouble_with_the_connection_is_never_the_fault_of_the_mail(name: str) -> None:
    error, category = ERRORS[name]
    outcome = connecting_outcome(error)
    assert (outcome.delivery, outcome.category) == (Delivery.TRY_LATER, category)


def test_no_detail_repeats_credentials() -> None:
    assert connecting_outcome(ERRORS["login"][0]).detail == "535"
    assert sending_outcome(smtplib.SMTPSenderRefused(535, b"AHN0b3Jld2F0Y2g=", "x")).detail == "535"

    def converse(connection: socket.socket) -> None:
        says("220 hi", f"500 you said {PASSWORD}", f"500 you said {PASSWORD}", "221 bye")(connection)

    with bare_server(converse) as port:
        (outcome,) = send(SmtpSender(config(port, username="u"), SECRET), letter())
    assert PASSWORD not in repr(outcome) and "***" in outcome.detail
    assert PASSWORD not in repr(SmtpSender(config(1, username="u"), SECRET))


def test_a_long_timeout_is_in_seconds() -> None:
    assert config(25, timeout="1m").timeout == timedelta(minutes=1)
