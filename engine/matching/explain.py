"""Why a rule is true, false or unknown for one row: every clause with its value, and where that came from.

Nothing is evaluated twice in two ways: the verdict is :meth:`Matcher.evaluate`'s, and the values of all clauses are one query made by the
same frames and compiler. Where data is stale the rule is unknown; the values of the last data are then shown as last known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import duckdb
import ibis
from ibis.common.exceptions import IbisError

from engine.errors import EvaluationError, Text
from engine.language import Scope, unit_of
from engine.language import typed as t
from engine.language.inlining import needed_by
from engine.language.printing import show_typed
from engine.language.walk import children
from engine.matching.evaluate import Matcher, Run
from engine.matching.explanation import Clause, Counted, Explanation, Freshness, Missing, Used, Verdict
from engine.matching.frames import STORE, Frames
from engine.matching.origins import Origin, batch_of, earlier_batches, last_seen, origin_of
from engine.matching.queries import MATCHED, Query
from engine.matching.reads import LEAVES, kinds_on_path, kinds_read
from engine.matching.results import plain_value, shown_values
from engine.model import Identity, KindSchema, RuleResult, Type, Value
from engine.params import Param
from engine.rules import AlertRule
from engine.snapshots import Selection, Snapshots

FOREVER = timedelta(days=36_525)
HIDDEN = "***"  # in place of personal data
NEAR = 50  # keys offered for a misspelt one, at most


def explain(rule: AlertRule, key: tuple[str, ...], matcher: Matcher, snapshots: Snapshots, at: datetime) -> Explanation:
    """Why ``rule`` is what it is for the row with this key at ``at``.

    Raises SnapshotError, or EvaluationError when the values cannot be computed though the rule can.
    """
    identity = Identity(rule.name, key)
    result = matcher.evaluate([rule], snapshots, at, {rule.name: frozenset([identity])})[rule.name]
    result = replace(
        result,
        candidates=tuple(found for found in result.candidates if found.identity == identity),
        unknown=result.unknown & {identity},
    )
    if result.error:
        return Explanation(rule, identity, at, Verdict.FAILED, result)
    run = _LastKnown(matcher, snapshots, at)
    try:
        return _explained(rule, identity, result, run)
    except (duckdb.Error, IbisError) as error:
        reason = str(error).splitlines()[0]
        text = Text(f"the database could not compute the clauses: {reason}", f"数据库无法计算各个条件：{reason}")
        raise EvaluationError(text) from error


class _LastKnown(Run):
    """A run over the newest data of every store, however old."""

    def current(self, kind: str) -> Selection:
        if kind not in self._current:
            self._current[kind] = self.snapshots.current(kind, self.at, FOREVER)
        return self._current[kind]


def _explained(rule: AlertRule, identity: Identity, result: RuleResult, run: _LastKnown) -> Explanation:
    facts = _Facts.read(rule, identity.key, run)
    if facts is None:
        return _without_row(rule, identity, result, run)
    teller = _Teller(rule, facts, run)
    where = teller.clause(rule.where) if rule.where else None
    return Explanation(
        rule,
        identity,
        run.at,
        _verdict(result, facts.row.store_id, where),
        result,
        row=facts.row,
        where=where,
        when=teller.clause(rule.when),
        severities=tuple((severity, teller.clause(node) if node else None) for severity, node in rule.severities),
        severity=result.candidates[0].severity if result.candidates else None,
        params=tuple(teller.used(param) for param in rule.params),
        shown=shown_values(rule.show, [facts.raw[item.value] for item in rule.show]),
        freshness=teller.freshness,
    )


def _verdict(result: RuleResult, store: str, where: Clause | None) -> Verdict:
    if store not in result.fresh_stores:
        return Verdict.STALE
    if result.candidates:
        return Verdict.TRUE
    if result.unknown:
        return Verdict.UNKNOWN
    return Verdict.OUT_OF_SCOPE if where is not None and where.value is False else Verdict.FALSE


def _without_row(rule: AlertRule, identity: Identity, result: RuleResult, run: _LastKnown) -> Explanation:
    schema = run.schemas[rule.kind]
    named = dict(zip(schema.key, identity.key, strict=True))
    seen = last_seen(run.snapshots, schema, identity.key, run.at)
    store = seen.store_id if seen else named.get(STORE, "")
    freshness = tuple(_freshness(run, kind, store) for kind in _kinds(rule, run)) if store else ()
    verdict = Verdict.QUARANTINED if result.unknown else Verdict.GONE if seen else Verdict.NO_ROW
    near = () if seen else tuple(near_keys(schema, identity.key, run))
    return Explanation(rule, identity, run.at, verdict, result, freshness=freshness, last_seen=seen, near=near)


def near_keys(schema: KindSchema, key: tuple[str, ...], run: Run) -> Iterable[str]:
    """Keys of current rows, the nearest to ``key`` first."""
    run.register_keys([f"asked {name}" for name in schema.key], [key])
    frames = Frames(run.schemas, run.matcher.dialect)
    rows = frames.frame(schema.name, []).table
    asked = ibis.table(dict.fromkeys([f"asked {name}" for name in schema.key], "string"), name=MATCHED)
    both = rows.cross_join(asked)
    distance = sum((both[name].lower().levenshtein(both[f"asked {name}"].lower()) for name in schema.key), ibis.literal(0))
    nearest = both.select(*schema.key, distance=distance).order_by(["distance", *schema.key]).limit(NEAR)
    query = Query(str(ibis.to_sql(nearest, dialect="duckdb")), frozenset(frames.sources))
    return ["/".join(str(row[name]) for name in schema.key) for row in run.fetch(query).to_pylist()]


def _conditions(rule: AlertRule) -> list[t.Node]:
    return [node for node in (rule.where, rule.when, *(node for _, node in rule.severities)) if node]


def _kinds(rule: AlertRule, run: Run) -> list[str]:
    """The kinds that decide the rule, its own first."""
    return sorted(kinds_read(rule.kind, _conditions(rule), run.schemas), key=lambda kind: (kind != rule.kind, kind))


def _freshness(run: Run, kind: str, store: str) -> Freshness:
    fresh_for = run.schemas[kind].fresh_for
    batch = batch_of(run.current(kind), store)
    if batch is None:
        return Freshness(kind, fresh_for)
    age = run.at - batch.as_of
    return Freshness(kind, fresh_for, batch.as_of, age, batch.source, age > fresh_for)


@dataclass(frozen=True)
class _Facts:
    """The row, and the value of every node that its explanation needs."""

    row: Origin
    raw: Mapping[t.Node, Any]

    @classmethod
    def read(cls, rule: AlertRule, key: tuple[str, ...], run: Run) -> _Facts | None:
        """None when there is no such row."""
        schema = run.schemas[rule.kind]
        roots = [*_conditions(rule), *rule.override_conditions, *(p.value for p in rule.params), *(item.value for item in rule.show)]
        nodes = list(dict.fromkeys(each for root in roots for node in _told(root) for each in (node, *_asides(node))))
        run.register_keys(schema.key, [key])
        rows = run.fetch(_values_query(rule.kind, nodes, run)).to_pylist()
        if not rows:
            return None
        row = origin_of(run.current(rule.kind), schema, key, rows[0][STORE])
        return cls(row, {node: rows[0][f"value {i}"] for i, node in enumerate(nodes)})

    def value(self, node: t.Node) -> Value:
        return plain_value(self.raw[node], node.type)


def _values_query(kind: str, nodes: Sequence[t.Node], run: Run) -> Query:
    """The values of all nodes for the keys in the table ``matched``, with the row's store."""
    frames = Frames(run.schemas, run.matcher.dialect)
    frame = frames.frame(kind, nodes)
    key = list(frame.schema.key)
    table = frame.table.semi_join(ibis.table(dict.fromkeys(key, "string"), name=MATCHED), key)
    compiler = frame.compiler(table)
    values = {f"value {i}": compiler.value(node).expr for i, node in enumerate(nodes)}
    return Query(str(ibis.to_sql(table.select(STORE, **values), dialect="duckdb")), frozenset(frames.sources))


def _told(node: t.Node) -> Iterable[t.Node]:
    """``node`` and the nodes that its explanation shows."""
    yield node
    for part in _parts(node):
        yield from _told(part)


def _parts(node: t.Node) -> Iterable[t.Node]:
    """What is told of a node: the conditions and values it is made of. Constants tell themselves; sums are told with their inputs."""
    if isinstance(node, LEAVES):
        return
    if needed := needed_by(node):
        yield from (*needed[0], needed[1])
        return
    if isinstance(node, t.Not) and isinstance(node.item, t.IsMissing | t.In):
        node = node.item  # it is told as `is present`, `not in`
    for child in children(node):
        if isinstance(child, t.Const | t.Now):
            continue
        if _is_condition(node) or _is_condition(child) or isinstance(child, LEAVES):
            yield child
        else:
            yield from _parts(child)


def _is_condition(node: t.Node) -> bool:
    return node.type is Type.BOOLEAN and not isinstance(node, LEAVES)


def _asides(node: t.Node) -> Iterable[t.Node]:
    """Further nodes that tell where the value of a leaf comes from."""
    match node:
        case t.ColumnRef(path=path) | t.RowMissing(path=path) if path:
            yield from (_reference(path), _store_of(path), t.RowMissing(path, type=Type.BOOLEAN))
        case t.Related():
            yield from _counts(node)
        case t.Across(by=by):
            yield t.Across("count", None, by, type=Type.INTEGER)


def _reference(path: tuple[str, ...]) -> t.ColumnRef:
    """The column that holds the key of the row referred to."""
    return t.ColumnRef(path[:-1], path[-1], type=Type.STRING)


def _store_of(path: tuple[str, ...]) -> t.ColumnRef:
    return t.ColumnRef(path, STORE, type=Type.STRING)


def _counts(node: t.Related) -> tuple[t.Related, ...]:
    """All related rows, those that count, those of which the condition is unknown."""
    every = t.Related("count", node.kind, node.via, type=Type.INTEGER)
    if node.where is None:
        return every, every
    unsure = t.IsMissing(node.where, type=Type.BOOLEAN)
    return every, replace(every, where=node.where), replace(every, where=unsure)


@dataclass(frozen=True)
class _Teller:
    """Makes clauses of nodes, with what is known of a row."""

    rule: AlertRule
    facts: _Facts
    run: Run
    freshness: tuple[Freshness, ...] = field(init=False)

    def __post_init__(self) -> None:
        store = self.facts.row.store_id
        object.__setattr__(self, "freshness", tuple(_freshness(self.run, kind, store) for kind in _kinds(self.rule, self.run)))

    def used(self, param: Param) -> Used:
        return Used(param, self.clause(param.value), tuple(self.clause(override.condition) for override in param.overrides))

    def clause(self, node: t.Node) -> Clause:
        schemas = self.run.schemas
        known = HIDDEN if self._is_personal(node) and self.facts.value(node) is not None else self.facts.value(node)
        read = kinds_read(self.rule.kind, [node], schemas)
        stale = tuple(each.kind for each in self.freshness if each.stale and each.kind in read)
        parts = tuple(self.clause(part) for part in dict.fromkeys(_parts(node)))
        scope = Scope(self.rule.kind, schemas, self.run.matcher.dialect.time_zone)
        clause = Clause(
            show_typed(node, self.rule.called), node, None if stale else known, known, unit_of(node, scope), stale=stale, parts=parts
        )
        clause = self._with_source(clause, node)
        return replace(clause, missing=self._missing(clause)) if clause.value is None else clause

    def _is_personal(self, node: t.Node) -> bool:
        return isinstance(node, t.ColumnRef) and self._kind_of(node.path).columns[node.column].personal

    def _kind_of(self, path: tuple[str, ...]) -> KindSchema:
        return self.run.schemas[[self.rule.kind, *kinds_on_path(self.rule.kind, path, self.run.schemas)][-1]]

    def _with_source(self, clause: Clause, node: t.Node) -> Clause:
        match node:
            case t.ColumnRef(path=path, column=name):
                return replace(clause, title=self._kind_of(path).columns[name].title, origin=self._referred(path) if path else None)
            case t.RowMissing(path=path):
                return replace(clause, origin=self._referred(path))
            case t.History():
                return replace(clause, batches=earlier_batches(self.run, self.rule.kind, node, self.facts.row))
            case t.Related():
                return replace(clause, rows=Counted(node.kind, *(int(self.facts.raw[count]) for count in _counts(node))))
            case t.Across(by=by):
                count = int(self.facts.raw[t.Across("count", None, by, type=Type.INTEGER)] or 0)
                return replace(clause, rows=Counted(self.rule.kind, count, count))
            case _:
                return clause

    def _referred(self, path: tuple[str, ...]) -> Origin | None:
        """The row that ``path`` leads to, None when it is not there."""
        if self.facts.raw[t.RowMissing(path, type=Type.BOOLEAN)]:
            return None
        schema = self._kind_of(path)
        key, store = str(self.facts.raw[_reference(path)]), self.facts.raw[_store_of(path)]
        return origin_of(self.run.current(schema.name), schema, (key,), store)

    def _missing(self, clause: Clause) -> Missing | None:
        """Why an input has no value; None for clauses that are unknown only because an input is missing."""
        node = clause.node
        if isinstance(node, LEAVES):
            return Missing.STALE if clause.stale else self._why_empty(clause)
        told = _is_condition(node) or clause.stale or any(part.value is None for part in clause.parts)
        return None if told else Missing.UNDEFINED

    def _why_empty(self, clause: Clause) -> Missing:
        match clause.node:
            case t.ColumnRef(path=path, column=name):
                origin = clause.origin if path else self.facts.row
                if origin is not None:
                    return Missing.EMPTY if name in origin.columns else Missing.NO_COLUMN
                return Missing.NO_REFERENCE if self.facts.raw[_reference(path)] is None else Missing.NO_ROW
            case t.History():
                return Missing.NO_VALUE if clause.batches and clause.batches.count else Missing.NO_HISTORY
            case t.Across() if clause.rows and not clause.rows.rows:
                return Missing.NO_GROUP
            case _:
                return Missing.NO_VALUE if clause.rows and clause.rows.counted else Missing.NO_ROW
