"""Mail by SMTP: one connection for many messages, and a pure table of what each answer of a server means."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.actions.troubles import plain, socket_category
from engine.errors import Secret
from engine.model import Notification
from engine.routing import EmailChannel
from engine.routing.channel_types import check_address
from engine.sending import Delivery, Outcome, Send

CONFIGURATION = (530, 534, 535, 538)  # "authentication required" and its kin: the set-up is wrong, not the mail
TOO_LARGE = (552,)
ERRORS = (smtplib.SMTPException, OSError, ValueError)
"""What smtplib raises: its own errors, those of sockets and TLS, and ValueError (UnicodeError too) for unfit addresses."""

_REFUSED = {"sender": "sender_refused", "recipient": "bad_recipient", "content": "content_refused"}


@dataclass(frozen=True, slots=True)
class SmtpSender:
    """Sends notifications whose payload is a complete RFC 5322 message. The server's certificate is verified, by ``ca_file`` where given.
    Where ``starttls`` is asked for and not offered, nothing is sent."""

    config: EmailChannel
    secret: Secret | None = None
    ca_file: Path | None = None

    @contextmanager
    def session(self) -> Iterator[Send]:
        session = _Session(self)
        try:
            yield session.send
        finally:
            session.close()

    def connect(self) -> smtplib.SMTP:
        """A connection that is encrypted and logged in as configured. Raises one of :data:`ERRORS`."""
        config, timeout = self.config, self.config.timeout.total_seconds()
        if config.security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(config.host, config.port, timeout=timeout, context=self._context())
        else:
            smtp = smtplib.SMTP(config.host, config.port, timeout=timeout)
        try:
            if config.security == "starttls":
                smtp.starttls(context=self._context())
            if config.username and self.secret:
                smtp.login(config.username, self.secret.reveal())
            smtp.ehlo_or_helo_if_needed()
        except ERRORS:
            smtp.close()
            raise
        return smtp

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)


class _Session:
    """The connection that the messages of one delivery share. It is opened for the first, and again after the server dropped it; when the
    server cannot be reached or is busy, the messages left get the same outcome without another try."""

    def __init__(self, sender: SmtpSender) -> None:
        self.sender = sender
        self.smtp: smtplib.SMTP | None = None
        self.down: Outcome | None = None

    def send(self, notification: Notification) -> Outcome:
        if self.down is None and self.smtp is None:
            self._open()
        if self.down or self.smtp is None:
            return self.down or Outcome(Delivery.TRY_LATER, "disconnected")
        try:
            transmit(self.smtp, self.sender.config.sender_address, notification)
        except ERRORS as error:
            return self._failed(sending_outcome(error))
        return Outcome(Delivery.DELIVERED, "accepted")

    def close(self) -> None:
        smtp, self.smtp = self.smtp, None
        if smtp is None:
            return
        try:
            smtp.quit()
        except ERRORS:
            smtp.close()

    def _open(self) -> None:
        try:
            self.smtp = self.sender.connect()
        except ERRORS as error:
            outcome = self._without_secret(connecting_outcome(error))
            place = f"{self.sender.config.host}:{self.sender.config.port}"
            self.down = Outcome(outcome.delivery, outcome.category, f"{place}: {outcome.detail}")

    def _failed(self, outcome: Outcome) -> Outcome:
        if outcome.category in ("timeout", "server_busy"):
            self.down = outcome
        if self.smtp is not None and (self.down or self.smtp.sock is None or outcome.category == "disconnected"):
            self.smtp.close()
            self.smtp = None
        return self._without_secret(outcome)

    def _without_secret(self, outcome: Outcome) -> Outcome:
        secret = self.sender.secret.reveal() if self.sender.secret else ""
        detail = outcome.detail.replace(secret, "***") if secret else outcome.detail
        return Outcome(outcome.delivery, outcome.category, detail)


def transmit(smtp: smtplib.SMTP, sender: str, notification: Notification) -> None:
    """One message in one SMTP transaction. Raises one of :data:`ERRORS`; returns when the server has accepted it."""
    recipient = check_address(notification.recipient)
    payload = re.sub(rb"\r\n|\r|\n", b"\r\n", notification.payload)
    options = ["BODY=8BITMIME"] if not payload.isascii() and smtp.has_extn("8bitmime") else []
    smtp.sendmail(sender, [recipient], payload, options)


def connecting_outcome(error: Exception) -> Outcome:
    """Why there is no connection. It is never the message's fault, so it is always tried again later."""
    category, detail = _connecting(error)
    return Outcome(Delivery.TRY_LATER, category, plain(detail))


def _connecting(error: Exception) -> tuple[str, str]:
    match error:
        case smtplib.SMTPAuthenticationError(smtp_code=code):
            return "auth_refused", str(code)  # the answer may repeat what was sent
        case smtplib.SMTPNotSupportedError() if "STARTTLS" in str(error):
            return "tls", "the server offers no STARTTLS"
        case smtplib.SMTPServerDisconnected():
            return _dropped(error), str(error)
        case smtplib.SMTPConnectError() | smtplib.SMTPHeloError():
            return "server_busy" if error.smtp_code == 421 else "server_refused", _answer(error)
        case smtplib.SMTPResponseException():
            return "tls", _answer(error)
        case smtplib.SMTPException():
            return "auth_refused", str(error)
        case UnicodeEncodeError(encoding="ascii"):
            return "auth_refused", "the user name or password holds characters that SMTP cannot carry"
    return socket_category(error), str(error)


def sending_outcome(error: Exception) -> Outcome:
    """Why a message was not taken: its own fault (give up), or anything else (try later)."""
    match error:
        case smtplib.SMTPRecipientsRefused(recipients=recipients):
            code, reply = next(iter(recipients.values()))
            return answer_outcome("recipient", code, _text(reply))
        case smtplib.SMTPSenderRefused():
            return answer_outcome("sender", error.smtp_code, _text(error.smtp_error))
        case smtplib.SMTPResponseException():
            return answer_outcome("content", error.smtp_code, _text(error.smtp_error))
        case smtplib.SMTPServerDisconnected():
            return Outcome(Delivery.TRY_LATER, _dropped(error), plain(str(error)))
        case ssl.SSLError() | OSError():
            return Outcome(Delivery.TRY_LATER, socket_category(error), plain(str(error)))
        case ValueError():
            return Outcome(Delivery.GIVE_UP, "bad_recipient", "the address cannot be written in SMTP")
    return Outcome(Delivery.TRY_LATER, "protocol", plain(str(error)))


def answer_outcome(stage: str, code: int, reply: str) -> Outcome:
    """What a server's answer to a message means; ``stage`` is ``sender``, ``recipient`` or ``content``."""
    detail = plain(f"{code} {reply}")
    if code in CONFIGURATION:
        return Outcome(Delivery.TRY_LATER, "auth_refused", str(code))
    if code == 421:
        return Outcome(Delivery.TRY_LATER, "server_busy", detail)
    if not 500 <= code < 600:
        return Outcome(Delivery.TRY_LATER, f"{stage}_deferred", detail)
    if stage != "recipient" and code in TOO_LARGE:
        return Outcome(Delivery.GIVE_UP, "message_too_large", detail)
    return Outcome(Delivery.GIVE_UP, _REFUSED[stage], detail)


def _dropped(error: Exception) -> str:
    """smtplib reports a timeout in mid-conversation as a disconnection, with the timeout as its context."""
    return "timeout" if isinstance(error.__context__, TimeoutError) else "disconnected"


def _answer(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_text(error.smtp_error)}"


def _text(reply: bytes | str) -> str:
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
