"""What reading a test needs to know of the project: its facts, and of every rule no more than its :class:`Head`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.facts import Facts
from engine.incidents.rule import COUNT
from engine.model import RuleInfo, Shown, Type
from engine.project import Project
from engine.rules import Labelled


@dataclass(frozen=True, slots=True)
class Head:
    """A rule without its conditions. ``shown`` is what messages show, without values."""

    info: RuleInfo
    shown: tuple[Shown, ...]

    @property
    def kind(self) -> str:
        """The kind of fact that is judged; empty for incident rules."""
        return self.info.facts


@dataclass(frozen=True, slots=True)
class Heads:
    """``rules`` by name."""

    facts: Facts
    rules: Mapping[str, Head]


def heads_of(project: Project) -> Heads:
    alerts = {rule.name: Head(rule.info, _shown(rule.show)) for rule in project.rules}
    count = Shown(COUNT, None, Type.INTEGER)
    incidents = {rule.name: Head(rule.info, (*_shown(item for _, item in rule.show), count)) for rule in project.incidents}
    return Heads(project.facts, alerts | incidents)


def _shown(items: Iterable[Labelled]) -> tuple[Shown, ...]:
    return tuple(Shown(item.label, None, item.value.type) for item in items)
