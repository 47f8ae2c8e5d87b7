"""Named expressions: what a name means where, and that it means what it stands for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.language import ExpressionError, Scope, check, parse, show, understand
from engine.language.inlining import extent, needed_by
from engine.language.names import Let, names_taken
from engine.language.printing import show_typed
from engine.language.syntax import Call, Expression, Name
from engine.model import Type
from tests.language.schemas import KINDS, TIME_ZONE
from tests.language.strategies import conditions, values

LETS = {
    name: Let(kind, parse(text), *extent(parse(text), {}))
    for name, kind, text in (
        ("limit", "", "48h"),
        ("least", "", "5"),
        ("day", "", "'2026-11-11'"),
        ("waiting", "order", "status == 'paid' and age(paid_at) > limit"),
        ("repriced", "order", "changes(amount, 7d) > 0"),
        ("closed", "store", "name == 'x'"),
        ("wanted", "store", "if(name == 'x', 5, 4.5)"),
        ("since", "store", "if(name == 'x', '2026-01-01', '2026-02-02 10:00')"),
        ("young", "store", "seen_for() < 3d"),
    )
}
quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def scope(kind: str, **changes: str) -> Scope:
    return replace(Scope(kind, KINDS, TIME_ZONE, LETS), **changes)


@pytest.mark.parametrize(
    ("kind", "named", "written"),
    [
        ("order", "waiting", "status == 'paid' and age(paid_at) > 48h"),
        ("order", "not waiting or gift", "not (status == 'paid' and age(paid_at) > 48h) or gift"),
        ("order", "gift and waiting", "gift and status == 'paid' and age(paid_at) > 48h"),
        ("store", "count(order where waiting) >= least", "count(order where status == 'paid' and age(paid_at) > 48h) >= 5"),
        ("store", "dsr_desc < wanted", "dsr_desc < if(name == 'x', 5, 4.5)"),
        ("store", "sales < wanted", "sales < if(name == 'x', 5, 4.5)"),
        ("order", "paid_at > day", "paid_at > '2026-11-11'"),
        ("order", "store.closed", "store.name == 'x'"),
        ("refund", "order.waiting", "order.status == 'paid' and age(order.paid_at) > 48h"),
        ("refund", "order.store.closed", "order.store.name == 'x'"),
        ("store", "young", "seen_for() < 3d"),
    ],
)
def test_a_name_means_what_it_stands_for(kind: str, named: str, written: str) -> None:
    assert understand(named, scope(kind)) == understand(written, scope(kind))


@pytest.mark.parametrize(
    ("kind", "text", "code", "at"),
    [
        ("store", "waiting", "other_rows", "waiting"),
        ("order", "gift and closed", "other_rows", "closed"),
        ("store", "count(order where repriced) > 1", "nested", "repriced"),
        ("refund", "order.repriced", "not_through_a_row", "order.repriced"),
        ("order", "previous(store.closed)", "not_in_history", "store.closed"),
        ("store", "count(order where young) > 1", "nested", "young"),
        ("order", "amount > limit", "type_mismatch", "amount > limit"),
        ("order", "waitting", "unknown_name", "waitting"),
        ("order", "store.least > 3", "unknown_name", "least"),
        ("store", "highest(dsr_desc, wanted) > 3", "bad_window", "wanted"),
    ],
)
def test_mistakes_are_told_at_the_name(kind: str, text: str, code: str, at: str) -> None:
    with pytest.raises(ExpressionError) as error:
        understand(text, scope(kind))
    (problem,) = error.value.problems
    assert (problem.code, text[problem.span.start : problem.span.end]) == (code, at)


def test_among_related_rows_a_name_still_speaks_of_the_judged_row() -> None:
    node = understand("count(order where amount > wanted)", scope("store"))
    assert needed_by(node) is not None
    (wanted,), related = needed_by(node) or ((), None)
    assert wanted == understand("wanted", scope("store"))
    assert related == understand("count(order where amount > if(store.name == 'x', 5, 4.5))", scope("store"))
    assert show_typed(node) == "count(order where amount > if(store.name == 'x', 5, 4.5))"
    no = understand("no order where paid_at > since or closed", scope("store"))
    assert show_typed(no).endswith(" or store.name == 'x') == 0")


def test_in_evidence_a_name_speaks_of_the_judged_row() -> None:
    inside = scope("order", judged="store", through="store_id")
    assert understand("amount > wanted", inside) == understand("amount > if(store.name == 'x', 5, 4.5)", inside)


def test_what_grows_too_large_is_refused_at_once() -> None:
    lets = {"a0": Let("order", parse("gift"))}
    for i in range(1, 40):
        expression = parse(f"a{i - 1} and a{i - 1}")
        lets[f"a{i}"] = Let("order", expression, *extent(expression, lets))
    assert lets["a39"].size > 10**11
    with pytest.raises(ExpressionError) as error:
        understand("a39", Scope("order", KINDS, TIME_ZONE, lets))
    assert error.value.problems[0].code == "too_deep"
    assert understand("a5", Scope("order", KINDS, TIME_ZONE, lets)).type is Type.BOOLEAN


def test_words_that_are_taken() -> None:
    taken = names_taken(KINDS)
    assert {"uv", "描述相符", "order", "订单", "product", "old"} <= set(taken)
    assert "waiting" not in taken


@quick
@pytest.mark.parametrize("kind", ["store", "order"])
@given(data=st.data())
def test_any_condition_may_be_named(kind: str, data: st.DataObject) -> None:
    expression: Expression = parse(show(data.draw(conditions(kind))))
    lets = {"名字": Let(kind, expression, *extent(expression, {}))}
    named = Scope(kind, KINDS, TIME_ZONE, lets)
    assert check(Name(("名字",)), named) == check(expression, named)
    assert show_typed(check(parse("not 名字"), named)) == show_typed(check(parse(f"not ({show(expression)})"), named))


@quick
@pytest.mark.parametrize("type_", [Type.MONEY, Type.PERCENT, Type.DURATION, Type.NUMBER])
@given(data=st.data())
def test_any_value_may_be_named_or_chosen_by_a_condition(type_: Type, data: st.DataObject) -> None:
    one, two = (parse(show(data.draw(values(type_, "order")))) for _ in range(2))
    choice = Call("if", (parse("gift"), one, two))
    lets = {"x": Let("order", one), "y": Let("order", two), "z": Let("order", choice)}
    named = Scope("order", KINDS, TIME_ZONE, lets)
    try:
        expected = check(choice, named)
    except ExpressionError:  # two literals that do not go together
        with pytest.raises(ExpressionError):
            understand("z", named)
    else:
        assert understand("z", named) == expected == understand("if(gift, x, y)", named)
