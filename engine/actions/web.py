"""Posting by HTTP: one connection for many messages, bounded answers, and a pure table of what each answer means."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.actions.surroundings import pieces, without
from engine.actions.troubles import plain, socket_category
from engine.errors import Secret
from engine.model import Notification
from engine.sending import Delivery, Outcome, Send

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 65_536  # of an answer that are read
LONGEST_WAIT = timedelta(days=1)
DOWN = ("timeout", "connection_refused", "unknown_host", "unreachable", "tls", "rate_limited", "server_busy")
"""After one of these, the other messages of a session get the same outcome without another try."""

logging.getLogger("httpx").addFilter(lambda record: record.levelno >= logging.WARNING)  # it logs addresses, and addresses hold tokens


@dataclass(frozen=True, slots=True)
class Request:
    """What is posted: the address, the headers and the body."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``retry_after`` is what the server asked us to wait."""

    status: int
    body: str
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class WebSender:
    """Posts notifications. ``request`` makes the request of one (signatures are made when it is sent), ``judge`` tells what an answer
    means, ``secrets`` are never repeated in an outcome. Redirects are not followed; the certificate is verified, by ``ca_file`` where
    given. Private addresses are not refused: the owner of the project chose the address, nothing of it comes from data.
    """

    address: Secret
    request: Callable[[Notification], Request]
    judge: Callable[[Answer], Outcome]
    timeout: timedelta
    now: Callable[[], datetime]
    ca_file: Path | None = None
    secrets: tuple[Secret, ...] = ()

    @contextmanager
    def session(self) -> Iterator[Send]:
        import httpx  # heavy: only when something is sent

        context = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        with httpx.Client(verify=context, timeout=self.timeout.total_seconds(), follow_redirects=False) as client:
            yield _Session(self, client).send


@dataclass(slots=True)
class _Session:
    sender: WebSender
    client: httpx.Client
    down: Outcome | None = field(default=None)

    def send(self, notification: Notification) -> Outcome:
        if self.down:
            return self.down
        outcome = self._posted(self.sender.request(notification))
        hidden = [*pieces(self.sender.address.reveal()), *(secret.reveal() for secret in self.sender.secrets)]
        outcome = Outcome(outcome.delivery, outcome.category, plain(without(hidden, outcome.detail)), outcome.wait)
        if outcome.category in DOWN:
            self.down = outcome
        return outcome

    def _posted(self, request: Request) -> Outcome:
        import httpx

        deadline = time.monotonic() + 2 * self.sender.timeout.total_seconds()
        try:
            with self.client.stream("POST", request.url, headers=dict(request.headers), content=request.body) as response:
                body = _read(response, deadline)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return trouble(error)
        return self.sender.judge(Answer(response.status_code, body, retry_after(response.headers.get("Retry-After"), self.sender.now())))


def _read(response: httpx.Response, deadline: float) -> str:
    """The answer, up to :data:`MOST_BYTES`. Raises TimeoutError when it drips."""
    taken = bytearray()
    for chunk in response.iter_raw():
        taken += chunk
        if len(taken) >= MOST_BYTES:
            break
        if time.monotonic() > deadline:
            raise TimeoutError("the answer took too long")
    return bytes(taken[:MOST_BYTES]).decode("utf-8", "replace")


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """How long the header asks to wait, in seconds or until a date; None where it does not, or not legibly. At most a day."""
    if not value:
        return None
    if value.strip().isdecimal():
        return min(timedelta(seconds=min(int(value), 10**6)), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta(0)), LONGEST_WAIT)


def trouble(error: BaseException) -> Outcome:
    """Why there is no answer. It is never the message's fault, so it is tried again later."""
    import httpx

    causes = list(_causes(error))
    if any(isinstance(cause, httpx.TimeoutException) for cause in causes):
        return Outcome(Delivery.TRY_LATER, "timeout", "no answer in time")
    if any(isinstance(cause, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError | httpx.CloseError) for cause in causes):
        return Outcome(Delivery.TRY_LATER, "disconnected", str(error))
    known = [category for cause in causes if (category := socket_category(cause)) != "protocol"]
    return Outcome(Delivery.TRY_LATER, known[-1] if known else "protocol", str(error) or type(error).__name__)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came from, the outermost first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def answer_outcome(answer: Answer) -> Outcome:
    """What the status of an answer means: 2xx is delivered; a server that is busy, and a set-up that is wrong, are tried again later; a
    message that is refused is given up."""
    status, detail = answer.status, f"{answer.status} {answer.body}"
    match status:
        case _ if 200 <= status < 300:
            return Outcome(Delivery.DELIVERED, "accepted", str(status))
        case 401 | 403 | 407:
            return Outcome(Delivery.TRY_LATER, "auth_refused", str(status))  # the answer may repeat what was sent
        case 429:
            return Outcome(Delivery.TRY_LATER, "rate_limited", detail, answer.retry_after)
        case 503:
            return Outcome(Delivery.TRY_LATER, "server_busy", detail, answer.retry_after)
        case 408 | 425:
            return Outcome(Delivery.TRY_LATER, "timeout", detail, answer.retry_after)
        case 404 | 410:
            return Outcome(Delivery.GIVE_UP, "bad_recipient", detail)
        case 413:
            return Outcome(Delivery.GIVE_UP, "message_too_large", detail)
        case _ if 400 <= status < 500:
            return Outcome(Delivery.GIVE_UP, "content_refused", detail)
        case _ if 300 <= status < 400:
            return Outcome(Delivery.TRY_LATER, "redirected", f"{status}: redirects are not followed")
        case _:
            return Outcome(Delivery.TRY_LATER, "server_refused", detail, answer.retry_after)
