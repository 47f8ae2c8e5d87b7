"""What is too much for one scope fails there, with its reason, and nowhere else; what depends on it is not known either."""

from __future__ import annotations

import pytest

from engine.correlation import Arithmetic, Constant, Derived, Fact, FieldType, Own, Pattern, Program, Ref, Rule
from engine.errors import CorrelationError
from tests.correlation.alerts import alert, bound, fact, matches, rule, run, same, where

PAIR = rule(alert("x", "x"), alert("y", "y", where("sku", "!=", Ref("x", "sku"))))
FINE = (fact("x", "fine x", sku=1, store="二店"), fact("y", "fine y", sku=2, store="二店"))


def numbered(count: int) -> list[Fact]:
    return [fact(name, f"{name}{number}", sku=number) for number in range(count) for name in ("x", "y")]


def failed(rules: Rule | list[Rule], *facts: Fact) -> dict[tuple, str]:
    """The failures; the second store must have its match all the same."""
    found = run(rules, *facts, *FINE)
    assert [match.scope for match in found.matches if match.rule == "a"] == [("二店",)]
    return {(failure.rule, failure.scope): failure.text.en for failure in found.failures}


def test_too_many_combinations() -> None:
    assert failed(PAIR, *numbered(330)) == {("a", ("一店",)): "more than 100,000 combinations of facts"}


def test_too_many_facts() -> None:
    paired = rule(alert("x", "x"), alert("y", "y", where("since", "==", Ref("x", "since"))), alert("z", "z"), name="a")
    facts = [fact("x", str(number), since=number) for number in range(20_001)]
    fine = [fact("x", "1x", store="二店", since=1), fact("y", "1y", store="二店", since=1), fact("z", "1z", store="二店")]
    found = run(paired, *facts, fact("y", since=-1), fact("z"), *fine)
    assert [failure.text.en for failure in found.failures] == ["more than 20,000 different facts"]
    assert found.failures[0].text.zh == "不同的事实超过 20,000 个"
    assert [match.scope for match in found.matches] == [("二店",)]


def test_facts_that_are_only_counted_may_be_many() -> None:
    per_product = rule(alert("page", "page"), alert("orders", "order", same("area", "page"), count=1000, distinct="product"))
    orders = [fact("order", str(number), area="A", product=str(number)) for number in range(30_000)]
    pages = [fact("page", f"page {number}", area="A", sku=number) for number in range(300)]
    assert len(bound(per_product, *pages, *orders)["a"]["orders"]) == 30_000


def test_too_many_derived_facts() -> None:
    many = rule(alert("x", "x"), alert("y", "y"), gives=(Derived("incident:a", {"since": Ref("x", "sku")}),))
    facts = [fact("x", str(number), sku=number) for number in range(5_001)]
    assert failed(many, *facts, fact("y", sku=0)) == {("a", ("一店",)): "more than 5,000 facts follow from these"}


def test_a_circle_that_gives_ever_more_facts_ends_with_an_error() -> None:
    seeds = rule(alert("x", "x"), alert("y", "y"), name="a", gives=(Derived("incident:a", {"since": Ref("x", "sku")}),))
    product = rule(
        alert("i", kind="incident:a"),
        alert("j", kind="incident:a"),
        name="b",
        gives=(
            Derived("incident:b", {"since": Ref("i", "since")}),
            Derived("incident:a", {"since": Ref("j", "since"), "area": Constant("b")}),
        ),
    )
    found = failed([seeds, product], *(fact("x", str(number), sku=number) for number in range(2_000)), fact("y", sku=-1))
    assert set(found) == {("a", ("一店",)), ("b", ("一店",))}


def test_numbers_too_big_to_be_exact() -> None:
    big = 2**53
    join = rule(alert("x", "x"), alert("y", "y", where("since", "!=", Ref("x", "since"))))
    fine = (fact("x", "fx", since=1, store="二店"), fact("y", "fy", since=2, store="二店"))
    found = run(join, fact("x", since=big + 1), fact("y", since=0), *fine)
    assert [failure.text.en for failure in found.failures] == ["9007199254740993 is too big to be compared exactly"]
    assert [match.scope for match in found.matches] == [("二店",)]
    own = rule(alert("x", "", where("since", "==", Arithmetic("*", Own("sku"), Constant(2)))))
    assert bound(own, fact("x", since=2**60, sku=2**59)) == {"a": {"x": {"x"}}}, "one fact alone is judged in Python"
    product = rule(alert("x"), alert("y"), alert("z", "z", where("since", "<", Arithmetic("*", Ref("x", "since"), Ref("y", "since")))))
    facts = [fact("x", since=big // 2), fact("y", since=3), fact("z", since=1)]
    assert [failure.text.en for failure in run(product, *facts).failures] == ["numbers are too big to be computed with exactly"]
    huge = rule(alert("x"), alert("y", "", where("ratio", "<", Arithmetic("*", Ref("x", "ratio"), Constant(1e200)))))
    assert "too big to be compared" in run(huge, fact("x", ratio=1e200), fact("y", ratio=0.0)).failures[0].text.en


def test_what_depends_on_a_failure_is_not_known_either() -> None:
    needs = rule(alert("f", "fine"), none=(alert("i", kind="incident:a"),), name="b")
    counts = rule(alert("stores", kind="incident:a", count=1, distinct="store"), name="c", scope=(), gives=(Derived("chain", {}),))
    apart = rule(alert("f", "fine"), name="d")
    found = run([PAIR, needs, counts, apart], *numbered(330), *FINE, fact("fine"), fact("fine", "fine 3", store="三店"))
    assert {(failure.rule, failure.scope): failure.text.en for failure in found.failures} == {
        ("a", ("一店",)): "more than 100,000 combinations of facts",
        ("b", ("一店",)): "a, which it needs, is not known",
        ("c", None): "a, which it needs, is not known",
    }
    assert {(match.rule, match.scope) for match in found.matches} == {
        ("a", ("二店",)),
        ("b", ("三店",)),
        ("d", ("一店",)),
        ("d", ("三店",)),
    }


def test_facts_of_wrong_types_and_ids_are_refused() -> None:
    for values in ({"sku": "1"}, {"sku": True}, {"sku": 1.0}, {"since": "x"}):
        with pytest.raises(CorrelationError, match="fact 7 .alert.: (sku|since) must be integer, and is"):
            run(rule(alert("x", "", where("sku", "==", 1), where("since", "==", 1))), fact("x", "7", **values))
    with pytest.raises(CorrelationError, match="two facts have the id 7"):
        run(PAIR, fact("x", "7"), fact("y", "7"))


def test_fields_that_no_rule_reads_may_hold_anything() -> None:
    assert bound(rule(alert("x", "x")), Fact("1", "alert", {"store": "一店", "name": "x", "sku": "?", "other": b""})) == {"a": {"x": {"1"}}}  # type: ignore[dict-item]
    assert bound(rule(alert("x", "x")), fact("x"), Fact("2", "unheard of", {"store": 5})) == {"a": {"x": {"x"}}}


def test_hundreds_of_rules_are_spread_over_rulesets() -> None:
    rules = [
        rule(alert("x", f"x{n}"), alert("y", f"y{n % 7}", same("area", "x")), name=f"r{n}", gives=(Derived("chain", {}),))
        for n in range(500)
    ]
    facts = [fact(f"x{n}", area=str(n % 3)) for n in range(500)] + [fact(f"y{n}", area="1") for n in range(7)]
    assert set(bound(rules, *facts)) == {f"r{n}" for n in range(500) if n % 3 == 1}


def test_one_fact_may_pass_hundreds_of_patterns() -> None:
    rules = [
        rule(alert("x", "", where("sku", ">", n)), alert("y", "", where("sku", "<", Ref("x", "sku"))), name=f"r{n}") for n in range(200)
    ]
    rules = [Rule(one.name, one.scope, one.all, gives=(Derived("chain", {}),)) for one in rules]
    assert len(bound(rules, fact("x", sku=1000), fact("y", sku=999))) == 200


def test_the_widest_rule_that_is_allowed() -> None:
    chain = [alert("p0", "n0")] + [
        alert(f"p{n}", f"n{n}", *(same(field, f"p{n - 1}") for field in ("product", "area", "sku", "since", "ratio", "muted")))
        for n in range(1, 14)
    ]
    facts = [fact(f"n{n}", product="P", area="A", sku=1, since=2, ratio=0.5, muted=True) for n in range(14)]
    assert len(bound(rule(*chain), *facts)["a"]) == 14
    assert not bound(rule(*chain), *facts[:7], fact("n7", product="P", area="A", sku=1, since=2, ratio=0.25, muted=True), *facts[8:])


def test_the_longest_arithmetic_that_is_allowed() -> None:
    total: Ref | Arithmetic = Ref("x0", "since")
    for n in range(8):
        total = Arithmetic("+", total, Ref(f"x{n % 4}", "since"))
    last = alert("y", "y", *[where("since", "==", total)] * 12)
    facts = [fact(f"x{n}", since=10**n) for n in range(4)]
    assert matches(rule(*(alert(f"x{n}", f"x{n}") for n in range(4)), last), *facts, fact("y", since=2223))
    assert not matches(rule(*(alert(f"x{n}", f"x{n}") for n in range(4)), last), *facts, fact("y", since=2224))


def test_most_comparisons_of_one_pattern() -> None:
    fields = {f"f{n}": FieldType.FLOAT for n in range(12)}
    schema = {"k": {"s": FieldType.TEXT, **fields}}
    tests = tuple(where(name, "==", Ref("x", name)) for name in fields)
    pair = Rule("a", ("s",), (Pattern("x", ("k",)), Pattern("y", ("k",), tests)))
    values = {name: n / 3 for n, name in enumerate(fields)}
    program = Program([pair], schema)
    assert program.run([Fact("1", "k", {"s": "", **values}), Fact("2", "k", {"s": "", **values})]).matches
    assert not program.run([Fact("1", "k", {"s": "", **values}), Fact("2", "k", {"s": "", **values, "f11": 0.0})]).matches
