"""Snapshot folders for tests, written by hand with pyarrow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from engine.model import ColumnSchema, KindSchema, Type

ARROW: Mapping[Type, pa.DataType] = {
    Type.STRING: pa.string(),
    Type.INTEGER: pa.int64(),
    Type.NUMBER: pa.decimal128(18, 6),
    Type.MONEY: pa.decimal128(18, 4),
    Type.PERCENT: pa.decimal128(18, 8),
    Type.BOOLEAN: pa.bool_(),
    Type.TIMESTAMP: pa.timestamp("us"),
    Type.DATE: pa.date32(),
    Type.DURATION: pa.int64(),
}


def kind(
    name: str, key: str, fresh_for: timedelta = timedelta(days=2), references: Mapping[str, str] | None = None, **columns: Type
) -> KindSchema:
    """A kind with text keys; ``key`` names its columns, separated by spaces."""
    types = {"store_id": Type.STRING, **dict.fromkeys(key.split(), Type.STRING), **columns}
    return KindSchema(
        name, tuple(key.split()), {column: ColumnSchema(column, type_) for column, type_ in types.items()}, references or {}, fresh_for
    )


def write_batch(
    folder: Path,
    schema: KindSchema,
    as_of: datetime,
    rows: Iterable[Mapping[str, Any]],
    scope: str | Sequence[str] = "*",
    columns: Sequence[str] | None = None,
    types: Mapping[str, pa.DataType] | None = None,
) -> Path:
    """Writes one batch as ingest does, with ``columns`` only, if given."""
    names = list(schema.columns) if columns is None else list(columns)
    rows = list(rows)
    arrow = [(types or {}).get(name, ARROW[schema.columns[name].type]) for name in names]
    arrays = [pa.array([_cell(row.get(name)) for row in rows], type_) for name, type_ in zip(names, arrow, strict=True)]
    table = pa.table([*arrays, pa.array(range(2, len(rows) + 2), pa.int32())], names=[*names, "_line"])
    stores = "*" if scope == "*" else sorted(scope)
    about = {"version": 1, "kind": schema.name, "as_of": as_of.isoformat(), "scope": stores, "source": "test.csv", "rows": len(rows)}
    table = table.replace_schema_metadata({b"storewatch": json.dumps(about | {"source_sha256": "", "quarantined": 0}).encode()})
    digest = hashlib.sha256(repr((schema.name, as_of, rows, stores, names)).encode()).hexdigest()[:12]
    path = folder / schema.name / f"date={as_of.astimezone(UTC):%Y-%m-%d}" / f"{as_of.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd")
    return path


def _cell(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, float):
        return Decimal(str(value))
    return value
