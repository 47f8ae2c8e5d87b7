"""Replays a project over its snapshots: the rounds and dispatches of the live path, one after another, over a throw-away state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.archive import Archive
from engine.collecting import uncollected
from engine.matching.foresight import Foresight
from engine.pipeline import next_dispatch, run_dispatch, run_round
from engine.project import Project
from engine.replay.memory import Memory
from engine.replay.model import Appointment, Replay
from engine.replay.recording import Record
from engine.replay.writing import Notes
from engine.rules import AlertRule
from engine.snapshots import Snapshots

MOMENT = timedelta(minutes=1)
"""After a dispatch that had nothing to tell, the next is looked for so much later."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay is: evaluations done, of how many, and the instant of the last one."""

    done: int
    planned: int
    at: datetime


def replay(
    project: Project,
    snapshots: Snapshots,
    appointments: Iterable[Appointment],
    *,
    memory: Memory | None = None,
    until: datetime | None = None,
    matcher: Foresight | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Replay:
    """What the project would have found and told at each of the ``appointments`` and, by dispatches, between them and up to ``until``
    (default: the last one).

    ``memory`` is the state it begins with (default: none of anything; it is changed). ``matcher`` saves compiling. ``progress`` is called
    after every evaluation. KeyboardInterrupt ends it early with what is done so far. Raises :class:`~engine.errors.SnapshotError`; a rule
    that fails is reported in its :class:`~engine.replay.model.Judged`.
    """
    planned = sorted(appointments)
    if not planned:
        raise ValueError("a replay needs an instant")
    matcher = matcher or Foresight(project.facts.schemas, project.facts.time_zone)
    run = _Run(project, matcher, Archive.of(snapshots), memory or Memory())
    end = max(until or planned[-1].at, planned[-1].at)
    with uncollected():
        try:
            complete = run.all(planned, end, progress)
        finally:
            matcher.rest()
        return run.result(planned, end, complete=complete)


class _Run:
    def __init__(self, project: Project, matcher: Foresight, snapshots: Archive, memory: Memory) -> None:
        self.project, self.matcher, self.snapshots, self.memory = project, matcher, snapshots, memory
        self.rules = {rule.name: rule for rule in project.rules}
        self.infos = project.all_infos
        self.record = Record(self.infos, memory.alerts())
        self.notes = Notes()

    def all(self, planned: Sequence[Appointment], end: datetime, progress: Callable[[Progress], None]) -> bool:
        """Whether it came to the end."""
        seen = 0
        try:
            for number, each in enumerate(planned):
                if number:
                    self.dispatches(planned[number - 1].at, each.at)
                if number == seen:
                    seen += self.look_ahead(planned[number:])
                self.round(each)
                progress(Progress(number + 1, len(planned), each.at))
            self.dispatches(planned[-1].at, end)
        except KeyboardInterrupt:
            return False
        return True

    def look_ahead(self, planned: Sequence[Appointment]) -> int:
        glances = ((each.at, self.rules_of(each)) for each in planned)
        return self.matcher.look_ahead(glances, self.snapshots, self.memory.alerts(closed=True))

    def rules_of(self, each: Appointment) -> tuple[AlertRule, ...]:
        return tuple(self.rules[name] for name in each.rules)

    def round(self, each: Appointment) -> None:
        done = run_round(
            self.project,
            self.matcher,
            self.snapshots,
            self.memory,
            each.at,
            schedule=each.schedule,
            rules=self.rules_of(each),
            clock=lambda: each.at,
            write=self.notes.write,
        )
        if done.claimed:
            self.record.add_round(done, each.schedule)
        self.deliver()

    def dispatches(self, after: datetime, before: datetime) -> None:
        """Tells what is due after one instant and before another, each at its time."""
        at = next_dispatch(self.project, self.memory, after)
        while at is not None and at < before:
            self.dispatch(at)
            ahead = next_dispatch(self.project, self.memory, at)
            at = max(ahead, at + MOMENT) if ahead else None

    def dispatch(self, at: datetime) -> None:
        done = run_dispatch(self.project, self.matcher, self.snapshots, self.memory, at, clock=lambda: at, write=self.notes.write)
        if done.transitions or done.notifications or done.suppressed:
            self.record.add_dispatch(done)
        self.deliver()

    def deliver(self) -> None:
        """Every message arrives at once."""
        for key in list(self.memory.queued):
            self.memory.deliver(key)

    def result(self, planned: Sequence[Appointment], end: datetime, *, complete: bool) -> Replay:
        episodes = self.record.episodes(self.memory.alerts())
        stores = {episode.store_id for episode in episodes} - {""}
        return Replay(
            since=planned[0].at,
            until=end,
            moments=tuple(self.record.moments),
            episodes=episodes,
            sent=tuple(self.notes.sent),
            suppressed=tuple(self.record.suppressed),
            rules=self.infos,
            evaluated=tuple(dict.fromkeys(name for each in planned for name in each.rules)),
            planned=len(planned),
            complete=complete,
            names=self.snapshots.store_names(stores, end),
        )
