"""Named expressions written out where they are used.

A name stands for its expression, checked in the scope of the use: what may not stand there may not be named there either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import Any

from engine.errors import Text
from engine.language.errors import ExpressionError, ExpressionProblem, wrong
from engine.language.names import Let, Scope
from engine.language.syntax import Expression, Name, children
from engine.language.typed import Across, ColumnRef, Const, History, If, IsMissing, Node, Or, Related, RowMissing, Span
from engine.model import Type

MAX_DEPTH = 100
MAX_SIZE = 5_000


def names_in(expression: Expression) -> Iterator[Name]:
    """Every name in the expression, in the order of the text: of columns, kinds and whatever else."""
    if isinstance(expression, Name):
        yield expression
    for child in children(expression):
        yield from names_in(child)


def extent(expression: Expression, lets: Mapping[str, Let]) -> tuple[int, int]:
    """How deep the expression nests and of how many nodes it is when the names of ``lets`` are written out."""
    depth, deepest, size = 0, 0, 0
    level = [expression]
    while level:
        found = [lets[each.parts[-1]] for each in level if isinstance(each, Name) and each.parts[-1] in lets]
        size += len(level) + sum(let.size for let in found)
        deepest = max([deepest, *(depth + let.depth for let in found)])
        level = [child for each in level for child in children(each)]
        depth += 1
    return max(depth, deepest), size


def refuse_growth(expression: Expression, scope: Scope) -> None:
    """Raises ExpressionError for an expression that grows beyond what later stages can bear when its names are written out."""
    depth, size = extent(expression, scope.lets) if scope.lets else (0, 0)
    if depth > MAX_DEPTH or size > MAX_SIZE:
        sentence = Text("with its names written out this expression is too large", "把其中的名字都展开后，这个表达式太大")
        raise wrong("too_deep", expression.at, sentence, Text("let names build on fewer others", "请减少名字之间的层层引用"))


def moved(expression: Expression, at: Span) -> Expression:
    """The same expression with all of it at one place."""
    changes: dict[str, Any] = {}
    for each in fields(expression):
        value = getattr(expression, each.name)
        if each.name in ("at", "named_at"):
            changes[each.name] = at
        elif isinstance(value, Expression):
            changes[each.name] = moved(value, at)
        elif isinstance(value, tuple):
            changes[each.name] = tuple(moved(item, at) if isinstance(item, Expression) else item for item in value)
    return replace(expression, **changes)


def lifted(node: Node, path: tuple[str, ...]) -> Node:
    """What ``node`` says of a row, said of a row that refers to it through the columns of ``path``. Raises ExpressionError for what can
    only be told of the row itself."""
    if not path:
        return node
    if isinstance(node, ColumnRef | RowMissing):
        return replace(node, path=(*path, *node.path))
    if isinstance(node, History | Related | Across):
        sentence = Text(
            "history and other rows can only be asked of the row itself, not through another one",
            "历史和其他行只能从本行去查，不能隔着另一行查",
        )
        raise wrong("not_through_a_row", node.at, sentence)
    changes: dict[str, Any] = {}
    for each in fields(node):
        value = getattr(node, each.name)
        if isinstance(value, Node):
            changes[each.name] = lifted(value, path)
        elif isinstance(value, tuple):
            changes[each.name] = tuple(lifted(item, path) if isinstance(item, Node) else item for item in value)
    return replace(node, **changes)


def names_of_judged(parts: Iterable[Expression | None], scope: Scope) -> tuple[Name, ...]:
    """The names in expressions on related rows that speak of the judged row."""
    found = dict.fromkeys(name for part in parts if part for name in names_in(part) if len(name.parts) == 1)
    kinds = {name: scope.lets[name.parts[0]].kind for name in found if name.parts[0] in scope.lets}
    return tuple(name for name, kind in kinds.items() if kind and kind != scope.kind)


def unless_missing(needed: Sequence[Node], node: Node) -> Node:
    """``node``, but missing where one of ``needed`` is. What is said of related rows in terms of the judged row is unknown when that is:
    otherwise none of them would count, and their number would be 0."""
    unsure = tuple(IsMissing(each, type=Type.BOOLEAN) for each in needed if not isinstance(each, Const))
    if not unsure:
        return node
    condition = unsure[0] if len(unsure) == 1 else Or(unsure, type=Type.BOOLEAN)
    return If(condition, Const(None, type=node.type), node, type=node.type, at=node.at)


def needed_by(node: Node) -> tuple[tuple[Node, ...], Related] | None:
    """What :func:`unless_missing` was given; None for any other node."""
    match node:
        case If(condition=Or(items=items), then=Const(value=None), otherwise=Related() as related):
            pass
        case If(condition=condition, then=Const(value=None), otherwise=Related() as related):
            items = (condition,)
        case _:
            return None
    return tuple(item.item for item in items if isinstance(item, IsMissing)), related


@contextmanager
def in_words_of(name: Name) -> Iterator[None]:
    """Mistakes of a named expression where it is used, told as the name's."""
    try:
        yield
    except ExpressionError as error:
        raise ExpressionError(tuple(_about(".".join(name.parts), problem) for problem in error.problems)) from None


def _about(name: str, problem: ExpressionProblem) -> ExpressionProblem:
    text = Text(f"'{name}' cannot be used here: {problem.text.en}", f"这里不能用 '{name}'：{problem.text.zh}")
    return replace(problem, text=text)
