"""The end of keeping."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import SnapshotError, UsageError
from engine.ingest import prune, remove_batch
from engine.snapshots import Snapshots
from tests.ingest.conftest import NOW, Shop


def stored(shop: Shop) -> list[str]:
    return sorted(name.split("/")[1].removeprefix("date=") for name in shop.files() if name.endswith(".parquet"))


def day(number: int) -> datetime:
    return datetime(2026, 11, number, tzinfo=UTC)


def fill(shop: Shop) -> None:
    for number, store in ((1, "s1"), (2, "s2"), (5, "s1"), (15, "s1")):
        shop.ingest(shop.write("o.csv", f"订单编号,买家实际支付金额\n{number},5\n"), "order", as_of=day(number), store=store)


def test_old_batches_go_but_the_newest_of_each_store_stays(shop: Shop) -> None:
    fill(shop)
    (removed,) = prune(shop.snapshots, timedelta(days=10), NOW)
    assert (removed.batches, removed.rows) == (2, 2)
    assert removed.bytes > 0
    assert stored(shop) == ["2026-11-02", "2026-11-15"]
    assert not (shop.snapshots / "order" / "date=2026-11-01").exists()


def test_everything_old_may_go(shop: Shop) -> None:
    fill(shop)
    prune(shop.snapshots, timedelta(days=10), NOW, everything=True)
    assert stored(shop) == ["2026-11-15"]


def test_a_batch_for_all_stores_ends_the_need_of_older_ones(shop: Shop) -> None:
    fill(shop)
    shop.ingest(shop.write("o.csv", "订单编号,店铺Id,买家实际支付金额\n9,s1,5\n"), "order", as_of=day(3), store="", all_stores=True)
    prune(shop.snapshots, timedelta(days=10), NOW)
    assert stored(shop) == ["2026-11-03", "2026-11-15"]


def test_quarantine_lists_go_with_age(shop: Shop) -> None:
    lines = "订单编号,买家实际支付金额\n" + "".join(f"{n},1\n" for n in range(40)) + "x,bad\n"
    for number in (1, 20):
        shop.ingest(shop.write("o.csv", lines), "order", as_of=day(number))
    (removed,) = prune(shop.snapshots, timedelta(days=10), NOW)
    assert (removed.batches, removed.quarantine_files) == (1, 1)
    assert [name.split("/")[-1][:8] for name in shop.files() if name.startswith("_quarantine")] == ["20261120"]


def test_nothing_to_prune(shop: Shop) -> None:
    assert prune(shop.snapshots, timedelta(days=1), NOW) == ()


def test_a_dry_run_tells_the_same_and_removes_nothing(shop: Shop) -> None:
    fill(shop)
    before = shop.files()
    told = prune(shop.snapshots, timedelta(days=10), NOW, dry_run=True)
    assert shop.files() == before
    assert prune(shop.snapshots, timedelta(days=10), NOW) == told


def test_one_batch_goes_and_nothing_else(shop: Shop) -> None:
    fill(shop)
    before = shop.files()
    newest = Snapshots(shop.snapshots).batches("order")[-1]
    removed = remove_batch(shop.snapshots, newest.id)
    assert (removed.kind, removed.batches, removed.rows, removed.quarantine_files) == ("order", 1, 1, 0)
    assert set(before) - set(shop.files()) == {str(newest.path.relative_to(shop.snapshots))}
    assert Snapshots(shop.snapshots).batches("order")[-1].as_of == day(5)


@pytest.mark.parametrize("name", ["order/20261115T000000Z-000000000000", "order", "../../etc/passwd", "order/../../20261115T000000Z-0", ""])
def test_a_batch_that_is_not_there(name: str, shop: Shop) -> None:
    fill(shop)
    before = shop.files()
    with pytest.raises(UsageError, match="there is no batch"):
        remove_batch(shop.snapshots, name)
    assert shop.files() == before


def test_what_cannot_be_removed_is_told(shop: Shop) -> None:
    """A folder where a list should be: as with a read-only disk, the system refuses."""
    (shop.snapshots / "_quarantine" / "order" / "20200101T000000Z-0.csv").mkdir(parents=True)
    with pytest.raises(SnapshotError, match="cannot be removed: a folder is where a file should be") as caught:
        prune(shop.snapshots, timedelta(days=10), NOW)
    assert "应为文件的地方是一个文件夹" in caught.value.text.zh
