"""Functions of DuckDB that Ibis has no word for, or spells otherwise than we need."""

# mypy: disable-error-code="empty-body, untyped-decorator"

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import ibis

UTC_TIMESTAMP = "timestamp('UTC')"


@ibis.udf.scalar.builtin(name="round", signature=(("float64", "int64"), "float64"))
def round_double(value: float, digits: int) -> float: ...


@ibis.udf.scalar.builtin(name="round", signature=(("decimal", "int64"), "decimal"))
def round_decimal(value: Decimal, digits: int) -> Decimal: ...


@ibis.udf.scalar.builtin(name="getvariable", signature=(("string",), "timestamp"))
def variable(variable: str) -> datetime: ...


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp"), UTC_TIMESTAMP))
def in_utc(zone: str, moment: datetime) -> datetime: ...


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", UTC_TIMESTAMP), "timestamp"))
def in_zone(zone: str, moment: datetime) -> datetime: ...


@ibis.udf.scalar.builtin(name="make_timestamp", signature=(("int64",), "timestamp"))
def from_micros(micros: int) -> datetime: ...
