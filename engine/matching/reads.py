"""What expressions read, found without compiling them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from engine.language import typed as t
from engine.language.names import references
from engine.language.walk import children, kinds_used, walk
from engine.model import KindSchema
from engine.rules import AlertRule

LEAVES = (t.ColumnRef, t.RowMissing, t.History, t.Related, t.Across)


def leaves(nodes: Iterable[t.Node]) -> Iterator[t.Node]:
    """The nodes that a table must hold as columns, each once, in the scope of the row itself. The item of an ``Across`` is of that
    scope too; what stands inside a ``History`` or ``Related`` is not."""
    seen: set[t.Node] = set()
    waiting = list(nodes)[::-1]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(node, LEAVES):
            yield node
        if isinstance(node, t.Across) or not isinstance(node, LEAVES):
            waiting += reversed(list(children(node)))


def kinds_read(kind: str, nodes: Iterable[t.Node], schemas: Mapping[str, KindSchema]) -> frozenset[str]:
    """``kind`` and every kind reached from its rows by ``nodes``."""
    read = {kind}
    for node in leaves(nodes):
        if isinstance(node, t.Related):
            read |= kinds_read(node.kind, [item for item in (node.item, node.where) if item], schemas)
        elif isinstance(node, t.ColumnRef | t.RowMissing):
            read |= set(kinds_on_path(kind, node.path, schemas))
    return frozenset(read)


def kinds_judged(rule: AlertRule, schemas: Mapping[str, KindSchema]) -> frozenset[str]:
    """The kinds on whose rows it depends whether the rule is true."""
    return kinds_read(rule.kind, [*rule.conditions, *rule.override_conditions], schemas)


def kinds_told(rule: AlertRule, schemas: Mapping[str, KindSchema]) -> frozenset[str]:
    """The kinds on whose rows depends all that an evaluation finds of the rule: also the values it shows, and its evidence."""
    own = [(rule.kind, node) for node in (*rule.conditions, *(item.value for item in rule.show))]
    listed = [(rule.evidence.kind, node) for node in rule.evidence.nodes] if rule.evidence else []
    read = {kind for kind, _ in (*own, *listed)} | ({rule.evidence.kind} if rule.evidence else set())
    return frozenset(read).union(*(kinds_used(node, kind, schemas) for kind, node in (*own, *listed)))


def reads_now(rule: AlertRule) -> bool:
    """Whether what an evaluation finds of the rule depends on the instant itself, and not on the data alone."""
    roots = [*rule.conditions, *(item.value for item in rule.show), *(rule.evidence.nodes if rule.evidence else ())]
    return any(isinstance(node, t.Now) for root in roots for node in walk(root))


def kinds_on_path(kind: str, path: Iterable[str], schemas: Mapping[str, KindSchema]) -> Iterator[str]:
    for column in path:
        kind = references(schemas[kind], schemas)[column]
        yield kind
