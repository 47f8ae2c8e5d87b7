"""Rules without flaws, compiled to groups in the order of their evaluation."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from engine.correlation.checking import NUMBERS, type_of
from engine.correlation.limits import LARGEST_FLOAT, LARGEST_INTEGER
from engine.correlation.operands import bindings, is_own, leaves, seen_from_itself
from engine.correlation.plan import Calculation, Column, Demand, Group, Join, JoinOperand, Place, Selector, Slot, Tally, Variant
from engine.correlation.strata import dependencies, strata
from engine.correlation.values import Arithmetic, Comparison, FieldType, Operand, Own, Pattern, Ref, Rule, Schema, Test

Item = TypeVar("Item", bound=Hashable)
_GROUPS = itertools.count()


@dataclass(slots=True)
class _Numbering(Generic[Item]):
    """Things by number; equal things have the same number."""

    numbers: dict[Item, int] = field(default_factory=dict)

    def __call__(self, item: Item) -> int:
        return self.numbers.setdefault(item, len(self.numbers))

    def items(self) -> Iterator[tuple[int, Item]]:
        return ((number, item) for item, number in self.numbers.items())


def compiled(rules: Sequence[Rule], schema: Schema) -> Iterator[tuple[Group, tuple[Group, ...]]]:
    """The groups, in the order in which they must be evaluated; each with the parts that it can be divided into, if it can."""
    level = strata(rules)
    feeders: dict[str, set[str]] = {}
    for edge in dependencies(rules):
        feeders.setdefault(edge.needs, set()).add(edge.gives)
    together: dict[tuple[int, tuple[tuple[str, FieldType], ...]], list[Rule]] = {}
    for rule in rules:
        together.setdefault((level[rule.name], _scope(rule, schema)), []).append(rule)
    for _, members in sorted(together.items(), key=lambda item: item[0]):
        parts = _parts(members, feeders)
        yield _group(members, schema, feeders), tuple(_group(part, schema, feeders) for part in parts if len(parts) > 1)


def _parts(rules: Sequence[Rule], feeders: Mapping[str, set[str]]) -> Sequence[Sequence[Rule]]:
    """Rules that see what the others give, together."""
    parts: list[list[Rule]] = []
    for rule in rules:
        linked = [part for part in parts if any(_linked(rule.name, other.name, feeders) for other in part)]
        parts = [part for part in parts if part not in linked] + [[*itertools.chain(*linked), rule]]
    return parts


def _linked(one: str, other: str, feeders: Mapping[str, set[str]]) -> bool:
    return one in feeders.get(other, ()) or other in feeders.get(one, ())


def _scope(rule: Rule, schema: Schema) -> tuple[tuple[str, FieldType], ...]:
    kind = (*rule.all, *rule.any)[0].kinds[0]
    return tuple((name, schema[kind][name]) for name in rule.scope)


def _group(rules: Sequence[Rule], schema: Schema, feeders: Mapping[str, set[str]]) -> Group:
    bits: _Numbering[Selector | Tally] = _Numbering()
    columns: _Numbering[Column] = _Numbering()
    variants = tuple(variant for rule in rules for variant in _RuleCompiler(rule, schema, bits, columns).variants())
    tallies = {bit: item for bit, item in bits.items() if isinstance(item, Tally)}
    names = {rule.name for rule in rules}
    return Group(
        number=next(_GROUPS),
        scope=rules[0].scope,
        variants=variants,
        selectors={bit: item for bit, item in bits.items() if isinstance(item, Selector)},
        columns=dict(columns.items()),
        tallies=tallies,
        demands=_demands(variants, tallies),
        upstream=frozenset(giver for name in names for giver in feeders.get(name, ())) - names,
    )


def _demands(variants: Sequence[Variant], tallies: Mapping[int, Tally]) -> Mapping[int, Demand]:
    columns: dict[int, set[int]] = {}
    fields: dict[int, set[str]] = {}
    for variant in variants:
        for slot in variant.slots:
            columns.setdefault(slot.bit, set()).update(slot.columns)
        bit_of = {slot.binding: slot.bit for slot in variant.present}
        for derived in variant.gives:
            for operand in derived.fields.values():
                if isinstance(operand, Ref):
                    fields.setdefault(bit_of[operand.binding], set()).add(operand.field)
    for tally in tallies.values():
        columns.setdefault(tally.counted, set()).update(tally.columns)
        fields.setdefault(tally.counted, set()).update({tally.distinct} - {""})
    return {
        bit: Demand(tuple(sorted(columns.get(bit, ()))), tuple(sorted(fields.get(bit, ())))) for bit in {*columns, *fields} - {*tallies}
    }


class _RuleCompiler:
    def __init__(self, rule: Rule, schema: Schema, bits: _Numbering[Selector | Tally], columns: _Numbering[Column]) -> None:
        self.rule = rule
        self.schema = schema
        self.bits = bits
        self.columns = columns
        self.patterns = {pattern.binding: pattern for pattern in rule.all}

    def variants(self) -> Iterator[Variant]:
        rule = self.rule
        choices: list[tuple[Pattern, ...]] = [(pattern,) for pattern in rule.any]
        for choice in choices or [()]:
            patterns = {pattern.binding: pattern for pattern in (*rule.all, *choice, *rule.none)}
            joins = {name: tuple(self._joins(pattern)) for name, pattern in patterns.items()}
            used = _columns_used(joins)
            tallied: Counter[Tally] = Counter()
            slots = [
                Slot(name, self._bit(patterns[name], own, tallied), tuple(sorted(used.get(name, ()))), own) for name, own in joins.items()
            ]
            width = len(slots) - len(rule.none)
            yield Variant(rule.name, tuple(slots[:width]), tuple(slots[width:]), rule.gives)

    def _bit(self, pattern: Pattern, joins: Sequence[Join], tallied: Counter[Tally]) -> int:
        bit = self.bits(Selector(pattern.kinds, tuple(test for test in pattern.tests if is_own(test.operand))))
        if not pattern.counts:
            return bit
        tally = Tally(bit, tuple(sorted({join.column for join in joins})), pattern.count, pattern.distinct)
        tallied[tally] += 1
        return self.bits(replace(tally, twin=tallied[tally]))

    def _joins(self, pattern: Pattern) -> Iterator[Join]:
        for test in pattern.tests:
            if not is_own(test.operand) and not self._is_scope(test):
                yield self._join(pattern, test)

    def _is_scope(self, test: Test) -> bool:
        """Facts of one match have the same scope anyway."""
        same = isinstance(test.operand, Ref) and test.operand.field == test.field
        return same and test.field in self.rule.scope and test.op is Comparison.EQUAL

    def _join(self, pattern: Pattern, test: Test) -> Join:
        types = {type_of(leaf, pattern, self.patterns, self.schema) for leaf in (Own(test.field), *leaves(test.operand))}
        kind = FieldType.FLOAT if types == NUMBERS else next(iter(types))
        limit = LARGEST_FLOAT if types == {FieldType.FLOAT} else LARGEST_INTEGER
        return Join(self.columns(Column(Own(test.field), kind)), test.op, self._operand(test.operand, kind), kind, limit)

    def _operand(self, operand: Operand, kind: FieldType) -> JoinOperand:
        """What refers to one fact only becomes a column of that fact: the engine is left with what refers to several."""
        of = bindings(operand)
        if isinstance(operand, Arithmetic) and len(of) > 1:
            return Calculation(operand.op, self._operand(operand.left, kind), self._operand(operand.right, kind))
        return Place(next(iter(of), ""), self.columns(Column(seen_from_itself(operand), kind)))


def _columns_used(joins: Mapping[str, Sequence[Join]]) -> Mapping[str, set[int]]:
    """By binding, the columns that it must have for the joins of all patterns."""
    used: dict[str, set[int]] = {}
    for binding, own in joins.items():
        for join in own:
            used.setdefault(binding, set()).add(join.column)
            for place in places(join.operand):
                used.setdefault(place.binding or binding, set()).add(place.column)
    return used


def places(operand: JoinOperand) -> Iterator[Place]:
    if isinstance(operand, Calculation):
        yield from places(operand.left)
        yield from places(operand.right)
    else:
        yield operand


def fields_read(rules: Iterable[Rule], schema: Schema) -> Mapping[str, Mapping[str, FieldType]]:
    """By kind, the fields that matter to any rule."""
    read: dict[str, dict[str, FieldType]] = {}

    def note(pattern: Pattern, *names: str) -> None:
        for kind in pattern.kinds:
            read.setdefault(kind, {}).update({name: schema[kind][name] for name in names if name in schema[kind]})

    for rule in rules:
        patterns = {pattern.binding: pattern for pattern in (*rule.all, *rule.any, *rule.none)}
        given = [(Pattern("", ()), operand) for derived in rule.gives for operand in derived.fields.values()]
        tested = [(pattern, test.operand) for pattern in patterns.values() for test in pattern.tests]
        for pattern in patterns.values():
            note(pattern, *rule.scope, pattern.distinct, *(test.field for test in pattern.tests))
        for pattern, operand in (*tested, *given):
            for leaf in leaves(operand):
                if isinstance(leaf, Ref):
                    note(patterns[leaf.binding], leaf.field)
                elif isinstance(leaf, Own):
                    note(pattern, leaf.field)
    return read
