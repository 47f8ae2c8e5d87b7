"""Alert rules: the typed form the engine uses, and how ``rules/*.yaml`` becomes it.

:func:`read_rules` never raises for a user's mistake; it returns the rules that are right and a problem for everything that is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError

from engine.errors import Problem, Text, did_you_mean
from engine.fields import Duration, LocalText, Name, Strict, about
from engine.language import ExpressionError, Scope, parse, understand
from engine.language.names import follow, names_of_kind
from engine.language.typed import ColumnRef, Node, Related
from engine.model import ColumnSchema, KindSchema, RuleInfo, Severity
from engine.yamlfile import BilingualError, Document, Path_, shown


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


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One alert rule, checked. ``severities`` are tried in order; the first whose condition holds wins, None always holds.

    ``condition`` is ``when`` as written, ``defined_at`` its file and line.
    """

    info: RuleInfo
    kind: str
    when: Node
    where: Node | None = None
    severities: tuple[tuple[Severity, Node | None], ...] = ()
    show: tuple[Labelled, ...] = ()
    evidence: Evidence | None = None
    trend: Labelled | None = None
    max_alerts: int = 100
    condition: str = field(default="", compare=False)
    defined_at: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        return self.info.name


def _parse_severity(value: object) -> tuple[tuple[Severity, str], ...]:
    """``warning``, or ``{critical: condition, warning: otherwise}``, tried in order, as (severity, condition or ``otherwise``)."""
    if not isinstance(value, dict) or not value:
        return ((_severity(value), OTHERWISE),)
    for name in list(value)[:-1]:
        if value[name] == OTHERWISE:
            text = Text("'otherwise' must come last: what follows it is never tried", "'otherwise' 必须写在最后，后面的不会被用到")
            raise BilingualError("otherwise_not_last", text, at=(name,))
    return tuple((_severity(name, (name,)), _parse_expression(condition, (name,))) for name, condition in value.items())


def _severity(name: object, at: Path_ = ()) -> Severity:
    names = [severity.value for severity in Severity]
    if isinstance(name, str) and name in names:
        return Severity(name)
    said = shown(name)
    hint = did_you_mean(str(name), names) or Text("use info, warning or critical", "可用 info、warning、critical")
    raise BilingualError("bad_severity", Text(f"{said.en} is not a severity", f"{said.zh} 不是级别"), hint, at, key=True)


def _parse_expression(value: object, at: Path_ = ()) -> str:
    """Expressions are texts; YAML makes numbers and booleans of some (``true``, ``4.7``), which mean the same."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | str):
        return str(value)
    text = Text("expected an expression, such as dsr_desc < 4.7", "这里应是一个表达式，如 dsr_desc < 4.7")
    hint = Text(
        "write it as one text; quote it when it starts with [ or { or holds ': '", "写成一段文字；以 [ 或 { 开头或含 “: ” 时请加引号"
    )
    raise BilingualError("not_an_expression", text, None if value is None else hint, at)


def _expression(value: object) -> str:
    return _parse_expression(value)


OTHERWISE = "otherwise"
_NONE, _SPANS = timedelta(0), ("30m", "6h", "2d")
Expression = Annotated[str, BeforeValidator(_expression, json_schema_input_type=str | float | bool)]
_Case = Annotated[Expression, about("condition, or otherwise", "条件，或 otherwise（其余情况）", examples=[OTHERWISE])]


class _BySeverity(Strict):
    """Severities by condition, tried in order."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    critical: _Case = ""
    warning: _Case = ""
    info: _Case = ""


Severities = Annotated[tuple[tuple[Severity, str], ...], BeforeValidator(_parse_severity, json_schema_input_type=Severity | _BySeverity)]


class EvidenceFile(Strict):
    """``evidence:`` of a rule."""

    from_: Annotated[str, about("fact kind whose rows are listed", "列出哪种事实的行", names="kinds")] = Field(alias="from")
    where: Annotated[Expression | None, about("which of its rows; default: all of this row", "只列满足条件的行；不写则全部")] = None
    show: Annotated[dict[str, Expression], about("columns: label → expression", "各列：名目 → 表达式")] = {}
    order: Annotated[Expression | None, about("what the rows are sorted by", "按什么排序")] = None
    descending: Annotated[bool, about("the largest first", "从大到小")] = False
    group: Annotated[str, about("column: one line for each of its values, with the count", "列名：按它分组，每组一行并计数")] = ""
    top: Annotated[int, about("rows or groups at most", "最多几行或几组")] = Field(default=10, ge=1, le=100)


class RuleFile(Strict):
    """One alert rule as written in ``rules/*.yaml``."""

    alert: Annotated[Name, about("unique name, in snake_case", "规则名称，小写字母、数字和下划线，不能重复")]
    title: Annotated[LocalText, about("title in messages, or {zh: ..., en: ...}", "消息里的标题；或 {zh: ..., en: ...}")]
    facts: Annotated[str, about("fact kind whose rows are judged; each row is an alert", "判断哪种事实，每一行单独告警", names="kinds")]
    where: Annotated[Expression | None, about("which rows the rule is about; default: all", "规则管哪些行；不写则全部")] = None
    when: Annotated[Expression, about("condition: true means that something is wrong", "条件：成立就是有问题")]
    for_: Annotated[Duration, about("how long it must hold before it is told", "持续多久才告警", examples=_SPANS)] = Field(
        _NONE, alias="for"
    )
    keep_firing_for: Annotated[Duration, about("how long it must be over to be resolved", "恢复多久才算解除", examples=_SPANS)] = _NONE
    severity: Annotated[Severities, about("or {severity: condition}; the first that holds counts", "级别；或 {级别: 条件}，先成立的算数")]
    owner: Annotated[str, about("a name under contacts of channels.yaml", "负责人：channels.yaml 里 contacts 下的名字", names="owners")] = (
        ""
    )
    labels: Annotated[dict[str, str], about("labels for routing, such as area", "分派用的标签，如 area", names="own_labels")] = {}
    show: Annotated[dict[str, Expression], about("values in the message: label → expression", "消息里列出的数值：名目 → 表达式")] = {}
    evidence: Annotated[EvidenceFile | None, about("related rows that the message lists", "消息里附上的相关行")] = None
    trend: Annotated[Expression | None, about("expression whose last 14 days are drawn", "画最近 14 天走势的表达式")] = None
    advice: Annotated[LocalText | None, about("what the reader should do", "建议怎么处理")] = None
    unknown: Annotated[Literal["keep", "alert", "resolve"], about("when data is missing", "缺数据时：保持原状、告警、解除")] = "keep"
    max_alerts: Annotated[int, about("rows that a message lists at most; none is lost", "一封消息最多列几行，其余不会丢")] = Field(
        100, ge=1
    )


def read_rules(document: Document, kinds: Mapping[str, KindSchema], time_zone: str) -> tuple[tuple[AlertRule, ...], tuple[Problem, ...]]:
    """The rules of one file that are right, and the problems of the others."""
    if document.data is None:
        return (), ()
    if not isinstance(document.data, list):
        text = Text("expected a list of rules", "应是规则的列表")
        hint = Text("start each rule with '- alert: name'", "每条规则以 “- alert: 名称” 开头")
        return (), (document.problem((), "not_a_list", text, hint),)
    rules: list[AlertRule] = []
    problems: list[Problem] = []
    for index in range(len(document.data)):
        reader = _RuleReader(document, index, kinds, time_zone)
        rule = reader.read()
        problems += reader.problems
        rules += [rule] if rule and not reader.problems else []
    return tuple(rules), tuple(problems)


def duplicate_names(documents: Iterable[Document]) -> Iterator[Problem]:
    """A problem for every rule name given twice, in one file or across files."""
    seen: dict[str, str] = {}
    for document in documents:
        for index, rule in enumerate(document.data if isinstance(document.data, list) else []):
            name = rule.get("alert") if isinstance(rule, dict) else None
            if not isinstance(name, str):
                continue
            if name in seen:
                text = Text(f"rule '{name}' is already defined in {seen[name]}", f"规则 '{name}' 已在 {seen[name]} 定义")
                yield document.problem((index, "alert"), "duplicate_rule", text)
            seen.setdefault(name, f"{document.file}:{document.values[(index,)].line}")


class _RuleReader:
    """Reads one rule of a file; collects its problems."""

    def __init__(self, document: Document, index: int, kinds: Mapping[str, KindSchema], time_zone: str) -> None:
        self.document = document
        self.root: Path_ = (index,)
        self.kinds = kinds
        self.time_zone = time_zone
        self.problems: list[Problem] = []

    def read(self) -> AlertRule | None:
        """The rule; None when it has problems. What is sound of a rule that is not is checked as well, so that all of it is told."""
        data = self.document.data[self.root[0]] if isinstance(self.document.data, list) and isinstance(self.root[0], int) else None
        raw: RuleFile | None
        try:
            raw = RuleFile.model_validate(data)
        except ValidationError as error:
            self.problems += self.document.problems_of(error, RuleFile, self.root)
            raw = _sound_part(data, error)
        rule = self._rule(raw) if raw else None
        return None if self.problems else rule

    def _rule(self, raw: RuleFile) -> AlertRule | None:
        if raw.facts and raw.facts not in self.kinds:
            self._unknown_kind(raw.facts, "facts")
        when = self._expression(raw.when, raw.facts, "when", condition=True)
        where = self._optional(raw.where, raw.facts, "where", condition=True)
        severities = tuple(self._severity_case(raw, severity, text) for severity, text in raw.severity)
        show = self._show(raw.show, raw.facts, "show")
        trend = self._trend(raw, show)
        evidence = self._evidence(raw.evidence, raw.facts) if raw.evidence else None
        if when is None or raw.facts not in self.kinds:
            return None
        info = self._info(raw, self._words(raw, show, evidence))
        place = f"{self.document.file}:{self.document.values[self.root].line}"
        return AlertRule(
            info,
            raw.facts,
            when,
            where,
            severities,
            show,
            evidence,
            trend,
            raw.max_alerts,
            raw.when.strip(),
            place,
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

    def _show(self, show: Mapping[str, str], kind: str, *path: str) -> tuple[Labelled, ...]:
        read = ((label, self._expression(text, kind, *path, label)) for label, text in show.items())
        return tuple(Labelled(_label(label), node) for label, node in read if node is not None)

    def _trend(self, raw: RuleFile, show: Sequence[Labelled]) -> Labelled | None:
        """The expression under ``trend:``, labelled as the shown value it equals, if there is one."""
        node = self._optional(raw.trend, raw.facts, "trend")
        if node is None:
            return None
        same = next((item for item in show if item.value == node), None)
        return replace(same, value=node) if same else Labelled(Text.same(raw.trend or ""), node)

    def _evidence(self, raw: EvidenceFile, kind: str) -> Evidence | None:
        schema = self.kinds.get(raw.from_)
        if schema is None:
            self._unknown_kind(raw.from_, "evidence", "from")
            return None
        related = self._relation(raw.from_, kind)
        if raw.group and raw.group not in schema.columns:
            self._unknown_column(raw.group, schema, "evidence", "group")
        where = self._optional(raw.where, raw.from_, "evidence", "where", condition=True)
        show = self._show(raw.show or {key: key for key in schema.key}, raw.from_, "evidence", "show")
        order = self._optional(raw.order, raw.from_, "evidence", "order")
        if related is None:
            return None
        return Evidence(raw.from_, related.via, where, show, order, raw.descending, raw.group, raw.top)

    def _relation(self, kind: str, judged: str) -> Related | None:
        """How rows of ``kind`` belong to the judged row: as in ``count(kind)``, whose mistakes are told at ``from:``."""
        try:
            node = understand(f"count({kind})", Scope(judged, self.kinds, self.time_zone)) if judged in self.kinds else None
        except ExpressionError as error:
            path = (*self.root, "evidence", "from")
            self.problems += (self.document.problem(path, found.code, found.text, found.hint) for found in error.problems)
            return None
        return node if isinstance(node, Related) else None

    def _optional(self, text: str | None, kind: str, *path: str, condition: bool = False) -> Node | None:
        return None if text is None else self._expression(text, kind, *path, condition=condition)

    def _expression(self, text: str, kind: str, *path: str, condition: bool = False) -> Node | None:
        """The typed expression; of a kind that is not known only the syntax is checked."""
        try:
            if kind in self.kinds:
                return understand(text, Scope(kind, self.kinds, self.time_zone), condition=condition)
            parse(text)
        except ExpressionError as error:
            for found in error.problems:
                width = max(1, found.span.end - found.span.start)
                at = self.root + path
                self.problems.append(self.document.problem(at, found.code, found.text, found.hint, offset=found.span.start, width=width))
        return None

    def _unknown_kind(self, name: str, *path: str) -> None:
        text = Text(f"unknown fact kind '{name}'", f"没有名为 '{name}' 的事实类型")
        titled = next(
            (Text(f"write {kind.name}", f"请写 {kind.name}") for kind in self.kinds.values() if name in names_of_kind(kind)), None
        )
        hint = (
            titled
            or did_you_mean(name, self.kinds)
            or Text(f"known kinds: {', '.join(self.kinds)}", f"可用的类型：{'、'.join(self.kinds)}")
        )
        self.problems.append(self.document.problem(self.root + path, "unknown_kind", text, hint))

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


def _label(text: str) -> Text:
    """``描述相符 / Description`` names both languages; a text without `` / `` stands for both."""
    zh, slash, en = text.partition(" / ")
    return Text(en.strip(), zh.strip()) if slash else Text.same(text)
