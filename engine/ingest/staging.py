"""Rows on their way: typed, on disk, sorted out within a fixed amount of memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.facts import Kind
from engine.ingest.coercion import AS_OF, LINE, STORE
from engine.ingest.columns import ARROW, INSTANT

MEMORY = "256MB"
SAME = "_same"


def batch_schema(kind: Kind, columns: tuple[str, ...]) -> pa.Schema:
    """The columns of a batch file, in the order of ``facts.yaml``, and the line in the export."""
    fields = [pa.field(name, ARROW[column.type]) for name, column in kind.columns.items() if name in columns]
    return pa.schema([*fields, pa.field(LINE, pa.int32())])


class Stage:
    """The good rows of one kind, in a file of their own until the whole export was read."""

    def __init__(self, kind: Kind, columns: tuple[str, ...], folder: Path) -> None:
        self.kind = kind
        self.schema = batch_schema(kind, columns)
        self.folder = folder
        self.path = folder / f"{kind.name}.staged.parquet"
        self._writer = pq.ParquetWriter(self.path, self.schema.append(pa.field(AS_OF, INSTANT)), compression="zstd")

    def add(self, frame: pd.DataFrame) -> None:
        if len(frame):
            schema = self._writer.schema
            self._writer.write_table(pa.table([pa.array(frame[name].tolist(), schema.field(name).type) for name in schema.names], schema))

    def close(self) -> None:
        self._writer.close()

    def instants(self) -> list[datetime]:
        """The instants of the rows, naive in UTC, oldest first."""
        found: list[datetime] = self._ask(f"SELECT DISTINCT {AS_OF} FROM staged ORDER BY 1").column(0).to_pylist()  # noqa: S608 - a constant
        return found

    def repeated(self) -> pa.Table:
        """The rows whose key another row of their instant has and which give way to it: line, instant, key, and whether they are the
        same as the row that stays (the first one, or the last where the kind says so)."""
        keys = ", ".join(_quoted(name) for name in self.kind.key)
        row = ", ".join(_quoted(name) for name in self.schema.names if name != LINE)
        order = "DESC" if self.kind.duplicates == "last" else "ASC"
        return self._ask(f"""
            WITH often AS (SELECT {keys}, {AS_OF} FROM staged GROUP BY ALL HAVING count(*) > 1),
            ranked AS (
                SELECT {LINE}, {AS_OF}, {keys}, row({row}) AS content, first_value(row({row})) OVER same_key AS kept,
                       row_number() OVER same_key AS place
                FROM staged SEMI JOIN often USING ({keys}, {AS_OF})
                WINDOW same_key AS (PARTITION BY {keys}, {AS_OF} ORDER BY {LINE} {order}))
            SELECT {LINE}, {AS_OF}, {keys}, content IS NOT DISTINCT FROM kept AS {SAME} FROM ranked WHERE place > 1 ORDER BY {LINE}
        """)  # noqa: S608 - the names are checked snake_case of facts.yaml

    def stores(self, as_of: datetime, without: pa.Array) -> tuple[tuple[str, ...], int]:
        """The stores that have a row of one instant, sorted, and the number of these rows."""
        found: set[str] = set()
        count = 0
        for table in self.rows(as_of, without, [STORE, LINE]):
            found.update(table.column(STORE).unique().to_pylist())
            count += table.num_rows
        return tuple(sorted(found)), count

    def rows(self, as_of: datetime, without: pa.Array, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """The rows of one instant in the order of the export, except the lines ``without``."""
        names = columns or self.schema.names
        with pq.ParquetFile(self.path) as file:
            for group in range(file.num_row_groups):
                if self._may_hold(file.metadata.row_group(group), as_of):
                    table = file.read_row_group(group, [*names, AS_OF])
                    wanted = pc.equal(table.column(AS_OF), pa.scalar(as_of, INSTANT))
                    if len(without):
                        wanted = pc.and_not(wanted, pc.is_in(table.column(LINE), without))
                    yield table.filter(wanted).select(names)

    def _may_hold(self, group: pq.RowGroupMetaData, as_of: datetime) -> bool:
        statistics = group.column(len(self.schema)).statistics
        return bool(statistics.min <= as_of <= statistics.max)

    def _ask(self, query: str) -> pa.Table:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY,
            "temp_directory": str(self.folder / "spill"),
            "threads": 2,
        }
        with duckdb.connect(config=config) as connection:
            connection.from_parquet(str(self.path)).create_view("staged")
            return connection.sql(query).to_arrow_table()


def _quoted(name: str) -> str:
    return f'"{name}"'
