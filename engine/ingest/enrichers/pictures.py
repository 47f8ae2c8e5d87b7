"""Pictures by their content: fetched, known or examined, and what was found of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.ingest.enrichers import image_ok, image_price
from engine.ingest.enrichers.cache import Looks
from engine.ingest.enrichers.examining import Examined, Task
from engine.ingest.enrichers.fetching import Visitor
from engine.ingest.enrichers.pool import examine_all
from engine.ingest.enrichers.reasons import Reason
from engine.ingest.enrichers.sources import Got, get, is_remote

FETCH = "fetch"
LOOK, PRICE = "image_ok", "image_price"
Asked = tuple[str, str, str, Got]
"""A cell, what it is called as part of its batch, the currency to read in (empty: not read), and its bytes."""


class Eyes:
    def __init__(self, looks: Looks, folder: Path | None, visitor: Visitor, now: datetime) -> None:
        self.looks, self.folder, self.visitor, self.now = looks, folder, visitor, now
        self._subjects: dict[str, str] = {}  # by the pinned cell: a digest
        self._without: dict[str, Reason] = {}  # by the pinned cell: why there are no bytes
        self._digests: dict[str, str] = {}
        self._failed: dict[str, Reason] = {}  # by digest: what a worker did not survive; the next ingest tries again

    def knows(self, pinned: str) -> bool:
        return self.looks.known(FETCH, 1, pinned) is not None

    def bytes_of(self, source: str, pinned: str, since: datetime) -> Got:
        """The picture's bytes; none (and FINE) when it was fetched before for this batch, or since ``since``, and all is known of it."""
        if is_remote(source):
            before = self.looks.known(FETCH, 1, pinned) or self.looks.known(FETCH, 1, source, since)
            if before is not None:
                self._remember(pinned, before)
                return Got(None)
        got = get(source, self.folder, self.visitor)
        if got.data is not None:
            self._digests[source] = digest = hashlib.sha256(got.data).hexdigest()
            self._subjects[pinned] = digest
        else:
            self._without[pinned] = got.reason
        if is_remote(source):
            self._note_fetch(source, pinned)
        return got

    def _remember(self, pinned: str, found: Mapping[str, Any]) -> None:
        if found.get("sha256"):
            self._subjects[pinned] = str(found["sha256"])
        else:
            self._without[pinned] = Reason(found["reason"])
        self.looks.note(FETCH, 1, pinned, found, self.now)

    def _note_fetch(self, source: str, pinned: str) -> None:
        found = {"sha256": self._subjects.get(pinned, ""), "reason": self._without.get(pinned, Reason.FINE).value}
        for subject in (source, pinned):
            self.looks.note(FETCH, 1, subject, found, self.now)

    def see(self, asked: Iterable[Asked], total: int) -> Iterator[int]:
        """Examine what is not known yet. Yields how many of ``total`` are done."""
        count = Counting(total)
        for examined in examine_all(self._tasks(asked, count)):
            self._note(examined)
            yield count.one_more()
        yield count.done

    def _tasks(self, asked: Iterable[Asked], count: Counting) -> Iterator[Task]:
        """The pictures to be examined, each once however many cells lead to it."""
        given: set[tuple[str, str]] = set()
        for _, pinned, currency, got in asked:
            subject = self._subjects.get(pinned, "")
            if got.data is None or (subject, currency) in given or self._known(subject, currency):
                count.one_more()
                self.looks.touch(subject, self.now)
                continue
            given.add((subject, currency))
            yield Task(subject, got.data, currency)

    def _known(self, subject: str, currency: str) -> bool:
        seen = self.looks.known(LOOK, image_ok.VERSION, subject) is not None
        return seen and (not currency or self.looks.known(_price_in(currency), image_price.VERSION, subject) is not None)

    def _note(self, examined: Examined) -> None:
        look, reading, subject = examined.look, examined.reading, examined.subject
        if look.reason in (Reason.CRASHED, Reason.TOO_SLOW):
            self._failed[subject] = look.reason
            return
        fingerprint = self.looks.fingerprint(look.name, look.patches, self.now) if look.patches else ""
        told = {"reason": look.reason.value, "width": look.width, "height": look.height, "fingerprint": fingerprint}
        self.looks.note(LOOK, image_ok.VERSION, subject, told, self.now)
        if reading is None:
            return
        if examined.jpeg:
            self.looks.keep_picture(subject, examined.jpeg, self.now)
        price = {
            "reason": reading.reason.value,
            "price": None if reading.price is None else str(reading.price),
            "confidence": reading.confidence,
            "text": reading.text,
            "box": " ".join(f"{round(x)},{round(y)}" for x, y in reading.quad or ()),
            "picture": subject if examined.jpeg else "",
        }
        self.looks.note(_price_in(examined.currency), image_price.VERSION, subject, price, self.now)

    def result(self, enricher: str, source: str, pinned: str, currency: str) -> Mapping[str, Any] | None:
        """What is known of the picture behind a cell; of one that cannot be had, why."""
        if pinned in self._without:
            return {"reason": self._without[pinned].value}
        subject = self._subjects.get(pinned)
        if subject is None:
            return None
        if subject in self._failed:
            return {"reason": self._failed[subject].value}
        name, version = (LOOK, image_ok.VERSION) if enricher == LOOK else (_price_in(currency), image_price.VERSION)
        return self.looks.known(name, version, subject) or self.looks.last(name, subject)

    def digest(self, source: str) -> str:
        return f"sha256:{self._digests.get(source) or hashlib.sha256(source.encode()).hexdigest()}"


class Counting:
    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0

    def one_more(self) -> int:
        self.done += 1
        return self.done


def _price_in(currency: str) -> str:
    return PRICE if currency == "CNY" else f"{PRICE}:{currency}"
