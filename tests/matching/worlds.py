"""Small worlds of random snapshots: several batches and stores, missing values, values at the edge; the same for files and reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from engine.model import KindSchema, Type, Value
from tests.language.schemas import KINDS
from tests.matching.folders import write_batch
from tests.reference import Batch, World

NOW = datetime(2026, 11, 21, 3, 30, tzinfo=UTC)
FRESH = timedelta(days=3)
STORES = ("s1", "s2", "店3")
NAMES = ("a", "b", "x y", "paid", "商品", "1", "")
SCHEMAS: Mapping[str, KindSchema] = {name: replace(kind, fresh_for=FRESH) for name, kind in KINDS.items()}
COUNTS = {"store": 3, "product": 4, "order": 7, "refund": 4, "traffic": 5}
EDGES: Mapping[Type, tuple[Value, ...]] = {
    Type.INTEGER: (0, 1, 2, 3, -1, 10, 1_000_000),
    Type.NUMBER: tuple(map(Decimal, ("0", "4.7", "4.65", "4.9", "4.85", "-1.5", "0.000001", "100000"))),
    Type.MONEY: tuple(map(Decimal, ("0", "0.01", "9.99", "10", "10.01", "-3.5", "20", "99999.9999"))),
    Type.PERCENT: tuple(map(Decimal, ("0", "0.95", "0.05", "1", "0.00000001", "1.2"))),
    Type.BOOLEAN: (True, False),
    Type.DURATION: (timedelta(0), timedelta(hours=48), timedelta(hours=1), timedelta(microseconds=1), timedelta(days=7)),
    Type.DATE: (date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)),
    Type.STRING: NAMES,
    Type.TIMESTAMP: tuple(NOW - timedelta(hours=hours) for hours in (0, 1, 24, 48, 49, 100, -5, -24)),
}


def make_world(seed: int, folder: Path) -> World:
    """A world whose batches are also in ``folder``. Every kind has fresh rows for every store."""
    random = Random(seed)
    batches = {kind: _batches(random, SCHEMAS[kind]) for kind in COUNTS}
    for kind, made in batches.items():
        for batch in made:
            write_batch(folder, SCHEMAS[kind], batch.as_of, batch.rows, "*" if batch.scope is None else sorted(batch.scope))
    return World(SCHEMAS, batches, NOW)


def _batches(random: Random, schema: KindSchema) -> list[Batch]:
    ages = random.sample(range(1, 24 * 20), 9)
    made = [Batch(NOW - timedelta(hours=24), _rows(random, schema, STORES))]
    for age in ages:
        scope = random.choice([None, None, frozenset(random.sample(STORES, 1)), frozenset(random.sample(STORES, 2))])
        if age != 24:
            made.append(Batch(NOW - timedelta(hours=age), _rows(random, schema, sorted(scope or STORES)), scope))
    return made


def _rows(random: Random, schema: KindSchema, stores: tuple[str, ...] | list[str]) -> tuple[Mapping[str, Value], ...]:
    """Distinct keys; a key may be in another store than in another batch."""
    rows: dict[tuple[Value, ...], Mapping[str, Value]] = {}
    for _ in range(COUNTS[schema.name]):
        row: dict[str, Value] = {name: _cell(random, schema, name) for name in schema.columns}
        row["store_id"] = random.choice(list(stores))
        rows.setdefault(tuple(row[name] for name in schema.key), row)
    return tuple(rows.values())


def _cell(random: Random, schema: KindSchema, name: str) -> Value:
    column = schema.columns[name]
    if name.endswith("_id"):
        known = random.choice(["1", "2", "3", "4"])
        return known if name in schema.key or random.random() < 0.8 else None
    if name in schema.key:
        return random.choice(["搜索", "推荐"])
    return None if random.random() < 0.2 else random.choice(column.values or EDGES[column.type])
