"""A replay in figures: by rule, by day, by owner. Pure.

Only alerts that fired count as alerts; those whose `for` was not over are counted apart (``never_fired``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from statistics import median

from engine.model import Severity
from engine.replay.model import Episode, Judged, Replay

MOMENT = timedelta(microseconds=1)
RELAPSE = timedelta(days=1)
"""An alert that fires again so soon after its end flaps."""


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """One rule. ``relapses`` are alerts that fired again within a day of their end; ``open`` those that still fire at the end; ``resolve``
    is the median time from firing to the end of those that ended, ``longest`` the longest that any fired. ``notifications`` are messages
    that tell of it (one that tells of two rules counts for both). ``unknown`` is the most rows that were unknown in one evaluation,
    ``unknown_evaluations`` how many evaluations had any; ``failed`` counts evaluations that failed, ``error`` is the last failure's.
    """

    rule: str
    owner: str
    alerts: int
    critical: int
    stores: int
    relapses: int
    open: int
    never_fired: int
    resolve: timedelta | None
    longest: timedelta | None
    notifications: int
    evaluations: int
    unknown: int
    unknown_evaluations: int
    failed: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One day in the project's time zone: alerts that fired, that ended, that fire at its end, and messages."""

    day: date
    alerts: int
    critical: int
    resolved: int
    open: int
    notifications: int


@dataclass(frozen=True, slots=True)
class OwnerFigures:
    """What one owner had to do with. ``notifications`` are messages that tell of alerts of this owner, whoever got them."""

    owner: str
    rules: int
    alerts: int
    critical: int
    stores: int
    resolve: timedelta | None
    notifications: int


def fired(replay: Replay) -> list[Episode]:
    """The alerts that fired within the replay, in order of time."""
    return sorted((each for each in replay.episodes if each.fired), key=lambda each: (each.fired, each.identity))


def by_rule(replay: Replay) -> list[RuleFigures]:
    """Every rule that was evaluated or has an alert, those with most alerts first."""
    episodes: defaultdict[str, list[Episode]] = defaultdict(list)
    for episode in replay.episodes:
        episodes[episode.rule].append(episode)
    judged: defaultdict[str, list[Judged]] = defaultdict(list)
    for moment in replay.moments:
        for rule, each in moment.judged.items():
            judged[rule].append(each)
    told = Counter(rule for sent in replay.sent for rule in {moved.alert.identity.rule for moved in sent.transitions})
    names = {*replay.evaluated, *episodes, *(rule for rule, all_ in judged.items() if any(each.error for each in all_))}
    figures = [_rule(replay, name, episodes[name], judged[name], told[name]) for name in names]
    return sorted(figures, key=lambda each: (-each.alerts, -each.notifications, each.rule))


def _rule(replay: Replay, name: str, episodes: Sequence[Episode], judged: Sequence[Judged], told: int) -> RuleFigures:
    fired_ = [each for each in episodes if each.fired]
    errors = [each.error.en for each in judged if each.error]
    return RuleFigures(
        rule=name,
        owner=replay.rules[name].owner if name in replay.rules else "",
        alerts=len(fired_),
        critical=_critical(fired_),
        stores=_stores(fired_),
        relapses=_relapses(fired_),
        open=sum(each.resolved is None for each in fired_),
        never_fired=len(episodes) - len(fired_),
        resolve=_time_to_resolve(fired_),
        longest=max((span for each in fired_ if (span := each.lasted(replay.seen_until))), default=None),
        notifications=told,
        evaluations=len(judged),
        unknown=max((each.unknown for each in judged), default=0),
        unknown_evaluations=sum(each.unknown > 0 for each in judged),
        failed=len(errors),
        error=errors[-1] if errors else "",
    )


def by_day(replay: Replay, zone: tzinfo) -> list[DayFigures]:
    """Every day of the replay, in order."""
    day_of = _day(zone)
    episodes = fired(replay)
    began = Counter(day_of(each.fired) for each in episodes if each.fired)
    critical = Counter(day_of(each.fired) for each in episodes if each.fired and each.severity is Severity.CRITICAL)
    ended = Counter(day_of(each.resolved) for each in episodes if each.resolved)
    told = Counter(day_of(sent.at) for sent in replay.sent)
    first, last = day_of(replay.since + MOMENT), day_of(replay.seen_until)
    going_on = sum(count for day, count in began.items() if day < first)
    found = []
    for day in (first + timedelta(days=number) for number in range((last - first).days + 1)):
        going_on += began[day] - ended[day]
        found.append(DayFigures(day, began[day], critical[day], ended[day], going_on, told[day]))
    return found


def by_owner(replay: Replay) -> list[OwnerFigures]:
    """Every owner with an alert or a message, those with most messages first."""
    episodes: defaultdict[str, list[Episode]] = defaultdict(list)
    for episode in fired(replay):
        episodes[episode.owner].append(episode)
    told = Counter(owner for sent in replay.sent for owner in {moved.alert.owner for moved in sent.transitions})
    figures = [
        OwnerFigures(owner, len({e.rule for e in of}), len(of), _critical(of), _stores(of), _time_to_resolve(of), told[owner])
        for owner, of in ((owner, episodes[owner]) for owner in {*episodes, *told})
    ]
    return sorted(figures, key=lambda each: (-each.notifications, -each.alerts, each.owner))


def suppressed(replay: Replay) -> Mapping[str, int]:
    """How many changes were not told, by reason, the commonest first."""
    return dict(Counter(each.reason.value for _, each in replay.suppressed).most_common())


def only(replay: Replay, stores: Collection[str]) -> Replay:
    """What the replay tells of these stores: their alerts, and the messages that tell of them (of others too, where one message does).

    Everything was evaluated: what a rule finds for one store may depend on others. So counts of rows are those of all stores.
    """
    wanted = frozenset(stores)
    episodes = tuple(each for each in replay.episodes if each.store_id in wanted)
    theirs = {each.identity for each in episodes}
    sent = tuple(each for each in replay.sent if any(moved.alert.store_id in wanted for moved in each.transitions))
    return replace(replay, episodes=episodes, sent=sent, suppressed=tuple(each for each in replay.suppressed if each[1].identity in theirs))


def _critical(episodes: Iterable[Episode]) -> int:
    return sum(each.severity is Severity.CRITICAL for each in episodes)


def _stores(episodes: Iterable[Episode]) -> int:
    return len({each.store_id for each in episodes} - {""})


def _time_to_resolve(episodes: Iterable[Episode]) -> timedelta | None:
    seconds = [(each.resolved - each.fired).total_seconds() for each in episodes if each.resolved and each.fired]
    return timedelta(seconds=median(seconds)) if seconds else None


def _relapses(episodes: Iterable[Episode]) -> int:
    """Alerts that fired within a day of the end of the one before of the same identity."""
    ended: dict[object, datetime | None] = {}
    count = 0
    for each in sorted((each for each in episodes if each.fired), key=lambda each: (each.identity, each.fired)):
        before = ended.get(each.identity)
        count += bool(before and each.fired and each.fired - before <= RELAPSE)
        ended[each.identity] = each.resolved
    return count


def _day(zone: tzinfo) -> Callable[[datetime], date]:
    """Midnight belongs to the day that it ends."""
    return lambda instant: (instant - MOMENT).astimezone(zone).date()
