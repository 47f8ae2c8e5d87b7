"""In what order rules are evaluated: a rule that counts facts or asks for their absence waits until all of them are known.

Rules are put into strata, from 0. What a rule gives is seen at once by rules of its own stratum and scope, until nothing new follows
(a fixpoint). Where that cannot be exact the dependency is *strict*: the rule that needs stands in a higher stratum than the one that gives.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.correlation.values import Pattern, Rule
from engine.errors import Text

ABSENCE = Text("whether facts are absent (`none`) can be told only when all are known", "要等事实齐全之后才能判断 none")
COUNTING = Text("facts can be counted only when all are known", "要等事实齐全之后才能计数")
AFTER_ABSENCE = Text("a rule with `none` is settled only after what it needs", "带 none 的规则要等它所依赖的规则完成之后才能判断")
ACROSS_SCOPES = Text("they have different scopes", "它们的范围不同")
REASONS: tuple[Text | None, ...] = (ABSENCE, COUNTING, AFTER_ABSENCE, ACROSS_SCOPES)  # the plainest first


@dataclass(frozen=True, slots=True)
class Dependency:
    """``needs`` reads what ``gives`` gives; ``why`` it has to wait for it (None: it has not)."""

    needs: str
    gives: str
    why: Text | None


@dataclass(frozen=True, slots=True)
class Circle:
    path: tuple[str, ...]  # every rule gives what the next one needs, and the last what the first needs
    why: Text


def dependencies(rules: Sequence[Rule]) -> tuple[Dependency, ...]:
    givers: dict[str, list[Rule]] = {}
    for rule in rules:
        for kind in {derived.kind for derived in rule.gives}:
            givers.setdefault(kind, []).append(rule)
    found = {
        Dependency(rule.name, giver.name, _why(rule, pattern, giver)): None
        for rule in rules
        for pattern in (*rule.all, *rule.any, *rule.none)
        for kind in pattern.kinds
        for giver in givers.get(kind, ())
    }
    return tuple(found)


def _why(rule: Rule, pattern: Pattern, giver: Rule) -> Text | None:
    if pattern in rule.none:
        return ABSENCE
    if pattern.counts:
        return COUNTING
    if giver.none:
        return AFTER_ABSENCE
    return ACROSS_SCOPES if rule.scope != giver.scope else None


def circles(rules: Sequence[Rule]) -> Iterator[Circle]:
    """Circles with a strict dependency in them: no order of evaluation would be right. Each rule is told of once."""
    edges = dependencies(rules)
    feeds: dict[str, list[str]] = {}
    for edge in edges:
        feeds.setdefault(edge.gives, []).append(edge.needs)
    told: set[str] = set()
    for edge in sorted((edge for edge in edges if edge.why), key=lambda edge: REASONS.index(edge.why)):
        path = _path(feeds, edge.needs, edge.gives) if edge.needs not in told else None
        if path and edge.why:
            told.update(path)
            yield Circle(path, edge.why)


def _path(feeds: Mapping[str, Sequence[str]], start: str, end: str) -> tuple[str, ...] | None:
    """The shortest way from what ``start`` gives to ``end``."""
    ways: deque[tuple[str, ...]] = deque([(start,)])
    seen = {start}
    while ways:
        way = ways.popleft()
        if way[-1] == end:
            return way
        for name in feeds.get(way[-1], ()):
            if name not in seen:
                seen.add(name)
                ways.append((*way, name))
    return None


def strata(rules: Sequence[Rule]) -> Mapping[str, int]:
    """The stratum of every rule. There must be no :func:`circles`."""
    edges = dependencies(rules)
    level = {rule.name: 0 for rule in rules}
    moved = True
    while moved:
        moved = False
        for edge in edges:
            least = level[edge.gives] + (edge.why is not None)
            if level[edge.needs] < least:
                level[edge.needs], moved = least, True
    return level
