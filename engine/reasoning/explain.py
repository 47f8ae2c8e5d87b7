"""Why an incident is there or not: which rows each pattern found, and which pattern stands in the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from engine.correlation import Lack
from engine.incidents import IncidentRule, Pattern
from engine.model import Candidate, Identity, RuleResult
from engine.reasoning.correlate import Correlation, Scope, kinds_asked


class Verdict(StrEnum):
    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Part:
    """One pattern: whether it is as the rule asks (None: nobody can tell), the rows that it found (those of the match, when there is
    one), and what it lacks. ``role`` is ``all``, ``any``, ``none`` or ``also``."""

    role: str
    pattern: Pattern
    met: bool | None
    rows: tuple[str, ...]
    lack: Lack | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an incident rule is true, false or unknown for one key. ``result`` is that of the key alone; ``ways`` are the rule's, each with
    its patterns; ``stale`` the kinds that it reads and of which the store has no fresh data."""

    rule: IncidentRule
    identity: Identity
    verdict: Verdict
    result: RuleResult
    candidate: Candidate | None
    ways: tuple[tuple[Part, ...], ...]
    stale: tuple[str, ...] = ()


def explain(rule: IncidentRule, scope: Scope, correlation: Correlation, store_id: str = "") -> Explanation:
    """``store_id`` is the store that the incident was in, where the scope does not say it. Raises EvaluationError or SnapshotError when it
    cannot be told."""
    store = dict(zip(rule.scope, scope, strict=True)).get("store_id", store_id)
    identity = Identity(rule.name, scope)
    result = correlation.result(rule)
    candidate = next((each for each in result.candidates if each.identity == identity), None)
    bound = correlation.bound(rule, scope)
    lacks = correlation.lacks(rule, scope) if not result.error else {}
    ways = tuple(tuple(_parts(correlation, rule, number, scope, bound, lacks)) for number in range(len(rule.ways)))
    own = replace(result, candidates=(candidate,) if candidate else ())
    return Explanation(
        rule,
        identity,
        _verdict(result, candidate, identity, bool(bound), store, ways),
        own,
        candidate,
        ways,
        _stale(rule, correlation, store),
    )


def _stale(rule: IncidentRule, correlation: Correlation, store: str) -> tuple[str, ...]:
    schemas = correlation.lookup.matcher.schemas
    kinds = sorted(frozenset[str]().union(*(kinds_asked(pattern, schemas) for pattern in rule.patterns)))
    return tuple(kind for kind in kinds if store and store not in correlation.lookup.run.current(kind).stores)


def _verdict(
    result: RuleResult, candidate: Candidate | None, identity: Identity, matches: bool, store: str, ways: tuple[tuple[Part, ...], ...]
) -> Verdict:
    if result.error:
        return Verdict.FAILED
    if candidate:
        return Verdict.TRUE
    unsure = any(part.met is None for way in ways for part in way) or (store != "" and store not in result.fresh_stores)
    return Verdict.UNKNOWN if matches or unsure or identity in result.unknown else Verdict.FALSE


def _parts(
    correlation: Correlation,
    rule: IncidentRule,
    number: int,
    scope: Scope,
    bound: Mapping[str, object],
    lacks: Mapping[str, Lack],
) -> Iterator[Part]:
    for role, patterns in rule.ways[number].groups:
        for pattern in patterns:
            ids = correlation.rows_of(rule, pattern, scope)
            rows = tuple(sorted(correlation.called(pattern, name) for name in ids))
            lack = None if pattern.binding in bound else lacks.get(pattern.binding)
            yield Part(role, pattern, _met(role, ids, lack), rows, lack)


def _met(role: str, ids: Mapping[str, bool], lack: Lack | None) -> bool | None:
    if role == "also":
        return True
    if role == "none":
        return False if any(ids.values()) else None if ids else True
    return bool(ids) and lack is None
