"""Incident rules: what they are, and how ``rules/*.yaml`` becomes them.

An incident rule joins alerts (and facts of the same store) into what only their combination shows. It is read and checked here;
:mod:`engine.reasoning` asks who matches, by :mod:`engine.correlation`.
"""

from engine.incidents.reading import read_incidents
from engine.incidents.rule import Alternative, Given, IncidentRule, Link, Pattern, Way

__all__ = ["Alternative", "Given", "IncidentRule", "Link", "Pattern", "Way", "read_incidents"]
