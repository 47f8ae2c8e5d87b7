"""Live operation in small, on a clock of its own: rounds and dispatches on a real database, deliveries now and then, people, restarts,
reloads, late data. What happens when is drawn from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from engine.matching.evaluate import Matcher
from engine.model import State as AlertState
from engine.outbox import deliver
from engine.pipeline import next_dispatch, run_dispatch, run_resolve, run_round
from engine.project import Project, load_project
from engine.routing import Silence
from engine.routing.matchers import parse_matcher
from engine.schedules import Timetable, selected
from engine.sending import Delivery, Outcome, Send
from engine.snapshots import Snapshots
from engine.state import Act, Deed, State, acknowledge, add_silence, expire_silence, take_back
from tests.matching.folders import write_batch

RATINGS = ("4.4", "4.6", "4.9", "4.9", "4.9", None)
SECOND = timedelta(seconds=1)


class Accepting:
    @contextmanager
    def session(self) -> Iterator[Send]:
        yield lambda _: Outcome(Delivery.DELIVERED, "test")


@dataclass
class Live:
    """``step()`` lets a quarter of an hour pass."""

    folder: Path
    url: str
    now: datetime
    random: Random
    stores: tuple[str, ...] = ("s1", "s2", "s3")
    state: State = field(init=False)
    project: Project = field(init=False)
    matcher: Matcher = field(init=False)
    snapshots: Snapshots = field(init=False)
    late: list[tuple[datetime, datetime]] = field(default_factory=list)
    told: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.state = State.open(self.url)
        self.reload()

    def clock(self) -> datetime:
        """Time goes on a little with every look."""
        self.now += timedelta(milliseconds=200)
        return self.now

    def reload(self) -> None:
        self.project = load_project(self.folder)
        self.matcher = Matcher(self.project.facts.schemas, self.project.facts.time_zone)
        self.snapshots = Snapshots(self.project.snapshots)

    def restart(self) -> None:
        self.state.close()
        self.state = State.open(self.url)
        self.reload()

    def step(self) -> None:
        before, self.now = self.now, self.now.replace(second=0, microsecond=0) + timedelta(minutes=15)
        self.exports()
        for name, schedule in self.project.schedules.schedules.items():
            for at in Timetable(name, schedule, self.project.facts.zone).between(before.replace(second=0, microsecond=0), self.now):
                self.round(name, at)
        due = next_dispatch(self.project, self.state, self.clock())
        if due and due <= self.now:
            run_dispatch(self.project, self.matcher, self.snapshots, self.state, self.clock(), clock=self.clock)
        self.people()
        if self.random.random() < 0.9:
            deliver(self.state, dict.fromkeys(self.project.channels.channels, Accepting()), self.clock, workers=1)

    def round(self, name: str, at: datetime) -> None:
        rules = selected(self.project.schedules.schedules[name], self.project.rules)
        run_round(self.project, self.matcher, self.snapshots, self.state, at, schedule=name, rules=rules, clock=self.clock)

    def exports(self) -> None:
        """An export every few hours; one in four comes hours late."""
        if self.random.random() < 0.12:
            as_of = self.now - timedelta(minutes=self.random.randrange(60))
            comes = self.now + timedelta(hours=self.random.choice([0, 0, 0, 7]))
            self.late.append((comes, as_of))
        for comes, as_of in [each for each in self.late if each[0] <= self.now]:
            self.late.remove((comes, as_of))
            scope = self.random.choice(["*", "*", self.random.sample(self.stores, 2)])
            rows = [self._row(store) for store in (self.stores if scope == "*" else scope)]
            write_batch(self.project.snapshots, self.project.facts.schemas["store"], as_of, rows, scope)

    def _row(self, store: str) -> dict[str, object]:
        from decimal import Decimal

        cells = {name: self.random.choice(RATINGS) for name in ("dsr_desc", "dsr_service", "dsr_logistics")}
        return {"store_id": store, **{name: Decimal(cell) if cell else None for name, cell in cells.items()}}

    def people(self) -> None:
        chance = self.random.random()
        firing = sorted(identity for identity, alert in self.state.alerts().items() if alert.state is AlertState.FIRING)
        if chance < 0.03 and firing:
            acknowledge(self.state, self.random.choice(firing), "amy", self.clock())
        elif chance < 0.04 and firing:
            take_back(self.state, self.random.choice(firing), "amy", self.clock())
        elif chance < 0.05 and firing:
            self.end(self.random.choice(firing))
        elif chance < 0.07:
            now = self.clock()
            ends = now + timedelta(hours=self.random.choice([1, 5, 20]))
            matcher = parse_matcher(f'alert="{self.random.choice(["dsr_drop", "slow_service"])}"')
            add_silence(self.state, Silence((matcher,), "amy", "", now, now, ends))
        elif chance < 0.08 and self.state.silences():
            expire_silence(self.state, self.state.silences()[-1].number, self.clock())

    def end(self, identity) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        alert, now = self.state.alerts()[identity], self.clock()
        deed = Deed(Act.RESOLVED, "amy", "", now, alert.episode)
        run_resolve(self.project, self.matcher, self.snapshots, self.state, alert, deed, clock=self.clock)

    def edit(self, old: str, new: str) -> None:
        """Somebody changes a rule, and the daemon reads it anew."""
        path = self.folder / "rules" / "few.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        self.reload()
