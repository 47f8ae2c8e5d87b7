"""How values of each type stand in Arrow columns: in batches, and in tables that conditions are computed over beside them."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from engine.ingest.cells import DIGITS, SCALES
from engine.model import Type

INSTANT = pa.timestamp("us")
ARROW: Mapping[Type, pa.DataType] = {
    Type.STRING: pa.string(),
    Type.INTEGER: pa.int64(),
    Type.BOOLEAN: pa.bool_(),
    Type.TIMESTAMP: INSTANT,
    Type.DATE: pa.date32(),
    Type.DURATION: pa.int64(),
    **{type_: pa.decimal128(DIGITS, scale) for type_, scale in SCALES.items()},
}
