"""Evaluates what is due, one round at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.daemon.agenda import OWN, Agenda, Due
from engine.daemon.clock import Clock, Vigil
from engine.daemon.dispatching import Dispatcher
from engine.daemon.status import Status
from engine.daemon.workers import pause_after
from engine.errors import StateError, StorewatchError, Text
from engine.matching.evaluate import Matcher
from engine.pipeline import Dispatch, Round, run_round
from engine.project import Project
from engine.rules import AlertRule
from engine.schedules import Schedule, Timetable, selected
from engine.snapshots import Snapshots
from engine.state import State, turn

LOG = logging.getLogger(__name__)
HEARTBEAT = 1.0  # seconds between two looks at the clock
COURTESY = 0.05  # seconds between two rounds, so that others who wait get their turn
ATTEMPTS = 10  # at one instant that fails for want of something other than the database


class Workshop:
    """A project ready to be evaluated: its agenda, its compiled queries and its batches. Made anew at every reload."""

    def __init__(self, project: Project, state: State, own: Schedule | None = None) -> None:
        self.project = project
        self.agenda = Agenda(project, state, own)
        self.matcher = Matcher(project.facts.schemas, project.facts.time_zone)
        self.snapshots = Snapshots(project.snapshots)

    def rules(self, schedule: str) -> tuple[AlertRule, ...]:
        """The rules that a schedule evaluates; none for storewatch's own, which only looks after itself."""
        if schedule == OWN:
            return ()
        return selected(self.project.schedules.schedules[schedule], self.project.rules)


@dataclass
class _Trouble:
    """A schedule whose round fails: it waits, so that it does not hold up the others."""

    due: Due
    failures: int
    until: float


class Evaluator:
    """``step`` is a worker's. ``wanted()`` gives the project to use; ``evaluated`` is called after each round, and each dispatch that told
    something; ``rearranged`` when :attr:`timetables` are others, or the clock is."""

    def __init__(
        self,
        state: State,
        wanted: Callable[[], Project],
        clock: Clock,
        status: Status,
        goes_on: Callable[[], bool],
        evaluated: Callable[[Round | Dispatch], None],
        rearranged: Callable[[], None],
        own: Schedule | None = None,
    ) -> None:
        self.state, self.wanted, self.clock, self.status = state, wanted, clock, status
        self.goes_on, self.evaluated, self.rearranged, self.own = goes_on, evaluated, rearranged, own
        self.vigil = Vigil(clock, status)
        self._dispatcher = Dispatcher(state, clock, goes_on, evaluated)
        self._workshop: Workshop | None = None
        self._troubles: dict[str, _Trouble] = {}

    @property
    def timetables(self) -> Mapping[str, Timetable]:
        return self._workshop.agenda.timetables if self._workshop else {}

    def step(self) -> float:
        """Evaluate the oldest instant that is due. Returns for how many seconds there is nothing to do."""
        workshop = self._opened()
        self._look_at_clock(workshop.agenda)
        resting = [name for name, trouble in self._troubles.items() if self.clock.monotonic() < trouble.until]
        due = workshop.agenda.due(self.clock.now(), self.vigil.awake_since, resting)
        if due is None:
            self.status.put(ready=True)
            self._dispatcher.look(workshop.project, workshop.matcher, workshop.snapshots)
            return HEARTBEAT
        with turn(self.state, self.goes_on) as ours:
            if ours:
                self._evaluate(workshop, due)
        return COURTESY

    def _opened(self) -> Workshop:
        project = self.wanted()
        if self._workshop is None or self._workshop.project is not project:
            self._workshop = Workshop(project, self.state, self.own)
            self._troubles.clear()
            self._dispatcher.forget()
            self.status.keep_schedules(set(self.timetables))
            for name in self.timetables:
                self._note_next(name)
            self.rearranged()
        return self._workshop

    def _look_at_clock(self, agenda: Agenda) -> None:
        ahead = self.vigil.broken()
        if ahead is not None:
            LOG.warning("the clock was set by %+.0f s, or the machine slept so long: see `missed` in schedules.yaml", ahead.total_seconds())
            agenda.forget()
            self.rearranged()

    def _evaluate(self, workshop: Workshop, due: Due) -> None:
        confirmed = workshop.agenda.confirmed(due, self.clock.now(), self.vigil.awake_since)
        if confirmed is None:
            return
        try:
            done = self._round(workshop, confirmed)
        except StateError:
            raise
        except StorewatchError as error:
            LOG.error("%s at %s: %s", confirmed.schedule, confirmed.instant.isoformat(), error.text.en, extra=_fields(confirmed))
            self._failed(workshop.agenda, confirmed, error.text)
            return
        except Exception as error:  # the other schedules must go on
            LOG.exception("%s at %s failed", confirmed.schedule, confirmed.instant.isoformat(), extra=_fields(confirmed))
            self._failed(workshop.agenda, confirmed, Text.same(f"{type(error).__name__}: {error}"))
            return
        self._troubles.pop(confirmed.schedule, None)
        workshop.agenda.done(confirmed)
        if done.held:  # what waits may be due before the next look
            self._dispatcher.forget()
        self._note_next(confirmed.schedule)
        self.evaluated(done)

    def _round(self, workshop: Workshop, due: Due) -> Round:
        started = self.clock.monotonic()
        done = run_round(
            workshop.project,
            workshop.matcher,
            workshop.snapshots,
            self.state,
            due.instant,
            schedule=due.schedule,
            rules=workshop.rules(due.schedule),
            clock=self.clock.now,
        )
        seconds = self.clock.monotonic() - started
        for result in done.failed:
            LOG.error("rule %s: %s", result.rule, result.error, extra=_fields(due, rule=result.rule))
        if done.claimed:
            local = due.instant.astimezone(workshop.project.facts.zone)
            LOG.info(
                "%s at %s: %d change(s), %d message(s), %.2f s",
                due.schedule,
                local.isoformat(),
                len(done.transitions),
                len(done.notifications),
                seconds,
                extra=_fields(due, at=local, changes=len(done.transitions), messages=len(done.notifications), seconds=round(seconds, 2)),
            )
            self.status.add(rounds=1, round_seconds=seconds, rules_failed=len(done.failed))
            self.status.of_schedule(due.schedule, rounds=1, took=seconds, last_instant=due.instant, last_done=self.clock.now(), error=None)
        return done

    def _failed(self, agenda: Agenda, due: Due, error: Text) -> None:
        before = self._troubles.get(due.schedule)
        failures = before.failures + 1 if before and before.due == due else 1
        self._troubles[due.schedule] = _Trouble(due, failures, self.clock.monotonic() + pause_after(failures))
        self.status.add(rounds_failed=1)
        self.status.of_schedule(due.schedule, failures=1, error=error)
        if failures >= ATTEMPTS:
            LOG.error("%s at %s: given up after %d attempts", due.schedule, due.instant.isoformat(), failures, extra=_fields(due))
            agenda.give_up(due)

    def _note_next(self, name: str) -> None:
        assert self._workshop is not None  # noqa: S101 - opened before
        self.status.of_schedule(name, next_instant=self._workshop.agenda.timetables[name].next_after(self.clock.now()))


def _fields(due: Due, **more: object) -> dict[str, object]:
    """What belongs to a log line about an instant."""
    return {"schedule": due.schedule, "at": due.instant, **more}
