"""What the simulator writes, the ingest reads: under the starter's ``facts.yaml`` no row of any export is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from engine.facts_file import load_facts
from engine.ingest import Options as Taking
from engine.ingest import ingest
from engine.simulate.plan import Options
from engine.simulate.run import simulate
from tests.simulate import exports

FACTS = Path(__file__).parents[2] / "facts.yaml"
NOW = datetime(2026, 12, 1, tzinfo=UTC)
NEEDED = {
    "store": {"name", "platform", "dsr_desc", "dsr_service", "dsr_logistics", "industry_dsr_desc", "uv", "sales"},
    "order": {"status", "created_at", "paid_at", "amount", "remark"},
    "product": {"title", "status", "price", "final_price", "image_price", "stock"},
    "placement": {"kind", "page", "live", "starts_at", "ends_at", "product_id", "text_price"},
    "promotion": {"state", "starts_at", "ends_at", "promo_price"},
    "review": {"score", "created_at", "content", "product_id"},
    "ad_campaign": {"enabled", "daily_budget", "spent", "roi"},
    "ad_account": {"balance", "overdrawn"},
}


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run of a few stores with all kinds, and the snapshots of its third day."""
    folder, snapshots = tmp_path_factory.mktemp("exports"), tmp_path_factory.mktemp("snapshots")
    simulate(folder, Options(stores=4, days=7, everything=True))
    facts = load_facts(FACTS)
    for row in exports.manifest(folder).itertuples():
        if not row.file.startswith("2026-11-04"):
            continue
        store = "" if row.store == "*" else row.store
        taking = Taking(NOW, tuple(row.kind.split("+")), row.as_of.to_pydatetime(), store, all_stores=not store, allow_empty=True)
        for report in ingest(folder / row.file, facts, snapshots, taking).kinds:
            assert report.quarantined == 0, (row.file, report.reasons)
            assert report.kind in row.kind.split("+")
            missing = NEEDED.get(report.kind, set()) - {column for _, column in report.mapped}
            assert not missing, (row.file, missing)
    return folder, snapshots


def column(snapshots: Path, kind: str, name: str) -> list[object]:
    return [value for path in sorted(snapshots.glob(f"{kind}/*/*.parquet")) for value in pq.read_table(path)[name].to_pylist()]


def test_all_fifteen_kinds_arrive(taken: tuple[Path, Path]) -> None:
    assert {path.name for path in taken[1].iterdir() if not path.name.startswith("_")} == set(load_facts(FACTS).kinds)


def test_orders_of_every_platform_mean_the_same(taken: tuple[Path, Path]) -> None:
    _, snapshots = taken
    assert {"paid", "shipped", "closed"} <= set(column(snapshots, "order", "status"))
    assert {str(store)[:2] for store in column(snapshots, "order", "store_id")} == {"tb", "jd", "pd", "dy"}
    paid = [value for value in column(snapshots, "order", "paid_at") if value]
    assert all(datetime(2026, 10, 20) < value < datetime(2026, 11, 4, 8) for value in paid)
    assert all(Decimal(20) < value < Decimal(1000) for value in column(snapshots, "order", "amount"))


def test_cents_are_kept_exactly(taken: tuple[Path, Path]) -> None:
    folder, snapshots = taken
    written = exports.read(folder, "2026-11-04/0830-all-product.csv")["图片价格"].str.replace(",", "")
    assert column(snapshots, "product", "image_price") == [None if text == "-" else Decimal(text) for text in written]


def test_no_personal_value_is_stored(taken: tuple[Path, Path]) -> None:
    for path in taken[1].glob("order/*/*.parquet"):
        text = str(pq.read_table(path).to_pylist())
        for value in ("测试买家", "测试收货人", "测试收件人", "测试客户", "示例路", "示例小区", "1000000", "@example.com"):
            assert value not in text.replace("TEST0000000", ""), (path, value)
