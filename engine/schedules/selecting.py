"""Which rules a schedule evaluates: those it names, of them those whose labels fit its ``match``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from engine.errors import Problem, ProblemsFound, Text, did_you_mean
from engine.rules import AlertRule
from engine.schedules.model import Schedule, Schedules
from engine.yamlfile import Document, Path_

ALL = "all"
TAKEN = ("manual", "dispatch")
"""Under these names, and some with a colon, storewatch notes what it did itself: `storewatch run`, what was told between evaluations."""
OWN_LABELS = ("alert", "severity", "owner", "area", "facts")


@dataclass(frozen=True, slots=True)
class Known:
    """What schedules may speak of. ``rules`` are the names that are written somewhere; ``sound`` are the rules, None when some could not be
    read, so that nobody knows all labels; ``intervals`` are the names of time intervals, None when those could not be read."""

    rules: Collection[str]
    sound: tuple[AlertRule, ...] | None = None
    intervals: Collection[str] | None = None
    labels: Mapping[str, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        found: dict[str, set[str]] = {name: set() for name in OWN_LABELS}
        for rule in self.sound or ():
            for labels in labels_of(rule):
                for name, value in labels.items():
                    found.setdefault(name, set()).add(value)
        object.__setattr__(self, "labels", {name: frozenset(values) for name, values in found.items()})


def selected(schedule: Schedule, rules: Iterable[AlertRule]) -> tuple[AlertRule, ...]:
    """Of ``rules`` those that the schedule evaluates, in their order."""
    named = [rule for rule in rules if ALL in schedule.rules or rule.name in schedule.rules]
    return tuple(rule for rule in named if any(_fits(schedule, labels) for labels in labels_of(rule)))


def labels_of(rule: AlertRule) -> Iterator[dict[str, str]]:
    """The labels that alerts of the rule have, once for each severity that they may have; ``facts`` is the kind of row that it judges."""
    severities = {severity for severity, _ in rule.severities} or {rule.info.severity}
    for severity in sorted(severities):
        own = {"alert": rule.name, "severity": severity.value, "owner": rule.info.owner, "area": rule.info.area, "facts": rule.kind}
        yield {**rule.info.labels, **own}


def check_schedules(document: Document, found: Schedules, known: Known) -> None:
    """Raises :class:`ProblemsFound` with every name, label and time interval that is not there."""
    problems = [
        problem for name, schedule in found.schedules.items() for problem in _problems(document, ("schedules", name), schedule, known)
    ]
    if problems:
        raise ProblemsFound(problems)


def _fits(schedule: Schedule, labels: Mapping[str, str]) -> bool:
    return all(matcher.matches(labels) for matcher in schedule.match)


def _problems(document: Document, path: Path_, schedule: Schedule, known: Known) -> Iterator[Problem]:
    yield from _reserved_name(document, path)
    unknown = [*_unknown_rules(document, path, schedule, known.rules), *_unknown_labels(document, path, schedule, known)]
    yield from unknown
    yield from _unknown_intervals(document, path, schedule, known.intervals)
    if schedule.match and known.sound is not None and not unknown and not selected(schedule, known.sound):
        text = Text("no rule fits: nothing would be evaluated", "没有规则符合：什么都不会检查")
        yield document.problem((*path, "match"), "selects_nothing", text, Text("all conditions must hold", "所有条件要同时满足"))


def _reserved_name(document: Document, path: Path_) -> Iterator[Problem]:
    name = str(path[-1])
    if name in TAKEN or ":" in name:
        text = Text(f"'{name}' cannot be the name of a schedule: storewatch uses it itself", f"时间表不能叫 '{name}'：这个名称巡店自己要用")
        yield document.problem(
            path, "reserved_name", text, Text("give it another name, without a colon", "请换一个名称，不要带冒号"), key=True
        )


def _unknown_rules(document: Document, path: Path_, schedule: Schedule, rules: Collection[str]) -> Iterator[Problem]:
    for index, rule in enumerate(schedule.rules):
        if rule != ALL and rule not in rules:
            text = Text(f"there is no rule '{rule}'", f"没有名为 '{rule}' 的规则")
            hint = did_you_mean(rule, rules) or _listed([ALL, *rules])
            yield document.problem((*path, "rules", index), "unknown_rule", text, hint)


def _unknown_labels(document: Document, path: Path_, schedule: Schedule, known: Known) -> Iterator[Problem]:
    for index, matcher in enumerate(schedule.match if known.sound is not None else ()):
        place = (*path, "match", index)
        if matcher.label not in known.labels:
            text = Text(f"no rule has the label '{matcher.label}'", f"没有规则带标签 '{matcher.label}'")
            hint = did_you_mean(matcher.label, known.labels) or _listed(sorted(known.labels))
            yield document.problem(place, "unknown_label", text, hint)
        elif matcher.operator == "=" and matcher.value and matcher.value not in (values := known.labels[matcher.label]):
            en, zh = f"no rule has {matcher.label} '{matcher.value}'", f"没有规则的 {matcher.label} 是 '{matcher.value}'"
            hint = did_you_mean(matcher.value, values) or _listed(sorted(values))
            yield document.problem(place, "unknown_label_value", Text(en, zh), hint)


def _unknown_intervals(document: Document, path: Path_, schedule: Schedule, intervals: Collection[str] | None) -> Iterator[Problem]:
    for index, name in enumerate(schedule.blackout if intervals is not None else ()):
        if name not in (intervals or ()):
            text = Text(f"there is no time interval '{name}'", f"没有名为 '{name}' 的时间段")
            where = Text("name it in channels.yaml, under time_intervals", "请在 channels.yaml 的 time_intervals 下定义")
            yield document.problem((*path, "blackout", index), "unknown_interval", text, did_you_mean(name, intervals or ()) or where)


def _listed(names: Collection[str]) -> Text | None:
    return Text(f"use {', '.join(names)}", f"可以写：{'、'.join(names)}") if 0 < len(names) <= 20 else None
