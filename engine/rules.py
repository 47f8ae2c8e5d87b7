"""Alert rules as the engine uses them, and how they are read from ``rules/*.yaml``."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import Text
from engine.language.typed import Node
from engine.model import RuleInfo, Severity


@dataclass(frozen=True, slots=True)
class Labelled:
    """An expression with the label it is shown under."""

    label: Text
    value: Node
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Related rows that a message lists: rows of ``kind`` whose column ``via`` holds the judged row's key.

    Without ``group``: the first ``top`` rows by ``order`` (missing last), each with ``show``. With ``group`` (a column of ``kind``): the
    ``top`` groups with most rows, shown as the group's value, the ``show`` of its first row, and the count.
    """

    kind: str
    via: str
    where: Node | None
    show: tuple[Labelled, ...]
    order: Node | None = None
    descending: bool = False
    group: str = ""
    top: int = 10


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One alert rule, checked. ``severities`` are tried in order; the first whose condition holds wins, None always holds."""

    info: RuleInfo
    kind: str
    when: Node
    where: Node | None = None
    severities: tuple[tuple[Severity, Node | None], ...] = ()
    show: tuple[Labelled, ...] = ()
    evidence: Evidence | None = None
    trend: Labelled | None = None
    max_alerts: int = 1000

    @property
    def name(self) -> str:
        return self.info.name
