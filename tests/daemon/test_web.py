"""The web server, by real sockets: what it answers, and that clients who are slow, greedy or strangers do no harm."""

from __future__ import annotations

import errno
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from engine.daemon.web import LONGEST_REQUEST, MOST, Answer, Web, address_of, as_json
from engine.errors import StateError, Text, UsageError

CALLS: list[str] = []
GATE = threading.Event()


def wait_at_the_gate() -> Answer:
    GATE.wait(30)
    return Answer(HTTPStatus.OK, b"through\n")


def no_database() -> Answer:
    raise StateError(Text("the state database cannot be used", "状态库无法使用"))


def broken() -> Answer:
    raise ValueError("password=hunter2")


def reload() -> Answer:
    CALLS.append("reload")
    return as_json(HTTPStatus.OK, {"reloaded": True})


PAGES = {
    ("GET", "/-/healthy"): lambda: Answer(HTTPStatus.OK, b"well\n"),
    ("POST", "/-/reload"): reload,
    ("GET", "/slow"): wait_at_the_gate,
    ("GET", "/state"): no_database,
    ("GET", "/broken"): broken,
}


@pytest.fixture
def web() -> Iterator[Web]:
    CALLS.clear()
    GATE.clear()
    with Web("127.0.0.1:0", PAGES, patience=2) as server:
        yield server
        GATE.set()


def ask(web: Web, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection(*web.address, timeout=20)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, answer.headers


def test_a_page_is_answered_also_to_head_and_with_a_query(web: Web) -> None:
    assert ask(web, "GET", "/-/healthy")[:2] == (200, "well\n")
    assert ask(web, "GET", "/-/healthy?x=1")[:2] == (200, "well\n")
    status, text, headers = ask(web, "HEAD", "/-/healthy")
    assert (status, text, headers["Content-Length"]) == (200, "", "5")
    assert headers["Server"] == "storewatch", "no versions are told"


def test_an_unknown_page_names_those_there_are(web: Web) -> None:
    status, text, _ = ask(web, "GET", "/etc/passwd")
    assert status == 404 and "GET /-/healthy" in json.loads(text)["pages"]


def test_reloading_takes_post(web: Web) -> None:
    status, _, headers = ask(web, "GET", "/-/reload")
    assert (status, headers["Allow"]) == (405, "POST") and not CALLS
    assert ask(web, "POST", "/-/reload")[0] == 200
    assert ask(web, "POST", "/-/reload", body=b"x" * 1000)[0] == 200, "a body does not matter"
    assert len(CALLS) == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:9464"},
    ],
)
def test_web_pages_cannot_make_it_reload(web: Web, headers: dict[str, str]) -> None:
    assert ask(web, "POST", "/-/reload", **headers)[0] == 403
    assert not CALLS


@pytest.mark.parametrize("host", ["localhost:9464", "127.0.0.1", "[::1]:9464", "storewatch:9464", socket.gethostname()])
def test_names_that_nobody_else_can_have_are_welcome(web: Web, host: str) -> None:
    assert ask(web, "POST", "/-/reload", Host=host)[0] == 200


def test_a_page_that_fails_says_no_more_than_that(web: Web) -> None:
    assert ask(web, "GET", "/state")[0] == 503
    status, text, _ = ask(web, "GET", "/broken")
    assert status == 500 and "hunter2" not in text


def test_a_client_that_sends_nothing_or_a_byte_at_a_time_is_cut_off(web: Web) -> None:
    silent, slow = (socket.create_connection(web.address, timeout=20) for _ in range(2))
    with silent, slow:
        slow.sendall(b"GET /-/healthy HTTP/1.1\r\nX-Slow: ")
        until = time.monotonic() + 15
        cut = False
        while not cut and time.monotonic() < until:
            try:
                slow.sendall(b"a")
                slow.settimeout(0.2)
                cut = slow.recv(1) == b""
            except TimeoutError:
                continue
            except OSError:
                cut = True
        assert cut, "dripping bytes does not keep a connection"
        assert silent.recv(1) == b""
    assert ask(web, "GET", "/-/healthy")[0] == 200


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /" + b"a" * 2 * LONGEST_REQUEST + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 30_000 + b"\r\n",
        b"POST /-/reload HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n" + b"x" * 2 * LONGEST_REQUEST,
        b"POST /-/reload HTTP/1.1\r\nContent-Length: \xc2\xb2\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\r\n\r\n",
    ],
    ids=["path", "headers", "body", "length", "tls", "nothing"],
)
def test_a_request_without_end_or_sense_does_no_harm(web: Web, request_: bytes) -> None:
    with socket.create_connection(web.address, timeout=20) as client:
        try:
            client.sendall(request_)
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                continue
        except OSError as error:  # it may hang up at any moment
            assert isinstance(error, ConnectionError) or error.errno == errno.ENOTCONN
    assert ask(web, "GET", "/-/healthy")[0] == 200


def test_more_than_it_can_serve_at_once_are_turned_away_and_it_goes_on(web: Web) -> None:
    clients = [socket.create_connection(web.address, timeout=20) for _ in range(MOST)]
    for client in clients:
        client.sendall(b"GET /slow HTTP/1.0\r\n\r\n")
    until = time.monotonic() + 20
    status = 0
    while status != 503 and time.monotonic() < until:
        try:
            status = ask(web, "GET", "/-/healthy")[0]
        except (ConnectionError, http.client.HTTPException):
            status = 503
    assert status == 503
    GATE.set()
    for client in clients:
        client.close()
    while status != 200 and time.monotonic() < until:
        try:
            status = ask(web, "GET", "/-/healthy")[0]
        except (ConnectionError, http.client.HTTPException):
            continue
    assert status == 200


@pytest.mark.parametrize(
    ("listen", "address"), [("127.0.0.1:9464", ("127.0.0.1", 9464)), (":80", ("", 80)), ("[::1]:0", ("::1", 0)), ("box:1", ("box", 1))]
)
def test_addresses(listen: str, address: tuple[str, int]) -> None:
    assert address_of(listen) == address


@pytest.mark.parametrize("listen", ["9464", "localhost", "a:b", "::1:80", "host:99999", "host:-1", "host:٣"])
def test_what_is_no_address_is_refused(listen: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT"):
        Web(listen, PAGES)


def test_a_port_that_is_taken_is_refused(web: Web) -> None:
    host, port = web.address
    with pytest.raises(UsageError, match="in use"):
        Web(f"{host}:{port}", PAGES)
