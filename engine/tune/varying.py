"""``threshold=4.5..4.9 step 0.05``: what is varied, and the rule's file with each value in place of the one that is there.

A name is a parameter of the rule, a name of ``let`` that it uses, ``for``, ``keep_firing_for``, or a number, percentage or duration as the
rule's expressions write it (``4.7=4.5..4.9 step 0.1``, ``7d=3d,7d,14d``): then all places where it stands are varied together.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any

from engine.errors import Text, UsageError, did_you_mean
from engine.fields import parse_duration
from engine.language import ExpressionError, parse
from engine.language.printing import show_duration
from engine.language.syntax import Duration, Expression, Number, Percent, children
from engine.lets import is_let, shared_with
from engine.rules import AlertRule
from engine.yamlfile import BilingualError, Document

MOST = 200
"""Variants that one run tries."""
SPANS = ("for", "keep_firing_for")
EXPRESSIONS = ("when", "where", "severity", "overrides", "show", "trend", "evidence")
Quantity = Decimal | timedelta
_RANGE = re.compile(r"(?P<low>\S+?)\s*\.\.\s*(?P<high>\S+?)(?:\s+step\s+(?P<step>\S+))?")
_NUMBER = re.compile(r"(-?\d{1,18}(?:\.\d{1,18})?)(%?)")
EXAMPLE = "threshold=4.5..4.9 step 0.05, for=1d,2d,3d"


@dataclass(frozen=True, slots=True)
class Variation:
    """``name`` with each of ``values``, as a rule writes them."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """One value for each varied name, and what puts them into the documents of a project."""

    values: tuple[str, ...]
    edit: Callable[[Document], Document]


def parse_variation(text: str) -> Variation:
    """``NAME=LOW..HIGH step STEP`` or ``NAME=VALUE,VALUE``. Raises :class:`UsageError`."""
    name, equals, said = (part.strip() for part in text.partition("="))
    if not (name and equals and said):
        raise _wrong(text)
    found = _RANGE.fullmatch(said)
    values = _range(text, found) if found else [part.strip() for part in said.split(",")]
    for value in values:
        _quantity(text, value)
    return Variation(name, tuple(dict.fromkeys(values)))


def variants(rule: AlertRule, document: Document, variations: Sequence[Variation]) -> list[Variant]:
    """All combinations. ``document`` is the file of the rule. Raises :class:`UsageError` for a name that is none of the rule's, or where
    there are more than :data:`MOST`."""
    known = tunable(rule, document)
    for each in variations:
        if each.name not in known:
            raise _unknown(rule, each.name, known)
    if len({each.name for each in variations}) < len(variations):
        raise UsageError(Text("--vary names the same twice", "--vary 里同一个名字写了两次"))
    combinations = list(product(*(each.values for each in variations)))
    if len(combinations) > MOST:
        text = Text(f"{len(combinations)} variants are too many; at most {MOST}", f"共 {len(combinations)} 种组合，太多；最多 {MOST}")
        raise UsageError(text, Text("take larger steps", "请把步长加大"))
    return [_variant(rule, [each.name for each in variations], values) for values in combinations]


def tunable(rule: AlertRule, document: Document) -> dict[str, str]:
    """What can be varied, each with what it is now."""
    found = {"for": show_duration(rule.info.hold), "keep_firing_for": show_duration(rule.info.keep_firing)}
    found |= {param.name: param.text for param in rule.params}
    found |= {name: text for name, text in rule.names if _literal(text)}
    entry = next(each for each in _entries(document) if each.get("alert") == rule.name)
    written = [text[start:end] for key in EXPRESSIONS for text in _texts(key, entry.get(key)) for start, end in _literals(text)]
    return found | {text: text for text in sorted(set(written))}


def _variant(rule: AlertRule, names: Sequence[str], values: tuple[str, ...]) -> Variant:
    file = rule.defined_at.rpartition(":")[0]
    params = {param.name for param in rule.params}
    lets = {name for name, _ in rule.names}
    wanted = dict(zip(names, values, strict=True))

    def edit(document: Document) -> Document:
        if document.file not in (file, *shared_with(file)):
            return document
        data = copy.deepcopy(document.data)
        for entry in data if isinstance(data, list) else ():
            if isinstance(entry, dict) and entry.get("alert") == rule.name:
                _edit_rule(entry, wanted, params)
            elif is_let(entry) and isinstance(entry["let"], dict):
                entry["let"] |= {name: value for name, value in wanted.items() if name in lets and name in entry["let"]}
        return replace(document, data=data)

    return Variant(values, edit)


def _edit_rule(entry: dict[str, Any], wanted: Mapping[str, str], params: set[str]) -> None:
    literals = {}
    for name, value in wanted.items():
        if name in SPANS:
            entry[name] = value
        elif name in params:
            entry["params"] = {**entry["params"], name: value}
        else:
            literals[name] = value
    for key in EXPRESSIONS if literals else ():
        if key in entry:
            entry[key] = _mapped(key, entry[key], lambda text: _rewritten(text, literals))


def _rewritten(text: str, literals: Mapping[str, str]) -> str:
    """The expression with other literals; all at once, so that one value that becomes another is not changed again."""
    for start, end in sorted(_literals(text), reverse=True):
        value = literals.get(text[start:end])
        if value is not None:
            text = text[:start] + (f"({value})" if value.startswith("-") else value) + text[end:]
    return text


def _literals(text: str) -> Iterator[tuple[int, int]]:
    """Where numbers, percentages and durations stand in an expression; nowhere in what is none."""
    try:
        waiting: list[Expression] = [parse(text)]
    except ExpressionError:
        return
    while waiting:
        found = waiting.pop()
        waiting += children(found)
        if isinstance(found, Number | Percent | Duration):
            yield found.at.start, found.at.end


def _literal(text: str) -> bool:
    return list(_literals(text)) == [(0, len(text))]


def _texts(key: str, value: object) -> list[str]:
    """The texts under a key of a rule."""
    found: list[str] = []

    def take(text: str) -> str:
        found.append(text)
        return text

    _mapped(key, value, take)
    return found


def _mapped(key: str, value: Any, change: Callable[[str], str]) -> Any:
    """The value of a key of a rule with other texts. Keys in it are labels; under ``overrides`` they are conditions, and numbers values."""
    own = key == "overrides"
    if isinstance(value, dict):
        return {change(name) if own else name: _mapped(key, each, change) for name, each in value.items()}
    number = own and isinstance(value, int | float) and not isinstance(value, bool)
    return change(str(value)) if number or isinstance(value, str) else value


def _entries(document: Document) -> Iterator[dict[str, Any]]:
    return (each for each in (document.data if isinstance(document.data, list) else ()) if isinstance(each, dict))


def _range(text: str, found: re.Match[str]) -> list[str]:
    if not found["step"]:
        raise UsageError(Text(f"--vary {text}: how large is a step?", f"--vary {text}：步长是多少？"), _hint())
    low, high, step = (_quantity(text, found[name]) for name in ("low", "high", "step"))
    percents = {found[name].endswith("%") for name in ("low", "high")}
    if not (type(low) is type(high) is type(step)) or len(percents) > 1 or step <= type(step)(0) or low > high:  # type: ignore[operator]
        raise _wrong(text)
    count = int((high - low) / step) + 1  # type: ignore[operator]
    if count > MOST:
        raise UsageError(Text(f"--vary {text}: {count} values are too many", f"--vary {text}：{count} 个值太多"), _hint())
    percent = "%" if percents == {True} else ""
    return [_spelt(low + number * step, percent) for number in range(count)]  # type: ignore[operator]


def _quantity(text: str, value: str) -> Quantity:
    number = _NUMBER.fullmatch(value)
    if number:
        return Decimal(number[1])
    try:
        return parse_duration(value)
    except BilingualError:
        raise _wrong(text) from None


def _spelt(value: Quantity, percent: str) -> str:
    return show_duration(value) if isinstance(value, timedelta) else f"{value}{percent}"


def _wrong(text: str) -> UsageError:
    return UsageError(Text(f"--vary {text!r} cannot be read", f"--vary {text!r} 写法不对"), _hint())


def _hint() -> Text:
    return Text(f"write it like {EXAMPLE}", f"写法如 {EXAMPLE}")


def _unknown(rule: AlertRule, name: str, known: Mapping[str, str]) -> UsageError:
    listed = ", ".join(now if name == now else f"{name} (now {now})" for name, now in known.items())
    text = Text(f"rule '{rule.name}' has no '{name}' to vary", f"规则 '{rule.name}' 里没有可以调整的 '{name}'")
    near = did_you_mean(name, known) or Text("", "")
    return UsageError(text, Text(f"{near.en} it has: {listed}".strip(), f"{near.zh} 可以调整：{listed}".strip()))
