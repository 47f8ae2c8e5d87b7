"""What was found or made before, so that what takes long is not done again while nothing about it has changed.

A folder of files, each named by a hash of everything that the answer depends on, the program's own code included. Empty ones say "all is
right" (whatever is wrong is found anew each time); others hold what was made. The folder is the user's (``$XDG_CACHE_HOME/storewatch``,
else ``~/.cache/storewatch``), trusted as Python trusts its ``__pycache__``, and may be deleted at any time; where it is not the user's
alone, nothing is remembered.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
MOST = 2000  # files; the half that was not used for longest goes


@dataclass(frozen=True, slots=True)
class Memory:
    """``folder`` is there already, and is the user's alone."""

    folder: Path

    def knows(self, digest: str) -> bool:
        """Whether what the digest stands for was right."""
        return (self.folder / digest).is_file()

    def note(self, digest: str, made: str = "") -> None:
        """It is right; or this is what was made."""
        with suppress(OSError):
            unfinished = self.folder / f"{digest}.{os.getpid()}"
            unfinished.write_text(made, encoding="utf-8")
            unfinished.replace(self.folder / digest)
            if len(os.listdir(self.folder)) > MOST:
                for old in sorted(self.folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)[: -MOST // 2]:
                    old.unlink()

    def unless_right(self, digest: str, look: Callable[[], Sequence[T]]) -> Sequence[T]:
        """The problems that ``look`` finds; without looking none, where it had found none before."""
        if self.knows(digest):
            return ()
        problems = look()
        if not problems:
            self.note(digest)
        return problems

    def made(self, digest: str) -> str | None:
        """What was noted under the digest."""
        try:
            os.utime(self.folder / digest)
            return (self.folder / digest).read_text(encoding="utf-8")
        except (OSError, UnicodeError):
            return None


def of_user() -> Memory | None:
    """The memory of the user who runs the program; None where there is no place for it."""
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # nobody's home
        return None
    folder = base / "storewatch"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = folder.stat()
    except OSError:
        return None
    return Memory(folder) if there.st_uid == os.geteuid() and not there.st_mode & 0o022 else None


def digest(parts: Iterable[object]) -> str:
    """The name of what ``parts`` say, for this very code. Parts are told apart by their ``repr``; of dataclasses only what is compared
    counts, so that places in files do not."""
    found = hashlib.sha256(_code().encode())
    for part in parts:
        found.update(_said(part).encode("utf-8", "backslashreplace"))
        found.update(b"\0")
    return found.hexdigest()


def _said(part: object) -> str:
    if names := _compared(type(part)):  # type: ignore[arg-type]  # classes are hashable
        return f"{type(part).__name__}({', '.join([_said(getattr(part, name)) for name in names])})"
    if isinstance(part, Mapping):
        return f"{{{', '.join([f'{_said(key)}: {_said(value)}' for key, value in part.items()])}}}"
    if isinstance(part, list | tuple):
        return f"[{', '.join(map(_said, part))}]"
    return repr(part)


@cache
def _compared(type_: type) -> tuple[str, ...]:
    """The fields of a dataclass that are compared; none of anything else."""
    return tuple(field.name for field in fields(type_) if field.compare) if is_dataclass(type_) else ()


@cache
def _code() -> str:
    """What tells this code from any other: an installation that was changed must not trust what the one before found."""
    files = sorted((path.as_posix(), path.stat().st_size, path.stat().st_mtime_ns) for path in Path(__file__).parent.rglob("*.py"))
    return f"{sys.version} {files}"
