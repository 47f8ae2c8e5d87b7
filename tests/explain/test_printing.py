"""Typed trees as text: what is shown means the same, and reads as people write."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.language import check, parse
from engine.language.printing import show_typed
from engine.model import Type
from tests.language.schemas import scope
from tests.language.strategies import conditions, values

quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@pytest.mark.parametrize("kind", ["store", "order", "refund", "traffic"])
@given(data=st.data())
def test_a_condition_shown_and_checked_again_is_the_same(kind: str, data: st.DataObject) -> None:
    node = check(data.draw(conditions(kind)), scope(kind), "condition")
    assert check(parse(show_typed(node)), scope(kind), "condition") == node


@quick
@pytest.mark.parametrize("type_", [Type.MONEY, Type.PERCENT, Type.DURATION, Type.TIMESTAMP, Type.DATE, Type.STRING, Type.NUMBER])
@given(data=st.data())
def test_a_value_shown_and_checked_again_is_the_same(type_: Type, data: st.DataObject) -> None:
    node = check(data.draw(values(type_, "order")), scope("order"), type_)
    assert check(parse(show_typed(node)), scope("order"), type_) == node


SHOWN = {
    "now - paid_at > 48h": "age(paid_at) > 2d",
    "付款时间 - now > -30m": "until(paid_at) > -30m",
    "product_id.price is present and 商品 is present": "product.price is present and product is present",
    "not (status in ('paid','shipped'))": "status not in ('paid', 'shipped')",
    "paid_at < '2026-11-11'": "paid_at < '2026-11-10 16:00:00Z'",
    "due_on == '2026-11-11'": "due_on == '2026-11-11'",
    "amount < 95% * product.price and remark matches '^急'": "amount < 95% * product.price and remark matches '^急'",
    "round(amount / pieces, 2) > -5.50": "round(amount / pieces, 2) > -5.5",
    "no refund where amount > 100": "count(refund where amount > 100) == 0",
    "min(amount by sku, store_id) < 3 or gift": "min(amount by sku, store_id) < 3 or gift",
    "if(gift, previous(amount), ago(amount, 7d)) > 0": "if(gift, previous(amount), ago(amount, 1w)) > 0",
    "seen_for() > 2d and hour(now) between 9 and 18": "seen_for() > 2d and hour(now) between 9 and 18",
}


@pytest.mark.parametrize(("written", "shown"), SHOWN.items(), ids=SHOWN)
def test_a_typed_tree_reads_as_people_write(written: str, shown: str) -> None:
    assert show_typed(check(parse(written), scope("order"), "condition")) == shown
