"""A throw-away state in memory that answers as :class:`engine.state.State` does. One process, one thread; nothing is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

from engine.builtin.facts import Failing, Operations
from engine.model import Alert, Identity, Notification, Transition
from engine.model import State as AlertState
from engine.routing import Held, Silence, Thread, Told
from engine.state import Act, Deed, Evaluation, Event, Past, State, failing_rules

Key = tuple[str, str, str]
"""Id, channel and recipient of a notification: each is stored once."""


@dataclass(slots=True)
class _Said:
    """One thread about one episode of an alert."""

    begun: datetime
    told_at: datetime | None = None
    queued: int = 0


@dataclass(frozen=True, slots=True)
class _Letter:
    notification: Notification
    about: tuple[tuple[str, int], ...]  # fingerprints and episodes


@dataclass
class Memory:
    """The state. Messages are queued until :meth:`deliver` or :meth:`give_up`, as an outbox has them."""

    past: Past | None = None  # what was told before, where it begins from a real state
    quiet: Sequence[Silence] = ()
    observed: Operations | None = None  # how storewatch itself fares; None: well
    open_: dict[Identity, Alert] = field(default_factory=dict)
    ended: dict[Identity, Alert] = field(default_factory=dict)
    failing: dict[str, Failing] = field(default_factory=dict)
    queued: dict[Key, _Letter] = field(default_factory=dict)
    _by_hand: dict[Identity, Alert] = field(default_factory=dict)  # those of the ended
    _last_ok: dict[str, datetime] = field(default_factory=dict)
    _by_fingerprint: dict[str, Identity] = field(default_factory=dict)
    _said: defaultdict[tuple[str, int], dict[str, _Said]] = field(default_factory=lambda: defaultdict(dict))
    _events: defaultdict[Identity, list[Event]] = field(default_factory=lambda: defaultdict(list))
    _started: dict[tuple[str, str], str] = field(default_factory=dict)
    _known: set[Key] = field(default_factory=set)
    _held: dict[int, Held] = field(default_factory=dict)
    _claims: set[tuple[str, datetime]] = field(default_factory=set)
    _numbers: count[int] = field(default_factory=lambda: count(1))
    _newest: int = 0

    @classmethod
    def like(cls, state: State) -> Memory:
        """A copy of what a real state knows and a next round may ask for. The state is only read."""
        copy = cls(state, state.silences())
        for alert in state.alerts(resolved=True).values():
            copy._put(alert)
        copy.failing = failing_rules(state)
        copy._held = {held.number: held for held in state.held()}
        copy._numbers = count(max(copy._held, default=0) + 1)
        fired = {identity.fingerprint: alert for identity, alert in copy.open_.items()}
        fired |= {held.identity.fingerprint: copy.ended[held.identity] for held in copy._held.values() if held.identity in copy.ended}
        for fingerprint, threads in state.told().items():
            said = copy._said[fingerprint, fired[fingerprint].episode]
            for thread in threads:
                said[thread.id] = _Said(thread.begun or datetime.max, thread.told_at, int(thread.queued))
        return copy

    # what is asked

    def alerts(self, *, closed: bool = False) -> dict[Identity, Alert]:
        return self.open_ | self._by_hand if closed else dict(self.open_)

    def resolved(self, identities: Iterable[Identity]) -> dict[Identity, Alert]:
        return {identity: self.ended[identity] for identity in identities if identity in self.ended}

    def told(self) -> Told:
        held = {held.identity for held in self._held.values()}
        asked = [alert for alert in self.open_.values() if alert.state is AlertState.FIRING]
        asked += [alert for alert in self.resolved(held).values()]
        asked += [self.open_[identity] for identity in held if identity in self.open_ and self.open_[identity].state is AlertState.PENDING]
        found = ((alert.identity.fingerprint, self._said.get((alert.identity.fingerprint, alert.episode))) for alert in asked)
        return {
            fingerprint: [Thread(name, said.told_at, said.queued > 0, said.begun) for name, said in threads.items()]
            for fingerprint, threads in found
            if threads
        }

    def held(self) -> tuple[Held, ...]:
        return tuple(self._held.values())

    def silences(self) -> tuple[Silence, ...]:
        return tuple(self.quiet)

    def operations(self, at: datetime) -> Operations:
        return replace(self.observed or Operations(at), at=at, failing=dict(self.failing))

    def newest(self) -> int:
        return self._newest

    def last_event(self, identity: Identity, episode: int, before: datetime) -> Event | None:
        mine = (event for event in reversed(self._events.get(identity, ())) if event.episode == episode and event.at < before)
        return next(mine, None) or (self.past.last_event(identity, episode, before) if self.past else None)

    def thread_started(self, thread: str, recipient: str) -> str | None:
        earlier = self.past.thread_started(thread, recipient) if self.past else None
        return earlier or self._started.get((thread, recipient))

    # what changes

    def commit(self, evaluation: Evaluation) -> bool:
        claim = (evaluation.schedule, evaluation.instant)
        if claim in self._claims or evaluation.known not in (None, self._newest):
            return False
        self._claims.add(claim)
        for alert in evaluation.alerts.values():
            self._put(alert)
        for moved in evaluation.transitions:
            self._note(moved)
        self._exchange(set(evaluation.resumed), set(evaluation.held))
        for notification in evaluation.notifications:
            self._queue(notification)
        self._note_health(evaluation)
        return True

    def deliver(self, key: Key) -> None:
        """The notification reached its recipient."""
        letter = self.queued.pop(key)
        told_at = letter.notification.created_at
        for fingerprint, episode in letter.about:
            said = self._said[fingerprint, episode][letter.notification.thread]
            said.queued -= 1
            said.told_at = max(said.told_at or told_at, told_at)
            alert = self._alert(fingerprint)
            if alert and alert.episode == episode and (alert.notified_at is None or alert.notified_at < told_at):
                self._put(replace(alert, notified_at=told_at))

    def give_up(self, key: Key) -> None:
        """The notification will never be sent."""
        letter = self.queued.pop(key)
        for about in letter.about:
            self._said[about][letter.notification.thread].queued -= 1

    def note_deed(self, identity: Identity, deed: Deed) -> None:
        """Somebody acknowledged an alert, or took that back."""
        alert = self.open_.get(identity)
        if alert and deed.act in (Act.ACKNOWLEDGED, Act.TAKEN_BACK):
            self._put(replace(alert, acknowledged_by=deed.author if deed.act is Act.ACKNOWLEDGED else ""))

    def _alert(self, fingerprint: str) -> Alert | None:
        identity = self._by_fingerprint.get(fingerprint)
        return (self.open_.get(identity) or self.ended.get(identity)) if identity else None

    def _put(self, alert: Alert) -> None:
        self._by_fingerprint[alert.identity.fingerprint] = alert.identity
        mine, other = (self.ended, self.open_) if alert.state is AlertState.RESOLVED else (self.open_, self.ended)
        other.pop(alert.identity, None)
        mine[alert.identity] = alert
        self._by_hand.pop(alert.identity, None)
        if alert.closed_by and mine is self.ended:
            self._by_hand[alert.identity] = alert

    def _note(self, moved: Transition) -> None:
        alert = moved.alert
        self._events[alert.identity].append(
            Event(alert.identity, alert.episode, moved.before, moved.after, moved.reason, alert.severity, moved.at, alert.shown)
        )
        if moved.after is AlertState.RESOLVED and alert.firing_since is None:
            self.open_.pop(alert.identity, None)
            self.ended.pop(alert.identity, None)
            self._by_hand.pop(alert.identity, None)

    def _exchange(self, before: set[Held], now: set[Held]) -> None:
        for held in before - now:
            del self._held[held.number]
        for held in sorted(now - before, key=lambda held: (held.since, held.identity)):
            number = next(self._numbers)
            self._held[number] = replace(held, number=number)

    def _queue(self, notification: Notification) -> None:
        key = (notification.id, notification.channel, notification.recipient)
        if key in self._known:
            return
        self._known.add(key)
        self._newest += 1
        self._started.setdefault((notification.thread, notification.recipient), notification.id)
        alerts = [(fingerprint, self._alert(fingerprint)) for fingerprint in notification.alerts]
        letter = _Letter(notification, tuple((fingerprint, alert.episode) for fingerprint, alert in alerts if alert))
        self.queued[key] = letter
        for about in letter.about:
            said = self._said[about].setdefault(notification.thread, _Said(notification.created_at))
            said.queued += 1
            said.begun = min(said.begun, notification.created_at)

    def _note_health(self, evaluation: Evaluation) -> None:
        for result in evaluation.results:
            if result.error is None:
                self._last_ok[result.rule] = evaluation.instant
                self.failing.pop(result.rule, None)
            else:
                before = self.failing.get(result.rule)
                last_ok = before.last_ok if before else self._last_ok.get(result.rule)
                self.failing[result.rule] = Failing(before.times + 1 if before else 1, result.error, last_ok)
