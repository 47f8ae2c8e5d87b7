"""From firing alerts to the results of incident rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import engine.correlation as c
from engine.errors import EvaluationError, SnapshotError, Text
from engine.incidents import IncidentRule, Pattern
from engine.incidents.reading import MEMBER
from engine.incidents.rule import ALERT, COUNT, INCIDENT
from engine.language.typed import Node
from engine.matching.evaluate import Matcher
from engine.matching.reads import kinds_read
from engine.matching.rows import Found, Lookup, Wanted
from engine.model import ALL_STORES, Alert, Candidate, Identity, KindSchema, Member, RuleInfo, RuleResult, Shown, State, Stores, Type, Value
from engine.reasoning.program import (
    Reasoning,
    asserted_kinds,
    binding_of,
    incident_kind,
    is_besides,
    is_shown,
    kind_of,
    rule_of,
    scalar,
    shown_field,
    unsure_field,
    values_wanted,
)
from engine.reasoning.tables import alert_table, columns_read
from engine.snapshots import Snapshots

KEY, SINCE = Text("Id", "编号"), Text("Since", "开始")
MOST_VALUES = 3  # of an alert in the line about it
STORE = "store_id"
Scope = tuple[str, ...]


def correlate(
    reasoning: Reasoning,
    alerts: Mapping[Identity, Alert],
    infos: Mapping[str, RuleInfo],
    matcher: Matcher,
    snapshots: Snapshots,
    at: datetime,
) -> tuple[RuleResult, ...]:
    """The result of each incident rule at ``at``, given the states of all ``alerts``; incidents among them are not looked at.

    A rule that fails does not stop the others: its result carries the error. Without an alert that some rule could be about, nothing
    is computed at all.
    """
    correlation = Correlation(reasoning, alerts, infos, Lookup(matcher, snapshots, at))
    return tuple(map(correlation.result, reasoning.rules))


def kinds_asked(pattern: Pattern, kinds: Mapping[str, KindSchema]) -> frozenset[str]:
    """The fact kinds that a pattern reads."""
    nodes: list[Node] = [node for node in (pattern.where, *(a.where for a in pattern.alternatives)) if node is not None]
    nodes += [link.own for link in pattern.links]
    return kinds_read(pattern.source, nodes, {**kinds, pattern.source: pattern.schema}) & kinds.keys()


def _by_rule(alerts: Mapping[Identity, Alert], names: Collection[str]) -> dict[str, list[Alert]]:
    found: defaultdict[str, list[Alert]] = defaultdict(list)
    for alert in alerts.values():
        if alert.state is State.FIRING and alert.identity.rule in names:
            found[alert.identity.rule].append(alert)
    return dict(found)


def _may_fire(rule: IncidentRule, firing: Collection[str]) -> bool:
    """Whether every pattern of ``all`` could match, by the names of rules that fire alone."""
    return any(all(_may_match(pattern, firing) for pattern in way.all) for way in rule.ways)


def _may_match(pattern: Pattern, firing: Collection[str]) -> bool:
    if pattern.source == ALERT:
        return bool(firing) if pattern.rules is None else any(name in firing for name in pattern.rules)
    return True


def _bound(matches: Iterable[c.Match]) -> dict[str, set[str]]:
    """The ids of the facts that are bound to each name."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for match in matches:
        for name, ids in match.bindings.items():
            found[binding_of(name)] |= ids
    return found


@dataclass(frozen=True, slots=True)
class Row:
    """A row that a pattern wants, and the values of the rule's scope that it has."""

    scope: Scope
    found: Found


class Correlation:
    """One correlation: the rows that patterns want, and what came of joining them. Rules that cannot match, by the names of the alerts that
    fire alone, are looked at only for ``every``."""

    def __init__(
        self,
        reasoning: Reasoning,
        alerts: Mapping[Identity, Alert],
        infos: Mapping[str, RuleInfo],
        lookup: Lookup,
        *,
        every: bool = False,
    ) -> None:
        self.reasoning = reasoning
        self.rules = rules = reasoning.rules
        self.infos = infos
        self.lookup = lookup
        self.active = {rule.name: frozenset(identity for identity in alerts if identity.rule == rule.name) for rule in rules}
        self._firing = _by_rule(alerts, infos.keys() - {rule.name for rule in rules})
        self._alerts: dict[str, Alert] = {}
        self._rows: dict[tuple[str, str], dict[str, Row]] = {}  # by rule and binding, then by the fact's id
        self._facts: list[c.Fact] = []
        self._errors: dict[str, Text] = {}
        self._unknown: defaultdict[str, set[Scope]] = defaultdict(set)
        likely = [rule for rule in rules if every or _may_fire(rule, self._firing)]
        self._found = self._correlated(likely) if likely else c.Found((), (), ())
        self._derived = {fact.id: fact for fact in self._found.derived}

    def rows(self, rule: IncidentRule, pattern: Pattern) -> Collection[Row]:
        """The rows that the pattern wants, whatever they are linked to."""
        if pattern.source == ALERT or pattern.source in self.lookup.matcher.schemas:
            return self._rows.get((rule.name, pattern.binding), {}).values()
        kinds = asserted_kinds(pattern, self.rules)
        facts = [fact for fact in self._found.derived if fact.kind in kinds]
        return [Row(tuple(str(f.values.get(name)) for name in rule.scope), Found((f.id,), True, f.values)) for f in facts]

    def rows_of(self, rule: IncidentRule, pattern: Pattern, scope: Scope) -> dict[str, bool]:
        """The ids of the facts that the pattern wants in the scope, each with whether its condition surely holds."""
        if pattern.source == ALERT or pattern.source in self.lookup.matcher.schemas:
            there = self._rows.get((rule.name, pattern.binding), {})
            return {name: row.found.holds for name, row in there.items() if row.scope == scope}
        return dict.fromkeys((row.found.key[0] for row in self.rows(rule, pattern) if row.scope == scope), True)

    def bound(self, rule: IncidentRule, scope: Scope) -> Mapping[str, Collection[str]]:
        """The ids of the facts that are bound to each name in some match of the rule in the scope."""
        return _bound(self._matches(rule).get(scope, ()))

    def lacks(self, rule: IncidentRule, scope: Scope) -> dict[str, c.Lack]:
        """By binding, what keeps each way of the rule from matching in the scope. Raises EvaluationError."""
        plan = self.reasoning.program
        found: dict[str, c.Lack] = {}
        for each in plan.rules:
            if rule_of(each.name) == rule.name:
                for lack in c.lacking(plan, each.name, scope, self._facts):
                    found.setdefault(binding_of(lack.binding), lack)
        return found

    def called(self, pattern: Pattern, fact: str) -> str:
        """What people call the row that a fact stands for: an alert by its rule and key, a row by its key."""
        identity = self._identity(pattern, fact)
        return str(identity) if identity else fact.split("/", 2)[-1]

    def _correlated(self, rules: Iterable[IncidentRule]) -> c.Found:
        for rule in rules:
            try:
                self._facts += self._facts_of(rule)
            except (EvaluationError, SnapshotError) as error:
                self._errors[rule.name] = error.text
        try:
            found = self.reasoning.program.run(self._facts)
        except EvaluationError as error:
            self._errors = dict.fromkeys((rule.name for rule in self.rules), error.text)
            return c.Found((), (), ())
        for failure in found.failures:
            if failure.scope is None:
                self._errors.setdefault(rule_of(failure.rule), failure.text)
            else:
                self._unknown[rule_of(failure.rule)].add(tuple(map(str, failure.scope)))
        return found

    def _facts_of(self, rule: IncidentRule) -> Iterator[c.Fact]:
        """A fact for every row that some pattern of the rule wants. Facts of kinds are looked for where the alerts are."""
        merged: dict[tuple[str, str], dict[str, c.Scalar | None]] = {}
        scopes: set[Scope] = set()
        stored = [pattern for pattern in rule.patterns if pattern.source == ALERT or pattern.source in self.lookup.matcher.schemas]
        for pattern in sorted(stored, key=lambda pattern: pattern.source != ALERT):
            types, unsure = {name: node.type for name, node in values_wanted(rule, pattern)}, unsure_field(pattern)
            rows = self._rows.setdefault((rule.name, pattern.binding), {})
            for row in self._wanted_rows(rule, pattern, scopes):
                scope = tuple(str(row.values[name]) for name in rule.scope if row.values[name] is not None)
                if len(scope) < len(rule.scope):
                    continue
                scopes |= {scope} if pattern.source == ALERT else set()
                name = f"{rule.name}/{pattern.source}/{'/'.join(row.key)}"
                fields = merged.setdefault((pattern.source, name), {})
                fields |= {pattern.binding: True, **{name: scalar(value, types[name]) for name, value in row.values.items()}}
                sure = row.holds and row.values.get(unsure) is not True
                rows[name] = Row(scope, row if sure is row.holds else replace(row, holds=sure))
                if not sure:
                    self._unknown[rule.name].add(scope)
        for (source, name), fields in merged.items():
            known = {field: value for field, value in fields.items() if not is_shown(field)}
            yield c.Fact(name, kind_of(rule, source), known)

    def _wanted_rows(self, rule: IncidentRule, pattern: Pattern, scopes: Collection[Scope]) -> list[Found]:
        absent = any(pattern in way.none for way in rule.ways)
        wanted = Wanted(pattern.schema, pattern.where, tuple(values_wanted(rule, pattern)), maybe=absent)
        if pattern.source != ALERT:
            return self.lookup.of_kind(wanted, rule.scope, scopes) if scopes else []
        names = self._firing if pattern.rules is None else sorted(pattern.rules & self._firing.keys())
        alerts = [alert for name in names for alert in self._firing[name]]
        self._alerts |= {alert.identity.fingerprint: alert for alert in alerts}
        read = columns_read([node for node in (wanted.where, *(node for _, node in wanted.values)) if node], pattern.schema)
        return self.lookup.of_table(wanted, alert_table(pattern.schema, alerts, self.infos, read)) if alerts else []

    def result(self, rule: IncidentRule) -> RuleResult:
        """What is known of one rule: its incidents, those that nobody can tell, and the stores that it knows enough of."""
        if rule.name in self._errors:
            return RuleResult(rule.name, error=self._errors[rule.name])
        try:
            known = self._known(pattern for way in rule.ways for pattern in way.asked)
            absent = self._known(pattern for way in rule.ways for pattern in way.none)
        except SnapshotError as error:
            return RuleResult(rule.name, error=error.text)
        candidates = [self._candidate(rule, scope, each) for scope, each in sorted(self._matches(rule).items())]
        told = tuple(candidate for candidate in candidates if not candidate.store_id or candidate.store_id in absent)
        active = self.active[rule.name]
        unknown = frozenset(Identity(rule.name, scope) for scope in self._unknown[rule.name]) & active
        return RuleResult(rule.name, told, unknown, len(self._unknown[rule.name]), known, active, len(candidates))

    def _matches(self, rule: IncidentRule) -> dict[Scope, list[c.Match]]:
        """By scope, what was found of the rule where its incident is."""
        found: defaultdict[Scope, list[c.Match]] = defaultdict(list)
        for match in self._found.matches:
            if rule_of(match.rule) == rule.name:
                found[tuple(map(str, match.scope))].append(match)
        return {scope: matches for scope, matches in found.items() if not all(is_besides(match.rule) for match in matches)}

    def _known(self, patterns: Iterable[Pattern]) -> Stores:
        """Stores with fresh data of every kind that the patterns read."""
        known = ALL_STORES
        for pattern in patterns:
            for kind in kinds_asked(pattern, self.lookup.matcher.schemas):
                known &= self.lookup.run.current(kind).stores
        return known

    def _candidate(self, rule: IncidentRule, scope: Scope, matches: Iterable[c.Match]) -> Candidate:
        bound = _bound(matches)
        members = tuple(self._members(rule, bound))
        alerts = [self._alerts[m.identity.fingerprint] for m in members if m.identity.fingerprint in self._alerts]
        stores = {alert.store_id for alert in alerts}
        own = dict(zip(rule.scope, scope, strict=True)).get(STORE)
        store = own if own is not None else stores.pop() if len(stores) == 1 else ""
        shown = (*self._shown(rule, bound), Shown(COUNT, len(members), Type.INTEGER))
        worst = sorted(alerts, key=lambda alert: (-alert.severity.rank, alert.pending_since, alert.identity))
        evidence = tuple(line_about(alert, self.infos) for alert in worst)
        return Candidate(Identity(rule.name, scope), store, rule.info.severity, self.lookup.at, shown, evidence, members)

    def _members(self, rule: IncidentRule, bound: Mapping[str, Collection[str]]) -> Iterator[Member]:
        """The alerts and incidents that are bound, each once, with all that any of its names asks for."""
        found: dict[Identity, Member] = {}
        for pattern in rule.patterns:
            for name in sorted(bound.get(pattern.binding, ())):
                identity = self._identity(pattern, name)
                if identity is not None:
                    told, raised = pattern.binding in rule.explains, pattern.binding in rule.raises
                    known = found.setdefault(identity, Member(identity, pattern.binding, told, raised))
                    found[identity] = replace(known, explained=known.explained or told, raised=known.raised or raised)
        yield from found.values()

    def _identity(self, pattern: Pattern, name: str) -> Identity | None:
        if pattern.source == ALERT:
            return self._alerts[name.rpartition("/")[2]].identity  # a fact of an alert is called by its fingerprint
        if pattern.source == INCIDENT:
            fact = self._derived[name]
            rule = next(rule for rule in self.rules if incident_kind(rule.name) == fact.kind)
            return Identity(rule.name, tuple(str(fact.values[field]) for field in rule.scope))
        return None

    def _shown(self, rule: IncidentRule, bound: Mapping[str, Collection[str]]) -> Iterator[Shown]:
        """The rule's shown values; of several rows bound to one name those of the first."""
        for number, (binding, item) in enumerate(rule.show):
            there = self._rows.get((rule.name, binding), {})
            rows = [there[name].found for name in sorted(bound.get(binding, ())) if name in there]
            value: Value = rows[0].values[shown_field(number)] if rows else None
            yield Shown(item.label, value, item.value.type, item.unit)


def line_about(alert: Alert, infos: Mapping[str, RuleInfo]) -> tuple[Shown, ...]:
    """One line about an alert: its rule, its key where its values do not say it, the first of them, and since when it fires."""
    key = " ".join(part for part in alert.identity.key if part != alert.store_id)
    said = key in (str(item.value) for item in alert.shown[:MOST_VALUES])
    return (
        Shown(MEMBER, infos[alert.identity.rule].title.en, Type.STRING),
        *([Shown(KEY, key, Type.STRING)] if key and not said else []),
        *alert.shown[:MOST_VALUES],
        Shown(SINCE, alert.firing_since, Type.TIMESTAMP),
    )
