"""Runs rule tests on the one path: their rows become batches, a round is evaluated over them, and what came of it is compared.

Nothing is imitated: batches are written by ingest's writer into a folder of their own, the round is
:func:`engine.pipeline.run_round`, its messages are rendered and delivered from the outbox. Only the instants are the test's, the state is
in memory, and the channels accept everything.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa

from engine.composing import written_plainly
from engine.errors import Text
from engine.facts import Facts
from engine.incidents import IncidentRule
from engine.ingest.coercion import AS_OF as INSTANT
from engine.ingest.coercion import LINE
from engine.ingest.staging import Stage
from engine.ingest.storing import Origin, Part, prepare, put_in_place
from engine.matching.evaluate import Matcher
from engine.matching.reads import kinds_read
from engine.matching.rows import Lookup
from engine.model import Alert, Notification
from engine.model import State as AlertState
from engine.outbox import deliver
from engine.pipeline import Round, run_round
from engine.project import Project
from engine.reasoning.correlate import Correlation
from engine.rules import AlertRule
from engine.ruletest.clauses import Looker, Truth, condition, leaves, sections
from engine.ruletest.comparing import Difference, Found, compare
from engine.ruletest.coverage import Coverage
from engine.ruletest.model import Given, GivenAlert, Key, RuleTest, Step
from engine.sending import Delivery, Outcome, Send
from engine.snapshots import Snapshots
from engine.state import Evaluation, State
from engine.state_tables import METADATA, VERSIONS

SCHEDULE = "test"
NO_LINES = pa.array([], pa.int32())


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a test ended: what differed, and where it stopped (a rule that could not be evaluated), if it did."""

    test: RuleTest
    differences: tuple[Difference, ...] = ()
    error: Text | None = None

    @property
    def passed(self) -> bool:
        return not self.differences and self.error is None


class _Accepting:
    """A channel that takes everything."""

    def session(self) -> AbstractContextManager[Send]:
        return nullcontext(self._send)

    @staticmethod
    def _send(_: Notification) -> Outcome:
        return Outcome(Delivery.DELIVERED, "test")


class Bench:
    """Runs tests of one project, one after another; compiled queries are shared. ``folder`` is a temporary one.

    With ``coverage`` every clause is looked at at every instant.
    """

    def __init__(self, project: Project, folder: Path, *, coverage: Coverage | None = None) -> None:
        self.project = project
        self.folder = folder
        self.coverage = coverage
        self.matcher = Matcher(project.facts.schemas, project.facts.time_zone)
        self.senders = dict.fromkeys(project.channels.channels, _Accepting())
        self.state = State.open("sqlite://")
        self._runs = 0

    def close(self) -> None:
        self.state.close()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, test: RuleTest) -> Verdict:
        """Run one test from an empty beginning. Raises StateError and SnapshotError where the machine fails, not the test."""
        self._runs += 1
        folder = self.folder / str(self._runs)
        self._forget()
        try:
            incident = next((rule for rule in self.project.incidents if rule.name == test.rule), None)
            if incident:
                return _IncidentRun(self, test, incident, Snapshots(folder)).verdict()
            return _Run(self, test, self.project.select([test.rule])[0], Snapshots(folder)).verdict()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def round(self, snapshots: Snapshots, at: datetime, rules: Sequence[AlertRule]) -> Round:
        """Evaluate at ``at``, and deliver what came of it."""
        here = (self.project, self.matcher, snapshots, self.state)
        done = run_round(*here, at, schedule=SCHEDULE, rules=rules, clock=lambda: at, write=written_plainly)
        deliver(self.state, self.senders, lambda: at, workers=1)
        return done

    def _forget(self) -> None:
        """All but the project's files, which stay the same."""
        with self.state.writing() as connection:
            for table in reversed(METADATA.sorted_tables):
                if table is not VERSIONS:
                    connection.execute(table.delete())


@dataclass
class _Run:
    """One test while it runs. ``stores`` are the rows of the rule's kind that were given so far, with their stores."""

    bench: Bench
    test: RuleTest
    rule: AlertRule
    snapshots: Snapshots
    stores: dict[Key, str] = field(default_factory=dict)

    def verdict(self) -> Verdict:
        found: list[Difference] = []
        for step in self.test.steps:
            for given in step.given:
                store_rows(given, self.bench.project.facts, self.snapshots.folder, self.test.file)
                self._note(given)
            done = self.bench.round(self.snapshots, step.at, (self.rule,))
            failed = [result for result in done.failed if result.error]
            if failed:
                return Verdict(self.test, tuple(found), failed[0].error)
            looker = Looker(self.bench.matcher, self.snapshots, step.at)
            found += self._compare(step, done, looker)
            if self.bench.coverage is not None:
                self._observe(self.bench.coverage, looker)
        return Verdict(self.test, tuple(found))

    def _note(self, given: Given) -> None:
        if given.kind == self.rule.kind:
            key = self.bench.project.facts.kinds[given.kind].key
            self.stores |= {tuple(str(row[name]) for name in key): str(row["store_id"]) for row in given.rows}

    def _compare(self, step: Step, done: Round, looker: Looker) -> Iterator[Difference]:
        alerts = self.bench.state.alerts([self.rule.name], resolved=True)
        found = Found(step, self.rule.name, self._held(done, looker), {identity.key: alert for identity, alert in alerts.items()}, done)
        for difference in compare(found, self.bench.project.facts.zone):
            yield self._explained(difference, looker) if difference.key else difference

    def _explained(self, difference: Difference, looker: Looker) -> Difference:
        """A difference with what the row's condition was made of."""
        schemas, key = self.bench.project.facts.schemas, difference.key
        kinds = kinds_read(self.rule.kind, [section.node for section in sections(self.rule)], schemas)
        current = {kind: self.snapshots.current(kind, looker.at, schemas[kind].fresh_for).stores for kind in sorted(kinds)}
        missing = tuple(kind for kind, stores in current.items() if self.stores.get(key) not in stores)
        return replace(difference, missing=missing, tree=looker.tree(self.rule, key))

    def _held(self, done: Round, looker: Looker) -> dict[Key, Truth]:
        """Whether the condition holds for each row given so far; unknown too where data of the row's store is stale."""
        holds, fresh = condition(self.rule), done.results[self.rule.name].fresh_stores
        truths = looker.truths(self.rule.kind, [holds], self.stores)
        return {key: truths.get(key, {}).get(holds, False) if store in fresh else None for key, store in self.stores.items()}

    def _observe(self, coverage: Coverage, looker: Looker) -> None:
        nodes = [leaf for section in sections(self.rule) for leaf in leaves(section.node)]
        for truths in looker.truths(self.rule.kind, nodes, self.stores).values():
            coverage.see(self.rule, truths)


@dataclass
class _IncidentRun:
    """One test of an incident rule: the alerts that it gives are put into the state, as if their rules had just found them."""

    bench: Bench
    test: RuleTest
    rule: IncidentRule
    snapshots: Snapshots

    def verdict(self) -> Verdict:
        found: list[Difference] = []
        for number, step in enumerate(self.test.steps):
            for given in step.given:
                store_rows(given, self.bench.project.facts, self.snapshots.folder, self.test.file)
            if step.alerts is not None:
                self._put(step.alerts, step.at, f"{SCHEDULE} {number}")
            done = self.bench.round(self.snapshots, step.at, ())
            result = done.results[self.rule.name]
            if result.error:
                return Verdict(self.test, tuple(found), result.error)
            known = {identity.key: alert for identity, alert in self.bench.state.alerts([self.rule.name], resolved=True).items()}
            held: dict[Key, Truth] = {identity.key: None for identity in result.unknown}
            found += compare(Found(step, self.rule.name, held, known, done), self.bench.project.facts.zone)
            if self.bench.coverage is not None:
                self._observe(self.bench.coverage, step.at)
        return Verdict(self.test, tuple(found))

    def _put(self, given: Iterable[GivenAlert], at: datetime, claim: str) -> None:
        """Make exactly these alerts fire; those that fired and are not among them are over."""
        firing = {alert.identity: _firing(alert, at) for alert in given}
        names = [rule.name for rule in self.bench.project.rules]
        over = {
            identity: replace(alert, state=AlertState.RESOLVED, resolved_at=at)
            for identity, alert in self.bench.state.alerts(names).items()
            if identity not in firing
        }
        self.bench.state.commit(Evaluation(claim, at, at, at, (), firing | over, (), (), ()))

    def _observe(self, coverage: Coverage, at: datetime) -> None:
        infos = self.bench.project.all_infos
        lookup = Lookup(self.bench.matcher, self.snapshots, at)
        correlation = Correlation(self.bench.project.reasoning, self.bench.state.alerts(), infos, lookup, every=True)
        coverage.see_incident(self.rule, {pattern.binding: correlation.rows(self.rule, pattern) for pattern in self.rule.patterns})


def _firing(given: GivenAlert, at: datetime) -> Alert:
    since = at - given.since
    return Alert(given.identity, given.store_id, AlertState.FIRING, given.severity, since, at, since, shown=given.shown)


def store_rows(given: Given, facts: Facts, folder: Path, source: str) -> None:
    """Write one export as a batch for all stores, as ingest does. Columns that no row has are not in it."""
    kind = facts.kinds[given.kind]
    work = folder / "_tmp"
    work.mkdir(parents=True, exist_ok=True)
    named = {name for row in given.rows for name in row} | {*kind.key, "store_id"}
    as_of = given.as_of.replace(tzinfo=None)
    stage = Stage(kind, tuple(name for name in kind.columns if name in named), work)
    stage.add(_frame(given, stage.schema.names, as_of))
    stage.close()
    batch = prepare(stage, Part(as_of, NO_LINES, 0), "*", Origin(source, "", given.as_of), folder)
    if not batch.already:
        put_in_place([(batch.temporary, batch.target)])


def _frame(given: Given, names: list[str], as_of: object) -> pd.DataFrame:
    columns: dict[str, pd.Series] = {}
    for name in names:
        cells = list(given.lines) if name == LINE else [row.get(name) for row in given.rows]
        columns[name] = pd.Series(cells, dtype=object)
    return pd.DataFrame(columns | {INSTANT: pd.Series([as_of] * len(given.rows), dtype=object)})
