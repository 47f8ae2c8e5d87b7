"""Messages of plans: gathers what each shows, renders it in every language that is read, addresses it."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from engine.actions import compose
from engine.errors import EvaluationError, SnapshotError, StorageError, Text
from engine.exhibits import pictures_of
from engine.matching.evaluate import Matcher
from engine.matching.trends import shown_now, trend
from engine.model import Alert, Identity, Item, Message, Notification, RuleInfo, Shown, State, Transition, Trend
from engine.project import Project
from engine.routing import Plan
from engine.snapshots import Snapshots
from engine.state import Event, Past

LOG = logging.getLogger(__name__)
Values = tuple[Shown, ...]
Keys = Mapping[str, set[tuple[str, ...]]]
"""Keys of rows, by rule."""
TREND_POINTS = 14
TRENDS_A_MESSAGE = 5


@contextmanager
def _dispensable(what: str) -> Iterator[None]:
    """For what makes a message nicer: without it the message still goes out."""
    try:
        yield
    except (EvaluationError, SnapshotError, StorageError) as error:
        LOG.warning("no %s: %s", what, error)


@dataclass(frozen=True, slots=True)
class Desk:
    """Writes at ``at``. ``as_of`` are the instants of the batches behind alerts, as far as they are known."""

    project: Project
    matcher: Matcher
    snapshots: Snapshots
    past: Past
    infos: Mapping[str, RuleInfo]
    as_of: Mapping[Identity, datetime]
    at: datetime

    def notifications(self, plans: Iterable[Plan], *, pictures: bool = True) -> Iterator[tuple[Notification, str]]:
        """Each notification with the mistake of its template, empty where there is none."""
        plans = tuple(plans)
        for each, message in zip(plans, self.messages(plans, pictures=pictures), strict=True):
            rendered = {language: self.project.renderer.render(message, language) for language in {r.language for r in each.recipients}}
            for recipient in each.recipients:
                channel = self.project.channels.channels[recipient.channel]
                started = self.past.thread_started(each.thread, recipient.address)
                content = rendered[recipient.language]
                yield compose(channel, message, content, recipient, answers=started), content.fault

    def messages(self, plans: Iterable[Plan], *, pictures: bool = True) -> Iterator[Message]:
        """What each plan's message tells, before it is rendered; without trends and seen pictures where there are to be no ``pictures``."""
        plans = tuple(plans)
        illustrated = self._illustrated(plans) if pictures else {}
        trends, seen = self._trends(illustrated), self._pictures(illustrated)
        current = self._current(plans)
        names = self.snapshots.store_names({t.alert.store_id for p in plans for t in p.transitions}, self.at)
        return (self._message(each, trends, names, current, seen) for each in plans)

    def _message(
        self,
        each: Plan,
        trends: Mapping[Identity, Trend],
        names: Mapping[str, str],
        current: Mapping[Identity, Values],
        pictures: Mapping[Identity, bytes],
    ) -> Message:
        told = self.told(each.transitions)
        items = tuple(
            Item(
                moved,
                self._info(moved.alert),
                names.get(moved.alert.store_id, ""),
                trends.get(moved.alert.identity),
                current.get(moved.alert.identity, ()),
                before.shown if (before := self.event_before(moved)) else (),
                self.as_of.get(moved.alert.identity),
                pictures.get(moved.alert.identity, b""),
            )
            for moved in told
        )
        omitted = len(each.transitions) - len(told)
        zone, collects = self.project.facts.time_zone, each.route.digest is not None
        return Message(each.id, each.thread, items, each.labels, self.at, zone, each.first, collects, omitted)

    def told(self, transitions: Sequence[Transition]) -> list[Transition]:
        """The transitions that a message lists: the most severe, as many as the rule with the smallest ``max_alerts`` allows."""
        limits, concerned = self.project.limits, {moved.alert.identity.rule for moved in transitions}
        limit = min((limits[rule] for rule in concerned if rule in limits), default=len(transitions))
        return sorted(transitions, key=lambda moved: -moved.alert.severity.rank)[:limit]

    def event_before(self, moved: Transition) -> Event | None:
        """What was last noted of a firing alert before it moved."""
        if moved.before is not State.FIRING:
            return None
        return self.past.last_event(moved.alert.identity, moved.alert.episode, moved.at)

    def _current(self, plans: Iterable[Plan]) -> dict[Identity, Values]:
        """The present values of alerts that are over: the alert itself keeps those of when it was last true."""
        ended: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
        for moved in (moved for each in plans for moved in each.transitions):
            if moved.after is State.RESOLVED:
                ended[moved.alert.identity.rule].add(moved.alert.identity.key)
        found: dict[Identity, Values] = {}
        for rule in self.project.rules:
            if rule.name in ended:
                with _dispensable(f"present values of {rule.name}"):
                    values = shown_now(rule, ended[rule.name], self.matcher, self.snapshots, self.at)
                    found |= {Identity(rule.name, key): shown for key, shown in values.items()}
        return found

    def _info(self, alert: Alert) -> RuleInfo:
        """The alert's rule; of a rule that is gone, what its name tells."""
        name = alert.identity.rule
        return self.infos.get(name) or RuleInfo(name, Text.same(name), alert.severity)

    def _illustrated(self, plans: Iterable[Plan]) -> Keys:
        """By rule, the keys of the first few firing alerts of each message: those that get pictures."""
        wanted: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
        for each in plans:
            for moved in [t for t in each.transitions if t.after is State.FIRING][:TRENDS_A_MESSAGE]:
                wanted[moved.alert.identity.rule].add(moved.alert.identity.key)
        return wanted

    def _pictures(self, wanted: Keys) -> dict[Identity, bytes]:
        """The pictures that rules with a ``picture`` name, as they were kept when their batch was ingested."""
        found: dict[Identity, bytes] = {}
        for rule in self.project.rules:
            if rule.picture and rule.name in wanted:
                with _dispensable(f"picture of {rule.name}"):
                    found |= pictures_of(rule.name, rule.kind, rule.picture, wanted[rule.name], self.matcher, self.snapshots, self.at)
        return found

    def _trends(self, wanted: Keys) -> dict[Identity, Trend]:
        """Their trends, asked for once a rule."""
        found: dict[Identity, Trend] = {}
        facts = self.project.facts
        for rule in self.project.rules:
            if rule.trend and rule.name in wanted:
                keys = wanted[rule.name]
                with _dispensable(f"trend of {rule.name}"):
                    series = trend(
                        rule.trend, rule.kind, keys, self.snapshots, facts.schemas, self.at, facts.time_zone, TREND_POINTS, self.matcher
                    )
                    found |= {Identity(rule.name, key): one for key, one in series.items()}
        return found


Write = Callable[[Desk, Sequence[Plan]], Sequence[tuple[Notification, str]]]
"""How plans become notifications, each with the mistake of its template."""


def written(desk: Desk, plans: Sequence[Plan]) -> list[tuple[Notification, str]]:
    """The messages of the plans, as they will be sent."""
    return list(desk.notifications(plans))


def written_plainly(desk: Desk, plans: Sequence[Plan]) -> list[tuple[Notification, str]]:
    """As :func:`written`, without the pictures, which take longest."""
    return list(desk.notifications(plans, pictures=False))
