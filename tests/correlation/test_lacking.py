"""Why a rule does not match."""

from __future__ import annotations

from engine.correlation import Fact, Lack, Program, Ref, Rule, Why, lacking
from tests.correlation.alerts import SCHEMA, alert, fact, rule, same, where

STORE = ("一店",)


def lacks(wanted: Rule, *facts: Fact, others: tuple[Rule, ...] = ()) -> list[Lack]:
    return list(lacking(Program([wanted, *others], SCHEMA), wanted.name, STORE, facts))


PAIR = rule(alert("price", "price"), alert("image", "image", same("product", "price"), same("area", "price")))


def test_nothing_lacks_where_it_matches() -> None:
    assert lacks(PAIR, fact("price", product="P", area="A"), fact("image", product="P", area="A")) == []


def test_the_first_pattern_without_facts() -> None:
    assert lacks(PAIR) == [Lack("price", Why.NO_FACT)]
    assert lacks(PAIR, fact("image")) == [Lack("price", Why.NO_FACT)]
    assert lacks(PAIR, fact("price", "1"), fact("price", "2", store="二店"), fact("image", store="二店")) == [Lack("image", Why.NO_FACT)]


def test_the_comparison_that_fails() -> None:
    one = fact("price", product="P", area="A")
    assert lacks(PAIR, one, fact("image", product="Q", area="A")) == [
        Lack("image", Why.NOT_TOGETHER, frozenset({"image"}), same("product", "price"))
    ]
    assert lacks(PAIR, one, fact("image", "1", product="P", area="B"), fact("image", "2", product="P")) == [
        Lack("image", Why.NOT_TOGETHER, frozenset({"1", "2"}), same("area", "price"))
    ]
    assert lacks(PAIR, one, fact("image", product="Q", area="B")) == [Lack("image", Why.NOT_TOGETHER, frozenset({"image"}))]


def test_a_fact_that_is_taken() -> None:
    assert lacks(rule(alert("one", "x"), alert("other", "x")), fact("x")) == [Lack("other", Why.NOT_TOGETHER, frozenset({"x"}))]


def test_too_few() -> None:
    three = rule(alert("some", "x", count=3))
    assert lacks(three, fact("x", "1"), fact("x", "2")) == [Lack("some", Why.TOO_FEW, frozenset({"1", "2"}))]
    areas = rule(alert("some", "x", count=2, distinct="area"))
    assert lacks(areas, fact("x", "1", area="A"), fact("x", "2", area="A")) == [Lack("some", Why.TOO_FEW, frozenset({"1", "2"}))]
    per_area = rule(alert("one", "one"), alert("some", "x", same("area", "one"), count=2))
    assert lacks(per_area, fact("one", area="A"), fact("x", "1", area="A"), fact("x", "2", area="B")) == [
        Lack("some", Why.NOT_TOGETHER, frozenset({"1", "2"}), same("area", "one"))
    ]


def test_all_of_any() -> None:
    some = rule(alert("x", "x"), any_=(alert("y", "y"), alert("z", "z", where("sku", ">", Ref("x", "sku")))))
    assert lacks(some, fact("x", sku=1), fact("z", sku=0)) == [
        Lack("y", Why.NO_FACT),
        Lack("z", Why.NOT_TOGETHER, frozenset({"z"}), where("sku", ">", Ref("x", "sku"))),
    ]


def test_what_should_be_absent() -> None:
    quiet = rule(alert("x", "x"), none=(alert("y", "y", same("area", "x")), alert("z", "z")))
    assert lacks(quiet, fact("x", area="A"), fact("y", "1", area="A"), fact("y", "2", area="B")) == [
        Lack("y", Why.PRESENT, frozenset({"1"}))
    ]
    assert lacks(quiet, fact("x", area="A"), fact("y", area="A"), fact("z")) == [
        Lack("y", Why.PRESENT, frozenset({"y"})),
        Lack("z", Why.PRESENT, frozenset({"z"})),
    ]
    assert lacks(quiet, fact("x")) == [Lack("y", Why.NOT_KNOWN)]


def test_incidents_of_other_rules_count() -> None:
    top = rule(alert("i", kind="incident:b"), none=(alert("j", kind="incident:c"),), name="a")
    others = (rule(alert("x", "x"), name="b"), rule(alert("x", "y"), name="c"))
    assert lacks(top, fact("x"), others=others) == []
    assert lacks(top, fact("z"), others=others) == [Lack("i", Why.NO_FACT)]
    assert lacks(top, fact("x"), fact("y"), others=others) == [Lack("j", Why.PRESENT, frozenset({'incident:c {"store": "一店"}'}))]
