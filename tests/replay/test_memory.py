"""The state in memory answers as the database does, whatever happens to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.matching.evaluate import Matcher
from engine.model import Notification
from engine.outbox import deliver
from engine.pipeline import next_dispatch, run_dispatch, run_round
from engine.project import Project
from engine.replay import Appointment, Memory
from engine.replay.writing import Clerk, Notes
from engine.routing import Silence
from engine.routing.matchers import parse_matcher
from engine.sending import Delivery, Outcome, Send
from engine.snapshots import Snapshots
from engine.state import Act, Deed, State, acknowledge, add_silence, take_back
from engine.state_tables import METADATA
from tests.replay.conftest import START, Batch, appointments, histories, write

SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
calm = settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=SLOW)
ACTS = st.sampled_from(["", "", "", "ack", "back", "silence 1", "silence 30"])


class Accepting:
    @contextmanager
    def session(self) -> Iterator[Send]:
        yield lambda _: Outcome(Delivery.DELIVERED, "test")


@dataclass(repr=False)
class Place:
    """What examples share; it is too large to be printed."""

    project: Project
    state: State
    matcher: Matcher

    def __repr__(self) -> str:
        return "a database and a project"


@pytest.fixture(scope="module")
def place(project: Project) -> Iterator[Place]:
    with State.open("sqlite://") as state:
        yield Place(project, state, Matcher(project.facts.schemas, project.facts.time_zone))


class Both:
    """The same rounds on a database and in memory; after each, both must say the same."""

    def __init__(self, place: Place, snapshots: Snapshots) -> None:
        self.project, self.snapshots, self.matcher, self.state = place.project, snapshots, place.matcher, place.state
        self.memory, self.notes, self.sent = Memory(), Notes(), list[Notification]()
        self.senders = dict.fromkeys(place.project.channels.channels, Accepting())
        with place.state.writing() as connection:
            for table in reversed(METADATA.sorted_tables):
                connection.execute(table.delete())

    def round(self, each: Appointment) -> None:
        rules = [rule for rule in self.project.rules if rule.name in each.rules]
        words = {"schedule": each.schedule, "rules": rules, "clock": lambda: each.at}
        live = run_round(self.project, self.matcher, self.snapshots, self.state, each.at, **words)  # type: ignore[arg-type]
        dry = run_round(self.project, self.matcher, self.snapshots, self.memory, each.at, write=self.notes.write, **words)  # type: ignore[arg-type]
        assert replace(live, notifications=(), faults={}) == replace(dry, notifications=(), faults={})
        self.compare(live.notifications, dry.notifications, each.at)

    def dispatch(self, at: datetime) -> None:
        live = run_dispatch(self.project, self.matcher, self.snapshots, self.state, at, clock=lambda: at)
        dry = run_dispatch(self.project, self.matcher, self.snapshots, self.memory, at, clock=lambda: at, write=self.notes.write)
        assert (live.transitions, live.suppressed, live.held) == (dry.transitions, dry.suppressed, dry.held)
        self.compare(live.notifications, dry.notifications, at)

    def compare(self, live: tuple[Notification, ...], dry: tuple[Notification, ...], at: datetime) -> None:
        assert [replace(each, subject="", payload=b"") for each in live] == list(dry)
        self.sent += live
        self.same()
        deliver(self.state, self.senders, lambda: at, workers=1)
        for key in list(self.memory.queued):
            self.memory.deliver(key)
        self.same()

    def same(self) -> None:
        state, memory = self.state, self.memory
        assert state.alerts(closed=True) == memory.alerts(closed=True)
        assert state.alerts(resolved=True) == memory.open_ | memory.ended
        assert (state.told(), state.held(), state.newest()) == (memory.told(), memory.held(), memory.newest())
        for identity in state.alerts(resolved=True):
            assert state.history(identity) == tuple(memory._events[identity])
            for event in state.history(identity):
                asked = (identity, event.episode, event.at + timedelta(seconds=1))
                assert state.last_event(*asked) == memory.last_event(*asked) is not None
        for number in (0, 30, 200):
            at = START + timedelta(hours=number)
            assert next_dispatch(self.project, state, at) == next_dispatch(self.project, memory, at)

    def act(self, act: str, at: datetime) -> None:
        match act.split():
            case ["ack" | "back" as word]:
                self.acknowledge(at, back=word == "back")
            case ["silence", hours]:
                self.silence(at, int(hours))

    def acknowledge(self, at: datetime, *, back: bool) -> None:
        for identity, alert in sorted(self.state.alerts().items())[:1]:
            done = (take_back if back else acknowledge)(self.state, identity, "amy", at)
            if done:
                act = Act.TAKEN_BACK if back else Act.ACKNOWLEDGED
                self.memory.note_deed(identity, Deed(act, "amy", "", at, alert.episode))

    def silence(self, at: datetime, hours: int) -> None:
        silence = Silence((parse_matcher('alert="dsr_drop"'),), "amy", "", at, at, at + timedelta(hours=hours))
        self.memory.quiet = (*self.memory.quiet, replace(silence, number=add_silence(self.state, silence)))


@calm
@given(batches=histories(), acts=st.lists(ACTS, min_size=16, max_size=16))
def test_memory_is_as_a_database(batches: tuple[Batch, ...], acts: list[str], place: Place, tmp_path: Path) -> None:
    archive = write(place.project, tmp_path / "snapshots", batches)
    both = Both(place, archive)
    planned = appointments(place.project, 8)
    for each, later, act in zip(planned, [*planned[1:], None], acts, strict=True):
        both.round(each)
        both.act(act, each.at)
        due = next_dispatch(place.project, both.memory, each.at)
        if due and later and due < later.at:
            both.dispatch(due)
    clerk = Clerk(place.project, place.matcher, archive)
    assert [clerk.write(sent) for sent in both.notes.sent] == both.sent, "messages that are written later are the very same"
