"""Incident rules in the typed form that the engine uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from engine.errors import Text
from engine.language.typed import ColumnRef, Node
from engine.model import KindSchema, RuleInfo
from engine.rules import Labelled

ALERT = "alert"
INCIDENT = "incident"
COUNT = Text("Alerts", "告警数")
"""Under which every incident's message says how many alerts it has."""
CompareOp = Literal["==", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Link:
    """``own`` (over the pattern's row) compared with ``other`` (over the row bound to ``binding``). A missing side makes it false."""

    own: Node
    op: CompareOp
    binding: str
    other: Node


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to satisfy a pattern: ``where`` (None: always) holds for the row alone, and every link holds."""

    where: Node | None
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """Rows of one sort, bound to a name.

    ``source`` is ``alert``, ``incident``, a kind that an incident rule asserts, or a fact kind; ``schema`` has its columns. ``rules`` are
    the names that the condition asks for, None when it asks for none. ``where`` must hold for the row alone, and one of
    ``alternatives``. At least ``count`` rows (distinct values of ``distinct``, where it is given) have to be there.
    """

    binding: str
    source: str
    schema: KindSchema
    rules: frozenset[str] | None
    where: Node | None
    alternatives: tuple[Alternative, ...]
    count: int = 1
    distinct: str = ""
    text: str = field(default="", compare=False)

    @property
    def links(self) -> Iterator[Link]:
        return (link for alternative in self.alternatives for link in alternative.links)

    @property
    def joins(self) -> dict[str, ColumnRef]:
        """The columns that a match shares with the rows it is linked to, each as this row has it: in every alternative, the column of this
        row, or of one that it refers to, equals the column of the same name of another."""
        shared = [_joins(alternative.links) for alternative in self.alternatives]
        return {name: node for name, node in shared[0].items() if all(other.get(name) == node for other in shared[1:])}

    def scope_column(self, name: str) -> ColumnRef:
        """Column ``name`` of the rule's scope, as this row has it."""
        return self.joins.get(name) or ColumnRef((), name, type=self.schema.columns[name].type)


def _joins(links: Iterable[Link]) -> dict[str, ColumnRef]:
    found: dict[str, ColumnRef] = {}
    for link in links:
        if link.op == "==" and isinstance(link.own, ColumnRef) and isinstance(link.other, ColumnRef) and not link.other.path:
            if link.own.column == link.other.column:
                found[link.own.column] = link.own
    return found


@dataclass(frozen=True, slots=True)
class Given:
    """A fact of ``kind`` that every match asserts. A column is an expression over the row bound to a name ('' for a constant)."""

    kind: str
    columns: tuple[tuple[str, str, Node], ...]


@dataclass(frozen=True, slots=True)
class Way:
    """Every pattern of ``all`` and at least one of ``any`` (if there are any) match rows that are linked as they ask, and no row matches
    one of ``none``. Rows that match one of ``also`` belong to what was found, but nothing depends on them."""

    all: tuple[Pattern, ...]
    any: tuple[Pattern, ...] = ()
    none: tuple[Pattern, ...] = ()
    also: tuple[Pattern, ...] = ()

    @property
    def groups(self) -> tuple[tuple[str, tuple[Pattern, ...]], ...]:
        """The patterns under the words that the rule writes them with."""
        return (("all", self.all), ("any", self.any), ("none", self.none), ("also", self.also))

    @property
    def asked(self) -> tuple[Pattern, ...]:
        """What the incident depends on."""
        return (*self.all, *self.any, *self.none)

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        return (*self.asked, *self.also)


@dataclass(frozen=True, slots=True)
class IncidentRule:
    """One incident rule, checked.

    It fires for a value of ``scope`` (``store_id``, or the columns by which its patterns are joined) in which one of ``ways`` is there.
    Alerts bound to ``explains`` are told in the incident's message and not by themselves; those bound to ``raises`` are as severe as it.
    ``show`` holds what a message lists: the binding, and the expression over its row. Every match asserts the facts ``gives``.
    """

    info: RuleInfo
    scope: tuple[str, ...]
    ways: tuple[Way, ...]
    explains: frozenset[str] = frozenset()
    raises: frozenset[str] = frozenset()
    show: tuple[tuple[str, Labelled], ...] = ()
    gives: tuple[Given, ...] = ()
    max_alerts: int = 100
    defined_at: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        return tuple(pattern for way in self.ways for pattern in way.patterns)
