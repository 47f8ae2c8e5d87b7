"""Links are followed on a real server; whatever leads inside is refused, however it is written."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.facts import Visits
from engine.ingest.enrichers.addresses import Resolver, is_outside, look_up
from engine.ingest.enrichers.fetching import Visitor, is_web
from engine.ingest.enrichers.link_status import Link, check_link
from engine.ingest.enrichers.reasons import Reason
from engine.ingest.enrichers.sources import get

HERE = (ip_network("127.0.0.1/32"),)


@dataclass
class Site:
    """A server of this machine; ``asked`` are the paths that were asked for, ``agents`` by whom."""

    port: int
    asked: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    busy: int = 0
    busiest: int = 0

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


PAGES: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/fine": (200, {"Content-Type": "text/html; charset=gbk"}, "<html><TITLE>双11 &amp; 会场\n首页</TITLE>".encode("gbk")),
    "/gone": (404, {"Content-Type": "text/html"}, b"<title>Not found</title>"),
    "/error": (500, {}, b""),
    "/hop": (302, {"Location": "/fine"}, b""),
    "/circle": (302, {"Location": "/circle"}, b""),
    "/to-file": (302, {"Location": "file:///etc/passwd"}, b""),
    "/to-ten": (302, {"Location": "http://10.0.0.1/"}, b""),
    "/to-six": (302, {"Location": "http://[::ffff:10.0.0.1]/"}, b""),
    "/to-decimal": (302, {"Location": "http://167772161/"}, b""),
    "/to-metadata": (302, {"Location": "http://169.254.169.254/latest/meta-data/"}, b""),
    "/private/page": (200, {}, b""),
    "/large": (200, {"Content-Type": "image/png"}, bytes(21_000_000)),
    "/page-for-picture": (200, {"Content-Type": "text/html"}, b"<html>"),
    "/packed": (200, {"Content-Type": "text/html", "Content-Encoding": "gzip"}, b"\x1f\x8b" + bytes(100)),
    "/robots.txt": (200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /private/\n"),
}


@pytest.fixture
def site() -> Iterator[Site]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with lock:
                found.asked.append(self.path)
                found.agents.add(self.headers["User-Agent"])
                found.busy += 1
                found.busiest = max(found.busiest, found.busy)
            status, headers, body = PAGES.get(self.path, (200, {}, b"ok"))
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                pass  # it had seen enough
            with lock:
                found.busy -= 1

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Site(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


def follow(url: str, resolver: Resolver = look_up, **options: object) -> Link:
    visitor = Visitor(Visits(**{"allow": HERE, "timeout": timedelta(seconds=20), "retries": 0, **options}), resolver)  # type: ignore[arg-type]
    try:
        return check_link(url, visitor)
    finally:
        visitor.close()


def test_a_page_has_a_status_an_address_and_a_title(site: Site) -> None:
    assert follow(site.url("/hop")) == Link(Reason.OPENS, 200, site.url("/fine"), "双11 & 会场 首页")
    assert follow(site.url("/gone")) == Link(Reason.ERROR_STATUS, 404, site.url("/gone"), "Not found")
    assert follow(site.url("/error")).status == 500
    assert follow(site.url("/packed")).title == ""


def test_it_says_who_it_is_and_heeds_robots(site: Site) -> None:
    assert follow(site.url("/private/page")) == Link(Reason.ROBOTS, None, site.url("/private/page"), "")
    assert "/private/page" not in site.asked
    assert all(agent.startswith("storewatch") for agent in site.agents)
    assert follow(site.url("/private/page"), robots=False).status == 200


def test_no_answer_is_status_0(site: Site) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    assert follow(f"http://127.0.0.1:{port}/") == Link(Reason.UNREACHABLE, 0, f"http://127.0.0.1:{port}/", "")
    assert follow(site.url("/circle")).reason is Reason.TOO_MANY_REDIRECTS
    assert follow("http://no-such-host.invalid/").reason is Reason.UNKNOWN_HOST


def test_few_requests_at_a_time_go_to_one_host(site: Site) -> None:
    visitor = Visitor(Visits(allow=HERE, per_host=2, retries=0, timeout=timedelta(seconds=30)))
    threads = [threading.Thread(target=check_link, args=(site.url(f"/{number}"), visitor)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    visitor.close()
    assert site.asked.count("/robots.txt") <= 12
    assert 1 <= site.busiest <= 2


INWARD = (
    "127.0.0.1",
    "localhost",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "0.0.0.0",
)


@pytest.mark.parametrize("host", INWARD)
def test_nothing_inside_is_asked_however_it_is_written(site: Site, host: str) -> None:
    link = follow(site.url("/fine", host), allow=())
    assert link.status in (None, 0)
    assert link.reason in (Reason.REFUSED_ADDRESS, Reason.UNKNOWN_HOST)
    assert site.asked == []


@pytest.mark.parametrize("path", ["/to-ten", "/to-six", "/to-decimal", "/to-metadata"])
def test_nor_after_a_redirect(site: Site, path: str) -> None:
    assert follow(site.url(path)).reason is Reason.REFUSED_ADDRESS


def test_nor_a_file(site: Site) -> None:
    assert follow(site.url("/to-file")).reason is Reason.BAD_ADDRESS
    for url in (
        "file:///etc/passwd",
        "ftp://example.com/",
        "http://user:word@example.com/",
        "javascript:alert(1)",
        "http://",
        "http://a b/",
    ):
        assert follow(url).reason is Reason.BAD_ADDRESS
        assert not is_web(url)


def test_a_redirect_from_an_allowed_address_to_another_port_inside_is_refused_without_leave(site: Site) -> None:
    PAGES["/to-loopback"] = (302, {"Location": site.url("/fine", "127.0.0.2")}, b"")
    assert follow(site.url("/to-loopback")).reason is Reason.REFUSED_ADDRESS
    assert "/fine" not in site.asked


def test_a_name_that_changes_its_mind_is_connected_to_what_was_checked(site: Site) -> None:
    """DNS rebinding: the first answer is fine, every later one leads inside. Nobody asks between the check and the connection."""
    answers = iter([["127.0.0.1"]])

    def changing(host: str, port: int) -> list[str]:
        return next(answers, ["10.0.0.1"])

    assert follow(site.url("/fine", "rebinding.example"), changing, robots=False).status == 200
    assert follow(site.url("/fine", "rebinding.example"), changing, robots=False).reason is Reason.REFUSED_ADDRESS


def test_a_name_with_one_address_inside_is_refused(site: Site) -> None:
    assert follow("http://both.example/", lambda host, port: ["93.184.216.34", "10.0.0.1"]).reason is Reason.REFUSED_ADDRESS


INSIDE = (
    "10.1.2.3", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255",
    "192.0.2.1", "198.18.0.1", "240.0.0.1", "::", "::1", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1", "::127.0.0.1",
    "64:ff9b::7f00:1", "2002:7f00:1::", "fe80::1%eth0",
)  # fmt: skip


@pytest.mark.parametrize("text", INSIDE)
def test_addresses_inside(text: str) -> None:
    assert not is_outside(ip_address(text))


@pytest.mark.parametrize("text", ["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_outside(text: str) -> None:
    assert is_outside(ip_address(text))


def test_what_is_allowed_is_allowed_and_no_more() -> None:
    allow = (ip_network("10.1.0.0/16"),)
    assert is_outside(ip_address("10.1.2.3"), allow)
    assert is_outside(ip_address("::ffff:10.1.2.3"), allow)
    assert not is_outside(ip_address("10.2.0.1"), allow)


@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=4, network="192.168.0.0/16"))
def test_a_mapped_address_is_what_it_maps(address: object) -> None:
    assert not is_outside(ip_address(f"::ffff:{address}"))


def test_pictures_from_the_network_are_bounded(site: Site) -> None:
    visitor = Visitor(Visits(allow=HERE, retries=0))
    assert get(site.url("/large"), None, visitor).reason is Reason.TOO_MANY_BYTES
    assert get(site.url("/page-for-picture"), None, visitor).reason is Reason.WRONG_TYPE
    assert get(site.url("/gone"), None, visitor).reason is Reason.ERROR_STATUS
    visitor.close()
