"""Rules, ready to be run over facts again and again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.correlation.checking import flaws
from engine.correlation.compiling import compiled, fields_read
from engine.correlation.limits import OverLimit
from engine.correlation.operands import Values
from engine.correlation.plan import Group
from engine.correlation.scenes import Answer, Conclusion, Scene
from engine.correlation.selecting import Selecting, clean
from engine.correlation.values import Fact, Failure, FieldType, Found, Match, Rule, Schema, Scope
from engine.correlation.worker import SHARED, Worker
from engine.errors import CorrelationError, Text

FACTS_A_TASK = 5_000


@dataclass(frozen=True, slots=True)
class _Known:
    """A fact with the values that matter to the rules."""

    fact: Fact
    values: Values


class Program:
    """Rules over facts of the kinds in ``schema`` (those that rules give included).

    Raises :class:`~engine.errors.CorrelationError` for the first of :func:`~engine.correlation.checking.flaws`; ask for those before, to
    tell all.
    """

    def __init__(self, rules: Iterable[Rule], schema: Schema, worker: Worker = SHARED) -> None:
        rules = tuple(rules)
        found = flaws(rules, schema)
        if found:
            flaw = found[0]
            where = flaw.rule + (f", {flaw.binding}" if flaw.binding else "")
            raise CorrelationError(Text(f"{where}: {flaw.text.en}", f"{where}：{flaw.text.zh}"))
        self.rules = rules
        self.schema = schema
        self.worker = worker
        self._fields = fields_read(rules, schema)
        self._stages = [(group, Selecting(group.selectors)) for group in compiled(rules, schema)]

    def run(self, facts: Iterable[Fact]) -> Found:
        """Everything that the rules say of these facts, in the order of rules (by stratum) and scopes (as facts come).

        Raises :class:`~engine.errors.CorrelationError` when a fact's value has another type than its field, when two facts have one id, or
        when the inference engine cannot be started. What fails in one scope is a :class:`~engine.correlation.values.Failure` there.
        """
        run = _Run(self._fields, self.worker)
        run.learn(facts)
        for group, selecting in self._stages:
            run.evaluate(group, selecting)
        return Found(tuple(run.matches), tuple(run.derived.values()), tuple(run.failures))


@dataclass(slots=True)
class _Run:
    fields: Mapping[str, Mapping[str, FieldType]]
    worker: Worker
    known: list[_Known] = field(default_factory=list)
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
                self.known.append(_Known(fact, clean(fact, self.fields[fact.kind])))

    def evaluate(self, group: Group, selecting: Selecting) -> None:
        unknown = self._unknown(group)
        for scope, text in unknown.items():
            self._fail(group, scope, text)
        if None in unknown:
            return
        ready = [scene for scene in self._scenes(group, selecting) if scene.scope not in unknown]
        fresh: dict[str, Fact] = {}
        for part in _parts(ready):
            for scene, answer in zip(part, self.worker.answer(group, part), strict=True):
                fresh |= self._take(group, scene.scope, answer)
        new = [fact for name, fact in fresh.items() if name not in self.derived]
        self.derived |= fresh
        self.learn(new)

    def _take(self, group: Group, scope: Scope, answer: Answer) -> Mapping[str, Fact]:
        if isinstance(answer, Text):
            self._fail(group, scope, answer)
            return {}
        self.matches += _matches(group, scope, answer)
        return {fact.id: fact for fact in answer.derived}

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

    def _scenes(self, group: Group, selecting: Selecting) -> Iterator[Scene]:
        """A scene for every scope in which a rule may match. Most have nothing of interest, and cost no more than a look at their facts."""
        for scope, facts in self._by_scope(group, selecting).items():
            present = 0
            for mask, _ in facts:
                present |= mask
            for bit, tally in group.tallies.items():
                present |= (present >> tally.counted & 1) << bit
            if group.can_complete(present):
                scene = self._scene(group, scope, facts)
                if scene and group.can_complete(scene.mask):
                    yield scene

    def _by_scope(self, group: Group, selecting: Selecting) -> Mapping[Scope, Sequence[tuple[int, _Known]]]:
        by_scope: dict[Scope, list[tuple[int, _Known]]] = {}
        for known in self.known:
            mask = selecting.mask(known.fact.kind, known.values)
            if mask and all(name in known.values for name in group.scope):
                by_scope.setdefault(tuple(known.values[name] for name in group.scope), []).append((mask, known))
        return by_scope

    def _scene(self, group: Group, scope: Scope, facts: Iterable[tuple[int, _Known]]) -> Scene | None:
        scene = Scene(scope)
        try:
            for mask, known in facts:
                scene.add(group, mask, known.values, known.fact.id)
            scene.check(group)
        except OverLimit as error:
            self._fail(group, scope, error.text)
            return None
        scene.count(group)
        return scene


def _parts(scenes: Iterable[Scene]) -> Iterator[Sequence[Scene]]:
    """Tasks for the worker: as many scenes as have some thousand facts together."""
    part: list[Scene] = []
    size = 0
    for scene in scenes:
        part.append(scene)
        size += len(scene.alikes)
        if size >= FACTS_A_TASK:
            yield part
            part, size = [], 0
    if part:
        yield part


def _matches(group: Group, scope: Scope, answer: Conclusion) -> Iterator[Match]:
    by_rule: dict[str, dict[str, frozenset[str]]] = {}
    for (rule, binding), ids in answer.bindings.items():
        by_rule.setdefault(rule, {})[binding] = ids
    for rule, bindings in by_rule.items():
        yield Match(rule, scope, bindings)
