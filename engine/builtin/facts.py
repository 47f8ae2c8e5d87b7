"""How storewatch itself fares at an instant: what the state database tells, and what each daemon noted there of its machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.errors import Text

SEEN_WITHIN = timedelta(minutes=5)
"""A daemon notes every minute that it is there; one that was not seen for so long says nothing any more."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """A channel's trouble: letters that wait though they were tried, since when, the last answer; and recent dead letters."""

    channel: str
    waiting: int = 0
    since: datetime | None = None
    answer: str = ""
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system that holds ``folder``, in bytes."""

    folder: str
    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Jump:
    """The clock was set at ``at`` (as it showed afterwards), ``by`` so much: forward, or back when negative."""

    at: datetime
    by: timedelta


@dataclass(frozen=True, slots=True)
class BadReload:
    """Since ``since`` the files of the project are wrong, and what they said before still holds."""

    since: datetime
    problems: int
    first: Text


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon that shares the database, with what it last noted."""

    id: str
    host: str
    process: int
    started: datetime
    seen: datetime
    disks: tuple[Disk, ...] = ()
    jumps: tuple[Jump, ...] = ()
    reload: BadReload | None = None

    def is_alive(self, at: datetime) -> bool:
        """Whether it was seen lately. A clock that was set back makes no daemon dead."""
        return at - self.seen < SEEN_WITHIN


@dataclass(frozen=True, slots=True)
class Failing:
    """How often in a row a rule's evaluation failed, with the last error and when it last went well."""

    times: int
    error: Text
    last_ok: datetime | None = None


@dataclass(frozen=True, slots=True)
class Operations:
    """All of it at ``at``: rules whose last evaluations failed, channels in trouble, daemons."""

    at: datetime
    failing: Mapping[str, Failing] = field(default_factory=dict)
    backlogs: tuple[Backlog, ...] = ()
    daemons: tuple[Daemon, ...] = ()
