"""What the rows of a pattern are: alerts with their rules' keys, labels and shown values; incidents; asserted facts; facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from engine.builtin import BUILT_IN
from engine.errors import Text
from engine.incidents.rule import ALERT, INCIDENT
from engine.language import syntax
from engine.model import ColumnSchema, KindSchema, RuleInfo, Severity, Type
from engine.rules import AlertRule

ID = "alert_id"
STORE = "store_id"
INCIDENT_COLUMNS = ("name", "severity", STORE, "owner", "area")
SEVERITIES = tuple(severity.value for severity in Severity)


@dataclass(frozen=True)
class Sources:
    """Everything that a pattern may name.

    ``alerts`` and ``incidents`` are the names of all rules as written, ``rules`` the alert rules that are right; ``asserted`` are the kinds
    that incident rules assert, with their columns.
    """

    kinds: Mapping[str, KindSchema]
    rules: Mapping[str, AlertRule]
    alerts: frozenset[str]
    incidents: frozenset[str]
    asserted: Mapping[str, KindSchema]

    @property
    def names(self) -> list[str]:
        return [ALERT, INCIDENT, *self.asserted, *self.kinds]

    def is_stored(self, source: str) -> bool:
        """Whether rows of ``source`` are there before any incident rule is looked at."""
        return source == ALERT or source in self.kinds

    def schema(self, source: str, rules: frozenset[str] | None) -> KindSchema:
        """The columns of ``source``; those of an alert depend on the rules that the pattern asks for."""
        if source == ALERT:
            return self._alert(rules)
        if source == INCIDENT:
            columns = _columns(sorted(self.incidents), (), ())
            return _kind(INCIDENT, {name: columns[name] for name in INCIDENT_COLUMNS}, {})
        return self.asserted.get(source) or self.kinds[source]

    def _alert(self, names: frozenset[str] | None) -> KindSchema:
        every = {name: rule.info for name, rule in self.rules.items()} | BUILT_IN
        infos = [info for name, info in every.items() if names is None or name in names]
        rules = [rule for name, rule in self.rules.items() if name in names] if names else []
        columns = _columns(sorted(self.alerts.union(BUILT_IN)), infos, [*_keys(rules, self.kinds), *_shown(rules)])
        keys = {name: self.kinds[rule.kind].references.get(name, "") for rule in rules for name in rule.info.key}
        own = {rule.info.key[0]: rule.kind for rule in rules if len(rule.info.key) == 1 and rule.info.key[0] != STORE}
        references = {column: kind for column, kind in (keys | own).items() if kind and column in columns}
        return _kind(ALERT, columns, references)


def _kind(name: str, columns: Mapping[str, ColumnSchema], references: Mapping[str, str]) -> KindSchema:
    return KindSchema(name, (ID,), columns, references, timedelta.max)


def _columns(rules: Sequence[str], infos: Iterable[RuleInfo], more: Iterable[ColumnSchema]) -> dict[str, ColumnSchema]:
    """The columns of every alert, then the labels of the rules, then ``more``; of equal names the first."""
    own = (
        ColumnSchema("name", Type.STRING, title=Text("Rule", "规则"), values=tuple(rules)),
        ColumnSchema("severity", Type.STRING, title=Text("Severity", "级别"), values=SEVERITIES),
        ColumnSchema(STORE, Type.STRING, title=Text("Store", "店铺")),
        ColumnSchema("started_at", Type.TIMESTAMP, title=Text("Started", "开始时间")),
        ColumnSchema("owner", Type.STRING, title=Text("Owner", "负责人")),
        ColumnSchema("area", Type.STRING, title=Text("Area", "领域")),
        ColumnSchema(ID, Type.STRING),
    )
    labels = (ColumnSchema(name, Type.STRING) for info in infos for name in info.labels)
    found: dict[str, ColumnSchema] = {}
    for column in (*own, *labels, *more):
        found.setdefault(column.name, column)
    return found


def _keys(rules: Iterable[AlertRule], kinds: Mapping[str, KindSchema]) -> list[ColumnSchema]:
    """The key columns, as text."""
    return [replace(kinds[rule.kind].columns[name], type=Type.STRING) for rule in rules for name in rule.info.key]


def _shown(rules: Iterable[AlertRule]) -> list[ColumnSchema]:
    """The shown values by label. A label that two rules give to values of different types stands for neither."""
    found: dict[str, ColumnSchema] = {}
    mixed: set[str] = set()
    for item in (item for rule in rules for item in rule.show):
        name, other = (label := item.label).zh, (label.en,) if label.en != label.zh else ()
        known = found.setdefault(name, ColumnSchema(name, item.value.type, item.unit, names=other))
        mixed |= {name} if known.type is not item.value.type else set()
    return [column for name, column in found.items() if name not in mixed]


def rules_asked(condition: syntax.Expression | None) -> frozenset[str] | None:
    """The rule names that ``condition`` asks for by ``name == 'x'`` or ``name in ('x', 'y')`` among what must hold; None for any."""
    parts = condition.items if isinstance(condition, syntax.And) else (condition,)
    asked = [names for part in parts if (names := _names(part)) is not None]
    return frozenset.intersection(*asked) if asked else None


def _names(part: syntax.Expression | None) -> frozenset[str] | None:
    match part:
        case syntax.Compare(op="==", left=syntax.Name(parts=("name" | "规则",)), right=syntax.String(value=name)):
            return frozenset({name})
        case syntax.In(item=syntax.Name(parts=("name" | "规则",)), options=options, negated=False):
            found = [option.value for option in options if isinstance(option, syntax.String)]
            return frozenset(found) if len(found) == len(options) else None
        case _:
            return None
