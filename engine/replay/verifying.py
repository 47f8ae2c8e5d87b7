"""Recorded truth: live evaluations are done again, from what each went by, and compared with what was stored of them.

Everything that moved the state is done again in the order in which it happened: evaluations and dispatches with the files of that time
and the batches that were there, silences, acknowledgements and ends by hand, deliveries. It begins where the records begin, with no
alert; only the evaluations asked for are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from engine.archive import Archive, dated
from engine.errors import StorewatchError, Text
from engine.matching.foresight import Foresight
from engine.model import Identity, Transition
from engine.pipeline import BY_HAND, DISPATCH, Dispatch, Round, run_dispatch, run_resolve, run_round
from engine.project import Project, load_project
from engine.replay.memory import Key, Memory
from engine.replay.running import Progress
from engine.replay.writing import Notes
from engine.routing import Suppression
from engine.rules import AlertRule
from engine.snapshots import Snapshots
from engine.state import Act, Event, State
from engine.state.records import (
    Posted,
    Recorded,
    all_deeds,
    events_by_evaluation,
    posted,
    recorded,
    seen_batches,
    suppressions_by_evaluation,
    version_files,
)
from engine.writing import replace_files


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the replay of one evaluation is not what was stored: ``what`` is one of alert, message, not_told, missing. ``live`` and
    ``replayed`` tell the one that differs, '' where there is none."""

    number: int
    schedule: str
    at: datetime
    what: str
    live: str
    replayed: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was compared: evaluations (dispatches among them), transitions, notifications; and all that differs, in order of time. ``lost``
    are batches that evaluations saw and that are not there any more: pruned, so that nobody can replay these. ``unrecorded`` counts
    evaluations of an older storewatch, before the first that recorded what it went by: what they left is not known."""

    since: datetime | None
    evaluations: int
    transitions: int
    notifications: int
    differences: tuple[Difference, ...]
    lost: tuple[str, ...] = ()
    unrecorded: int = 0


def verify(
    folder: Path,
    state: State,
    since: datetime,
    work: Path,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Verification:
    """Replay all that ``state`` has recorded, and compare the evaluations from ``since`` on. ``folder`` is the project's, for its
    snapshots; ``work`` a temporary one, for the files of earlier versions. The state is only read.

    Raises :class:`~engine.errors.StorewatchError`, also where there is nothing to verify.
    """
    everything = recorded(state)
    records = [each for each in everything if each.version]
    unrecorded = sum(bool(each.rules) and not each.version for each in everything)
    if not records:
        raise StorewatchError(
            Text("no evaluation was recorded yet", "还没有记录任何检查"),
            Text("storewatch run and serve record what they go by, from this version on", "从这个版本起，run 和 serve 会记录检查的依据"),
        )
    return replace(_Verifier(folder, state, work, records).verify(since, progress), unrecorded=unrecorded)


@dataclass(frozen=True, slots=True)
class Redone:
    """What came of the replay of one evaluation: transitions, what was not told (fingerprint, reason, route), and messages."""

    events: tuple[Event, ...]
    not_told: tuple[str, ...]
    messages: tuple[Key, ...]


class _Verifier:
    def __init__(self, folder: Path, state: State, work: Path, records: Sequence[Recorded]) -> None:
        self.state, self.folder, self.work, self.records = state, folder, work, records
        self.archive = Archive.of(Snapshots(folder / "snapshots"))
        self.seen = seen_batches(state)
        self.memory, self.notes = Memory(), Notes()
        self.posts = posted(state)
        self.deeds = list(all_deeds(state))
        self.ends = {(of, deed.at): deed for of, deed in self.deeds if deed.act is Act.RESOLVED}
        self.quiet = state.silences()
        self._versions: dict[str, tuple[Project, Foresight]] = {}
        self._sent = {(each.id, each.channel, each.recipient): each for each in self.posts}

    def verify(self, since: datetime, progress: Callable[[Progress], None]) -> Verification:
        compared = [each for each in self.records if each.instant >= since]
        first = compared[0].number if compared else self.records[-1].number + 1
        live = _Live(events_by_evaluation(self.state, first), suppressions_by_evaluation(self.state, first), self.posts)
        found: list[Difference] = []
        counts: Counter[str] = Counter()
        replayed: set[Key] = set()
        for number, (each, done) in enumerate(self._redone(), 1):
            replayed.update(done.messages)
            if each.number >= first:
                found += live.compare(each, done)
                counts.update(evaluations=1, transitions=len(done.events), notifications=len(done.messages))
            progress(Progress(number, len(self.records), each.instant))
        found += live.never_replayed(compared[0].instant, replayed) if compared else ()
        lost = tuple(sorted(self.seen.keys() - self.archive.ids))
        begun = compared[0].instant if compared else None
        found.sort(key=lambda each: (each.at, each.number))
        return Verification(begun, counts["evaluations"], counts["transitions"], counts["notifications"], tuple(found), lost)

    def _redone(self) -> Iterator[tuple[Recorded, Redone]]:
        """Every evaluation, done again."""
        try:
            yield from self._one_after_another()
        finally:
            for _, foresight in self._versions.values():
                foresight.rest()

    def _one_after_another(self) -> Iterator[tuple[Recorded, Redone]]:
        for stretch, archive in self._stretches():
            ahead = 0
            for place, each in enumerate(stretch):
                if place == ahead:
                    ahead += self._look_ahead(stretch[place:], archive)
                yield each, self._redo(each, archive)

    def _stretches(self) -> Iterator[tuple[list[Recorded], Archive]]:
        """Evaluations in a row that went by the same files, and for which it makes no difference that the batches are those that the last
        of them saw: what came meanwhile is dated later than any before it."""
        stretch: list[Recorded] = []
        arrivals = sorted((number, dated(batch)) for batch, number in self.seen.items())
        place, latest = 0, None
        for each in self.records:
            new = []
            while place < len(arrivals) and arrivals[place][0] <= each.number:
                new.append(arrivals[place][1])
                place += 1
            late = latest is not None and any(as_of <= latest for as_of in new)
            if stretch and (late or each.version != stretch[-1].version):
                yield stretch, self._seen_by(stretch[-1])
                stretch, latest = [], None
            stretch.append(each)
            latest = max(latest or each.instant, each.instant)
        yield stretch, self._seen_by(stretch[-1])

    def _seen_by(self, last: Recorded) -> Archive:
        return self.archive.only({batch for batch, number in self.seen.items() if number <= last.number})

    def _version(self, version: str) -> tuple[Project, Foresight]:
        if version not in self._versions:
            folder = self.work / version
            replace_files({folder / path: content for path, content in version_files(self.state, version).items()})
            project = replace(load_project(folder), folder=self.folder)
            self._versions[version] = project, Foresight(project.facts.schemas, project.facts.time_zone)
        return self._versions[version]

    def _look_ahead(self, stretch: Sequence[Recorded], archive: Archive) -> int:
        project, foresight = self._version(stretch[0].version)
        glances = ((each.instant, _rules(project, each)) for each in stretch)
        return foresight.look_ahead(glances, archive, self.memory.alerts(closed=True))

    def _redo(self, each: Recorded, archive: Archive) -> Redone:
        """What comes of the evaluation now."""
        project, foresight = self._version(each.version)
        self._catch_up(each)
        before = len(self.notes.sent)
        done = self._evaluated(each, project, foresight, archive)
        if done is None:
            return Redone((), (), ())
        quiet = tuple(f"{item.identity.fingerprint} {item.reason.value} {item.route}" for item in done.suppressed)
        keys = tuple((sent.plan.id, sent.recipient.channel, sent.recipient.address) for sent in self.notes.sent[before:])
        return Redone(tuple(map(_event, done.transitions)), quiet, keys)

    def _evaluated(self, each: Recorded, project: Project, foresight: Foresight, archive: Archive) -> Round | Dispatch | None:
        """None where somebody ended an alert that does not fire in the replay."""
        here = (project, foresight, archive, self.memory)
        clock, write = (lambda: each.started), self.notes.write
        if each.schedule == DISPATCH:
            return run_dispatch(*here, each.instant, clock=clock, write=write)
        if each.schedule.startswith(f"{BY_HAND}:"):
            fingerprint = each.schedule.partition(":")[2]
            identity, deed = self._identity(fingerprint), self.ends.get((fingerprint, each.instant))
            return run_resolve(*here, self.memory.open_[identity], deed, clock=clock, write=write) if identity and deed else None
        return run_round(*here, each.instant, schedule=each.schedule, rules=_rules(project, each), clock=clock, write=write)

    def _catch_up(self, each: Recorded) -> None:
        """What people did, and what was delivered, before the evaluation began."""
        self.memory.observed = each.observed
        self.memory.quiet = [silence for silence in self.quiet if silence.created_at <= each.started]
        while self.deeds and self.deeds[0][1].at <= each.started:
            fingerprint, deed = self.deeds.pop(0)
            identity = self._identity(fingerprint)
            if identity is not None and deed.act is not Act.RESOLVED:
                self.memory.note_deed(identity, deed)
        for key in list(self.memory.queued):
            post = self._sent.get(key)
            if post and post.delivered_at and post.delivered_at <= each.started:
                self.memory.deliver(key)
            elif post and post.dead:
                self.memory.give_up(key)

    def _identity(self, fingerprint: str) -> Identity | None:
        return next((identity for identity in self.memory.open_ if identity.fingerprint == fingerprint), None)


class _Live:
    """What was stored, to be compared with."""

    def __init__(
        self,
        events: Mapping[int, list[Event]],
        quiet: Mapping[int, list[tuple[str, Suppression, str]]],
        posts: Iterable[Posted],
    ) -> None:
        self.events, self.quiet = events, quiet
        self.posts = {(each.id, each.channel, each.recipient): each for each in posts}

    def compare(self, each: Recorded, done: Redone) -> Iterator[Difference]:
        """What the replay of one evaluation did otherwise."""
        pairs = (
            ("alert", map(_told_event, self.events.get(each.number, ())), map(_told_event, done.events)),
            ("not_told", (f"{of} {reason} {route}" for of, reason, route in self.quiet.get(each.number, ())), done.not_told),
            ("message", (_told_key(key) for key in done.messages if key in self.posts), map(_told_key, done.messages)),
        )
        for what, live, replayed in pairs:
            before, now = Counter(live), Counter(replayed)
            stored, found = list((before - now).elements()), list((now - before).elements())
            for whose in sorted({told.partition(" ")[0] for told in (*stored, *found)}):
                mine = ["; ".join(sorted(told for told in side if told.partition(" ")[0] == whose)) for side in (stored, found)]
                yield Difference(each.number, each.schedule, each.instant, what, *mine)

    def never_replayed(self, since: datetime, replayed: Collection[Key]) -> Iterator[Difference]:
        """Messages that were stored, and that no replay of an evaluation wrote."""
        for key, post in self.posts.items():
            if post.created_at >= since and key not in replayed:
                yield Difference(0, "", post.created_at, "message", _told_key(key), "")


def _rules(project: Project, each: Recorded) -> tuple[AlertRule, ...]:
    names = set(each.rules)
    return tuple(rule for rule in project.rules if rule.name in names)


def _event(moved: Transition) -> Event:
    alert = moved.alert
    return Event(alert.identity, alert.episode, moved.before, moved.after, moved.reason, alert.severity, moved.at, alert.shown)


def _told_event(event: Event) -> str:
    values = ", ".join(f"{item.label.en} {item.value}" for item in event.shown)
    change = f"{event.before or 'new'} -> {event.after} ({event.reason})"
    return f"{event.identity} #{event.episode}: {change}, {event.severity}, at {event.at.isoformat()}; {values}"


def _told_key(key: Key) -> str:
    return " ".join(key)
