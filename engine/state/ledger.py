"""What rounds and dispatches ask of the state, and give to it: a database when it is live, memory when it is a replay."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from engine.builtin.facts import Operations
from engine.model import Alert, Identity
from engine.routing import Held, Silence, Told
from engine.state.values import Evaluation, Event


class Past(Protocol):
    """What was told before, as messages need to know it."""

    def last_event(self, identity: Identity, episode: int, before: datetime) -> Event | None:
        """The last transition of one episode before an instant."""

    def thread_started(self, thread: str, recipient: str) -> str | None:
        """The id of the first notification to a recipient in a thread, or None."""


class Ledger(Past, Protocol):
    """The state of alerts. :class:`engine.state.State` tells of each method what it means."""

    def alerts(self, *, closed: bool = False) -> dict[Identity, Alert]: ...

    def resolved(self, identities: Iterable[Identity]) -> dict[Identity, Alert]: ...

    def told(self) -> Told: ...

    def held(self) -> tuple[Held, ...]: ...

    def silences(self) -> tuple[Silence, ...]: ...

    def operations(self, at: datetime) -> Operations: ...

    def newest(self) -> int: ...

    def commit(self, evaluation: Evaluation) -> bool: ...
