"""From a :class:`~engine.model.Message` to what is sent: subject, text, HTML and pictures.

Templates are Jinja files under ``templates/``. Those in ``zh/`` and ``en/`` serve one language, those beside these folders serve both
where the language has none of its own. A message whose alerts are of one rule uses ``<rule>.*``, any other (and any part that a
rule has none of) uses ``default.*``; a digest uses ``digest.*``:

    <rule>.gist.j2      one sentence on one alert (``item``): in the subject, the headline, lists
    <rule>.subject.j2   the subject line
    <rule>.txt.j2       the text part
    <rule>.md.j2        what chat groups get (:mod:`engine.markdown`); without a default.md.j2 they get the text part
    <rule>.html.j2      the HTML part; usually ``{% extends 'layout.html.j2' %}`` with a block or two
    <name>.j2           macros for others to import

:data:`engine.views.CONTEXT` lists the names that templates may use, :mod:`engine.sandbox` the filters.

A template that fails never loses an alert: the built-in plain message is sent, and ``Rendered.fault`` says what failed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import jinja2

from engine.errors import LANGUAGES, Problem, ProblemsFound, Text
from engine.markdown import from_text, harmless_values
from engine.model import Message, Picture, Rendered, RuleInfo, Trend
from engine.remembering import digest
from engine.sandbox import MOST_CHARACTERS, TEMPLATE_ERRORS, TOO_LONG, RefusedError, Sandbox, Shelf, UnknownNameError, limited, sandbox
from engine.specimens import BLANK, ZONE, specimens
from engine.template_problems import Source, asked_labels, assigned, failure, mistakes, parsed
from engine.views import CONTEXT, Entry, context, entries_of, ordered, ratio
from engine.wording import PHRASES, Writer, clean, zone_of

SUFFIX = ".j2"
NEEDED = ("gist", "subject", "txt", "html")
PARTS = (*NEEDED, "md")
DIGEST = "digest"
LONGEST_SUBJECT = 120
MOST_PICTURES = 5
DEFAULT_ONLY = ("mixed", "repeat", "resolved_unknown_values", "incident")  # written by default.*, or of items that "several" has too
Draw = Callable[[Trend, Writer], bytes | None]


@dataclass(frozen=True, slots=True)
class _Desk:
    """One language and time zone at work: the environment and its writer."""

    environment: Sandbox
    writer: Writer

    def render(self, name: str, part: str, values: Mapping[str, object]) -> str:
        """``<name>.<part>.j2``, or the default's, with ``values``. Raises what templates raise."""
        template = self.environment.select_template([f"{name}.{part}{SUFFIX}", f"default.{part}{SUFFIX}"])
        pieces: list[str] = []
        size = 0
        with limited():
            for piece in template.generate(values):
                size += len(piece)
                if size > MOST_CHARACTERS:
                    raise RefusedError(TOO_LONG, template.filename or "")
                pieces.append(piece)
        text = "".join(pieces)
        if part != "gist" and not text.strip():
            raise RefusedError(Text("it writes nothing", "没有输出任何内容"), template.filename or "")
        return text

    def with_gist(self, entry: Entry, message: Message) -> Entry:
        values = {"item": entry, "at": message.at, "language": self.writer.language}
        return replace(entry, gist=clean(self.render(entry.template, "gist", values)))


class Renderer:
    """The templates of one folder, read once: a file that is edited meanwhile changes nothing until the project is loaded again."""

    def __init__(self, folder: Path, *, chats: bool = False) -> None:
        self.folder, self.chats = folder, chats  # chats: whether any channel asks for markdown
        self._unreadable: list[Problem] = []
        self._sources: dict[str, Source] = dict(self._read())
        self._by_file = {source.file: source for source in self._sources.values()}
        self._desks: dict[tuple[str, str], _Desk] = {}
        self._shelf = Shelf()

    @property
    def sources(self) -> Mapping[str, Source]:
        """The templates by their path in the folder."""
        return self._sources

    def render(self, message: Message, language: str) -> Rendered:
        """``message`` in ``language`` (zh or en). Never raises for what a template does.

        The subject is one line of at most 120 characters. A message without items is a mistake of the caller (ValueError).
        """
        if not message.items:
            raise ValueError("a message needs at least one item")
        desk = self._desk(language, message.time_zone)
        try:
            return self._templated(message, desk)
        except TEMPLATE_ERRORS as error:
            problem = failure(error, self._by_file)
            place = f"{problem.file}:{problem.line}: " if problem.line else ""
            return plain(message, desk.writer, place + problem.text.in_(language))

    def _templated(self, message: Message, desk: _Desk) -> Rendered:
        names = {item.rule.template or item.rule.name for item in message.items}
        name = DIGEST if message.digest else names.pop() if len(names) == 1 else "default"
        pictures, illustrated = _illustrated(message, desk.writer, _drawn)
        entries = tuple(desk.with_gist(entry, message) for entry in illustrated)
        values = context(message, entries, desk.writer)
        subject = clean(desk.render(name, "subject", values), LONGEST_SUBJECT)
        values["subject"] = subject
        text = _tidy(desk.render(name, "txt", values))
        html = desk.render(name, "html", values).strip() + "\n"
        shown = tuple(picture for picture in pictures if f"cid:{picture.name}" in html)
        return Rendered(subject, text, html, shown, markdown=self._markdown(name, desk, values, text) if self.chats else "")

    def _markdown(self, name: str, desk: _Desk, values: Mapping[str, object], text: str) -> str:
        if not self._find(desk.writer.language, f"default.md{SUFFIX}"):
            return from_text(text)
        return _tidy(desk.render(name, "md", _for_chats(values)))

    def check(self, rules: Iterable[RuleInfo]) -> tuple[Problem, ...]:
        """Every mistake in the templates of both languages: what reading them shows, then what rendering made-up messages shows.

        All templates are rendered, those of ``rules`` with the rule's own title, severity and advice.
        """
        known = {rule.template or rule.name: rule for rule in rules}
        problems = list(self._unreadable)
        for language in LANGUAGES:
            problems += self._check_language(language, self._desk(language, ZONE), known)
        return ProblemsFound(problems).problems

    def fingerprint(self, rules: Iterable[RuleInfo]) -> str:
        """A name for all that :meth:`check` looks at: the templates, and of the rules those that have some of their own."""
        named = {name.rpartition("/")[2].split(".", maxsplit=1)[0] for name in self._sources}
        own = [rule for rule in rules if (rule.template or rule.name) in named]
        return digest([jinja2.__version__, self.folder.name, *self._unreadable, *sorted(self._sources.items()), *own])

    def _check_language(self, language: str, desk: _Desk, rules: Mapping[str, RuleInfo]) -> list[Problem]:
        visible = self._visible(language)
        problems = [*_missing(f"{self.folder.name}/{language}", visible), *_misnamed(visible)]
        results = {name: parsed(desk.environment, name, source) for name, source in visible.items()}
        problems += [result for result in results.values() if isinstance(result, Problem)]
        read = {name: result for name, result in results.items() if not isinstance(result, Problem)}
        names = set(CONTEXT).union(*map(assigned, read.values()))
        for name, template in read.items():
            problems += mistakes(desk.environment, template, visible[name], names)
        labels = {name: asked_labels(template) for name, template in read.items()}
        return problems or list(self._trials(desk, visible, rules, labels))

    def _trials(
        self, desk: _Desk, visible: Mapping[str, Source], rules: Mapping[str, RuleInfo], labels: Mapping[str, set[str]]
    ) -> Iterator[Problem]:
        """``labels`` are those that each template looks for. A message has those that its own and the shared templates do."""
        named = {name.split(".", maxsplit=1)[0] for name in visible}
        shared = named - rules.keys()
        for name in sorted(named):
            asked = set[str]().union(*(found for file, found in labels.items() if file.split(".", maxsplit=1)[0] in {name, *shared}))
            rule = replace(rules.get(name, BLANK), name=name, template="")
            parts = {part: visible[f"{name}.{part}{SUFFIX}"] for part in PARTS if f"{name}.{part}{SUFFIX}" in visible}
            for sort, message in specimens(rule, asked).items() if parts else ():
                if name in ("default", DIGEST) or sort not in DEFAULT_ONLY:
                    yield from self._trial(message, desk, name, [part for part in parts if self._is_new(parts[part], sort, desk)])

    def _is_new(self, source: Source, sort: str, desk: _Desk) -> bool:
        """Whether a trial in this language may show more than in the first: of a file that serves both, two sorts of message are enough."""
        own = source.file.startswith(f"{self.folder.name}/{desk.writer.language}/")
        return own or sort in ("firing", "several") or desk.writer.language == LANGUAGES[0]

    def _trial(self, message: Message, desk: _Desk, name: str, parts: Collection[str]) -> Iterator[Problem]:
        """What fails when the parts that ``name`` has of its own are rendered for ``message``; pictures are not drawn."""
        if not parts:
            return
        _, entries = _illustrated(message, desk.writer, _no_picture)
        values = context(message, entries, desk.writer) | {"subject": "-"}
        for part in parts:
            try:
                if part == "gist":
                    entries = tuple(desk.with_gist(replace(entry, template=name), message) for entry in entries)
                else:
                    told = values | {"items": entries}
                    desk.render(name, part, _for_chats(told) if part == "md" else told)
            except TEMPLATE_ERRORS as error:
                yield failure(error, self._by_file)

    def _visible(self, language: str) -> dict[str, Source]:
        """The templates that ``language`` uses, by the name they are loaded under."""
        return {name: found for name in self._names(language) if (found := self._find(language, name))}

    def _names(self, language: str) -> list[str]:
        return sorted({path.removeprefix(f"{language}/") for path in self._sources if "/" not in path.removeprefix(f"{language}/")})

    def _find(self, language: str, name: str) -> Source | None:
        return self._sources.get(f"{language}/{name}") or self._sources.get(name)

    def _desk(self, language: str, time_zone: str) -> _Desk:
        desk = self._desks.get((language, time_zone))
        if desk is None:
            desk = self._desks[language, time_zone] = self._new_desk(language, time_zone)
        return desk

    def _new_desk(self, language: str, time_zone: str) -> _Desk:
        writer = Writer(language, zone_of(time_zone))

        def load(name: str) -> tuple[str, str] | None:
            found = self._find(language, name)
            return (found.text, found.file) if found else None

        def say(phrase: str, **values: object) -> str:
            if phrase not in PHRASES:
                raise UnknownNameError(f"say() has no phrase '{phrase}'", phrase, PHRASES)
            return writer.say(PHRASES[phrase], **values)

        return _Desk(sandbox(self._shelf, load, writer, {"say": say, "ratio": ratio}), writer)

    def _read(self) -> Iterator[tuple[str, Source]]:
        for path in sorted(self.folder.rglob(f"*{SUFFIX}")):
            name = path.relative_to(self.folder).as_posix()
            shown = f"{self.folder.name}/{name}"
            try:
                yield name, Source(shown, path.read_text("utf-8-sig"))
            except (OSError, UnicodeDecodeError) as error:
                text = Text(f"cannot be read as UTF-8 text: {error}", f"无法按 UTF-8 读取：{error}")
                self._unreadable.append(Problem(shown, 0, 0, "unreadable", text))


def _missing(folder: str, visible: Iterable[str]) -> Iterator[Problem]:
    for part in NEEDED:
        if f"default.{part}{SUFFIX}" not in visible:
            yield Problem(f"{folder}/default.{part}{SUFFIX}", 0, 0, "missing_template", Text("is missing", "缺少这个模板"))


def _misnamed(visible: Mapping[str, Source]) -> Iterator[Problem]:
    """A file whose ending is no part of a message is never used: most likely a slip."""
    endings = ", ".join(f".{part}{SUFFIX}" for part in PARTS)
    hint = Text(f"name it <rule> and one of {endings}", f"应命名为 <规则名> 加上 {endings} 之一")
    for name, source in visible.items():
        _, dot, part = name.removesuffix(SUFFIX).rpartition(".")
        if dot and part not in PARTS:
            yield Problem(
                source.file, 0, 0, "template_name", Text("is never used: its name ends wrongly", "文件名结尾不对，不会被用到"), hint
            )


def _no_picture(trend: Trend, writer: Writer) -> bytes:
    """Stands for a picture where only templates are tried."""
    return b"no picture"


def _drawn(trend: Trend, writer: Writer) -> bytes | None:
    from engine.pictures import trend_png  # matplotlib takes longer to load than most commands run, and most draw nothing

    return trend_png(trend, writer)


def _illustrated(message: Message, writer: Writer, draw: Draw) -> tuple[tuple[Picture, ...], tuple[Entry, ...]]:
    """The message's entries, and pictures of the first few: of their trends, and of what they are about."""
    pictures: list[Picture] = []
    entries = list(entries_of(message, writer))
    for index, item in enumerate(ordered(message.items)[:MOST_PICTURES]):
        png = draw(item.trend, writer) if item.trend else None
        if png and item.trend:
            entry = entries[index]
            picture = Picture(f"trend-{entry.id}@storewatch", png, f"{entry.trend_label}{writer.say(PHRASES['colon'])}{entry.trend_text}")
            pictures.append(picture)
            entries[index] = replace(entry, picture=picture.name)
        if item.picture:
            shown = Picture(f"look-{entries[index].id}@storewatch", item.picture, writer.say(PHRASES["exhibit"]))
            pictures.append(shown)
            entries[index] = replace(entries[index], exhibit=shown.name)
    return tuple(pictures), tuple(entries)


def _for_chats(values: Mapping[str, object]) -> dict[str, object]:
    """What templates see, harmless in markdown."""
    return {name: value if name in ("tone", "language") else harmless_values(value) for name, value in values.items()}


def _tidy(text: str) -> str:
    """No blanks at line ends, at most one empty line in a row, one line break at the end."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return "\n".join(line for index, line in enumerate(lines) if line or lines[index - 1]) + "\n"


def plain(message: Message, writer: Writer, fault: str = "") -> Rendered:
    """The built-in message: text only, nothing that could fail."""
    entries = entries_of(message, writer)
    values = context(message, entries, writer)
    subject = clean(f"[{values['badge']}] {' · '.join(str(values[name]) for name in ('place', 'title') if values[name])}", LONGEST_SUBJECT)
    blocks = ["\n".join(_plain_lines(entry, writer)) for entry in entries]
    if values["omitted"]:
        blocks.append(writer.say(PHRASES["more_items"], count=values["omitted"]))
    if fault:
        blocks.append(writer.say(PHRASES["fault"], fault=clean(fault, 600)))
    text = "\n\n".join([subject, *blocks]) + "\n"
    return Rendered(subject, text, fault=clean(fault, 600), markdown=from_text("\n\n".join(blocks)))


def _plain_lines(entry: Entry, writer: Writer) -> Iterator[str]:
    kind = PHRASES[entry.kind].in_(writer.language)
    yield f"[{entry.severity_text} · {kind}] {entry.store} · {entry.title} {' '.join(entry.key)}".rstrip()
    yield f"{writer.datetime(entry.since)} ({writer.duration(entry.duration)})"
    if entry.outdated and entry.shown:
        yield writer.say(PHRASES["values_then"])
    for cell in entry.shown:
        yield f"  {cell.label}{writer.say(PHRASES['colon'])}{cell.text}"
    yield from (f"  {line}" for line in entry.advice)
    yield f"{writer.say(PHRASES['rule'], rule=entry.rule)} · {writer.say(PHRASES['alert_id'], id=entry.id)}"
