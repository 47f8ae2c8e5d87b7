"""What rules mean, case by case."""

from __future__ import annotations

import math

import pytest

from engine.correlation import Arithmetic, Constant, Derived, Fact, Own, Pattern, Program, Ref, Scalar
from engine.correlation.worker import Worker
from tests.correlation.alerts import SCHEMA, alert, bound, fact, matches, rule, run, same, where

NO_TRAFFIC = rule(alert("ad", "budget"), alert("uv", "traffic"), none=(alert("promo", "ended"),))


def incident(name: str, store: str = "一店") -> str:
    return f'incident:{name} {{"store": "{store}"}}'


def test_facts_side_by_side() -> None:
    assert bound(NO_TRAFFIC, fact("budget"), fact("traffic"), fact("other")) == {"a": {"ad": {"budget"}, "uv": {"traffic"}}}
    assert not matches(NO_TRAFFIC, fact("budget"))
    assert not matches(NO_TRAFFIC)


def test_facts_of_different_scopes_never_meet() -> None:
    assert not matches(NO_TRAFFIC, fact("budget"), fact("traffic", store="二店"))
    assert not matches(NO_TRAFFIC, fact("budget"), fact("traffic", store=None))


def test_every_scope_has_its_own_match() -> None:
    found = run(
        NO_TRAFFIC, *(fact(name, f"{name}{store}", store=store) for name in ("budget", "traffic") for store in ("一店", "二店", "3"))
    )
    assert {match.scope for match in found.matches} == {("一店",), ("二店",), ("3",)}
    assert {one.id for one in found.derived} == {incident("a"), incident("a", "二店"), incident("a", "3")}


def test_absence_is_judged_when_all_facts_are_there() -> None:
    assert not matches(NO_TRAFFIC, fact("budget"), fact("traffic"), fact("ended"))
    assert not matches(NO_TRAFFIC, fact("ended"), fact("budget"), fact("traffic"))
    assert matches(NO_TRAFFIC, fact("budget"), fact("traffic"), fact("ended", store="二店"))


def test_absence_of_other_facts_than_those_bound() -> None:
    alone = rule(alert("one"), none=(alert("other", "", same("area", "one")),))
    assert bound(alone, fact("x", area="A")) == {"a": {"one": {"x"}}}
    assert not matches(alone, fact("x", area="A"), fact("y", area="A"))
    assert bound(alone, fact("x", area="A"), fact("y", area="A"), fact("z", area="B")) == {"a": {"one": {"z"}}}


def test_a_fact_that_was_counted_may_be_the_one_that_must_be_absent() -> None:
    three = rule(alert("some", count=3), none=(alert("off", "maintenance"),))
    assert matches(three, fact("a"), fact("b"), fact("c"))
    assert not matches(three, fact("a"), fact("b"), fact("maintenance"))


def test_nothing_can_be_said_of_an_absence_that_refers_to_a_missing_field() -> None:
    alone = rule(alert("ad", "budget"), none=(alert("promo", "ended", same("product", "ad")),))
    assert matches(alone, fact("budget", product="P1"))
    assert not matches(alone, fact("budget"))
    assert not matches(alone, fact("budget", product=None), fact("ended", product="P1"))
    assert matches(alone, fact("budget", product="P1"), fact("ended", product=None))


def test_one_fact_never_fills_two_patterns() -> None:
    two = rule(alert("one", "slow"), alert("other", "slow"))
    assert not matches(two, fact("slow"))
    assert bound(two, fact("slow", "1"), fact("slow", "2")) == {"a": {"one": {"1", "2"}, "other": {"1", "2"}}}


def test_bindings_have_the_facts_of_all_joins_together() -> None:
    pairs = rule(alert("price", "price"), alert("image", "image", same("product", "price")))
    facts = [fact(name, f"{name}{product}", product=product) for name in ("price", "image") for product in ("P1", "P2", "P3")]
    assert bound(pairs, *facts[:-1]) == {"a": {"price": {"priceP1", "priceP2"}, "image": {"imageP1", "imageP2"}}}


def test_thousands_of_facts_that_are_alike_are_one_to_the_engine() -> None:
    many = [fact("slow", str(number), area=str(number)) for number in range(30_000)]
    assert bound(rule(alert("one", "slow"), alert("other", "slow")), *many) == {
        "a": {"one": {one.id for one in many}, "other": {one.id for one in many}}
    }


def test_any_needs_one_and_binds_all_that_match() -> None:
    some = rule(alert("down", "offline"), any_=(alert("slow", "slow"), alert("lost", "lost", same("area", "down"))))
    assert not matches(some, fact("offline"))
    assert bound(some, fact("offline", area="A"), fact("slow")) == {"a": {"down": {"offline"}, "slow": {"slow"}}}
    both = bound(some, fact("offline", area="A"), fact("slow"), fact("lost", area="A"))
    assert both == {"a": {"down": {"offline"}, "slow": {"slow"}, "lost": {"lost"}}}
    assert "lost" not in bound(some, fact("offline", area="A"), fact("slow"), fact("lost", area="B"))["a"]


def test_any_alone() -> None:
    assert bound(rule(any_=(alert("x", "x"), alert("y", "y"))), fact("y")) == {"a": {"y": {"y"}}}


def test_counting() -> None:
    three = rule(alert("some", "stock", count=3))
    assert not matches(three, fact("stock", "1"), fact("stock", "2"), fact("other", "3"))
    assert bound(three, *(fact("stock", id) for id in "1234")) == {"a": {"some": set("1234")}}


def test_counting_different_values() -> None:
    areas = rule(alert("some", count=2, distinct="area"))
    assert not matches(areas, fact("x", area="A"), fact("y", area="A"), fact("z"))
    assert bound(areas, fact("x", area="A"), fact("y", area="A"), fact("z", area="B"), fact("missing")) == {"a": {"some": {"x", "y", "z"}}}


def test_counting_what_belongs_to_another_fact() -> None:
    per_product = rule(alert("page", "page"), alert("orders", "order", same("product", "page"), count=2))
    orders = [fact("order", "1", product="P1"), fact("order", "2", product="P1"), fact("order", "3", product="P2")]
    assert bound(per_product, fact("page", product="P1"), *orders) == {"a": {"page": {"page"}, "orders": {"1", "2"}}}
    assert not matches(per_product, fact("page", product="P2"), *orders)
    assert not matches(per_product, fact("page"), *orders)


def test_facts_bound_one_by_one_are_not_counted() -> None:
    others = rule(alert("one", "slow"), alert("more", "slow", count=2))
    assert not matches(others, fact("slow", "1"), fact("slow", "2"))
    assert bound(others, *(fact("slow", id) for id in "123")) == {"a": {"one": set("123"), "more": set("123")}}


def test_two_patterns_may_count_the_same_facts() -> None:
    assert bound(rule(alert("x", count=2), alert("y", count=2)), fact("p"), fact("q")) == {"a": {"x": {"p", "q"}, "y": {"p", "q"}}}


def test_chaining_to_the_end() -> None:
    links = [rule(alert("x", "start"), name="a")]
    links += [rule(alert("i", kind=f"incident:{before}"), name=name) for before, name in zip("abcd", "bcde", strict=True)]
    assert [match.rule for match in run(links[::-1], fact("start")).matches].sort() == [*"abcde"].sort()
    assert bound(links[::-1], fact("start"))["e"] == {"i": {incident("d")}}


def test_a_circle_of_positive_rules_comes_to_an_end() -> None:
    a = rule(any_=(alert("x", "start"), alert("i", kind="incident:b")), name="a")
    b = rule(alert("i", kind="incident:a"), name="b")
    assert set(bound([a, b], fact("start"))) == {"a", "b"}
    assert not matches([a, b], fact("other"))


def test_absence_and_counting_of_what_follows() -> None:
    a, b = rule(alert("x", "start"), name="a"), rule(alert("y", "second"), name="b")
    quiet = rule(alert("z", "any"), none=(alert("i", kind="incident:a"),), name="c")
    both = rule(Pattern("i", ("incident:a", "incident:b"), (), 2), name="d")
    assert set(bound([both, quiet, a, b], fact("any"))) == {"c"}
    assert set(bound([both, quiet, a, b], fact("any"), fact("start"))) == {"a"}
    assert set(bound([both, quiet, a, b], fact("any"), fact("start"), fact("second"))) == {"a", "b", "d"}


def test_a_fact_that_follows_twice_is_one_fact() -> None:
    """Once in a lower stratum, and again beside the rule that would take it for two."""
    early = rule(alert("x"), none=(alert("z", "z"),), name="a", gives=(Derived("incident:e", {}),))
    source = rule(alert("x"), none=(alert("z", "z"),), name="b")
    late = rule(alert("i", kind="incident:b"), name="c", gives=(Derived("incident:e", {}),))
    two = rule(alert("i", kind="incident:e"), alert("j", kind="incident:e"), name="d")
    assert set(bound([two, late, source, early], fact("x"))) == {"a", "b", "c"}


def test_facts_of_many_scopes_counted_in_a_wider_one() -> None:
    risk = rule(alert("x", "bad"), name="a")
    chain = rule(alert("stores", kind="incident:a", count=2, distinct="store"), name="b", scope=(), gives=(Derived("chain", {}),))
    found = run([chain, risk], fact("bad", "1"), fact("bad", "2", store="二店"), fact("bad", "3", store="二店"))
    assert [match for match in found.matches if match.rule == "b"][0].bindings == {"stores": {incident("a"), incident("a", "二店")}}
    assert not [match for match in run([chain, risk], fact("bad", "1"), fact("bad", "2")).matches if match.rule == "b"]


def test_facts_of_a_narrow_scope_are_seen_in_a_wider_one() -> None:
    wide = rule(alert("i", kind="incident:a"), name="b", scope=(), gives=(Derived("chain", {}),))
    assert set(bound([wide, rule(alert("x"), name="a")], fact("x"))) == {"a", "b"}


def test_derived_facts_carry_values_on() -> None:
    source = rule(alert("x", "start"), gives=(Derived("incident:a", {"area": Ref("x", "area"), "since": Constant(5)}),))
    found = run(source, fact("start", "1", area="客服"), fact("start", "2", area="客服"), fact("start", "3"))
    values = sorted((dict(one.values) for one in found.derived), key=len)
    assert values == [{"store": "一店", "since": 5}, {"store": "一店", "since": 5, "area": "客服"}]


def test_a_rule_may_give_several_facts_or_none() -> None:
    two = rule(alert("x"), gives=(Derived("incident:a", {}), Derived("incident:b", {"area": Constant("A")})))
    assert {one.kind for one in run(two, fact("start")).derived} == {"incident:a", "incident:b"}


@pytest.mark.parametrize("value", ["", "店铺", '"', "\\", "\n", "\u0000", "😀", "\ud800", "x" * 100_000, "1", "true", "é"])
def test_texts_are_joined_by_what_they_are(value: str) -> None:
    pair = rule(alert("x", "x"), alert("y", "y", same("product", "x")))
    assert matches(pair, fact("x", product=value), fact("y", product=value))
    assert not matches(pair, fact("x", product=value), fact("y", product=value + "x"))
    assert not matches(pair, fact("x", product=value), fact("y", product="e\u0301"))
    differ = rule(alert("x", "x"), alert("y", "y", where("product", "!=", Ref("x", "product"))))
    assert not matches(differ, fact("x", product=value), fact("y", product=value))
    assert matches(differ, fact("x", product=value), fact("y", product=value + " "))


FLOATS = [0.0, -0.0, 1e-05, 1.5e-07, 1e16, 1e22, 0.1, 0.3, 0.1 + 0.2, -2.5, 1.0, 2.0**60]


@pytest.mark.parametrize("op", ["==", "!=", "<", "<=", ">", ">="])
def test_floats_compare_as_python_compares_them(op: str) -> None:
    compared = rule(alert("x", "x"), alert("y", "y", where("ratio", op, Ref("x", "ratio"))))
    program = Program([compared], SCHEMA)
    pairs = [(f"{one} {two}", left, right) for one, left in enumerate(FLOATS) for two, right in enumerate(FLOATS)]
    facts = [fact("x", f"x{name}", ratio=right, store=name) for name, _, right in pairs]
    facts += [fact("y", f"y{name}", ratio=left, store=name) for name, left, _ in pairs]
    expected = {name for name, left, right in pairs if eval(f"left {op} right")}
    assert {match.scope[0] for match in program.run(facts).matches} == expected


def test_not_a_number_and_infinity_are_missing() -> None:
    one = rule(alert("x", "", where("ratio", "<", 5.0)))
    for ratio in (math.nan, math.inf, -math.inf, None):
        assert not matches(one, fact("x", ratio=ratio))
    assert matches(one, fact("x", ratio=4))


@pytest.mark.parametrize("op", ["==", "<=", ">="])
@pytest.mark.parametrize("value", [0, -1, 2**53, -(2**53), 1_700_000_000_000_000])
def test_whole_numbers_are_exact(value: int, op: str) -> None:
    pair = rule(alert("x", "x"), alert("y", "y", where("since", op, Ref("x", "since"))))
    assert matches(pair, fact("x", since=value), fact("y", since=value))
    off = -1 if op != "<=" else 1
    if abs(value + off) <= 2**53:
        assert not matches(pair, fact("x", since=value), fact("y", since=value + off))


def test_booleans() -> None:
    pair = rule(alert("x", "x", where("muted", "==", False)), alert("y", "y", where("muted", "!=", Ref("x", "muted"))))
    assert matches(pair, fact("x", muted=False), fact("y", muted=True))
    assert not matches(pair, fact("x", muted=False), fact("y", muted=False))
    assert not matches(pair, fact("x", muted=True), fact("y", muted=False))


def plus(left: object, right: object, op: str = "+") -> Arithmetic:
    return Arithmetic(op, left, right)  # type: ignore[arg-type]


def test_arithmetic_over_one_fact_and_several() -> None:
    soon = rule(alert("x", "x"), alert("y", "y", where("since", "<=", plus(Ref("x", "since"), Constant(60)))))
    assert matches(soon, fact("x", since=0), fact("y", since=60))
    assert not matches(soon, fact("x", since=0), fact("y", since=61))
    total = plus(plus(Ref("x", "since"), Own("sku")), plus(Ref("y", "since"), Constant(2)), "*")
    three = rule(alert("x", "x"), alert("y", "y"), alert("z", "z", where("since", "==", total)))
    assert matches(three, fact("x", since=3), fact("y", since=5), fact("z", since=140, sku=17))
    assert not matches(three, fact("x", since=3), fact("y", since=5), fact("z", since=141, sku=17))
    assert not matches(three, fact("x", since=3), fact("y", since=5), fact("z", since=140))


def test_own_tests_combine() -> None:
    one = rule(Pattern("x", ("alert", "planned"), (where("since", ">", Own("sku")), where("area", "!=", "A"), where("sku", ">=", 0))))
    assert bound(
        one,
        fact("1", since=2, sku=1, area="B"),
        fact("2", since=2, sku=1, area="B", kind="planned"),
        fact("3", since=1, sku=1, area="B"),
        fact("4", since=2, sku=1, area="A"),
        fact("5", since=2, sku=1),
        fact("6", since=2, sku=-1, area="B"),
    ) == {"a": {"x": {"1", "2"}}}


@pytest.mark.parametrize(
    "name", ["id", "sid", "kind", "$s", "a.b", "$m", "", "first", "refund_unit_title", "shop_size_item", "店 铺", "\u0000"]
)
def test_names_of_fields_never_reach_the_engine(name: str) -> None:
    schema = {"k": {name: SCHEMA["alert"]["name"], "店": SCHEMA["alert"]["name"], "shop_size_item": SCHEMA["alert"]["name"]}}
    pair = rule(
        Pattern("id", ("k",)), Pattern("$m", ("k",), (where(name, "==", Ref("id", name)),)), scope=("店",), gives=(Derived("k", {}),)
    )
    values: list[dict[str, Scalar]] = [{"店": "1", name: "v"}, {"店": "1", name: "v"}, {"店": "1", name: "w"}]
    program = Program([pair], schema)
    assert program.run(Fact(f"s{n}", "k", one) for n, one in enumerate(values[1:])).matches == ()
    assert program.run(Fact(f"s{n}", "k", one) for n, one in enumerate(values)).matches[0].bindings == {
        "id": {"s0", "s1"},
        "$m": {"s0", "s1"},
    }


def test_ids_are_the_callers_own_affair() -> None:
    ids = ["797186", "40189", "first", "sid-s", "", '"', "0", "00", "店", "x" * 1_000_000]
    assert bound(rule(alert("x", "x", count=len(ids))), *(Fact(id, "alert", {"store": "一店", "name": "x"}) for id in ids)) == {
        "a": {"x": {*ids}}
    }


def test_where_nothing_can_match_no_process_is_started() -> None:
    worker = Worker()
    program = Program([NO_TRAFFIC, rule(alert("x", "x", count=2), name="b")], SCHEMA, worker)
    assert program.run([]).matches == ()
    assert program.run([fact("budget"), fact("ended"), fact("x"), fact("y")]).matches == ()
    assert worker.pid is None


def test_the_same_facts_give_the_same_answer_in_any_order() -> None:
    facts = [fact("budget"), fact("traffic", "t1"), fact("traffic", "t2"), fact("other")]
    assert bound(NO_TRAFFIC, *facts) == bound(NO_TRAFFIC, *facts[::-1])
