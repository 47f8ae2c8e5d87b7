"""The queries of a set of rules on one kind, compiled once and run at any instant.

With an ``axis`` (see :class:`engine.matching.frames.Frames`) a query is over many instants at once: its rows have ``_at``, and so have the
tables ``coverage`` and, for evidence, ``matched``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce

import ibis
from ibis.common.exceptions import IbisError
from ibis.expr import types as ir

from engine.errors import EvaluationError, Text
from engine.language import typed as t
from engine.matching.compile import Compiler, Dialect
from engine.matching.frames import AS_OF, AT, STORE, Frame, Frames, Role, Source
from engine.model import KindSchema
from engine.rules import AlertRule, Evidence

COVERAGE = "coverage"  # table: which of the listed stores a group of rules knows
Axis = tuple[str, ...]
OTHERS = "coverage_others"  # table: whether it knows all other stores, for each instant
MATCHED = "matched"  # table: keys of matched rows
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Query:
    """Text of one query and the sources it reads."""

    sql: str
    sources: frozenset[Source]

    def to_json(self) -> str:
        offsets = {source: None if source.offset is None else source.offset // _TICK for source in self.sources}
        return json.dumps([self.sql, *([source.role, source.kind, offset, source.turns] for source, offset in offsets.items())])

    @classmethod
    def from_json(cls, text: str) -> Query:
        sql, *sources = json.loads(text)
        return cls(sql, frozenset(_source(*source) for source in sources))


def _source(role: Role, kind: str, offset: int | None, turns: list[str] | None) -> Source:
    return Source(role, kind, None if offset is None else offset * _TICK, None if turns is None else tuple(turns))


@dataclass(frozen=True, slots=True)
class Cover:
    """One column of the coverage table. ``others`` tells what holds for stores that the table does not list; None where that differs from
    instant to instant, as another table says."""

    column: str
    others: bool | None


def verdict_query(
    rules: Sequence[AlertRule],
    covers: Sequence[Cover | None],
    schemas: Mapping[str, KindSchema],
    dialect: Dialect,
    *,
    details: bool,
    axis: Axis = (),
) -> Query:
    """Rows for which some rule's condition is true or unknown: the key, ``store_id``, ``_as_of`` and a boolean for each rule
    (``verdict 0`` ...); with ``details`` also the shown values (``show 0 0`` ...) and severities (``severity 0``: the number of the
    first that holds), where the rule matches."""
    schema = schemas[rules[0].kind]
    frames = Frames(schemas, dialect, axis)
    frame = frames.frame(schema.name, [node for rule in rules for node in _nodes(rule, details)])
    table = _with_coverage(frame.table, covers, axis)
    compiler = frame.compiler(table)
    verdicts = {f"verdict {i}": _verdict(compiler, rule, table, cover) for i, (rule, cover) in enumerate(zip(rules, covers, strict=True))}
    kept = table.filter(reduce(lambda a, b: a | b, verdicts.values()).fill_null(True)).mutate(**verdicts)
    compiler = frame.compiler(kept)
    shown: dict[str, ir.Value] = {}
    for i, rule in enumerate(rules if details else ()):
        shown |= _details(compiler, rule, i, kept[f"verdict {i}"])
    return written(kept.select(*frame.row, AS_OF, *verdicts, **shown), frames)


def _nodes(rule: AlertRule, details: bool) -> Iterable[t.Node]:
    yield from (node for node in (rule.where, rule.when) if node)
    if details:
        yield from (node for _, node in rule.severities if node)
        yield from (item.value for item in rule.show)


def _verdict(compiler: Compiler, rule: AlertRule, table: ir.Table, cover: Cover | None) -> ir.BooleanValue:
    """True, false or unknown; false for rows of stores that the rule knows nothing about."""
    holds = compiler.condition(rule.when)
    if rule.where is not None:
        holds = compiler.condition(rule.where) & holds
    return holds if cover is None else _covered(table, cover) & holds


def _covered(table: ir.Table, cover: Cover) -> ir.BooleanValue:
    others = table[f"other {cover.column}"] if cover.others is None else cover.others
    return table[cover.column].fill_null(others)


def _with_coverage(table: ir.Table, covers: Sequence[Cover | None], axis: Axis) -> ir.Table:
    columns = sorted({cover.column for cover in covers if cover})
    if not columns:
        return table
    at = {f"covered {name}": "timestamp" for name in axis}
    listed = ibis.table({**at, "covered": "string", **dict.fromkeys(columns, "boolean")}, name=COVERAGE)
    same = list(zip(axis, at, strict=True))
    table = table.left_join(listed, [(STORE, "covered"), *same])
    if not axis:
        return table
    others = ibis.table({"others at": "timestamp", **{f"other {column}": "boolean" for column in columns}}, name=OTHERS)
    return table.left_join(others, [(AT, "others at")])


def _details(compiler: Compiler, rule: AlertRule, index: int, verdict: ir.BooleanValue) -> dict[str, ir.Value]:
    shown = {f"show {index} {i}": compiler.value(item.value).expr for i, item in enumerate(rule.show)}
    cases = [(compiler.condition(node) if node else ibis.literal(True), ibis.literal(i)) for i, (_, node) in enumerate(rule.severities)]
    if cases and rule.severities[0][1] is not None:
        shown[f"severity {index}"] = ibis.cases(*cases)
    return {name: ibis.cases((verdict, value)) for name, value in shown.items()}


def scope_query(
    rules: Sequence[AlertRule],
    covers: Sequence[Cover | None],
    schemas: Mapping[str, KindSchema],
    dialect: Dialect,
    axis: Axis = (),
) -> Query:
    """One row (for each instant that has any): for each rule the number of rows in its scope (``judged 0`` ...): those whose ``where`` is
    not false."""
    schema = schemas[rules[0].kind]
    frames = Frames(schemas, dialect, axis)
    frame = frames.frame(schema.name, [rule.where for rule in rules if rule.where is not None])
    table = _with_coverage(frame.table, covers, axis)
    compiler = frame.compiler(table)
    counts = {f"judged {i}": _judged(compiler, rule, table, cover) for i, (rule, cover) in enumerate(zip(rules, covers, strict=True))}
    return written(table.group_by(list(axis)).aggregate(**counts) if axis else table.aggregate(**counts), frames)


def _judged(compiler: Compiler, rule: AlertRule, table: ir.Table, cover: Cover | None) -> ir.Value:
    conditions = [compiler.condition(rule.where).fill_null(True)] if rule.where is not None else []
    conditions += [_covered(table, cover)] if cover else []
    return table.count(where=reduce(lambda a, b: a & b, conditions)) if conditions else table.count()


def present_query(kind: str, schemas: Mapping[str, KindSchema], dialect: Dialect, axis: Axis = ()) -> Query:
    """The keys in the table ``matched`` that have a current row (and at which instants)."""
    frames = Frames(schemas, dialect, axis)
    frame = frames.frame(kind, [])
    return written(_of_matched(frame, frame.table).select(*axis, *schemas[kind].key), frames)


def value_query(kind: str, node: t.Node, schemas: Mapping[str, KindSchema], dialect: Dialect) -> Query:
    """The key, the store and the ``value`` of ``node`` for the rows whose keys are in the table ``matched``."""
    frames = Frames(schemas, dialect)
    frame = frames.frame(kind, [node])
    table = _of_matched(frame, frame.table)
    return written(table.select(*dict.fromkeys((*schemas[kind].key, STORE)), value=frame.compiler(table).value(node).expr), frames)


def _of_matched(frame: Frame, table: ir.Table) -> ir.Table:
    key = list(frame.schema.key)
    return table.semi_join(ibis.table(dict.fromkeys(key, "string"), name=MATCHED), key)


def evidence_query(evidence: Evidence, schemas: Mapping[str, KindSchema], dialect: Dialect, axis: Axis = ()) -> Query:
    """The evidence for the keys in the table ``matched`` (column ``key``, with an axis also ``key _at``): ``via``, the shown values
    (``show 0`` ...), and with a group its value (``group``) and number of rows (``count``); in the order in which it is told."""
    group = [t.ColumnRef((), evidence.group, type=schemas[evidence.kind].columns[evidence.group].type)] if evidence.group else []
    frames = Frames(schemas, dialect, axis)
    frame = frames.frame(evidence.kind, [*group, *evidence.nodes])
    at = {f"key {name}": "timestamp" for name in axis}
    matched = ibis.table({"key": "string", **at}, name=MATCHED)
    rows = frame.table.semi_join(matched, [(evidence.via, "key"), *zip(axis, at, strict=True)])
    compiler = frame.compiler(rows)
    if evidence.where is not None:
        rows = rows.filter(compiler.condition(evidence.where))
    shown = {f"show {i}": compiler.value(item.value).expr for i, item in enumerate(evidence.show)}
    first = {"order": compiler.value(evidence.order).expr} if evidence.order else {}
    grouped = {"group": rows[evidence.group]} if evidence.group else {}
    keys = {f"row {i}": rows[name] for i, name in enumerate(frame.row)}
    listed = rows.select(*axis, via=rows[evidence.via], **keys, **grouped, **first, **shown)
    return written(_top(listed, evidence, list(keys), [*axis, "via"]), frames)


def _top(rows: ir.Table, evidence: Evidence, keys: Sequence[str], whose: Sequence[str]) -> ir.Table:
    """The first rows of each key, or its largest groups, each with its first row."""
    order: list[ir.Value] = [rows[key].asc() for key in keys]
    if evidence.order is not None:
        order.insert(0, rows.order.desc(nulls_first=False) if evidence.descending else rows.order.asc(nulls_first=False))
    if not evidence.group:
        ranked = rows.mutate(rank=ibis.row_number().over(group_by=whose, order_by=order))
    else:
        rows = rows.filter(rows.group.notnull())
        counted = rows.mutate(
            place=ibis.row_number().over(group_by=[*whose, "group"], order_by=order),
            count=rows.count().over(group_by=[*whose, "group"]),
        )
        firsts = counted.filter(counted.place == 0)
        ranked = firsts.mutate(rank=ibis.row_number().over(group_by=whose, order_by=[firsts["count"].desc(), firsts.group.asc()]))
    return ranked.filter(ranked["rank"] < evidence.top).order_by([*whose, "rank"]).drop("rank", *keys)


def written(table: ir.Table, frames: Frames) -> Query:
    """Text for the backend. What it cannot do is named."""
    try:
        sql = str(ibis.to_sql(table, dialect=frames.dialect.backend))
    except IbisError as error:
        backend = frames.dialect.backend
        raise EvaluationError(Text(f"{backend} cannot evaluate this: {error}", f"{backend} 无法评估：{error}")) from error
    return Query(sql, frozenset(frames.sources))
