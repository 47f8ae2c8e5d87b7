"""Exports in, batches out: ``ingest`` reads what shops export and stores it as snapshots; ``prune`` ends their keeping.

The path of a row: :mod:`.readers` opens the file by what it is and gives rows of text; :mod:`.headings` tells which heading is which
column and which kinds the export holds; :mod:`.coercion` makes typed rows of them and tells what is bad (:mod:`.cells` reads one
cell); :mod:`.staging` finds repeated keys; :mod:`.storing` writes the batches and puts them in place; :mod:`.quarantine` lists what was
not taken.

The names are loaded when they are first asked for: pandas, pandera, DuckDB and the readers take a second, and a command line that
is wrong should be told so at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.ingest.cells import parse_instant
    from engine.ingest.ingesting import IngestReport, KindReport, ingest
    from engine.ingest.options import Options
    from engine.ingest.personal import personal_key
    from engine.ingest.pruning import Pruned, prune, remove_batch

_HOMES = {
    "IngestReport": "ingesting",
    "KindReport": "ingesting",
    "Options": "options",
    "Pruned": "pruning",
    "ingest": "ingesting",
    "parse_instant": "cells",
    "personal_key": "personal",
    "prune": "pruning",
    "remove_batch": "pruning",
}

__all__ = ["IngestReport", "KindReport", "Options", "Pruned", "ingest", "parse_instant", "personal_key", "prune", "remove_batch"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
