"""The clauses of a rule's conditions: the leaves of ``and``, ``or``, ``not``, and what each of them was for a row.

A truth is True, False or None (unknown). ``and``, ``or``, ``not`` are folded by Kleene's rules from the leaves, which the real
:class:`~engine.matching.evaluate.Matcher` evaluates.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.language.printing import show_typed
from engine.language.typed import And, Const, IsMissing, Node, Not, Or
from engine.language.walk import children
from engine.matching.evaluate import Matcher
from engine.matching.results import Raw, plain_value
from engine.model import Type, Value
from engine.rules import AlertRule
from engine.ruletest.model import Key
from engine.snapshots import Snapshots

Truth = bool | None
Truths = Mapping[Node, Truth]


@dataclass(frozen=True, slots=True)
class Section:
    """One condition of a rule: ``where``, ``when``, of an override, or under the name of a severity."""

    name: str
    node: Node


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a condition's tree: how deep it stands, what it was, its words, and the values that it compared."""

    depth: int
    truth: Truth
    text: str
    inputs: tuple[Value, ...] = ()


def sections(rule: AlertRule) -> tuple[Section, ...]:
    """The conditions of a rule in the order in which they decide."""
    where = (Section("where", rule.where),) if rule.where is not None else ()
    overrides = (Section("overrides", node) for node in rule.override_conditions)
    severities = (Section(severity.value, node) for severity, node in rule.severities if node is not None)
    return (*where, *overrides, Section("when", rule.when), *severities)


def leaves(node: Node) -> Iterator[Node]:
    """The clauses of a condition, in the order of the text. ``x is present`` is one clause."""
    match node:
        case And(items=items) | Or(items=items):
            for item in items:
                yield from leaves(item)
        case Not(item=item) if not isinstance(item, IsMissing):
            yield from leaves(item)
        case _:
            yield node


def fold(node: Node, truths: Truths) -> Truth:
    """What a condition is, by what its clauses are."""
    match node:
        case And(items=items):
            found = [fold(item, truths) for item in items]
            return False if False in found else None if None in found else True
        case Or(items=items):
            found = [fold(item, truths) for item in items]
            return True if True in found else None if None in found else False
        case Not(item=item) if not isinstance(item, IsMissing):
            inner = fold(item, truths)
            return None if inner is None else not inner
        case _:
            return truths[node]


def condition(rule: AlertRule) -> Node:
    """``where and when``, as one node."""
    return rule.when if rule.where is None else And((rule.where, rule.when), type=Type.BOOLEAN)


@dataclass(frozen=True, slots=True)
class Looker:
    """Asks the matcher what clauses were at one instant."""

    matcher: Matcher
    snapshots: Snapshots
    at: datetime

    def truths(self, kind: str, nodes: Iterable[Node], keys: Collection[Key]) -> dict[Key, dict[Node, Truth]]:
        """What each node was, for those of ``keys`` that have a current row."""
        found: dict[Key, dict[Node, Truth]] = {}
        for node in dict.fromkeys(nodes):
            for key, value in self._values(kind, node, keys).items():
                found.setdefault(key, {})[node] = None if value is None else bool(value)
        return found

    def tree(self, rule: AlertRule, key: Key) -> tuple[Line, ...]:
        """The rule's conditions for one row, clause by clause; empty where there is no such row."""
        nodes = [leaf for section in sections(rule) for leaf in leaves(section.node)]
        truths = self.truths(rule.kind, nodes, [key]).get(key)
        return tuple(line for section in sections(rule) for line in self._lines(rule, section, key, truths)) if truths else ()

    def _lines(self, rule: AlertRule, section: Section, key: Key, truths: Truths) -> Iterator[Line]:
        yield Line(0, fold(section.node, truths), section.name)
        yield from self._inside(rule, section.node, key, truths, 1)

    def _inside(self, rule: AlertRule, node: Node, key: Key, truths: Truths, depth: int) -> Iterator[Line]:
        match node:
            case And(items=items) | Or(items=items):
                yield Line(depth, fold(node, truths), "and" if isinstance(node, And) else "or")
                inner: tuple[Node, ...] = items
            case Not(item=item) if not isinstance(item, IsMissing):
                yield Line(depth, fold(node, truths), "not")
                inner = (item,)
            case _:
                yield Line(depth, truths[node], show_typed(node, rule.called), self._inputs(rule.kind, node, key))
                return
        for child in inner:
            yield from self._inside(rule, child, key, truths, depth + 1)

    def _inputs(self, kind: str, clause: Node, key: Key) -> tuple[Value, ...]:
        """The values that a clause compares, without those that stand in its text."""
        asked = [node for node in children(clause.item if isinstance(clause, Not) else clause) if not isinstance(node, Const)]
        return tuple(plain_value(self._values(kind, node, [key]).get(key), node.type) for node in asked)

    def _values(self, kind: str, node: Node, keys: Collection[Key]) -> dict[Key, Raw]:
        return self.matcher.values(kind, node, keys, self.snapshots, self.at)
