"""Alert rules: the typed form the engine uses, and how ``rules/*.yaml`` becomes it.

:func:`read_rules` never raises for a user's mistake; it returns the rules that are right and a problem for everything that is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from engine.errors import Problem, Text, did_you_mean
from engine.expressions import Expressions
from engine.language import ExpressionError, understand
from engine.language.names import follow
from engine.language.typed import ColumnRef, Node, Related
from engine.lets import Lets, is_let, read_lets, unknown_kind
from engine.model import ColumnSchema, KindSchema, RuleInfo, Severity, Type
from engine.params import Param, ParamReader
from engine.rules_file import OTHERWISE, EvidenceFile, RuleFile
from engine.yamlfile import Document, Path_


@dataclass(frozen=True, slots=True)
class Labelled:
    """An expression with the label it is shown under."""

    label: Text
    value: Node
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Related rows that a message lists: rows of ``kind`` whose column ``via`` holds the judged row's key.

    Without ``group``: the first ``top`` rows by ``order`` (missing last), each with ``show``. With ``group`` (a column of ``kind``): the
    ``top`` groups with most rows, shown as the group's value, the ``show`` of its first row, and the count.
    """

    kind: str
    via: str
    where: Node | None
    show: tuple[Labelled, ...]
    order: Node | None = None
    descending: bool = False
    group: str = ""
    top: int = 10

    @property
    def nodes(self) -> tuple[Node, ...]:
        return tuple(node for node in (self.where, self.order, *(item.value for item in self.show)) if node)


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One alert rule, checked. ``severities`` are tried in order; the first whose condition holds wins, None always holds.

    ``called`` has the words that the rule uses for columns and kinds, ``condition`` is ``when`` as written, ``defined_at`` its file and
    line; ``names`` are the shared names that the rule uses, with what they say.
    """

    info: RuleInfo
    kind: str
    when: Node
    where: Node | None = None
    severities: tuple[tuple[Severity, Node | None], ...] = ()
    show: tuple[Labelled, ...] = ()
    evidence: Evidence | None = None
    trend: Labelled | None = None
    picture: Node | None = None
    max_alerts: int = 100
    params: tuple[Param, ...] = ()
    names: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    called: Mapping[str, str] = field(default_factory=dict, compare=False)
    condition: str = field(default="", compare=False)
    defined_at: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def conditions(self) -> tuple[Node, ...]:
        """What decides whether the rule is true of a row, and how severe that is."""
        return tuple(node for node in (self.where, self.when, *(node for _, node in self.severities)) if node)

    @property
    def override_conditions(self) -> tuple[Node, ...]:
        """The conditions of all overrides, each once, in the order in which they are tried."""
        return tuple(dict.fromkeys(override.condition for param in self.params for override in param.overrides))


INCIDENT = "incident"


@dataclass(frozen=True, slots=True)
class RulesRead:
    """The rules of one file that are right, the problems of the others, and the shared names that the file's rules ``used``: None when
    some expression could not be read, so that nobody knows."""

    rules: tuple[AlertRule, ...]
    problems: tuple[Problem, ...]
    used: frozenset[str] | None


def read_rules(document: Document, kinds: Mapping[str, KindSchema], time_zone: str, lets: Lets | None = None) -> RulesRead:
    """The alert rules of one file. ``lets`` are the names of all files, this one included."""
    if document.data is not None and not isinstance(document.data, list):
        text = Text("expected a list of rules", "应是规则的列表")
        hint = Text("start each rule with '- alert: name'", "每条规则以 “- alert: 名称” 开头")
        return RulesRead((), (document.problem((), "not_a_list", text, hint),), None)
    lets = lets or read_lets([document], kinds, time_zone)
    rules: list[AlertRule] = []
    problems: list[Problem] = []
    used: frozenset[str] | None = frozenset()
    for index in (index for index, entry in enumerate(document.data or ()) if not is_let(entry) and not is_incident(entry)):
        expressions = Expressions(document, kinds, time_zone, lets.of(document.file))
        rule = _RuleReader(document, index, expressions, lets).read()
        rules += [rule] if rule else []
        problems += expressions.problems
        used = None if used is None or expressions.unread else used | expressions.used
    return RulesRead(tuple(rules), tuple(problems), used)


def is_incident(entry: object) -> bool:
    """Whether an entry of a rules file is an incident rule, which :mod:`engine.incidents` reads: it knows all alert rules."""
    return isinstance(entry, dict) and INCIDENT in entry


def duplicate_names(documents: Iterable[Document]) -> Iterator[Problem]:
    """A problem for every rule name given twice, in one file or across files."""
    seen: dict[str, str] = {}
    for document in documents:
        for index, rule in enumerate(document.data if isinstance(document.data, list) else []):
            key = INCIDENT if is_incident(rule) else "alert"
            name = rule.get(key) if isinstance(rule, dict) else None
            if not isinstance(name, str):
                continue
            if name in seen:
                text = Text(f"rule '{name}' is already defined in {seen[name]}", f"规则 '{name}' 已在 {seen[name]} 定义")
                yield document.problem((index, key), "duplicate_rule", text)
            seen.setdefault(name, f"{document.file}:{document.values[(index,)].line}")


Back = tuple[str, str]  # the judged row's kind, and the column that holds its key; both '' where it is the row itself
HERE: Back = ("", "")


class _RuleReader:
    """Reads one rule of a file; collects its problems."""

    def __init__(self, document: Document, index: int, expressions: Expressions, lets: Lets) -> None:
        self.document = document
        self.root: Path_ = (index,)
        self.kinds = expressions.kinds
        self.expressions = expressions
        self.problems = expressions.problems
        self.lets = lets

    def read(self) -> AlertRule | None:
        """The rule; None when it has problems. What is sound of a rule that is not is checked as well, so that all of it is told."""
        data = self.document.data[self.root[0]] if isinstance(self.document.data, list) and isinstance(self.root[0], int) else None
        raw: RuleFile | None
        try:
            raw = RuleFile.model_validate(data)
        except ValidationError as error:
            self.problems += self.document.problems_of(error, RuleFile, self.root)
            self.expressions.unread = True
            raw = _sound_part(data, error)
        rule = self._rule(raw) if raw else None
        return None if self.problems else rule

    def _rule(self, raw: RuleFile) -> AlertRule | None:
        if raw.facts and raw.facts not in self.kinds:
            self.problems.append(unknown_kind(self.document, (*self.root, "facts"), raw.facts, self.kinds))
        params = ParamReader(self.expressions, self.root, raw.facts, self.lets.taken)
        self.expressions.names = params.read(raw.params, raw.overrides)
        when = self._expression(raw.when, raw.facts, "when", condition=True)
        where = self._optional(raw.where, raw.facts, "where", condition=True)
        severities = tuple(self._severity_case(raw, severity, text) for severity, text in raw.severity)
        show = self._show(raw.show, raw.facts, "show")
        trend, picture = self._trend(raw, show), self._picture(raw)
        evidence = self._evidence(raw.evidence, raw.facts) if raw.evidence else None
        self.problems += () if self.expressions.unread else params.unused(self.expressions.used)
        if when is None or raw.facts not in self.kinds:
            return None
        return AlertRule(
            self._info(raw, self._words(raw, show, evidence)),
            raw.facts,
            when,
            where,
            severities,
            show,
            evidence,
            trend,
            picture,
            raw.max_alerts,
            tuple(params.params.values()),
            self.lets.told(self.expressions.used, self.document.file),
            {name: word for name, word in self.expressions.called.items() if name != word},
            raw.when.strip(),
            f"{self.document.file}:{self.document.values[self.root].line}",
        )

    def _words(self, raw: RuleFile, show: Iterable[Labelled], evidence: Evidence | None) -> dict[str, Mapping[str, str]]:
        """Under the (English) label of every shown column the Chinese words for its values."""
        related = [(evidence.kind, item) for item in evidence.show] if evidence else []
        columns = [(item.label, self._column(kind, item.value)) for kind, item in (*((raw.facts, item) for item in show), *related)]
        grouped = self.kinds[evidence.kind].columns.get(evidence.group) if evidence else None
        if grouped:
            columns.append((grouped.title or Text.same(grouped.name), grouped))
        return {label.en: words for label, column in columns if column and (words := _chinese(column))}

    def _column(self, kind: str, node: Node) -> ColumnSchema | None:
        """The column that ``node`` is; None where it is more than one column's value."""
        if not isinstance(node, ColumnRef):
            return None
        return self.kinds[follow(node.path, kind, self.kinds)].columns.get(node.column)

    def _info(self, raw: RuleFile, words: Mapping[str, Mapping[str, str]]) -> RuleInfo:
        worst = max((severity for severity, _ in raw.severity), key=lambda severity: severity.rank)
        return RuleInfo(
            name=raw.alert,
            title=raw.title,
            severity=worst,
            owner=raw.owner,
            area=raw.labels.get("area", ""),
            advice=raw.advice,
            labels=raw.labels,
            hold=raw.for_,
            keep_firing=raw.keep_firing_for,
            unknown=raw.unknown,
            facts=raw.facts,
            key=self.kinds[raw.facts].key,
            template=raw.alert,
            words=words,
        )

    def _severity_case(self, raw: RuleFile, severity: Severity, text: str) -> tuple[Severity, Node | None]:
        if text == OTHERWISE:
            return severity, None
        return severity, self._expression(text, raw.facts, "severity", severity.value, condition=True)

    def _show(self, show: Mapping[str, str], kind: str, *path: str, back: Back = HERE) -> tuple[Labelled, ...]:
        read = ((label, self._expression(text, kind, *path, label, back=back)) for label, text in show.items())
        return tuple(Labelled(label_of(label), node) for label, node in read if node is not None)

    def _trend(self, raw: RuleFile, show: Sequence[Labelled]) -> Labelled | None:
        """The expression under ``trend:``, labelled as the shown value it equals, if there is one."""
        node = self._optional(raw.trend, raw.facts, "trend")
        if node is None:
            return None
        same = next((item for item in show if item.value == node), None)
        return replace(same, value=node) if same else Labelled(Text.same(raw.trend or ""), node)

    def _picture(self, raw: RuleFile) -> Node | None:
        node = self._optional(raw.picture, raw.facts, "picture")
        if node is not None and node.type is not Type.STRING:
            text = Text(f"a picture is named by a text, and this is {node.type}", f"图片要用文本列，这里是 {node.type}")
            hint = Text(
                "the column that takes `picture` of image_price, such as image_seen", "写 image_price 的 picture 所存的列，如 image_seen"
            )
            self.problems.append(self.document.problem((*self.root, "picture"), "wrong_type", text, hint))
        return node

    def _evidence(self, raw: EvidenceFile, kind: str) -> Evidence | None:
        schema = self.kinds.get(raw.from_)
        if schema is None:
            path = (*self.root, "evidence", "from")
            self.problems.append(unknown_kind(self.document, path, raw.from_, self.kinds))
            return None
        related = self._relation(raw.from_, kind)
        back = (kind, related.via) if related else ("", "")
        if raw.group and raw.group not in schema.columns:
            self._unknown_column(raw.group, schema, "evidence", "group")
        where = self._optional(raw.where, raw.from_, "evidence", "where", condition=True, back=back)
        show = self._show(raw.show or {key: key for key in schema.key}, raw.from_, "evidence", "show", back=back)
        order = self._optional(raw.order, raw.from_, "evidence", "order", back=back)
        if related is None:
            return None
        return Evidence(raw.from_, related.via, where, show, order, raw.descending, raw.group, raw.top)

    def _relation(self, kind: str, judged: str) -> Related | None:
        """How rows of ``kind`` belong to the judged row: as in ``count(kind)``, whose mistakes are told at ``from:``."""
        try:
            node = understand(f"count({kind})", self.expressions.scope(judged)) if judged in self.kinds else None
        except ExpressionError as error:
            path = (*self.root, "evidence", "from")
            self.problems += (self.document.problem(path, found.code, found.text, found.hint) for found in error.problems)
            return None
        return node if isinstance(node, Related) else None

    def _optional(self, text: str | None, kind: str, *path: str, condition: bool = False, back: Back = HERE) -> Node | None:
        return None if text is None else self._expression(text, kind, *path, condition=condition, back=back)

    def _expression(self, text: str, kind: str, *path: str, condition: bool = False, back: Back = HERE) -> Node | None:
        """The typed expression on a row of ``kind``, from which ``back`` leads to the judged one."""
        judged, through = back
        scope = replace(self.expressions.scope(kind), judged=judged, through=through)
        return self.expressions.read(text, scope, self.root + path, condition=condition)

    def _unknown_column(self, name: str, schema: KindSchema, *path: str) -> None:
        text = Text(f"'{schema.name}' has no column '{name}'", f"'{schema.name}' 没有列 '{name}'")
        self.problems.append(self.document.problem(self.root + path, "unknown_column", text, did_you_mean(name, schema.columns)))


def _chinese(column: ColumnSchema) -> dict[str, str]:
    """The first Chinese word of every value that is not Chinese itself."""
    words = [(value, word) for word, value in reversed(column.words) if value.isascii() and not word.isascii()]
    return dict(words)


def _sound_part(data: object, error: ValidationError) -> RuleFile | None:
    """The rule without what pydantic refused; None where nothing can be made of it. What must be there is filled in."""
    if not isinstance(data, dict):
        return None
    sound: object = data
    for item in error.errors(include_url=False):
        loc = item["loc"]
        sound = _without(sound, loc[:-1] if item["type"] == "missing" and len(loc) > 1 else loc)
    assert isinstance(sound, dict)  # noqa: S101 - only its parts were taken away
    try:
        return RuleFile.model_validate(_FILLED | sound)
    except ValidationError:
        return None


_FILLED = {"alert": "x", "title": "x", "facts": "", "when": "true", "severity": "info"}


def _without(data: object, loc: Path_) -> object:
    """A copy of ``data`` without what is under ``loc``."""
    if not isinstance(data, dict) or not loc or loc[0] not in data:
        return data
    if len(loc) > 1 and isinstance(data[loc[0]], dict):
        return {**data, loc[0]: _without(data[loc[0]], loc[1:])}
    return {key: value for key, value in data.items() if key != loc[0]}


def label_of(text: str) -> Text:
    """The label that a key of ``show:`` is: ``描述相符 / Description`` names both languages; a text without `` / `` stands for both."""
    zh, slash, en = text.partition(" / ")
    return Text(en.strip(), zh.strip()) if slash else Text.same(text)
