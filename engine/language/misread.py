"""Sentences for text that does not parse: what stands there, and what to write instead."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Set

from lark import Token

from engine.errors import Text
from engine.language.errors import ExpressionError, ExpressionProblem, wrong
from engine.language.syntax import RESERVED
from engine.language.typed import Span

_FULL_WIDTH = {
    "，": ",",
    "：": ":",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "「": "'",
    "」": "'",
    "。": ".",
    "、": ",",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "×": "*",
    "÷": "/",
    "−": "-",
    "–": "-",
    "—": "-",
} | {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
"""What Chinese input methods type, and the ASCII that is meant."""

_INSTEAD = {
    "=": "==",
    "&": "and",
    "|": "or",
    "!": "not",
    "[": "in (…)",
    "&&": "and",
    "||": "or",
    "<>": "!=",
    "null": "is missing",
    "none": "is missing",
    "like": "contains",
    "并且": "and",
    "且": "and",
    "和": "and",
    "或者": "or",
    "或": "or",
    "不": "not",
    "非": "not",
}
"""What other languages write."""

_VALUE = Text("a value", "一个值")
_WORDS = {
    "NAME": Text("a name", "一个名称"),
    "STRING": Text("text in quotes", "带引号的文字"),
    "COMPARE": Text("a comparison (==, <, …)", "比较（==、< 等）"),
    "$END": Text("the end", "结尾"),
    "LPAR": Text.same("'('"),
    "RPAR": Text.same("')'"),
    "COMMA": Text.same("','"),
    "DOT": Text.same("'.'"),
    **{word.upper(): Text.same(f"'{word}'") for word in RESERVED},
}
_STARTS_VALUE = {"NAME", "NUMBER", "PERCENT", "DURATION", "STRING", "TRUE", "FALSE", "NOW", "LPAR", "MINUS", "NOT", "NO"}
_CONTINUES = {"PLUS", "MINUS", "STAR", "SLASH", "COMPARE", "IN", "NOT", "IS", "BETWEEN", "MATCHES", "CONTAINS", "DOT", "LPAR", "AND", "OR"}
_OPERATOR = Text("an operator (and, or, ==, <, +, …)", "运算符（and、or、==、<、+ 等）")


def explain_character(text: str, position: int) -> ExpressionError:
    """Why no word of the language starts at ``position``."""
    char = text[position]
    if char in _FULL_WIDTH:
        return ExpressionError(tuple(_full_width(text, position)))
    if char in "'\"`":
        return _unclosed(text, position)
    if char in "0123456789":
        return _bad_number(text, position)
    return _unknown_character(text, position)


def _full_width(text: str, position: int) -> Iterator[ExpressionProblem]:
    """All full-width characters from ``position`` on, those inside ASCII quotes excepted."""
    outside = re.sub(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"", lambda match: " " * len(match[0]), text[position:])
    for at, char in enumerate(outside, position):
        if char in _FULL_WIDTH:
            ascii_ = _FULL_WIDTH[char]
            sentence = Text(f"'{char}' is a Chinese (full-width) character", f"'{char}' 是中文（全角）字符")
            hint = Text(f"type {ascii_} with the input method switched to English", f"请切换到英文输入法，输入 {ascii_}")
            yield ExpressionProblem("full_width", sentence, hint, Span(at, at + 1))


def _unclosed(text: str, position: int) -> ExpressionError:
    quote = text[position]
    end = text.find("\n", position)
    sentence = Text(f"the quote {quote} is not closed", f"引号 {quote} 没有结束")
    hint = Text(f"put {quote} where the text ends", f"请在文字结尾处加上 {quote}")
    return wrong("unclosed_quote", Span(position, end if end >= 0 else len(text)), sentence, hint)


def _bad_number(text: str, position: int) -> ExpressionError:
    match = re.compile(r"[\w.]+").match(text, position)
    written = match[0] if match else text[position]
    sentence = Text(f"'{written}' is neither a number nor a duration", f"'{written}' 既不是数字也不是时长")
    hint = Text("numbers are written 12 or 4.75, durations 30m, 48h, 7d or 1h30m", "数字写作 12、4.75，时长写作 30m、48h、7d、1h30m")
    return wrong("bad_number", Span(position, position + len(written)), sentence, hint)


def _unknown_character(text: str, position: int) -> ExpressionError:
    char = text[position]
    written = text[position : position + 2] if text[position : position + 2] in _INSTEAD else char
    at = Span(position, position + len(written))
    if char == "=":
        return wrong("single_equals", at, Text("a single '=' compares nothing", "单个 '=' 不是比较"), Text("write ==", "请写 =="))
    shown = char if char.isprintable() else f"U+{ord(char):04X} {unicodedata.name(char, '')}".strip()
    sentence = Text(f"'{shown}' has no meaning here", f"'{shown}' 在这里没有意义")
    return wrong("unknown_character", at, sentence, _instead(written) or _bracketed(text, position))


_BRACKETED = re.compile(r"[^\W\d]\w*\([^()\w\s]+\)")


def _bracketed(text: str, position: int) -> Text | None:
    """For a name that ends in a unit in brackets, as labels often do: ``退款占比(%)``."""
    found = next((match for match in _BRACKETED.finditer(text) if match.start() <= position < match.end()), None)
    return Text(f"put a name with brackets in backquotes: `{found[0]}`", f"带括号的名称要用反引号括起来：`{found[0]}`") if found else None


def explain_token(text: str, token: Token, accepted: Set[str]) -> ExpressionError:
    """Why ``token`` cannot stand where it does; ``accepted`` are the terminals that could."""
    if token.type == "$END":
        return _unexpected_end(text, accepted)
    start = token.start_pos or 0
    at = Span(start, token.end_pos or start + 1)
    if token.type == "COMPARE" and "AND" in accepted:
        sentence = Text("comparisons do not chain", "比较不能连写")
        hint = Text("write x between 1 and 5, or 1 < x and x < 5", "请写 x between 1 and 5，或 1 < x and x < 5")
        return wrong("chained_comparison", at, sentence, hint)
    expected = _expected(accepted)
    sentence = Text(f"'{token}' cannot stand here; expected {expected.en}", f"'{token}' 不能出现在这里，应为{expected.zh}")
    return wrong("unexpected", at, sentence, _hint(text[:start].rstrip(), str(token), accepted) or _bracketed(text, start))


def _unexpected_end(text: str, accepted: Set[str]) -> ExpressionError:
    end = len(text.rstrip())
    if not end:
        return wrong("empty", Span(0, len(text)), Text("the expression is empty", "表达式是空的"))
    expected = _expected(accepted)
    sentence = Text(f"the expression ends too early; expected {expected.en}", f"表达式没有写完，后面应有{expected.zh}")
    return wrong("unexpected_end", Span(max(0, end - 1), end), sentence)


def _expected(accepted: Set[str]) -> Text:
    """What could stand there, in words: operands and operators are each named as one."""
    words: list[Text] = []
    rest = set(accepted or {"$END"})
    if {"NUMBER", "STRING"} <= rest:
        words.append(_VALUE)
        rest -= _STARTS_VALUE
    if "PLUS" in rest:
        words.append(_OPERATOR)
        rest -= _CONTINUES if "OR" in rest else _CONTINUES - {"AND"}
    words += sorted(_WORDS[terminal] for terminal in rest if terminal in _WORDS)
    return Text(_join([word.en for word in words], ", ", " or "), _join([word.zh for word in words], "、", "或"))


def _join(words: list[str], comma: str, last: str) -> str:
    return last.join(filter(None, (comma.join(words[:-1]), words[-1] if words else "")))


def _hint(before: str, word: str, accepted: Set[str]) -> Text | None:
    if word == "not" and before.endswith(" is"):
        return Text("write is present", "请写 is present")
    if accepted == {"IN"}:
        return Text("only 'in' can follow 'not' here; write not (a contains b)", "这里 'not' 后只能是 'in'，请写 not (a contains b)")
    if word.lower() in RESERVED and word not in RESERVED:
        return Text(f"write {word.lower()} in small letters", f"请用小写 {word.lower()}")
    if word in RESERVED and "NAME" in accepted:
        return Text(f"'{word}' is a word of the rule language and cannot be a name", f"'{word}' 是规则语言的保留字，不能用作名称")
    if word == "," and before[-1:].isdigit():
        return Text("numbers are written without commas", "数字中不要写逗号")
    if word == ">" and before.endswith("<"):
        return _instead("<>")
    return _instead(word.lower())


def _instead(written: str) -> Text | None:
    meant = _INSTEAD.get(written)
    return Text(f"write {meant}", f"请写 {meant}") if meant else None
