"""One query of some rules on one kind over many instants."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from engine.archive import Archive
from engine.matching.evaluate import Matcher, failed, selected, structure
from engine.matching.frames import AT, Source
from engine.matching.queries import COVERAGE, MATCHED, OTHERS, Cover, Query, evidence_query, present_query, scope_query, verdict_query
from engine.matching.reads import kinds_read
from engine.matching.results import Sight, candidates_by_instant, evidence_by_key, with_evidence
from engine.matching.sources import connect, naive
from engine.matching.spans import Chosen, create_span_view
from engine.model import ALL_STORES, Candidate, Stores
from engine.rules import AlertRule
from engine.snapshots import Selection

AXIS = (AT,)
MOMENT = pa.timestamp("us")
Key = tuple[str, ...]


class Span:
    """Holds a DuckDB in memory; the compiled queries are the matcher's."""

    def __init__(self, matcher: Matcher) -> None:
        self.matcher = matcher
        self.connection = connect()

    def look(
        self, rules: Sequence[AlertRule], archive: Archive, instants: Sequence[datetime], asked: Collection[Key]
    ) -> dict[datetime, Sight]:
        """What the rules, all on one kind, see at each of the ``instants``. ``asked`` are keys of identities that may be asked about,
        besides those that are found. Raises :class:`~engine.errors.EvaluationError` or :class:`~engine.errors.SnapshotError`."""
        return _Look(self, tuple(rules), archive, tuple(instants)).sights(asked)


class _Look:
    def __init__(self, span: Span, rules: tuple[AlertRule, ...], archive: Archive, instants: tuple[datetime, ...]) -> None:
        self.span, self.rules, self.archive, self.instants = span, rules, archive, instants
        self.schemas, self.dialect = span.matcher.schemas, span.matcher.dialect
        self.kind = self.schemas[rules[0].kind]
        self._decided_by = {rule.name: kinds_read(rule.kind, rule.conditions, self.schemas) for rule in rules}
        self._ready: set[Source] = set()

    def sights(self, asked: Collection[Key]) -> dict[datetime, Sight]:
        fresh = {read: {at: self._fresh(read, at) for at in self.instants} for read in set(self._decided_by.values())}
        covers = self._covers(fresh)
        key = (tuple(covers), tuple(structure(rule) for rule in self.rules))
        table = self._fetch(
            ("verdicts", *key), lambda: verdict_query(self.rules, covers, self.schemas, self.dialect, details=True, axis=AXIS)
        )
        counts = self._fetch(("scope", *key), lambda: scope_query(self.rules, covers, self.schemas, self.dialect, AXIS))
        judged = {_utc(row[AT]): row for row in counts.to_pylist()}
        found = [self._with_evidence(rule, candidates_by_instant(rule, i, table, self.kind.key)) for i, rule in enumerate(self.rules)]
        keys = frozenset({*asked, *_keys(found), *self._unsure(table)})
        present = self._present(keys)
        rows = _by_instant(table)
        nothing = table.slice(0, 0)
        return {
            at: Sight(
                self.rules,
                self.kind.key,
                rows.get(at, nothing),
                tuple(each.get(at, ()) for each in found),
                judged.get(at, {}),
                present.get(at, frozenset()),
                self._current(self.kind.name, at).lost,
                tuple(fresh[self._decided_by[rule.name]][at] for rule in self.rules),
                keys,
            )
            for at in self.instants
        }

    def _unsure(self, table: pa.Table) -> set[Key]:
        """The keys of rows that are unknown, where a rule makes alerts of them."""
        if all(rule.info.unknown != "alert" for rule in self.rules):
            return set()
        return set(zip(*(table.column(name).to_pylist() for name in self.kind.key), strict=True))

    def _with_evidence(self, rule: AlertRule, found: Mapping[datetime, Sequence[Candidate]]) -> dict[datetime, tuple[Candidate, ...]]:
        if rule.evidence is None or not found:
            return {at: tuple(each) for at, each in found.items()}
        evidence = rule.evidence
        wanted = {(candidate.identity.key[0], naive(at)) for at, each in found.items() for candidate in each[: rule.max_alerts]}
        keys, ats = zip(*wanted, strict=True)
        self._register(MATCHED, {"key": pa.array(keys, pa.string()), f"key {AT}": pa.array(ats, MOMENT)})
        rows = self._fetch(("evidence", evidence), lambda: evidence_query(evidence, self.schemas, self.dialect, AXIS))
        schema = self.schemas[evidence.kind]
        told = {at: evidence_by_key(evidence, schema, each) for at, each in _by_instant(rows).items()}
        return {at: with_evidence(rule, each, told.get(at, {})) for at, each in found.items()}

    def _present(self, keys: Collection[Key]) -> dict[datetime, frozenset[Key]]:
        """Those of the keys that have a row at each instant."""
        if not keys:
            return {}
        names = self.kind.key
        columns = zip(names, zip(*keys, strict=True), strict=True)
        self._register(MATCHED, {name: pa.array(values, pa.string()) for name, values in columns})
        kind = self.kind.name
        table = self._fetch(("present", kind), lambda: present_query(kind, self.schemas, self.dialect, AXIS))
        there = {at: zip(*(rows.column(name).to_pylist() for name in names), strict=True) for at, rows in _by_instant(table).items()}
        return {at: frozenset(keys) for at, keys in there.items()}

    def _covers(self, fresh: Mapping[frozenset[str], Mapping[datetime, Stores]]) -> list[Cover | None]:
        """For each rule the column that tells which stores it knows; None when it knows all that have rows, at every instant."""
        partial = [read for read in sorted(fresh, key=sorted) if any(self._everyone(at) - known for at, known in fresh[read].items())]
        if partial:
            self._register_coverage([fresh[read] for read in partial])
        reads = [self._decided_by[rule.name] for rule in self.rules]
        return [Cover(f"known {partial.index(read)}", None) if read in partial else None for read in reads]

    def _register_coverage(self, known: Sequence[Mapping[datetime, Stores]]) -> None:
        """For each instant the stores that are known, or not, unlike all others; and what holds for the others."""
        listed: list[tuple[datetime, str, list[bool | None]]] = []
        others: list[list[bool]] = []
        for at in self.instants:
            apart = [_told_apart(self._everyone(at), each[at]) for each in known]
            others.append([rest for _, rest in apart])
            for store in sorted(frozenset[str]().union(*(names for names, _ in apart))):
                listed.append((naive(at), store, [not rest if store in names else None for names, rest in apart]))
        columns = {f"known {n}": pa.array([flags[n] for *_, flags in listed], pa.bool_()) for n in range(len(known))}
        stores = {"covered": pa.array([store for _, store, _ in listed], pa.string())}
        self._register(COVERAGE, {f"covered {AT}": pa.array([at for at, *_ in listed], MOMENT), **stores, **columns})
        rest = {f"other known {n}": pa.array([flags[n] for flags in others], pa.bool_()) for n in range(len(known))}
        self._register(OTHERS, {"others at": pa.array([naive(at) for at in self.instants], MOMENT), **rest})

    def _everyone(self, at: datetime) -> Stores:
        """The stores that have rows of the kind that is judged."""
        return self._current(self.kind.name, at).stores

    def _fresh(self, kinds: Iterable[str], at: datetime) -> Stores:
        known = ALL_STORES
        for kind in kinds:
            known &= self._current(kind, at).stores
        return known

    def _current(self, kind: str, at: datetime) -> Selection:
        return self.archive.current(kind, at, self.schemas[kind].fresh_for)

    def _register(self, name: str, columns: Mapping[str, pa.Array]) -> None:
        self.span.connection.register(name, pa.table(dict(columns)))

    def _fetch(self, key: object, make: Callable[[], Query]) -> pa.Table:
        query = self.span.matcher.query(("span", key), make)
        try:
            for source in sorted(query.sources - self._ready, key=lambda source: source.name):
                self._prepare(source)
            return self.span.connection.sql(query.sql).to_arrow_table()
        except duckdb.Error as error:
            raise failed(error) from error

    def _prepare(self, source: Source) -> None:
        schema = self.schemas[source.kind]
        currents = [(at, self._current(source.kind, at)) for at in self.instants]
        known: dict[int, Selection] = {}  # at many instants the very same batches are current
        for _, current in currents:
            if id(current) not in known:
                known[id(current)] = selected(self.archive, source, current, schema.fresh_for)
        chosen = [Chosen(at, known[id(current)], current) for at, current in currents]
        create_span_view(self.span.connection, source, schema, self.span.matcher.zone, chosen)
        self._ready.add(source)


def _told_apart(everyone: Stores, known: Stores) -> tuple[frozenset[str], bool]:
    """The stores among ``everyone`` to be listed, and whether those that are not listed are known."""
    unknown = everyone - known
    return (unknown.names, True) if not unknown.inverted else (known.names, False)


def _keys(found: Iterable[Mapping[datetime, Sequence[Candidate]]]) -> set[Key]:
    return {candidate.identity.key for each in found for candidates in each.values() for candidate in candidates}


def _by_instant(table: pa.Table) -> dict[datetime, pa.Table]:
    """The rows of each instant, in their order."""
    if not table.num_rows:
        return {}
    table = table.take(pc.sort_indices(table.column(AT)))  # which keeps the order of equals
    runs = pc.run_end_encode(table.column(AT).combine_chunks())
    starts = [0, *runs.run_ends.to_pylist()]
    return {_utc(at): table.slice(start, end - start) for at, start, end in zip(runs.values.to_pylist(), starts, starts[1:], strict=False)}


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
