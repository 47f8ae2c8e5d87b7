"""From columns to values: candidates and identities are made for matched rows only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import Text
from engine.matching.compile import EPOCH
from engine.matching.frames import AS_OF, STORE
from engine.matching.numbers import ROUNDED_TO
from engine.model import Candidate, Identity, KindSchema, Severity, Shown, Type, Value
from engine.rules import AlertRule, Evidence, Labelled

COUNT = Text("count", "数量")
Raw = str | int | float | Decimal | bool | datetime | date | None


def candidates(rule: AlertRule, index: int, table: pa.Table, key: Sequence[str]) -> list[Candidate]:
    """The matched rows of the ``index``-th rule of a verdict query, the most severe first."""
    matched = table.filter(table.column(f"verdict {index}"))
    severities = severities_of(rule, matched, index)
    shown = zip(*(_column(matched, f"show {index} {i}") for i in range(len(rule.show))), strict=True) if rule.show else [()] * len(matched)
    rows = zip(identities(rule.name, matched, key), _column(matched, STORE), severities, _column(matched, AS_OF), shown, strict=True)
    found = [
        Candidate(identity, str(store), severity, _utc(as_of), shown_values(rule.show, values))
        for identity, store, severity, as_of, values in rows
    ]
    return sorted(found, key=lambda candidate: (-candidate.severity.rank, candidate.identity.key))


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
