"""Random rules and facts, small enough for :mod:`naive`, mean enough to meet every turn of the engine."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from engine.correlation import (
    Arithmetic,
    Comparison,
    Constant,
    Derived,
    Fact,
    FieldType,
    Match,
    Operand,
    Own,
    Pattern,
    Program,
    Ref,
    Rule,
    Test,
    flaws,
)
from tests.correlation.naive import content, evaluate

FIELDS = {
    "店": FieldType.TEXT,
    "sku": FieldType.INTEGER,
    "t": FieldType.TEXT,
    "描述": FieldType.TEXT,
    "i": FieldType.INTEGER,
    "j": FieldType.INTEGER,
    "b": FieldType.BOOLEAN,
    "f": FieldType.FLOAT,
    "g": FieldType.FLOAT,
}
BASE, GIVEN = ("alert", "订单", "product"), ("incident:x", "incident:y", "事故")
SCHEMA = {kind: FIELDS for kind in (*BASE, *GIVEN)}
POOL = {
    FieldType.TEXT: ["", "a", "A", "店铺", "店铺 ", '"', "\\", "1", "true", "\u0000", "😀", "é", "e\u0301", "\ud800"],
    FieldType.INTEGER: [-1, 0, 1, 2, 3, 5, 1_700_000_000_000_000, 2**53, -(2**53)],
    FieldType.BOOLEAN: [True, False],
    FieldType.FLOAT: [0.0, -0.0, 1e-05, 0.1, 0.2, 0.30000000000000004, 0.3, 1.0, 1e16, 1e22, -2.5, float("nan"), float("inf")],
}
NUMBERS = ("i", "j", "f", "g")
SCOPES = ("店", "sku")


@dataclass(frozen=True)
class Case:
    rules: tuple[Rule, ...]
    facts: tuple[Fact, ...]


class Maker:
    """Each case has a few fields and a few values for each, so that facts agree often enough for rules to match."""

    def __init__(self, seed: int) -> None:
        draw = self.random = random.Random(seed)
        self.fields = draw.sample([name for name in FIELDS if name not in SCOPES], draw.choice((2, 3, 4, 7)))
        self.pool = {name: draw.sample(POOL[kind], min(len(POOL[kind]), draw.choice((1, 2, 2, 3, 5)))) for name, kind in FIELDS.items()}
        self.kinds = draw.sample(BASE, draw.choice((1, 2, 3)))
        self.given = draw.sample(GIVEN, draw.choice((1, 2, 3)))
        self.missing = draw.choice((0.0, 0.05, 0.3))

    def case(self) -> Case:
        """A case whose rules have no flaws."""
        while True:
            rules = tuple(self.rule(f"r{number}") for number in range(self.random.choice((1, 1, 2, 3, 4))))
            if not flaws(rules, SCHEMA):
                return Case(rules, tuple(self.fact(number) for number in range(self.random.randint(1, 9))))

    def constant(self, field: str) -> Constant:
        values = (
            [value for value in (*self.pool[field], POOL[FIELDS[field]][1]) if abs(value) < 1e300] if field in NUMBERS else self.pool[field]
        )
        return Constant(self.random.choice(values))

    def fact(self, number: int) -> Fact:
        values = {}
        for name in (*SCOPES, *self.fields):
            if self.random.random() >= (0.02 if name in SCOPES else self.missing):
                values[name] = self.random.choice(self.pool[name])
            elif self.random.random() < 0.5:
                values[name] = None
        return Fact(f"事实 {number}", self.random.choice((*self.kinds, *self.kinds, *self.given)), values)

    def rule(self, name: str) -> Rule:
        draw = self.random
        scope = draw.choice((("店",), ("店",), ("店",), ("sku",), ("店", "sku"), ()))
        all_: list[Pattern] = []
        for index in range(draw.choice((1, 2, 2, 2, 3, 3, 4))):
            all_.append(self.pattern(f"p{index}", all_))
        any_ = [self.pattern(f"any{index}", all_) for index in range(draw.choice((0, 0, 0, 1, 2)))]
        if any_ and draw.random() < 0.3:
            all_ = []
            any_ = [self.pattern(f"any{index}", []) for index in range(2)]
        none = [self.pattern(f"none{index}", all_, counting=False) for index in range(draw.choice((0, 0, 0, 1, 1, 2)))]
        gives = tuple(self.derived(scope, all_) for _ in range(draw.choice((0, 1, 1, 2))))
        return Rule(name, scope, tuple(all_), tuple(any_), tuple(none), gives)

    def pattern(self, binding: str, earlier: Sequence[Pattern], counting: bool = True) -> Pattern:
        draw = self.random
        kinds = (
            tuple(draw.sample(both, min(len(both), draw.choice((1, 1, 2))))) if (both := [*self.kinds, *self.kinds, *self.given]) else ()
        )
        count = draw.choice((1, 1, 1, 1, 1, 2, 3)) if counting else 1
        distinct = draw.choice(("", "", "", "", "", *self.fields[:1])) if counting else ""
        targets = [pattern.binding for pattern in earlier if not pattern.counts]
        only_equal = count > 1 or bool(distinct)
        tests = tuple(self.test(targets, only_equal) for _ in range(draw.choice((0, 1, 1, 1, 2, 3))))
        if earlier and draw.random() < 0.25:  # the same facts as an earlier pattern
            model = draw.choice(earlier)
            kinds, tests = model.kinds, tuple(test for test in (*model.tests, *tests[:1]) if not refers_to(test.operand) or not only_equal)
            tests = tuple(test for test in tests if refers_to(test.operand) <= set(targets))
        return Pattern(binding, kinds, tests, count, distinct)

    def test(self, targets: Sequence[str], only_equal: bool) -> Test:
        draw = self.random
        field = draw.choice((*self.fields, *self.fields, *SCOPES))
        join = bool(targets) and draw.random() < 0.7
        numeric = field in NUMBERS
        op = draw.choice(list(Comparison) if numeric else [Comparison.EQUAL, Comparison.EQUAL, Comparison.UNEQUAL])
        if join and only_equal:
            return Test(field, Comparison.EQUAL, Ref(draw.choice(targets), self.same(field)))
        if numeric and draw.random() < 0.4:
            return Test(field, op, self.arithmetic(field, targets if not only_equal else [], 2))
        if join:
            return Test(field, op, Ref(draw.choice(targets), self.same(field)))
        return Test(field, op, self.constant(field) if draw.random() < 0.7 else Own(self.same(field)))

    def same(self, field: str) -> str:
        """A field to compare with: of the same type, or sometimes of the other number type."""
        draw = self.random
        like = [name for name in (*self.fields, *SCOPES) if FIELDS[name] is FIELDS[field]]
        return draw.choice(NUMBERS) if field in NUMBERS and draw.random() < 0.1 else draw.choice((field, *like))

    def arithmetic(self, field: str, targets: Sequence[str], depth: int) -> Operand:
        draw = self.random
        if depth and draw.random() < 0.6:
            return Arithmetic(draw.choice("++-*"), self.arithmetic(field, targets, depth - 1), self.arithmetic(field, targets, depth - 1))
        leaf = draw.choice(("constant", "own", "ref", "ref")) if targets else draw.choice(("constant", "own"))
        other = self.same(field)
        return self.constant(other) if leaf == "constant" else Own(other) if leaf == "own" else Ref(draw.choice(targets), other)

    def derived(self, scope: tuple[str, ...], patterns: Sequence[Pattern]) -> Derived:
        draw = self.random
        targets = [pattern.binding for pattern in patterns if not pattern.counts]
        fields: dict[str, Constant | Ref] = {}
        for name in draw.sample(self.fields, draw.choice((0, 1, 2))):
            fields[name] = Ref(draw.choice(targets), name) if targets and draw.random() < 0.6 else self.constant(name)
        if "sku" not in scope and targets and draw.random() < 0.5:
            fields["sku"] = Ref(draw.choice(targets), "sku")
        return Derived(draw.choice(self.given), fields)


def refers_to(operand: Operand) -> set[str]:
    match operand:
        case Ref(binding, _):
            return {binding}
        case Arithmetic(_, left, right):
            return refers_to(left) | refers_to(right)
    return set()


def difference(case: Case, program: Program) -> str:
    """What the engine says otherwise than the naive evaluation; empty when they agree."""
    expected, followed = evaluate(case.rules, case.facts)
    found = program.run(case.facts)
    if found.failures and all("too big" in failure.text.en or "not known" in failure.text.en for failure in found.failures):
        return ""
    if found.failures:
        return f"failures: {found.failures}"
    names = {fact.id: content(fact.kind, fact.values) for fact in found.derived}
    given = {named(match): {name: {names.get(one, one) for one in ids} for name, ids in match.bindings.items()} for match in found.matches}
    if len(given) != len(found.matches):
        return "one match was told twice"
    if set(names.values()) != followed:
        return f"derived: {sorted(set(names.values()) ^ followed)}"
    return "" if given == expected else f"expected {expected}\nfound    {given}"


def named(match: Match) -> tuple[str, tuple]:
    return match.rule, match.scope
