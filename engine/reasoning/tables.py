"""Alerts as a table, so that conditions on them are computed as those on facts are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa

from engine.ingest.columns import ARROW, INSTANT
from engine.language.typed import Across, ColumnRef, History, Node, Related, RowMissing
from engine.language.walk import walk
from engine.matching.frames import AS_OF
from engine.model import Alert, ColumnSchema, KindSchema, RuleInfo, Type, Value
from engine.routing import labels_of

Read = Callable[[Alert], Value]


def alert_table(schema: KindSchema, alerts: Sequence[Alert], infos: Mapping[str, RuleInfo], read: Collection[str]) -> pa.Table:
    """A row for each alert, with the columns of ``schema`` and ``_as_of``. Columns that are neither ``read`` nor the key hold nothing."""
    needed = {*read, *schema.key}
    labels = [labels_of(alert, infos[alert.identity.rule]) for alert in alerts] if needed - _OWN.keys() else []
    columns = {
        name: pa.array([_cell(value, column.type) for value in _values(column, alerts, labels)], ARROW[column.type])
        if name in needed
        else pa.nulls(len(alerts), ARROW[column.type])
        for name, column in schema.columns.items()
    }
    return pa.table({**columns, AS_OF: pa.array([_naive(alert.last_true) for alert in alerts], INSTANT)})


def columns_read(nodes: Iterable[Node], schema: KindSchema) -> Collection[str]:
    """The columns of a row that ``nodes`` read, all where they look further than the row and those that it refers to."""
    found: set[str] = set()
    for node in (each for outer in nodes for each in walk(outer)):
        match node:
            case ColumnRef(path=path, column=column):
                found.add(path[0] if path else column)
            case RowMissing(path=path):
                found.add(path[0])
            case History() | Related() | Across():
                return schema.columns.keys()
    return found


def _values(column: ColumnSchema, alerts: Sequence[Alert], labels: Sequence[Mapping[str, str]]) -> Iterable[Value]:
    if column.name in _OWN:
        return map(_OWN[column.name], alerts)
    pairs = zip(alerts, labels, strict=True)
    return (known[column.name] if column.name in known else _shown(alert, column) for alert, known in pairs)


_OWN: Mapping[str, Read] = {
    "alert_id": lambda alert: alert.identity.fingerprint,
    "name": lambda alert: alert.identity.rule,
    "store_id": lambda alert: alert.store_id,
    "severity": lambda alert: alert.severity.value,
    "started_at": lambda alert: alert.firing_since,
}


def _shown(alert: Alert, column: ColumnSchema) -> Value:
    """The value that the alert's message shows under the column's name, if it has the column's type."""
    names = {column.name, *column.names}
    return next((item.value for item in alert.shown if item.type is column.type and names & {item.label.zh, item.label.en}), None)


def _cell(value: Value, type_: Type) -> object:
    """``value`` as the table has it; None where the column's type cannot hold it."""
    match value:
        case timedelta():
            return value // timedelta(microseconds=1)
        case datetime():
            return _naive(value)
        case date() | bool() | str() | None:
            return value
        case _ if type_ in (Type.INTEGER, Type.DURATION):
            return int(value)
        case _:
            return _decimal(Decimal(str(value)), ARROW[type_].scale)


def _decimal(number: Decimal, scale: int) -> Decimal | None:
    return round(number, scale) if abs(number) < Decimal(10) ** (18 - scale) else None


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
