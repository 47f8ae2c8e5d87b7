"""``expect:`` and ``mails:`` of a test, checked against the rule and the rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.errors import Text
from engine.facts import Column, Facts
from engine.model import Shown
from engine.ruletest.files import ExpectFile, StepFile, one_of
from engine.ruletest.heads import Head
from engine.ruletest.model import Expectation, Expected, ExpectedMail, Key, ShownValue
from engine.ruletest.notes import Notes
from engine.ruletest.rows import read_key, scope_key
from engine.ruletest.values import expand, read_cell, typed_key, typed_text
from engine.yamlfile import Path_


@dataclass(frozen=True)
class ShowReader:
    """Reads ``shows:``, by the labels of what a rule's messages show (the values of ``show`` do not matter)."""

    notes: Notes
    facts: Facts
    show: Sequence[Shown]

    def read(self, path: Path_, label: str, value: object, at: datetime) -> ShownValue | None:
        found = next((item for item in self.show if label in labels_of(item)), None)
        if found is None:
            text = Text(f"the rule shows no '{label}'", f"规则的 show 里没有 '{label}'")
            self.notes.unknown(path, "unknown_label", text, label, [item.label.zh for item in self.show], key=True)
            return None
        return self.notes.attempt(path, self._reading(path, found, value, at))

    def _reading(self, path: Path_, item: Shown, value: object, at: datetime) -> Callable[[], ShownValue]:
        def read() -> ShownValue:
            text = typed_text(self.notes.document, path, value)
            column = Column(item.label.en, item.type, item.label)
            cell = None if text is None else read_cell(column, text, at, self.facts.zone)
            return ShownValue(item.label, item.type, cell, "null" if text is None else text.strip(), digits(text or ""))

        return read


@dataclass(frozen=True)
class ExpectReader:
    """Reads what the steps of one test expect. ``known`` are the keys that rows were given for; None where that cannot
    be told, because the rows are wrong themselves."""

    notes: Notes
    facts: Facts
    rule: Head
    known: Collection[Key] | None

    def read(self, path: Path_, step: StepFile, at: datetime) -> Mapping[Key, Expected] | None:
        """The expectation of each row, empty for ``quiet: true``; None where the step asks nothing."""
        if step.expect is None:
            return {} if step.quiet else None
        if step.quiet:
            text = Text("'quiet' means that nothing is expected: leave out one of the two", "quiet 与 expect 只能写一个")
            self.notes.wrong((*path, "quiet"), "both_given", text, key=True)
        expected: dict[Key, Expected] = {}
        for name, value in step.expect.items():
            here = (*path, "expect", name)
            if found := self._one(here, value, at):
                expected |= dict.fromkeys(self._keys(here, at), found)
        return expected

    def _keys(self, path: Path_, at: datetime) -> list[Key]:
        kind = self.facts.kinds[self.rule.kind] if self.rule.kind else None

        def read() -> list[Key]:
            names = expand(typed_key(self.notes.document, path))
            return [read_key(kind, name, at, self.facts) if kind else scope_key(self.rule.info.key, name) for name in names]

        keys = self.notes.attempt(path, read, key=True) or []
        strange = next((key for key in keys if self.known is not None and key not in self.known), None)
        if strange is not None and kind is not None:
            word, known = "/".join(strange), ["/".join(key) for key in sorted(self.known or ())]
            text = Text(f"no row '{word}' of '{kind.name}' is given", f"没有给出 {kind.name} 的行 '{word}'")
            self.notes.unknown(path, "unknown_row", text, word, known, key=True)
        return keys

    def _one(self, path: Path_, value: object, at: datetime) -> Expected | None:
        if isinstance(value, str):
            state = self.notes.attempt(path, lambda: one_of(Expectation, value))
            return Expected(state) if state else None
        raw = self.notes.validated(ExpectFile, path, value)
        if raw is None:
            return None
        reader = ShowReader(self.notes, self.facts, self.rule.shown)
        shows = [reader.read((*path, "shows", label), label, shown, at) for label, shown in raw.shows.items()]
        return Expected(raw.state, raw.severity, raw.reason, tuple(item for item in shows if item))

    def mails(self, step: StepFile) -> tuple[ExpectedMail, ...] | None:
        return None if step.mails is None else tuple(ExpectedMail(mail.subject, mail.to) for mail in step.mails)


def labels_of(item: Shown) -> tuple[str, ...]:
    """What a shown value may be called: either language, or both as written in the rule."""
    return item.label.zh, item.label.en, f"{item.label.zh} / {item.label.en}"


def digits(text: str) -> int:
    """Digits after the point as typed; of a percentage, of the fraction that it stands for."""
    typed = text.strip()
    after = len(typed.removesuffix("%").strip().partition(".")[2])
    return after + 2 if typed.endswith("%") else after
