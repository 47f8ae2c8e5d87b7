"""Names that rules share: ``- let:`` in ``rules/*.yaml``.

A name given in a file counts in that file; one given in a file called ``_let.yaml`` counts in all files of its folder and of those
below. So ``rules/_let.yaml`` is the whole project's, ``rules/service/_let.yaml`` a team's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field, ValidationError

from engine.errors import Problem, Text, did_you_mean
from engine.expressions import Expression, Expressions, Names
from engine.fields import Strict, about
from engine.language import ExpressionError, parse
from engine.language.inlining import extent, names_in
from engine.language.names import Let, names_of_column, names_of_kind, names_taken
from engine.language.syntax import RESERVED, Name
from engine.language.syntax import Expression as Syntax
from engine.model import KindSchema
from engine.yamlfile import Document, Path_

SHARED = "_let"


class LetFile(Strict):
    """Names for numbers and conditions, as an entry of ``rules/*.yaml``."""

    let: Annotated[dict[str, Expression], about("names: name → value or condition", "起名字：名字 → 值或条件")] = Field(min_length=1)
    facts: Annotated[str, about("fact kind whose rows the expressions speak of", "说的是哪种事实的行", names="kinds")] = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """One name: where it is defined and what it says; ``expression`` is None where that does not parse."""

    name: str
    document: Document
    path: Path_
    kind: str
    text: str
    expression: Syntax | None

    @property
    def place(self) -> str:
        return f"{self.document.file}:{self.document.keys[self.path].line}"


@dataclass
class Lets:
    """The names of all rules files, and the words that are ``taken``: they mean something already."""

    names: dict[str, Names] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    used: dict[str, Iterable[str]] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    taken: Mapping[str, Text] = field(default_factory=dict)

    def of(self, file: str) -> Names:
        return self.names.get(file, Names())

    def told(self, used: Iterable[str], file: str) -> tuple[tuple[str, str], ...]:
        """The names among ``used`` and those in turn used by them, with what they say in that file, in the order of their definition."""
        seen = {found.name: found for found in self.definitions if found.document.file in (file, *shared_with(file))}
        wanted, waiting = set[str](), [name for name in used if name in seen]
        while waiting:
            name = waiting.pop()
            waiting += [] if name in wanted else _uses(seen[name], seen)
            wanted.add(name)
        return tuple((name, found.text) for name, found in seen.items() if name in wanted)

    def unused(self, used: Mapping[str, Iterable[str]]) -> Iterator[Problem]:
        """A problem for every sound name that nobody uses. ``used`` are the names that the rules of each file use; files with an
        expression that cannot be read are not in it: nobody knows what they use."""
        for found in self.definitions:
            seers = [file for file in self.names if found.document.file in (file, *shared_with(file))]
            known = all(file in used and file not in self.unread for file in seers)
            if known and not any(found.name in (*used[file], *self.used.get(file, ())) for file in seers):
                text = Text(f"no rule uses '{found.name}'", f"没有规则用到 '{found.name}'")
                yield found.document.problem(found.path, "unused_name", text, Text("delete it, or use it", "请删掉，或用上它"), key=True)


def unknown_kind(document: Document, path: Path_, name: str, kinds: Mapping[str, KindSchema]) -> Problem:
    """A problem at a fact kind's name that means none."""
    text = Text(f"unknown fact kind '{name}'", f"没有名为 '{name}' 的事实类型")
    titled = next((Text(f"write {kind.name}", f"请写 {kind.name}") for kind in kinds.values() if name in names_of_kind(kind)), None)
    listed = Text(f"known kinds: {', '.join(kinds)}", f"可用的类型：{'、'.join(kinds)}")
    return document.problem(path, "unknown_kind", text, titled or did_you_mean(name, kinds) or listed)


def is_let(entry: object) -> bool:
    return isinstance(entry, dict) and "let" in entry


@cache
def shared_with(file: str) -> tuple[str, ...]:
    """The files whose names count in ``file`` besides its own, the outermost first."""
    folders = list(PurePosixPath(file).parents)[::-1]
    return tuple(str(folder / f"{SHARED}{suffix}") for folder in folders for suffix in (".yaml", ".yml") if str(folder) != ".")


def read_lets(documents: Iterable[Document], kinds: Mapping[str, KindSchema], time_zone: str) -> Lets:
    """The names of all files, those that others share first."""
    lets = Lets(taken=names_taken(kinds))
    for document in sorted(documents, key=lambda each: (len(PurePosixPath(each.file).parts), PurePosixPath(each.file).stem != SHARED)):
        shared = [lets.of(file) for file in shared_with(document.file) if file in lets.names]
        outer = shared[-1] if shared else Names()  # the innermost: it has those of the outer ones too
        reader = _FileReader(Expressions(document, kinds, time_zone, outer), lets.taken, dict(outer.places))
        lets.names[document.file] = reader.read()
        lets.definitions += reader.sound
        lets.problems += reader.expressions.problems
        lets.used[document.file] = reader.expressions.used
        lets.unread |= {document.file} if reader.expressions.unread else set()
    return lets


@dataclass
class _FileReader:
    """Reads the names that one file gives. ``taken`` are words that mean something else, ``places`` where outer names are defined."""

    expressions: Expressions
    taken: Mapping[str, Text]
    places: dict[str, str]
    sound: list[Definition] = field(default_factory=list)

    def read(self) -> Names:
        defined = {found.name: found for found in self._definitions()}
        order, circles = _inner_first({name: _uses(found, defined) for name, found in defined.items()})
        for circle in circles:
            self._tell_circle(circle, defined[circle[0]])
        self.expressions.names = self.expressions.names.having(dict.fromkeys(defined))
        for name in order:
            let = self._let(defined[name])
            self.expressions.names = self.expressions.names.having({name: let})
            self.sound += [defined[name]] if let else []
        return Names(self.expressions.names.lets, self.places)

    def _definitions(self) -> Iterator[Definition]:
        data = self.expressions.document.data
        for index, entry in enumerate(data if isinstance(data, list) else ()):
            if is_let(entry):
                yield from self._entry((index,), entry)

    def _entry(self, root: Path_, entry: object) -> Iterator[Definition]:
        document = self.expressions.document
        try:
            raw = LetFile.model_validate(entry)
        except ValidationError as error:
            self.expressions.problems += document.problems_of(error, LetFile, root)
            self.expressions.unread = True
            return
        if raw.facts and raw.facts not in self.expressions.kinds:
            self.expressions.problems.append(unknown_kind(document, (*root, "facts"), raw.facts, self.expressions.kinds))
        for name, text in raw.let.items():
            path = (*root, "let", name)
            good = self._is_free(name, path)
            parsed = self.expressions.parse(text, path)
            known = good and raw.facts in ("", *self.expressions.kinds)
            if name not in self.places:
                yield Definition(name, document, path, raw.facts, text, parsed if known else None)
            self.places.setdefault(name, f"{document.file}:{document.keys[path].line}")

    def _is_free(self, name: str, path: Path_) -> bool:
        problem = name_problem(self.expressions.document, path, name, self.taken, self.places)
        self.expressions.problems += [problem] if problem else []
        return problem is None

    def _tell_circle(self, circle: tuple[str, ...], first: Definition) -> None:
        assert first.expression  # noqa: S101  (a circle goes through expressions that were parsed)
        path = " → ".join((*circle, circle[0]))
        text = Text(f"'{first.name}' is defined by itself: {path}", f"'{first.name}' 绕了一圈又用到自己：{path}")
        hint = Text("say one of them without the others", "其中一个要不用其余的写出来")
        back = circle[1 % len(circle)]
        at = next(name.at for name in names_in(first.expression) if name.parts[-1] == back)
        self.expressions.tell_at(first.path, at, "circular", text, hint)

    def _let(self, found: Definition) -> Let | None:
        parsed, expressions = found.expression, self.expressions
        if parsed is None or expressions.uses_broken(parsed):
            return None
        if not found.kind and (name := expressions.row_name(parsed)):
            self._tell_row(name, found)
            return None
        scope = expressions.scope(found.kind or next(iter(expressions.kinds), ""))
        if expressions.check(parsed, scope, found.path) is None:
            return None
        return Let(found.kind, parsed, *extent(parsed, scope.lets))

    def _tell_row(self, name: Name, found: Definition) -> None:
        """A name that speaks of rows, in a value that is to stand for all kinds of row."""
        word, sound, kinds = name.parts[-1], self.expressions.names.sound, self.expressions.kinds
        of = [sound[word].kind] if word in sound else []
        of += [kind.name for kind in kinds.values() if any(word in names_of_column(column) for column in kind.columns.values())]
        text = Text(
            f"'{word}' is not known here, where no 'facts' says whose rows are meant", f"没有写 facts（说的是哪种行），这里不认识 '{word}'"
        )
        add = Text(f"write 'facts: {of[0]}' beside 'let'", f"请在 let 旁边写上 facts: {of[0]}") if of else None
        hint = add or did_you_mean(word, [each for each, let in self.expressions.names.lets.items() if let is None or not let.kind])
        self.expressions.tell_at(found.path, name.at, "not_a_constant", text, hint)


def _uses(found: Definition, defined: Mapping[str, Definition]) -> list[str]:
    words = [name.parts[-1] for name in names_in(found.expression)] if found.expression else []
    return [word for word in dict.fromkeys(words) if word in defined]


def _inner_first(uses: Mapping[str, Iterable[str]]) -> tuple[list[str], list[tuple[str, ...]]]:
    """The names that go round in no circle, each after those that it uses, and the circles, each from its first name on."""
    left, names = dict(uses), list(uses)
    circles: list[tuple[str, ...]] = []
    while True:
        try:
            return [name for name in TopologicalSorter(left).static_order() if name in left], circles
        except CycleError as error:
            circle = error.args[1][:0:-1]  # every one uses the next
            start = circle.index(min(circle, key=names.index))
            circles.append((*circle[start:], *circle[:start]))
            left = {name: used for name, used in left.items() if name not in circle}


def name_problem(document: Document, path: Path_, name: str, taken: Mapping[str, Text], places: Mapping[str, str]) -> Problem | None:
    """Why what stands at ``path`` cannot be called ``name``: it is no name, means something else, or is given already at ``places``."""
    if not _is_name(name):
        text = Text(f"'{name}' cannot be a name", f"'{name}' 不能作为名字")
        hint = Text("use letters (Chinese ones too), digits and _, such as low_rating", "请用汉字、字母、数字和下划线，如 评分底线")
        return document.problem(path, "bad_name", text, hint, key=True)
    if name in taken:
        what = taken[name]
        text = Text(f"'{name}' is already the name of {what.en}", f"'{name}' 已经是{what.zh}的名称")
        return document.problem(path, "name_taken", text, Text("choose another name", "请换一个名字"), key=True)
    if name in places:
        text = Text(f"'{name}' is already defined in {places[name]}", f"'{name}' 已在 {places[name]} 定义")
        return document.problem(path, "name_taken", text, Text("choose another name", "请换一个名字"), key=True)
    return None


def _is_name(text: str) -> bool:
    try:
        return text not in RESERVED and parse(text) == Name((text,))
    except ExpressionError:
        return False
