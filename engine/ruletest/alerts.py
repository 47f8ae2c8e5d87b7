"""``alerts:`` of an incident rule's test: the alerts that fire at an instant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.builtin import BUILT_IN
from engine.errors import Text
from engine.model import Identity, RuleInfo, Severity, Shown, Type, Value
from engine.ruletest.expecting import ShowReader
from engine.ruletest.files import AlertFile
from engine.ruletest.heads import Head, Heads
from engine.ruletest.model import GivenAlert, Key, ShownValue
from engine.ruletest.notes import Notes
from engine.ruletest.rows import read_key, scope_key
from engine.ruletest.values import expand, typed_key, typed_text
from engine.yamlfile import Path_


@dataclass(frozen=True)
class AlertReader:
    """Reads the alerts of one test. ``store`` is that of alerts that do not say theirs."""

    notes: Notes
    heads: Heads
    store: str

    def read(self, path: Path_, written: Mapping[str, Mapping[Any, Any]], at: datetime) -> tuple[GivenAlert, ...]:
        return tuple(alert for rule, keys in written.items() for alert in self._of_rule((*path, rule), rule, keys, at))

    def _of_rule(self, path: Path_, name: str, keys: Mapping[Any, Any], at: datetime) -> Iterator[GivenAlert]:
        rules = {name: rule for name, rule in self.heads.rules.items() if rule.kind}
        info = rules[name].info if name in rules else BUILT_IN.get(name)
        if info is None:
            text = Text(f"there is no alert rule '{name}'", f"没有名为 '{name}' 的告警规则")
            self.notes.unknown(path, "unknown_rule", text, name, [*rules, *BUILT_IN], key=True)
            return
        for key, value in keys.items():
            yield from self._alerts((*path, key), info, rules.get(name), value, at)

    def _alerts(self, path: Path_, info: RuleInfo, rule: Head | None, value: object, at: datetime) -> Iterator[GivenAlert]:
        raw = self.notes.validated(AlertFile, path, {} if value is None else value)
        keys = self.notes.attempt(path, lambda: list(self._keys(path, rule, info, at)), key=True)
        if raw is None or keys is None:
            return
        place = (*path, "store")
        store = self.notes.attempt(place, lambda: typed_text(self.notes.document, place, raw.store))
        shows = ShowReader(self.notes, self.heads.facts, rule.shown if rule else ())
        shown = [shows.read((*path, "shows", label), label, shown, at) for label, shown in raw.shows.items()]
        values = tuple(Shown(item.label, _value(item), item.type) for item in shown if item)
        for key in keys:
            yield self._given(info, key, store, raw.severity, raw.since, values)

    def _keys(self, path: Path_, rule: Head | None, info: RuleInfo, at: datetime) -> Iterator[Key]:
        facts = self.heads.facts
        for name in expand(typed_key(self.notes.document, path)):
            yield read_key(facts.kinds[rule.kind], name, at, facts) if rule and rule.kind else scope_key(info.key, name)

    def _given(
        self, info: RuleInfo, key: Key, store: str | None, severity: Severity | None, since: timedelta, shown: tuple[Shown, ...]
    ) -> GivenAlert:
        own = dict(zip(info.key, key, strict=True)).get("store_id")
        return GivenAlert(Identity(info.name, key), own or store or self.store, severity or info.severity, since, shown)


def _value(item: ShownValue) -> Value:
    """A cell as messages have it."""
    value = item.value
    if item.type is Type.DURATION and isinstance(value, int):
        return timedelta(microseconds=value)
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
