"""What a report says of each rule in figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from engine.model import Identity
from engine.replay import Episode, Replay

SOON = timedelta(days=1)
"""An alert that fires again so soon after it ended flaps."""


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """One rule: alerts that fired, notifications that told of it, how often it fired again within a day, the median and the longest time
    that it fired (up to the end of the replay where it goes on), row evaluations that were unknown, evaluations that failed."""

    rule: str
    alerts: int
    notifications: int
    flaps: int
    typical: timedelta | None
    longest: timedelta | None
    unknown: int
    failed: int


def figures(replay: Replay) -> tuple[RuleFigures, ...]:
    """A row for each rule that fired, was told of, was ever unknown, or failed; the one with most alerts first."""
    fired: defaultdict[str, list[Episode]] = defaultdict(list)
    told, unknown, failed = (defaultdict[str, int](int) for _ in range(3))
    for episode in replay.episodes:
        if episode.fired:
            fired[episode.rule].append(episode)
    for sent in replay.sent:
        for rule in {identity.rule for identity in sent.told}:
            told[rule] += 1
    for moment in replay.moments:
        for rule, judged in moment.judged.items():
            unknown[rule] += judged.unknown
            failed[rule] += judged.error is not None
    names = {name for counts in (fired, told, unknown, failed) for name, count in counts.items() if count}
    rows = (_row(name, fired[name], told[name], unknown[name], failed[name], replay.seen_until) for name in names)
    return tuple(sorted(rows, key=lambda row: (-row.alerts, -row.notifications, row.rule)))


def _row(rule: str, episodes: list[Episode], told: int, unknown: int, failed: int, end: datetime) -> RuleFigures:
    lasted = [span for episode in episodes if (span := episode.lasted(end)) is not None]
    over = [span for episode in episodes if episode.resolved and (span := episode.lasted(end)) is not None]
    typical = timedelta(seconds=median(span.total_seconds() for span in over)) if over else None
    return RuleFigures(rule, len(episodes), told, flaps(episodes), typical, max(lasted, default=None), unknown, failed)


def flaps(episodes: Iterable[Episode]) -> int:
    """How often an alert fired again within :data:`SOON` of its end."""
    ended: dict[Identity, datetime] = {}
    count = 0
    for episode in sorted(episodes, key=lambda episode: episode.started):
        before = ended.get(episode.identity)
        count += bool(before and episode.fired and episode.fired - before <= SOON)
        if episode.resolved:
            ended[episode.identity] = episode.resolved
    return count
