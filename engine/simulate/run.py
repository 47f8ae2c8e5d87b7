"""Writing a run: the export files of every day, the manifest, the instants to evaluate at, and the truth."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.simulate.causes import CAUSES
from engine.simulate.cells import Layout
from engine.simulate.desk_rows import DESK_ROWS
from engine.simulate.incidents import Chronicle, Incident, plant
from engine.simulate.layouts import LAYOUTS, MORE_LAYOUTS
from engine.simulate.look import ALL, Board
from engine.simulate.pictured import Album
from engine.simulate.plan import EVALUATIONS, Options
from engine.simulate.rows import ROWS
from engine.simulate.shop import Row, Shop
from engine.simulate.wide_layouts import WIDE_LAYOUTS
from engine.simulate.world import build

MANIFEST = "manifest.csv"
INCIDENTS = "incidents.csv"
INSTANTS = "instants.csv"
CAUSES_FILE = "causes.csv"
TRUTH = ("rule", "store_id", "key", "starts_at", "ends_at", "note")
ALL_ROWS = {**ROWS, **DESK_ROWS}


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written: exports by kind, their bytes, the incidents, how often to evaluate, and the causes that join incidents."""

    files: Mapping[str, int]
    size: int
    incidents: tuple[Incident, ...]
    evaluations: int
    causes: tuple[Incident, ...] = ()


def simulate(folder: Path, options: Options) -> Summary:
    """Write a run into ``folder`` (made if needed). The same options write the same files.

    Raises :class:`~engine.errors.UsageError` for options that make no run, OSError when the folder cannot be written.
    """
    options.check()
    shops, notes = plant(build(options), options)
    chronicle = Chronicle(options, notes)
    stores = [shop.store_id for shop in shops]
    evaluations = list(options.instants(EVALUATIONS))
    folder.mkdir(parents=True, exist_ok=True)
    album = Album(folder) if options.pictures else None
    files: dict[str, int] = {}
    size = 0
    manifest = []
    due = iter(evaluations)
    evaluation = next(due)
    for now, layout in _calendar(options):
        while evaluation < now:
            chronicle.judge(stores, evaluation)
            evaluation = next(due)
        for store, rows in _exports(layout, shops, now, options, chronicle.board):
            name = f"{now:%Y-%m-%d}/{now:%H%M}-{store or 'all'}-{layout.name}.{layout.suffix}"
            content = album.render(layout, rows) if album else layout.render(rows)
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
            manifest.append((name, "+".join(layout.kinds), now.isoformat(), store or ALL))
            files[layout.name] = files.get(layout.name, 0) + 1
            size += len(content)
    for last in (evaluation, *due):
        chronicle.judge(stores, last)
    found = chronicle.incidents()
    incidents = tuple(one for one in found if one.rule not in CAUSES)
    causes = tuple(one for one in found if one.rule in CAUSES)
    _table(folder / MANIFEST, ("file", "kind", "as_of", "store"), manifest)
    _table(folder / INSTANTS, ("at",), ((now.isoformat(),) for now in evaluations))
    _table(folder / INCIDENTS, TRUTH, map(_line, incidents))
    if options.wide:
        _table(folder / CAUSES_FILE, TRUTH, map(_line, causes))
    return Summary(files, size, incidents, len(evaluations), causes)


def _calendar(options: Options) -> list[tuple[datetime, Layout]]:
    """Every export of the run, oldest first."""
    narrow = LAYOUTS + MORE_LAYOUTS if options.everything else LAYOUTS
    layouts = WIDE_LAYOUTS if options.wide else narrow
    exports = [(now, layout) for layout in layouts for now in options.instants(layout.times)]
    return sorted(exports, key=lambda export: export[0])


def _exports(layout: Layout, shops: tuple[Shop, ...], now: datetime, options: Options, board: Board) -> Iterable[tuple[str, list[Row]]]:
    """The files of one layout at one instant, also posted on the board: (store, or empty for all stores; rows)."""
    kind = layout.kinds[0]
    mine = [shop for shop in shops if layout.platform in ("", shop.platform)]
    down = {shop.store_id for shop in mine for outage in shop.outages if outage.kind == kind and outage.since <= now < outage.until}
    if not layout.platform:
        if down:
            return
        rows = [(shop, _rows(kind, shop, now, options)) for shop in mine]
        for shop, found in rows:
            board.post(kind, ALL, shop.store_id, found, now)
        yield "", [row for _, found in rows for row in found]
        return
    for shop in mine:
        if shop.store_id not in down:
            found = _rows(kind, shop, now, options)
            board.post(kind, shop.store_id, shop.store_id, found, now)
            yield shop.store_id, found


def _rows(kind: str, shop: Shop, now: datetime, options: Options) -> list[Row]:
    """What the export shows of a store, with what was planted."""
    rows = list(ALL_ROWS[kind](shop, now, options))
    for edit in shop.edits:
        if edit.kind == kind and edit.since <= now < edit.until:
            rows = edit.apply(rows, now)
    return rows


def _line(incident: Incident) -> tuple[str, ...]:
    end = incident.ends_at.isoformat() if incident.ends_at else ""
    return incident.rule, incident.store_id, incident.key, incident.starts_at.isoformat(), end, incident.note


def _table(path: Path, headings: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([headings, *lines])
