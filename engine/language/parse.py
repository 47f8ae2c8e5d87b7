"""Text to :mod:`engine.language.syntax`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args

from engine.errors import Text
from engine.fields import UNITS, parse_duration
from engine.language import syntax
from engine.language.errors import wrong
from engine.language.misread import explain_character, explain_token
from engine.language.syntax import Expression, children
from engine.language.typed import Span
from engine.remembering import digest, of_user
from engine.yamlfile import BilingualError

MAX_LENGTH = 10_000
MAX_DEPTH = 100
MAX_INTEGER_DIGITS = 18
MAX_FRACTION_DIGITS = 9
MAX_DURATION = timedelta(days=3660)

_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", "'": "'", '"': '"'}


@lru_cache(4_096)
def parse(text: str) -> Expression:
    """The expression that ``text`` writes. Raises :class:`~engine.language.errors.ExpressionError`."""
    if len(text) > MAX_LENGTH:
        sentence = Text(
            f"the expression has {len(text)} characters; {MAX_LENGTH} are allowed", f"表达式有 {len(text)} 个字符，最多 {MAX_LENGTH} 个"
        )
        raise wrong("too_long", Span(MAX_LENGTH, len(text)), sentence, Text("split it into several rules", "请拆成几条规则"))
    try:
        expression = cast(Expression, _parser().parse(text))
    except UnexpectedCharacters as error:
        raise explain_character(text, error.pos_in_stream or 0) from None
    except UnexpectedToken as error:
        accepted = error.interactive_parser.accepts() if error.interactive_parser else set()  # type: ignore[no-untyped-call]
        raise explain_token(text, error.token, accepted) from None
    _refuse_depth(expression)
    return expression


@cache
def _parser() -> Lark:
    """Its tables are kept in the user's cache: making them takes ten times as long as reading them."""
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    memory = of_user()
    kept = str(memory.folder / f"grammar-{digest([grammar])[:16]}") if memory else False
    return Lark(grammar, start="expression", parser="lalr", lexer="basic", keep_all_tokens=True, transformer=_Builder(), cache=kept)


def _refuse_depth(expression: Expression) -> None:
    """Later stages recurse; what nests too deeply for them is refused here, without recursion."""
    level = [expression]
    for _ in range(MAX_DEPTH):
        level = [child for each in level for child in children(each)]
        if not level:
            return
    sentence = Text(f"the expression nests deeper than {MAX_DEPTH} levels", f"表达式嵌套超过 {MAX_DEPTH} 层")
    raise wrong("too_deep", level[0].at, sentence, Text("split it into several rules", "请拆成几条规则"))


Part = Expression | Token | None


@v_args(inline=True)
class _Builder(Transformer[Token, Expression]):
    """One method a grammar rule; called while parsing with all tokens and parts of the rule, in order."""

    def number(self, token: Token) -> Expression:
        return syntax.Number(_decimal(token), at=_span(token))

    def percent(self, token: Token) -> Expression:
        return syntax.Percent(_decimal(token) / 100, at=_span(token))

    def duration(self, token: Token) -> Expression:
        return syntax.Duration(_timedelta(token), at=_span(token))

    def string(self, token: Token) -> Expression:
        return _string(token)

    def true(self, token: Token) -> Expression:
        return syntax.Boolean(True, at=_span(token))

    def false(self, token: Token) -> Expression:
        return syntax.Boolean(False, at=_span(token))

    def now(self, token: Token) -> Expression:
        return syntax.Now(at=_span(token))

    def name(self, *parts: Part) -> Expression:
        return syntax.Name(_names(parts), at=_span(*parts))

    def parenthesis(self, *parts: Part) -> Expression:
        return replace(_only(parts), at=_span(*parts))

    def call(self, *parts: Part) -> Expression:
        return syntax.Call(_names(parts)[0], _expressions(parts), at=_span(*parts), named_at=_span(parts[0]))

    def related(self, *parts: Part) -> Expression:
        named = {str(before): part for before, part in pairwise(parts) if isinstance(part, Expression)}
        kind = named.get("of", named["("])
        item = named["("] if "of" in named else None
        return syntax.Related(
            _names(parts)[0], item, cast(syntax.Name, kind), named.get("where"), at=_span(*parts), named_at=_span(parts[0])
        )

    def across(self, *parts: Part) -> Expression:
        start = next(at for at, part in enumerate(parts) if isinstance(part, Token) and part.type == "BY")
        item = _only(parts[2:start]) if start > 2 else None
        by = cast(tuple[syntax.Name, ...], _expressions(parts[start:]))
        return syntax.Across(_names(parts)[0], item, by, at=_span(*parts), named_at=_span(parts[0]))

    def no(self, *parts: Part) -> Expression:
        kind, *where = _expressions(parts)
        return syntax.No(cast(syntax.Name, kind), where[0] if where else None, at=_span(*parts))

    def not_(self, *parts: Part) -> Expression:
        return syntax.Not(_only(parts), at=_span(*parts))

    def and_(self, *parts: Part) -> Expression:
        return syntax.And(_expressions(parts), at=_span(*parts))

    def or_(self, *parts: Part) -> Expression:
        return syntax.Or(_expressions(parts), at=_span(*parts))

    def compare(self, left: Expression, op: Any, right: Expression) -> Expression:
        return syntax.Compare(str(op), left, right, at=_span(left, right))  # type: ignore[arg-type]

    def arithmetic(self, left: Expression, op: Any, right: Expression) -> Expression:
        return syntax.Arithmetic(str(op), left, right, at=_span(left, right))  # type: ignore[arg-type]

    def negate(self, *parts: Part) -> Expression:
        return syntax.Negate(_only(parts), at=_span(*parts))

    def in_(self, *parts: Part) -> Expression:
        item, *options = _expressions(parts)
        return syntax.In(item, tuple(options), at=_span(*parts))

    def not_in(self, *parts: Part) -> Expression:
        item, *options = _expressions(parts)
        return syntax.In(item, tuple(options), negated=True, at=_span(*parts))

    def between(self, *parts: Part) -> Expression:
        item, low, high = _expressions(parts)
        return syntax.Between(item, low, high, at=_span(*parts))

    def is_missing(self, *parts: Part) -> Expression:
        return syntax.IsMissing(_only(parts), at=_span(*parts))

    def is_present(self, *parts: Part) -> Expression:
        return syntax.IsMissing(_only(parts), negated=True, at=_span(*parts))

    def matches(self, item: Expression, word: Token, pattern: Token) -> Expression:
        return syntax.Matches(item, _string(pattern), at=_span(item, pattern))

    def contains(self, item: Expression, word: Token, part: Expression) -> Expression:
        return syntax.Contains(item, part, at=_span(item, part))


def _span(*parts: Part) -> Span:
    """From the first part's start to the last part's end."""
    there = [part for part in parts if part is not None]
    return Span(_extent(there[0]).start, _extent(there[-1]).end)


def _extent(part: Expression | Token) -> Span:
    return part.at if isinstance(part, Expression) else Span(part.start_pos or 0, part.end_pos or 0)


def _names(parts: tuple[Part, ...]) -> tuple[str, ...]:
    return tuple(part.strip("`") for part in parts if isinstance(part, Token) and part.type in ("NAME", "QUOTED"))


def _expressions(parts: tuple[Part, ...]) -> tuple[Expression, ...]:
    return tuple(part for part in parts if isinstance(part, Expression))


def _only(parts: tuple[Part, ...]) -> Expression:
    (expression,) = _expressions(parts)
    return expression


def _decimal(token: Token) -> Decimal:
    digits = token.removesuffix("%").strip()
    whole, _, fraction = digits.partition(".")
    if len(whole.lstrip("0")) > MAX_INTEGER_DIGITS or len(fraction) > MAX_FRACTION_DIGITS:
        raise wrong(
            "number_too_long",
            _span(token),
            Text(
                f"a number has at most {MAX_INTEGER_DIGITS} digits before the point and {MAX_FRACTION_DIGITS} after it",
                f"数字的整数部分最多 {MAX_INTEGER_DIGITS} 位，小数部分最多 {MAX_FRACTION_DIGITS} 位",
            ),
            Text("an id is text: put it in quotes", "编号是文字，请加引号"),
        )
    return Decimal(digits)


def _timedelta(token: Token) -> timedelta:
    if not re.fullmatch(r"([0-9]{1,6}[wdhms])+", token):
        raise _too_long_duration(token)
    try:
        value = parse_duration(str(token))
    except BilingualError:
        sentence = Text(f"'{token}' is not a duration", f"'{token}' 不是时长")
        order = Text(f"write the units in the order {' '.join(UNITS)}, each once: 1h30m", f"单位按 {' '.join(UNITS)} 的顺序各写一次：1h30m")
        raise wrong("bad_duration", _span(token), sentence, order) from None
    if value > MAX_DURATION:
        raise _too_long_duration(token)
    return value


def _too_long_duration(token: Token) -> Exception:
    sentence = Text(f"a duration is at most {MAX_DURATION.days} days", f"时长最多 {MAX_DURATION.days} 天")
    return wrong("duration_too_long", _span(token), sentence)


def _string(token: Token) -> syntax.String:
    """The text between the quotes. A backslash before any other character than ``\\ ' " n t`` stays, so ``'\\d'`` is a pattern."""
    value = "".join(_unescaped(token[1:-1]))
    return syntax.String(value, at=_span(token))


def _unescaped(body: str) -> Iterator[str]:
    for match in re.finditer(r"\\(.)|[^\\]+", body, re.DOTALL):
        yield _ESCAPES.get(match[1], match[0]) if match[1] else match[0]
