"""Jinja with its claws cut: templates are text by people in a hurry, about data by strangers.

The environment is Jinja's immutable sandbox with strict undefined names, HTML escaping that cannot be switched off, a short list of
filters, and a budget of loop rounds and characters for each rendering. :func:`mistakes` finds what can be seen without rendering.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, is_dataclass
from functools import cached_property, partial
from types import CodeType, MappingProxyType
from typing import Any, TypeVar

from jinja2 import (
    FunctionLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
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

from engine.errors import Problem, Text, did_you_mean
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

_WHY_NOT: Mapping[str, Text] = MappingProxyType(
    {
        "safe": Text("data is hostile and is always escaped", "数据不可信，一律转义"),
        "urlize": Text("links are made by the macro link of parts.j2", "链接请用 parts.html.j2 里的 link 宏"),
    }
)


_TRANSLATED: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (r"Unexpected end of template\. .*'(\w+)'\. The innermost block .* is '(\w+)'\.", r"{% \2 %} 没有结束，还缺 {% \1 %}"),
        (r"Unexpected end of template\..*", "模板意外结束，有块没有结束"),
        (r"unexpected end of template, expected 'end of print statement'\.", "模板意外结束，缺少 }}"),
        (r"unexpected end of template, expected 'end of statement block'\.", "模板意外结束，缺少 %}"),
        (r"unexpected end of template, expected (.*)\.", r"模板意外结束，此处应有 \1"),
        (r"Encountered unknown tag '(\w+)'\. .*The innermost block .* is '(\w+)'\.", r"不认识的标签 '\1'；当前未结束的块是 {% \2 %}"),
        (r"Encountered unknown tag '(\w+)'\..*", r"不认识的标签 '\1'"),
        (r"expected token 'end of print statement', got '(.*)'", r"此处应为 }}，却是 '\1'"),
        (r"expected token 'end of statement block', got '(.*)'", r"此处应为 %}，却是 '\1'"),
        (r"expected token '(.*)', got '(.*)'", r"此处应为 '\1'，却是 '\2'"),
        (r"[Ee]xpected an expression, got '(.*)'", r"此处应为表达式，却是 '\1'"),
        (r"unexpected char (.*) at \d+", r"多余的字符 \1"),
        (r"unexpected '(.*)', expected '(.*)'", r"此处应为 '\2'，却是 '\1'"),
        (r"unexpected '(.*)'", r"多余的 '\1'"),
        (r"tag name expected", "{% 后面应写标签名"),
        (r"Missing end of comment tag", "注释没有结束，缺少 #}"),
        (r"Missing end of raw directive", "{% raw %} 没有结束，缺少 {% endraw %}"),
        (r"block '(.*)' defined twice", r"块 '\1' 定义了两次"),
        (r"escaping cannot be switched off", "不能关闭转义"),
        (r"'(.*)' is undefined", r"没有定义 '\1'"),
        (r"'(.*)' has no attribute '(.*)'", r"'\1' 没有属性 '\2'"),
        (r"(?:float |decimal |integer )?division by zero.*", "除数为零"),
        (r"unsupported operand type\(s\) for (\S+): '(.*)' and '(.*)'", r"不能对 \2 和 \3 做 \1 运算"),
        (r"'(.*)' not supported between instances of '(.*)' and '(.*)'", r"不能比较 \2 和 \3（\1）"),
        (r"access to attribute '(.*)' of '(.*)' object is unsafe\.", r"不允许使用 \2 的 \1"),
        (r"maximum recursion depth exceeded.*", "自己调用自己，没有尽头"),
        (r"'(.*)' object is not iterable", r"\1 不能用于循环"),
        (r"'(.*)' object is not callable", r"\1 不能调用"),
    )
)


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


@dataclass(frozen=True, slots=True)
class Source:
    """A template file: its name as problems show it, and its text."""

    file: str
    text: str

    def problem(self, line: int, code: str, text: Text, hint: Text | None = None, word: str = "") -> Problem:
        """A problem on ``line``, at the first place of ``word`` in it."""
        lines = self.text.splitlines()
        shown = lines[line - 1] if 0 < line <= len(lines) else ""
        found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", shown) if word else None
        column = found.start() + 1 if found else len(shown) - len(shown.lstrip()) + 1
        return Problem(self.file, line, column, code, text, hint, shown, len(word) if found else 1)


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


def parsed(environment: Sandbox, name: str, source: Source) -> Parsed | Problem:
    """The template, or what is wrong with its syntax."""
    try:
        tree = environment._parse(source.text, name, source.file)
        return environment.shelf.parsed.setdefault(tree, Parsed(tree))
    except TemplateSyntaxError as error:
        said = in_both(error.message or "?")
        text = Text(f"is not valid Jinja: {said.en}", f"Jinja 写法有误：{said.zh}")
        return source.problem(error.lineno, "template_syntax", text)


def mistakes(environment: Sandbox, template: Parsed, source: Source, names: Iterable[str]) -> Iterator[Problem]:
    """What is wrong with a template before anything is rendered: unknown filters and tests; else, unknown variables."""
    unknown = list(_unknown_words(environment, template, source))
    yield from unknown or _unknown_variables(environment, template, source, set(names))


def _unknown_words(environment: Sandbox, template: Parsed, source: Source) -> Iterator[Problem]:
    for kind, zh, table, found in (
        ("filter", "过滤器", environment.filters, template.of(nodes.Filter)),
        ("test", "测试", environment.tests, template.of(nodes.Test)),
    ):
        for node in found:
            if node.name not in table:
                text = Text(f"unknown {kind} '{node.name}'", f"不认识的{zh} '{node.name}'")
                near = _WHY_NOT.get(node.name) or did_you_mean(node.name, (word for word in table if not word.startswith("_")))
                yield source.problem(node.lineno, f"unknown_{kind}", text, near, node.name)


def _unknown_variables(environment: Sandbox, template: Parsed, source: Source, names: set[str]) -> Iterator[Problem]:
    known = names | set(environment.globals)
    for node in template.of(nodes.Name):
        if node.ctx == "load" and node.name not in known and node.name in template.undeclared:
            yield undefined(source, node.lineno, node.name, known)


def undefined(source: Source, line: int, name: str, known: Iterable[str]) -> Problem:
    known = sorted(known)
    listed = ", ".join(known)
    hint = Text("test for it first with {% if %}", "请先用 {% if %} 判断") if name.isdecimal() else did_you_mean(name, known)
    if known and hint is None:
        hint = Text(f"known here: {listed}", f"这里可以用：{listed}")
    return source.problem(line, "unknown_name", Text(f"'{name}' is not known here", f"这里没有 '{name}'"), hint, name)


def assigned(template: Parsed) -> set[str]:
    """Names that a template defines itself (set, import, macro), which templates that extend it may use."""
    names = {node.name for node in template.of(nodes.Name) if node.ctx in ("store", "param")}
    imports = {node.target for node in template.of(nodes.Import)}
    macros = {node.name for node in template.of(nodes.Macro)}
    pairs = (name for node in template.of(nodes.FromImport) for name in node.names)
    return names | imports | macros | {pair if isinstance(pair, str) else pair[1] for pair in pairs}


def asked_labels(template: Parsed) -> set[str]:
    """The labels that a template looks for with ``find``, ``amounts`` and ``others``."""
    calls = (call for call in template.of(nodes.Call) if getattr(call.node, "attr", "") in ("find", "amounts", "others"))
    return {arg.value for call in calls for arg in call.args if isinstance(arg, nodes.Const) and isinstance(arg.value, str)}


def failure(error: BaseException, sources: Mapping[str, Source]) -> Problem:
    """What a rendering raised, as a problem at the template's line. ``sources`` is by shown file name."""
    file, line = _place(error, sources)
    source = sources.get(file, Source(file or "templates", ""))
    if isinstance(error, UnknownNameError):
        return undefined(source, line, error.name, error.known)
    return source.problem(line, "template_fails", _told(error))


def _told(error: BaseException) -> Text:
    if isinstance(error, RefusedError):
        return Text(f"fails: {error.text.en}", f"运行出错：{error.text.zh}")
    if isinstance(error, TemplateNotFound):
        return Text(f"fails: there is no template '{error.name}'", f"运行出错：没有模板 '{error.name}'")
    said = (error.message if isinstance(error, TemplateError) else str(error)) or "?"
    told = in_both(said)
    name = "" if told.zh != said else f"{type(error).__name__}: "
    return Text(f"fails: {name}{told.en}", f"运行出错：{name}{told.zh}")


def in_both(said: str) -> Text:
    """What Jinja and Python say, with its translation where there is one."""
    for pattern, translated in _TRANSLATED:
        if match := pattern.fullmatch(said):
            return Text(said, match.expand(translated))
    return Text.same(said)


def _place(error: BaseException, sources: Mapping[str, Source]) -> tuple[str, int]:
    if isinstance(error, TemplateSyntaxError):
        return error.filename or error.name or "", error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    fallback = (error.file, 1) if isinstance(error, RefusedError) and error.file else ("", 0)
    return next(((frame.filename, frame.lineno or 0) for frame in reversed(frames) if frame.filename in sources), fallback)
