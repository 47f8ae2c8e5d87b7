"""Questions about a typed tree: its nodes, the kinds it reads, how far back it looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from engine.language.names import references
from engine.language.typed import ColumnRef, History, Node, Related, RowMissing
from engine.model import KindSchema

ALL_HISTORY = timedelta(days=36_525)
"""The window of functions that read everything there is: ``previous``, ``unchanged_for``, ``seen_for``."""


def children(node: Node) -> Iterator[Node]:
    """The nodes directly inside ``node``."""
    for name in node.__dataclass_fields__:
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from (item for item in value if isinstance(item, Node))


def walk(node: Node) -> Iterator[Node]:
    """``node`` and all nodes inside it, outer ones first."""
    yield node
    for child in children(node):
        yield from walk(child)


def kinds_used(node: Node, kind: str, kinds: Mapping[str, KindSchema]) -> frozenset[str]:
    """The kinds besides ``kind`` (whose row is judged) that ``node`` reads: referred rows and related rows."""
    return _kinds(node, kind, kinds) - {kind}


def _kinds(node: Node, kind: str, kinds: Mapping[str, KindSchema]) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    if isinstance(node, ColumnRef | RowMissing):
        at = kind
        for column in node.path:
            at = references(kinds[at], kinds)[column]
            found |= {at}
    if isinstance(node, Related):
        kind = node.kind
        found |= {kind}
    return found.union(*(_kinds(child, kind, kinds) for child in children(node)))


def longest_window(node: Node) -> timedelta:
    """How far before a row's batch its history is read: zero without history functions, :data:`ALL_HISTORY` for those without a window.

    ``ago`` reads one batch more, the newest at the window's start; it is at most ``fresh_for`` older.
    """
    windows = [each.window or ALL_HISTORY for each in walk(node) if isinstance(each, History)]
    return max(windows, default=timedelta(0))
