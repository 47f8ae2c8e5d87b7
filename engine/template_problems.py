"""What is wrong with templates: what can be seen without rendering, and what a rendering raised, each at its line."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError, nodes

from engine.errors import Problem, Text, did_you_mean
from engine.sandbox import Parsed, RefusedError, Sandbox, UnknownNameError

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
