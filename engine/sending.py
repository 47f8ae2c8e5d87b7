"""What the outbox asks of a channel, and what a channel answers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from engine.model import Notification


class Delivery(StrEnum):
    DELIVERED = "delivered"
    TRY_LATER = "try_later"
    GIVE_UP = "give_up"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt to send. ``category`` is a stable word (``refused_connection``, ``bad_recipient``, ...). ``wait`` is how
    long the other side asked us to wait at least."""

    delivery: Delivery
    category: str
    detail: str = ""
    wait: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many messages in any ``window``."""

    most: int
    window: timedelta


Send = Callable[[Notification], Outcome]


class Sender(Protocol):
    """A channel's implementation. :meth:`session` opens what many messages share (one SMTP connection) and yields a function that
    sends one of them and never raises for what the server answers."""

    def session(self) -> AbstractContextManager[Send]: ...
