"""Whether two messages say the same. Only where they could differ are they written and compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from engine.diff.alerts import BASE, HEAD, now_called
from engine.diff.renames import Rule, rules_of, same
from engine.matching.evaluate import Matcher
from engine.model import Alert, Identity, Rendered
from engine.project import Project
from engine.replay import Clerk, Sent
from engine.snapshots import Snapshots

MOST_WRITTEN = 2_000
"""Pairs of messages that are written to be compared; of more, what they are made of is."""


@dataclass
class Texts:
    """Compares messages of an older and a newer project over the same snapshots. ``called`` are the new names of renamed rules: a rule's
    own name in a message is no difference. ``complete`` tells whether all that could differ were written."""

    projects: tuple[Project, Project]
    snapshots: Snapshots
    called: Mapping[str, str]
    complete: bool = field(default=True, init=False)
    _written: int = field(default=0, init=False)

    def same(self, old: Sent, new: Sent) -> bool:
        alike = self._essence(old, self.called) == self._essence(new, {})
        if alike and self._templates_alike(old) and all(self._rule_alike(identity.rule) for identity in old.told):
            return True
        if self._written >= MOST_WRITTEN:
            self.complete = False
            return alike
        self._written += 1
        return self._read(BASE, old, self._words(old)) == self._read(HEAD, new, {})

    @cached_property
    def _rules(self) -> tuple[dict[str, Rule], dict[str, Rule]]:
        before, after = (rules_of(project) for project in self.projects)
        return before, after

    @cached_property
    def _clerks(self) -> tuple[Clerk, ...]:
        return tuple(Clerk(project, Matcher(project.facts.schemas, project.facts.time_zone), self.snapshots) for project in self.projects)

    @cached_property
    def _same_sources(self) -> bool:
        before, after = self.projects
        return before.renderer.sources == after.renderer.sources and before.facts.time_zone == after.facts.time_zone

    def _templates_alike(self, old: Sent) -> bool:
        """Whether the same templates make both messages."""
        renamed = {name for pair in self.called.items() if pair[0] in {identity.rule for identity in old.told} for name in pair}
        own = {name.rpartition("/")[2].partition(".")[0] for name in self.projects[HEAD].renderer.sources}
        return self._same_sources and not renamed & own

    def _rule_alike(self, name: str) -> bool:
        before, after = self._rules[BASE].get(name), self._rules[HEAD].get(self.called.get(name, name))
        return before == after or (before is not None and after is not None and same(before, after))

    def _essence(self, sent: Sent, called: Mapping[str, str]) -> object:
        """All that a message is made of, save for templates and what rules say."""
        told = [(_essential(moved.alert, called), moved.before, moved.after, moved.reason, moved.at) for moved in sent.transitions]
        events = sent.past.events
        before = {now_called(identity, called): events[identity].shown for identity in sent.told if identity in events}
        return (told, before, len(sent.told), sent.plan.first, sent.digest, sent.recipient.language)

    def _words(self, old: Sent) -> dict[str, str]:
        """What the old names and ids in a message are now."""
        pairs = [(identity, now_called(identity, self.called)) for identity in old.told if identity.rule in self.called]
        return {word: now for before, after in pairs for word, now in _names(before, after)}

    def _read(self, side: int, sent: Sent, words: Mapping[str, str]) -> tuple[str, ...]:
        written: Rendered = self._clerks[side].text(sent)
        texts = (written.subject, written.text, written.html)
        if not words:
            return texts
        pattern = re.compile("|".join(rf"(?<![\w-]){re.escape(word)}(?![\w-])" for word in sorted(words, key=len, reverse=True)))
        return tuple(pattern.sub(lambda match: words[match[0]], text) for text in texts)


def _names(before: Identity, after: Identity) -> tuple[tuple[str, str], ...]:
    return ((before.rule, after.rule), (before.fingerprint, after.fingerprint))


def _essential(alert: Alert, called: Mapping[str, str]) -> Alert:
    """The alert as messages see it, under the present names."""
    members = tuple(replace(member, identity=now_called(member.identity, called)) for member in alert.members)
    explained = alert.explained_by and now_called(alert.explained_by, called)
    return replace(alert, identity=now_called(alert.identity, called), members=members, explained_by=explained, notified_at=None)
