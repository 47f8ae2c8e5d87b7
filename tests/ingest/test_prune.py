"""The end of keeping."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.ingest import prune
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
