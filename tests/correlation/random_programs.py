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
    FieldType.TEXT: ["", "a", "A", "店铺", "店铺 ", '"', "\\", "1", "true", "\u0000", "😀", "é", "é", "\ud800"],
    FieldType.INTEGER: [-1, 0, 1, 2, 3, 5, 1_700_000_000_000_000, 2**53, -(2**53)],
    FieldType.BOOLEAN: [True, False],
    FieldType.FLOAT: [0.0, -0.0, 1e-05, 0.1, 0.2, 0.30000000000000004, 0.3, 1.0, 1e16, 1e22, -2.5, float("nan"), float("inf")],
}
NUMBERS = ["i", "j", "f", "g"]


@dataclass(frozen=True)
class Case:
    rules: tuple[Rule, ...]
    facts: tuple[Fact, ...]


class Maker:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def case(self) -> Case:
        """A case whose rules have no flaws."""
        while True:
            rules = tuple(self.rule(f"r{number}") for number in range(self.random.choice((1, 1, 2, 3, 4))))
            if not flaws(rules, SCHEMA):
                return Case(rules, tuple(self.fact(number) for number in range(self.random.randint(0, 9))))

    def constant(self, kind: FieldType) -> Constant:
        return Constant(self.random.choice([value for value in POOL[kind][:6] if value == value]))

    def fact(self, number: int) -> Fact:
        values = {}
        for name, kind in FIELDS.items():
            few = 2 if name in ("店", "sku") else self.random.choice((2, 3, len(POOL[kind])))
            if self.random.random() > (0.03 if name in ("店", "sku") else 0.12):
                values[name] = self.random.choice(POOL[kind][:few])
            elif self.random.random() < 0.5:
                values[name] = None
        return Fact(f"事实 {number}", self.random.choice((*BASE, *BASE, *GIVEN)), values)

    def rule(self, name: str) -> Rule:
        draw = self.random
        scope = draw.choice((("店",), ("店",), ("sku",), ("店", "sku"), ()))
        all_: list[Pattern] = []
        for index in range(draw.choice((1, 2, 2, 2, 3, 3, 4))):
            all_.append(self.pattern(f"p{index}", all_))
        any_ = [self.pattern(f"any{index}", all_) for index in range(draw.choice((0, 0, 0, 1, 2)))]
        if any_ and draw.random() < 0.3:
            all_ = []
            any_ = [self.pattern(f"any{index}", []) for index in range(2)]
        none = [self.pattern(f"none{index}", all_, counting=False) for index in range(draw.choice((0, 0, 1, 1, 2)))]
        gives = tuple(self.derived(scope, all_) for _ in range(draw.choice((0, 1, 1, 2))))
        return Rule(name, scope, tuple(all_), tuple(any_), tuple(none), gives)

    def pattern(self, binding: str, earlier: Sequence[Pattern], counting: bool = True) -> Pattern:
        draw = self.random
        kinds = tuple(draw.sample((*BASE, *BASE[:1], *GIVEN), draw.choice((1, 1, 2))))
        count = draw.choice((1, 1, 1, 1, 2, 3)) if counting else 1
        distinct = draw.choice(("", "", "", "", "", "t", "b", "f")) if counting else ""
        targets = [pattern.binding for pattern in earlier if not pattern.counts]
        only_equal = count > 1 or bool(distinct)
        tests = tuple(self.test(targets, only_equal) for _ in range(draw.choice((0, 1, 1, 2, 3))))
        return Pattern(binding, kinds, tests, count, distinct)

    def test(self, targets: Sequence[str], only_equal: bool) -> Test:
        draw = self.random
        field = draw.choice(list(FIELDS))
        kind = FIELDS[field]
        join = bool(targets) and draw.random() < 0.7
        numeric = field in NUMBERS
        op = draw.choice(list(Comparison) if numeric else [Comparison.EQUAL, Comparison.EQUAL, Comparison.UNEQUAL])
        if join and only_equal:
            return Test(field, Comparison.EQUAL, Ref(draw.choice(targets), self.same(kind)))
        if numeric and draw.random() < 0.4:
            return Test(field, op, self.arithmetic(kind, targets if not only_equal else [], 2))
        if join:
            return Test(field, op, Ref(draw.choice(targets), self.same(kind)))
        return Test(field, op, self.constant(kind) if draw.random() < 0.7 else Own(self.same(kind)))

    def same(self, kind: FieldType) -> str:
        """A field to compare with: of the same type, or sometimes of the other number type."""
        if kind in (FieldType.INTEGER, FieldType.FLOAT) and self.random.random() < 0.1:
            return self.random.choice(NUMBERS)
        return self.random.choice([name for name, other in FIELDS.items() if other is kind])

    def arithmetic(self, kind: FieldType, targets: Sequence[str], depth: int):
        draw = self.random
        if depth and draw.random() < 0.6:
            return Arithmetic(draw.choice("++-*"), self.arithmetic(kind, targets, depth - 1), self.arithmetic(kind, targets, depth - 1))
        field = draw.choice([name for name in NUMBERS if FIELDS[name] is kind])
        leaf = draw.choice(("constant", "own", "ref", "ref")) if targets else draw.choice(("constant", "own"))
        return self.constant(kind) if leaf == "constant" else Own(field) if leaf == "own" else Ref(draw.choice(targets), field)

    def derived(self, scope: tuple[str, ...], patterns: Sequence[Pattern]) -> Derived:
        draw = self.random
        targets = [pattern.binding for pattern in patterns if not pattern.counts]
        fields = {}
        for name in draw.sample(list(FIELDS), draw.choice((0, 1, 2, 3))):
            if name not in scope:
                refer = targets and draw.random() < 0.6
                fields[name] = Ref(draw.choice(targets), name) if refer else self.constant(FIELDS[name])
        return Derived(draw.choice(GIVEN), fields)


def difference(case: Case, program: Program) -> str:
    """What the engine says otherwise than the naive evaluation; empty when they agree."""
    expected, followed = evaluate(case.rules, case.facts)
    found = program.run(case.facts)
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
