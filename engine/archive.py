"""The batches of a snapshot folder as they were at one moment, for whoever asks often, or must not see what comes meanwhile."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Self

from engine.snapshots import AS_OF, BEGINNING, Batch, Selection, Snapshots, age_order

END = datetime.max.replace(tzinfo=UTC)
Extent = tuple[int, int]
"""Places of the first batch and behind the last one, in the order of time."""


class Archive(Snapshots):
    """The given batches, by kind. Answers as :class:`~engine.snapshots.Snapshots` does, without looking into the folder again."""

    def __init__(self, folder: Path, batches: Mapping[str, Collection[Batch]]) -> None:
        super().__init__(folder)
        self._batches = {kind: tuple(sorted(found, key=age_order)) for kind, found in batches.items()}
        self._instants = {kind: [batch.as_of for batch in found] for kind, found in self._batches.items()}
        self._rows = {kind: [0, *accumulate(batch.rows for batch in found)] for kind, found in self._batches.items()}
        self._current: dict[tuple[str, Extent], Selection] = {}
        self._same: dict[Selection, Selection] = {}

    @classmethod
    def of(cls, snapshots: Snapshots) -> Self:
        """All batches that are there now. Raises :class:`~engine.errors.SnapshotError`."""
        if isinstance(snapshots, cls):
            return snapshots
        return cls(snapshots.folder, {kind: snapshots.batches(kind) for kind in snapshots.kinds()})

    def only(self, ids: Collection[str]) -> Archive:
        """Those of the batches that have one of these :attr:`~engine.snapshots.Batch.id`."""
        return Archive(self.folder, {kind: [b for b in found if b.id in ids] for kind, found in self._batches.items()})

    @cached_property
    def ids(self) -> frozenset[str]:
        return frozenset(batch.id for found in self._batches.values() for batch in found)

    def kinds(self) -> tuple[str, ...]:
        return tuple(sorted(kind for kind, found in self._batches.items() if found))

    def batches(self, kind: str, since: datetime | None = None, until: datetime | None = None) -> tuple[Batch, ...]:
        first, end = self.extent(kind, since or BEGINNING, until or END)
        return self._batches.get(kind, ())[first:end]

    def extent(self, kind: str, since: datetime, until: datetime) -> Extent:
        """Which batches have ``since <= as_of <= until``: the same answer, the same batches."""
        instants = self._instants.get(kind, [])
        return bisect_left(instants, since), bisect_right(instants, until)

    def rows(self, kind: str, extent: Extent) -> int:
        """How many rows these batches have."""
        total = self._rows.get(kind, [0])
        return total[extent[1]] - total[extent[0]] if extent[0] < extent[1] else 0

    def newest(self, kind: str) -> datetime | None:
        return max(self._instants.get(kind, []), default=None)

    def beginning(self, kind: str) -> date:
        return min((instant.date() for instant in self._instants.get(kind, [])[:1]), default=date.max)

    def named(self, batch_id: str) -> Batch | None:
        kind = batch_id.partition("/")[0]
        return next((batch for batch in self._batches.get(kind, ()) if batch.id == batch_id), None)

    def current(self, kind: str, at: datetime, fresh_for: timedelta) -> Selection:
        """As of the parent; the very same object wherever it is equal."""
        key = (kind, self.extent(kind, fresh_from(at, fresh_for), at))
        if key not in self._current:
            found = super().current(kind, at, fresh_for)
            self._current[key] = self._same.setdefault(found, found)
        return self._current[key]


def fresh_from(at: datetime, fresh_for: timedelta) -> datetime:
    """The instant of the oldest batch that is fresh at ``at``."""
    return at - min(fresh_for, at - BEGINNING)


def dated(batch_id: str) -> datetime:
    """The instant of a batch, by its :attr:`~engine.snapshots.Batch.id`."""
    return datetime.strptime(batch_id.partition("/")[2].partition("-")[0], AS_OF).replace(tzinfo=UTC)
