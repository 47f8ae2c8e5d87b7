"""Exports in, batches out: ``ingest`` reads what shops export and stores it as snapshots; ``prune`` ends their keeping.

The path of a row: :mod:`.readers` opens the file by what it is and gives rows of text; :mod:`.headings` tells which heading is which
column and which kinds the export holds; :mod:`.coercion` makes typed rows of them and tells what is bad (:mod:`.cells` reads one
cell); :mod:`.staging` finds repeated keys; :mod:`.storing` writes the batches and puts them in place; :mod:`.quarantine` lists what was
not taken.
"""

from engine.ingest.ingesting import IngestReport, KindReport, Options, ingest, parse_instant
from engine.ingest.personal import personal_key
from engine.ingest.pruning import Pruned, prune

__all__ = ["IngestReport", "KindReport", "Options", "Pruned", "ingest", "parse_instant", "personal_key", "prune"]
