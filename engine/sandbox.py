"""Jinja with its claws cut: templates are text by people in a hurry, about data by strangers.

The environment is Jinja's immutable sandbox with strict undefined names, HTML escaping that cannot be switched off, a short list of
filters, and a budget of loop rounds and characters for each rendering. What is wrong with
templates :mod:`engine.template_problems` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, is_dataclass
from functools import cached_property, partial
from types import CodeType
from typing import Any, TypeVar

from jinja2 import (
    FunctionLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
    UndefinedError,
    meta,
    nodes,
    pass_context,
)
from jinja2.bccache import Bucket, BytecodeCache
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace, missing

from engine.errors import Text
from engine.wording import Writer

Found = TypeVar("Found", bound=nodes.Node)

MOST_ROUNDS = 200_000
MOST_CHARACTERS = 2_000_000
LONGEST_RANGE = 10_000
FILTERS = (
    "abs capitalize count d default dictsort e escape first float groupby int items join last length list lower map max min reject "
    "rejectattr replace reverse round select selectattr sort string sum title trim truncate unique upper"
).split()
TOO_LONG = Text(f"it writes more than {MOST_CHARACTERS:,} characters", f"输出超过 {MOST_CHARACTERS:,} 个字符")
PLAIN_TEXT = (".txt.j2", ".subject.j2", ".gist.j2", ".md.j2")
TEMPLATE_ERRORS = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RuntimeError, MemoryError)
"""Everything that rendering somebody's template may raise."""


class RefusedError(SecurityError):
    """A template asked for too much, or wrote nothing; ``file`` is its name where no line of it can be told."""

    def __init__(self, text: Text, file: str = "") -> None:
        super().__init__(text.en)
        self.text = text
        self.file = file


class UnknownNameError(UndefinedError):
    """A template used a variable or an attribute that is not there; ``known`` are those that are."""

    def __init__(self, message: str | None, name: str, known: Iterable[str]) -> None:
        super().__init__(message)
        self.name = name
        self.known = tuple(known)


class Unknown(StrictUndefined):
    """Strict, and able to say which names would have been right."""

    def __init__(self, hint: str | None = None, obj: object = missing, name: str | None = None, exc: Any = UndefinedError) -> None:
        if exc is UndefinedError:
            exc = partial(UnknownNameError, name=str(name), known=_names_in(obj))
        super().__init__(hint, obj, name, exc)


def _names_in(obj: object) -> list[str]:
    """What a template may ask of one of our own values; nothing for lists and numbers, whose methods would only be noise."""
    if isinstance(obj, Mapping):
        return [str(key) for key in obj]
    return [name for name in dir(obj) if not name.startswith("_")] if is_dataclass(obj) else []


@dataclass(slots=True)
class Budget:
    """What one rendering may still use."""

    rounds: int = MOST_ROUNDS
    characters: int = MOST_CHARACTERS


_BUDGET: ContextVar[Budget | None] = ContextVar("budget", default=None)


@contextmanager
def limited() -> Iterator[None]:
    """A fresh budget for what is rendered inside."""
    token = _BUDGET.set(Budget())
    try:
        yield
    finally:
        _BUDGET.reset(token)


def _spend(rounds: int = 0, characters: int = 0) -> None:
    budget = _BUDGET.get()
    if budget is None:
        return
    budget.rounds -= rounds
    budget.characters -= characters
    if budget.rounds < 0:
        raise RefusedError(Text(f"its loops go round more than {MOST_ROUNDS:,} times", f"循环超过 {MOST_ROUNDS:,} 次"))
    if budget.characters < 0:
        raise RefusedError(TOO_LONG)


def _counted(items: Iterable[object]) -> Iterable[object]:
    """``items``, each costing one round. What has a length keeps it, for ``loop.length`` and ``loop.last``."""
    if isinstance(items, Collection):
        _spend(rounds=len(items))
        return items
    return _paid(items)


def _paid(items: Iterable[object]) -> Iterator[object]:
    for item in items:
        _spend(rounds=1)
        yield item


def _written(value: object) -> object:
    """What ``{{ }}`` and ``~`` produce, paid by its length; None is written as missing."""
    if value is None:
        return "—"
    if isinstance(value, str):
        _spend(characters=len(value))
    return value


def _short_range(*args: int) -> range:
    found = range(*args)
    if len(found) > LONGEST_RANGE:
        raise RefusedError(Text(f"range() of more than {LONGEST_RANGE:,} numbers", f"range() 超过 {LONGEST_RANGE:,} 个数"))
    return found


@dataclass(frozen=True)
class Parsed:
    """A template's tree, gone through once."""

    tree: nodes.Template

    @cached_property
    def nodes(self) -> tuple[nodes.Node, ...]:
        return tuple(self.tree.find_all(nodes.Node))

    def of(self, kind: type[Found]) -> Iterator[Found]:
        return (node for node in self.nodes if isinstance(node, kind))

    @cached_property
    def undeclared(self) -> set[str]:
        return meta.find_undeclared_variables(self.tree)


class Shelf(BytecodeCache):
    """Templates as parsed and compiled, for the environments of all languages: most serve both."""

    def __init__(self) -> None:
        self.trees: dict[tuple[str, str | None, str | None], nodes.Template] = {}
        self.codes: dict[tuple[str, str], CodeType] = {}
        self.parsed: dict[nodes.Template, Parsed] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code  # noqa: S101  (it is asked for after compiling)
        self.codes[bucket.key, bucket.checksum] = bucket.code


class Sandbox(ImmutableSandboxedEnvironment):
    """One language's environment. What it compiles stays on the ``shelf``."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, shelf: Shelf, **options: Any) -> None:
        super().__init__(bytecode_cache=shelf, **options)
        self.shelf = shelf

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        if isinstance(left, int | float) and operator == "**":
            raise RefusedError(Text("** is not available in templates", "模板里不能用 **"))
        if operator != "+" and (_is_sized(left) or _is_sized(right)):
            raise RefusedError(Text(f"{operator} on texts and lists is not available in templates", f"模板里不能对文字和列表用 {operator}"))
        if operator == "+" and _is_sized(left):
            _spend(characters=len(left))  # type: ignore[arg-type]
        return super().call_binop(context, operator, left, right)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """The template's tree, made once: `check` looks at it before it is compiled."""
        key = (source, name, filename)
        if key not in self.shelf.trees:
            self.shelf.trees[key] = self._budgeted(source, name, filename)
        return self.shelf.trees[key]

    def _budgeted(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """The parsed template with its loops and concatenations put under the budget."""
        tree = super()._parse(source, name, filename)
        for node in tree.find_all((nodes.EvalContextModifier, nodes.ScopedEvalContextModifier)):
            if isinstance(node, nodes.ScopedEvalContextModifier) and any(option.key == "autoescape" for option in node.options):
                raise TemplateSyntaxError("escaping cannot be switched off", node.lineno, name, filename)
        for loop in tree.find_all(nodes.For):
            loop.iter = _filtered(loop.iter, "_counted")
        return _concatenations(tree)


def _is_sized(value: object) -> bool:
    return hasattr(value, "__len__")


def _filtered(node: nodes.Node, name: str) -> nodes.Expr:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _concatenations(tree: nodes.Template) -> nodes.Template:
    for concat in tree.find_all(nodes.Concat):
        concat.nodes = [_filtered(part, "_written") for part in concat.nodes]
    return tree


def _of_language(write: Callable[..., str]) -> Callable[..., str]:
    """A filter of the writer's, asked when a template runs: a constant must not be written in the language that compiled it first."""

    @pass_context
    def written(_: Context, *args: Any, **options: Any) -> str:
        return write(*args, **options)

    return written


def sandbox(shelf: Shelf, load: Callable[[str], tuple[str, str] | None], writer: Writer, helpers: Mapping[str, object]) -> Sandbox:
    """An environment that finds templates by ``load(name) -> (source, file name as shown)``, with the writer's filters."""
    environment = Sandbox(
        shelf,
        loader=FunctionLoader(lambda name: (*found, lambda: True) if (found := load(name)) else None),
        autoescape=lambda name: name is None or not name.endswith(PLAIN_TEXT),
        undefined=Unknown,
        finalize=_written,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        cache_size=-1,
    )
    environment.filters = {name: JINJA_FILTERS[name] for name in FILTERS}
    environment.filters.update(
        _counted=_counted,
        _written=_written,
        money=_of_language(writer.money),
        percent=_of_language(writer.percent),
        number=_of_language(writer.number),
        duration=_of_language(writer.duration),
        datetime=_of_language(writer.datetime),
        date=_of_language(writer.date),
        value=_of_language(writer.value),
    )
    environment.globals = {"range": _short_range, "dict": dict, "namespace": Namespace, **helpers}
    return environment
