"""What cannot be expressed is told before anything runs, in both languages."""

from __future__ import annotations

import math

import pytest

from engine.correlation import Arithmetic, Constant, Derived, FieldType, Flaw, Own, Pattern, Program, Ref, Rule, flaws
from engine.errors import CorrelationError
from tests.correlation.alerts import SCHEMA, alert, rule, same, where


def deep(levels: int) -> Arithmetic | Own:
    return Arithmetic("+", deep(levels - 1), Own("sku")) if levels else Own("sku")


TWO = alert("x", "x"), alert("y", "y")
BAD = {
    "no pattern": (rule(), "the rule has no pattern under `all` or `any`"),
    "only absence": (rule(none=(alert("x"),)), "the rule has no pattern under `all` or `any`"),
    "same binding": (rule(alert("x"), alert("x")), "the binding 'x' names 2 patterns"),
    "empty binding": (rule(alert("")), "the binding '' names 1 patterns"),
    "too many patterns": (rule(*(alert(f"p{n}") for n in range(15))), "15 patterns are matched together; at most 14 can be"),
    "too many comparisons": (
        rule(TWO[0], alert("y", "y", *(same("area", "x") for _ in range(13)))),
        "26 comparisons with other facts; at most 24",
    ),
    "too many fields": (
        rule(
            *(alert(f"x{n}", "x") for n in range(5)),
            *(alert(f"p{n}", "p", *(same("area", f"x{m % 5}") for m in range(12))) for n in range(9)),
        ),
        "216 fields are compared between facts; at most 200",
    ),
    "unknown kind": (rule(Pattern("x", ("alarm",))), "there is no kind alarm"),
    "no kind": (rule(Pattern("x", ())), "the pattern names no kind of fact"),
    "unknown field": (rule(alert("x", "", where("nmae", "==", "x"))), "alert has no field nmae"),
    "unknown own field": (rule(alert("x", "", where("name", "==", Own("title")))), "alert has no field title"),
    "unknown field of another": (rule(TWO[0], alert("y", "", where("name", "==", Ref("x", "title")))), "alert has no field title"),
    "unknown binding": (rule(alert("x", "", same("area", "z"))), "z.area: z is no pattern of `all` before this one"),
    "later binding": (rule(alert("x", "", same("area", "y")), alert("y")), "y.area: y is no pattern of `all` before this one"),
    "itself": (rule(alert("x", "", same("area", "x"))), "x.area: x is no pattern of `all` before this one"),
    "binding of any": (
        rule(alert("x"), any_=(alert("y"), alert("z", "", same("area", "y")))),
        "y.area: y is no pattern of `all` before this one",
    ),
    "counted binding": (rule(alert("x", count=2), alert("y", "", same("area", "x"))), "x.area: x counts, so it has no single value"),
    "types": (rule(alert("x", "", where("name", "==", 5))), "name is text, and is compared with integer"),
    "boolean and number": (rule(alert("x", "", where("muted", "==", 1))), "muted is boolean, and is compared with integer"),
    "number and boolean": (rule(alert("x", "", where("sku", "==", True))), "sku is integer, and is compared with boolean"),
    "order of texts": (rule(alert("x", "", where("name", "<", "y"))), "name is text: it can be compared by == and != only"),
    "order of booleans": (rule(alert("x", "", where("muted", ">=", False))), "muted is boolean: it can be compared by == and != only"),
    "sum of texts": (
        rule(alert("x", "", where("name", "==", Arithmetic("+", Own("area"), Constant("x"))))),
        "+ needs numbers on both sides",
    ),
    "division": (rule(alert("x", "", where("sku", "==", Arithmetic("/", Own("sku"), Constant(2))))), "cannot compute /; only + - *"),
    "deep": (rule(alert("x", "", where("sku", "==", deep(9)))), "more than 8 operations in one comparison"),
    "not a number": (rule(alert("x", "", where("ratio", "<", math.nan))), "nan is not a number to compare with"),
    "infinity": (rule(alert("x", "", where("ratio", "<", math.inf))), "inf is not a number to compare with"),
    "big number": (rule(alert("x", "", where("sku", "<", 2**53 + 1))), "9007199254740993 is beyond 9007199254740992"),
    "no value": (rule(alert("x", "", where("sku", "<", Constant(None)))), "None is no text, number or boolean"),  # type: ignore[arg-type]
    "count of none": (rule(alert("x"), none=(alert("y", count=2),)), "a pattern under `none` cannot count"),
    "count 0": (rule(alert("x", count=0, distinct="area")), "count is 0; it must be at least 1"),
    "count 0, plainly": (rule(alert("x", count=0)), "count is 0; it must be at least 1"),
    "distinct field": (rule(alert("x", distinct="title")), "alert has no field title"),
    "counting by order": (
        rule(TWO[0], alert("y", "", where("sku", ">", Ref("x", "sku")), count=2)),
        "a pattern that counts can be compared with other facts only by `sku == …`",
    ),
    "counting by arithmetic": (
        rule(TWO[0], alert("y", "", where("sku", "==", Arithmetic("+", Ref("x", "sku"), Constant(1))), count=2)),
        "a pattern that counts can be compared with other facts only by `sku == …`",
    ),
    "scope unknown": (rule(alert("x"), scope=("shop",)), "alert has no field shop, which the rule's scope needs"),
    "scope of floats": (rule(alert("x"), scope=("ratio",)), "ratio cannot be a scope: it must have one type, and not float"),
    "gives unknown kind": (rule(alert("x"), gives=(Derived("incident:z", {}),)), "there is no kind incident:z"),
    "gives unknown field": (rule(alert("x"), gives=(Derived("incident:a", {"z": Constant("")}),)), "incident:a has no field z"),
    "gives its scope": (
        rule(alert("x"), gives=(Derived("incident:a", {"store": Constant("")}),)),
        "store is added by itself: it is the rule's scope",
    ),
    "gives another type": (
        rule(alert("x"), gives=(Derived("incident:a", {"since": Constant(1.5)}),)),
        "since is integer, and is given float",
    ),
    "gives another's type": (
        rule(alert("x"), gives=(Derived("incident:a", {"since": Ref("x", "name")}),)),
        "since is integer, and is given text",
    ),
    "gives from any": (
        rule(alert("x"), any_=(alert("y"),), gives=(Derived("incident:a", {"area": Ref("y", "area")}),)),
        "y.area: y is no pattern of `all` before this one",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_flaw(case: str) -> None:
    bad, text = BAD[case]
    found = flaws([bad], SCHEMA)
    assert [flaw.text.en for flaw in found] == [text]
    assert found[0].rule == "a"
    assert any("\u4e00" <= char <= "\u9fff" for char in found[0].text.zh)
    with pytest.raises(CorrelationError) as error:
        Program([bad], SCHEMA)
    assert text in error.value.text.en


def test_all_flaws_are_told_with_rule_and_pattern() -> None:
    bad = rule(alert("x", "", where("nmae", "==", "x"), where("name", "<", "x")), name="b")
    found = flaws([bad, rule(alert("x"), alert("x")), bad], SCHEMA)
    assert [(flaw.rule, flaw.binding) for flaw in found] == [("b", "x"), ("b", "x"), ("a", ""), ("b", "x"), ("b", "x"), ("b", "")]
    assert found[-1].text.en == "two rules have this name"


def test_kinds_of_one_pattern_must_agree() -> None:
    schema = {
        "p": {"s": FieldType.TEXT, "x": FieldType.TEXT},
        "q": {"s": FieldType.TEXT, "x": FieldType.INTEGER},
        "r": {"s": FieldType.INTEGER},
    }
    mixed = Rule("a", ("s",), (Pattern("b", ("p", "q"), (where("x", "==", "1"),)),))
    assert [flaw.text.en for flaw in flaws([mixed], schema)] == ["x is not of the same type in p, q"]
    assert not flaws([Rule("a", ("s",), (Pattern("b", ("p", "q")),))], schema)
    scopes = Rule("a", ("s",), (Pattern("b", ("p",)), Pattern("c", ("r",))))
    assert [flaw.text.en for flaw in flaws([scopes], schema)] == ["s cannot be a scope: it must have one type, and not float"]


def circle(*rules: Rule) -> Flaw:
    found = flaws(rules, SCHEMA)
    assert len(found) == 1
    return found[0]


def incident(name: str, binding: str = "i", count: int = 1) -> Pattern:
    return alert(binding, kind=f"incident:{name}", count=count)


def test_a_circle_through_none_is_refused_with_its_path() -> None:
    a = rule(alert("x"), none=(incident("c"),), name="a")
    b, c = rule(incident("a"), name="b"), rule(incident("b"), name="c")
    flaw = circle(c, b, a)
    assert flaw.text.en == (
        "the rules depend on each other in a circle: a → b → c → a; whether facts are absent (`none`) can be told only when all are known"
    )
    assert flaw.text.zh == "规则互相依赖，形成循环：a → b → c → a；要等事实齐全之后才能判断 none"


def test_other_circles() -> None:
    itself = circle(rule(alert("x"), none=(incident("a"),), name="a"))
    assert itself.text.en.startswith("the rules depend on each other in a circle: a → a; whether facts are absent")
    counting = circle(rule(incident("b", count=2), name="a"), rule(incident("a"), name="b"))
    assert "a → b → a; facts can be counted only when all are known" in counting.text.en
    absent = circle(rule(incident("b"), none=(alert("x"),), name="a"), rule(incident("a"), name="b"))
    assert "a rule with `none` is settled only after what it needs" in absent.text.en
    scopes = circle(rule(incident("b"), name="a"), rule(incident("a"), name="b", scope=("store", "area")))
    assert "they have different scopes" in scopes.text.en
    assert not flaws([rule(incident("b"), name="a"), rule(incident("a"), name="b")], SCHEMA)
