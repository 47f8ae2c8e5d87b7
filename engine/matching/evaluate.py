"""What rules find in the snapshots at an instant.

:class:`Matcher` evaluates all rules on one kind in one scan and keeps the compiled queries, so that the next instant costs only the
scan. :func:`evaluate` is the same for one instant. A rule that fails does not stop the others: its result carries the error.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from importlib.metadata import version
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
from ibis.common.exceptions import IbisError

from engine.errors import EvaluationError, SnapshotError, Text
from engine.language.typed import Node
from engine.matching.compile import Dialect
from engine.matching.frames import STORE, Source
from engine.matching.queries import COVERAGE, MATCHED, Cover, Query, evidence_query, present_query, scope_query, value_query, verdict_query
from engine.matching.reads import kinds_read
from engine.matching.results import Raw, Sight, candidates, evidence_by_key, with_evidence
from engine.matching.sources import connect, create_view, set_now
from engine.model import ALL_STORES, Candidate, Identity, KindSchema, RuleResult, Stores
from engine.remembering import Memory, digest, of_user
from engine.rules import AlertRule
from engine.snapshots import Selection, Snapshots

NO_ACTIVE: Mapping[str, frozenset[Identity]] = {}


def evaluate(
    rules: Sequence[AlertRule],
    snapshots: Snapshots,
    schemas: Mapping[str, KindSchema],
    at: datetime,
    time_zone: str,
    active: Mapping[str, frozenset[Identity]] = NO_ACTIVE,
) -> dict[str, RuleResult]:
    """The result of each rule, by name, at ``at``. ``active`` are the identities whose presence is asked for, by rule."""
    return Matcher(schemas, time_zone).evaluate(rules, snapshots, at, active)


class Matcher:
    """Evaluates rules at one instant after another. Holds a DuckDB in memory and the compiled queries."""

    def __init__(self, schemas: Mapping[str, KindSchema], time_zone: str) -> None:
        self.schemas = schemas
        self.zone = ZoneInfo(time_zone)
        self.dialect = Dialect.duckdb(time_zone)
        self.connection = connect()
        self.views: dict[Source, tuple[Selection, Selection]] = {}
        self._queries: dict[object, Query] = {}
        self._memory = of_user()

    def evaluate(
        self, rules: Sequence[AlertRule], snapshots: Snapshots, at: datetime, active: Mapping[str, frozenset[Identity]] = NO_ACTIVE
    ) -> dict[str, RuleResult]:
        by_kind: defaultdict[str, list[AlertRule]] = defaultdict(list)
        for rule in rules:
            by_kind[rule.kind].append(rule)
        run = Run(self, snapshots, at)
        results = {result.rule: result for group in by_kind.values() for result in run.results(group, active)}
        return {rule.name: results[rule.name] for rule in rules}

    def verdicts(self, rules: Sequence[AlertRule], snapshots: Snapshots, at: datetime) -> pa.Table:
        """Rows of the rules' kind for which some rule is true or unknown, as columns: the key, ``store_id``, ``_as_of`` and a boolean for
        each rule, under its name. All rules are on one kind. Raises EvaluationError or SnapshotError."""
        run = Run(self, snapshots, at)
        table = run.fetch(run.verdict_query(rules, details=False))
        names = {f"verdict {i}": rule.name for i, rule in enumerate(rules)}
        return table.rename_columns([names.get(name, name) for name in table.column_names])

    def values(
        self, kind: str, node: Node, keys: Collection[tuple[str, ...]], snapshots: Snapshots, at: datetime
    ) -> dict[tuple[str, ...], Raw]:
        """The value of ``node`` at ``at`` for the rows of ``kind`` with these keys; rows that are not there are left out.

        Raises EvaluationError or SnapshotError.
        """
        return {key: value for key, (_, value) in Run(self, snapshots, at).values(kind, node, keys).items()}

    def known_values(
        self, kind: str, node: Node, keys: Collection[tuple[str, ...]], snapshots: Snapshots, at: datetime
    ) -> dict[tuple[str, ...], tuple[str, Raw]]:
        """As :meth:`values`, each with its row's store, of those stores that have fresh data of every kind that ``node`` reads."""
        run = Run(self, snapshots, at)
        fresh = run.fresh(kind, [node])
        return {key: (store, value) for key, (store, value) in run.values(kind, node, keys).items() if store in fresh}

    def query(self, key: object, make: Callable[[], Query]) -> Query:
        """The compiled query under ``key``, which tells all that it depends on beside the kinds of fact."""
        if key not in self._queries:
            self._queries[key] = self._remembered(self._memory, key, make) if self._memory else _compiled(make)
        return self._queries[key]

    def _remembered(self, memory: Memory, key: object, make: Callable[[], Query]) -> Query:
        """Compiling takes longer than evaluating: what was compiled before is remembered."""
        name = digest([self._surroundings, key])
        text = memory.made(name)
        if text is not None:
            return Query.from_json(text)
        query = _compiled(make)
        memory.note(name, query.to_json())
        return query

    @cached_property
    def _surroundings(self) -> str:
        """What all queries depend on."""
        return digest([self.schemas, self.dialect.time_zone, *map(version, ("ibis-framework", "sqlglot"))])


class Run:
    """One instant: which batches count, and their rows as views."""

    def __init__(self, matcher: Matcher, snapshots: Snapshots, at: datetime) -> None:
        self.matcher = matcher
        self.schemas = matcher.schemas
        self.snapshots = snapshots
        self.at = at
        self._current: dict[str, Selection] = {}
        self._ready: set[Source] = set()
        set_now(matcher.connection, at)

    def results(self, rules: Sequence[AlertRule], active: Mapping[str, frozenset[Identity]]) -> list[RuleResult]:
        """The results of rules on one kind: of all together, or, when that fails, of one after another."""
        try:
            return self._results(rules, active)
        except (EvaluationError, SnapshotError) as error:
            if len(rules) > 1:
                return [result for rule in rules for result in self.results([rule], active)]
            return [RuleResult(rules[0].name, error=error.text)]

    def _results(self, rules: Sequence[AlertRule], active: Mapping[str, frozenset[Identity]]) -> list[RuleResult]:
        kind = rules[0].kind
        table = self.fetch(self.verdict_query(rules, details=True))
        sight = Sight(
            tuple(rules),
            self.schemas[kind].key,
            table,
            tuple(self._with_evidence(rule, candidates(rule, i, table, self.schemas[kind].key)) for i, rule in enumerate(rules)),
            self.fetch(self._scope_query(rules)).to_pylist()[0],
            self._present(kind, [identity for rule in rules for identity in active.get(rule.name, ())]),
            self.current(kind).lost,
            tuple(self.deciding(rule) for rule in rules),
        )
        return sight.results(active)

    def _with_evidence(self, rule: AlertRule, found: Sequence[Candidate]) -> tuple[Candidate, ...]:
        """``found``, the first ``max_alerts`` of them with their evidence."""
        if rule.evidence is None or not found:
            return tuple(found)
        evidence, told = rule.evidence, found[: rule.max_alerts]
        query = self.matcher.query(("evidence", evidence), lambda: evidence_query(evidence, self.schemas, self.matcher.dialect))
        self.register_keys(["key"], {candidate.identity.key for candidate in told})
        return with_evidence(rule, found, evidence_by_key(evidence, self.schemas[evidence.kind], self.fetch(query)))

    def values(self, kind: str, node: Node, keys: Collection[tuple[str, ...]]) -> dict[tuple[str, ...], tuple[str, Raw]]:
        """For each key that has a row, the row's store and the value of ``node``."""
        names = self.schemas[kind].key
        self.register_keys(names, keys)
        query = self.matcher.query(("value", kind, node), lambda: value_query(kind, node, self.schemas, self.matcher.dialect))
        return {tuple(row[name] for name in names): (row[STORE], row["value"]) for row in self.fetch(query).to_pylist()}

    def register_keys(self, names: Sequence[str], keys: Collection[tuple[str, ...]]) -> None:
        """Makes ``keys`` readable as the table ``matched``."""
        columns = [pa.array(values, pa.string()) for values in zip(*keys, strict=True)]
        self.matcher.connection.register(MATCHED, pa.table(columns, names=list(names)))

    def provide(self, source: Source) -> None:
        """Tells that the rows of ``source`` are there already, under its name."""
        self._ready.add(source)

    def current(self, kind: str) -> Selection:
        if kind not in self._current:
            self._current[kind] = self.snapshots.current(kind, self.at, self.schemas[kind].fresh_for)
        return self._current[kind]

    def deciding(self, rule: AlertRule) -> Stores:
        """Stores with fresh data of every kind that decides the rule."""
        return self.fresh(rule.kind, rule.conditions)

    def fresh(self, kind: str, nodes: Iterable[Node]) -> Stores:
        """Stores with fresh data of ``kind`` and of every kind that ``nodes`` read."""
        known = ALL_STORES
        for read in kinds_read(kind, nodes, self.schemas):
            known &= self.current(read).stores
        return known

    def verdict_query(self, rules: Sequence[AlertRule], *, details: bool) -> Query:
        covers = self._covers(rules)
        key = ("verdicts", details, tuple(covers), tuple(structure(rule) for rule in rules))
        return self.matcher.query(key, lambda: verdict_query(rules, covers, self.schemas, self.matcher.dialect, details=details))

    def _scope_query(self, rules: Sequence[AlertRule]) -> Query:
        covers = self._covers(rules)
        key = ("scope", rules[0].kind, tuple(covers), tuple(rule.where for rule in rules))
        return self.matcher.query(key, lambda: scope_query(rules, covers, self.schemas, self.matcher.dialect))

    def _covers(self, rules: Sequence[AlertRule]) -> list[Cover | None]:
        """For each rule the column that tells which stores it knows; None when it knows all that have rows. Registers the table."""
        everyone = self.current(rules[0].kind).stores
        fresh = [self.deciding(rule) for rule in rules]
        partial = list(dict.fromkeys(known for known in fresh if everyone - known))
        if partial:
            names = sorted(frozenset[str]().union(*(known.names for known in partial)))
            columns = {f"known {i}": pa.array([name in known for name in names], pa.bool_()) for i, known in enumerate(partial)}
            self.matcher.connection.register(COVERAGE, pa.table({"covered": pa.array(names, pa.string()), **columns}))
        return [Cover(f"known {partial.index(known)}", known.inverted) if known in partial else None for known in fresh]

    def _present(self, kind: str, identities: Iterable[Identity]) -> frozenset[tuple[str, ...]]:
        """Those keys of the identities that have a current row."""
        keys = {identity.key for identity in identities}
        if not keys:
            return frozenset()
        names = self.schemas[kind].key
        self.register_keys(names, keys)
        query = self.matcher.query(("present", kind), lambda: present_query(kind, self.schemas, self.matcher.dialect))
        return frozenset(tuple(row.values()) for row in self.fetch(query).to_pylist())

    def fetch(self, query: Query) -> pa.Table:
        """The query's rows. Views are made anew only where other batches count than the last time."""
        try:
            for source in sorted(query.sources - self._ready, key=lambda source: source.name):
                self._prepare(source)
            return self.matcher.connection.sql(query.sql).to_arrow_table()
        except duckdb.Error as error:
            raise failed(error) from error

    def _prepare(self, source: Source) -> None:
        current = self.current(source.kind)
        wanted = (selected(self.snapshots, source, current, self.schemas[source.kind].fresh_for), current)
        if self.matcher.views.get(source) != wanted:
            create_view(self.matcher.connection, source, self.schemas[source.kind], self.matcher.zone, *wanted)
            self.matcher.views[source] = wanted
        self._ready.add(source)


def selected(snapshots: Snapshots, source: Source, current: Selection, fresh_for: timedelta) -> Selection:
    """The batches whose rows ``source`` stands for, where ``current`` are the current ones of its kind."""
    match source.role:
        case "current":
            return current
        case "previous":
            return snapshots.previous(current)
        case "ago":
            assert source.offset is not None  # noqa: S101  (every `ago` has one)
            return snapshots.at_offset(current, source.offset, fresh_for)
        case "history":
            return snapshots.history(current, source.offset)


def structure(rule: AlertRule) -> tuple[object, ...]:
    """All of a rule that its queries depend on."""
    return rule.kind, rule.where, rule.when, rule.severities, tuple(item.value for item in rule.show)


def _compiled(make: Callable[[], Query]) -> Query:
    try:
        return make()
    except IbisError as error:
        raise failed(error) from error


def failed(error: Exception) -> EvaluationError:
    """What a library could not do, as our own error."""
    reason = str(error).partition("\n")[0]
    return EvaluationError(Text(f"the database could not evaluate this: {reason}", f"数据库无法评估：{reason}"))
