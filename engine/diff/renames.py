"""Which rules are the same under another name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from engine.incidents import IncidentRule
from engine.project import Project
from engine.rules import AlertRule

Rule = AlertRule | IncidentRule


@dataclass(frozen=True, slots=True)
class Renamed:
    """A rule that was called ``before`` and is called ``after``. ``changed``: something beside its name is different, too."""

    before: str
    after: str
    changed: bool


def renames(base: Project, head: Project) -> tuple[Renamed, ...]:
    """Rules of ``base`` that ``head`` has under another name: first those that are equal in all but it, then those whose condition is.

    Where several rules would do, none is taken for another.
    """
    before, after = rules_of(base), rules_of(head)
    gone = {name: rule for name, rule in before.items() if name not in after}
    new = {name: rule for name, rule in after.items() if name not in before}
    found = [Renamed(*names, changed=False) for names in _matches(gone, new, _nameless)]
    taken = {name for one in found for name in (one.before, one.after)}
    gone, new = ({name: rule for name, rule in rules.items() if name not in taken} for rules in (gone, new))
    found += [Renamed(*names, changed=True) for names in _matches(gone, new, _condition)]
    return tuple(found)


def rules_of(project: Project) -> dict[str, Rule]:
    """All rules of a project by name."""
    rules: list[Rule] = [*project.rules, *project.incidents]
    return {rule.name: rule for rule in rules}


def changed_rules(base: Project, head: Project) -> frozenset[str]:
    """The names of rules that both have and that are not the same."""
    before, after = rules_of(base), rules_of(head)
    return frozenset(name for name, rule in after.items() if name in before and not same(rule, before[name]))


def same(one: Rule, other: Rule) -> bool:
    """Whether two rules say the same, under whatever names."""
    return _nameless(one) == _nameless(other)


def _nameless(rule: Rule) -> object:
    """The rule without what its name decides. The patterns of an incident rule count as written: the names and titles of all rules, which
    it is checked against, are not its own."""
    info = replace(rule.info, name="", template="")
    if isinstance(rule, AlertRule):
        return replace(rule, info=info)
    return replace(rule, info=replace(info, words={}), ways=()), _written(rule)


def _written(rule: IncidentRule) -> object:
    patterns = [(word, each) for way in rule.ways for word, group in way.groups for each in group]
    return [(word, each.binding, each.source, each.text, each.count, each.distinct) for word, each in patterns]


def _condition(rule: Rule) -> object:
    """What decides where it fires: for one without a condition of its own, nothing that is like another's."""
    if isinstance(rule, AlertRule):
        return (rule.kind, rule.when, rule.where)
    return (rule.scope, _written(rule))


def _matches(gone: Mapping[str, Rule], new: Mapping[str, Rule], essence: Callable[[Rule], object]) -> Iterator[tuple[str, str]]:
    """Pairs of names whose rules have the same essence, which no other rule on either side has."""
    essences = {name: essence(rule) for name, rule in new.items()}
    for name, rule in gone.items():
        wanted = essence(rule)
        alike = [other for other, its in essences.items() if its == wanted]
        if len(alike) == 1 and _only(wanted, (essence(other) for other in gone.values())):
            yield name, alike[0]


def _only(wanted: object, essences: Iterable[object]) -> bool:
    return sum(each == wanted for each in essences) == 1
