"""What reading a test needs to know of the project: its facts, and of every rule no more than its :class:`Head`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.facts import Facts
from engine.incidents.rule import COUNT
from engine.model import RuleInfo, Shown, Type
from engine.project import Project


@dataclass(frozen=True, slots=True)
class Head:
    """A rule without its conditions. ``kind`` is None for incident rules; ``shown`` is what messages show, without values."""

    info: RuleInfo
    kind: str | None
    shown: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Heads:
    """``rules`` by name."""

    facts: Facts
    rules: Mapping[str, Head]


def heads_of(project: Project) -> Heads:
    alerts = {
        rule.name: Head(rule.info, rule.kind, tuple(Shown(item.label, None, item.value.type) for item in rule.show))
        for rule in project.rules
    }
    count = Shown(COUNT, None, Type.INTEGER)
    incidents = {
        rule.name: Head(rule.info, None, (*(Shown(item.label, None, item.value.type) for _, item in rule.show), count))
        for rule in project.incidents
    }
    return Heads(project.facts, alerts | incidents)
