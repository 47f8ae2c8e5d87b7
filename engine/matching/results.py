"""From columns to values: candidates and identities are made for matched rows only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import Text
from engine.matching.compile import EPOCH
from engine.matching.frames import AS_OF, AT, STORE
from engine.matching.numbers import ROUNDED_TO
from engine.model import Candidate, Identity, KindSchema, RuleResult, Severity, Shown, Stores, Type, Value
from engine.rules import AlertRule, Evidence, Labelled

COUNT = Text("count", "数量")
Key = tuple[str, ...]
Raw = str | int | float | Decimal | bool | datetime | date | None


@dataclass(frozen=True, slots=True)
class Sight:
    """What rules on one kind found at an instant, before it is known which identities anyone asks about.

    ``table`` are the rows of a verdict query, ``found`` the candidates of each rule, ``judged`` the row of a scope query. ``present`` are
    those of the keys asked about (``asked``) that have a row, ``lost`` the keys of rows that could not be read, ``fresh`` the stores
    each rule knows.
    """

    rules: tuple[AlertRule, ...]
    key: Sequence[str]
    table: pa.Table
    found: tuple[tuple[Candidate, ...], ...]
    judged: Mapping[str, int]
    present: frozenset[Key]
    lost: frozenset[Key]
    fresh: tuple[Stores, ...]
    asked: frozenset[Key] = frozenset()

    def knows(self, active: Mapping[str, frozenset[Identity]]) -> bool:
        """Whether it was asked about all of these identities, so that what is not ``present`` has no row."""
        return all(identity.key in self.asked for rule in self.rules for identity in active.get(rule.name, ()))

    def results(self, active: Mapping[str, frozenset[Identity]]) -> list[RuleResult]:
        """The result of each rule, for the ``active`` identities, by rule."""
        return [self._result(index, active.get(rule.name, frozenset())) for index, rule in enumerate(self.rules)]

    def _result(self, index: int, active: frozenset[Identity]) -> RuleResult:
        rule = self.rules[index]
        unsure = unknown(index, self.table)
        return RuleResult(
            rule=rule.name,
            candidates=self.found[index],
            unknown=_asked(rule, active, unsure, self.key) | _with_keys(active, self.lost - self.present),
            unknown_count=unsure.num_rows,
            fresh_stores=self.fresh[index],
            present=_with_keys(active, self.present),
            judged=self.judged.get(f"judged {index}", 0),
        )


def _with_keys(asked: Iterable[Identity], keys: frozenset[Key]) -> frozenset[Identity]:
    return frozenset(identity for identity in asked if identity.key in keys)


def _asked(rule: AlertRule, active: frozenset[Identity], rows: pa.Table, key: Sequence[str]) -> frozenset[Identity]:
    """The unknown identities that matter: the active ones, or all where the rule wants an alert for them."""
    if rule.info.unknown == "alert":
        return frozenset(identities(rule.name, rows, key))
    if not active or not rows.num_rows:
        return frozenset()
    maybe = pa.array({identity.key[0] for identity in active}, pa.string())
    return active.intersection(identities(rule.name, rows.filter(pc.is_in(rows.column(key[0]), maybe)), key))


def candidates(rule: AlertRule, index: int, table: pa.Table, key: Sequence[str]) -> list[Candidate]:
    """The matched rows of the ``index``-th rule of a verdict query, the most severe first."""
    return sorted(_candidates(rule, index, table.filter(table.column(f"verdict {index}")), key), key=_severe_first)


def candidates_by_instant(rule: AlertRule, index: int, table: pa.Table, key: Sequence[str]) -> dict[datetime, list[Candidate]]:
    """As :func:`candidates`, of a query over many instants."""
    matched = table.filter(table.column(f"verdict {index}"))
    found: defaultdict[datetime, list[Candidate]] = defaultdict(list)
    for at, candidate in zip(_column(matched, AT), _candidates(rule, index, matched, key), strict=True):
        found[_utc(at)].append(candidate)
    return {at: sorted(each, key=_severe_first) for at, each in found.items()}


def with_evidence(rule: AlertRule, found: Sequence[Candidate], rows: Mapping[str, tuple[tuple[Shown, ...], ...]]) -> tuple[Candidate, ...]:
    """``found``, the first ``max_alerts`` of them with their evidence, which is given by key."""
    supported = (replace(candidate, evidence=rows.get(candidate.identity.key[0], ())) for candidate in found[: rule.max_alerts])
    return (*supported, *found[rule.max_alerts :])


def _severe_first(candidate: Candidate) -> tuple[int, Key]:
    return -candidate.severity.rank, candidate.identity.key


def _candidates(rule: AlertRule, index: int, matched: pa.Table, key: Sequence[str]) -> list[Candidate]:
    severities = severities_of(rule, matched, index)
    shown = zip(*(_column(matched, f"show {index} {i}") for i in range(len(rule.show))), strict=True) if rule.show else [()] * len(matched)
    rows = zip(identities(rule.name, matched, key), _column(matched, STORE), severities, _column(matched, AS_OF), shown, strict=True)
    return [
        Candidate(identity, str(store), severity, _utc(as_of), shown_values(rule.show, values))
        for identity, store, severity, as_of, values in rows
    ]


def evidence_by_key(evidence: Evidence, schema: KindSchema, table: pa.Table) -> dict[str, tuple[tuple[Shown, ...], ...]]:
    """The rows of an evidence query, as labelled values, under the key that they speak for."""
    found: defaultdict[str, list[tuple[Shown, ...]]] = defaultdict(list)
    for row in table.to_pylist():
        shown = shown_values(evidence.show, [row[f"show {i}"] for i in range(len(evidence.show))])
        if evidence.group:
            column = schema.columns[evidence.group]
            label = column.title or Text.same(column.name)
            group = Shown(label, plain_value(row["group"], column.type), column.type, column.unit)
            shown = (group, *shown, Shown(COUNT, row["count"], Type.INTEGER))
        found[row["via"]].append(shown)
    return {key: tuple(rows) for key, rows in found.items()}


def severities_of(rule: AlertRule, matched: pa.Table, index: int) -> list[Severity]:
    """The first severity whose condition holds; the mildest where none does."""
    if not rule.severities:
        return [rule.info.severity] * len(matched)
    if f"severity {index}" not in matched.column_names:
        return [rule.severities[0][0]] * len(matched)
    mildest = min((severity for severity, _ in rule.severities), key=lambda severity: severity.rank)
    return [mildest if case is None else rule.severities[case][0] for case in matched.column(f"severity {index}").to_pylist()]


def identities(rule: str, table: pa.Table, key: Sequence[str]) -> list[Identity]:
    return [Identity(rule, tuple(map(str, values))) for values in zip(*(_column(table, name) for name in key), strict=True)]


def unknown(index: int, table: pa.Table) -> pa.Table:
    """The rows for which the ``index``-th rule's condition is unknown."""
    return table.filter(pc.is_null(table.column(f"verdict {index}")))


def shown_values(items: Sequence[Labelled], values: Iterable[Raw]) -> tuple[Shown, ...]:
    return tuple(
        Shown(item.label, plain_value(value, item.value.type), item.value.type, item.unit)
        for item, value in zip(items, values, strict=True)
    )


def plain_value(value: Raw, type_: Type) -> Value:
    """A cell as messages have it: whole numbers as int, exact decimals without trailing zeros, doubles rounded to nine digits,
    instants in UTC; None for a time too far away for a calendar."""
    match type_, value:
        case (_, str() | None):
            return value
        case (Type.TIMESTAMP, datetime()):
            return _utc(value)
        case (Type.TIMESTAMP, int() | float() | Decimal()):
            return _beyond(value)
        case (Type.DURATION, int() | float() | Decimal()):
            return _span(value)
        case (Type.INTEGER, int() | float() | Decimal()):
            return int(value)
        case (_, Decimal()):
            return without_zeros(value)
        case (_, float()):
            return round(value, ROUNDED_TO)
        case _:
            return value


def without_zeros(number: Decimal) -> Decimal:
    """4.700000 as 4.7, 100.0000 as 100."""
    text = f"{number:f}"
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)


def _span(micros: float | Decimal) -> timedelta | None:
    try:
        return timedelta(microseconds=int(micros))
    except OverflowError:
        return None


def _beyond(micros: float | Decimal) -> datetime | None:
    span = _span(micros)
    try:
        return None if span is None else EPOCH + span
    except OverflowError:
        return None


def _utc(moment: Raw) -> datetime:
    assert isinstance(moment, datetime)  # noqa: S101  (a TIMESTAMP column)
    return moment.replace(tzinfo=UTC)


def _column(table: pa.Table, name: str) -> list[Raw]:
    values: list[Raw] = table.column(name).to_pylist()
    return values
