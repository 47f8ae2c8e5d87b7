"""One run: from facts to matches, stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.correlation.limits import OverLimit
from engine.correlation.operands import Values
from engine.correlation.plan import Group
from engine.correlation.scenes import Answer, Conclusion, Scene
from engine.correlation.selecting import Selecting, clean
from engine.correlation.values import Fact, Failure, FieldType, Match, Scope
from engine.correlation.worker import Worker
from engine.errors import CorrelationError, Text

FACTS_A_TASK = 5_000


@dataclass(frozen=True, slots=True)
class Unit:
    """A group, and the masks of its selectors."""

    group: Group
    selecting: Selecting

    @classmethod
    def of(cls, group: Group) -> Unit:
        return cls(group, Selecting(group.selectors))


@dataclass(frozen=True, slots=True)
class Stage:
    """Rules that are evaluated together for speed. ``parts`` have no need of each other: where one fails, the others need not."""

    whole: Unit
    parts: tuple[Unit, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """A fact with the values that matter to the rules."""

    fact: Fact
    values: Values


@dataclass(slots=True)
class Run:
    fields: Mapping[str, Mapping[str, FieldType]]
    worker: Worker
    known: list[Known] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    matches: list[Match] = field(default_factory=list)
    derived: dict[str, Fact] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    failed: dict[str, tuple[tuple[str, ...], dict[Scope | None, Text]]] = field(default_factory=dict)  # by rule: its scope, and where

    def learn(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            if fact.id in self.ids:
                raise CorrelationError(Text(f"two facts have the id {fact.id}", f"两个事实的编号同为 {fact.id}"))
            self.ids.add(fact.id)
            if fact.kind in self.fields:
                self.known.append(Known(fact, clean(fact, self.fields[fact.kind])))

    def evaluate(self, stage: Stage) -> None:
        fresh: dict[str, Fact] = {}
        unanswered = self._attempt(stage.whole, fresh, lambda scope: True)
        for part in stage.parts if unanswered else ():
            for scope, text in self._attempt(part, fresh, lambda scope: None in unanswered or scope in unanswered).items():
                self._fail(part.group, scope, text)
        if not stage.parts:
            for scope, text in unanswered.items():
                self._fail(stage.whole.group, scope, text)
        new = [fact for name, fact in fresh.items() if name not in self.derived]
        self.derived |= fresh
        self.learn(new)

    def _attempt(self, unit: Unit, fresh: dict[str, Fact], wanted: Callable[[Scope], bool]) -> Mapping[Scope | None, Text]:
        """Take note of what is so in the scopes wanted; the others are the result, with the reason (None: all of them)."""
        unknown = self._unknown(unit.group)
        if None in unknown:
            return unknown
        unanswered = dict(unknown)
        for scope, answer in self._answers(unit, lambda scope: wanted(scope) and scope not in unknown):
            if isinstance(answer, Text):
                unanswered[scope] = answer
            else:
                self.matches += _matches(scope, answer)
                fresh |= {fact.id: fact for fact in answer.derived}
        return unanswered

    def _unknown(self, group: Group) -> Mapping[Scope | None, Text]:
        """Scopes in which something that the group needs is not known; None when that may be so in every scope."""
        unknown: dict[Scope | None, Text] = {}
        for rule in sorted(group.upstream & self.failed.keys()):
            scope_fields, where = self.failed[rule]
            text = Text(f"{rule}, which it needs, is not known", f"所依赖的 {rule} 未能得出结果")
            unknown |= dict.fromkeys(where if scope_fields == group.scope else [None], text)
        return unknown

    def _fail(self, group: Group, scope: Scope | None, text: Text) -> None:
        for rule in sorted(group.rules):
            self.failures.append(Failure(rule, scope, text))
            self.failed.setdefault(rule, (group.scope, {}))[1][scope] = text

    def _answers(self, unit: Unit, wanted: Callable[[Scope], bool]) -> Iterator[tuple[Scope, Answer]]:
        """What the scopes come to in which a rule may match. Most have nothing of interest, and cost no more than a look at their facts."""
        ready: list[Scene] = []
        for scope, facts in self._by_scope(unit).items():
            if wanted(scope) and unit.group.can_complete(_promised(unit.group, facts)):
                try:
                    scene = _scene(unit.group, scope, facts)
                except OverLimit as error:
                    yield scope, error.text
                    continue
                if unit.group.can_complete(scene.mask):
                    ready.append(scene)
        for task in _tasks(ready):
            for scene, answer in zip(task, self.worker.answer(unit.group, task), strict=True):
                yield scene.scope, answer

    def _by_scope(self, unit: Unit) -> Mapping[Scope, Sequence[tuple[int, Known]]]:
        by_scope: dict[Scope, list[tuple[int, Known]]] = {}
        for known in self.known:
            mask = unit.selecting.mask(known.fact.kind, known.values)
            if mask and all(name in known.values for name in unit.group.scope):
                by_scope.setdefault(tuple(known.values[name] for name in unit.group.scope), []).append((mask, known))
        return by_scope


def _promised(group: Group, facts: Iterable[tuple[int, Known]]) -> int:
    """The bits that facts have, and those of tallies that they may come to."""
    present = 0
    for mask, _ in facts:
        present |= mask
    for bit, tally in group.tallies.items():
        present |= (present >> tally.counted & 1) << bit
    return present


def _scene(group: Group, scope: Scope, facts: Iterable[tuple[int, Known]]) -> Scene:
    scene = Scene(scope)
    for mask, known in facts:
        scene.add(group, mask, known.values, known.fact.id)
    scene.check(group)
    scene.count(group)
    return scene


def _tasks(scenes: Iterable[Scene]) -> Iterator[Sequence[Scene]]:
    """As many scenes as have some thousand facts together, for the worker to take at once."""
    task: list[Scene] = []
    size = 0
    for scene in scenes:
        task.append(scene)
        size += len(scene.alikes)
        if size >= FACTS_A_TASK:
            yield task
            task, size = [], 0
    if task:
        yield task


def _matches(scope: Scope, answer: Conclusion) -> Iterator[Match]:
    by_rule: dict[str, dict[str, frozenset[str]]] = {}
    for (rule, binding), ids in answer.bindings.items():
        by_rule.setdefault(rule, {})[binding] = ids
    for rule, bindings in by_rule.items():
        yield Match(rule, scope, bindings)
