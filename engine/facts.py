"""Fact kinds as the engine uses them, checked and frozen."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

from engine.errors import Text
from engine.model import ColumnSchema, KindSchema, Type

Part = Literal["", "start", "end"]
Personal = Literal["", "hash", "drop"]
Duplicates = Literal["first", "last", "reject"]

AGENT = "storewatch (store health check)"
IpNetwork = IPv4Network | IPv6Network
_INVISIBLE = {ord(char): None for char in "\u200b\u200c\u200d\u2060\ufeff\u00ad"}


def normal_heading(text: str) -> str:
    """A heading as it is compared: NFKC, no invisible characters, single spaces, trimmed."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(_INVISIBLE).split())


@dataclass(frozen=True, slots=True)
class Alias:
    """A heading under which exports have a column.

    ``conversion`` is the unit of its numbers where that is not the column's own; ``part`` takes one end of a cell that holds two
    times; ``more`` are headings whose texts follow, joined by `` / `` (a source told in several levels).
    """

    heading: str
    conversion: str = ""
    part: Part = ""
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One declared column. ``values`` maps each canonical value to the texts that exports have for it; bounds are inclusive."""

    name: str
    type: Type
    title: Text
    unit: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: tuple[Alias, ...] = ()
    personal: Personal = ""
    required: bool = False

    @property
    def schema(self) -> ColumnSchema:
        """The column as expressions see it; it can be called by its Chinese title and by plain headings that are identifiers."""
        plain = (alias.heading for alias in self.aliases if not (alias.conversion or alias.part or alias.more))
        names = dict.fromkeys(name.strip() for name in (self.title.zh, *plain))
        callable_names = tuple(name for name in names if name.isidentifier() and name != self.name)
        words = tuple((word, value) for value, texts in self.values.items() for word in texts)
        return ColumnSchema(self.name, self.type, self.unit, self.title, callable_names, bool(self.personal), tuple(self.values), words)


@dataclass(frozen=True, slots=True)
class Enrichment:
    """One enricher at work on a kind: it looks at ``source`` and fills ``into`` (output → column). ``slot`` is the column with the aspect
    ratio of the place, ``at_least`` the pixels of the shorter side, ``currency`` what prices on pictures are in."""

    enricher: str
    source: str
    into: Mapping[str, str]
    at_least: int = 0
    slot: str = ""
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class Visits:
    """How the network is used: ``allow`` are networks inside that may be looked at all the same; at most ``per_host`` requests at a time
    go to one host; ``again_after`` is how long what was found is taken as still so."""

    allow: tuple[IpNetwork, ...] = ()
    per_host: int = 2
    timeout: timedelta = timedelta(seconds=10)
    again_after: timedelta = timedelta(hours=6)
    robots: bool = True
    agent: str = AGENT
    retries: int = 1


@dataclass(frozen=True, slots=True)
class Kind:
    """One fact kind. ``as_of`` are headings that date each row of an export; ``duplicates`` says which of rows with one key stays."""

    name: str
    title: Text
    key: tuple[str, ...]
    fresh_for: timedelta
    columns: Mapping[str, Column]
    references: Mapping[str, str]
    as_of: tuple[Alias, ...] = ()
    duplicates: Duplicates = "reject"
    enrich: tuple[Enrichment, ...] = ()

    @property
    def schema(self) -> KindSchema:
        kept = {name: column.schema for name, column in self.columns.items() if column.personal != "drop"}
        return KindSchema(self.name, self.key, MappingProxyType(kept), self.references, self.fresh_for, self.title)


@dataclass(frozen=True, slots=True)
class Facts:
    """All fact kinds of a project. ``max_bad`` is the fraction of bad rows above which an export is refused; ``expected`` stores must
    report."""

    kinds: Mapping[str, Kind]
    schemas: Mapping[str, KindSchema]
    time_zone: str
    max_bad: Decimal
    expected: tuple[str, ...]
    visits: Visits = Visits()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)
