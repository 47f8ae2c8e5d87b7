"""Matching against hand-written DuckDB SQL, on the same Parquet files, in one run.

    python benchmarks/matching.py [--scale 1.0] [--repeat 9] [--markdown]

Four cases: (a) conditions on one kind, (b) a reference to another kind, (c) a count of related rows, (d) two windows of history.
Both sides run in turns in one process; times are medians. Peak memory is measured in a fresh process for each side. Result sets must be
equal, or the run fails. ``--scale`` shrinks the data; ``docs/performance.md`` has a full run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from engine.model import Type

REPOSITORY = Path(__file__).resolve().parent.parent
AT = datetime(2026, 11, 20, 16, tzinfo=UTC)
DAY = timedelta(days=1)
MONEY, NUMBER, PERCENT = pa.decimal128(18, 4), pa.decimal128(18, 6), pa.decimal128(18, 8)

CONDITIONS = (
    "dsr_desc < 4.7",
    "dsr_service < 4.72 and dsr_logistics < 4.72",
    "dsr_desc < industry_dsr_desc - 0.05",
    "dsr_desc - dsr_logistics > 0.3",
    "refund_rate > 5%",
    "refund_rate > 4.9% and orders >= 450",
    "bounce_rate > 85%",
    "uv < 100",
    "uv >= 300 and conversion < 0.05%",
    "sales < 0.85 * sales_target",
    "sales == 0 and uv > 0",
    "marketing_cost > 0.15 * sales",
    "staff_cost + marketing_cost > 0.3 * sales",
    "violation_points >= 12",
    "complaints_open > 20",
    "notices_unread > 45",
    "platform == 'jd' and pickup_48h_rate < 92%",
    "platform in ('tmall', 'taobao') and experience_score < 4.05",
    "dsr_desc between 4.69 and 4.70",
    "not (sales >= 200) and orders > 450",
)
HAND_CONDITIONS = (
    "dsr_desc < 4.7",
    "dsr_service < 4.72 AND dsr_logistics < 4.72",
    "dsr_desc < industry_dsr_desc - 0.05",
    "dsr_desc - dsr_logistics > 0.3",
    "refund_rate > 0.05",
    "refund_rate > 0.049 AND orders >= 450",
    "bounce_rate > 0.85",
    "uv < 100",
    "uv >= 300 AND conversion < 0.0005",
    "sales < 0.85 * sales_target",
    "sales = 0 AND uv > 0",
    "marketing_cost > 0.15 * sales",
    "staff_cost + marketing_cost > 0.3 * sales",
    "violation_points >= 12",
    "complaints_open > 20",
    "notices_unread > 45",
    "platform = 'jd' AND pickup_48h_rate < 0.92",
    "platform IN ('tmall', 'taobao') AND experience_score < 4.05",
    "dsr_desc BETWEEN 4.69 AND 4.70",
    "NOT (sales >= 200) AND orders > 450",
)


@dataclass(frozen=True)
class Case:
    """``rules`` are (kind, condition); ``sql`` is what an expert would write, with ``{folder}`` for the snapshots."""

    name: str
    title: str
    kind: str
    conditions: tuple[str, ...]
    sql: str
    make: Callable[[Path, float], None]


def hand_verdicts(conditions: Sequence[str]) -> str:
    columns = ", ".join(f"{condition} AS rule_{i}" for i, condition in enumerate(conditions))
    kept = " OR ".join(f"({condition})" for condition in conditions)
    return f"SELECT store_id, {columns} FROM read_parquet('{{folder}}/store/*/*.parquet') WHERE {kept}"


# Data


def decimals(
    random: np.random.Generator, low: float, high: float, digits: int, count: int, type_: pa.Decimal128Type, skew: int = 1
) -> pa.Array:
    """Decimals with ``digits`` after the point; uniform, or with ``skew`` the rarer the lower."""
    whole = np.rint((high - (high - low) * random.random(count) ** skew) * 10**digits).astype(np.int64)
    # An int64 of the unscaled value is reinterpreted, not divided: exact and fast.
    scaled = whole * 10 ** (type_.scale - digits)
    pairs = np.empty((count, 2), dtype=np.int64)
    pairs[:, 0], pairs[:, 1] = scaled, np.where(scaled < 0, -1, 0)
    return pa.Array.from_buffers(type_, count, [None, pa.py_buffer(pairs.tobytes())])


def names(prefix: str, numbers: np.ndarray) -> pa.Array:
    return pc.binary_join_element_wise(pa.scalar(prefix), pc.utf8_lpad(pa.array(numbers).cast(pa.string()), 8, "0"), "")


def some_missing(random: np.random.Generator, values: pa.Array, share: float) -> pa.Array:
    return pc.if_else(pa.array(random.random(len(values)) < share), pa.scalar(None, values.type), values)


def write(folder: Path, kind: str, as_of: datetime, columns: Mapping[str, pa.Array]) -> None:
    about = {"version": 1, "kind": kind, "as_of": as_of.isoformat(), "scope": "*", "source": "benchmark", "source_sha256": ""}
    table = pa.table(dict(columns)).append_column("_line", pa.array(np.arange(2, len(columns["store_id"]) + 2, dtype=np.int32)))
    table = table.replace_schema_metadata({"storewatch": json.dumps(about | {"rows": table.num_rows, "quarantined": 0})})
    path = folder / kind / f"date={as_of:%Y-%m-%d}" / f"{as_of:%Y%m%dT%H%M%SZ}-000000000000.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd")


def make_stores(folder: Path, scale: float) -> None:
    count, random = int(1_000_000 * scale), np.random.default_rng(1)
    ratings = ("dsr_desc", "dsr_service", "dsr_logistics")
    rates = {"refund_rate": (0, 0.0505), "bounce_rate": (0.2, 0.855), "conversion": (0, 0.08), "pickup_48h_rate": (0.915, 1)}
    amounts = {"sales": 50_000, "sales_target": 500, "marketing_cost": 100, "staff_cost": 100}
    counts = {"violation_points": 3, "complaints_open": 8, "notices_unread": 30}
    columns = {
        "store_id": names("S", np.arange(count)),
        "platform": pa.array(random.choice(["tmall", "taobao", "jd", "pdd", "douyin"], count)),
    }
    columns |= {name: decimals(random, 4.69, 5, 2, count, NUMBER, skew=3) for name in ratings}
    columns |= {
        "industry_dsr_desc": decimals(random, 4.7, 4.75, 2, count, NUMBER),
        "experience_score": decimals(random, 4.04, 5, 2, count, NUMBER),
    }
    columns |= {name: decimals(random, low, high, 4, count, PERCENT) for name, (low, high) in rates.items()}
    columns |= {name: decimals(random, 0, high, 2, count, MONEY) for name, high in amounts.items()}
    columns |= {name: pa.array(random.poisson(usual, count)) for name, usual in counts.items()}
    columns |= {"uv": pa.array(random.integers(0, 20_000, count)), "orders": pa.array(random.integers(0, 500, count))}
    write(folder, "store", AT, columns)


def make_placements(folder: Path, scale: float) -> None:
    count, random = int(1_000_000 * scale), np.random.default_rng(2)
    prices = decimals(random, 1, 999, 2, count, MONEY)
    product = {"product_id": names("P", np.arange(count)), "final_price": prices, "title": names("连衣裙 ", np.arange(count))}
    stores = names("S", random.integers(0, 2000, count))
    write(folder, "product", AT, {"store_id": stores, **product})
    order = random.permutation(count)
    shown = pc.if_else(pa.array(random.random(count) < 0.02), decimals(random, 1, 999, 2, count, MONEY), prices.take(pa.array(order)))
    placement = {
        "placement_id": names("L", np.arange(count)),
        "product_id": product["product_id"].take(pa.array(order)),
        "live": pa.array(random.random(count) < 0.9),
        "image_price": some_missing(random, shown, 0.1),
    }
    write(folder, "placement", AT, {"store_id": stores.take(pa.array(order)), **placement})


def make_orders(folder: Path, scale: float) -> None:
    count, stores, random = int(10_000_000 * scale), max(int(20_000 * scale), 20), np.random.default_rng(3)
    write(folder, "store", AT, {"store_id": names("S", np.arange(stores)), "uv": pa.array(random.integers(0, 9000, stores))})
    paid = np.datetime64(AT.replace(tzinfo=None), "us") - (random.random(count) * 30 * 86_400 * 1e6).astype("timedelta64[us]")
    statuses = np.array(["unpaid", "paid", "shipped", "signed", "done", "closed"])
    order = {
        "order_id": names("O", np.arange(count)),
        "store_id": names("S", random.integers(0, stores, count)),
        "status": pa.array(statuses[random.choice(6, count, p=[0.05, 0.02, 0.2, 0.2, 0.5, 0.03])]),
        "paid_at": some_missing(random, pa.array(paid), 0.05),
        "amount": decimals(random, 1, 999, 2, count, MONEY),
    }
    write(folder, "order", AT, order)


def make_history(folder: Path, scale: float) -> None:
    stores, random = max(int(20_000 * scale), 20), np.random.default_rng(4)
    for day in range(60):
        columns = {
            "store_id": names("S", np.arange(stores)),
            "dsr_desc": decimals(random, 4.6, 4.9, 2, stores, NUMBER),
            "uv": pa.array(random.integers(0, 9000, stores)),
            "sales": decimals(random, 0, 50_000, 2, stores, MONEY),
        }
        write(folder, "store", AT - day * DAY, columns)


CASES = (
    Case("a", "1,000,000 store rows x 20 conditions", "store", CONDITIONS, hand_verdicts(HAND_CONDITIONS), make_stores),
    Case(
        "b",
        "1,000,000 placements refer to 1,000,000 products, price differs",
        "placement",
        ("live and abs(image_price - product.final_price) > 0.01",),
        """
        SELECT placement_id, placement.store_id, abs(image_price - final_price) > 0.01 AS rule_0
        FROM read_parquet('{folder}/placement/*/*.parquet') AS placement
        LEFT JOIN read_parquet('{folder}/product/*/*.parquet') AS product USING (product_id)
        WHERE live AND coalesce(abs(image_price - final_price) > 0.01, true)
        """,
        make_placements,
    ),
    Case(
        "c",
        "10,000,000 orders, unshipped ones counted for each of 20,000 stores",
        "store",
        ("count(order where status == 'paid' and age(paid_at) > 48h) >= 10",),
        """
        SELECT store.store_id, true AS rule_0
        FROM read_parquet('{folder}/store/*/*.parquet') AS store
        JOIN (
            SELECT store_id, count(*) AS unshipped FROM read_parquet('{folder}/order/*/*.parquet')
            WHERE status = 'paid' AND paid_at < TIMESTAMP '{at}' - INTERVAL 48 HOURS GROUP BY store_id
        ) AS waiting USING (store_id)
        WHERE unshipped >= 10
        """,
        make_orders,
    ),
    Case(
        "d",
        "20,000 stores x 60 days, two windows of 7 days",
        "store",
        ("dsr_desc < highest(dsr_desc, 7d) - 0.2 or uv < mean(uv, 7d) * 0.3",),
        """
        WITH past AS (
            SELECT store_id, max(dsr_desc) AS best, avg(uv) AS usual
            FROM read_parquet('{folder}/store/*/*.parquet', hive_partitioning = true)
            WHERE date >= DATE '{day}' - 7 AND date < DATE '{day}' GROUP BY store_id
        )
        SELECT store_id, dsr_desc < best - 0.2 OR round(uv, 9) < round(usual * 0.3, 9) AS rule_0
        FROM read_parquet('{folder}/store/date={day}/*.parquet') LEFT JOIN past USING (store_id)
        WHERE coalesce(dsr_desc < best - 0.2 OR round(uv, 9) < round(usual * 0.3, 9), true)
        """,
        make_history,
    ),
)


# The two sides

Side = Callable[[datetime], pa.Table]


def hand_side(case: Case, folder: Path) -> Side:
    connection = duckdb.connect()
    sql = case.sql.format(folder=folder, at=f"{AT:%Y-%m-%d %H:%M:%S}", day=f"{AT:%Y-%m-%d}")
    return lambda at: connection.sql(sql if at == AT else "SELECT 1").to_arrow_table()


def our_side(case: Case, folder: Path) -> Side:
    # Imported here, so that the hand-written side's process does not carry what it does not need.
    sys.path.insert(0, str(REPOSITORY))
    from engine.errors import Text
    from engine.language import Scope, understand
    from engine.matching.evaluate import Matcher
    from engine.model import ColumnSchema, KindSchema, RuleInfo, Severity
    from engine.rules import AlertRule
    from engine.snapshots import Snapshots

    schemas = {
        name: KindSchema(
            name, (f"{name}_id",), {column: ColumnSchema(column, kind) for column, kind in columns.items()}, references, 2 * DAY
        )
        for name, columns, references in declared(folder)
    }
    rules = [
        AlertRule(
            RuleInfo(f"rule_{i}", Text.same("benchmark"), Severity.WARNING),
            case.kind,
            understand(condition, Scope(case.kind, schemas, "Asia/Shanghai"), condition=True),
        )
        for i, condition in enumerate(case.conditions)
    ]
    matcher, snapshots = Matcher(schemas, "Asia/Shanghai"), Snapshots(folder)

    def run(at: datetime, new_batches: bool = False) -> pa.Table:
        if new_batches:
            matcher.views.clear()
        return matcher.verdicts(rules, snapshots, at)

    return run


def declared(folder: Path) -> list[tuple[str, dict[str, Type], dict[str, str]]]:
    """Kinds as the files have them."""
    from engine.model import Type

    types: dict[pa.DataType, Type] = {
        MONEY: Type.MONEY,
        NUMBER: Type.NUMBER,
        PERCENT: Type.PERCENT,
        pa.string(): Type.STRING,
        pa.int64(): Type.INTEGER,
    }
    types |= {pa.bool_(): Type.BOOLEAN, pa.timestamp("us"): Type.TIMESTAMP}
    kinds = []
    for path in sorted(folder.iterdir()):
        schema = pq.read_schema(next(path.glob("*/*.parquet")))
        columns = {field.name: types[field.type] for field in schema if field.name != "_line"}
        refers = {"product_id": "product"} if path.name == "placement" else {}
        kinds.append((path.name, columns, refers))
    return kinds


def our_side_anew(case: Case, folder: Path) -> Side:
    """As when every batch has just come: no view is kept from the evaluation before."""
    run = our_side(case, folder)
    return lambda at: run(at, True)  # type: ignore[call-arg]


SIDES = {"hand": hand_side, "ours": our_side}
TIMED = SIDES | {"anew": our_side_anew}


# Measuring


@dataclass(frozen=True)
class Result:
    """Seconds and bytes of one case. Memory: what the process grew by while it evaluated, and its peak in all."""

    case: Case
    rows: int
    first: float
    seconds: Mapping[str, float]
    grown: Mapping[str, int]
    peak: Mapping[str, int]

    def ratio(self, measured: Mapping[str, float]) -> float:
        return measured["ours"] / max(measured["hand"], 1e-9)


def measure(case: Case, folder: Path, repeat: int, memory: bool) -> Result:
    run = {side: make(case, folder) for side, make in TIMED.items()}
    started = time.perf_counter()
    ours = run["ours"](AT)
    first = time.perf_counter() - started
    assert_same(case, ours, run["hand"](AT))
    run["anew"](AT)
    times: dict[str, list[float]] = {side: [] for side in run}
    for turn in range(repeat):
        for side in sorted(run, reverse=bool(turn % 2)):
            started = time.perf_counter()
            run[side](AT)
            times[side].append(time.perf_counter() - started)
    sizes = {side: memory_of(case, folder, side) if memory else (0, 0) for side in SIDES}
    return Result(
        case,
        ours.num_rows,
        first,
        {side: statistics.median(values) for side, values in times.items()},
        {side: grown for side, (grown, _) in sizes.items()},
        {side: peak for side, (_, peak) in sizes.items()},
    )


def assert_same(case: Case, ours: pa.Table, hand: pa.Table) -> None:
    """The same keys with the same verdicts, row for row."""
    columns = [f"{case.kind}_id", *(f"rule_{i}" for i in range(len(case.conditions)))]
    one, two = (table.select(columns).sort_by(columns[0]).combine_chunks() for table in (ours, hand))
    if not one.equals(two):
        raise SystemExit(f"case {case.name}: result sets differ ({one.num_rows} and {two.num_rows} rows)")


def memory_of(case: Case, folder: Path, side: str) -> tuple[int, int]:
    """(growth, peak) of the resident memory of a fresh process that evaluates twice."""
    command = [sys.executable, __file__, "--child", case.name, side, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    grown, peak = json.loads(done.stdout)
    return grown, peak


def child(name: str, side: str, folder: Path) -> None:
    run = SIDES[side](next(case for case in CASES if case.name == name), folder)
    run(AT - 1000 * DAY)  # no data yet: what is loaded and compiled on first use does not count
    before = peak_memory()
    run(AT)
    run(AT)
    peak = peak_memory()
    print(json.dumps([peak - before, peak]))


def peak_memory() -> int:
    """Bytes that were resident at most since the process started (its ``ru_maxrss`` would count the parent's too)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


# Telling

HEADINGS = (
    "case",
    "rows out",
    "hand ms",
    "ours ms",
    "ratio",
    "new batches ms",
    "first ms",
    "hand MB",
    "ours MB",
    "ratio",
    "hand peak MB",
    "ours peak MB",
    "ratio",
)


def row(result: Result) -> list[str]:
    millis = [f"{result.seconds[side] * 1000:.0f}" for side in SIDES]
    late = [f"{seconds * 1000:.0f}" for seconds in (result.seconds["anew"], result.first)]
    grown, peak = ([f"{sizes[side] / 1e6:.0f}" for side in SIDES] for sizes in (result.grown, result.peak))
    ratios = [f"{result.ratio(measured):.2f}" for measured in (result.seconds, result.grown, result.peak)]
    title = f"({result.case.name}) {result.case.title}"
    return [title, f"{result.rows:,}", *millis, ratios[0], *late, *grown, ratios[1], *peak, ratios[2]]


def table(results: Sequence[Result], markdown: bool) -> str:
    cells = [list(HEADINGS), *(row(result) for result in results)]
    if markdown:
        lines = ["| " + " | ".join(line) + " |" for line in cells]
        return "\n".join([lines[0], "|---" + "|---:" * (len(HEADINGS) - 1) + "|", *lines[1:]])
    widths = [max(len(line[i]) for line in cells) for i in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in enumerate(zip(line, widths, strict=True)))
        for line in cells
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="matching against hand-written SQL")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rows (default: all)")
    parser.add_argument("--repeat", type=int, default=9, help="timed runs of each side (default 9)")
    parser.add_argument("--cases", default="abcd", help="which cases (default abcd)")
    parser.add_argument("--no-memory", action="store_true", help="do not measure memory")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        name, side, folder = options.child
        child(name, side, Path(folder))
        return
    versions = f"duckdb {duckdb.__version__}, pyarrow {pa.__version__}, python {platform.python_version()}"
    print(f"{versions}, {os.cpu_count()} cores, scale {options.scale}, median of {options.repeat}")
    results = []
    for case in [case for case in CASES if case.name in options.cases]:
        with tempfile.TemporaryDirectory(prefix="storewatch-benchmark-") as scratch:
            case.make(Path(scratch), options.scale)
            results.append(measure(case, Path(scratch), options.repeat, not options.no_memory))
    print(table(results, options.markdown))


if __name__ == "__main__":
    main()
