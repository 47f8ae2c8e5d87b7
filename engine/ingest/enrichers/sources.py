"""Where the bytes of a picture come from: an address, a file beside the export, or the cell itself."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path

from engine.ingest.enrichers.fetching import Visitor
from engine.ingest.enrichers.opening import MOST_BYTES
from engine.ingest.enrichers.reasons import Reason

DATA = "data:"


@dataclass(frozen=True, slots=True)
class Got:
    """The bytes of a picture, or (``data`` is None) why there are none."""

    data: bytes | None
    reason: Reason = Reason.FINE


def is_remote(source: str) -> bool:
    return source.lower().startswith(("http://", "https://", "//"))


def get(source: str, folder: Path | None, visitor: Visitor) -> Got:
    """The bytes behind a cell. ``folder`` is that of the export: a path leads to a file in it. None: only addresses and data."""
    if source.startswith(DATA):
        return _inline(source)
    if is_remote(source):
        return _remote(f"https:{source}" if source.startswith("//") else source, visitor)
    return _file(source, folder)


def _inline(source: str) -> Got:
    head, _, body = source.partition(",")
    try:
        return Got(base64.b64decode(body, validate=True) if head.endswith(";base64") else body.encode())
    except (binascii.Error, ValueError):
        return Got(None, Reason.BROKEN)


def _remote(url: str, visitor: Visitor) -> Got:
    page = visitor.fetch(url, MOST_BYTES)
    if page.reason is not Reason.OPENS:
        return Got(None, page.reason)
    kind = page.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith("text/") or kind.endswith(("json", "xhtml+xml")):
        return Got(None, Reason.WRONG_TYPE)
    return Got(page.body) if page.whole else Got(None, Reason.TOO_MANY_BYTES)


def _file(source: str, folder: Path | None) -> Got:
    if folder is None or "\0" in source or ":" in source.partition("/")[0]:
        return Got(None, Reason.BAD_ADDRESS)
    try:
        path = (folder / source).resolve()
        if not path.is_relative_to(folder.resolve()):
            return Got(None, Reason.OUTSIDE)
        if not path.is_file():
            return Got(None, Reason.NOT_THERE)
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError:
        return Got(None, Reason.NOT_THERE)
    return Got(data) if len(data) <= MOST_BYTES else Got(None, Reason.TOO_MANY_BYTES)
