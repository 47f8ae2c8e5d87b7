"""What the database and the snapshot folder tell at the moment, for metrics and ``storewatch status``: read when somebody asks, at most
every few seconds, and never for longer than an asker can wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select

from engine.builtin.facts import Daemon
from engine.errors import SnapshotError, StorewatchError, Text
from engine.model import State as AlertState
from engine.snapshots import Snapshots
from engine.state import RuleHealth, State, daemons
from engine.state_tables import ALERTS, NOTIFICATIONS

UNSENT = ("queued", "sending", "dead")


@dataclass(frozen=True, slots=True)
class Letters:
    """Notifications of one channel in one state (queued, sending or dead), and when the oldest was written."""

    channel: str
    state: str
    count: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Facts:
    """``alerts`` counts the open ones by rule, severity and state; ``newest`` is the newest batch of each kind."""

    at: datetime
    alerts: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    letters: tuple[Letters, ...] = ()
    health: tuple[RuleHealth, ...] = ()
    daemons: tuple[Daemon, ...] = ()
    newest: Mapping[str, datetime] = field(default_factory=dict)


def read_facts(state: State, snapshots: Path, at: datetime) -> Facts:
    """Raises :class:`~engine.errors.StateError`; a snapshot folder that cannot be read has no batches."""
    a, n = ALERTS.c, NOTIFICATIONS.c
    is_open = a.state.in_((AlertState.PENDING.value, AlertState.FIRING.value))
    alerts = select(a.rule, a.severity, a.state, func.count()).where(is_open).group_by(a.rule, a.severity, a.state)
    letters = select(n.channel, n.state, func.count(), func.min(n.created_at)).where(n.state.in_(UNSENT)).group_by(n.channel, n.state)
    with state.reading() as connection:
        counts = {(rule, severity, status): count for rule, severity, status, count in connection.execute(alerts)}
        unsent = tuple(Letters(*row) for row in connection.execute(letters.order_by(n.channel, n.state)))
    return Facts(at, counts, unsent, state.health(), daemons(state), newest_batches(snapshots))


def newest_batches(folder: Path) -> dict[str, datetime]:
    """The instant of the newest batch of each kind, by the names of folders and files alone."""
    snapshots = Snapshots(folder)
    try:
        found = {kind: snapshots.newest(kind) for kind in snapshots.kinds()}
    except SnapshotError:
        return {}
    return {kind: instant for kind, instant in found.items() if instant}


class Lookout:
    """The facts as they were not longer than ``fresh`` seconds ago. A database that does not answer keeps nobody waiting for longer than
    ``patience`` seconds: :meth:`look` then gives what was known last, and says that it could not be asked."""

    def __init__(self, read: Callable[[], Facts], monotonic: Callable[[], float], *, fresh: float = 5.0, patience: float = 3.0) -> None:
        self._read, self._monotonic, self._fresh, self._patience = read, monotonic, fresh, patience
        self._lock = threading.Lock()
        self._reading: threading.Event | None = None
        self._facts: Facts | None = None
        self._error: Text | None = None
        self._read_at = float("-inf")

    def look(self) -> tuple[Facts | None, Text | None]:
        """What is known, and why it is not up to date (None: it is)."""
        with self._lock:
            if self._monotonic() - self._read_at < self._fresh:
                return self._facts, self._error
            if self._reading is None:
                self._reading = threading.Event()
                threading.Thread(target=self._refresh, args=(self._reading,), name="lookout", daemon=True).start()
            done = self._reading
        if not done.wait(self._patience):
            return self._facts, Text("the state database does not answer", "状态库没有响应")
        return self._facts, self._error

    def _refresh(self, done: threading.Event) -> None:
        facts, error = self._facts, None
        try:
            facts = self._read()
        except StorewatchError as problem:
            error = problem.text
        except Exception as problem:  # noqa: BLE001 - told to whoever looks; the next look tries again
            error = Text.same(type(problem).__name__)
        with self._lock:
            self._facts, self._error, self._read_at, self._reading = facts, error, self._monotonic(), None
        done.set()
