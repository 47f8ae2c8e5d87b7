"""What rules find: edges, missing and stale data, severities, evidence, hostile names, failures that stay alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from engine.errors import Text
from engine.language import Scope, understand
from engine.language.typed import Node
from engine.matching.evaluate import Matcher, evaluate
from engine.matching.trends import trend
from engine.model import ALL_STORES, Identity, KindSchema, RuleInfo, RuleResult, Severity, Shown, Stores, Type
from engine.rules import AlertRule, Evidence, Labelled
from engine.snapshots import Snapshots
from tests.matching.folders import kind, write_batch

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ZONE = "Asia/Shanghai"
STORE = kind(
    "store",
    "store_id",
    DAY,
    dsr=Type.NUMBER,
    uv=Type.INTEGER,
    sales=Type.MONEY,
    rate=Type.PERCENT,
    status=Type.STRING,
    platform=Type.STRING,
    opened=Type.TIMESTAMP,
)
PRODUCT = kind("product", "product_id", DAY, price=Type.MONEY, stock=Type.INTEGER)
ORDER = kind(
    "order",
    "order_id",
    2 * HOUR,
    {"product_id": "product"},
    product_id=Type.STRING,
    status=Type.STRING,
    paid_at=Type.TIMESTAMP,
    amount=Type.MONEY,
)
SCHEMAS: Mapping[str, KindSchema] = {schema.name: schema for schema in (STORE, PRODUCT, ORDER)}


def node(text: str, kind: str = "store", condition: bool = False) -> Node:
    return understand(text, Scope(kind, SCHEMAS, ZONE), condition=condition)


def rule(when: str, kind: str = "store", name: str = "rule", show: tuple[str, ...] = (), **more: Any) -> AlertRule:
    info = RuleInfo(name, Text.same(name), Severity.WARNING, unknown=more.pop("unknown", "keep"))
    where = node(more.pop("where"), kind, True) if "where" in more else None
    return AlertRule(info, kind, node(when, kind, True), where, show=tuple(Labelled(Text.same(s), node(s, kind)) for s in show), **more)


def run(
    folder: Path, *rules: AlertRule, at: datetime = NOW, active: Mapping[str, frozenset[Identity]] | None = None
) -> dict[str, RuleResult]:
    return evaluate(rules, Snapshots(folder), SCHEMAS, at, ZONE, active or {})


def found(result: RuleResult) -> list[str]:
    assert result.error is None, result.error
    return ["/".join(candidate.identity.key) for candidate in result.candidates]


def stores(folder: Path, as_of: datetime = NOW, scope: Any = "*", **columns: list[Any]) -> Path:
    """Stores a, b, c ... with the given columns."""
    count = max(map(len, columns.values()))
    rows = [{"store_id": chr(97 + i), **{name: values[i] for name, values in columns.items()}} for i in range(count)]
    return write_batch(folder, STORE, as_of, rows, scope)


@pytest.mark.parametrize(
    ("when", "keys"),
    [
        ("dsr < 4.85", ["b"]),
        ("dsr < 4.90 - 0.05", ["b"]),
        ("dsr <= 4.90 - 0.05", ["a", "b"]),
        ("dsr + 0.05 == 4.90", ["a"]),
        ("dsr * 3 == 14.55", ["a"]),
        ("dsr / 3 * 3 == 4.85", ["a"]),
        ("dsr != 4.85", ["b", "c"]),
        ("round(dsr, 1) == 4.9", ["a", "c"]),
        ("dsr between 4.849999 and 4.85", ["a", "b"]),
        ("dsr in (4.85, 4.86)", ["a"]),
        ("least(dsr, 4.85) < 4.85", ["b"]),
    ],
)
def test_a_rating_at_exactly_the_threshold(tmp_path: Path, when: str, keys: list[str]) -> None:
    stores(tmp_path, dsr=[Decimal("4.85"), Decimal("4.849999"), Decimal("4.9")])
    assert found(run(tmp_path, rule(when))["rule"]) == keys


@pytest.mark.parametrize(
    ("when", "keys"),
    [
        ("abs(amount - product.price) > 0.01", ["two"]),
        ("abs(amount - product.price) >= 0.01", ["one", "two"]),
        ("amount == product.price", ["same"]),
    ],
)
def test_a_price_a_cent_apart(tmp_path: Path, when: str, keys: list[str]) -> None:
    write_batch(tmp_path, PRODUCT, NOW, [{"store_id": "a", "product_id": "p", "price": Decimal("19.9")}])
    amounts = {"same": "19.90", "one": "19.89", "two": "19.92", "unknown": None}
    rows = [{"store_id": "a", "order_id": key, "product_id": "p", "amount": value and Decimal(value)} for key, value in amounts.items()]
    write_batch(tmp_path, ORDER, NOW, rows)
    result = run(tmp_path, rule(when, "order"))["rule"]
    assert found(result) == keys
    assert result.unknown_count == 1


HUGE: dict[str, Any] = {
    "platform": ["jd", "jd"],
    "sales": [Decimal("99999999999999.9999"), Decimal("-99999999999999.9999")],
    "uv": [2**63 - 1, -(2**63)],
    "dsr": [Decimal("999999999999.999999"), Decimal("-999999999999.999999")],
    "rate": [Decimal("9999999999.99999999"), Decimal("-9999999999.99999999")],
}


@pytest.mark.parametrize(
    "when",
    [
        "sales + sales > 0",
        "sales * 2.5 - sales > 0",
        "dsr * sales > 0 and sales > 0",
        "dsr * dsr * dsr > 0",
        "rate * rate * sales * uv > 0 and uv > 0",
        "uv + uv > 0",
        "uv * uv > 0 and uv > 0",
        "-uv < 0",
        "abs(uv) > 0 and uv > 0",
        "uv * 3 - uv * 2 > 1",
        "sales / 0.0001 > 0",
        "round(sales + sales, 2) > 0",
        "sum(sales by platform) == 0 and sum(uv by platform) == -1 and uv > 0",
        "sum(sales * dsr by store_id) > 0 and sales > 0",
        "coalesce(dsr, uv) > 0",
        "greatest(dsr, uv) == uv and uv > 0",
        "uv > 0.5",
        "dsr * 999999999999999999 > 1",
    ],
)
def test_no_legal_value_overflows(tmp_path: Path, when: str) -> None:
    stores(tmp_path, **HUGE)
    assert found(run(tmp_path, rule(when))["rule"]) == ["a"]


def test_missing_values_are_unknown_and_counted(tmp_path: Path) -> None:
    stores(tmp_path, dsr=[Decimal(4), None, Decimal(5), None], uv=[1, 1, None, None])
    result = run(tmp_path, rule("dsr < 4.5"), rule("dsr < 4.5 or uv == 1", name="either"), rule("dsr < 4.5 and uv == 1", name="both"))
    assert [(found(r), r.unknown_count) for r in result.values()] == [(["a"], 2), (["a", "b"], 2), (["a"], 2)]


def test_unknown_identities_are_told_of_the_active_and_where_wanted(tmp_path: Path) -> None:
    stores(tmp_path, dsr=[None, None])
    active = {"rule": frozenset({Identity("rule", ("b",)), Identity("rule", ("gone",))})}
    results = run(tmp_path, rule("dsr < 4"), rule("dsr < 4", name="loud", unknown="alert"), active=active)
    assert results["rule"].unknown == {Identity("rule", ("b",))}
    assert results["rule"].present == {Identity("rule", ("b",))}
    assert results["loud"].unknown == {Identity("loud", ("a",)), Identity("loud", ("b",))}


def test_a_row_out_of_scope_is_present_but_not_judged(tmp_path: Path) -> None:
    stores(tmp_path, dsr=[Decimal(1), Decimal(1), Decimal(1)], status=["open", "closed", None])
    active = {"rule": frozenset({Identity("rule", (key,)) for key in "abz"})}
    result = run(tmp_path, rule("dsr < 4", where="status == 'open'"), active=active)["rule"]
    assert (found(result), result.unknown_count, result.judged) == (["a"], 1, 2)
    assert {identity.key[0] for identity in result.present} == {"a", "b"}


def test_a_column_that_no_file_has_is_missing(tmp_path: Path) -> None:
    write_batch(tmp_path, STORE, NOW, [{"store_id": "a", "dsr": Decimal(4)}], columns=["store_id", "dsr"])
    write_batch(tmp_path, STORE, NOW - HOUR, [{"store_id": "b", "uv": 3}], ["b"], columns=["uv", "store_id"])
    results = run(tmp_path, rule("uv is missing and dsr == 4", name="one"), rule("sales > 1", name="two"))
    assert found(results["one"]) == ["a"]
    assert results["two"].unknown_count == 1


def test_files_with_different_columns_are_read_together(tmp_path: Path) -> None:
    write_batch(tmp_path, STORE, NOW, [{"store_id": "a", "dsr": Decimal(4)}], ["a"], columns=["store_id", "dsr"])
    write_batch(tmp_path, STORE, NOW - HOUR, [{"store_id": "b", "uv": 3}], ["b"], columns=["uv", "store_id"])
    results = run(tmp_path, rule("uv == 3", name="one"), rule("dsr == 4", name="two"))
    assert [found(result) for result in results.values()] == [["b"], ["a"]]


def test_a_column_stored_under_an_older_type_is_read_as_declared(tmp_path: Path) -> None:
    rows = [{"store_id": "a", "dsr": "4.5", "uv": 7}, {"store_id": "b", "dsr": "none", "uv": 8}]
    write_batch(tmp_path, STORE, NOW, rows, columns=["store_id", "dsr", "uv"], types={"dsr": pa.string(), "uv": pa.int16()})
    result = run(tmp_path, rule("dsr == 4.5 and uv == 7"))["rule"]
    assert found(result) == ["a"]


def test_stale_stores_are_not_judged(tmp_path: Path) -> None:
    stores(tmp_path, NOW - 3 * DAY, dsr=[Decimal(1), Decimal(1)])
    stores(tmp_path, NOW, scope=["a"], dsr=[Decimal(1)])
    result = run(tmp_path, rule("dsr < 4"))["rule"]
    assert (found(result), result.fresh_stores) == (["a"], Stores(frozenset("a")))
    assert run(tmp_path, rule("dsr < 4"), at=NOW + 9 * DAY)["rule"] == RuleResult("rule")


def test_a_rule_knows_only_stores_fresh_in_every_kind_it_reads(tmp_path: Path) -> None:
    stores(tmp_path, dsr=[Decimal(1), Decimal(1)])
    write_batch(tmp_path, ORDER, NOW - HOUR, [], ["a"])
    write_batch(tmp_path, ORDER, NOW - 5 * HOUR, [], ["b"])
    results = run(tmp_path, rule("no order"), rule("dsr < 4", name="own", show=("count(order)",)))
    assert (found(results["rule"]), results["rule"].fresh_stores) == (["a"], Stores(frozenset("a")))
    assert (found(results["own"]), results["own"].fresh_stores) == (["a", "b"], ALL_STORES)


def test_stores_of_a_kind_for_all_but_some(tmp_path: Path) -> None:
    stores(tmp_path, dsr=[Decimal(1)] * 3)
    write_batch(tmp_path, ORDER, NOW - HOUR, [{"store_id": store, "order_id": store} for store in "abc"])
    write_batch(tmp_path, ORDER, NOW, [], ["b"])
    result = run(tmp_path, rule("count(order) == 1"))["rule"]
    assert (found(result), result.fresh_stores) == (["a", "c"], ALL_STORES)


def test_a_key_in_two_stores_counts_once_in_the_newest_batch(tmp_path: Path) -> None:
    for hours, store in enumerate("ab"):
        write_batch(tmp_path, ORDER, NOW - hours * HOUR, [{"store_id": store, "order_id": "1", "amount": Decimal(hours)}], [store])
    stores(tmp_path, dsr=[Decimal(1), Decimal(1)])
    results = run(tmp_path, rule("amount >= 0", "order", show=("amount",)), rule("count(order) == 1", name="count"))
    assert [(c.store_id, c.shown[0].value) for c in results["rule"].candidates] == [("a", Decimal(0))]
    assert found(results["count"]) == ["a"]


def test_history_is_counted_from_each_stores_own_batch(tmp_path: Path) -> None:
    for day, uv in enumerate([9, 10, 30, 80]):
        stores(tmp_path, NOW - day * DAY, ["a"], uv=[uv])
        stores(tmp_path, NOW - day * DAY - HOUR, ["a", "b"], uv=[0, uv])
    shown = ("previous(uv)", "ago(uv, 2d)", "highest(uv, 2d)", "mean(uv, 2d)", "total(uv, 3d)", "seen_for()", "changes(uv, 3d)")
    result = run(tmp_path, rule("uv == 9", show=shown))["rule"]
    by_store = {candidate.store_id: [shown.value for shown in candidate.shown] for candidate in result.candidates}
    assert by_store["b"] == [10, 30, 30, 20.0, 120, 3 * DAY, 3]
    assert by_store["a"] == [0, 30, 30, 10.0, 120, 3 * DAY + HOUR, 6]


def test_the_worst_severity_that_holds_comes_first(tmp_path: Path) -> None:
    stores(tmp_path, dsr=[Decimal("4.6"), Decimal("4.4"), Decimal("4.5")])
    severities = ((Severity.CRITICAL, node("dsr < 4.5", condition=True)), (Severity.WARNING, None))
    result = run(tmp_path, replace(rule("dsr < 4.7"), severities=severities))["rule"]
    assert [(c.identity.key[0], c.severity) for c in result.candidates] == [
        ("b", Severity.CRITICAL),
        ("a", Severity.WARNING),
        ("c", Severity.WARNING),
    ]


def test_where_no_severity_holds_the_mildest_counts(tmp_path: Path) -> None:
    stores(tmp_path, dsr=[Decimal(4)], uv=[None])
    severities = ((Severity.CRITICAL, node("uv > 5", condition=True)), (Severity.INFO, node("uv < 5", condition=True)))
    result = run(tmp_path, replace(rule("dsr < 4.7"), severities=severities))["rule"]
    assert [c.severity for c in result.candidates] == [Severity.INFO]


def test_shown_values_are_plain(tmp_path: Path) -> None:
    stores(
        tmp_path, dsr=[Decimal("4.70")], uv=[10], sales=[Decimal("100")], rate=[Decimal("0.05")], opened=[NOW - 30 * HOUR], status=["开"]
    )
    shows = (
        "dsr",
        "uv",
        "sales",
        "rate",
        "uv / 3",
        "age(opened)",
        "opened",
        "date(opened)",
        "status",
        "uv > 3",
        "sales * 1.10",
        "hour(now)",
    )
    result = run(tmp_path, rule("uv == 10", show=shows))["rule"]
    values = [shown.value for shown in result.candidates[0].shown]
    assert values == [
        Decimal("4.7"),
        10,
        Decimal("100"),
        Decimal("0.05"),
        3.333333333,
        30 * HOUR,
        NOW - 30 * HOUR,
        (NOW - 22 * HOUR).date(),
        "开",
        True,
        Decimal("110"),
        12,
    ]
    assert [str(value) for value in values[:4]] == ["4.7", "10", "100", "0.05"]
    assert result.candidates[0].as_of == NOW


ORDERS = [
    {
        "store_id": store,
        "order_id": f"{store}{number}",
        "product_id": f"p{number % 3}",
        "status": "paid",
        "paid_at": paid,
        "amount": Decimal(number),
    }
    for store in "ab"
    for number, paid in enumerate([NOW - 3 * HOUR, NOW - 9 * HOUR, None, NOW - 5 * HOUR, NOW - 5 * HOUR])
]


def evidence(**more: Any) -> Evidence:
    shown = (Labelled(Text.same("order"), node("order_id", "order")), Labelled(Text.same("amount"), node("amount", "order")))
    return Evidence("order", "store_id", more.pop("where", None), shown, order=node("paid_at", "order"), **more)


def listed(result: RuleResult) -> dict[str, list[tuple[Any, ...]]]:
    return {c.store_id: [tuple(shown.value for shown in row) for row in c.evidence] for c in result.candidates}


def test_evidence_lists_the_first_rows_in_order_missing_last(tmp_path: Path) -> None:
    stores(tmp_path, dsr=[Decimal(4), Decimal(5)])
    write_batch(tmp_path, ORDER, NOW, ORDERS)
    oldest = run(tmp_path, rule("dsr == 4", evidence=evidence(top=4)))["rule"]
    assert listed(oldest) == {"a": [("a1", Decimal(1)), ("a3", Decimal(3)), ("a4", Decimal(4)), ("a0", Decimal(0))]}
    newest = run(tmp_path, rule("dsr == 4", evidence=evidence(descending=True, where=node("amount < 3", "order", True))))["rule"]
    assert listed(newest) == {"a": [("a0", Decimal(0)), ("a1", Decimal(1)), ("a2", Decimal(2))]}


def test_evidence_lists_the_largest_groups_with_their_first_row(tmp_path: Path) -> None:
    stores(tmp_path, dsr=[Decimal(4), Decimal(4)])
    write_batch(tmp_path, ORDER, NOW, ORDERS)
    result = run(tmp_path, rule("dsr == 4", evidence=evidence(group="product_id", top=2), max_alerts=1))["rule"]
    assert listed(result) == {"a": [("p0", "a3", Decimal(3), 2), ("p1", "a1", Decimal(1), 2)], "b": []}
    assert result.candidates[0].evidence[0][-1] == Shown(Text("count", "数量"), 2, Type.INTEGER)


def test_a_failing_rule_does_not_stop_the_others(tmp_path: Path) -> None:
    stores(tmp_path, dsr=[Decimal(4)])
    path = write_batch(tmp_path, ORDER, NOW, ORDERS)
    path.write_bytes(b"PAR1 broken")
    results = run(tmp_path, rule("dsr == 4"), rule("no order", name="orders"))
    assert found(results["rule"]) == ["a"]
    error = results["orders"].error
    assert error is not None and str(path) in error.en and str(path) in error.zh
    assert results["orders"] == RuleResult("orders", error=error)


def test_names_from_outside_stay_values(tmp_path: Path) -> None:
    folder = tmp_path / "it's [a] *?; DROP TABLE"
    odd = ["o'; DROP VIEW current_store; --", '"', "{{ 7*7 }}", "店\n铺"]
    write_batch(folder, STORE, NOW - HOUR, [{"store_id": name, "dsr": Decimal(4)} for name in odd])
    write_batch(folder, STORE, NOW, [{"store_id": odd[0], "dsr": Decimal(3)}], [odd[0]])
    write_batch(folder, ORDER, NOW, [{"store_id": name, "order_id": name} for name in odd[:2]], odd[:2])
    active = {"rule": frozenset({Identity("rule", (odd[1],))})}
    results = run(folder, rule("dsr < 5", evidence=evidence()), rule("count(order) > 0", name="orders"), active=active)
    assert set(found(results["rule"])) == set(odd)
    assert results["rule"].present == active["rule"]
    assert set(found(results["orders"])) == set(odd[:2])


def test_one_matcher_serves_one_instant_after_another(tmp_path: Path) -> None:
    for day in range(5):
        stores(tmp_path, NOW - day * DAY, opened=[NOW - 2 * DAY], dsr=[Decimal(day)])
    matcher, snapshots = Matcher(SCHEMAS, ZONE), Snapshots(tmp_path)
    old = rule("age(opened) > 24h and dsr >= 0", show=("dsr", "age(opened)"))
    seen = [matcher.evaluate([old], snapshots, NOW - day * DAY)["rule"] for day in range(4)]
    assert [[shown.value for c in result.candidates for shown in c.shown] for result in seen] == [[Decimal(0), 2 * DAY], [], [], []]
    stores(tmp_path, NOW + HOUR, opened=[NOW - 3 * DAY], dsr=[Decimal(7)])
    late = matcher.evaluate([old], snapshots, NOW + HOUR)["rule"].candidates[0]
    assert (late.as_of, [shown.value for shown in late.shown]) == (NOW + HOUR, [Decimal(7), 3 * DAY + HOUR])


def test_verdicts_are_columns(tmp_path: Path) -> None:
    stores(tmp_path, dsr=[Decimal(4), None, Decimal(5)])
    table = Matcher(SCHEMAS, ZONE).verdicts([rule("dsr < 4.5", name="low"), rule("dsr is missing", name="gone")], Snapshots(tmp_path), NOW)
    rows = table.select(["store_id", "low", "gone"]).sort_by("store_id").to_pylist()
    assert rows == [{"store_id": "a", "low": True, "gone": False}, {"store_id": "b", "low": None, "gone": True}]


def test_a_trend_has_the_last_value_of_each_day(tmp_path: Path) -> None:
    for hours, uv in {0: 5, 20: 4, 24: 3, 48: 2, 24 * 9: 1, 24 * 90: 0}.items():
        stores(tmp_path, NOW - hours * HOUR, uv=[uv, None])
    label = Labelled(Text("visitors", "访客"), node("uv"), "人")
    trends = trend(label, "store", {("a",), ("b",)}, Snapshots(tmp_path), SCHEMAS, NOW + HOUR, ZONE, points=3)
    assert trends["a",].points == ((NOW - 48 * HOUR, 2.0), (NOW - 20 * HOUR, 4.0), (NOW + HOUR, 5.0))
    assert (trends["a",].label, trends["a",].unit, trends["a",].type) == (label.label, "人", Type.INTEGER)
    assert [value for _, value in trends["b",].points] == [None, None, None]


def test_a_trend_is_missing_where_a_related_kind_had_not_come(tmp_path: Path) -> None:
    """Days before the first export of orders are unknown: not days without orders."""
    for day in range(7):
        stores(tmp_path, NOW - day * DAY, uv=[1, 1])
    counted = Labelled(Text.same("n"), node("count(order where status == 'paid')"))

    def course(key: str) -> list[float | None]:
        return [value for _, value in trend(counted, "store", {(key,)}, Snapshots(tmp_path), SCHEMAS, NOW + HOUR, ZONE)[key,].points]

    assert course("a") == [None] * 7
    write_batch(tmp_path, ORDER, NOW, [{"store_id": "a", "order_id": str(i), "status": "paid"} for i in range(8)], ["a"])
    assert course("a") == [None] * 6 + [8]
    assert course("b") == [None] * 7
    write_batch(tmp_path, ORDER, NOW - DAY, [], ["a"])
    assert course("a") == [None] * 5 + [0, 8]


def test_a_trend_takes_the_last_instant_of_a_day_at_which_all_was_fresh(tmp_path: Path) -> None:
    """The shop's day closes at midnight, when the afternoon's orders, fresh for two hours, are long stale."""
    for day in range(3):
        end = datetime(2026, 11, 18 + day, 16, tzinfo=UTC)
        stores(tmp_path, end, uv=[1])
        write_batch(tmp_path, ORDER, end + 8 * HOUR, [{"store_id": "a", "order_id": str(i)} for i in range(day)])
    counted = Labelled(Text.same("n"), node("count(order)"))
    at = datetime(2026, 11, 21, 1, tzinfo=UTC)
    points = trend(counted, "store", {("a",)}, Snapshots(tmp_path), SCHEMAS, at, ZONE)["a",].points
    assert points == (
        (datetime(2026, 11, 18, 16, tzinfo=UTC), None),
        (datetime(2026, 11, 19, 0, tzinfo=UTC), 0.0),
        (datetime(2026, 11, 20, 0, tzinfo=UTC), 1.0),
        (at, 2.0),
    )


def test_a_trend_has_no_point_for_a_day_on_which_only_other_stores_had_news(tmp_path: Path) -> None:
    """One export is one point, however often others export."""
    write_batch(tmp_path, STORE, NOW - 10 * HOUR, [{"store_id": "a", "uv": 3}], ["a"])
    write_batch(tmp_path, STORE, NOW - HOUR, [{"store_id": "b", "uv": 4}], ["b"])
    label = Labelled(Text.same("n"), node("uv"))
    at = NOW + 13 * HOUR
    found = trend(label, "store", {("a",), ("b",)}, Snapshots(tmp_path), SCHEMAS, at, ZONE)
    assert found["a",].points == ((at, 3.0),)
