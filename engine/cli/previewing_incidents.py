"""What previews of incident rules are made of: an incident that is there by the alerts that fire, or one made up of the rule's patterns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from engine.cli.explain import select
from engine.cli.previewing import Rows, Source, examples, made_of
from engine.errors import EvaluationError, Text, UsageError, did_you_mean
from engine.incidents import IncidentRule, Pattern
from engine.incidents.rule import ALERT, COUNT, INCIDENT
from engine.matching.evaluate import Matcher
from engine.matching.rows import Lookup
from engine.model import Alert, Candidate, Identity, Member, Message, RuleInfo, Shown, State, Trend, Type
from engine.project import Project
from engine.reasoning.correlate import Correlation, line_about
from engine.rules import AlertRule
from engine.snapshots import Snapshots
from engine.specimens import AT, specimens
from engine.state import State as Database
from engine.state import firing_at


@dataclass(frozen=True)
class Incidents:
    """The incidents of one rule."""

    project: Project
    rule: IncidentRule
    at: datetime

    @property
    def info(self) -> RuleInfo:
        return self.rule.info

    @cached_property
    def infos(self) -> dict[str, RuleInfo]:
        return self.project.all_infos

    def first(self, state: Database | None) -> tuple[Candidate | None, Text]:
        found = self._found(state)
        if not found:
            text = Text(
                "no such incident is there by the alerts that fire at this instant: the values are made up",
                "按这一时刻的告警没有这种事件：数值是虚构的",
            )
            return None, text
        return found[0], made_of(found[0].identity, len(found))

    def asked(self, key: tuple[str, ...], state: Database | None) -> tuple[Candidate, Text]:
        found = {candidate.identity.key: candidate for candidate in self._found(state)}
        if key in found:
            return found[key], made_of(found[key].identity)
        asked = "/".join(key)
        hint = did_you_mean(asked, map("/".join, found)) or Text(
            f"storewatch explain {self.rule.name} tells what is missing; without --key an example is made up",
            f"storewatch explain {self.rule.name} 说明缺什么；不写 --key 则用虚构的数值",
        )
        raise UsageError(Text(f"there is no such incident of '{asked}' at this instant", f"这一时刻 '{asked}' 没有这个事件"), hint)

    def picture(self, key: tuple[str, ...]) -> bytes:
        return b""

    def trend(self, key: tuple[str, ...]) -> Trend | None:
        return None

    def _found(self, state: Database | None) -> tuple[Candidate, ...]:
        alerts = firing_at(state, self.at) if state else {}
        matcher = Matcher(self.project.facts.schemas, self.project.facts.time_zone)
        lookup = Lookup(matcher, Snapshots(self.project.snapshots), self.at)
        result = Correlation(self.project.reasoning, alerts, self.infos, lookup).result(self.rule)
        if result.error:
            raise EvaluationError(result.error)
        return result.candidates

    def made_up(self, event: str) -> Message:
        """An incident of every pattern of the rule's first way, each with an alert of the first rule that it names."""
        message = specimens(self.info)[event]
        item = message.items[0]
        way = self.rule.ways[0]
        patterns = (*way.all, *way.any[:1], *way.also[:1])
        alerts = list({alert.identity: alert for pattern in patterns for alert in self._alerts(pattern)}.values())
        labelled = examples(tuple(shown for _, shown in self.rule.show))
        shown = (*labelled, Shown(COUNT, len(alerts), Type.INTEGER))
        alert = replace(
            item.transition.alert,
            identity=Identity(self.rule.name, tuple("1001" if name == "store_id" else "P1" for name in self.rule.scope)),
            shown=shown,
            evidence=tuple(line_about(alert, self.infos) for alert in alerts),
            members=tuple(Member(alert.identity, "") for alert in alerts),
            acknowledged_by="",
        )
        current = shown if event == "resolved" else ()
        made = replace(item, transition=replace(item.transition, alert=alert), trend=None, current=current, before=())
        return replace(message, items=(made,))

    def _alerts(self, pattern: Pattern) -> Iterator[Alert]:
        """As many alerts as the pattern asks for, of the rules that it names, else of the most severe ones."""
        rules: list[AlertRule | IncidentRule] = [*self.project.rules, *self.project.incidents]
        named = [rule for rule in rules if rule.name in pattern.rules] if pattern.rules else self._worst()
        for rule in named[: pattern.count] if pattern.source in (ALERT, INCIDENT) else ():
            shown = examples(rule.show) if isinstance(rule, AlertRule) else ()
            key = tuple("1001" if name == "store_id" else "P1" for name in rule.info.key)
            began = AT - timedelta(hours=9)
            yield Alert(Identity(rule.name, key), "1001", State.FIRING, rule.info.severity, began, AT, firing_since=began, shown=shown)

    def _worst(self) -> list[AlertRule | IncidentRule]:
        return sorted(self.project.rules, key=lambda rule: -rule.info.severity.rank)


def source_of(project: Project, name: str, at: datetime) -> tuple[Source, tuple[str, ...], str]:
    """What previews of the rule called ``name`` are made of, its key columns, and what they identify. Raises UsageError."""
    incident = next((each for each in project.incidents if each.name == name), None)
    if incident:
        return Incidents(project, incident, at), incident.scope, name
    rule = select(project, name)
    return Rows(project, rule, at), project.facts.schemas[rule.kind].key, rule.kind
