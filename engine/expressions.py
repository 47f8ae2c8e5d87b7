"""Expressions in files: read in the light of the names that a file can use, their mistakes told at their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator

from engine.errors import Problem, Text
from engine.language import ExpressionError, Scope, check, parse
from engine.language.inlining import names_in
from engine.language.names import Let
from engine.language.printing import words_of
from engine.language.syntax import Expression as Syntax
from engine.language.syntax import Name as SyntaxName
from engine.language.typed import Node, Span
from engine.model import KindSchema
from engine.yamlfile import BilingualError, Document, Path_


def parse_expression(value: object, at: Path_ = ()) -> str:
    """Expressions are texts; YAML makes numbers and booleans of some (``true``, ``4.7``), which mean the same."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"
    if isinstance(value, int | str):
        return str(value)
    text = Text("expected an expression, such as dsr_desc < 4.7", "这里应是一个表达式，如 dsr_desc < 4.7")
    hint = Text(
        "write it as one text; quote it when it starts with [ or { or holds ': '", "写成一段文字；以 [ 或 { 开头或含 “: ” 时请加引号"
    )
    raise BilingualError("not_an_expression", text, None if value is None else hint, at)


def _expression(value: object) -> str:
    return parse_expression(value)


Expression = Annotated[str, BeforeValidator(_expression, json_schema_input_type=str | float | bool)]


@dataclass(frozen=True, slots=True)
class Names:
    """The names that expressions can use, and the ``places`` (file and line) where they are defined. None for those whose definition is
    wrong: where they are used nothing more is told."""

    lets: Mapping[str, Let | None] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)

    def having(self, lets: Mapping[str, Let | None]) -> Names:
        return Names({**self.lets, **lets}, self.places)

    @property
    def sound(self) -> dict[str, Let]:
        return {name: let for name, let in self.lets.items() if let is not None}


@dataclass
class Expressions:
    """Reads the expressions of one document and collects their ``problems`` and the names that they ``used``; ``unread`` when one of
    them could not even be parsed, so that nobody knows which names it meant; ``called`` has the words that they use for columns."""

    document: Document
    kinds: Mapping[str, KindSchema]
    time_zone: str
    names: Names = field(default_factory=Names)
    problems: list[Problem] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    unread: bool = False
    called: dict[str, str] = field(default_factory=dict)

    def scope(self, kind: str) -> Scope:
        return Scope(kind, self.kinds, self.time_zone, self.names.sound)

    def parse(self, text: str, path: Path_, *, key: bool = False) -> Syntax | None:
        try:
            parsed = parse(text)
        except ExpressionError as error:
            self.unread = True
            self.tell(error, path, key=key)
            return None
        self.used |= {name.parts[-1] for name in names_in(parsed)}
        return parsed

    def read(self, text: str, scope: Scope, path: Path_, *, condition: bool = False, key: bool = False) -> Node | None:
        """The typed expression; of a kind that is not known, and with a name whose definition is wrong, only the syntax is checked."""
        parsed = self.parse(text, path, key=key)
        return None if parsed is None else self.check(parsed, scope, path, condition=condition, key=key)

    def check(self, parsed: Syntax, scope: Scope, path: Path_, *, condition: bool = False, key: bool = False) -> Node | None:
        if scope.kind not in self.kinds or self.uses_broken(parsed):
            return None
        try:
            node = check(parsed, scope, "condition" if condition else None)
        except ExpressionError as error:
            self.tell(error, path, key=key)
            return None
        self._note_words(parsed, node)
        return node

    def _note_words(self, parsed: Syntax, node: Node) -> None:
        """What the document calls columns, rows and kinds. A column that goes by several names keeps its own."""
        kinds = {title: kind.name for kind in self.kinds.values() if kind.title for title in (kind.title.zh, kind.title.en)}
        named = [(kinds[name.parts[0]], name.parts[0]) for name in names_in(parsed) if len(name.parts) == 1 and name.parts[0] in kinds]
        for name, word in (*words_of(parsed, node), *named):
            if word not in self.names.lets and self.called.setdefault(name, word) != word:
                self.called[name] = name

    def uses_broken(self, parsed: Syntax) -> bool:
        return any(self.names.lets.get(name.parts[-1], parsed) is None for name in names_in(parsed))

    def row_name(self, parsed: Syntax) -> SyntaxName | None:
        """The first name that speaks of a row, None when the expression is a constant."""
        sound = self.names.sound
        constants = {name for name, let in sound.items() if not let.kind}
        return next((name for name in names_in(parsed) if len(name.parts) > 1 or name.parts[0] not in constants), None)

    def tell_at(self, path: Path_, at: Span, code: str, text: Text, hint: Text | None = None) -> None:
        self.problems.append(self.document.problem(path, code, text, hint, offset=at.start, width=at.end - at.start))

    def tell(self, error: ExpressionError, path: Path_, *, key: bool = False) -> None:
        """The mistakes of the expression that is the value, or the key, at ``path``."""
        for found in error.problems:
            width = max(1, found.span.end - found.span.start)
            place = self.document.problem(path, found.code, found.text, found.hint, key=key, offset=found.span.start, width=width)
            self.problems.append(place)
