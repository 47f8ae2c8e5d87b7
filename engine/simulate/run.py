"""Writing a run: the export files of every day, the manifest, the instants to evaluate at, and the truth."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from engine.simulate.cells import Layout
from engine.simulate.desk_rows import DESK_ROWS
from engine.simulate.incidents import TROUBLES, Incident, plant
from engine.simulate.layouts import LAYOUTS, MORE_LAYOUTS
from engine.simulate.plan import EVALUATIONS, Options
from engine.simulate.rows import ROWS, Row
from engine.simulate.shop import Shop
from engine.simulate.world import build

MANIFEST = "manifest.csv"
INCIDENTS = "incidents.csv"
INSTANTS = "instants.csv"
ALL_ROWS = {**ROWS, **DESK_ROWS}


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written: exports by kind, their bytes, the incidents, and how often to evaluate."""

    files: Mapping[str, int]
    size: int
    incidents: tuple[Incident, ...]
    evaluations: int


@dataclass
class _Chronicle:
    """Incidents as they open and close from one export to the next."""

    options: Options
    notes: Mapping[tuple[str, str, date], str]
    open: dict[tuple[str, str, str], datetime] = field(default_factory=dict)
    closed: list[Incident] = field(default_factory=list)

    def observe(self, kind: str, shop: Shop, rows: Sequence[Row], now: datetime) -> None:
        """Take note of what ``rows``, exported at ``now``, show of ``shop``."""
        for rule, trouble in TROUBLES.items():
            if trouble.kind == kind:
                self._compare(rule, shop.store_id, frozenset(trouble.shows(shop, rows, now, self.options)), now)

    def _compare(self, rule: str, store_id: str, shown: frozenset[str], now: datetime) -> None:
        for key in shown:
            self.open.setdefault((rule, store_id, key), now)
        over = [known for known in self.open if known[:2] == (rule, store_id) and known[2] not in shown]
        self.closed += [self._incident(known, self.open.pop(known), now) for known in over]

    def _incident(self, known: tuple[str, str, str], start: datetime, end: datetime | None) -> Incident:
        rule, store_id, key = known
        return Incident(rule, store_id, key, start, end, self.notes.get((rule, key, start.date()), ""))

    def incidents(self) -> tuple[Incident, ...]:
        lasting = [self._incident(known, start, None) for known, start in self.open.items()]
        return tuple(sorted([*self.closed, *lasting], key=lambda one: (one.starts_at, one.rule, one.key)))


def simulate(folder: Path, options: Options) -> Summary:
    """Write a run into ``folder`` (made if needed). The same options write the same files.

    Raises :class:`~engine.errors.UsageError` for options that make no run, OSError when the folder cannot be written.
    """
    options.check()
    shops, notes = plant(build(options), options)
    chronicle = _Chronicle(options, notes)
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, int] = {}
    size = 0
    manifest = []
    for now, layout in _calendar(options):
        for store, rows in _exports(layout, shops, now, chronicle):
            name = f"{now:%Y-%m-%d}/{now:%H%M}-{store or 'all'}-{layout.name}.{layout.suffix}"
            content = layout.render(rows)
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
            manifest.append((name, "+".join(layout.kinds), now.isoformat(), store or "*"))
            files[layout.name] = files.get(layout.name, 0) + 1
            size += len(content)
    incidents = chronicle.incidents()
    evaluations = options.instants(EVALUATIONS)
    _table(folder / MANIFEST, ("file", "kind", "as_of", "store"), manifest)
    _table(folder / INSTANTS, ("at",), ((now.isoformat(),) for now in evaluations))
    _table(folder / INCIDENTS, ("rule", "store_id", "key", "starts_at", "ends_at", "note"), map(_line, incidents))
    return Summary(files, size, incidents, len(evaluations))


def _calendar(options: Options) -> list[tuple[datetime, Layout]]:
    """Every export of the run, oldest first."""
    layouts = LAYOUTS + MORE_LAYOUTS if options.everything else LAYOUTS
    exports = [(now, layout) for layout in layouts for now in options.instants(layout.times)]
    return sorted(exports, key=lambda export: export[0])


def _exports(layout: Layout, shops: tuple[Shop, ...], now: datetime, chronicle: _Chronicle) -> Iterable[tuple[str, list[Row]]]:
    """The files of one layout at one instant: (store, or empty for all stores; rows)."""
    everything: list[Row] = []
    kind = layout.kinds[0]
    for shop in shops:
        if layout.platform in ("", shop.platform):
            rows = list(ALL_ROWS[kind](shop, now, chronicle.options))
            chronicle.observe(kind, shop, rows, now)
            everything += rows
            if layout.platform:
                yield shop.store_id, rows
    if not layout.platform:
        yield "", everything


def _line(incident: Incident) -> tuple[str, ...]:
    end = incident.ends_at.isoformat() if incident.ends_at else ""
    return incident.rule, incident.store_id, incident.key, incident.starts_at.isoformat(), end, incident.note


def _table(path: Path, headings: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([headings, *lines])
