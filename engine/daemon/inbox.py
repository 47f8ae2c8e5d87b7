"""The inbox: a folder from which exports are ingested as they come, and moved to ``done/`` or ``refused/``.

``inbox/orders.csv``: the kind is told by the headings. ``inbox/order/orders.csv``: the folder names the kind.
``inbox/order/s1/orders.csv``: and the store; ``inbox/order/all/...``: it speaks for all stores. A file beside it, ``orders.csv.yaml``, may
say more (:class:`Sidecar`); it must be there first.

An export stays where it is until it was ingested or refused, and to ingest it twice changes nothing: a daemon that dies at any moment
leaves nothing half done. When the disk is full it waits.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from engine.daemon.clock import Clock
from engine.daemon.status import Status
from engine.errors import IngestError, ProblemsFound, StorageError, StorewatchError, Text
from engine.facts import Facts
from engine.fields import Strict, about
from engine.ingest import IngestReport, Options, ingest, parse_instant, personal_key
from engine.ingest.headings import known_kinds
from engine.project import Project
from engine.snapshots import os_reason
from engine.yamlfile import load

LOG = logging.getLogger(__name__)
LOOK = 2.0  # seconds between two looks
STILL = 5.0  # seconds for which a file must not have changed
LONELY = 3600.0  # seconds until a sidecar whose export does not come is taken away, lest it be taken for that of another
LATER = 60.0  # seconds until a file that could not be stored is tried again
DONE, REFUSED, EVERYBODY = "done", "refused", "all"
TEMPORARY = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart", ".swp", "~")
ABOUT = ".yaml"


class Sidecar(Strict):
    """``orders.csv.yaml``: what the folder does not say of ``orders.csv``."""

    kind: Annotated[str, about("kind of fact", "事实的种类")] = ""
    store: Annotated[str, about("the store of all rows", "所有行的店铺")] = ""
    as_of: Annotated[str, about("when it was exported", "导出时间")] = ""
    all_stores: Annotated[bool, about("the export speaks for every store", "这份导出代表所有店铺")] = False
    allow_empty: Annotated[bool, about("accept an export without rows", "允许没有数据行")] = False


@dataclass
class _Seen:
    """A file as it was when it last changed, and since when it has been so."""

    state: tuple[int, int, int]
    since: float


class Inbox:
    """``step`` is a worker's. ``wanted()`` gives the project to use; ``came`` is called when data came; ``folder`` takes the place of what
    ``schedules.yaml`` says."""

    def __init__(
        self, wanted: Callable[[], Project], clock: Clock, status: Status, came: Callable[[], None], folder: Path | None = None
    ) -> None:
        self.wanted, self.clock, self.status, self.came, self.folder = wanted, clock, status, came, folder
        self._seen: dict[Path, _Seen] = {}
        self._later: dict[Path, float] = {}

    def step(self) -> float:
        """Ingest what has come and is complete."""
        project = self.wanted()
        inbox = self.folder or project.folder / project.schedules.inbox
        if inbox.is_dir():
            with _alone(inbox) as ours:
                for path in self._complete(inbox) if ours else ():
                    try:
                        self._take(project, inbox, path)
                    except OSError as error:
                        self._put_off(inbox, path, os_reason(error))
        return LOOK

    def _complete(self, inbox: Path) -> list[Path]:
        """The exports that have not changed for a while, the oldest first."""
        now, there = self.clock.monotonic(), dict(_files(inbox))
        self._seen = {
            path: seen if (seen := self._seen.get(path)) and seen.state == state else _Seen(state, now) for path, state in there.items()
        }
        self._later = {path: until for path, until in self._later.items() if path in there}
        ready = {path for path, seen in self._seen.items() if now - seen.since >= (LONELY if path.name.endswith(ABOUT) else STILL)}
        still = [path for path in ready if now >= self._later.get(path, now)]
        return sorted(still, key=lambda path: (there[path][1], path))

    def _take(self, project: Project, inbox: Path, path: Path) -> None:
        name = path.relative_to(inbox).as_posix()
        try:
            report = ingest(path, project.facts, project.snapshots, _options(path, inbox, project.facts, self.clock.now()))
        except StorageError as error:
            self._put_off(inbox, path, error.text)
        except StorewatchError as error:
            LOG.warning("inbox: %s is refused: %s", name, error.text.en)
            self.status.add(batches_refused=1)
            self._move(project, inbox, path, REFUSED, _why(error))
        else:
            LOG.info("inbox: %s: %s", name, _told(report))
            self.status.add(batches=sum(len(kind.batches) for kind in report.kinds))
            self._move(project, inbox, path, DONE)
            self.came()

    def _move(self, project: Project, inbox: Path, path: Path, where: str, why: str = "") -> None:
        """Out of the way, under today's date; first why, so that no refused file is without a reason."""
        day = self.clock.now().astimezone(project.facts.zone).date().isoformat()
        target = _free(inbox / where / day / path.relative_to(inbox))
        target.parent.mkdir(parents=True, exist_ok=True)
        if why:
            target.with_name(f"{target.name}.txt").write_text(why, encoding="utf-8")
        os.replace(path, target)
        if _sidecar(path).exists():
            os.replace(_sidecar(path), _sidecar(target))

    def _put_off(self, inbox: Path, path: Path, reason: Text) -> None:
        LOG.error("inbox: %s waits: %s", path.relative_to(inbox).as_posix(), reason.en)
        self._later[path] = self.clock.monotonic() + LATER


def _files(inbox: Path) -> Iterator[tuple[Path, tuple[int, int, int]]]:
    """Exports, and sidecars without an export, each with size, time of change and number."""
    for path in inbox.rglob("*"):
        parts = path.relative_to(inbox).parts
        hidden = any(part.startswith((".", "~$")) for part in parts)
        if hidden or parts[0] in (DONE, REFUSED) or path.name.lower().endswith(TEMPORARY) or _has_export(path):
            continue
        try:
            found = path.stat()
        except OSError:  # somebody took it away
            continue
        if path.is_file():
            yield path, (found.st_size, found.st_mtime_ns, found.st_ino)


def _has_export(path: Path) -> bool:
    return path.name.endswith(ABOUT) and path.with_name(path.name.removesuffix(ABOUT)).exists()


def _options(path: Path, inbox: Path, facts: Facts, now: datetime) -> Options:
    """What folders and sidecar say. Raises :class:`~engine.errors.StorewatchError`."""
    if path.name.endswith(ABOUT):
        raise IngestError(Text("no export of this name came", "没有等到同名的导出文件"))
    said = _said(path)
    folders = path.relative_to(inbox).parts[:-1]
    if len(folders) > 2:
        raise IngestError(
            Text("lies too deep in the inbox", "在 inbox 里放得太深"),
            Text("put it into inbox/KIND/ or inbox/KIND/STORE/", "请放到 inbox/种类/ 或 inbox/种类/店铺/ 下"),
        )
    kind, store = (*folders, "", "")[:2]
    kind = said.kind or kind
    known_kinds([kind] if kind else [], facts)
    return Options(
        now=now,
        kinds=(kind,) if kind else (),
        as_of=parse_instant(said.as_of, facts) if said.as_of else None,
        store=said.store or ("" if store == EVERYBODY else store),
        all_stores=said.all_stores or store == EVERYBODY,
        secret=personal_key(os.environ),
        allow_empty=said.allow_empty,
    )


def _said(path: Path) -> Sidecar:
    sidecar = _sidecar(path)
    return load(sidecar, sidecar.name).validate(Sidecar) if sidecar.exists() else Sidecar()


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ABOUT)


def _free(target: Path) -> Path:
    """The path, or, where there is such a file, with a number."""
    number = 1
    found = target
    while found.exists():
        number += 1
        found = target.with_name(f"{target.stem}-{number}{target.suffix}")
    return found


def _why(error: StorewatchError) -> str:
    """The reason in both languages, and what to do."""
    lines = []
    for language, after in (("zh", "改好后把文件放回 inbox。"), ("en", "When it is mended, put the file back into the inbox.")):
        if isinstance(error, ProblemsFound):
            lines += [problem.render(language) for problem in error.problems]
        else:
            lines.append(error.text.in_(language))
            lines += [error.hint.in_(language)] if error.hint else []
        lines += [after, ""]
    return "\n".join(lines)


def _told(report: IngestReport) -> str:
    return "; ".join(f"{kind.kind}: {kind.stored} row(s) stored, {kind.quarantined} quarantined" for kind in report.kinds)


@contextmanager
def _alone(inbox: Path) -> Iterator[bool]:
    """Whether no other daemon is at work in this inbox; the lock ends with its process."""
    handle = os.open(inbox / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
