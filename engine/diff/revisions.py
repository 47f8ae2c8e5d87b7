"""A project as a git revision has it, read into a temporary folder: the working tree and the index are left alone."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from engine.errors import ProblemsFound, Text, UsageError
from engine.project import Project, load_project
from engine.wording import clean

DEFAULT_BASES = ("main", "origin/main", "master", "origin/master")
"""What is compared with where nobody says; the first that there is."""
FACTS = "facts.yaml"
LARGEST = 4_000_000
"""Bytes of a file that may belong to a project's rules, templates and settings."""
DATA = frozenset({"snapshots", "inbox", "samples", ".storewatch"})
"""Folders of a project that say nothing of its rules."""


@dataclass(frozen=True, slots=True)
class Base:
    """The older version: the project, and what it is called in reports (``main (1a2b3c4)``, or a folder)."""

    project: Project
    name: str


@contextmanager
def base_of(asked: str, folder: Path) -> Iterator[Base]:
    """The project that ``asked`` means (a folder with facts.yaml, or a git revision of ``folder``; '' for the first of
    :data:`DEFAULT_BASES`), for as long as the context is open.

    Raises :class:`UsageError` where there is no such thing, :class:`ProblemsFound` (files named ``REVISION:path``) where it is wrong.
    """
    if asked and Path(asked, FACTS).is_file():
        yield Base(load_project(Path(asked)), asked)
        return
    if asked and Path(asked).is_dir() and not _commit(folder, asked):
        text = Text(f"{asked} has no {FACTS}: it is no project", f"{asked} 里没有 {FACTS}，不是项目文件夹")
        raise UsageError(text, Text("give the project's folder, not its rules/", "请写项目文件夹，而不是 rules/"))
    top, inside = _repository(folder)
    name, commit = _chosen(asked, folder)
    with tempfile.TemporaryDirectory(prefix="storewatch-base-") as scratch:
        _write_tree(top, commit, inside, Path(scratch))
        place = Path(scratch) / inside
        if not (place / FACTS).is_file():
            where = f"{inside}/{FACTS}" if inside != PurePosixPath(".") else FACTS
            text = Text(f"{name} has no {where}: there was no project then", f"{name} 里没有 {where}：当时还没有这个项目")
            raise UsageError(text, Text("choose a later revision, or a folder: --base DIR", "请选更晚的版本，或用文件夹：--base 文件夹"))
        yield Base(_loaded(place, name), f"{name} ({commit[:7]})" if not commit.startswith(name) else commit[:7])


def _loaded(folder: Path, name: str) -> Project:
    try:
        return load_project(folder)
    except ProblemsFound as error:
        raise ProblemsFound(replace(problem, file=f"{name}:{problem.file}") for problem in error.problems) from None


def _repository(folder: Path) -> tuple[Path, PurePosixPath]:
    """The repository's top folder, and where in it the project is."""
    found = _run(folder, "rev-parse", "--show-toplevel", "--show-prefix")
    if found.returncode:
        said = clean(found.stderr.decode("utf-8", "replace").partition("\n")[0])
        text = Text(f"{folder} is not in a git repository that can be read: {said}", f"{folder} 不在可读取的 git 仓库里：{said}")
        raise UsageError(text, Text("compare with a folder: --base DIR", "请与另一个文件夹比较：--base 文件夹"))
    top, _, prefix = found.stdout.decode("utf-8", "surrogateescape").rstrip("\n").partition("\n")
    return Path(top), PurePosixPath(prefix or ".")


def _chosen(asked: str, folder: Path) -> tuple[str, str]:
    """The revision's name and its commit."""
    for name in [asked] if asked else DEFAULT_BASES:
        commit = _commit(folder, name)
        if commit:
            return name, commit
    if not asked:
        text = Text(f"no branch is called {' or '.join(DEFAULT_BASES)}", f"没有名为 {'、'.join(DEFAULT_BASES)} 的分支")
        raise UsageError(text, Text("say what to compare with: --base REVISION", "请写明与哪个版本比较：--base 版本"))
    text = Text(f"--base {asked}: neither a folder nor a git revision", f"--base {asked}：既不是文件夹，也不是 git 版本")
    hint = Text("in CI, fetch it first: actions/checkout with fetch-depth: 0", "在 CI 里要先取回历史：actions/checkout 加 fetch-depth: 0")
    raise UsageError(text, hint)


def _commit(folder: Path, name: str) -> str:
    """The commit's id; '' where there is no such revision."""
    found = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    return found.decode().strip() if found else ""


def _write_tree(top: Path, commit: str, inside: PurePosixPath, target: Path) -> None:
    """Write the files of the project at ``inside``, and all YAML files of the repository (``extends:`` may name any), below ``target``."""
    listed = _git(top, "ls-tree", "-r", "-l", "-z", "--full-tree", commit) or b""
    chosen = list(_files(listed, inside))
    for (path, _), content in zip(chosen, _contents(top, [blob for _, blob in chosen]), strict=True):
        place = target / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def _files(listed: bytes, inside: PurePosixPath) -> Iterator[tuple[PurePosixPath, str]]:
    """Path and blob of the files that matter. Links and submodules are left out."""
    for entry in listed.decode("utf-8", "surrogateescape").split("\0"):
        about, _, name = entry.partition("\t")
        mode, _, blob, size = (about.split() + [""] * 4)[:4]
        path = PurePosixPath(name)
        if mode.startswith("100") and int(size) <= LARGEST and _matters(path, inside):
            yield path, blob


def _matters(path: PurePosixPath, inside: PurePosixPath) -> bool:
    if not path.is_relative_to(inside):
        return path.suffix in (".yaml", ".yml")
    return path.relative_to(inside).parts[0] not in DATA


def _contents(top: Path, blobs: Sequence[str]) -> Iterator[bytes]:
    """The content of each blob, in their order."""
    out = memoryview(_git(top, "cat-file", "--batch", given="".join(f"{blob}\n" for blob in blobs).encode()) or b"")
    start = 0
    for _ in blobs:
        head_end = start + bytes(out[start : start + 200]).index(b"\n")
        size = int(bytes(out[start:head_end]).split()[-1])
        yield bytes(out[head_end + 1 : head_end + 1 + size])
        start = head_end + size + 2


def _git(folder: Path, *words: str, given: bytes | None = None) -> bytes | None:
    """What git prints; None where it fails."""
    done = _run(folder, *words, given=given)
    return done.stdout if done.returncode == 0 else None


def _run(folder: Path, *words: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Raises :class:`UsageError` where there is no git."""
    try:
        return subprocess.run(["git", "-C", str(folder), *words], input=given, capture_output=True, check=False)  # noqa: S603, S607
    except FileNotFoundError:
        text = Text("git is not installed", "没有安装 git")
        raise UsageError(text, Text("install it, or compare with a folder: --base DIR", "请安装，或用 --base 文件夹")) from None
