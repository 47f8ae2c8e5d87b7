"""Playing a run through a project, as it would have come: the exports since the last evaluation are ingested, then all rules evaluated.

The path is the product's own: what ``storewatch ingest`` and ``storewatch run`` do, at the instants of the run.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.errors import Secret, Text, UsageError
from engine.ingest import Options, ingest
from engine.matching.evaluate import Matcher
from engine.pipeline import Round, run_round
from engine.project import Project
from engine.simulate.pictured import FOLDER as PICTURES
from engine.snapshots import Snapshots
from engine.state import State


@dataclass(frozen=True, slots=True)
class Export:
    path: Path
    kinds: tuple[str, ...]
    as_of: datetime
    store: str


@dataclass(frozen=True, slots=True)
class Step:
    """One evaluation and the exports that arrived since the one before."""

    at: datetime
    exports: tuple[Export, ...]


def steps(folder: Path) -> list[Step]:
    """A run's evaluations in order. Raises :class:`UsageError` where the folder holds no run."""
    if not (folder / "manifest.csv").is_file():
        text = Text(f"{folder} holds no samples (no manifest.csv)", f"{folder} 里没有样例（缺 manifest.csv）")
        raise UsageError(text, Text("make some: storewatch simulate samples", "先生成：storewatch simulate samples"))
    exports = sorted((_export(folder, row) for row in _csv_rows(folder / "manifest.csv")), key=lambda export: export.as_of)
    instants = sorted(datetime.fromisoformat(row["at"]) for row in _csv_rows(folder / "instants.csv"))
    found, taken = [], 0
    for at in instants:
        arrived = [export for export in exports[taken:] if export.as_of <= at]
        taken += len(arrived)
        found.append(Step(at, tuple(arrived)))
    return found


class Player:
    """Takes a project through steps, in order. ``clock`` only dates the records."""

    def __init__(self, project: Project, state: State, clock: Callable[[], datetime], schedule: str) -> None:
        self.project, self.state, self.clock, self.schedule = project, state, clock, schedule
        self.matcher, self.snapshots = Matcher(project.facts.schemas, project.facts.time_zone), Snapshots(project.snapshots)

    def ingest(self, step: Step) -> int:
        """Ingest the step's exports as `storewatch ingest` does; returns the rows stored."""
        return sum(self._ingest(export) for export in step.exports)

    def _ingest(self, export: Export) -> int:
        everything = not export.store
        pictures = export.path.parent.parent / PICTURES
        named = Options(
            self.clock(), export.kinds, export.as_of, export.store, everything, Secret("demo"), allow_empty=True, pictures=pictures
        )
        return sum(kind.stored for kind in ingest(export.path, self.project.facts, self.project.snapshots, named).kinds)

    def evaluate(self, step: Step) -> Round:
        """Evaluate all rules as `storewatch run` does; what it answers was committed, and its messages wait in the outbox."""
        rules = self.project.rules
        return run_round(
            self.project, self.matcher, self.snapshots, self.state, step.at, schedule=self.schedule, rules=rules, clock=self.clock
        )


def _export(folder: Path, row: dict[str, str]) -> Export:
    store = "" if row["store"] == "*" else row["store"]
    return Export(folder / row["file"], tuple(row["kind"].split("+")), datetime.fromisoformat(row["as_of"]), store)


def _csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
