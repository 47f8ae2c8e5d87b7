"""Webhooks: what they carry, how they are signed, and what every answer of a server means."""

from __future__ import annotations

import base64
import logging
import re
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from engine.actions import TYPES, Surroundings, compose
from engine.actions.web import Answer, answer_outcome, retry_after
from engine.errors import UsageError
from engine.model import Message, Notification, Rendered, State
from engine.rendering import Renderer
from engine.routing import Recipient
from engine.routing.channel_options import ChannelOptions
from engine.routing.channel_types import MODELS
from engine.sending import Delivery, Outcome, Sender
from tests.delivery.servers import bare_server, free_port, says, server_context, waits
from tests.delivery.values import START, letter
from tests.delivery.web import Post, Received, web_server
from tests.rendering.gallery import TEMPLATES
from tests.rendering.messages import RULES, digest, gallery

SECRET = "s3cret-of-webhooks"
RENDERER = Renderer(TEMPLATES, chats=True)


def options(type_: str, **given: Any) -> ChannelOptions:
    return MODELS[type_].model_validate({"type": type_, "timeout": "5s", **given})


def sender(channel: ChannelOptions, environ: Mapping[str, str] | None = None, folder: Path = Path()) -> Sender:
    return TYPES[channel.type].build(channel, Surroundings(folder, environ or {}, None, lambda: START))


def send(channel: ChannelOptions, *notifications: Notification, environ: Mapping[str, str] | None = None) -> list[Outcome]:
    with sender(channel, environ).session() as send_one:
        return [send_one(notification) for notification in notifications]


def written(channel: ChannelOptions, message: Message, language: str = "zh", address: str = "") -> Notification:
    """The message as it would stand in the outbox."""
    rendered = RENDERER.render(message, language)
    return compose(channel, message, rendered, Recipient("hook", address or channel.ONE_ADDRESS, language))


def words(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    return [(outcome.delivery.value, outcome.category) for outcome in outcomes]


def test_the_payload_is_alertmanagers_version_4() -> None:
    post = Post()
    message = gallery("dsr_drop")["firing"]
    with web_server(post) as url:
        hook = options("webhook", url=f"{url}/hook", external_url="https://wiki.example.com/alerts")
        assert words(send(hook, written(hook, message))) == [("delivered", "accepted")]
    (request,) = post.received
    body = request.json
    assert list(body) == [
        *("version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels", "commonAnnotations"),
        *("externalURL", "alerts", "storewatch"),
    ]
    assert (body["version"], body["status"], body["receiver"], body["groupKey"]) == ("4", "firing", "hook", message.thread)
    (alert,) = body["alerts"]
    assert set(alert) == {"status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint", "storewatch"}
    assert alert["labels"]["alertname"] == "dsr_drop" and alert["labels"]["severity"] == "warning" and alert["endsAt"].startswith("0001-")
    assert alert["labels"] == body["commonLabels"] and "店铺动态评分下降" in alert["annotations"]["summary"]
    assert all(isinstance(value, str) for value in [*alert["labels"].values(), *alert["annotations"].values()])
    own = alert["storewatch"]
    assert (own["episode"], own["severity"], own["kind"], own["rule"]) == (1, "warning", "new", "dsr_drop")
    shown = message.items[0].transition.alert.shown[0]
    assert own["shown"][0]["label"] == shown.label.zh and own["shown"][0]["value"] == float(str(shown.value)) and own["evidence"]
    assert (body["storewatch"]["id"], body["storewatch"]["thread"], body["storewatch"]["drill"]) == (message.id, message.thread, False)
    assert request.headers["Idempotency-Key"] == message.id and request.headers["Content-Type"] == "application/json"


def test_every_message_can_be_written_as_json() -> None:
    hook = options("webhook", url="https://x.example/")
    for rule in RULES:
        for name, message in gallery(rule).items():
            body = Received("", {}, written(hook, message, "en").payload).json
            over = [item.transition.after is State.RESOLVED for item in message.items]
            assert [alert["status"] == "resolved" for alert in body["alerts"]] == over, name
            assert body["status"] == ("resolved" if all(over) else "firing")
    body = Received("", {}, written(hook, digest()).payload).json
    assert len(body["alerts"]) == len(digest().items) and body["commonLabels"].get("alertname") is None


def test_ten_lines_of_plain_python_verify_the_signature() -> None:
    """The very lines that docs/channels.md shows."""
    page = (Path(__file__).parents[2] / "docs" / "channels.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(# verify.*?)```", page, re.DOTALL)
    assert found and len(found[1].strip().splitlines()) <= 11
    names: dict[str, Any] = {}
    exec(found[1], names)
    post = Post()
    with web_server(post) as url:
        hook = options("webhook", url=url, secret_env="HOOK_SECRET")
        send(hook, written(hook, gallery("dsr_drop")["firing"]), environ={"HOOK_SECRET": SECRET})
    (request,) = post.received
    now = START.timestamp()
    assert names["verify"](SECRET, request.headers, request.body, now)
    assert not names["verify"]("another", request.headers, request.body, now)
    assert not names["verify"](SECRET, request.headers, request.body + b" ", now)
    assert not names["verify"](SECRET, {**request.headers, "X-Storewatch-Timestamp": "1"}, request.body, now)
    assert not names["verify"](SECRET, request.headers, request.body, now + 3600), "an old request is replayed"
    assert not names["verify"](SECRET, {}, request.body, now)


def test_logins_and_headers() -> None:
    environ = {"P": "pass word", "T": "tok-en-123", "KEY": "key-123456", "URL": ""}
    post = Post()
    with web_server(post) as url:
        environ["URL"] = f"{url}/hook?token=abcdef123456"
        basic = options("webhook", url_env="URL", username="me", password_env="P", headers_env={"X-Api-Key": "KEY"})
        bearer = options("webhook", url=url, bearer_env="T")
        for hook in (basic, bearer):
            assert words(send(hook, letter(), environ=environ)) == [("delivered", "accepted")]
    first, second = post.received
    assert first.path == "/hook?token=abcdef123456" and first.headers["X-Api-Key"] == "key-123456"
    assert base64.b64decode(first.headers["Authorization"].removeprefix("Basic ")) == b"me:pass word"
    assert second.headers["Authorization"] == "Bearer tok-en-123" and "X-Storewatch-Signature" not in second.headers


@contextmanager
def answering(*answers: tuple[int, str, dict[str, str]]) -> Iterator[tuple[str, Post]]:
    post = Post(list(answers))
    with web_server(post) as url:
        yield url, post


def test_redirects_are_not_followed() -> None:
    elsewhere = Post()
    with web_server(elsewhere) as other, answering((307, "", {"Location": f"{other}/"})) as (url, _):
        assert words(send(options("webhook", url=url), letter())) == [("try_later", "redirected")]
    assert elsewhere.received == []


def test_a_server_that_asks_to_wait_is_left_in_peace() -> None:
    with answering((429, "slow down", {"Retry-After": "120"})) as (url, post):
        outcomes = send(options("webhook", url=url), letter(1), letter(2))
    assert words(outcomes) == [("try_later", "rate_limited")] * 2 and len(post.received) == 1
    assert outcomes[0].wait == timedelta(minutes=2)


def test_retry_after_as_a_date_and_as_nonsense() -> None:
    now = datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert retry_after(format_datetime(now + timedelta(hours=1), usegmt=True), now) == timedelta(hours=1)
    assert retry_after(format_datetime(now - timedelta(hours=1), usegmt=True), now) == timedelta(0)
    assert retry_after("9" * 40, now) == timedelta(days=1)
    assert [retry_after(value, now) for value in (None, "", "soon", "-5", "1.5")] == [None] * 5


ANSWERS = {
    200: ("delivered", "accepted"),
    204: ("delivered", "accepted"),
    302: ("try_later", "redirected"),
    400: ("give_up", "content_refused"),
    401: ("try_later", "auth_refused"),
    403: ("try_later", "auth_refused"),
    404: ("give_up", "bad_recipient"),
    408: ("try_later", "timeout"),
    410: ("give_up", "bad_recipient"),
    413: ("give_up", "message_too_large"),
    422: ("give_up", "content_refused"),
    429: ("try_later", "rate_limited"),
    500: ("try_later", "server_refused"),
    502: ("try_later", "server_refused"),
    503: ("try_later", "server_busy"),
    100: ("try_later", "server_refused"),
}


@pytest.mark.parametrize("status", ANSWERS)
def test_answers(status: int) -> None:
    assert words([answer_outcome(Answer(status, "because"))]) == [ANSWERS[status]]


CONVERSATIONS = {
    "hangs": (waits, "timeout"),
    "hangs up": (says(), "disconnected"),
    "talks nonsense": (says("", "220 smtp here"), "disconnected"),
    "cuts its answer off": (says("", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), "disconnected"),
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_server_that(name: str) -> None:
    conversation, category = CONVERSATIONS[name]
    with bare_server(conversation) as port:
        outcomes = send(options("webhook", url=f"http://127.0.0.1:{port}/", timeout="1s"), letter(1))
    assert words(outcomes) == [("try_later", category)] and outcomes[0].detail.isprintable()


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    def endless(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                connection.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        except OSError:
            return

    with bare_server(endless) as port:
        (outcome,) = send(options("webhook", url=f"http://127.0.0.1:{port}/"), letter())
    assert outcome.category == "server_refused" and len(outcome.detail) <= 200


def test_no_server_and_no_such_host() -> None:
    assert (
        words(send(options("webhook", url=f"http://127.0.0.1:{free_port()}/"), letter(1), letter(2)))
        == [("try_later", "connection_refused")] * 2
    )
    assert words(send(options("webhook", url="http://no-such-host.invalid/"), letter())) == [("try_later", "unknown_host")]


def test_certificates_are_verified(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*command.split(), "-out", cert, "-keyout", key], check=True, capture_output=True)
    with web_server(Post(), server_context(str(cert), str(key))) as url:
        assert words(send(options("webhook", url=url), letter())) == [("try_later", "tls")]
        assert words(send(options("webhook", url=url, ca_file=str(cert)), letter())) == [("delivered", "accepted")]
        assert words(send(options("webhook", url=url.replace("127.0.0.1", "localhost"), ca_file=str(cert)), letter())) == [
            ("try_later", "tls")
        ]


def test_no_secret_is_ever_told(caplog: pytest.LogCaptureFixture) -> None:
    """A hostile server repeats all that it was sent; the log is kept at its finest."""
    caplog.set_level(logging.DEBUG)
    environ = {"S": "sign-ing-secret", "P": "pass/word+1", "H": "header-value-1", "URL": "", "T": "bearer-token-1"}

    class Echo(Post):
        def answer(self, request: Received) -> tuple[int, str, dict[str, str]]:
            return 500, f"{request.path} {request.headers}", {}

    secrets = ["sign-ing-secret", "pass/word+1", "header-value-1", "path-token-123", "query-token-123", "bearer-token-1"]
    secrets.append(base64.b64encode(b"me:pass/word+1").decode())
    with web_server(Echo()) as url:
        environ["URL"] = f"{url}/path-token-123/x?key=query-token-123"
        first = options("webhook", url_env="URL", secret_env="S", username="me", password_env="P", headers_env={"X-Key": "H"})
        second = options("webhook", url_env="URL", bearer_env="T")
        outcomes = [*send(first, letter(), environ=environ), *send(second, letter(), environ=environ)]
    outcomes += send(first, letter(), environ=environ | {"URL": environ["URL"].replace("http:", "https:")})
    told = caplog.text + repr(outcomes) + repr(sender(first, environ))
    assert [outcome.delivery for outcome in outcomes] == [Delivery.TRY_LATER] * 3 and outcomes[0].category == "server_refused"
    assert [secret for secret in secrets if secret in told] == []


def test_what_is_not_there_is_told_without_repeating_secrets(tmp_path: Path) -> None:
    for given, environ, said in (
        ({"url_env": "URL"}, {}, "URL is not set"),
        ({"url_env": "URL"}, {"URL": "token-without-address"}, "URL does not hold a web address"),
        ({"url": "https://x.example", "secret_env": "S"}, {"S": " "}, "S is not set"),
        ({"url": "https://x.example", "headers_env": {"X-A": "A"}}, {}, "A is not set"),
        ({"url": "https://x.example", "ca_file": "none.pem"}, {}, "none.pem cannot be read"),
        ({"url_file": "none"}, {}, "none cannot be read"),
    ):
        with pytest.raises(UsageError) as caught:
            sender(options("webhook", **given), environ, tmp_path)
        assert said in caught.value.text.en and "token" not in caught.value.text.en


def test_a_message_without_alerts_is_written_too() -> None:
    hook = options("webhook", url="https://x.example")
    notice = Message("n1", "dead_letter.1", (), {}, START, "UTC")
    made = compose(hook, notice, Rendered("gone", "could not be delivered"), Recipient("hook", "webhook", "en"))
    body = Received("", {}, made.payload).json
    assert (body["alerts"], body["storewatch"]["subject"], body["status"]) == ([], "gone", "resolved")
    hostile = replace(notice, labels={"alert": "\ud800\x00<b>"})
    assert b"<b>" in compose(hook, hostile, Rendered("a\ud800b", "c"), Recipient("hook", "webhook", "en")).payload
