"""What tests of ingest share: the shipped kinds, a project folder, and a short way to ingest text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from engine.facts import Facts
from engine.facts_file import load_facts
from engine.ingest import IngestReport, Options, ingest

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
AS_OF = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)


@dataclass
class Shop:
    """A folder with exports and snapshots."""

    folder: Path
    facts: Facts
    options: Options = Options(now=NOW, as_of=AS_OF, store="s1")

    @property
    def snapshots(self) -> Path:
        return self.folder / "snapshots"

    def write(self, name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    def ingest(self, source: Path | str, *kinds: str, **changes: object) -> IngestReport:
        return ingest(source, self.facts, self.snapshots, replace(self.options, kinds=kinds, **changes))  # type: ignore[arg-type]

    def rows(self, kind: str) -> list[dict[str, object]]:
        """All stored rows of a kind, oldest batch first, without the line numbers."""
        paths = sorted((self.snapshots / kind).glob("date=*/*.parquet"))
        rows = [row for path in paths for row in pq.read_table(path, partitioning=None).to_pylist()]
        return [{name: value for name, value in row.items() if name != "_line"} for row in rows]

    def files(self) -> dict[str, bytes]:
        """Every file under the snapshots, by its path, with its bytes."""
        found: Iterator[Path] = self.snapshots.rglob("*")
        return {str(path.relative_to(self.snapshots)): path.read_bytes() for path in found if path.is_file()}

    def quarantine(self, kind: str) -> str:
        (path,) = (self.snapshots / "_quarantine" / kind).glob("*.csv")
        return path.read_text(encoding="utf-8-sig")


@pytest.fixture(scope="session")
def facts() -> Facts:
    return load_facts(Path(__file__).parents[2] / "facts.yaml")


@pytest.fixture
def shop(tmp_path: Path, facts: Facts) -> Shop:
    return Shop(tmp_path, facts)


@pytest.fixture
def column(shop: Shop) -> Callable[[str, str, str], object]:
    """The value that one cell gets: kind, heading, text of the cell."""

    def value(kind: str, heading: str, text: str) -> object:
        key = shop.facts.kinds[kind].key[-1]
        quoted = '"' + text.replace('"', '""') + '"'
        path = shop.write("one.csv", f"{key},{heading}\nk1,{quoted}\n")
        name = {found: name for found, name in shop.ingest(path, kind).kinds[0].mapped}[heading]
        return shop.rows(kind)[-1][name]

    return value
