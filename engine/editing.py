"""What editors need in a project: the schemas of its files, under ``.storewatch/schemas/``, and in the first line of each file the path to
its schema, as yaml-language-server (VS Code's YAML extension, and others') reads it.

The folder stands in the project, so that the path is short, relative and the same on every machine, and is meant to be committed with the
rules; its name starts with a dot because nobody edits what is in it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.errors import ProblemsFound
from engine.project import rule_paths
from engine.schemas import FORMS, names_in, schema_of, written_out
from engine.yamlfile import load

SCHEMAS = Path(".storewatch", "schemas")
_HEAD = re.compile(rb"(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\n|\r))*(?:[ \t]*#[^\r\n]*)?")
_LINE = re.compile(rb"(?m)^[ \t]*#[ \t]*yaml-language-server[ \t]*:[ \t]*\$schema=([^\s]*)[^\r\n]*")
_BOM = b"\xef\xbb\xbf"


def schema_files(folder: Path) -> dict[Path, bytes]:
    """The schemas of the project in ``folder``, by path. They are made of what can be read of it."""
    names = names_in(folder)
    return {folder / SCHEMAS / f"{name}.json": written_out(schema_of(name, names)).encode() for name in FORMS}


def files_with_lines(folder: Path) -> dict[Path, bytes]:
    """Every YAML file of the project as it is with the line that names its schema."""
    return {path: with_line(path.read_bytes(), _target(folder, path, name)) for path, name in yaml_files(folder)}


def changed(files: Mapping[Path, bytes]) -> dict[Path, bytes]:
    """Those whose content is not yet on the disk."""
    return {path: content for path, content in files.items() if not path.is_file() or path.read_bytes() != content}


def yaml_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every YAML file of the project, with the name of its form."""
    yield from ((path, "facts") for path in _facts_files(folder))
    yield from ((path, path.stem) for path in (folder / "schedules.yaml", folder / "channels.yaml") if path.is_file())
    yield from ((path, "rules") for path in rule_paths(folder))
    yield from ((path, "tests") for path in sorted((folder / "rules").rglob("*.test.yaml")))


def _facts_files(folder: Path) -> Iterator[Path]:
    """``facts.yaml`` and, of the files that it extends, those of this project."""
    path, seen = folder / "facts.yaml", set[Path]()
    while path.is_file() and path not in seen and path.resolve().is_relative_to(folder.resolve()):
        yield path
        seen.add(path)
        try:
            data = load(path).data
        except ProblemsFound:
            return
        base = data.get("extends") if isinstance(data, dict) else None
        if not isinstance(base, str):
            return
        path = Path(os.path.normpath(path.parent / base))


def _target(folder: Path, path: Path, name: str) -> str:
    return Path(os.path.relpath(folder / SCHEMAS / f"{name}.json", path.parent)).as_posix()


def with_line(content: bytes, target: str) -> bytes:
    """A YAML file's bytes with the line that names the schema ``target``: where such a line of ours stands among the comments at the top,
    it is put right; a line that names another schema stays, being somebody's choice; else it becomes the first line. All other bytes
    stay as they are."""
    mark, body = (_BOM, content.removeprefix(_BOM)) if content.startswith(_BOM) else (b"", content)
    line = f"# yaml-language-server: $schema={target}".encode()
    head = _HEAD.match(body)
    found = _LINE.search(body, 0, head.end() if head else 0)
    if not found:
        first = re.search(rb"\r\n|\n|\r", body)
        return mark + line + (first[0] if first else b"\n") + body
    if SCHEMAS.as_posix().encode() not in found[1]:
        return content
    return mark + body[: found.start()] + line + body[found.end() :]
