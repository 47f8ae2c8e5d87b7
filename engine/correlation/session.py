"""durable-rules, and nothing else: the one place that knows it.

Used as its manual shows, durable-rules 2.0.28 crashes the process, loses matches and invents some. Within the subset used here it was exact
in all trials (docs/decisions/0003). The subset, and why:

* No :class:`durable.engine.Host` threads; single ``assert_fact`` only; actions only take note. No clock: a jump would end the session.
* One session with one constant id at a time. Its first fact fires a rule that does nothing (deleting a session in which nothing fired frees
  an uninitialised pointer); its last one fires a rule that proves that the session still lives.
* Every pattern is one flat ``$and``: ``kind``, ``$ex`` of each column that it or another pattern compares, its bit, its joins, and last the
  guard ``{"$and": [{"kind": ...}]}``: a join as the last condition makes the engine read past the end of the expression.
* Equality is left to the engine for whole numbers only; between floats, and with arithmetic, it is ``<=`` and ``>=``.
* ``none`` patterns come after a pattern for the mark that all facts are there.
* No user's text or name reaches the engine: fields, rules and bindings have made-up names, texts are numbered, constants are columns.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import durable_rules_engine
from durable import engine

from engine.correlation.limits import FIELDS_A_RULESET, MOST_FACTS, MOST_HITS, PATTERNS_A_RULESET, too_many
from engine.correlation.plan import Calculation, Group, Join, JoinOperand, Slot, Variant
from engine.correlation.values import Comparison, FieldType
from engine.errors import CorrelationError, Text

engine._unix_now = time.monotonic  # only differences of it are used

SESSION = "s"
KIND = {"kind": "f"}
GUARD = {"$and": [KIND]}
FIRST, COMPLETE, LAST = "first", "complete", "last"
OPERATORS = {
    Comparison.UNEQUAL: "$neq",
    Comparison.LESS: "$lt",
    Comparison.AT_MOST: "$lte",
    Comparison.MORE: "$gt",
    Comparison.AT_LEAST: "$gte",
}
CALCULATE = {"+": "$add", "-": "$sub", "*": "$mul"}
HANDLED, NOT_HANDLED = 0, 1

Definition = dict[str, Any]


class QuietHost(engine.Host):  # type: ignore[misc]
    """A host without its two timer threads."""

    def _run(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Hit:
    """A combination of facts that matches a variant: for each of its slots, the number under which the fact was asserted."""

    variant: Variant
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Share:
    """As many variants as one ruleset of the engine may hold."""

    variants: Sequence[Variant]
    bits: frozenset[int]
    columns: frozenset[int]


def _shares(variants: Iterable[Variant]) -> Iterator[_Share]:
    taken: list[Variant] = []
    for variant in variants:
        if taken and not _fits([*taken, variant]):
            yield _share(taken)
            taken = []
        taken.append(variant)
    yield _share(taken)


def _share(variants: Sequence[Variant]) -> _Share:
    slots = [slot for variant in variants for slot in variant.slots]
    return _Share(tuple(variants), frozenset(slot.bit for slot in slots), frozenset(column for slot in slots for column in slot.columns))


def _fits(variants: Sequence[Variant]) -> bool:
    share = _share(variants)
    patterns = sum(len(variant.slots) for variant in variants)
    return patterns <= PATTERNS_A_RULESET and len(share.bits) + len(share.columns) <= FIELDS_A_RULESET


def _operand(operand: JoinOperand, names: Mapping[str, str]) -> Definition:
    if isinstance(operand, Calculation):
        return {CALCULATE[operand.op]: {"$l": _operand(operand.left, names), "$r": _operand(operand.right, names)}}
    return {names[operand.binding] if operand.binding else "$m": f"c{operand.column}"}


def _conditions(join: Join, names: Mapping[str, str]) -> list[Definition]:
    condition = {f"c{join.column}": _operand(join.operand, names)}
    if join.op is not Comparison.EQUAL:
        return [{OPERATORS[join.op]: condition}]
    if join.type is FieldType.FLOAT or isinstance(join.operand, Calculation) or not join.operand.binding:
        return [{"$lte": condition}, {"$gte": condition}]
    return [condition]


def _pattern(slot: Slot, names: Mapping[str, str]) -> Definition:
    exist = [{"$ex": {f"c{column}": 1}} for column in slot.columns]
    joins = [condition for join in slot.joins for condition in _conditions(join, names)]
    return {"$and": [KIND, *exist, {f"b{slot.bit}": True}, *joins, GUARD]}


def patterns(variant: Variant) -> list[Definition]:
    """The variant as the engine takes it."""
    names = {slot.binding: f"p{index}" for index, slot in enumerate(variant.slots)}
    patterns = [{names[slot.binding]: _pattern(slot, names)} for slot in variant.present]
    if variant.absent:
        patterns.append({COMPLETE: {COMPLETE: 1}})
        patterns += [{f"{names[slot.binding]}$not": _pattern(slot, names)} for slot in variant.absent]
    return patterns


class Rulesets:
    """The variants of a group, loaded into the engine. One session at a time. Must be closed."""

    def __init__(self, group: Group) -> None:
        self.hits: list[Hit] = []
        self._ends = 0
        self._shares = tuple(_shares(group.variants))
        host = QuietHost()
        host.set_rulesets({f"r{index}": self._definition(share) for index, share in enumerate(self._shares)})
        self._rulesets = [host.get_ruleset(f"r{index}") for index in range(len(self._shares))]

    def _definition(self, share: _Share) -> Definition:
        rules = {f"v{index}": {"all": patterns(variant), "run": self._noting(variant)} for index, variant in enumerate(share.variants)}
        return rules | {
            FIRST: {"all": [{"m": {FIRST: 1}}], "run": lambda c: None},
            LAST: {"all": [{"m": {LAST: 1}}], "run": lambda c: self._end()},
        }

    def _noting(self, variant: Variant) -> Any:
        names = [f"p{index}" for index in range(len(variant.present))]

        def note(c: Any) -> None:
            self.hits.append(Hit(variant, tuple(c._m[name]["id"] for name in names)))

        return note

    def _end(self) -> None:
        self._ends += 1

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session, which must be completed by :meth:`Session.close` before it counts. Its hits are forgotten by the next one."""
        self.hits.clear()
        self._ends = 0
        session = Session(self)
        try:
            yield session
        finally:
            for ruleset in self._rulesets:
                ruleset.delete_state(SESSION)

    def _put(self, index: int, message: str) -> None:
        ruleset = self._rulesets[index]
        try:
            result, offset = durable_rules_engine.assert_fact(ruleset._handle, message)
        except durable_rules_engine.error as error:
            raise _broken(str(error)) from error
        if result == NOT_HANDLED:
            return
        if result != HANDLED:
            raise _broken(f"a fact was answered with {result}")
        errors: list[BaseException] = []
        ruleset.do_actions(offset, lambda error, state: errors.append(error) if error else None)
        if errors:
            raise _broken(str(errors[0]))

    def mark(self, number: int, name: str) -> None:
        for index in range(len(self._shares)):
            self._put(index, f'{{"id":{number},"sid":"{SESSION}","{name}":1}}')

    def tell(self, number: int, mask: int, values: Mapping[int, int | float]) -> None:
        """Assert a fact under a number that is new to the session."""
        for index, share in enumerate(self._shares):
            bits = "".join(f',"b{bit}":true' for bit in share.bits if mask >> bit & 1)
            if bits:
                columns = "".join(f',"c{column}":{text(value)}' for column, value in values.items() if column in share.columns)
                self._put(index, f'{{"id":{number},"sid":"{SESSION}","kind":"f"{bits}{columns}}}')

    def prove(self) -> None:
        """Raise when the session did not live to its end, or an action failed: then its hits cannot be relied on."""
        if self._ends != len(self._rulesets):
            raise _broken("it stopped firing")
        if any("exception" in ruleset.get_state(SESSION) for ruleset in self._rulesets):
            raise _broken("an action failed")

    def close(self) -> None:
        """Unload the rulesets: the library has no way to, and every one would stay for ever."""
        for ruleset in self._rulesets:
            durable_rules_engine.delete_ruleset(ruleset._handle)
        self._rulesets = []


@dataclass(slots=True)
class Session:
    """Facts are told; :meth:`complete` says that all are there, for ``none``; :meth:`close` proves that nothing was lost."""

    rulesets: Rulesets
    told: int = field(default=0)

    def __post_init__(self) -> None:
        self.rulesets.mark(self._next(), FIRST)

    def _next(self) -> int:
        self.told += 1
        return self.told - 1

    def tell(self, mask: int, values: Mapping[int, int | float]) -> int:
        """Assert a fact; its number."""
        if self.told >= MOST_FACTS:
            raise too_many(Text("different facts", "不同的事实"), MOST_FACTS)
        number = self._next()
        self.rulesets.tell(number, mask, values)
        if len(self.rulesets.hits) > MOST_HITS:
            raise too_many(Text("combinations of facts", "事实的组合"), MOST_HITS)
        return number

    @property
    def hits(self) -> Sequence[Hit]:
        return self.rulesets.hits

    def complete(self) -> None:
        self.rulesets.mark(self._next(), COMPLETE)

    def close(self) -> None:
        self.rulesets.mark(self._next(), LAST)
        self.rulesets.prove()


def text(value: int | float) -> str:
    """A number as the engine reads it: it refuses 1e-05, and reads 1.0e-05."""
    said = repr(value)
    return said.replace("e", ".0e") if "e" in said and "." not in said else said


def _broken(why: str) -> CorrelationError:
    return CorrelationError(Text(f"the inference engine failed: {why}", f"推理引擎出错：{why}"))
