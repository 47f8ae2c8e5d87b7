"""Which clauses of the rules were seen true, and seen false, over all tests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from engine.incidents import IncidentRule, Pattern
from engine.language.printing import show_typed
from engine.language.typed import Const, Node
from engine.reasoning.correlate import Row
from engine.rules import AlertRule
from engine.ruletest.clauses import Truths, fold, leaves, sections

DECISIVE = ("where", "when")
BOTH = frozenset({True, False})


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of one rule, and what of True and False was never seen of it."""

    rule: str
    section: str
    text: str
    never: frozenset[bool]


@dataclass
class Coverage:
    """Sees rows and remembers what clauses were. A clause of an override or of ``when`` counts for rows that ``where`` takes, one of a
    severity for rows that alert: elsewhere it decides nothing."""

    _seen: dict[tuple[str, str, Node | str], set[bool]] = field(default_factory=dict)

    def see(self, rule: AlertRule, truths: Truths) -> None:
        """What the clauses of ``rule`` were for one row at one instant."""
        for section in sections(rule):
            for leaf in leaves(section.node):
                truth = truths[leaf]
                if truth is not None:
                    self._seen.setdefault((rule.name, section.name, leaf), set()).add(truth)
            if section.name in DECISIVE and fold(section.node, truths) is not True:
                return

    def see_incident(self, rule: IncidentRule, rows: Mapping[str, Collection[Row]]) -> None:
        """Which patterns had enough rows of their own, and which had not, for each scope that any of them has a row in."""
        for scope in {row.scope for there in rows.values() for row in there}:
            for section, pattern in _patterns(rule):
                there = sum(row.scope == scope and row.found.holds for row in rows[pattern.binding])
                self._seen.setdefault((rule.name, section, pattern.binding), set()).add(there >= pattern.count)

    def of_incidents(self, rules: Iterable[IncidentRule]) -> tuple[Clause, ...]:
        """Every pattern of ``rules``."""
        return tuple(self._of_pattern(rule, section, pattern) for rule in rules for section, pattern in _patterns(rule))

    def _of_pattern(self, rule: IncidentRule, section: str, pattern: Pattern) -> Clause:
        seen = self._seen.get((rule.name, section, pattern.binding), set())
        return Clause(rule.name, section, f"{pattern.binding}: {pattern.text}", BOTH - seen)

    def clauses(self, rules: Iterable[AlertRule]) -> tuple[Clause, ...]:
        """Every clause of ``rules``. What is constant is no clause."""
        return tuple(
            Clause(rule.name, section.name, show_typed(leaf, rule.called), BOTH - self._seen.get((rule.name, section.name, leaf), set()))
            for rule in rules
            for section in sections(rule)
            for leaf in dict.fromkeys(leaves(section.node))
            if not isinstance(leaf, Const)
        )


def _patterns(rule: IncidentRule) -> Iterator[tuple[str, Pattern]]:
    for way in rule.ways:
        for section, patterns in way.groups:
            yield from ((section, pattern) for pattern in patterns)


def percentage(clauses: Iterable[Clause]) -> float:
    """How much of what there is to see was seen, 0 to 100: each clause counts once as true and once as false."""
    missing = [len(clause.never) for clause in clauses]
    return 100.0 if not missing else 100 * (1 - sum(missing) / (2 * len(missing)))
