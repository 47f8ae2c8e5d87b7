"""What the typed tree of good expressions is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from engine.language import ExpressionError, Scope, check, kinds_used, longest_window, parse, understand, unit_of
from engine.language import typed as t
from engine.language.functions import AGGREGATES, FUNCTIONS
from engine.language.names import Let
from engine.language.syntax import RESERVED
from engine.language.walk import ALL_HISTORY
from engine.model import Type
from tests.language.schemas import KINDS, TIME_ZONE, scope

FORMS = {**FUNCTIONS, **AGGREGATES}


def typed(text: str, kind: str = "order") -> t.Node:
    return understand(text, scope(kind))


def literal(text: str, kind: str = "order") -> t.Const:
    """The right side of a comparison."""
    node = typed(text, kind)
    assert isinstance(node, t.Compare)
    assert isinstance(node.right, t.Const)
    return node.right


@pytest.mark.parametrize("name", FORMS)
def test_each_function_has_an_example_that_checks_and_uses_it(name: str) -> None:
    form = FORMS[name]
    kind = "store" if name == "share" else "order"
    node = understand(form.example, scope(kind), condition=True)
    assert node.type is Type.BOOLEAN
    assert f"{name}(" in form.example
    assert f"{name}(" in form.signature
    assert form.doc.en.endswith(".")
    assert form.doc.zh.endswith("。")


def test_no_function_is_called_like_a_word_of_the_grammar() -> None:
    assert not set(FORMS) & RESERVED
    assert not set(FUNCTIONS) & set(AGGREGATES)


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ("amount == 5", Type.MONEY, Decimal(5)),
        ("pieces == 5", Type.INTEGER, Decimal(5)),
        ("pieces > 4.5", Type.NUMBER, Decimal("4.5")),
        ("weight > 5", Type.NUMBER, Decimal(5)),
        ("product.refund_rate > 5%", Type.PERCENT, Decimal("0.05")),
        ("product.refund_rate > 0", Type.PERCENT, Decimal(0)),
        ("amount > -5", Type.MONEY, Decimal(-5)),
        ("amount > 100 / 8", Type.MONEY, Decimal("12.5")),
        ("amount > 2 * 3 - 0.5", Type.MONEY, Decimal("5.5")),
        ("handling > 1h30m", Type.DURATION, timedelta(minutes=90)),
        ("handling > -1h", Type.DURATION, timedelta(hours=-1)),
        ("due_on == '2026-11-11'", Type.DATE, date(2026, 11, 11)),
        ("paid_at == '2026-11-11'", Type.TIMESTAMP, datetime(2026, 11, 10, 16, tzinfo=UTC)),
        ("paid_at == '2026-11-11 10:00'", Type.TIMESTAMP, datetime(2026, 11, 11, 2, tzinfo=UTC)),
        ("paid_at == '2026-11-11T10:00:30'", Type.TIMESTAMP, datetime(2026, 11, 11, 2, 0, 30, tzinfo=UTC)),
        ("paid_at == '2026-11-11 10:00Z'", Type.TIMESTAMP, datetime(2026, 11, 11, 10, tzinfo=UTC)),
        ("remark == '2026-11-11'", Type.STRING, "2026-11-11"),
        ("gift == true", Type.BOOLEAN, True),
    ],
)
def test_literals_take_the_type_beside_them(text: str, type_: Type, value: object) -> None:
    found = literal(text)
    assert (found.type, found.value) == (type_, value)
    mirrored = understand(" ".join([text.split(" ", 2)[2], "==", text.split(" ", 1)[0]]), scope("order"))
    assert isinstance(mirrored, t.Compare)
    assert (mirrored.left.type, getattr(mirrored.left, "value", None)) == (type_, value)


def test_a_range_of_texts_becomes_a_range_of_times() -> None:
    node = typed("paid_at between '2026-11-01' and now")
    assert isinstance(node, t.Between)
    assert node.low == t.Const(datetime(2026, 10, 31, 16, tzinfo=UTC), type=Type.TIMESTAMP)
    backwards = typed("'2026-11-11' between paid_at and promised_ship_at")
    assert isinstance(backwards, t.Between)
    assert backwards.item.type is Type.TIMESTAMP


@pytest.mark.parametrize(
    ("text", "kind", "type_"),
    [
        ("amount + 5", "order", Type.MONEY),
        ("amount * 1.5", "order", Type.MONEY),
        ("95% * amount", "order", Type.MONEY),
        ("amount / pieces", "order", Type.MONEY),
        ("amount / list_amount", "order", Type.NUMBER),
        ("pieces + 1", "order", Type.INTEGER),
        ("pieces / 2", "order", Type.NUMBER),
        ("pieces * weight", "order", Type.NUMBER),
        ("product.refund_rate * 1.5", "order", Type.PERCENT),
        ("uv * refund_rate", "store", Type.NUMBER),
        ("uv * 70%", "store", Type.NUMBER),
        ("refund_rate / 2", "store", Type.PERCENT),
        ("handling * 1.5", "order", Type.DURATION),
        ("handling / 3h", "order", Type.NUMBER),
        ("now - paid_at", "order", Type.DURATION),
        ("3d + paid_at", "order", Type.TIMESTAMP),
        ("now - '2026-11-11'", "order", Type.DURATION),
        ("until('2026-11-11')", "order", Type.DURATION),
        ("mean(pieces, 7d)", "order", Type.NUMBER),
        ("mean(amount, 7d)", "order", Type.MONEY),
        ("total(pieces, 7d)", "order", Type.INTEGER),
        ("highest(paid_at, 7d)", "order", Type.TIMESTAMP),
        ("avg(pieces of order)", "store", Type.NUMBER),
        ("avg(now - paid_at of order)", "store", Type.DURATION),
        ("share(gift of order)", "store", Type.PERCENT),
        ("distinct(sku of order)", "store", Type.INTEGER),
        ("max(due_on by sku)", "order", Type.DATE),
        ("coalesce(amount, 0)", "order", Type.MONEY),
        ("coalesce(status, 'none')", "order", Type.STRING),
        ("if(gift, 0, amount)", "order", Type.MONEY),
        ("least(pieces, 2.5)", "order", Type.NUMBER),
        ("round(amount, 1)", "order", Type.MONEY),
        ("amount / list_amount > 15%", "order", Type.BOOLEAN),
    ],
)
def test_types_of_results(text: str, kind: str, type_: Type) -> None:
    assert typed(text, kind).type is type_


def test_names_in_either_language_mean_the_same() -> None:
    assert typed("描述相符 < 4.7", "store") == typed("dsr_desc < 4.7", "store")
    assert typed("商品.一口价 > 5") == typed("product.price > 5") == typed("product_id.price > 5")
    assert typed("count(订单 where 订单状态 == 'paid')", "store") == typed("count(order where status == 'paid')", "store")


def test_references_are_followed_by_columns() -> None:
    assert typed("order.product.price", "refund") == t.ColumnRef(("order_id", "product_id"), "price", type=Type.MONEY)
    assert typed("order.product is missing", "refund") == t.RowMissing(("order_id", "product_id"), type=Type.BOOLEAN)
    assert typed("store.name") == t.ColumnRef(("store_id",), "name", type=Type.STRING)
    assert typed("old.price", "swap") == t.ColumnRef(("old_id",), "price", type=Type.MONEY)
    present = typed("product is present")
    assert present == t.Not(t.RowMissing(("product_id",), type=Type.BOOLEAN), type=Type.BOOLEAN)


def test_no_is_a_count_of_zero() -> None:
    assert typed("no order where gift", "store") == typed("count(order where gift) == 0", "store")
    assert typed("no order", "store") == typed("count(order) == 0", "store")


def test_age_is_now_less_the_time() -> None:
    assert typed("age(paid_at)") == typed("now - paid_at")
    assert typed("until(paid_at)") == typed("paid_at - now")


def test_personal_columns_can_be_asked_for_and_compared() -> None:
    assert typed("buyer is missing").type is Type.BOOLEAN
    assert typed("buyer == remark").type is Type.BOOLEAN
    assert typed("buyer in (remark, sku)").type is Type.BOOLEAN
    for text in ("buyer", "coalesce(buyer, remark)", "previous(buyer)", "min(amount by buyer)", "if(gift, buyer, remark)"):
        with pytest.raises(ExpressionError) as error:
            typed(text)
        assert error.value.problems[0].code == "personal_column"


def test_constants_of_the_scope() -> None:
    lets = {"threshold": Let("", parse("5"))}
    inside = Scope("order", KINDS, TIME_ZONE, lets)
    assert understand("amount > threshold", inside) == understand("amount > 5", inside)
    with pytest.raises(ExpressionError) as error:
        understand("amount > 1", Scope("order", KINDS, TIME_ZONE, {"amount": lets["threshold"]}))
    assert error.value.problems[0].code == "ambiguous_name"


@pytest.mark.parametrize(
    ("text", "expect", "accepted"),
    [
        ("amount", Type.MONEY, True),
        ("5", Type.MONEY, True),
        ("pieces", Type.NUMBER, True),
        ("pieces", Type.MONEY, False),
        ("gift", "condition", True),
        ("amount", "condition", False),
        ("amount", None, True),
    ],
)
def test_what_is_expected(text: str, expect: Type | None, accepted: bool) -> None:
    if accepted:
        node = check(parse(text), scope("order"), expect)
        assert expect in (None, "condition", node.type) or (expect is Type.NUMBER and node.type is Type.INTEGER)
    else:
        with pytest.raises(ExpressionError):
            check(parse(text), scope("order"), expect)


@pytest.mark.parametrize(
    ("text", "kind", "unit"),
    [
        ("weight", "order", "kg"),
        ("weight * 2 + 1", "order", "kg"),
        ("abs(weight - mean(weight, 7d))", "order", "kg"),
        ("weight / weight", "order", ""),
        ("if(gift, 0, weight)", "order", "kg"),
        ("coalesce(0, weight)", "order", "kg"),
        ("changes(weight, 7d)", "order", ""),
        ("sum(weight of order)", "store", "kg"),
        ("count(order)", "store", ""),
        ("dsr_desc * 50%", "store", "分"),
    ],
)
def test_units_of_results(text: str, kind: str, unit: str) -> None:
    assert unit_of(typed(text, kind), scope(kind)) == unit


@pytest.mark.parametrize(
    ("text", "kind", "kinds"),
    [
        ("amount > 5", "order", set()),
        ("product.price > 5 and store.name == 'a'", "order", {"product", "store"}),
        ("order.product is missing", "refund", {"order", "product"}),
        ("count(order where product.stock == 0) > 1", "store", {"order", "product"}),
        ("count(order where store.uv > 5) > 1", "store", {"order"}),
        ("min(product.price by sku) > 1", "order", {"product"}),
    ],
)
def test_kinds_that_are_read(text: str, kind: str, kinds: set[str]) -> None:
    assert kinds_used(typed(text, kind), kind, KINDS) == kinds


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("uv > 5", timedelta(0)),
        ("uv > mean(uv, 7d) or uv < ago(uv, 28d)", timedelta(days=28)),
        ("status != previous(status)", ALL_HISTORY),
        ("seen_for() > 1d", ALL_HISTORY),
    ],
)
def test_longest_window(text: str, window: timedelta) -> None:
    assert longest_window(typed(text, "store")) == window


def test_the_deepest_that_parses_is_checked_without_running_out_of_stack() -> None:
    assert typed("not " * 98 + "gift").type is Type.BOOLEAN
    assert typed("abs(" * 98 + "amount" + ")" * 98).type is Type.MONEY
    assert typed("amount" + " + amount" * 98).type is Type.MONEY
