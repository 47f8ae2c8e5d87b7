"""Why a rule does not match: asked of the same engine, with parts of the rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from engine.correlation.operands import is_own
from engine.correlation.program import Program
from engine.correlation.values import Fact, Pattern, Rule, Scope, Test
from engine.errors import CorrelationError


class Why(StrEnum):
    NO_FACT = "no_fact"  # no fact of its kinds passes the pattern's own tests
    TOO_FEW = "too_few"  # some do, and not enough of them
    NOT_TOGETHER = "not_together"  # enough do, but not together with facts of the patterns before
    PRESENT = "present"  # the pattern is under `none`, and such facts are there
    NOT_KNOWN = "not_known"  # the pattern is under `none`, and refers to a field that is missing


@dataclass(frozen=True, slots=True)
class Lack:
    """A pattern that stands in the way. ``facts`` are the ids of those that pass its own tests (of those found, when PRESENT).

    ``test`` is, when they are NOT_TOGETHER, the comparison without which there would be a match so far, if there is just one.
    """

    binding: str
    why: Why
    facts: frozenset[str] = frozenset()
    test: Test | None = None


def lacking(program: Program, rule: str, scope: Scope, facts: Iterable[Fact]) -> tuple[Lack, ...]:
    """What keeps the rule from matching in the scope: the first pattern of ``all`` that nothing satisfies together with those before it; or
    all patterns of ``any``; or those of ``none`` that find something. Empty when the rule matches.

    ``facts`` are those that :meth:`Program.run` would get (those of the scope are enough, unless rules of other scopes feed this one).
    Raises :class:`~engine.errors.CorrelationError` when it cannot be told, and KeyError when there is no such rule.
    """
    facts = tuple(facts)
    found = program.run(facts)
    for failure in found.failures:
        if failure.rule == rule and failure.scope in (None, scope):
            raise CorrelationError(failure.text)
    wanted = {one.name: one for one in program.rules}[rule]
    return tuple(_Search(program, wanted, scope, (*facts, *found.derived)).lacks())


@dataclass(frozen=True, slots=True)
class _Search:
    program: Program
    rule: Rule
    scope: Scope
    facts: tuple[Fact, ...]

    def lacks(self) -> Iterator[Lack]:
        rule = self.rule
        for position, pattern in enumerate(rule.all):
            if self._find(rule.all[: position + 1]) is None:
                yield self._lack(rule.all[:position], pattern)
                return
        if rule.any and self._find(rule.all, rule.any) is None:
            yield from (self._lack(rule.all, pattern) for pattern in rule.any)
        elif rule.none and self._find(rule.all, rule.any, rule.none) is None:
            yield from self._in_the_way()

    def _find(
        self, all_: tuple[Pattern, ...], any_: tuple[Pattern, ...] = (), none: tuple[Pattern, ...] = ()
    ) -> dict[str, frozenset[str]] | None:
        """The bindings of a rule of these patterns in the scope."""
        rule = Rule(self.rule.name, self.rule.scope, all_, any_, none)
        found = Program([rule], self.program.schema, self.program.worker).run(self.facts)
        for failure in found.failures:
            if failure.scope == self.scope:
                raise CorrelationError(failure.text)
        return next((dict(match.bindings) for match in found.matches if match.scope == self.scope), None)

    def _lack(self, before: tuple[Pattern, ...], pattern: Pattern) -> Lack:
        own = tuple(test for test in pattern.tests if is_own(test.operand))
        alone = (self._find((replace(pattern, tests=own, count=1, distinct=""),)) or {}).get(pattern.binding, frozenset())
        if not alone:
            return Lack(pattern.binding, Why.NO_FACT)
        if pattern.counts and self._find((replace(pattern, tests=own),)) is None:
            return Lack(pattern.binding, Why.TOO_FEW, alone)
        return Lack(pattern.binding, Why.NOT_TOGETHER, alone, self._culprit(before, pattern))

    def _culprit(self, before: tuple[Pattern, ...], pattern: Pattern) -> Test | None:
        for test in pattern.tests:
            without = replace(pattern, tests=tuple(other for other in pattern.tests if other is not test))
            if not is_own(test.operand) and self._find((*before, without)) is not None:
                return test
        return None

    def _in_the_way(self) -> Iterator[Lack]:
        rule = self.rule
        for pattern in rule.none:
            there = self._find((*rule.all, pattern), rule.any)
            if there is not None:
                yield Lack(pattern.binding, Why.PRESENT, there[pattern.binding])
            elif self._find(rule.all, rule.any, (pattern,)) is None:
                yield Lack(pattern.binding, Why.NOT_KNOWN)
