"""Takes up changes of the project's files, as a whole and only when all of it is right.

Files are looked at every second rather than watched: a look at a hundred files takes a millisecond, and works where notifications do not
(network shares, folders mounted into containers); see docs/decisions/0007.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.daemon.clock import Clock
from engine.daemon.status import Status
from engine.errors import Problem, ProblemsFound, StorewatchError
from engine.project import Project, load_project

LOG = logging.getLogger(__name__)
LOOK = 1.0  # seconds between two looks at the files; what changed is taken up when it is the same at two looks
FOLDERS = ("rules", "templates")
State = frozenset[tuple[str, int, int, int]]
"""Name, time of change, size and number of every file."""


class Reloader:
    """Holds the project in use. ``step`` is a worker's; ``changed`` is called after another project took its place."""

    def __init__(self, project: Project, clock: Clock, status: Status, changed: Callable[[], None]) -> None:
        self.clock, self.status, self.changed = clock, status, changed
        self._project = project
        self._lock = threading.Lock()
        self._asked = threading.Event()
        self._seen = self._tried = files_of(project.folder)

    def project(self) -> Project:
        """The project in use."""
        return self._project

    def ask(self) -> None:
        """Let the next step reload, whether files changed or not: passwords in variables and files are taken up as well."""
        self._asked.set()

    def step(self) -> float:
        """Reload when the files changed and are still, or when somebody asked."""
        now = files_of(self._project.folder)
        still, self._seen = now == self._seen, now
        if self._asked.is_set() or (still and now != self._tried):
            self._asked.clear()
            self.reload()
        return LOOK

    def reload(self) -> tuple[Problem, ...]:
        """Read all files anew; from now on they count, when all of them are right. Otherwise the old ones go on, and the problems are
        logged, counted and returned."""
        with self._lock:
            self._tried = files_of(self._project.folder)
            try:
                project = checked(self._project.folder)
            except ProblemsFound as error:
                return self._refused(error.problems)
            except StorewatchError as error:
                return self._refused((Problem("", 0, 0, "cannot_load", error.text, error.hint),))
            self._project = project
        self.status.add(reloads=1)
        self.status.put(reloaded=self.clock.now(), problems=(), wrong_since=None)
        LOG.info("project reloaded: %d rule(s), %d schedule(s)", len(project.rules), len(project.schedules.schedules))
        self.changed()
        return ()

    def _refused(self, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
        LOG.error("the files of the project are wrong, the old ones stay in force: %d problem(s)", len(problems))
        for problem in problems:
            LOG.error("%s", problem.render("en"))
        self.status.add(reloads_failed=1)
        since = self.status.figures.wrong_since or self.clock.now()
        self.status.put(problems=problems, wrong_since=since)
        return problems


def checked(folder: Path) -> Project:
    """The project of a folder with every template rendered on trial. Raises :class:`~engine.errors.StorewatchError`."""
    project = load_project(folder)
    problems = project.renderer.check(project.infos.values())
    if problems:
        raise ProblemsFound(problems)
    return project


def files_of(folder: Path) -> State:
    """The state of the files that make up a project."""
    return frozenset(_states(folder))


def _states(folder: Path) -> Iterator[tuple[str, int, int, int]]:
    for path in (*folder.glob("*.y*ml"), *(path for name in FOLDERS for path in (folder / name).rglob("*"))):
        try:
            found = path.stat()
        except OSError:  # it was there a moment ago, or points nowhere
            yield str(path), 0, 0, 0
        else:
            yield str(path), found.st_mtime_ns, found.st_size, found.st_ino
