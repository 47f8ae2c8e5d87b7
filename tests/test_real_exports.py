"""The examples in docs/ on the real data they were made for, held against plain pandas. Skipped where the data is not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from engine.facts import Facts
from engine.facts_file import load_facts
from engine.ingest import IngestReport, Options, ingest
from engine.matching.evaluate import evaluate
from engine.model import Candidate
from engine.rules import AlertRule, read_rules
from engine.snapshots import Snapshots
from engine.yamlfile import load

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("STOREWATCH_SHARED_DATA", ROOT.parent / "shared" / "data"))
NOW = datetime(2026, 11, 21, tzinfo=UTC)
EXAMPLES = ("olist", "double11")

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real exports are not in {DATA}; set STOREWATCH_SHARED_DATA")


def example(name: str) -> tuple[Facts, tuple[AlertRule, ...]]:
    folder = ROOT / "docs" / "examples" / name
    facts = load_facts(folder / "facts.yaml")
    read = read_rules(load(folder / "rules.yaml"), facts.schemas, facts.time_zone)
    assert not read.problems, "\n".join(problem.render() for problem in read.problems)
    return facts, read.rules


def found(name: str, rule: str, snapshots: Path, at: datetime) -> dict[tuple[str, ...], Candidate]:
    facts, rules = example(name)
    result = evaluate(rules, Snapshots(snapshots), facts.schemas, at, facts.time_zone)[rule]
    assert result.error is None, result.error
    return {candidate.identity.key: candidate for candidate in result.candidates}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_right(name: str) -> None:
    facts, rules = example(name)
    assert len(facts.kinds) >= 15 and rules


# ---- Olist: Black Friday 2017 was on 24 November --------------------------------------------------------------------------------

MOMENT = "2017-11-28 00:00:00"
AT = datetime(2017, 11, 28, 2, tzinfo=UTC)  # São Paulo had summer time, UTC-2


@pytest.fixture(scope="module")
def olist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, IngestReport]]]:
    folder = tmp_path_factory.mktemp("olist") / "snapshots"
    facts, _ = example("olist")
    files = {"order_items": ("order", "store"), "orders": ("purchase",), "order_reviews": ("review",)}
    reports = {}
    for name, kinds in files.items():
        store = "" if name == "order_items" else "olist"
        options = Options(now=NOW, kinds=kinds, as_of=AT, store=store, all_stores=True)
        reports[name] = ingest(DATA / f"olist_{name}.csv", facts, folder, options)
    yield folder, reports


def olist_backlog() -> pd.Series:
    """Items by seller that are past their shipping limit, paid for, and not yet with the carrier."""
    items = pd.read_csv(DATA / "olist_order_items.csv").merge(pd.read_csv(DATA / "olist_orders.csv"), on="order_id")
    past = items.shipping_limit_date < MOMENT
    paid = items.order_approved_at <= MOMENT
    waiting = items.order_delivered_carrier_date.isna() | (items.order_delivered_carrier_date > MOMENT)
    closed = items.order_status.isin(["canceled", "unavailable"])
    return items[past & paid & waiting & ~closed].groupby("seller_id").size()


@needs_data
def test_olist_is_ingested_whole(olist: tuple[Path, dict[str, IngestReport]]) -> None:
    _, reports = olist
    counts = {kind.kind: (kind.read, kind.stored, kind.quarantined) for report in reports.values() for kind in report.kinds}
    items = pd.read_csv(DATA / "olist_order_items.csv")
    orders, reviews = pd.read_csv(DATA / "olist_orders.csv"), pd.read_csv(DATA / "olist_order_reviews.csv")
    assert counts == {
        "order": (len(items), len(items), 0),
        "store": (len(items), items.seller_id.nunique(), 0),
        "purchase": (len(orders), len(orders), 0),
        "review": (len(reviews), len(reviews), 0),
    }
    again = ingest(DATA / "olist_orders.csv", example("olist")[0], olist[0], Options(now=NOW, as_of=AT, store="olist", all_stores=True))
    assert again.kinds[0].kind == "purchase" and again.kinds[0].batches[0].already


@needs_data
def test_the_backlog_after_black_friday_agrees_with_pandas(olist: tuple[Path, dict[str, IngestReport]]) -> None:
    backlog = olist_backlog()
    expected = {(seller,): int(count) for seller, count in backlog[backlog >= 5].items()}
    candidates = found("olist", "unfulfilled_orders", olist[0], AT)
    assert {key: int(str(candidate.shown[0].value)) for key, candidate in candidates.items()} == expected
    assert expected
    assert all(candidate.evidence for candidate in candidates.values())


# ---- Double 11, 2016 ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def double11(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, IngestReport]]:
    folder = tmp_path_factory.mktemp("double11") / "snapshots"
    facts, _ = example("double11")
    yield folder, ingest(DATA / "tmall_double11_cosmetics.csv", facts, folder, Options(now=NOW))


def over(day: int) -> datetime:
    """The end of a day of November 2016 in Shanghai."""
    return datetime(2016, 11, day, 16, tzinfo=UTC)


def prices() -> pd.DataFrame:
    """Price by product (rows) and day of November (columns)."""
    table = pd.read_csv(DATA / "tmall_double11_cosmetics.csv").drop_duplicates()
    return table.assign(day=table.update_time.str.split("/").str[2].astype(int)).pivot(index="id", columns="day", values="price")


@needs_data
def test_double11_is_split_into_days(double11: tuple[Path, IngestReport]) -> None:
    _, report = double11
    (kind,) = report.kinds
    assert kind.kind == "product"
    assert (kind.read, kind.stored, kind.repeated, kind.quarantined) == (27_598, 27_512, 86, 0)
    assert [batch.as_of for batch in kind.batches] == [over(day) for day in range(5, 15)]


@needs_data
@pytest.mark.parametrize("day", [11, 12])
def test_changed_prices_agree_with_pandas(day: int, double11: tuple[Path, IngestReport]) -> None:
    table = prices()
    before, after = table[day - 1], table[day]
    expected = {(product,) for product in table.index[before.notna() & after.notna() & (before != after)]}
    candidates = found("double11", "price_changed", double11[0], over(day))
    assert set(candidates) == expected
    assert expected


@needs_data
def test_prices_that_were_not_restored_agree_with_pandas(double11: tuple[Path, IngestReport]) -> None:
    table = prices()
    expected = table.index[(table[11] < table[10]) & (table[12] < table[10])]
    candidates = found("double11", "promotion_not_restored", double11[0], over(12))
    assert set(candidates) == {(product,) for product in expected}
    assert len(expected) == 201
    restored = table.index[(table[11] < table[10]) & (table[12] == table[10])]
    assert len(restored) == 384
    product = expected[0]
    shown = [item.value for item in candidates[(product,)].shown]
    assert shown == [Decimal(str(table.at[product, day])) for day in (12, 11, 10)]
