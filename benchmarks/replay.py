"""How long a replay takes: a year of thousands of stores, all shipped rules, one evaluation a day.

    python benchmarks/replay.py [--stores 500 2000 8000] [--days 30 90 365] [--folder DIR] [--markdown]

The data is that of ten simulated stores over four weeks (``storewatch simulate --rules all --all-kinds``, ingested as always), written
anew for every store and every four weeks with other ids and dates: one batch of every kind a day, and of kinds with many rows a part of
them (:data:`SHARES`). Every replay runs in a process of its own, which tells its time and its peak of memory; a live cycle is the
mean of a round a day over the last four weeks, over SQLite, with messages rendered, queries compiled before. How many replayed days a
live cycle is worth is told twice: by time, and by the time of processors, in which others at work on the machine matter less.
``docs/replay.md`` has a run.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.archive import Archive
from engine.cli.init import copy_starter
from engine.matching.evaluate import Matcher
from engine.model import KindSchema, Type
from engine.pipeline import run_round
from engine.project import Project, load_project
from engine.replay import replay
from engine.replay.planning import every
from engine.simulate.playing import Player, steps
from engine.snapshots import FOOTER, VERSION, Batch, Snapshots
from engine.state import State

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
WEEKS = timedelta(days=28)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1, minutes=30)  # 09:30 in Shanghai, after the morning's exports
SHARES = {"order": 5, "review": 3}
"""Of these kinds one row in so many is kept."""


def make_template(folder: Path) -> None:
    """Ten simulated stores over four weeks, ingested: some minutes."""
    words = ["--stores", "10", "--days", "28", "--rules", "all", "--incidents", "1", "--start", f"{FIRST:%Y-%m-%d}", "--all-kinds"]
    subprocess.run([Path(sys.executable).with_name("storewatch"), "simulate", folder / "exports", *words], check=True, capture_output=True)
    copy_starter(folder / "project")
    with State.open("sqlite://") as state:
        player = Player(load_project(folder / "project"), state, lambda: datetime.now(UTC), "benchmark")
        for step in steps(folder / "exports"):
            player.ingest(step)


def grow(template: Path, folder: Path, stores: int, days: int) -> Project:
    """A project of so many stores and days in ``folder``, made of the template's project."""
    if not (folder / "facts.yaml").exists():
        copy_starter(folder)
        project = load_project(folder)
        source = Snapshots(template / "snapshots")
        for kind, schema in project.facts.schemas.items():
            for number, batch in enumerate(_mornings(source.batches(kind))):
                _grow_batch(batch, schema, folder / "snapshots", stores // 10, days, number)
    return load_project(folder)


def _mornings(batches: tuple[Batch, ...]) -> Iterator[Batch]:
    """The first batch of each day."""
    days = set()
    for batch in batches:
        if batch.as_of.date() not in days:
            days.add(batch.as_of.date())
            yield batch


def _grow_batch(batch: Batch, schema: KindSchema, folder: Path, clones: int, days: int, number: int) -> None:
    table = pq.read_table(batch.path, partitioning=None).replace_schema_metadata({})
    share = SHARES.get(schema.name, 1)
    if share > 1:
        keep = [hash_of(value) % share == 0 for value in table.column(schema.key[0]).to_pylist()]
        table = table.filter(pa.array(keep))
    rows, size = table.num_rows, table.num_rows * clones
    suffix = pa.array(np.repeat([str(clone) for clone in range(clones)], rows))
    table = table.take(pa.array(np.tile(np.arange(rows), clones)))
    ids = {"store_id", *schema.key, *schema.references} & set(table.column_names)
    for name in ids:
        column = table.column(name).combine_chunks()
        table = table.set_column(table.schema.get_field_index(name), name, pc.binary_join_element_wise(column, suffix, "-"))
    for turn in range(days // WEEKS.days + 1):
        if number + turn * WEEKS.days < days:
            _write(_later(table, schema, turn * WEEKS), schema.name, batch.as_of + turn * WEEKS, folder, size)


def hash_of(text: str) -> int:
    return sum(map(ord, text))


def _later(table: pa.Table, schema: KindSchema, by: timedelta) -> pa.Table:
    for name in table.column_names:
        type_ = schema.columns[name].type if name in schema.columns else None
        if type_ is Type.TIMESTAMP:
            moved = pc.add(table.column(name), pa.scalar(by, pa.duration("us")))
        elif type_ is Type.DATE:
            moved = pc.cast(pc.add(pc.cast(table.column(name), pa.int32()), by.days), pa.date32())
        else:
            continue
        table = table.set_column(table.schema.get_field_index(name), name, moved)
    return table


def _write(table: pa.Table, kind: str, as_of: datetime, folder: Path, rows: int) -> None:
    instant = as_of.strftime("%Y%m%dT%H%M%SZ")
    about = {"version": VERSION, "kind": kind, "as_of": instant, "scope": "*", "source": "benchmark", "rows": rows, "quarantined": 0}
    path = folder / kind / f"date={as_of.date().isoformat()}" / f"{instant}-{0:012x}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({FOOTER: json.dumps(about).encode()}), path, compression="zstd")


def replayed(folder: Path, days: int) -> dict[str, float]:
    """One replay in this process."""
    project = load_project(folder)
    began, cpu = time.perf_counter(), time.process_time()
    archive = Archive.of(Snapshots(project.snapshots))
    found = replay(project, archive, every(DAY, FIRST + HOUR, FIRST + HOUR + (days - 1) * DAY, project.rules))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return {"seconds": seconds, "cpu": cpu, "gib": peak, "alerts": len(found.episodes), "messages": len(found.sent), "days": days}


def live(folder: Path, days: int) -> dict[str, float]:
    """Seconds, and seconds of a processor, of a live cycle: the mean of the last four weeks, in which all happens that ever does."""
    project = load_project(folder)
    matcher, snapshots = Matcher(project.facts.schemas, project.facts.time_zone), Snapshots(project.snapshots)
    took = []
    with tempfile.TemporaryDirectory() as temporary, State.open(f"sqlite:///{temporary}/state.db") as state:
        for day in range(days - WEEKS.days - 1, days):
            at = FIRST + HOUR + day * DAY
            began, cpu = time.perf_counter(), time.process_time()
            run_round(project, matcher, snapshots, state, at, schedule="daily", rules=project.rules, clock=lambda at=at: at)  # type: ignore[misc]
            took.append((time.perf_counter() - began, time.process_time() - cpu))
    seconds, cpu = (statistics.fmean(each) for each in zip(*took[1:], strict=True))
    return {"seconds": seconds, "cpu": cpu}


def measured(what: str, folder: Path, days: int) -> dict[str, float]:
    """``what`` in a fresh process."""
    done = subprocess.run([sys.executable, __file__, "--run", what, str(folder), str(days)], check=True, capture_output=True, text=True)
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stores", type=int, nargs="+", default=[500, 2000, 8000])
    parser.add_argument("--days", type=int, nargs="+", default=[30, 90, 365])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "storewatch-replay")
    parser.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        what, folder, days = options.run
        print(json.dumps((replayed if what == "replay" else live)(Path(folder), int(days))))
        return
    if not (options.folder / "template" / "project" / "snapshots").exists():
        make_template(options.folder / "template")
    print("| stores | days | replay s | processor s | peak GiB | a day, s | live cycle, s | ratio | of processors | alerts | messages |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for stores in options.stores:
        folder = options.folder / str(stores)
        grow(options.folder / "template" / "project", folder, stores, max(options.days))
        cycle = measured("live", folder, max(options.days))
        for days in options.days:
            one = measured("replay", folder, days)
            ratios = [cycle[measure] / one[measure] * days for measure in ("seconds", "cpu")]
            figures = f"{one['seconds']:.0f} | {one['cpu']:.0f} | {one['gib']:.2f} | {one['seconds'] / days:.2f} | {cycle['seconds']:.2f}"
            told = f"{ratios[0]:.1f} | {ratios[1]:.1f} | {one['alerts']:,.0f} | {one['messages']:,.0f}"
            print(f"| {stores:,} | {days} | {figures} | {told} |", flush=True)


if __name__ == "__main__":
    main()
