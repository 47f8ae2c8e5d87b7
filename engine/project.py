"""A project folder, loaded and checked as a whole: either everything in it is right, or every problem of every file is told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TypeVar

from engine.builtin import BUILT_IN
from engine.errors import Problem, ProblemsFound, Text, UsageError, did_you_mean
from engine.facts import Facts
from engine.facts_file import facts_path, load_facts
from engine.incidents import IncidentRule, read_incidents
from engine.incidents.rule import ALERT
from engine.lets import read_lets
from engine.model import KindSchema, RuleInfo, Severity
from engine.reasoning.program import Reasoning, flaws
from engine.remembering import Memory
from engine.rendering import Renderer
from engine.routing import BUILT_IN_LABELS, Channels, Vocabulary, misspelt, read_channels
from engine.rules import AlertRule, duplicate_names, read_rules
from engine.schedules import Known, Schedules, load_schedules
from engine.yamlfile import Document, load

Loaded = TypeVar("Loaded")


@dataclass(frozen=True)
class Project:
    """Everything a cycle needs to know that people wrote. ``folder`` also holds ``snapshots/`` and, by default, ``state.db``; ``files`` are
    the files that it was read from, by path."""

    folder: Path
    facts: Facts
    rules: tuple[AlertRule, ...]
    incidents: tuple[IncidentRule, ...]
    channels: Channels
    schedules: Schedules
    renderer: Renderer
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def version(self) -> str:
        """Sixteen hexadecimal digits that are the same for the same files."""
        digest = hashlib.sha256()
        for path in sorted(self.files):
            digest.update(f"{path}\0{len(self.files[path])}\0".encode() + self.files[path])
        return digest.hexdigest()[:16]

    @property
    def snapshots(self) -> Path:
        return self.folder / "snapshots"

    @cached_property
    def reasoning(self) -> Reasoning:
        return Reasoning(self.incidents, frozenset([ALERT, *self.facts.schemas]))

    @cached_property
    def infos(self) -> dict[str, RuleInfo]:
        return {rule.name: rule.info for rule in self.rules} | {rule.name: rule.info for rule in self.incidents}

    @cached_property
    def all_infos(self) -> dict[str, RuleInfo]:
        """All that alerts may be of: these and the built-in rules."""
        return self.infos | BUILT_IN

    @cached_property
    def limits(self) -> dict[str, int]:
        """The most alerts that a message lists, by rule."""
        return {rule.name: rule.max_alerts for rule in self.rules} | {rule.name: rule.max_alerts for rule in self.incidents}

    def select(self, names: Iterable[str]) -> tuple[AlertRule, ...]:
        """The named rules, all when none is named. Raises :class:`UsageError` for a name that no rule has."""
        asked = list(names)
        known = {rule.name: rule for rule in self.rules}
        for name in asked:
            if any(incident.name == name for incident in self.incidents):
                text = Text(f"'{name}' is an incident rule: it has no rows of its own", f"'{name}' 是事件规则，没有自己的数据行")
                hint = Text(
                    "incidents are looked for in every evaluation; see `storewatch explain`",
                    "每次检查都会自动查找事件；请看 storewatch explain",
                )
                raise UsageError(text, hint)
            if name not in known:
                raise UsageError(Text(f"there is no rule '{name}'", f"没有名为 '{name}' 的规则"), did_you_mean(name, known))
        return tuple(known[name] for name in dict.fromkeys(asked)) or self.rules


def as_read(document: Document) -> Document:
    return document


def load_project(
    folder: Path, *, thorough: bool = False, memory: Memory | None = None, edit: Callable[[Document], Document] = as_read
) -> Project:
    """Read and check all files of ``folder``. With ``thorough`` every template is rendered with dummy data as well, which takes a while
    (without it a template that is wrong shows when it is used, by a plain message that names the fault), and names that nobody uses are
    told, which are no reason not to run. Templates that ``memory`` knows to be right are not rendered again. ``edit`` changes files of
    rules after they are read.

    Raises :class:`ProblemsFound` with every problem of every file, :class:`UsageError` when the folder is no project.
    """
    facts_path(folder)
    return _Loader(folder, memory, edit).load(thorough)


class _Loader:
    """Loads file after file; a file that is wrong adds its problems and lets the others be read."""

    def __init__(self, folder: Path, memory: Memory | None, edit: Callable[[Document], Document]) -> None:
        self.folder, self.memory, self.edit = folder, memory, edit
        self.problems: list[Problem] = []

    def load(self, thorough: bool) -> Project:
        files = source_files(self.folder)
        facts = self._try(lambda: load_facts(self.folder / "facts.yaml", "facts.yaml"))
        routing = self._try(lambda: load(self._present("channels.yaml"), "channels.yaml"))
        channels = self._try(lambda: read_channels(routing, *([facts.time_zone] if facts else []))) if routing else None
        documents = self._rule_documents()
        names = [name for document in documents for _, name in _named(document, "alert")]
        rules, incidents = self._rules(documents, facts, names, thorough) if facts else ((), ())
        known = Known(names, rules if len(rules) == len(names) else None, channels.time_intervals if channels else None)
        schedules = self._try(lambda: load_schedules(self._present("schedules.yaml"), "schedules.yaml", known))
        self.problems += [*duplicate_names(documents), *_reserved_names(documents)]
        self.problems += _unknown_owners(documents, channels) if channels else ()
        if routing and channels and facts:
            self.problems += misspelt(routing, channels, vocabulary(documents, facts.schemas, channels.contacts))
        chats = channels is not None and any(channel.CHAT for channel in channels.channels.values())
        renderer = Renderer(self.folder / "templates", chats=chats)
        self.problems += self._templates(renderer, (*rules, *incidents)) if thorough else ()
        if self.problems or facts is None or channels is None or schedules is None:
            raise ProblemsFound(self.problems)
        return Project(self.folder, facts, rules, incidents, channels, schedules, renderer, files)

    def _templates(self, renderer: Renderer, rules: Iterable[AlertRule | IncidentRule]) -> Iterable[Problem]:
        if not renderer.folder.is_dir():
            return [_missing("templates", "folder")]
        infos = [rule.info for rule in rules]
        if self.memory is None:
            return renderer.check(infos)
        return self.memory.unless_right(renderer.fingerprint(infos), lambda: renderer.check(infos))

    def _present(self, name: str) -> Path:
        """The file of that name. Raises :class:`ProblemsFound` when it is missing."""
        path = self.folder / name
        if not path.exists():
            near = path.with_suffix(".yml")
            hint = Text(f"rename {near.name} to {name}", f"请把 {near.name} 改名为 {name}") if near.exists() else None
            raise ProblemsFound([_missing(name, "file", hint)])
        return path

    def _try(self, read: Callable[[], Loaded]) -> Loaded | None:
        try:
            return read()
        except ProblemsFound as error:
            self.problems += error.problems
            return None

    def _rule_documents(self) -> list[Document]:
        if not (self.folder / "rules").is_dir():
            self.problems.append(_missing("rules", "folder"))
        paths = rule_paths(self.folder)
        loaded = [self._try(lambda path=path: load(path, path.relative_to(self.folder).as_posix())) for path in paths]  # type: ignore[misc]
        return [self.edit(document) for document in loaded if document]

    def _rules(
        self, documents: Sequence[Document], facts: Facts, names: Iterable[str], thorough: bool
    ) -> tuple[tuple[AlertRule, ...], tuple[IncidentRule, ...]]:
        """``names`` are those of all alert rules as written."""
        lets = read_lets(documents, facts.schemas, facts.time_zone)
        read = {document.file: read_rules(document, facts.schemas, facts.time_zone, lets) for document in documents}
        self.problems += lets.problems
        self.problems += [problem for each in read.values() for problem in each.problems]
        rules = tuple(rule for each in read.values() for rule in each.rules)
        incidents = read_incidents(documents, facts.schemas, rules, names, facts.time_zone, lets)
        self.problems += incidents.problems
        self.problems += _flawed(documents, incidents.rules, facts)
        used = {file: _both(each.used, incidents.used.get(file, frozenset())) for file, each in read.items()}
        self.problems += lets.unused({file: names for file, names in used.items() if names is not None}) if thorough else ()
        return rules, incidents.rules


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    return None if one is None or other is None else one | other


def source_files(folder: Path) -> dict[str, bytes]:
    """The files that make the project in ``folder``, by path; those that cannot be read are left out."""
    named = [folder / name for name in ("facts.yaml", "channels.yaml", "schedules.yaml")]
    paths = [*named, *rule_paths(folder), *sorted((folder / "templates").rglob("*.j2"))]
    found: dict[str, bytes] = {}
    for path in paths:
        with suppress(OSError):
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


def rule_paths(folder: Path) -> list[Path]:
    """The files of rules of the project in ``folder``, sorted."""
    return sorted(path for path in (folder / "rules").rglob("*") if _is_rules_file(path))


def _flawed(documents: Iterable[Document], incidents: Sequence[IncidentRule], facts: Facts) -> Iterator[Problem]:
    """What only shows when all incident rules are looked at together."""
    places = {name: (document, index) for document in documents for index, name in _named(document, "incident")}
    for name, text in flaws(incidents, [ALERT, *facts.schemas]):
        document, index = places[name]
        yield document.problem((index, "when"), "cannot_correlate", text)


def _is_rules_file(path: Path) -> bool:
    """``.yaml`` or ``.yml``, neither a test beside the rules nor hidden, as editors' own files are."""
    return path.suffix in (".yaml", ".yml") and not path.stem.endswith(".test") and not path.name.startswith(".")


def _named(document: Document, key: str) -> Iterator[tuple[int, str]]:
    """Index and text of ``key`` in every rule, as written: one broken rule must not make what names it look wrong too."""
    for index, rule in enumerate(document.data if isinstance(document.data, list) else []):
        name = rule.get(key) if isinstance(rule, dict) else None
        if isinstance(name, str) and name:
            yield index, name


def _unknown_owners(documents: Iterable[Document], channels: Channels) -> Iterator[Problem]:
    """An owner whom channels.yaml has no contact for would never hear of the rule."""
    named = list(channels.contacts)
    listed = Text(f"contacts: {', '.join(named)}", f"已有的联系人：{'、'.join(named)}") if named else None
    for document in documents:
        for index, owner in _named(document, "owner"):
            if owner not in channels.contacts:
                text = Text(f"owner '{owner}' has no contact in channels.yaml", f"channels.yaml 的 contacts 里没有 '{owner}'")
                hint = did_you_mean(owner, channels.contacts) or listed
                yield document.problem((index, "owner"), "unknown_owner", text, hint)


def vocabulary(documents: Collection[Document], kinds: Mapping[str, KindSchema], contacts: Iterable[str]) -> Vocabulary:
    """What matchers can speak of. Rules count as written: one that is broken must not make its route look wrong too."""
    rules = [rule for document in documents if isinstance(document.data, list) for rule in document.data if isinstance(rule, dict)]
    own = {str(label) for rule in rules if isinstance(rule.get("labels"), dict) for label in rule["labels"]}
    keys = {name for kind in kinds.values() for name in kind.key} | {name for rule in BUILT_IN.values() for name in rule.key}
    named = {key: {name for document in documents for _, name in _named(document, key)} for key in ("alert", "incident", "owner")}
    values = {
        "alert": named["alert"].union(named["incident"], BUILT_IN),
        "severity": {severity.value for severity in Severity},
        "owner": named["owner"].union(contacts, (rule.owner for rule in BUILT_IN.values())),
    }
    return Vocabulary({*BUILT_IN_LABELS, *keys, *own}, values)


def _reserved_names(documents: Iterable[Document]) -> Iterator[Problem]:
    for document, key in product(documents, ("alert", "incident")):
        for index, name in _named(document, key):
            if name in BUILT_IN:
                text = Text(f"'{name}' is a built-in alert", f"'{name}' 是内置告警的名称")
                hint = Text("give the rule another name", "请换一个名称")
                yield document.problem((index, key), "reserved_name", text, hint)


def _missing(name: str, what: str, hint: Text | None = None) -> Problem:
    text = Text(f"the {what} is missing", f"缺少这个{'文件夹' if what == 'folder' else '文件'}")
    copy = Text("copy it from a new project: storewatch init DIR", "可以从新项目里复制一份：storewatch init 文件夹")
    return Problem(name, 0, 0, f"missing_{what}", text, hint or copy)
