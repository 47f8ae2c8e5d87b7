"""YAML files with positions.

:func:`load` reads one file into plain values and remembers where each of them stands; :meth:`Document.validate` turns it into a
typed model and every mistake into a :class:`~engine.errors.Problem` with line and column. The package knows YAML and pydantic and
nothing of rules.
"""

from engine.yamlfile.document import Document
from engine.yamlfile.findings import BilingualError, cut_text_hint
from engine.yamlfile.reading import MAX_BYTES, MAX_DEPTH, load, loads
from engine.yamlfile.scalars import Mark, Path_, shown

__all__ = ["MAX_BYTES", "MAX_DEPTH", "BilingualError", "Document", "Mark", "Path_", "cut_text_hint", "load", "loads", "shown"]
