"""What goes into correlation and what comes out. All values are frozen; none knows of alerts, files or durable-rules.

A :class:`Rule` is about one *scope*: all facts of one match have the same values in the rule's scope fields (``("store_id",)``). Within
a scope it asks for facts side by side (``all``), for at least one of several (``any``), and for the absence of others (``none``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from engine.errors import Text

Scalar = str | int | float | bool
Scope = tuple[Scalar, ...]  # the values of a rule's scope fields, in their order


class FieldType(StrEnum):
    """What a field holds. Decimals and instants come as INTEGER: scaled, or in microseconds. FLOAT fields may be given whole numbers."""

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    FLOAT = "float"


Schema = Mapping[str, Mapping[str, FieldType]]  # the fields of every kind, of those that rules give too


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is so. ``id`` is the caller's own name of it, any text, unique. A value of None (or NaN, or infinite) is missing."""

    id: str
    kind: str
    values: Mapping[str, Scalar | None]


class Comparison(StrEnum):
    EQUAL = "=="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class Constant:
    value: Scalar


@dataclass(frozen=True, slots=True)
class Own:
    """Another field of the same fact."""

    field: str


@dataclass(frozen=True, slots=True)
class Ref:
    """A field of the fact that an earlier pattern of ``all`` is bound to."""

    binding: str
    field: str


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``op`` is ``+``, ``-`` or ``*``; both sides are numbers."""

    op: str
    left: Operand
    right: Operand


Operand = Constant | Own | Ref | Arithmetic


@dataclass(frozen=True, slots=True)
class Test:
    """``field op operand``. False when anything in it is missing. Text and booleans know only ``==`` and ``!=``."""

    field: str
    op: Comparison
    operand: Operand


@dataclass(frozen=True, slots=True)
class Pattern:
    """A fact of any of ``kinds`` that passes all ``tests``; ``binding`` names it in the rule.

    With ``count`` above 1 or ``distinct``, it is a *counting* pattern: at least ``count`` facts, or facts with at least ``count`` different
    values of the field ``distinct``; all of them are bound. It refers to other facts by ``==`` only, and nothing refers to it.
    """

    binding: str
    kinds: tuple[str, ...]
    tests: tuple[Test, ...] = ()
    count: int = 1
    distinct: str = ""

    @property
    def counts(self) -> bool:
        return self.count > 1 or bool(self.distinct)


@dataclass(frozen=True, slots=True)
class Derived:
    """A fact that follows from a match, for other rules to see. The scope's fields are added to ``fields`` by themselves.

    A field is a constant or a :class:`Ref` to a pattern of ``all`` that does not count; it is left out when that is missing.
    """

    kind: str
    fields: Mapping[str, Constant | Ref]


@dataclass(frozen=True, slots=True)
class Rule:
    """A match is: a fact for every pattern of ``all`` and, if there are any, for one pattern of ``any``, and none for those of ``none``.

    One fact never fills two patterns of one match: ``none`` asks for the absence of *other* facts than those that patterns of ``all`` and
    ``any`` are bound to one by one, and a counting pattern counts facts other than these. (A fact that was counted may be the one that
    ``none`` finds.) Patterns of ``any`` and ``none`` may refer to those of ``all``. When a test of ``none`` refers to a field that is
    missing in the fact bound, nothing can be said of the absence, and there is no match.
    """

    name: str
    scope: tuple[str, ...]
    all: tuple[Pattern, ...] = ()
    any: tuple[Pattern, ...] = ()
    none: tuple[Pattern, ...] = ()
    gives: tuple[Derived, ...] = ()


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a rule cannot be used. ``binding`` is empty when it is about the rule as a whole."""

    rule: str
    binding: str
    text: Text


@dataclass(frozen=True, slots=True)
class Match:
    """All matches of a rule in one scope, together: for every binding, the ids of all facts that it has in some match."""

    rule: str
    scope: Scope
    bindings: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule whose matches in ``scope`` (None: in every scope) are not known this time. Whatever they were, they still are."""

    rule: str
    scope: Scope | None
    text: Text


@dataclass(frozen=True, slots=True)
class Found:
    """What a run found. ``derived`` are the facts given by matches; their ids say their content."""

    matches: tuple[Match, ...]
    derived: tuple[Fact, ...]
    failures: tuple[Failure, ...]
