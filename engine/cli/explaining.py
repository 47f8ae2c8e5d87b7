"""An explanation as a tree for the terminal, and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from engine.cli.stories import Narrator, Story, plural
from engine.errors import Text, did_you_mean
from engine.language import typed as t
from engine.language.printing import show_duration
from engine.matching.explanation import Clause, Explanation, Freshness, Missing, Used, Verdict
from engine.matching.origins import Batches, Origin
from engine.model import Shown, Type, Value
from engine.wording import MISSING, SEVERITIES, clean

LONGEST = 2_000  # characters of a clause
MARKS = {True: "✓", False: "✗", None: "?"}
VERDICTS: Mapping[Verdict, Text] = {
    Verdict.TRUE: Text("✓ TRUE: the condition holds", "✓ 成立：条件成立"),
    Verdict.FALSE: Text("✗ FALSE: the condition does not hold", "✗ 不成立：条件不成立"),
    Verdict.UNKNOWN: Text("? UNKNOWN: an input is missing, so it neither fires nor resolves", "? 未知：缺少数据，既不触发也不解除"),
    Verdict.OUT_OF_SCOPE: Text("✗ OUT OF SCOPE: `where` leaves this row out", "✗ 不在范围内：where 把这一行排除在外"),
    Verdict.STALE: Text(
        "? UNKNOWN: data is stale, so the rule says nothing of this store; values below are the last known",
        "? 未知：数据已过期，该规则对这家店不作判断；下面是最后已知的值",
    ),
    Verdict.QUARANTINED: Text(
        "? UNKNOWN: the newest export has this row, but it could not be read (snapshots/_quarantine says why)",
        "? 未知：最新的导出表里有这一行，但无法读取（原因见 snapshots/_quarantine）",
    ),
    Verdict.GONE: Text("✗ GONE: the current data has no such row any more", "✗ 已消失：当前数据里已没有这一行"),
    Verdict.NO_ROW: Text("✗ NO ROW: there is no such row, and was none of late", "✗ 没有这一行：现在没有，近期也没有过"),
    Verdict.FAILED: Text("! FAILED: the rule could not be evaluated", "! 失败：该规则无法评估"),
}
MISSED: Mapping[Missing, Text] = {
    Missing.EMPTY: Text("the cell is empty", "单元格为空"),
    Missing.NO_COLUMN: Text("the export has no such column", "导出表中没有这一列"),
    Missing.NO_REFERENCE: Text("the referring column is empty", "引用列为空"),
    Missing.NO_ROW: Text("there is no such row", "没有这样的行"),
    Missing.NO_GROUP: Text("a column after `by` is empty", "by 后面的列为空"),
    Missing.NO_HISTORY: Text("there is no earlier batch in that time", "该时间段内没有更早的数据"),
    Missing.NO_VALUE: Text("no row or batch has a value", "没有任何行或批次有值"),
    Missing.UNDEFINED: Text("it cannot be computed (a division by zero)", "无法计算（除以零）"),
    Missing.STALE: Text("its data is stale", "所用数据已过期"),
}


@dataclass(frozen=True)
class Drawing:
    """Draws explanations in one language and time zone, as lines."""

    narrator: Narrator

    def say(self, en: str, zh: str) -> str:
        return self.narrator.say(en, zh)

    def text(self, text: Text) -> str:
        return self.narrator.text(text)

    def explanation(self, found: Explanation) -> Iterator[str]:
        """The verdict, the data, and the tree of every condition."""
        yield from self.head(found)
        yield from section(self.say("data", "数据"), map(self.freshness, found.freshness))
        if found.where is not None:
            yield from section(self.say("where (which rows are judged)", "where（检查哪些行）"), self.tree(found.where))
        if found.when is not None:
            yield from section("when", self.tree(found.when))
        if any(condition for _, condition in found.severities):
            yield from section(self.say("severity", "级别"), self.severities(found))
        yield from section(self.say("parameters", "参数"), (line for used in found.params for line in self.used(used)))
        missing = [clause for clause in found.missing if clause.missing is not Missing.STALE]  # `data` has told of those
        yield from section(self.say("missing", "缺少的数据"), map(self.missing, missing))
        yield from section(self.say("values in the message", "消息中的数值"), map(self.shown, found.shown))

    def head(self, found: Explanation) -> Iterator[str]:
        rule, key = found.rule, " / ".join(map(clean, found.identity.key))
        yield f"{rule.name} · {self.text(rule.info.title)}  ({rule.defined_at})"
        row = f"{rule.kind} {key}"
        yield f"{row} · {self.origin(found.row)}" if found.row else row
        at = self.narrator.time(found.at)
        yield self.say(f"at {at} ({self.narrator.time_zone})", f"时刻 {at}（{self.narrator.time_zone}）")
        yield ""
        severity = f" · {self.text(SEVERITIES[found.severity])}" if found.severity else ""
        yield self.text(VERDICTS[found.verdict]) + severity
        if found.result.error:
            yield f"  {self.text(found.result.error)}"
        if found.last_seen:
            yield self.say(f"  last seen: {self.origin(found.last_seen)}", f"  最后出现于：{self.origin(found.last_seen)}")
        hint = did_you_mean("/".join(found.identity.key), found.near)
        if found.near:
            some = ", ".join(map(clean, found.near[:5]))
            yield f"  {clean(self.text(hint))}" if hint else self.say(f"  rows there are: {some} …", f"  现有的行：{some} ……")

    def origin(self, origin: Origin) -> str:
        line = "" if origin.line is None else self.say(f" line {origin.line}", f" 第 {origin.line} 行")
        as_of = self.narrator.time(origin.as_of)
        return self.say(f"{clean(origin.source)}{line}, data as of {as_of}", f"{clean(origin.source)}{line}，数据时间 {as_of}")

    def freshness(self, data: Freshness) -> str:
        good = self.narrator.writer.duration(data.fresh_for)
        if data.as_of is None or data.age is None:
            return self.say(f"? {data.kind}  never came for this store", f"? {data.kind}  这家店从未有过数据")
        as_of, age = self.narrator.time(data.as_of), self.narrator.writer.duration(data.age)
        old = self.say(f"{age} old, good for {good}", f"距今 {age}，有效期 {good}")
        state = self.say("STALE: ", "已过期：") if data.stale else ""
        return f"{'?' if data.stale else '✓'} {data.kind}  {as_of}  ({state}{old})  {clean(data.source)}"

    def severities(self, found: Explanation) -> Iterator[str]:
        for severity, condition in found.severities:
            chosen = self.say("  ← this one", "  ← 取此级别") if severity is found.severity else ""
            word = self.text(SEVERITIES[severity])
            if condition is None:
                yield self.say(f"{word}: otherwise{chosen}", f"{word}：其余情况{chosen}")
            else:
                yield f"{word}{chosen}"
                yield from (f"  {line}" for line in self.tree(condition))

    def used(self, used: Used) -> Iterator[str]:
        """A parameter's value, and which override gave it."""
        param = used.param
        yield f"{clean(param.name)} = {self.value(used.value.value, used.value.type, used.value.unit)}"
        this = self.say("  ← this one", "  ← 取此值")
        for number, (override, condition) in enumerate(zip(param.overrides, used.conditions, strict=True)):
            first, *rest = self.tree(condition)
            yield f"  {clean(override.text)}: {first}{this if number == used.chosen else ''}"
            yield from (f"    {line}" for line in rest)
        if param.overrides:
            default = used.known and used.chosen is None
            yield self.say(f"  {clean(param.text)}: otherwise", f"  {clean(param.text)}：其余情况") + (this if default else "")

    def missing(self, clause: Clause) -> str:
        why = self.text(MISSED[clause.missing]) if clause.missing else ""
        return f"{clause.text}: {why}"

    def shown(self, shown: Shown) -> str:
        return f"{self.text(shown.label)}: {self.value(shown.value, shown.type, shown.unit)}"

    def tree(self, clause: Clause) -> Iterator[str]:
        yield self.line(clause)
        parts = [] if is_short(clause) else clause.parts
        for number, part in enumerate(parts, 1):
            first, rest = ("└─ ", "   ") if number == len(parts) else ("├─ ", "│  ")
            for index, line in enumerate(self.tree(part)):
                yield (rest if index else first) + line

    def line(self, clause: Clause) -> str:
        mark = MARKS[None if clause.value is None else bool(clause.value)]
        if not is_condition(clause):
            return f"{mark} {self.input(clause)}" if clause.type is Type.BOOLEAN else self.input(clause)
        words = {t.And: Text("all of these", "以下全部成立"), t.Or: Text("any of these", "以下任一成立")}
        named = words.get(type(clause.node))
        text = self.text(named) if named else clean(clause.text, LONGEST)
        if clause.stale:
            text += self.say(f"  (stale; last known: {MARKS[_truth(clause)]})", f"  （已过期；最后已知：{MARKS[_truth(clause)]}）")
        inputs = ", ".join(self.input(part, clause) for part in clause.parts) if is_short(clause) else ""
        return f"{mark} {text}" + (f"   [{inputs}]" if inputs else "") + self.details(clause)

    def input(self, clause: Clause, inside: Clause | None = None) -> str:
        """A value with its name, which goes without saying where the clause that it is ``inside`` begins with it."""
        title = f"（{clean(clause.title.zh)}）" if clause.title and self.narrator.language == "zh" else ""
        known = inside is not None and not isinstance(clause.node, t.ColumnRef) and inside.text.startswith(clause.text)
        name = "" if known else f"{clean(clause.text, LONGEST)}{title} "
        return f"{name}= {self.value(clause.last_known, clause.type, clause.unit)}{self.details(clause)}"

    def details(self, clause: Clause) -> str:
        """Where the value is from, why it is missing."""
        told = []
        if clause.missing and clause.missing is not Missing.STALE:
            told.append(self.say("missing: ", "缺失：") + self.text(MISSED[clause.missing]))
        if clause.rows and clause.missing is not Missing.NO_GROUP:
            told.append(self.rows(clause))
        if clause.batches and clause.batches.count:
            told.append(self.batches(clause.batches))
        if clause.origin:
            told.append(f"{clause.origin.kind} {clean('/'.join(clause.origin.key))}: {self.origin(clause.origin)}")
        return f"  · {'; '.join(told)}" if told else ""

    def rows(self, clause: Clause) -> str:
        rows = clause.rows
        assert rows is not None  # noqa: S101  (asked by the caller)
        if not rows.rows:
            return self.say(f"no {rows.kind} rows", f"没有 {rows.kind} 行")
        unsure = self.say(f", {rows.unsure} unknown", f"，{rows.unsure} 行未知") if rows.unsure else ""
        return self.say(
            f"{rows.counted} of {rows.rows} {rows.kind} rows{unsure}", f"{rows.kind} 共 {rows.rows} 行，计入 {rows.counted} 行{unsure}"
        )

    def batches(self, batches: Batches) -> str:
        assert batches.first and batches.last  # noqa: S101  (the caller has seen that there are some)
        first, last = self.narrator.time(batches.first), self.narrator.time(batches.last)
        span = first if first == last else f"{first} … {last}"
        return self.say(f"{batches.count} {plural('batch', batches.count)}, {span}", f"{batches.count} 个批次，{span}")

    def value(self, value: Value, type_: Type, unit: str = "") -> str:
        """A value as exactly as it is compared: durations and times to the second, doubles with their digits."""
        match value:
            case None:
                return MISSING
            case timedelta():
                return f"-{show_duration(-value)}" if value < timedelta(0) else show_duration(value)
            case datetime():
                return self.narrator.time(value)
            case date():
                return value.isoformat()
            case float():
                return self.narrator.writer.value(Decimal(repr(round(value, 9))), type_, unit)
            case str():
                return f"'{clean(value, 80)}'"
            case _:
                return self.narrator.writer.value(value, type_, unit)


def section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """A heading and its lines, indented; nothing where there are none."""
    told = [f"  {line}" for line in lines]
    if told:
        yield from ("", title, *told)


def told(narrator: Narrator, story: Story) -> Iterator[str]:
    """The messages about an alert, what was not told and why, and how its rule fares."""
    yield from section(narrator.say("messages", "消息"), narrator.letters(story.letters))
    yield from section(narrator.say("people", "人工处理"), narrator.deeds(story.deeds))
    yield from section(narrator.say("waiting to be told", "等待通知"), narrator.held(story.held))
    yield from section(narrator.say("not told, because", "没有通知的变化及原因"), narrator.suppressed(story.suppressed))
    yield from section(narrator.say("health", "规则运行情况"), narrator.health(story.health))


def is_condition(clause: Clause) -> bool:
    return clause.type is Type.BOOLEAN and not isinstance(clause.node, t.ColumnRef)


def is_short(clause: Clause) -> bool:
    """Whether the inputs of a comparison fit on its line: a single one, or plain columns of the row."""
    if not is_condition(clause) or isinstance(clause.node, t.And | t.Or) or any(map(is_condition, clause.parts)):
        return False
    return not any(part.parts for part in clause.parts) and (len(clause.parts) == 1 or not any(map(has_details, clause.parts)))


def has_details(clause: Clause) -> bool:
    return bool(clause.rows or clause.batches or clause.origin or clause.missing)


def _truth(clause: Clause) -> bool | None:
    return None if clause.last_known is None else bool(clause.last_known)


def explanation_json(found: Explanation) -> dict[str, object]:
    """Everything of an explanation, with raw values. ``docs/explain.md`` says what each key means."""
    return {
        "rule": found.rule.name,
        "title": found.rule.info.title,
        "defined_at": found.rule.defined_at,
        "facts": found.rule.kind,
        "key": list(found.identity.key),
        "id": found.identity.fingerprint,
        "at": found.at,
        "verdict": found.verdict,
        "severity": found.severity,
        "error": found.result.error,
        "row": origin_json(found.row),
        "last_seen": origin_json(found.last_seen),
        "near": list(found.near),
        "data": [
            {"kind": d.kind, "as_of": d.as_of, "age": d.age, "fresh_for": d.fresh_for, "source": d.source, "stale": d.stale}
            for d in found.freshness
        ],
        "where": clause_json(found.where),
        "when": clause_json(found.when),
        "severities": [
            {"severity": severity, "condition": clause_json(clause), "chosen": severity is found.severity}
            for severity, clause in found.severities
        ],
        "params": [param_json(used) for used in found.params],
        "missing": [{"text": clause.text, "reason": clause.missing} for clause in found.missing],
        "values": [{"label": s.label, "value": s.value, "type": s.type, "unit": s.unit} for s in found.shown],
    }


def param_json(used: Used) -> dict[str, object]:
    pairs = zip(used.param.overrides, used.conditions, strict=True)
    return {
        "name": used.param.name,
        "value": used.value.value,
        "type": used.value.type,
        "default": used.param.text,
        "overrides": [
            {"condition": clause_json(clause), "value": override.text, "chosen": number == used.chosen}
            for number, (override, clause) in enumerate(pairs)
        ],
    }


def clause_json(clause: Clause | None) -> dict[str, object] | None:
    if clause is None:
        return None
    rows, batches = clause.rows, clause.batches
    return {
        "text": clause.text,
        "value": clause.value,
        "type": clause.type,
        "unit": clause.unit,
        "last_known": clause.last_known,
        "stale": list(clause.stale),
        "missing": clause.missing,
        "origin": origin_json(clause.origin),
        "rows": {"kind": rows.kind, "all": rows.rows, "counted": rows.counted, "unknown": rows.unsure} if rows else None,
        "batches": {"count": batches.count, "first": batches.first, "last": batches.last} if batches else None,
        "parts": [clause_json(part) for part in clause.parts],
    }


def origin_json(origin: Origin | None) -> dict[str, object] | None:
    if origin is None:
        return None
    names = ("kind", "key", "store_id", "as_of", "source", "line", "batch")
    return {name: getattr(origin, name) for name in names}
