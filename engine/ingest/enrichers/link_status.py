"""The enricher ``link_status``: whether a link opens, where it leads in the end, and what the page there is called."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from engine.ingest.enrichers.fetching import Page, Visitor
from engine.ingest.enrichers.reasons import Reason

VERSION = 1
MOST_BYTES = 262_144  # of a page are read, to find its title
LONGEST_TITLE = 200
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]+)", re.IGNORECASE)
NO_ANSWER = frozenset(
    {Reason.UNKNOWN_HOST, Reason.UNREACHABLE, Reason.BAD_CERTIFICATE, Reason.TIMEOUT, Reason.TOO_MANY_REDIRECTS, Reason.BAD_ADDRESS}
)
"""Buyers would not get an answer either: the status is 0. What we alone were refused, or refused ourselves, is not known."""


@dataclass(frozen=True, slots=True)
class Link:
    """``status`` is that of the last answer, 0 where there was none, None where it is not known."""

    reason: Reason
    status: int | None
    url: str
    title: str


def check_link(url: str, visitor: Visitor) -> Link:
    page = visitor.fetch(url, MOST_BYTES)
    status = page.status or (0 if page.reason in NO_ANSWER else None)
    return Link(page.reason, status, page.url, title_of(page))


def title_of(page: Page) -> str:
    """The title of an HTML page on one line, empty where it has none."""
    if "html" not in page.headers.get("content-type", "").lower() or page.headers.get("content-encoding", "identity") != "identity":
        return ""
    declared = _CHARSET.search(page.headers.get("content-type", "").encode("latin-1", "replace")) or _CHARSET.search(page.body[:2048])
    found = _TITLE.search(_decoded(page.body, declared[1].decode() if declared else "utf-8"))
    words = " ".join(html.unescape(found[1]).split()) if found else ""
    return "".join(char for char in words if char.isprintable())[:LONGEST_TITLE]


def _decoded(body: bytes, charset: str) -> str:
    wide = {"gb2312": "gb18030", "gbk": "gb18030"}.get(charset.lower(), charset)
    try:
        return body.decode(wide, "replace")
    except LookupError:
        return body.decode("utf-8", "replace")
