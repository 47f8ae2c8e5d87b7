"""Sends what is due over the channels of a project, each set up as ``channels.yaml`` says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from engine.actions import Surroundings, limits, type_of
from engine.actions.notices import dead_letter_notice
from engine.errors import UsageError
from engine.model import Notification
from engine.outbox import DeliveryReport, deliver
from engine.routing import Channel, Channels
from engine.sending import Delivery, Outcome, Send, Sender
from engine.state import State


@dataclass(frozen=True, slots=True)
class Unready:
    """The sender of a channel that cannot be used as it is set up: its messages wait, and the outbox tells why."""

    reason: str

    @contextmanager
    def session(self) -> Iterator[Send]:
        yield self._put_off

    def _put_off(self, _: Notification) -> Outcome:
        return Outcome(Delivery.TRY_LATER, "not_configured", self.reason)


def ready_senders(channels: Channels, surroundings: Surroundings) -> dict[str, Sender]:
    """A sender for each channel, by its name; one that cannot be set up puts its messages off."""
    return {name: _sender(channel, surroundings) for name, channel in channels.channels.items()}


def post(
    channels: Channels,
    senders: Mapping[str, Sender],
    state: State,
    now: Callable[[], datetime],
    stop: threading.Event | None = None,
) -> DeliveryReport:
    """Send everything in the outbox that is due; when ``stop`` is set, only finish the messages in hand."""
    return deliver(state, senders, now, notice=dead_letter_notice(channels), limits=limits(channels), stop=stop)


def _sender(channel: Channel, surroundings: Surroundings) -> Sender:
    try:
        return type_of(channel).build(channel, surroundings)
    except UsageError as error:
        return Unready(error.text.en)
