"""The compiled text: golden files of a few rules, other backends, and what they are refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from engine.errors import EvaluationError
from engine.matching.compile import Dialect
from engine.matching.evaluate import Matcher
from engine.matching.frames import Source
from engine.matching.queries import Query, verdict_query
from engine.snapshots import Snapshots
from tests.matching.folders import write_batch
from tests.matching.test_evaluate import NOW, SCHEMAS, ZONE, rule

GOLDEN = Path(__file__).parent / "golden"
RULES = {
    "dsr_drop": rule(
        "dsr < 4.7 or dsr < highest(dsr, 7d) - 0.05",
        where="status == 'open'",
        name="dsr_drop",
        show=("dsr", "highest(dsr, 7d)", "previous(dsr)"),
    ),
    "unfulfilled_orders": rule("count(order where status == 'paid' and age(paid_at) > 48h) >= 5", name="unfulfilled_orders"),
    "price_differs": rule("abs(amount - product.price) > 0.01", "order", "price_differs", show=("product.price",)),
    "sales_far_off": rule("sales > 0.85 * max(sales by status) or uv / 3 > mean(uv, 2w)", name="sales_far_off"),
}


@pytest.mark.parametrize("name", RULES)
def test_compiled_text(name: str, request: pytest.FixtureRequest) -> None:
    sql = verdict_query([RULES[name]], [None], SCHEMAS, Dialect.duckdb(ZONE), details=True).sql + "\n"
    path = GOLDEN / f"{name}.sql"
    if request.config.getoption("--regenerate"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(sql, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == sql


def test_equal_aggregates_of_several_rules_are_computed_once() -> None:
    rules = [rule(f"highest(dsr, 7d) > {n} and count(order) > {n} and mean(uv, 3d) > 1", name=f"rule{n}") for n in range(3)]
    query = verdict_query(rules, [None] * 3, SCHEMAS, Dialect.duckdb(ZONE), details=True)
    assert [query.sql.count(table) for table in ('"current_store"', '"history_store_604800s"', '"current_order"')] == [1, 1, 1]
    assert (query.sql.count("MAX("), query.sql.count("AVG("), query.sql.count("COUNT(")) == (1, 1, 1)


@pytest.mark.parametrize("backend", ["postgres", "trino", "bigquery"])
def test_the_same_rules_compile_for_other_backends(backend: str) -> None:
    dialect = Dialect.portable(backend, NOW, ZONE)
    query = verdict_query([RULES["dsr_drop"], RULES["unfulfilled_orders"]], [None, None], SCHEMAS, dialect, details=False)
    assert "getvariable" not in query.sql.lower()


def test_what_a_backend_cannot_do_is_refused_by_name() -> None:
    with pytest.raises(EvaluationError) as caught:
        verdict_query([rule("hour(opened) > 8")], [None], SCHEMAS, Dialect.portable("trino", NOW, ZONE), details=False)
    assert "hour()" in caught.value.text.en and "trino" in caught.value.text.en
    assert caught.value.hint


def test_what_was_compiled_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_batch(tmp_path, SCHEMAS["store"], NOW, [{"store_id": "s1", "dsr": 4.6, "status": "open"}])
    snapshots, dsr_drop = Snapshots(tmp_path), RULES["dsr_drop"]
    first = Matcher(SCHEMAS, ZONE).evaluate([dsr_drop], snapshots, NOW)
    assert len(first["dsr_drop"].candidates) == 1
    monkeypatch.setattr("engine.matching.evaluate.verdict_query", _refuse)
    assert Matcher(SCHEMAS, ZONE).evaluate([dsr_drop], snapshots, NOW) == first
    for other, zone in ((RULES["sales_far_off"], ZONE), (dsr_drop, "Europe/Berlin")):
        with pytest.raises(AssertionError, match="compiled"):
            Matcher(SCHEMAS, zone).evaluate([other], snapshots, NOW)


def _refuse(*_: object, **__: object) -> Query:
    raise AssertionError("compiled once more")


def test_a_query_is_read_as_it_was_written() -> None:
    histories = {Source("history", "order", timedelta(days=7)), Source("history", "store"), Source("history", "store", turns=("status",))}
    query = Query("SELECT '店'", frozenset({Source("current", "store"), Source("history", "shift", turns=())} | histories))
    assert Query.from_json(query.to_json()) == query
