"""Incident rules as correlation takes them.

Every rule has kinds of its own (``rule/alert``, ``rule/promotion``): a fact of them is a row that one of its patterns wants, or more.
It carries the columns of the scope, for each pattern that wants it a truth under the pattern's name, and the values by which patterns are
linked, computed beforehand: correlation has nothing left to do but to join, to count and to ask for absence.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import product

import engine.correlation as c
from engine.errors import Text
from engine.incidents import Alternative, Given, IncidentRule, Link, Pattern
from engine.incidents.patterns import simple_tests
from engine.incidents.rule import INCIDENT
from engine.language.typed import And, ColumnRef, Const, IsMissing, Node, Or
from engine.model import Type, Value

WHOLE = (Type.INTEGER, Type.TIMESTAMP, Type.DATE, Type.DURATION)
FIELD_TYPES: Mapping[Type, c.FieldType] = {
    Type.STRING: c.FieldType.TEXT,
    Type.BOOLEAN: c.FieldType.BOOLEAN,
    **dict.fromkeys(WHOLE, c.FieldType.INTEGER),
    **dict.fromkeys((Type.NUMBER, Type.MONEY, Type.PERCENT), c.FieldType.FLOAT),
}
INCIDENT_FIELDS: Mapping[str, c.FieldType] = dict.fromkeys(("name", "severity", "store_id", "owner", "area"), c.FieldType.TEXT)
EPOCH = date(1970, 1, 1)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
TRUE = c.Constant(True)


def kind_of(rule: IncidentRule, source: str) -> str:
    return f"{rule.name}/{source}"


def incident_kind(name: str) -> str:
    return f"{INCIDENT}:{name}"


@dataclass(frozen=True)
class Reasoning:
    """Incident rules and what is made of them once; ``stored`` are the sources whose rows are there before (alerts and fact kinds)."""

    rules: tuple[IncidentRule, ...]
    stored: frozenset[str]

    @cached_property
    def program(self) -> c.Program:
        """Raises :class:`~engine.errors.CorrelationError` for what :func:`flaws` tells."""
        return c.Program(*_plan(self.rules, self.stored))


def flaws(rules: Sequence[IncidentRule], stored: Collection[str]) -> Iterator[tuple[str, Text]]:
    """What goes beyond what correlation can do, and circles of rules: the rule's name, and what is wrong."""
    told: set[tuple[str, Text]] = set()
    for flaw in c.flaws(*_plan(rules, stored)):
        about = f"{binding_of(flaw.binding)}: " if flaw.binding else ""
        text = Text(*(about + _WAYS.sub("", said) for said in (flaw.text.en, flaw.text.zh)))
        found = (rule_of(flaw.rule), text)
        if found not in told:
            told.add(found)
            yield found


BESIDES = "+"
_WAYS = re.compile(r"#[\d#+]+")


def _plan(rules: Sequence[IncidentRule], stored: Collection[str]) -> tuple[list[c.Rule], dict[str, dict[str, c.FieldType]]]:
    known = frozenset(stored)
    schema: dict[str, dict[str, c.FieldType]] = {}
    for rule in rules:
        _add_fields(schema, rule, known)
    return [each for rule in rules for each in _rules(rule, rules, known)], schema


def rule_of(name: str) -> str:
    """The incident rule that a rule of the program stands for."""
    return name.partition("#")[0]


def is_besides(name: str) -> bool:
    """Whether the rule of the program only finds what an incident that is there anyway tells of besides."""
    return BESIDES in name


def _rules(rule: IncidentRule, rules: Sequence[IncidentRule], stored: frozenset[str]) -> Iterator[c.Rule]:
    """One rule for every way, and every choice of alternatives of its patterns of ``all``; and one more for each pattern of ``also``, which
    finds what else there is but makes no incident (see :func:`is_besides`)."""
    for number, way in enumerate(rule.ways):
        none = tuple(p for pattern in way.none for p in _each_alternative(pattern, rule, rules, stored))
        none += tuple(_unsure_pattern(pattern, rule) for pattern in way.none if pattern.source in stored and unsure(rule, pattern))
        some = tuple(p for pattern in way.any for p in _each_alternative(pattern, rule, rules, stored))
        also = [p for pattern in way.also for p in _each_alternative(pattern, rule, rules, stored)]
        for choice in product(*(range(len(pattern.alternatives)) for pattern in way.all)):
            every = tuple(_pattern(pattern, index, rule, rules, stored) for pattern, index in zip(way.all, choice, strict=True))
            name = "#".join((rule.name, str(number), *map(str, choice)))
            yield c.Rule(name, rule.scope, every, some, none, (_incident(rule), *map(_derived, rule.gives)))
            yield from (c.Rule(f"{name}#{BESIDES}{index}", rule.scope, (*every, more), (), none) for index, more in enumerate(also))


def _each_alternative(pattern: Pattern, rule: IncidentRule, rules: Sequence[IncidentRule], stored: frozenset[str]) -> Iterator[c.Pattern]:
    for index in range(len(pattern.alternatives)):
        found = _pattern(pattern, index, rule, rules, stored)
        yield c.Pattern(f"{found.binding}#{index}" if index else found.binding, found.kinds, found.tests, found.count, found.distinct)


def _unsure_pattern(pattern: Pattern, rule: IncidentRule) -> c.Pattern:
    """A row of which nobody can tell whether ``none`` forbids it: while it is there, the incident is not."""
    field = unsure_field(pattern)
    return c.Pattern(f"{pattern.binding}#?", (kind_of(rule, pattern.source),), (_is(field),))


def unsure(rule: IncidentRule, pattern: Pattern) -> Node | None:
    """Whether a value is missing that a pattern of ``none`` needs: of the row itself where it is under ``none``, else of what those of
    ``none`` are linked to. None where nothing can be missing. Rows are the database's, so asserted facts and incidents have none."""
    if not any(pattern in way.none for way in rule.ways):
        links = [link for way in rule.ways for other in way.none for link in other.links if link.binding == pattern.binding]
        return _any_missing([link.other for link in links if not _is_scope(rule, pattern, link.other)])
    return _any_of([part for each in pattern.alternatives for part in _doubts(rule, pattern, each)])


def _doubts(rule: IncidentRule, pattern: Pattern, alternative: Alternative) -> Iterator[Node]:
    missing = _any_missing([link.own for link in alternative.links if not _is_scope(rule, pattern, link.own)])
    if alternative.where is None:
        yield from [missing] if missing else []
        return
    yield IsMissing(alternative.where, type=Type.BOOLEAN)
    if missing:
        yield And((alternative.where, missing), type=Type.BOOLEAN)


def _is_scope(rule: IncidentRule, pattern: Pattern, node: Node) -> bool:
    """Rows without the values of the scope are left out anyway."""
    return any(node == pattern.scope_column(name) for name in rule.scope)


def _any_missing(nodes: Sequence[Node]) -> Node | None:
    return _any_of([IsMissing(node, type=Type.BOOLEAN) for node in nodes])


def _any_of(parts: Sequence[Node]) -> Node | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return Or(tuple(parts), type=Type.BOOLEAN)


def unsure_field(pattern: Pattern) -> str:
    return f"{pattern.binding} unsure"


def binding_of(name: str) -> str:
    """The pattern that a binding of the program stands for."""
    return name.partition("#")[0]


def _pattern(pattern: Pattern, index: int, rule: IncidentRule, rules: Sequence[IncidentRule], stored: frozenset[str]) -> c.Pattern:
    alternative = pattern.alternatives[index]
    if pattern.source in stored:
        kinds: tuple[str, ...] = (kind_of(rule, pattern.source),)
        tests = [_is(pattern.binding), *([_is(_way(pattern, index))] if alternative.where is not None else [])]
    else:
        kinds = asserted_kinds(pattern, rules)
        tests = [*_constant_tests(pattern.where), *_constant_tests(alternative.where)]
    links = [_test(pattern, number, link, pattern.source in stored, rule, stored) for number, link in _numbered(pattern, alternative)]
    return c.Pattern(pattern.binding, kinds, (*tests, *links), pattern.count, _distinct(pattern, stored))


def asserted_kinds(pattern: Pattern, rules: Sequence[IncidentRule]) -> tuple[str, ...]:
    """The kinds of the facts that rules give, of which ``pattern`` asks for one."""
    if pattern.source != INCIDENT:
        return (pattern.source,)
    return tuple(incident_kind(rule.name) for rule in rules if pattern.rules is None or rule.name in pattern.rules)


def _numbered(pattern: Pattern, alternative: Alternative) -> Iterator[tuple[int, Link]]:
    numbers = {id(link): number for number, link in enumerate(pattern.links)}
    return ((numbers[id(link)], link) for link in alternative.links)


def _test(pattern: Pattern, number: int, link: Link, is_stored: bool, rule: IncidentRule, stored: frozenset[str]) -> c.Test:
    other = next(each for each in rule.patterns if each.binding == link.binding)
    theirs = _theirs(pattern, number) if other.source in stored else _column(link.other)
    own = _own(pattern, number) if is_stored else _column(link.own)
    return c.Test(own, c.Comparison(link.op), c.Ref(link.binding, theirs))


def _column(node: Node) -> str:
    if not isinstance(node, ColumnRef):
        raise TypeError(f"not a column: {node!r}")
    return node.column


def _is(field: str) -> c.Test:
    return c.Test(field, c.Comparison.EQUAL, TRUE)


def _way(pattern: Pattern, index: int) -> str:
    return f"{pattern.binding} way {index}"


def _own(pattern: Pattern, number: int) -> str:
    return f"{pattern.binding} own {number}"


def _theirs(pattern: Pattern, number: int) -> str:
    return f"{pattern.binding} theirs {number}"


def _distinct(pattern: Pattern, stored: frozenset[str]) -> str:
    if not pattern.distinct:
        return ""
    return f"{pattern.binding} distinct" if pattern.source in stored else pattern.distinct


def _constant_tests(where: Node | None) -> list[c.Test]:
    return [c.Test(column, c.Comparison(op), c.Constant(_constant(value))) for column, op, value in simple_tests(where)]


def _constant(const: Const) -> c.Scalar:
    value = scalar(const.value, const.type)
    if value is None:
        raise TypeError("a constant is never missing")
    return value


def _incident(rule: IncidentRule) -> c.Derived:
    info = rule.info
    fields = {"name": rule.name, "severity": info.severity.value, "owner": info.owner, "area": info.area}
    return c.Derived(incident_kind(rule.name), {name: c.Constant(value) for name, value in fields.items()})


def _derived(given: Given) -> c.Derived:
    return c.Derived(given.kind, {name: _given(given, name, binding, node) for name, binding, node in given.columns})


def _given(given: Given, name: str, binding: str, node: Node) -> c.Constant | c.Ref:
    if isinstance(node, Const):
        return c.Constant(_constant(node))
    return c.Ref(binding, _given_field(given, name))


def _given_field(given: Given, name: str) -> str:
    return f"given {given.kind} {name}"


def shown_field(number: int) -> str:
    return f"show {number}"


def is_shown(field: str) -> bool:
    return field.startswith("show ")


def values_wanted(rule: IncidentRule, pattern: Pattern) -> Iterator[tuple[str, Node]]:
    """What is to be computed of a row that ``pattern`` wants, under the name of the fact's field."""
    yield from ((name, pattern.scope_column(name)) for name in rule.scope)
    for index, alternative in enumerate(pattern.alternatives):
        if alternative.where is not None:
            yield _way(pattern, index), alternative.where
    for number, link in enumerate(pattern.links):
        yield _own(pattern, number), link.own
    for other in rule.patterns:
        yield from ((_theirs(other, number), link.other) for number, link in enumerate(other.links) if link.binding == pattern.binding)
    for given in rule.gives:
        asked = [(name, node) for name, binding, node in given.columns if binding == pattern.binding and not isinstance(node, Const)]
        yield from ((_given_field(given, name), node) for name, node in asked)
    for number, (binding, item) in enumerate(rule.show):
        if binding == pattern.binding:
            yield shown_field(number), item.value
    if (doubt := unsure(rule, pattern)) is not None:
        yield unsure_field(pattern), doubt
    if pattern.distinct:
        yield f"{pattern.binding} distinct", ColumnRef((), pattern.distinct, type=pattern.schema.columns[pattern.distinct].type)


def _add_fields(schema: dict[str, dict[str, c.FieldType]], rule: IncidentRule, stored: frozenset[str]) -> None:
    scope = dict.fromkeys(rule.scope, c.FieldType.TEXT)
    for pattern in rule.patterns:
        if pattern.source in stored:
            fields = schema.setdefault(kind_of(rule, pattern.source), dict(scope))
            fields[pattern.binding] = c.FieldType.BOOLEAN
            fields |= {name: FIELD_TYPES[node.type] for name, node in values_wanted(rule, pattern)}
    for pattern in rule.patterns:
        for number, link in enumerate(pattern.links):
            if link.own.type not in WHOLE or link.other.type not in WHOLE:
                _make_alike(schema, rule, pattern, number, link, stored)
    schema.setdefault(incident_kind(rule.name), {**scope, **INCIDENT_FIELDS})
    for given in rule.gives:
        schema.setdefault(given.kind, dict(scope)).update({name: FIELD_TYPES[node.type] for name, _, node in given.columns})


def _make_alike(
    schema: dict[str, dict[str, c.FieldType]], rule: IncidentRule, pattern: Pattern, number: int, link: Link, stored: frozenset[str]
) -> None:
    """A whole number that is compared with one that is not is a FLOAT, too."""
    if FIELD_TYPES[link.own.type] is FIELD_TYPES[link.other.type]:
        return
    other = next(each for each in rule.patterns if each.binding == link.binding)
    if pattern.source in stored:
        schema[kind_of(rule, pattern.source)][_own(pattern, number)] = c.FieldType.FLOAT
    if other.source in stored:
        schema[kind_of(rule, other.source)][_theirs(pattern, number)] = c.FieldType.FLOAT


def scalar(value: Value, type_: Type) -> c.Scalar | None:
    """A value as correlation takes it: instants and durations in microseconds, days since 1970, other numbers as double."""
    match value:
        case str() | bool() | None:
            return value
        case timedelta():
            return value // MICROSECOND
        case datetime():
            return (value - BEGINNING) // MICROSECOND
        case date():
            return (value - EPOCH).days
        case Decimal() | int() if type_ in WHOLE:
            return int(value)
        case Decimal():
            return float(value)
        case _:
            return value
