"""A project folder, loaded and checked as a whole: either everything in it is right, or every problem of every file is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from engine.errors import Problem, ProblemsFound, Text, UsageError, did_you_mean
from engine.facts import Facts
from engine.facts_file import load_facts
from engine.model import RuleInfo
from engine.rendering import Renderer
from engine.routing import Channels, load_channels
from engine.rules import AlertRule, duplicate_names, read_rules
from engine.schedules import Schedules, load_schedules
from engine.yamlfile import Document, load

Loaded = TypeVar("Loaded")


@dataclass(frozen=True)
class Project:
    """Everything a cycle needs to know that people wrote. ``folder`` also holds ``snapshots/`` and, by default, ``state.db``."""

    folder: Path
    facts: Facts
    rules: tuple[AlertRule, ...]
    channels: Channels
    schedules: Schedules
    renderer: Renderer

    @property
    def snapshots(self) -> Path:
        return self.folder / "snapshots"

    @property
    def infos(self) -> dict[str, RuleInfo]:
        return {rule.name: rule.info for rule in self.rules}

    def select(self, names: Iterable[str]) -> tuple[AlertRule, ...]:
        """The named rules, all when none is named. Raises :class:`UsageError` for a name that no rule has."""
        asked = list(names)
        known = {rule.name: rule for rule in self.rules}
        for name in asked:
            if name not in known:
                raise UsageError(Text(f"there is no rule '{name}'", f"没有名为 '{name}' 的规则"), did_you_mean(name, known))
        return tuple(known[name] for name in dict.fromkeys(asked)) or self.rules


def load_project(folder: Path, *, try_templates: bool = False) -> Project:
    """Read and check all files of ``folder``. ``try_templates`` renders every template with dummy data as well, which takes a second or
    two; without it a template that is wrong shows when it is used, by a plain message that names the fault.

    Raises :class:`ProblemsFound` with every problem of every file, :class:`UsageError` when the folder is no project.
    """
    if not (folder / "facts.yaml").is_file():
        text = Text(
            f"{folder.resolve()} is not a storewatch project: it has no facts.yaml",
            f"{folder.resolve()} 不是 storewatch 项目：没有 facts.yaml",
        )
        raise UsageError(text, Text("go to the project's folder, or give it with --project", "请进入项目文件夹，或用 --project 指定"))
    return _Loader(folder).load(try_templates)


class _Loader:
    """Loads file after file; a file that is wrong adds its problems and lets the others be read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []

    def load(self, try_templates: bool) -> Project:
        facts = self._try(lambda: load_facts(self.folder / "facts.yaml"))
        channels = self._try(lambda: load_channels(self.folder / "channels.yaml"))
        documents = self._rule_documents()
        rules = self._rules(documents, facts) if facts else ()
        names = self._names(documents)
        schedules = self._try(lambda: load_schedules(self.folder / "schedules.yaml", "schedules.yaml", names))
        renderer = Renderer(self.folder / "templates")
        self.problems += renderer.check(rule.info for rule in rules) if try_templates else ()
        if self.problems or facts is None or channels is None or schedules is None:
            raise ProblemsFound(self.problems)
        self.problems += self._unknown_owners(documents, channels)
        if self.problems:
            raise ProblemsFound(self.problems)
        return Project(self.folder, facts, rules, channels, schedules, renderer)

    def _try(self, read: Callable[[], Loaded]) -> Loaded | None:
        try:
            return read()
        except ProblemsFound as error:
            self.problems += error.problems
            return None

    def _rule_documents(self) -> list[Document]:
        paths = sorted((self.folder / "rules").rglob("*.yaml"))
        plain = [path for path in paths if not path.name.endswith(".test.yaml")]
        loaded = [self._try(lambda path=path: load(path, path.relative_to(self.folder).as_posix())) for path in plain]  # type: ignore[misc]
        return [document for document in loaded if document]

    def _rules(self, documents: Iterable[Document], facts: Facts) -> tuple[AlertRule, ...]:
        documents = list(documents)
        rules: list[AlertRule] = []
        for document in documents:
            found, problems = read_rules(document, facts.schemas, facts.time_zone)
            rules += found
            self.problems += problems
        self.problems += duplicate_names(documents)
        return tuple(rules)

    @staticmethod
    def _names(documents: Iterable[Document]) -> list[str]:
        """Names of all rules as written, so that one broken rule does not make its schedule look wrong too."""
        return [str(rule.get("alert")) for document in documents for rule in _mappings(document)]

    @staticmethod
    def _unknown_owners(documents: Iterable[Document], channels: Channels) -> Iterator[Problem]:
        """An owner whom channels.yaml has no contact for would never hear of the rule."""
        for document in documents:
            for index, rule in enumerate(document.data if isinstance(document.data, list) else []):
                owner = rule.get("owner") if isinstance(rule, dict) else None
                if owner and owner not in channels.contacts:
                    text = Text(f"owner '{owner}' has no contact in channels.yaml", f"channels.yaml 的 contacts 里没有 '{owner}'")
                    yield document.problem((index, "owner"), "unknown_owner", text, did_you_mean(str(owner), channels.contacts))


def _mappings(document: Document) -> list[dict[str, object]]:
    return [rule for rule in document.data if isinstance(rule, dict)] if isinstance(document.data, list) else []
