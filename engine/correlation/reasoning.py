"""One scope's facts, reasoned over to a fixpoint: hits of the engine become bindings and facts that follow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.correlation.limits import MOST_DERIVED, too_many
from engine.correlation.plan import Group
from engine.correlation.scenes import Alike, Conclusion, Crowd, Scene
from engine.correlation.selecting import Selecting
from engine.correlation.session import Hit, Rulesets, Session
from engine.correlation.values import Constant, Derived, Fact, Scalar
from engine.errors import Text


def reason(group: Group, rulesets: Rulesets, selecting: Selecting, scene: Scene) -> Conclusion:
    """Raises :class:`~engine.correlation.limits.OverLimit`, or :class:`~engine.errors.CorrelationError` when the engine failed."""
    with rulesets.session() as session:
        reasoner = _Reasoner(group, selecting, scene, session)
        for one in list(scene):
            reasoner.tell(one)
        reasoner.follow(feed=True)
        session.complete()
        reasoner.follow(feed=False)
        session.close()
    return reasoner.conclusion()


@dataclass(slots=True)
class _Reasoner:
    group: Group
    selecting: Selecting
    scene: Scene
    session: Session
    told: dict[int, tuple[Alike | Crowd, int]] = field(default_factory=dict)  # by the engine's number, which member it stands for
    alikes: dict[tuple[str, str], dict[int, Alike]] = field(default_factory=dict)
    counted: dict[tuple[str, str], dict[int, tuple[Crowd, set[str]]]] = field(default_factory=dict)  # and whom no match counts
    derived: dict[str, Fact] = field(default_factory=dict)
    known: frozenset[str] = frozenset()  # what was there from the start
    seen: int = 0

    def __post_init__(self) -> None:
        self.known = frozenset(name for alike in self.scene.alikes.values() for name in alike.members)

    def tell(self, one: Alike | Crowd) -> None:
        if not one.mask & self.group.asked:
            return
        for member in range(1 if isinstance(one, Crowd) else min(len(one.members), self.group.demanded(one.mask).patterns)):
            self._tell(one, member)

    def _tell(self, one: Alike | Crowd, member: int) -> None:
        self.told[self.session.tell(one.mask, one.values)] = (one, member)

    def follow(self, *, feed: bool) -> None:
        """Take note of new hits; with ``feed``, tell the engine the facts that follow, until nothing new does."""
        while self.seen < len(self.session.hits):
            hit = self.session.hits[self.seen]
            self.seen += 1
            for fact in self._noted(hit):
                if feed:
                    self._feed(fact)

    def _noted(self, hit: Hit) -> list[Fact]:
        bound = {slot.binding: self.told[number] for slot, number in zip(hit.variant.present, hit.numbers, strict=True)}
        single = {name: one for name, (one, _) in bound.items() if isinstance(one, Alike)}
        crowds = {name: one for name, (one, _) in bound.items() if isinstance(one, Crowd)}
        ids = {one.members[member] for one, member in bound.values() if isinstance(one, Alike)}
        if any(crowd.amount(ids) < self.group.tallies[crowd.bit].at_least for crowd in crowds.values()):
            return []
        for name, alike in single.items():
            self.alikes.setdefault((hit.variant.rule, name), {})[id(alike)] = alike
        for name, crowd in crowds.items():
            _, never = self.counted.setdefault((hit.variant.rule, name), {}).setdefault(id(crowd), (crowd, {*ids}))
            never &= ids
        facts = [self._given(derived, single) for derived in hit.variant.gives]
        new = [fact for fact in facts if fact.id not in self.derived and fact.id not in self.known]
        self.derived |= {fact.id: fact for fact in new}
        if len(self.derived) > MOST_DERIVED:
            raise too_many(Text("facts follow from these", "由此推出的事实"), MOST_DERIVED)
        return new

    def _given(self, derived: Derived, bound: Mapping[str, Alike]) -> Fact:
        values: dict[str, Scalar] = dict(zip(self.group.scope, self.scene.scope, strict=True))
        for name, operand in derived.fields.items():
            if isinstance(operand, Constant):
                values[name] = operand.value
            elif operand.field in bound[operand.binding].carried:
                values[name] = bound[operand.binding].carried[operand.field]
        return Fact(f"{derived.kind} {json.dumps(values, ensure_ascii=False, sort_keys=True)}", derived.kind, values)

    def _feed(self, fact: Fact) -> None:
        values = {name: value for name, value in fact.values.items() if value is not None}
        mask = self.selecting.mask(fact.kind, values)
        if mask:
            alike = self.scene.add(self.group, mask, values, fact.id)
            self.scene.check(self.group)
            if len(alike.members) <= self.group.demanded(mask).patterns:
                self._tell(alike, len(alike.members) - 1)

    def conclusion(self) -> Conclusion:
        single = {key: frozenset(name for alike in alikes.values() for name in alike.members) for key, alikes in self.alikes.items()}
        counted = {
            key: frozenset(name for crowd, never in crowds.values() for name in crowd.members if name not in never)
            for key, crowds in self.counted.items()
        }
        return Conclusion(single | counted, tuple(self.derived.values()))
