"""Enrichers at work on the rows of an export: what each cell leads to is looked at once, and the rows get what was found."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from math import isnan
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from engine.enrichment import PICTURES
from engine.errors import Text
from engine.facts import Enrichment, Facts, Kind
from engine.ingest.coercion import AS_OF
from engine.ingest.enrichers.cache import Looks
from engine.ingest.enrichers.fetching import Visitor
from engine.ingest.enrichers.filling import FILLERS, PRIMARY, Values
from engine.ingest.enrichers.link_status import VERSION as LINKS
from engine.ingest.enrichers.link_status import check_link
from engine.ingest.enrichers.pictures import Eyes
from engine.ingest.enrichers.prices.ocr import installed
from engine.ingest.enrichers.reasons import SETTLED, WORDS, Reason
from engine.ingest.enrichers.sources import DATA, is_remote

THREADS = 8
Looking = Callable[[int, int | None], None]
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Place:
    """Where rows come from and what was seen before: the snapshot folder's looks, the export's folder, this instant."""

    looks: Looks
    folder: Path | None
    now: datetime
    looking: Looking | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A cell to follow, as the batch of ``as_of`` has it."""

    source: str
    as_of: datetime

    @property
    def pinned(self) -> str:
        """What was found for this batch, kept apart, so that the same export gives the same rows for ever."""
        return f"{self.as_of.isoformat()} {self.source}"


@dataclass
class Enriching:
    """What the enrichers of one kind do during one ingest. ``columns`` are those that they fill."""

    kind: Kind
    facts: Facts
    place: Place
    outcomes: Counter[tuple[str, Reason]] = field(default_factory=Counter)
    too_old: int = 0

    @property
    def active(self) -> list[Enrichment]:
        """Those that can be done here: prices are read with the extra ``ocr`` only."""
        return [one for one in self.kind.enrich if one.enricher != "image_price" or installed()]

    def columns(self, has: Iterable[str]) -> tuple[str, ...]:
        """The columns that will be filled for an export that ``has`` these."""
        there = set(has)
        return tuple(dict.fromkeys(name for one in self.active if one.source in there for name in one.into.values()))

    def fill(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows with what was found in their empty cells; what the export says itself stays."""
        active = [one for one in self.active if one.source in frame]
        if not active or not len(frame):
            return frame
        filled = frame.copy()
        with Visits(self) as visits:
            for source in dict.fromkeys(one.source for one in active):
                group = [one for one in active if one.source == source]
                visits.look([one for one in group if one.enricher in PICTURES], frame)
                visits.follow([one for one in group if one.enricher == "link_status"], frame)
            for one in active:
                self._write(one, filled, visits)
        for source in {one.source for one in active}:
            filled[source] = pd.Series([visits.short(cell) for cell in filled[source]], index=filled.index, dtype=object)
        return filled

    def _write(self, one: Enrichment, frame: pd.DataFrame, visits: Visits) -> None:
        slots = frame[one.slot].tolist() if one.slot in frame else [None] * len(frame)
        found: list[Values] = []
        for wanted, slot in zip(visits.wanted(one, frame), slots, strict=True):
            result = visits.result(one, wanted) if wanted else None
            found.append(FILLERS[one.enricher](one, result, slot) if result else {})
            if result:
                self.outcomes[one.enricher, Reason(found[-1]["reason"])] += 1
        for output, name in one.into.items():
            values = [values.get(output) for values in found]
            if name in frame:
                values = [value if _missing(old) else old for old, value in zip(frame[name], values, strict=True)]
            frame[name] = pd.Series(values, index=frame.index, dtype=object)

    def notes(self) -> Iterator[Text]:
        """What is worth telling of it, once the whole export was read."""
        lacking = [one for one in self.kind.enrich if one.enricher == "image_price" and not installed()]
        if lacking:
            names = ", ".join(lacking[0].into.values())
            yield Text(
                f"{self.kind.name}: {names} stay missing: reading pictures is not installed (pip install 'storewatch[ocr]')",
                f"{self.kind.name}：没有安装识图组件，{names} 留空（pip install 'storewatch[ocr]'）",
            )
        for enricher in dict.fromkeys(name for name, _ in self.outcomes):
            told = [(reason, count) for (name, reason), count in sorted(self.outcomes.items()) if name == enricher]
            yield Text(
                f"{self.kind.name}: {enricher}: " + ", ".join(f"{count} {WORDS[reason].en}" for reason, count in told),
                f"{self.kind.name}：{enricher}：" + "，".join(f"{WORDS[reason].zh} {count}" for reason, count in told),
            )
        unread = sum(count for (name, reason), count in self.outcomes.items() if name == "image_price" and reason not in SETTLED)
        if unread:
            yield Text(
                f"{self.kind.name}: {unread} picture(s) need a person's eyes: storewatch unread",
                f"{self.kind.name}：有 {unread} 张图要人来看：storewatch unread",
            )
        if self.too_old:
            yield Text(
                f"{self.kind.name}: {self.too_old} address(es) were not looked at: what they show today says nothing of data that old",
                f"{self.kind.name}：有 {self.too_old} 个网址没有访问：数据较早，今天的页面说明不了当时的情况",
            )


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and isnan(value))


class Visits:
    """The looking of one chunk: one visitor, a few threads that fetch, the workers that read."""

    def __init__(self, enriching: Enriching) -> None:
        self.enriching, self.place, self.facts = enriching, enriching.place, enriching.facts
        self._visitor = Visitor(self.facts.visits)
        self._threads = ThreadPoolExecutor(THREADS)
        self._eyes = Eyes(self.place.looks, self.place.folder, self._visitor, self.place.now)
        self._links: dict[Wanted, Mapping[str, Any]] = {}

    def __enter__(self) -> Visits:
        return self

    def __exit__(self, *exception: object) -> None:
        self._threads.shutdown(wait=not any(exception), cancel_futures=True)
        self._visitor.close()

    def wanted(self, one: Enrichment, frame: pd.DataFrame) -> list[Wanted | None]:
        """For each row what it leads to; None where it has no such cell, or where the export knows the answer itself."""
        answers = frame.get(one.into.get(PRIMARY[one.enricher], ""), pd.Series([None] * len(frame), index=frame.index))
        rows = zip(frame[one.source], frame[AS_OF], answers, strict=True)
        return [None if _missing(cell) or not _missing(answer) else Wanted(str(cell), as_of) for cell, as_of, answer in rows]

    def look(self, group: Sequence[Enrichment], frame: pd.DataFrame) -> None:
        """Look at the pictures that rows lead to, in every way that is asked for."""
        asked: dict[Wanted, str] = {}
        for one in group:
            currency = one.currency if one.enricher == "image_price" else ""
            for wanted in self.wanted(one, frame):
                if wanted:
                    asked[wanted] = currency or asked.get(wanted, "")
        ready = {wanted: currency for wanted, currency in asked.items() if self._may(wanted)}
        fetched = ahead(self._threads, lambda item: (item, self._eyes.bytes_of(item.source, item.pinned, self._fresh(item))), ready)
        total = len(ready)
        for done in self._eyes.see(((wanted.source, wanted.pinned, ready[wanted], got) for wanted, got in fetched), total):
            if self.place.looking:
                self.place.looking(done, total)

    def follow(self, group: Sequence[Enrichment], frame: pd.DataFrame) -> None:
        """Follow the links of rows, as many at a time as there are threads and hosts allow."""
        asked = dict.fromkeys(wanted for one in group for wanted in self.wanted(one, frame) if wanted)
        ready = [wanted for wanted in asked if self._may(wanted)]
        for number, (wanted, found) in enumerate(ahead(self._threads, lambda item: (item, self._link(item)), ready), 1):
            self._links[wanted] = found
            if self.place.looking:
                self.place.looking(number, len(ready))

    def _link(self, wanted: Wanted) -> Mapping[str, Any]:
        looks, since = self.place.looks, self.place.now - self.facts.visits.again_after
        pinned = looks.known("link_status", LINKS, wanted.pinned)
        if pinned is None:
            pinned = looks.known("link_status", LINKS, wanted.source, since)
            if pinned is None:
                link = check_link(wanted.source, self._visitor)
                pinned = {"reason": link.reason.value, "status": link.status, "url": link.url, "title": link.title}
                looks.note("link_status", LINKS, wanted.source, pinned, self.place.now)
            looks.note("link_status", LINKS, wanted.pinned, pinned, self.place.now)
        return pinned

    def _fresh(self, wanted: Wanted) -> datetime:
        return self.place.now - self.facts.visits.again_after

    def _may(self, wanted: Wanted) -> bool:
        """Whether what is found now is true of the batch: addresses of old data are not looked at, unless it was done then."""
        is_address = is_remote(wanted.source) or not (wanted.source.startswith(DATA) or self.place.folder)
        as_of = wanted.as_of.replace(tzinfo=UTC)
        if not is_address or self.place.now - as_of <= self.enriching.kind.fresh_for:
            return True
        known = self._eyes.knows(wanted.pinned) or self.place.looks.known("link_status", LINKS, wanted.pinned) is not None
        self.enriching.too_old += not known
        return known

    def result(self, one: Enrichment, wanted: Wanted) -> Mapping[str, Any] | None:
        if one.enricher == "link_status":
            return self._links.get(wanted)
        return self._eyes.result(one.enricher, wanted.source, wanted.pinned, one.currency)

    def short(self, cell: object) -> object:
        """A picture that was the cell itself is told by its digest: batches hold no pictures."""
        return self._eyes.digest(cell) if isinstance(cell, str) and cell.startswith(DATA) else cell


def ahead(threads: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item], window: int = THREADS) -> Iterator[Result]:
    """``work`` of each item, in order, a few items ahead of who asks: what they give may be large."""
    rest = iter(items)
    waiting: deque[Future[Result]] = deque(threads.submit(work, item) for item in islice(rest, window))
    while waiting:
        result = waiting.popleft().result()
        waiting.extend(threads.submit(work, item) for item in islice(rest, 1))
        yield result
