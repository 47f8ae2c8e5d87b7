"""When batches landed in the snapshot folder: the instants of schedules that say ``on: ingest``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.model import KindSchema
from engine.snapshots import AS_OF

SETTLED = timedelta(seconds=2)
"""What lands together, as several kinds of one export do, is evaluated once; and no clock of a file system is that far behind."""
AHEAD = timedelta(days=1)
_SECOND = timedelta(seconds=1)


class Landings:
    """The batches in ``folder``. Only those that can be current are looked at: old data that is ingested late changes history alone.

    A batch's instant is when its file was put in place, in whole seconds and a little later (:data:`SETTLED`); for data dated ahead,
    that date. It is the file system's time, the same for all daemons that share the folder.
    """

    def __init__(self, folder: Path, kinds: Mapping[str, KindSchema]) -> None:
        self.folder = folder
        self.kinds = kinds
        self._days: dict[Path, tuple[int, tuple[datetime, ...]]] = {}

    def of(self, kinds: Iterable[str], now: datetime) -> list[datetime]:
        """The instants of batches of these kinds, ascending; those to come are among them."""
        days = [day for kind in kinds for day in self._partitions(self.kinds[kind], now)]
        self._forget_old(days)
        return sorted({instant for day in days for instant in self._instants(day)})

    def _partitions(self, kind: KindSchema, now: datetime) -> Iterator[Path]:
        """The folders of the days whose batches can be current."""
        day, last = (now - kind.fresh_for).date(), (now + AHEAD).date()
        while day <= last:
            yield self.folder / kind.name / f"date={day.isoformat()}"
            day += timedelta(days=1)

    def _forget_old(self, days: Iterable[Path]) -> None:
        """Of the kinds of ``days``, what is known of other days."""
        wanted = set(days)
        kinds = {day.parent for day in wanted}
        for day in [day for day in self._days if day.parent in kinds and day not in wanted]:
            del self._days[day]

    def _instants(self, day: Path) -> tuple[datetime, ...]:
        """A folder is read again only when it changed."""
        try:
            changed = day.stat().st_mtime_ns
            known = self._days.get(day)
            if known is None or known[0] != changed:
                self._days[day] = known = (changed, tuple(_landed(day)))
        except OSError:  # there is none yet, or it is being removed
            return ()
        return known[1]


def _landed(day: Path) -> Iterator[datetime]:
    with os.scandir(day) as entries:
        for entry in entries:
            if entry.name.endswith(".parquet"):
                landed = datetime.fromtimestamp(int(entry.stat().st_ctime), UTC) + _SECOND + SETTLED
                as_of = datetime.strptime(entry.name.partition("-")[0], AS_OF).replace(tzinfo=UTC)
                yield max(landed, as_of)
