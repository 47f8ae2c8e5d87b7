"""Notes twice a minute that the daemon is there, and what it sees of its machine: for ``storewatch status``, and for the built-in alerts
about storewatch itself, which any process may judge."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from engine.builtin.facts import BadReload, Daemon, Disk
from engine.daemon.clock import Clock
from engine.daemon.status import Figures, Status
from engine.errors import StateError, Text
from engine.project import Project
from engine.state import State, forget_daemon, note_daemon

LOG = logging.getLogger(__name__)
PAUSE = 30.0  # seconds


class Watchman:
    """``step`` is a worker's. ``wanted()`` gives the project in use."""

    def __init__(self, state: State, wanted: Callable[[], Project], clock: Clock, status: Status) -> None:
        self.state, self.wanted, self.clock, self.status = state, wanted, clock, status
        self.id = uuid.uuid4().hex
        self.host = socket.gethostname()

    def step(self) -> float:
        """Look, and note it. Raises :class:`~engine.errors.StateError`."""
        self.status.put(disks=tuple(disks_of(folders(self.wanted(), self.state))))
        note_daemon(self.state, self.present(self.clock.now()))
        return PAUSE

    def present(self, now: datetime) -> Daemon:
        """The daemon as it is."""
        figures = self.status.figures
        return Daemon(self.id, self.host, os.getpid(), figures.started, now, figures.disks, figures.jumps, bad_reload(figures))

    def leave(self) -> None:
        """The daemon ends in good order; where the database cannot be told, it finds out by itself."""
        try:
            forget_daemon(self.state, self.id)
        except StateError as error:
            LOG.warning("the database was not told of the end: %s", error.text.en)


def bad_reload(figures: Figures) -> BadReload | None:
    """Why changes of the project's files do not count, if they do not."""
    if figures.wrong_since is None or not figures.problems:
        return None
    first = figures.problems[0]
    place = f"{first.file}:{first.line}: " if first.line else ""
    return BadReload(figures.wrong_since, len(figures.problems), Text(place + first.text.en, place + first.text.zh))


def folders(project: Project, state: State) -> Iterator[Path]:
    """What fills up: the snapshots, and the folder of an SQLite database."""
    yield project.snapshots
    url = state.engine.url
    if url.get_backend_name() == "sqlite" and url.database:
        yield Path(url.database).parent


def disks_of(wanted: Iterable[Path]) -> Iterator[Disk]:
    """The file systems of folders, each once; of a folder that is not there yet, the one that it will be made on."""
    seen: set[int] = set()
    for folder in wanted:
        there = next((path for path in (folder.absolute(), *folder.absolute().parents) if path.exists()), None)
        if there and (device := there.stat().st_dev) not in seen:
            seen.add(device)
            usage = shutil.disk_usage(there)
            yield Disk(str(folder.absolute()), usage.free, usage.total)
