"""Sends what is due, channel beside channel, and notes at once what became of each letter."""

from __future__ import annotations

import logging
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine.model import Notification
from engine.outbox.letters import NO_LIMITS, Letter, due_channels, lease_next, note_dead, note_delivered, note_retry
from engine.outbox.limits import Limits
from engine.sending import Delivery, Outcome, Send, Sender
from engine.state import State

LOG = logging.getLogger(__name__)
LEASE = timedelta(minutes=5)
"""Longer than any one message takes to send (a mail: a handful of answers, each within the channel's ``timeout``)."""
MOST_AT_ONCE = 8  # channels that are worked side by side
LOOK_AGAIN = 0.5  # seconds after which channels that are done are looked at again, while others still work

Notice = Callable[[Letter, Outcome], Iterable[Notification]]
"""Makes the messages, on other channels, that tell of a dead letter."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send a letter; ``died`` tells that it was the last."""

    letter: Letter
    outcome: Outcome
    died: bool


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What a delivery did, attempt by attempt."""

    attempts: tuple[Attempt, ...] = ()

    @property
    def delivered(self) -> int:
        return sum(attempt.outcome.delivery is Delivery.DELIVERED for attempt in self.attempts)

    @property
    def dead(self) -> int:
        return sum(attempt.died for attempt in self.attempts)

    @property
    def retried(self) -> int:
        """Letters that were put off."""
        return len(self.attempts) - self.delivered - self.dead

    def failures(self) -> dict[tuple[str, str], int]:
        """How often each (channel, category) of failure came up."""
        failed = (attempt for attempt in self.attempts if attempt.outcome.delivery is not Delivery.DELIVERED)
        return dict(Counter((attempt.letter.notification.channel, attempt.outcome.category) for attempt in failed))


@dataclass(frozen=True, slots=True)
class Retry:
    """Pauses between attempts: at random up to ``base`` doubled with every attempt, never above ``longest`` ("full jitter").
    ``give_up_after`` counts from the first attempt."""

    base: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(hours=1)
    give_up_after: timedelta = timedelta(days=3)
    chance: Callable[[], float] = random.random

    def pause(self, attempts: int) -> timedelta:
        """How long to wait after that many failed attempts (from 1)."""
        ceiling: timedelta = min(self.longest, self.base * 2 ** min(attempts, 20))
        return max(timedelta(seconds=1), ceiling * self.chance())


def deliver(
    state: State,
    senders: Mapping[str, Sender],
    now: Callable[[], datetime],
    *,
    retry: Retry | None = None,
    notice: Notice | None = None,
    lease: timedelta = LEASE,
    limits: Limits = NO_LIMITS,
    stop: threading.Event | None = None,
    workers: int = MOST_AT_ONCE,
) -> DeliveryReport:
    """Send everything that is due, each channel in a thread of its own, over one session. A channel that fails, or hangs, holds up
    no other: what falls due elsewhere while it works is sent meanwhile.

    A sender is used by one thread at a time, ``now`` and ``notice`` by several. What ``limits`` hold back stays queued, without an
    attempt. When ``stop`` is set, the messages in hand are finished and no further ones begun. Notifications of a channel that
    ``senders`` does not know wait like those of a channel that is down. Raises :class:`~engine.errors.StateError` when the outcome of an
    attempt cannot be stored; that message may then be sent once more. With one of ``workers`` all is done by the calling thread.
    """
    delivery = _Delivery(state, now, retry or Retry(), notice, lease, limits, senders, _Halt(stop))
    patience = LOOK_AGAIN if len(senders) > 1 else None
    attempts: list[Attempt] = []
    with ThreadPoolExecutor(workers, thread_name_prefix="delivery") if workers > 1 else _Caller() as pool:
        try:
            at_work = {pool.submit(delivery.channel, channel): channel for channel in delivery.due()}
            while at_work:
                done = wait(at_work, patience, FIRST_COMPLETED).done
                finished = [attempt for future in done for attempt in future.result()]
                at_work = {future: channel for future, channel in at_work.items() if future not in done}
                attempts += finished
                if not done or any(attempt.died for attempt in finished):  # there may be new messages, notices of the dead among them
                    at_work |= {pool.submit(delivery.channel, channel): channel for channel in delivery.due() - {*at_work.values()}}
        except BaseException:
            delivery.halt.own.set()
            raise
    return DeliveryReport(tuple(sorted(attempts, key=lambda attempt: attempt.letter.notification.channel)))


class _Caller(Executor):
    """Does the work in the calling thread: a database in memory is open to no other."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*args, **kwargs))
        return done


@dataclass(frozen=True, slots=True)
class _Halt:
    """True when no further message may be begun: the caller asked, or a worker failed."""

    asked: threading.Event | None
    own: threading.Event = field(default_factory=threading.Event)

    def __bool__(self) -> bool:
        return self.own.is_set() or (self.asked is not None and self.asked.is_set())


@dataclass(frozen=True, slots=True)
class _Delivery:
    state: State
    now: Callable[[], datetime]
    retry: Retry
    notice: Notice | None
    lease: timedelta
    limits: Limits
    senders: Mapping[str, Sender]
    halt: _Halt

    def due(self) -> set[str]:
        """The channels that have something to send."""
        return set() if self.halt else due_channels(self.state, self.now())

    def channel(self, channel: str) -> list[Attempt]:
        """Send what is due on one channel now; what fails and is due again later waits for the next delivery."""
        due = self.now()
        attempts: list[Attempt] = []
        with ExitStack() as stack:
            send: Send | None = None
            while not self.halt:
                letter = lease_next(self.state, channel, due, self.now(), self.lease, self.limits.get(channel, ()))
                if not isinstance(letter, Letter):
                    break
                send = send or _opened(channel, self.senders.get(channel), stack)
                outcome = _guarded(send, letter.notification)
                attempts.append(Attempt(letter, outcome, died=self._note(letter, outcome)))
        return attempts

    def _note(self, letter: Letter, outcome: Outcome) -> bool:
        """Store the outcome, in its own transaction. Returns whether the letter is dead now."""
        at = self.now()
        if outcome.delivery is Delivery.DELIVERED:
            note_delivered(self.state, letter, outcome, at)
            return False
        begun = letter.first_attempt_at or at
        if outcome.delivery is Delivery.TRY_LATER and at - begun < self.retry.give_up_after:
            pause = max(self.retry.pause(letter.attempts), outcome.wait or timedelta(0))
            note_retry(self.state, letter, outcome, at + pause)
            return False
        notices = list(self.notice(letter, outcome)) if self.notice else []
        note_dead(self.state, letter, outcome, notices)
        return True


def _opened(channel: str, sender: Sender | None, stack: ExitStack) -> Send:
    """The channel's open session; where there is none, a function that says why."""
    if sender is None:
        missing = Outcome(Delivery.TRY_LATER, "unknown_channel", f"channels.yaml has no channel '{channel}'")
        return lambda _: missing
    try:
        return stack.enter_context(sender.session())
    except Exception as error:  # one channel's fault must not stop the others
        LOG.exception("channel %s cannot be opened", channel)
        fault = Outcome(Delivery.TRY_LATER, "sender_fault", type(error).__name__)
        return lambda _: fault


def _guarded(send: Send, notification: Notification) -> Outcome:
    try:
        return send(notification)
    except Exception as error:  # one message's fault must not stop the others
        LOG.exception("sender of channel %s failed", notification.channel)
        return Outcome(Delivery.TRY_LATER, "sender_fault", type(error).__name__)
