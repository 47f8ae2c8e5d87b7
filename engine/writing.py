"""Replacing files: all of them or none, and no reader ever sees half a file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from engine.errors import StorewatchError, Text


def replace_files(contents: Mapping[Path, bytes]) -> None:
    """Write every file (folders are made where they are missing); when one cannot be written, or the program is interrupted, all are as
    they were. Links are followed, permissions kept. Raises :class:`StorewatchError`."""
    targets = {Path(os.path.realpath(path)): content for path, content in contents.items()}
    before: dict[Path, bytes | None] = {}
    try:
        before |= {path: path.read_bytes() if path.exists() else None for path in targets}
        with _prepared(targets) as temporary:
            for path, prepared in temporary.items():
                os.replace(prepared, path)
    except BaseException as error:
        _take_back(before)
        if not isinstance(error, OSError):
            raise
        name = error.filename or ", ".join(map(str, contents))
        raise StorewatchError(Text(f"{name} cannot be written: {error.strerror}", f"无法写入 {name}：{error.strerror}")) from None


@contextmanager
def _prepared(contents: Mapping[Path, bytes]) -> Iterator[dict[Path, str]]:
    """Each file's content, on the disk, in a file beside it; those that were not renamed are gone in the end."""
    made: dict[Path, str] = {}
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, made[path] = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~_umask())
                os.fsync(file.fileno())
        yield made
    finally:
        for name in made.values():
            Path(name).unlink(missing_ok=True)


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current


def _take_back(before: Mapping[Path, bytes | None]) -> None:
    for path, content in before.items():
        if content is None and path.exists():
            path.unlink()
        elif content is not None and path.read_bytes() != content:
            path.write_bytes(content)
