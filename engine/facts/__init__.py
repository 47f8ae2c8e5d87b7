"""Fact kinds: what ``facts.yaml`` declares, read, merged with what it extends, and checked.

A file may extend another (``extends: ../facts.yaml``): kinds and columns are merged, aliases and values are added, everything else
is replaced. :func:`load_facts` gives the frozen :class:`Facts` that the rest of the engine uses; its mistakes are problems with places.
"""

from engine.facts.kinds import Alias, Column, Facts, Kind, normal_heading
from engine.facts.reading import FactsFile, load_facts

__all__ = ["Alias", "Column", "Facts", "FactsFile", "Kind", "load_facts", "normal_heading"]
