"""How right alerts are, where somebody said which were: incidents that are known, or alerts that people called useful or noise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from engine.replay import Episode

END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """From when until when (None: it goes on) something was worth telling of a key (``useful``), or an alert was noise."""

    key: str
    starts: datetime
    ends: datetime | None
    useful: bool = True


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of one rule. ``complete``: an alert of which nothing is said was noise; else nobody knows."""

    known: tuple[Known, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Score:
    """Of ``useful`` things ``found`` were told; of ``judged`` alerts (those that somebody can call right or wrong) ``right`` were right.
    ``delay`` is the median time from the beginning of what was found to its alert; negative where alerts came earlier."""

    useful: int
    found: int
    judged: int
    right: int
    delay: timedelta | None

    @property
    def recall(self) -> float | None:
        return self.found / self.useful if self.useful else None

    @property
    def precision(self) -> float | None:
        return self.right / self.judged if self.judged else None

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall (van Rijsbergen 1979); 0 where nothing right was told."""
        if not self.precision or not self.recall:
            return 0.0
        return 2 * self.precision * self.recall / (self.precision + self.recall)


def truth_of(known: Iterable[Known], since: datetime, until: datetime, *, complete: bool) -> Truth:
    """What is known of the time that is looked at."""
    return Truth(tuple(each for each in known if each.starts < until and (each.ends or END) > since), complete)


def score(truth: Truth, episodes: Sequence[Episode]) -> Score:
    """Of alerts that fired. An alert is right when something useful of its key was there while it fired, wrong when only noise was (or
    nothing, where all is known)."""
    alerts: defaultdict[str, list[Episode]] = defaultdict(list)
    for episode in episodes:
        alerts["/".join(episode.identity.key)].append(episode)
    useful = [each for each in truth.known if each.useful]
    told = [(each, [alert for alert in alerts[each.key] if _meets(alert, each)]) for each in useful]
    delays = [(_fired(found[0]) - each.starts).total_seconds() for each, found in told if found]
    right = {id(alert) for _, found in told for alert in found}
    noise = {id(alert) for each in truth.known if not each.useful for alert in alerts[each.key] if _meets(alert, each)}
    judged = len(episodes) if truth.complete else len(right | noise)
    delay = timedelta(seconds=median(delays)) if delays else None
    return Score(len(useful), len(delays), judged, len(right), delay)


def _meets(alert: Episode, known: Known) -> bool:
    return _fired(alert) < (known.ends or END) and known.starts < (alert.resolved or END)


def _fired(alert: Episode) -> datetime:
    return alert.fired or END
