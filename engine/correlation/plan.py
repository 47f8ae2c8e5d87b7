"""Rules as they are evaluated. What a fact is by itself is decided here in Python; what facts are to each other, by the inference engine.

* A *selector* is what a pattern asks of a fact alone: kinds, and tests without references. A fact's *mask* has a bit for every selector
  that it passes. Selectors are shared by all rules.
* A *column* is a number that the engine compares: a field, or arithmetic over fields of one fact. Texts are numbered, booleans are 0 and 1.
* A *tally* is what a counting pattern counts: the facts of a selector, put together by the columns that are compared with other facts.
  It has a bit too.
* A *variant* is one rule of the engine. A rule has one, or one for each pattern of ``any``.
* A *group* holds the variants that are evaluated together: of one stratum and one scope. Where it fails, its parts are evaluated alone.

All of it is plain values, so that it can be sent to the process that holds the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property

from engine.correlation.values import Comparison, Derived, FieldType, Operand, Test

REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Selector:
    kinds: tuple[str, ...]
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Column:
    expression: Operand
    type: FieldType


@dataclass(frozen=True, slots=True)
class Tally:
    """Facts with the bit ``counted``, put together by ``columns``; ``distinct`` is empty when the facts themselves are counted.

    ``twin`` tells equal tallies of one rule apart: the engine lets no fact stand for two patterns, but what was counted may be counted
    again.
    """

    counted: int
    columns: tuple[int, ...]
    at_least: int
    distinct: str
    twin: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """A column of the fact that ``binding`` is bound to (empty: of the fact itself)."""

    binding: str
    column: int


@dataclass(frozen=True, slots=True)
class Calculation:
    """Arithmetic over columns of several facts."""

    op: str
    left: JoinOperand
    right: JoinOperand


JoinOperand = Place | Calculation


@dataclass(frozen=True, slots=True)
class Join:
    column: int
    op: Comparison
    operand: JoinOperand
    type: FieldType
    limit: int | float  # of what is computed, for it to be exact


@dataclass(frozen=True, slots=True)
class Slot:
    """One pattern of a variant: a fact with the bit, with all of ``columns`` (those that this or another slot compares), and the joins."""

    binding: str
    bit: int
    columns: tuple[int, ...]
    joins: tuple[Join, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    rule: str
    present: tuple[Slot, ...]
    absent: tuple[Slot, ...]
    gives: tuple[Derived, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (*self.present, *self.absent)


@dataclass(frozen=True)
class Group:
    """``demands`` has, for every bit, what has to be known of a fact that has it. ``number`` tells the groups of one process apart."""

    number: int
    scope: tuple[str, ...]
    variants: tuple[Variant, ...]
    selectors: Mapping[int, Selector]
    columns: Mapping[int, Column]
    tallies: Mapping[int, Tally]
    demands: Mapping[int, Demand]
    upstream: frozenset[str] = frozenset()
    _demanded: dict[int, Demand] = field(default_factory=dict, compare=False)

    def __getstate__(self) -> dict[str, object]:
        """What is sent to the other process: without what was worked out meanwhile."""
        return {one.name: getattr(self, one.name) for one in fields(self)} | {"_demanded": {}}

    @cached_property
    def needs(self) -> frozenset[int]:
        """For every variant, the bits without which it cannot match."""
        return frozenset(union(slot.bit for slot in variant.present) for variant in self.variants)

    @cached_property
    def asked(self) -> int:
        """The bits that the engine asks for. Facts without any are only counted."""
        return union(slot.bit for variant in self.variants for slot in variant.slots)

    @cached_property
    def rules(self) -> frozenset[str]:
        return frozenset(variant.rule for variant in self.variants)

    @cached_property
    def calculations(self) -> frozenset[tuple[Calculation, int | float]]:
        """All arithmetic that is left to the engine, and its limit."""
        joins = (join for variant in self.variants for slot in variant.slots for join in slot.joins)
        return frozenset((join.operand, join.limit) for join in joins if isinstance(join.operand, Calculation))

    def can_complete(self, present: int) -> bool:
        """Whether any rule can match where there are facts with these bits only. (What follows, follows from a match.)"""
        return any(present & needs == needs for needs in self.needs)

    def demanded(self, mask: int) -> Demand:
        """What has to be known of a fact with this mask."""
        if mask not in self._demanded:
            if len(self._demanded) >= REMEMBERED:
                self._demanded.clear()
            all_of = [demand for bit, demand in self.demands.items() if mask >> bit & 1]
            self._demanded[mask] = Demand(
                tuple(sorted({column for demand in all_of for column in demand.columns})),
                tuple(sorted({name for demand in all_of for name in demand.fields})),
                max(sum(mask >> bit & 1 for bit in self._asked(variant)) for variant in self.variants),
            )
        return self._demanded[mask]

    def _asked(self, variant: Variant) -> Iterator[int]:
        """For each pattern of the variant, the bit of the facts that it is about."""
        for slot in variant.slots:
            yield self.tallies[slot.bit].counted if slot.bit in self.tallies else slot.bit


@dataclass(frozen=True, slots=True)
class Demand:
    """What has to be known of facts: ``columns`` are compared; ``fields`` are counted by their values, or given to derived facts.

    ``patterns`` of one variant may be about the same fact: the rules cannot tell more facts that are alike than these.
    """

    columns: tuple[int, ...]
    fields: tuple[str, ...]
    patterns: int = 0


def union(bits: Iterable[int]) -> int:
    mask = 0
    for bit in bits:
        mask |= 1 << bit
    return mask
