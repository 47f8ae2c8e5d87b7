"""What was found right before, so that what takes long to look at is not looked at again while nothing about it has changed.

A folder of empty files, each named by a hash of everything that the answer depends on, the program's own code included. Only "all is right"
is kept: whatever is wrong is found anew each time. The folder is the user's (``$XDG_CACHE_HOME/storewatch``, else ``~/.cache/storewatch``),
trusted as Python trusts its ``__pycache__``, and may be deleted at any time; where it is not the user's alone, nothing is remembered.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MOST = 200  # files; the oldest go


@dataclass(frozen=True, slots=True)
class Memory:
    """``folder`` is there already, and is the user's alone."""

    folder: Path

    def knows(self, digest: str) -> bool:
        """Whether what the digest stands for was right."""
        return (self.folder / digest).is_file()

    def note(self, digest: str) -> None:
        """It is right."""
        with suppress(OSError):
            (self.folder / digest).touch()
            for old in sorted(self.folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)[:-MOST]:
                old.unlink()


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
    """The name of what ``parts`` say, for this very code. Parts are told apart by their ``repr``."""
    found = hashlib.sha256(_code().encode())
    for part in parts:
        found.update(repr(part).encode("utf-8", "backslashreplace"))
        found.update(b"\0")
    return found.hexdigest()


@cache
def _code() -> str:
    """What tells this code from any other: an installation that was changed must not trust what the one before found."""
    files = sorted((path.as_posix(), path.stat().st_size, path.stat().st_mtime_ns) for path in Path(__file__).parent.rglob("*.py"))
    return f"{sys.version} {files}"
