"""Collects what rounds and dispatches did, and makes a :class:`~engine.replay.model.Replay` of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine.errors import Text
from engine.model import Alert, Identity, RuleInfo, RuleResult, State, Transition
from engine.pipeline import DISPATCH, Dispatch, Round
from engine.replay.model import Episode, Judged, Moment
from engine.routing import Suppressed


@dataclass
class Record:
    """What happened so far. ``infos`` are the rules; ``begun`` the alerts that were open when it began."""

    infos: Mapping[str, RuleInfo]
    begun: Mapping[Identity, Alert] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)
    suppressed: list[tuple[datetime, Suppressed]] = field(default_factory=list)
    _running: dict[Identity, list[Transition]] = field(default_factory=dict)
    _ended: list[Episode] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._running = {identity: [] for identity in self.begun}

    def add_round(self, done: Round, schedule: str) -> None:
        judged = {name: _judged(result) for name, result in done.results.items()}
        self._add(done, Moment(done.at, schedule, judged, len(done.transitions), len(done.notifications), len(done.held)))

    def add_dispatch(self, done: Dispatch) -> None:
        self._add(done, Moment(done.at, DISPATCH, {}, len(done.transitions), len(done.notifications), len(done.held)))

    def episodes(self, now: Mapping[Identity, Alert]) -> tuple[Episode, ...]:
        """All episodes, given the present states of the alerts that are open."""
        going_on = [self._episode(now.get(identity), moves) for identity, moves in self._running.items()]
        found = [*self._ended, *(episode for episode in going_on if episode)]
        return tuple(sorted(found, key=lambda episode: (episode.started, episode.identity, episode.number)))

    def _add(self, done: Round | Dispatch, moment: Moment) -> None:
        self.moments.append(moment)
        self.suppressed += [(done.at, each) for each in done.suppressed]
        for moved in done.transitions:
            moves = self._running.setdefault(moved.alert.identity, [])
            moves.append(moved)
            if moved.after is State.RESOLVED:
                del self._running[moved.alert.identity]
                ended = self._episode(moved.alert, moves)
                self._ended += [ended] if ended else []

    def _episode(self, alert: Alert | None, moves: Iterable[Transition]) -> Episode | None:
        moves = tuple(moves)
        alert = alert or (moves[-1].alert if moves else None)
        if alert is None:
            return None
        name = alert.identity.rule
        return Episode(alert, self.infos.get(name) or RuleInfo(name, Text.same(name), alert.severity), moves)


def _judged(result: RuleResult) -> Judged:
    return Judged(result.judged, len(result.candidates), result.unknown_count, result.error)
