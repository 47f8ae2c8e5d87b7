"""Parameters of a rule: numbers that the rule names, and that stores or platforms may have other values of.

    params: {threshold: 4.7}
    overrides:
      platform == 'jd': {threshold: 4.8}

A parameter is an expression like any other: ``if(platform == 'jd', 4.8, 4.7)`` of the judged row, in the same scan. Of several overrides
that name it the first counts whose condition holds. Where a condition before that is unknown, nobody knows which value counts: the
parameter is missing, and what needs it unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce

from engine.errors import Problem, Text, did_you_mean
from engine.expressions import Expressions, Names
from engine.language import ExpressionError
from engine.language.inlining import extent
from engine.language.measures import WORDS, hint_for, meet
from engine.language.names import Let
from engine.language.syntax import Call
from engine.language.syntax import Expression as Syntax
from engine.language.typed import Node
from engine.lets import name_problem
from engine.yamlfile import Path_


@dataclass(frozen=True, slots=True)
class Override:
    """``value`` counts where ``condition`` holds. ``text`` is the value as written."""

    condition: Node
    value: Node
    text: str


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter: its ``default`` (``text`` as written), the overrides that name it in the order in which they are tried, and the
    ``value`` that comes of them, an expression on the judged row."""

    name: str
    default: Node
    text: str
    overrides: tuple[Override, ...]
    value: Node


@dataclass(frozen=True, slots=True)
class _Case:
    """One override of one parameter, read."""

    condition: Syntax
    holds: Node
    value: Syntax
    typed: Node
    text: str
    path: Path_


class ParamReader:
    """Reads ``params:`` and ``overrides:`` of the rule at ``root``, on ``kind``; mistakes go to ``expressions``."""

    def __init__(self, expressions: Expressions, root: Path_, kind: str, taken: Mapping[str, Text]) -> None:
        self.expressions = expressions
        self.root = root
        self.kind = kind
        self.taken = taken
        self.params: dict[str, Param] = {}

    def read(self, params: Mapping[str, str], overrides: Mapping[str, Mapping[str, str]]) -> Names:
        """The names that the rule's expressions can use; :attr:`params` are then those that are sound."""
        cases = {name: list[_Case | None]() for name in params}
        for condition, changes in overrides.items():
            self._override(condition, changes, cases)
        lets = {name: self._param(name, text, cases[name]) for name, text in params.items()}
        return self.expressions.names.having(dict.fromkeys(self._written()) | lets)

    def _written(self) -> list[str]:
        """The names as they stand in the file, also of those whose values are so wrong that they were not read."""
        rule = self.expressions.document.data
        for part in (*self.root, "params"):
            rule = rule[part] if isinstance(rule, list) and isinstance(part, int) else rule.get(part) if isinstance(rule, dict) else None
        return list(rule) if isinstance(rule, dict) else []

    def unused(self, used: set[str]) -> Iterator[Problem]:
        for name in self.params:
            if name not in used:
                text = Text(f"the rule does not use its parameter '{name}'", f"这条规则没有用到它的参数 '{name}'")
                hint = Text("use it in 'when', or delete it", "请在 when 里用上它，或删掉")
                yield self.expressions.document.problem((*self.root, "params", name), "unused_name", text, hint, key=True)

    def _override(self, condition: str, changes: Mapping[str, str], cases: Mapping[str, list[_Case | None]]) -> None:
        path = (*self.root, "overrides", condition)
        parsed = self.expressions.parse(condition, path, key=True)
        holds = self.expressions.check(parsed, self.expressions.scope(self.kind), path, condition=True, key=True) if parsed else None
        for name, text in changes.items():
            if name not in cases:
                self._unknown(name, (*path, name), cases)
                continue
            read = self._constant(text, (*path, name))
            cases[name].append(_Case(parsed, holds, *read, text, (*path, name)) if parsed and holds and read else None)

    def _unknown(self, name: str, path: Path_, known: Mapping[str, object]) -> None:
        text = Text(f"the rule has no parameter '{name}'", f"这条规则没有参数 '{name}'")
        listed = Text(f"parameters: {', '.join(known)}", f"已有的参数：{'、'.join(known)}")
        first = Text(f"write 'params: {{{name}: …}}' first", f"请先写 params: {{{name}: …}}")
        hint = did_you_mean(name, known) or (listed if known else first)
        self.expressions.problems.append(self.expressions.document.problem(path, "unknown_parameter", text, hint, key=True))

    def _constant(self, text: str, path: Path_) -> tuple[Syntax, Node] | None:
        parsed = self.expressions.parse(text, path)
        if parsed is None or self.expressions.uses_broken(parsed):
            return None
        if name := self.expressions.row_name(parsed):
            text_ = Text("a parameter has a plain value, such as 4.7 or 48h", "参数只能是一个值，如 4.7、48h")
            hint = Text("what depends on columns belongs into 'overrides' or 'when'", "与列有关的请写在 overrides 或 when 里")
            self.expressions.tell_at(path, name.at, "not_a_constant", text_, hint)
            return None
        typed = self.expressions.check(parsed, self.expressions.scope(self.kind), path)
        return None if typed is None else (parsed, typed)

    def _param(self, name: str, text: str, cases: list[_Case | None]) -> Let | None:
        path = (*self.root, "params", name)
        problem = name_problem(self.expressions.document, path, name, self.taken, self.expressions.names.places)
        self.expressions.problems += [problem] if problem else []
        read = self._constant(text, path)
        if problem or read is None:
            return None
        default, typed = read
        sound = [case for case in cases if case is not None and self._is_alike(case, name, text, typed)]
        if len(sound) < len(cases):
            return None
        expression = reduce(lambda rest, case: Call("if", (case.condition, case.value, rest)), reversed(sound), default)
        value = self.expressions.check(expression, self.expressions.scope(self.kind), path)
        if value is None:
            return None
        self.params[name] = Param(name, typed, text, tuple(Override(case.holds, case.typed, case.text) for case in sound), value)
        return Let(self.kind if sound else "", expression, *extent(expression, self.expressions.names.sound))

    def _is_alike(self, case: _Case, name: str, text: str, default: Node) -> bool:
        """Whether the override's value is of the default's type."""
        try:
            meet(case.typed, default, self.expressions.scope(self.kind))
        except ExpressionError:
            was, is_ = WORDS[default.type], WORDS[case.typed.type]
            said = Text(f"'{name}' is {was.en} ({text}); this is {is_.en}", f"'{name}' 是{was.zh}（{text}），这里却是{is_.zh}")
            self.expressions.problems.append(
                self.expressions.document.problem(case.path, "type_mismatch", said, hint_for(case.typed.type, default.type))
            )
            return False
        return True
