"""Incident rules from ``rules/*.yaml``. Never raises for a user's mistake: what is wrong becomes a problem at its place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any, TypeVar

from pydantic import ValidationError

from engine.builtin import BUILT_IN
from engine.errors import Problem, Text, did_you_mean
from engine.expressions import Expressions
from engine.incidents.files import IncidentFile, PatternFile
from engine.incidents.patterns import Bound, bound_schema, names_in, names_read, pattern_scope, read_pattern, unbound
from engine.incidents.rule import ALERT, INCIDENT, Given, IncidentRule, Pattern, Way
from engine.incidents.sources import ID, STORE, Sources
from engine.language import ExpressionError, check, inlining
from engine.language.errors import wrong
from engine.language.syntax import Expression
from engine.language.typed import Node
from engine.lets import Lets
from engine.model import ColumnSchema, KindSchema, RuleInfo
from engine.rules import AlertRule, Labelled, is_incident, label_of
from engine.yamlfile import Document, Path_

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class IncidentsRead:
    """The rules that are right, the problems of the others, and by file the shared names that its incident rules ``used``: None when some
    expression could not be read, so that nobody knows."""

    rules: tuple[IncidentRule, ...]
    problems: tuple[Problem, ...]
    used: Mapping[str, frozenset[str] | None]


GROUPS = ("all", "any", "none", "also")


def read_incidents(
    documents: Sequence[Document],
    kinds: Mapping[str, KindSchema],
    alerts: Iterable[AlertRule],
    names: Iterable[str],
    time_zone: str,
    lets: Lets,
) -> IncidentsRead:
    """The incident rules of all files that are right, and the problems of the others.

    ``alerts`` are the alert rules that are right, ``names`` those of all as written. A rule that uses what another asserts is read after
    that one.
    """
    written = [(document, index) for document in documents for index in _places(document)]
    incidents = frozenset(str(_entry(document, index).get("incident")) for document, index in written)
    sources = Sources(kinds, {rule.name: rule for rule in alerts}, frozenset(names), incidents, {})
    rules: dict[str, IncidentRule] = {}
    used: dict[tuple[str, int], frozenset[str] | None] = {}
    waiting, problems = written, list[Problem]()
    while waiting:
        readers = [_Reader(Expressions(document, kinds, time_zone, lets.of(document.file)), index, sources) for document, index in waiting]
        read = [(place, reader, reader.read()) for place, reader in zip(waiting, readers, strict=True)]
        used |= {(document.file, index): reader.used for (document, index), reader, _ in read}
        rules |= {rule.name: rule for _, _, rule in read if rule}
        failed = [(place, reader) for place, reader, rule in read if rule is None]
        asserted = {given.kind: schema for rule in rules.values() for given in rule.gives for schema in [_asserted(given, rule)]}
        if len(failed) == len(waiting) or asserted.keys() == sources.asserted.keys():
            problems = [problem for _, reader in failed for problem in reader.problems]
            break
        sources = Sources(kinds, sources.rules, sources.alerts, incidents, asserted)
        waiting = [place for place, _ in failed]
    return IncidentsRead(tuple(rules.values()), tuple(problems), _by_file(used))


def _by_file(used: Mapping[tuple[str, int], frozenset[str] | None]) -> dict[str, frozenset[str] | None]:
    found: dict[str, frozenset[str] | None] = {}
    for (file, _), names in used.items():
        known = found.get(file, frozenset())
        found[file] = None if known is None or names is None else known | names
    return found


def _places(document: Document) -> Iterator[int]:
    for index, entry in enumerate(document.data if isinstance(document.data, list) else []):
        if is_incident(entry):
            yield index


def _entry(document: Document, index: int) -> dict[str, Any]:
    return document.data[index]  # type: ignore[index,no-any-return]


def _asserted(given: Given, rule: IncidentRule) -> KindSchema:
    """The columns of an asserted kind: those that the rule gives, and its scope's."""
    own = {name: ColumnSchema(name, node.type) for name, _, node in given.columns}
    scope = {name: rule.ways[0].all[0].schema.columns[name] for name in rule.scope}
    return KindSchema(given.kind, (ID,), {**scope, **own}, {}, timedelta.max)


class _Reader:
    """Reads one incident rule; collects its problems."""

    def __init__(self, expressions: Expressions, index: int, sources: Sources) -> None:
        self.document = expressions.document
        self.root: Path_ = (index,)
        self.sources = sources
        self.expressions = expressions
        self.problems = expressions.problems
        self.broken = False  # whether it uses a name whose definition is wrong: that has been told

    @property
    def used(self) -> frozenset[str] | None:
        """The shared names that it uses, as far as anybody can tell."""
        return None if self.expressions.unread else frozenset(self.expressions.used)

    def read(self) -> IncidentRule | None:
        try:
            raw = IncidentFile.model_validate(_entry(self.document, int(self.root[0])))
        except ValidationError as error:
            self.problems += self.document.problems_of(error, IncidentFile, self.root)
            self.expressions.unread = True
            return None
        rule = self._rule(raw)
        return None if self.problems or self.broken else rule

    def _bound(self, schemas: Mapping[str, KindSchema]) -> Bound:
        return Bound(schemas, self.expressions.time_zone, self.expressions.names.sound)

    def _rule(self, raw: IncidentFile) -> IncidentRule | None:
        self._refuse_names(raw)
        ways = tuple(self._way(raw, number) for number in range(len(raw.when)))
        if self.problems or self.broken or not all(self._has_cause(raw, number, way) for number, way in enumerate(ways)):
            return None
        singles = {p.binding: bound_schema(p.binding, p.schema) for way in ways for p in way.all}
        there = [pattern for way in ways for pattern in way.patterns if pattern not in way.none]
        bound = self._bound({p.binding: bound_schema(p.binding, p.schema) for p in there})
        sources = {pattern.binding: pattern.source for pattern in there}
        rows = {name for name, source in sources.items() if source in (ALERT, INCIDENT)}
        scope = self._scope(ways)
        return IncidentRule(
            self._info(raw, scope),
            scope,
            ways,
            self._bindings(raw.explains, rows, "explains") if raw.explains is not None else frozenset(rows),
            self._bindings(raw.escalate, {name for name in rows if sources[name] == ALERT}, "escalate"),
            self._show(raw, bound),
            tuple(self._given(kind, columns, self._bound(singles)) for kind, columns in raw.assert_.items()),
            raw.max_alerts,
            f"{self.document.file}:{self.document.values[self.root].line}",
        )

    def _way(self, raw: IncidentFile, number: int) -> Way:
        """The patterns, each read with the names before it: one of ``all`` sees those above it, the others all of ``all``."""
        known: dict[str, KindSchema] = {}
        found: dict[str, list[Pattern]] = {group: [] for group in GROUPS}
        for group in GROUPS:
            for binding, each in getattr(raw.when[number], group).items():
                pattern = self._pattern(binding, each, self._bound(dict(known)), (*self._when(number), group))
                found[group] += [pattern] if pattern else []
                if pattern and group == "all" and each.count == 1:
                    known[binding] = bound_schema(binding, pattern.schema)
        return Way(*(tuple(found[group]) for group in GROUPS))

    def _when(self, number: int) -> Path_:
        """Where the ``number``-th way is written: ``when:`` is one way, or a list of them."""
        path: Path_ = (*self.root, "when")
        return (*path, number) if (*path, number) in self.document.values else path

    def _pattern(self, binding: str, raw: PatternFile, bound: Bound, group: Path_) -> Pattern | None:
        path: Path_ = (*group, binding)
        at: Path_ = (*path, "match") if (*path, "match") in self.document.values else path
        if not self._notes_names(names_read(raw.match)):
            return None
        pattern = self._try(at, lambda: read_pattern(binding, raw.match, self.sources, bound))
        if pattern is None:
            return None
        if raw.distinct and raw.distinct not in pattern.schema.columns:
            text = Text(f"'{pattern.source}' has no column '{raw.distinct}'", f"'{pattern.source}' 没有列 '{raw.distinct}'")
            self._tell((*path, "distinct"), "unknown_column", text, did_you_mean(raw.distinct, pattern.schema.columns))
        if (raw.count > 1 or raw.distinct) and (len(pattern.alternatives) > 1 or any(link.op != "==" for link in pattern.links)):
            text = Text("rows that are counted are linked to others by == alone", "计数的行只能用 == 与其他行关联")
            self._tell(
                at, "counted_link", text, Text("ask for the time or the number in a rule of its own", "时间、数量的比较请写成另一条规则")
            )
        return Pattern(
            binding,
            pattern.source,
            pattern.schema,
            pattern.rules,
            pattern.where,
            pattern.alternatives,
            raw.count,
            raw.distinct,
            pattern.text,
        )

    def _notes_names(self, names: Collection[str] | None) -> bool:
        """Whether all names that an expression uses are sound, as far as they are the project's."""
        self.expressions.used |= {*(names or ())}
        self.expressions.unread |= names is None
        broken = any(self.expressions.names.lets.get(name, name) is None for name in names or ())
        self.broken |= broken
        return not broken

    def _has_cause(self, raw: IncidentFile, number: int, way: Way) -> bool:
        """Facts alone are a matter for alert rules: an incident needs an alert (or what rules made of alerts) that is there."""
        if any(pattern.source not in self.sources.kinds for pattern in way.all) and raw.when[number].all:
            return True
        text = Text("'all' names no alert", "all 里没有任何告警")
        hint = Text("a rule on facts alone is an alert rule: start it with '- alert: name'", "只看数据的规则请写成 “- alert: 名称”")
        self._tell(self._when(number), "no_alert", text, hint)
        return False

    def _scope(self, ways: Sequence[Way]) -> tuple[str, ...]:
        """The columns that tell which rows may belong together: those by which all patterns are joined, else the store's."""
        firsts = [way.all[0] for way in ways]
        joins = {p.binding: frozenset(p.joins) or frozenset({STORE}) for way in ways for p in way.patterns if p is not way.all[0]}
        scope = frozenset.intersection(*joins.values()) if joins else frozenset({STORE})
        if not scope:
            said = "; ".join(f"{name}: {', '.join(sorted(columns))}" for name, columns in joins.items())
            text = Text(f"the patterns are joined by different columns ({said})", f"各部分关联用的列不同（{said}）")
            example = f"sku == {firsts[0].binding}.sku"
            hint = Text(f"join all of them by the same one, such as {example}", f"请都按同一列关联，如 {example}")
            self._tell((*self.root, "when"), "no_common_join", text, hint)
        for first, name in product(firsts, sorted(scope)):
            if name not in first.schema.columns:
                text = Text(f"'{first.source}' has no column '{name}' to join by", f"'{first.source}' 没有可关联的列 '{name}'")
                self._tell((*self.root, "when"), "unknown_column", text)
        return tuple(sorted(scope, key=lambda name: (name != STORE, name)))

    def _bindings(self, written: Iterable[str], known: Collection[str], key: str) -> frozenset[str]:
        for index, name in enumerate(written):
            if name not in known:
                text = Text(f"no alert of this rule is called '{name}'", f"本规则没有叫 '{name}' 的告警")
                hint = did_you_mean(name, known) or Text(f"names: {', '.join(known)}", f"可用的名称：{'、'.join(known)}")
                self._tell((*self.root, key, index), "unknown_name", text, hint)
        return frozenset(written)

    def _show(self, raw: IncidentFile, bound: Bound) -> tuple[tuple[str, Labelled], ...]:
        read = ((label, self._value((*self.root, "show", label), text, bound)) for label, text in raw.show.items())
        return tuple((value[0], Labelled(label_of(label), value[1])) for label, value in read if value)

    def _given(self, kind: str, columns: Mapping[str, str], bound: Bound) -> Given:
        if kind in self.sources.kinds or kind in (ALERT, INCIDENT):
            text = Text(f"'{kind}' is taken: choose another name for the asserted fact", f"'{kind}' 已被占用，请给这个事实换一个名称")
            self._tell((*self.root, "assert", kind), "reserved_name", text, key=True)
        read = ((name, self._value((*self.root, "assert", kind, name), text, bound)) for name, text in columns.items())
        return Given(kind, tuple((name, *value) for name, value in read if value))

    def _value(self, path: Path_, text: str, bound: Bound) -> tuple[str, Node] | None:
        """An expression over one bound row: its name ('' for a constant) and the expression over that row."""
        parsed = self.expressions.parse(text, path)
        if parsed is None or not self._notes_names({name.parts[-1] for name in inlining.names_in(parsed)}):
            return None
        return self._try(path, lambda: self._over_one_row(parsed, bound))

    def _over_one_row(self, parsed: Expression, bound: Bound) -> tuple[str, Node]:
        nothing = KindSchema(INCIDENT, (ID,), {}, {}, timedelta.max)
        node = check(parsed, pattern_scope(INCIDENT, nothing, self.sources, bound))
        names = names_in(node, bound)
        if len(names) > 1:
            said = ", ".join(sorted(names))
            sentence = Text(f"one value is of one alert, not of {said} together", f"一个值只能取自一个告警，不能同时取自 {said}")
            raise wrong("several_rows", node.at, sentence)
        return (names.pop() if names else ""), unbound(node)

    def _info(self, raw: IncidentFile, scope: tuple[str, ...]) -> RuleInfo:
        return RuleInfo(
            name=raw.incident,
            title=raw.title,
            severity=raw.severity,
            owner=raw.owner,
            area=raw.labels.get("area", ""),
            advice=raw.advice,
            labels=raw.labels,
            hold=raw.for_,
            keep_firing=raw.keep_firing_for,
            key=scope,
            template=raw.incident,
            words=self._words(),
        )

    def _words(self) -> dict[str, Mapping[str, str]]:
        """The Chinese titles of the alerts that its messages list, and the Chinese words of their values."""
        infos = [*(rule.info for rule in self.sources.rules.values()), *BUILT_IN.values()]
        words: dict[str, Mapping[str, str]] = {MEMBER.en: {info.title.en: info.title.zh for info in infos}}
        for info in infos:
            words |= {label: {**words.get(label, {}), **known} for label, known in info.words.items()}
        return words

    def _refuse_names(self, raw: IncidentFile) -> None:
        """A name that means something already, or stands for two patterns, would make expressions unclear."""
        seen: set[str] = set()
        places = [(number, group, name) for number, way in enumerate(raw.when) for group in GROUPS for name in getattr(way, group)]
        for number, group, binding in places:
            if binding in seen or binding in self.sources.names or binding in self.expressions.names.lets:
                text = Text(f"'{binding}' means something else already", f"'{binding}' 已有别的含义")
                path = (*self._when(number), group, binding)
                self._tell(path, "name_taken", text, Text("choose another name", "请换一个名称"), key=True)
            seen.add(binding)

    def _try(self, path: Path_, read: Callable[[], Result]) -> Result | None:
        try:
            return read()
        except ExpressionError as error:
            self.expressions.tell(error, path)
            return None

    def _tell(self, path: Path_, code: str, text: Text, hint: Text | None = None, *, key: bool = False) -> None:
        self.problems.append(self.document.problem(path, code, text, hint, key=key))


MEMBER = Text("Alert", "告警")
