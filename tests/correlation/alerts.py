"""Short ways to write alerts, and rules about them."""

from __future__ import annotations

from engine.correlation import Comparison, Constant, Derived, Fact, FieldType, Found, Operand, Pattern, Program, Ref, Rule, Scalar, Test

ALERT = {
    "store": FieldType.TEXT,
    "name": FieldType.TEXT,
    "area": FieldType.TEXT,
    "product": FieldType.TEXT,
    "sku": FieldType.INTEGER,
    "since": FieldType.INTEGER,
    "ratio": FieldType.FLOAT,
    "muted": FieldType.BOOLEAN,
}
INCIDENT = {"store": FieldType.TEXT, "area": FieldType.TEXT, "since": FieldType.INTEGER}
SCHEMA = {"alert": ALERT, "planned": ALERT} | {f"incident:{name}": INCIDENT for name in "abcde"} | {"chain": {"area": FieldType.TEXT}}

OPERATORS = {comparison.value: comparison for comparison in Comparison}


def where(field: str, op: str, operand: Operand | Scalar) -> Test:
    return Test(field, OPERATORS[op], Constant(operand) if isinstance(operand, str | int | float) else operand)


def alert(binding: str, name: str = "", *tests: Test, count: int = 1, distinct: str = "", kind: str = "alert") -> Pattern:
    named = (where("name", "==", name),) if name else ()
    return Pattern(binding, (kind,), (*named, *tests), count, distinct)


def same(field: str, binding: str) -> Test:
    return where(field, "==", Ref(binding, field))


def rule(
    *all_: Pattern,
    any_: tuple[Pattern, ...] = (),
    none: tuple[Pattern, ...] = (),
    name: str = "a",
    gives: tuple[Derived, ...] = (),
    scope: tuple[str, ...] = ("store",),
) -> Rule:
    return Rule(name, scope, all_, any_, none, gives or (Derived(f"incident:{name}", {}),))


def fact(name: str, id: str = "", *, kind: str = "alert", **values: Scalar | None) -> Fact:
    return Fact(id or name, kind, {"store": "一店", "name": name} | values)


def run(rules: Rule | list[Rule], *facts: Fact) -> Found:
    return Program([rules] if isinstance(rules, Rule) else rules, SCHEMA).run(facts)


def bound(rules: Rule | list[Rule], *facts: Fact) -> dict[str, dict[str, set[str]]]:
    """By rule, the ids that each binding has, of facts of one scope."""
    found = run(rules, *facts)
    assert not found.failures
    assert len({match.rule for match in found.matches}) == len(found.matches)
    return {match.rule: {name: set(ids) for name, ids in match.bindings.items()} for match in found.matches}


def matches(rules: Rule | list[Rule], *facts: Fact) -> bool:
    return bool(bound(rules, *facts))
