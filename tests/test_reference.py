"""The reference evaluator against values worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from engine.language import understand
from engine.model import Value
from tests.language.schemas import KINDS, TIME_ZONE, scope
from tests.reference import Batch, Row, World, current, evaluate

DAY = timedelta(days=1)
NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)  # a Friday, noon in Shanghai


def store(store_id: str, **values: Value) -> dict[str, Value]:
    return {"store_id": store_id, **values}


def order(order_id: str, store_id: str = "s1", **values: Value) -> dict[str, Value]:
    return {"order_id": order_id, "store_id": store_id, **values}


STORES = [
    Batch(NOON - 14 * DAY, (store("s1", uv=80, dsr_desc=Decimal("4.9")), store("s2", uv=5))),
    Batch(NOON - 7 * DAY, (store("s1", uv=120, dsr_desc=Decimal("4.8")),)),
    Batch(NOON - 2 * DAY, (store("s1", uv=None, dsr_desc=Decimal("4.8")), store("s2", uv=7))),
    Batch(NOON - 1 * DAY, (store("s2", uv=8),), frozenset({"s2"})),
    Batch(NOON, (store("s1", uv=100, dsr_desc=Decimal("4.8"), sales=Decimal(10), cost=Decimal(0)), store("s2", uv=9))),
    Batch(NOON + DAY, (store("s1", uv=1), store("s2", uv=1))),
]
ORDERS = [
    Batch(NOON - 3 * DAY, (order("gone"), order("o9", "s2"))),
    Batch(
        NOON - 1 * DAY,
        (
            order("o1", status="paid", amount=Decimal(10), product_id="p1", paid_at=NOON - timedelta(hours=50), gift=True, sku="k"),
            order("o2", status="paid", amount=Decimal(20), product_id="p2", paid_at=NOON - timedelta(hours=2), gift=False, sku="k"),
            order("o3", status=None, amount=None, product_id=None, sku=None),
        ),
        frozenset({"s1"}),
    ),
]
PRODUCTS = [Batch(NOON - DAY, ({"product_id": "p1", "store_id": "s1", "price": Decimal("9.90"), "stock": 0, "title": "商品 A1"},))]
WORLD = World(KINDS, {"store": STORES, "order": ORDERS, "product": PRODUCTS}, NOON, TIME_ZONE)


def value(text: str, kind: str = "store", key: str = "s1", world: World = WORLD) -> Value:
    row = next(row for row in current(kind, world) if row.values[KINDS[kind].key[0]] == key)
    return evaluate(understand(text, scope(kind)), row, world)


def test_current_rows_are_of_each_stores_newest_batch() -> None:
    def found(kind: str) -> list[tuple[Value, datetime]]:
        return sorted(((row.values[KINDS[kind].key[0]], row.batch.as_of) for row in current(kind, WORLD)), key=str)

    assert found("store") == [("s1", NOON), ("s2", NOON)]
    assert found("order") == [("o1", NOON - DAY), ("o2", NOON - DAY), ("o3", NOON - DAY), ("o9", NOON - 3 * DAY)]


def test_one_key_in_two_stores_counts_once_the_newest_then_the_first_store() -> None:
    batches = [
        Batch(NOON - DAY, (order("x", "s1"),), frozenset({"s1"})),
        Batch(NOON, (order("x", "s3"), order("x", "s2")), frozenset({"s2", "s3"})),
    ]
    rows = current("order", World(KINDS, {"order": batches}, NOON))
    assert [row.values["store_id"] for row in rows] == ["s2"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("uv", Decimal(100)),
        ("uv > 99 and refund_rate > 1%", None),
        ("uv > 100 and refund_rate > 1%", False),
        ("uv > 99 or refund_rate > 1%", True),
        ("not refund_rate > 1%", None),
        ("refund_rate is missing", True),
        ("dsr_desc < 4.9 - 0.1", False),
        ("dsr_desc == 4.9 - 0.1", True),
        ("uv in (1, 100)", True),
        ("uv in (100, uv + if(refund_rate > 1%, 1, 2))", None),
        ("sales / cost", None),
        ("cost / sales", 0.0),
        ("uv / 3", 100 / 3),
        ("uv / 3 * 3 == 100", True),
        ("round(uv / 3, 2) == 33.33", True),
        ("round(-2.5 * uv / uv)", -3.0),
        ("round(sales * 0.25)", Decimal(3)),
        ("coalesce(refund_rate, 3%)", Decimal("0.03")),
        ("greatest(uv, refund_rate / 1%)", None),
        ("if(refund_rate > 1%, 1, 2)", None),
        ("hour(now)", Decimal(12)),
        ("weekday(now)", Decimal(5)),
        ("previous(uv)", None),
        ("previous(dsr_desc)", Decimal("4.8")),
        ("ago(uv, 7d)", Decimal(120)),
        ("ago(uv, 6d)", Decimal(120)),
        ("ago(uv, 5d)", None),
        ("mean(uv, 14d)", 100.0),
        ("mean(uv, 13d)", 120.0),
        ("mean(uv, 3d)", None),
        ("total(uv, 14d)", Decimal(200)),
        ("median(uv, 14d)", 100.0),
        ("stdev(uv, 13d)", None),
        ("highest(uv, 14d) - lowest(uv, 14d)", Decimal(40)),
        ("same_weekday_mean(uv, 4w)", 100.0),
        ("changes(uv, 14d)", Decimal(2)),
        ("changes(dsr_desc, 14d)", Decimal(1)),
        ("changes(refund_rate, 14d)", Decimal(0)),
        ("unchanged_for(dsr_desc)", 7 * DAY),
        ("unchanged_for(uv)", timedelta(0)),
        ("unchanged_for(refund_rate)", None),
        ("seen_for()", 14 * DAY),
        ("count(order)", Decimal(3)),
        ("count(order where status == 'paid')", Decimal(2)),
        ("count(order where not status == 'paid')", Decimal(0)),
        ("count(order where status == 'paid' and age(paid_at) > 48h)", Decimal(1)),
        ("no order where amount > 100", True),
        ("sum(amount of order)", Decimal(30)),
        ("sum(amount of order where amount > 100)", Decimal(0)),
        ("avg(amount of order)", 15.0),
        ("avg(amount of order where amount > 100)", None),
        ("max(amount of order)", Decimal(20)),
        ("share(gift of order)", 0.5),
        ("distinct(sku of order)", Decimal(1)),
        ("count(order where product is missing)", Decimal(2)),
        ("count(order where product.stock == 0)", Decimal(1)),
        ("count(order where product.stock != 0)", Decimal(0)),
        ("avg(age(paid_at) of order)", timedelta(hours=26)),
    ],
)
def test_values_of_a_store(text: str, expected: Value) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("product.price > amount", "o1", False),
        ("product is missing", "o1", False),
        ("product is missing", "o2", True),
        ("product is missing", "o3", True),
        ("product.price", "o2", None),
        ("store.uv", "o1", Decimal(100)),
        ("product.title matches '^商品 .\\d$'", "o1", True),
        ("product.title contains 'A'", "o1", True),
        ("product.title contains 'a'", "o1", False),
        ("min(amount by sku)", "o2", Decimal(10)),
        ("min(amount by sku)", "o3", None),
        ("count(by store_id)", "o1", Decimal(3)),
        ("sum(amount by store_id)", "o9", None),
        ("handling * 1.5", "o1", None),
        ("age(paid_at) * 0.5", "o1", timedelta(hours=25)),
        ("age(paid_at) / 3 == 60000s", "o1", True),
        ("seen_for()", "o1", timedelta(0)),
        ("date(paid_at) == '2026-11-18'", "o1", True),
    ],
)
def test_values_of_an_order(text: str, key: str, expected: Value) -> None:
    assert value(text, "order", key) == expected


def test_previous_is_the_stores_batch_whoever_it_covers() -> None:
    assert value("previous(uv)", key="s2") == Decimal(8)
    assert value("ago(uv, 1d)", key="s2") == Decimal(8)


def test_rows_carry_their_batch() -> None:
    row = Row("store", STORES[0], STORES[0].rows[0])
    assert evaluate(understand("uv", scope("store")), row, WORLD) == Decimal(80)
