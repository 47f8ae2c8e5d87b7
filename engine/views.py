"""What templates see of a message: plain, cleaned, already written values. :data:`CONTEXT` lists every name.

Nothing of the engine's own values reaches a template: texts have been cleaned, values are written in the message's language and time
zone, and every attribute of an :class:`Entry` or a :class:`Cell` is always there, so that a template asks ``if`` and never guesses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

from engine.errors import Text
from engine.model import Item, Message, Reason, Severity, Shown, State, Value
from engine.trendline import trend_words
from engine.wording import PHRASES, REASONS, SEVERITIES, Writer, clean, clean_lines, exact, safe_link

MOST_ENTRIES = 200
MOST_ROWS = 20
MOST_CELLS = 24
LONGEST_TITLE = 80
LONGEST_LABEL = 40

CONTEXT: Mapping[str, Text] = MappingProxyType(
    {
        "items": Text("the alerts (Entry), the worst and newest first", "各条提醒（Entry），严重的、新的在前"),
        "item": Text("in *.gist.j2 and inside the loop over items: one alert", "在 *.gist.j2 和 items 循环里：一条提醒"),
        "counts": Text("how many are .new, .ongoing, .resolved, and .all", "条数：.new .ongoing .resolved .all"),
        "subject": Text("the subject line (not in subject templates)", "邮件主题（主题模板里没有）"),
        "title": Text("the rule's title, or how many alerts when rules differ", "规则标题；多条规则时为提醒条数"),
        "place": Text("the store's name, or how many stores", "店铺名，或店铺家数"),
        "tally": Text("how many are new, ongoing and resolved, in words", "新增、持续、恢复各几条（文字）"),
        "zone": Text("the name of the time zone", "时区名"),
        "tone": Text("critical, warning, info, or resolved when all is over", "critical、warning、info；全部恢复时为 resolved"),
        "badge": Text("the tone in words", "严重程度的文字"),
        "repeat": Text("true when nothing is new and something goes on", "没有新增、仍有持续的提醒时为真"),
        "one_rule": Text("true when all items are of one rule", "全部提醒属于同一条规则时为真"),
        "advice": Text("the common advice, as lines; empty when rules differ", "共同的处理建议（逐行）；规则不同时为空"),
        "labels": Text("the group's labels", "分组标签"),
        "at": Text("the instant of evaluation", "检查的时刻"),
        "omitted": Text("how many more alerts are not listed", "未列出的提醒条数"),
        "language": Text("zh or en", "zh 或 en"),
        "say": Text("say('since', since=…): a phrase of the built-in list in the message's language", "say('since', since=…)：内置短语"),
        "ratio": Text("ratio(part, whole): a number, 0 where it cannot be told", "ratio(部分, 整体)：比值，算不出时为 0"),
    }
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One labelled value. It is false when the value is missing, prints as its text, and ``amount`` is its number, if it is one.

    ``before`` is what an earlier message told, empty when that is unknown or the same; ``link`` is set when it is a safe address.
    """

    label: str = ""
    text: str = ""
    value: Value = None
    type: str = ""
    amount: Decimal | None = None
    before: str = ""
    link: str = ""
    names: frozenset[str] = field(default=frozenset(), repr=False)

    def __bool__(self) -> bool:
        return self.value is not None

    def __str__(self) -> str:
        return self.text


NOTHING = Cell()


@dataclass(frozen=True, slots=True)
class Counts:
    new: int
    ongoing: int
    resolved: int

    @property
    def all(self) -> int:
        return self.new + self.ongoing + self.resolved


@dataclass(frozen=True, slots=True)
class Entry:
    """One alert. ``kind`` is new, ongoing or resolved; ``tone`` is the severity, or resolved.

    ``gist`` is the one sentence that the rule's ``*.gist.j2`` makes. ``shown`` are the values now; of a resolved alert whose values now
    are not known, the last ones (``outdated`` is true). ``since`` is when the condition became true, ``ended`` when it was over (else
    None), ``duration`` the time between (or until now), ``when`` the three in words. ``key`` holds the key values that are not the store.
    ``picture`` is the name of the trend's picture, ``exhibit`` that of the picture that the alert is about.
    Of an incident, ``members`` says how many alerts it is made of, and ``evidence`` has a row for each that starts with its title.
    """

    id: str
    rule: str
    title: str
    tone: str
    severity: str
    severity_text: str
    state: str
    kind: str
    reason: str
    reason_text: str
    shown: tuple[Cell, ...]
    outdated: bool
    evidence: tuple[tuple[Cell, ...], ...]
    more_evidence: int
    advice: tuple[str, ...]
    since: datetime
    ended: datetime | None
    duration: timedelta
    when: str
    store_id: str
    store: str
    key: tuple[str, ...]
    owner: str
    area: str
    acknowledged_by: str
    members: int
    as_of: datetime | None
    template: str
    trend_label: str = ""
    trend_text: str = ""
    picture: str = ""
    exhibit: str = ""
    gist: str = ""

    @property
    def money(self) -> tuple[Cell, ...]:
        """The shown amounts of money that are there: what stands beside the exhibit."""
        return tuple(cell for cell in self.shown if cell.type == "money" and cell)

    def find(self, *labels: str) -> Cell:
        """The first shown value with one of these labels (Chinese or English, whatever the message's language); false if none."""
        wanted = [_fold(label) for label in labels]
        return next((cell for label in wanted for cell in self.shown if label in cell.names), NOTHING)

    def amounts(self, *labels: str) -> tuple[Cell, ...]:
        """Those of the labelled values that are there and are numbers, in the order asked for."""
        return tuple(cell for label in labels if (cell := self.find(label)).amount is not None)

    def others(self, *labels: str) -> tuple[Cell, ...]:
        """The shown values with none of these labels: what a template has not yet told."""
        told = {_fold(label) for label in labels}
        return tuple(cell for cell in self.shown if not told & cell.names)


def _fold(label: object) -> str:
    return "".join(str(label).casefold().split())


def ratio(part: object, whole: object) -> float:
    """``part / whole`` of cells or numbers; 0 where it cannot be told, never below 0."""
    above, below = (value.amount if isinstance(value, Cell) else exact(value) for value in (part, whole))
    if above is None or not below or above / below < 0:
        return 0.0
    return float(above / below)


Words = Mapping[str, Mapping[str, str]]
NONE: Mapping[str, Mapping[str, str]] = MappingProxyType({})


def cell(shown: Shown, writer: Writer, before: Mapping[Text, Shown] = MappingProxyType({}), words: Words = NONE) -> Cell:
    """``shown`` for templates; ``before`` holds earlier values by label, ``words`` the Chinese words of values by English label."""
    value = clean(shown.value) if isinstance(shown.value, str) else shown.value
    text = _text(shown, writer, words)
    earlier = before.get(shown.label)
    was = _text(earlier, writer, words) if earlier and earlier.value is not None else ""
    return Cell(
        label=clean(shown.label.in_(writer.language), LONGEST_LABEL),
        text=text,
        value=value,
        type=str(shown.type),
        amount=exact(value),
        before=was if was != text else "",
        link=safe_link(shown.value),
        names=frozenset({_fold(shown.label.zh), _fold(shown.label.en)}),
    )


def _text(shown: Shown, writer: Writer, words: Words) -> str:
    known = words.get(shown.label.en, {}) if writer.language == "zh" else {}
    value = known.get(shown.value, shown.value) if isinstance(shown.value, str) else shown.value
    return writer.value(value, shown.type, shown.unit)


def _compact(shown: Shown, at: datetime, writer: Writer, words: Words) -> Cell:
    """A value of a list of rows, where instants of this year go without the year."""
    made = cell(shown, writer, words=words)
    return replace(made, text=writer.datetime(made.value, at)) if isinstance(made.value, datetime) else made


def entry(item: Item, at: datetime, writer: Writer) -> Entry:
    """One alert for templates; its gist and picture are added later."""
    alert, rule = item.transition.alert, item.rule
    kind = kind_of(item)
    ended = (alert.resolved_at or item.transition.at) if kind == "resolved" else None
    duration = max(timedelta(0), (ended or at) - alert.pending_since)
    shown, before = _values(item, kind)
    return Entry(
        id=alert.identity.fingerprint,
        rule=clean(alert.identity.rule, LONGEST_TITLE),
        title=clean(rule.title.in_(writer.language), LONGEST_TITLE) or clean(rule.name, LONGEST_TITLE),
        tone="resolved" if kind == "resolved" else alert.severity.value,
        severity=alert.severity.value,
        severity_text=SEVERITIES[alert.severity].in_(writer.language),
        state=item.transition.after.value,
        kind=kind,
        reason=item.transition.reason.value,
        reason_text=REASONS[item.transition.reason].in_(writer.language),
        shown=tuple(cell(value, writer, before, rule.words) for value in shown[:MOST_CELLS]),
        outdated=kind == "resolved" and not item.current,
        evidence=tuple(tuple(_compact(value, at, writer, rule.words) for value in row[:MOST_CELLS]) for row in alert.evidence[:MOST_ROWS]),
        more_evidence=max(0, len(alert.evidence) - MOST_ROWS),
        advice=clean_lines(rule.advice.in_(writer.language)) if rule.advice else (),
        since=alert.pending_since,
        ended=ended,
        duration=duration,
        when=_when(item, at, ended, duration, writer),
        store_id=clean(alert.store_id, LONGEST_TITLE),
        store=clean(item.store_name, LONGEST_LABEL) or clean(alert.store_id, LONGEST_LABEL),
        key=tuple(clean(part, LONGEST_TITLE) for part in alert.identity.key if part != alert.store_id),
        owner=clean(rule.owner, LONGEST_LABEL),
        area=clean(rule.area, LONGEST_LABEL),
        acknowledged_by=clean(alert.acknowledged_by, LONGEST_LABEL),
        members=len(alert.members),
        as_of=item.as_of,
        template=rule.template or rule.name,
        trend_label=clean(item.trend.label.in_(writer.language), LONGEST_LABEL) if item.trend else "",
        trend_text=trend_words(item.trend, writer) if item.trend else "",
    )


def _when(item: Item, at: datetime, ended: datetime | None, duration: timedelta, writer: Writer) -> str:
    fresh = "since" if duration >= timedelta(minutes=1) else "just_now"
    phrase = {"resolved": "lasted", "ongoing": "still_since", "new": fresh}[kind_of(item)]
    since = writer.datetime(item.transition.alert.pending_since, at)
    return writer.say(PHRASES[phrase], since=since, ended=writer.datetime(ended, at), duration=writer.duration(duration))


def kind_of(item: Item) -> str:
    """Whether the alert is new to its readers, goes on, or is over."""
    moved = item.transition
    if moved.after is State.RESOLVED:
        return "resolved"
    return "ongoing" if moved.before is State.FIRING or moved.reason is Reason.REPEAT_DUE else "new"


def _values(item: Item, kind: str) -> tuple[tuple[Shown, ...], Mapping[Text, Shown]]:
    """The values to show, and the earlier ones to compare them with, by label."""
    alert = item.transition.alert
    if kind == "resolved" and item.current:
        return item.current, {shown.label: shown for shown in alert.shown}
    return alert.shown, {shown.label: shown for shown in item.before}


def ordered(items: Iterable[Item]) -> list[Item]:
    """New before ongoing before resolved, the most severe first, then by store and identity."""
    rank = ("new", "ongoing", "resolved").index
    return sorted(
        items,
        key=lambda item: (
            rank(kind_of(item)),
            -item.transition.alert.severity.rank,
            item.transition.alert.store_id,
            item.transition.alert.identity,
        ),
    )


def context(message: Message, entries: tuple[Entry, ...], writer: Writer) -> dict[str, object]:
    """Every name of :data:`CONTEXT` except ``item``, ``subject`` and the functions."""
    counts = counted(message)
    tone = tone_of(message)
    rules = {item.rule.name for item in message.items}
    badge = PHRASES["resolved"] if tone == "resolved" else SEVERITIES[Severity(tone)]
    return {
        "items": entries,
        "counts": counts,
        "title": entries[0].title if len(rules) == 1 else writer.say(PHRASES["summary"], count=counts.all),
        "place": _place(message, entries, writer),
        "tally": _tally(counts, writer),
        "zone": str(writer.zone),
        "tone": tone,
        "badge": badge.in_(writer.language),
        "repeat": counts.ongoing > 0 and counts.new == 0,
        "one_rule": len(rules) == 1,
        "advice": entries[0].advice if len(rules) == 1 else (),
        "labels": {clean(name, LONGEST_LABEL): clean(value, LONGEST_TITLE) for name, value in message.labels.items()},
        "at": message.at,
        "omitted": max(0, len(message.items) - MOST_ENTRIES) + message.omitted,
        "language": writer.language,
    }


def counted(message: Message) -> Counts:
    kinds = [kind_of(item) for item in message.items]
    return Counts(kinds.count("new"), kinds.count("ongoing"), kinds.count("resolved"))


def _tally(counts: Counts, writer: Writer) -> str:
    told = (("tally_new", counts.new), ("tally_ongoing", counts.ongoing), ("tally_resolved", counts.resolved))
    return writer.say(PHRASES["comma"]).join(writer.say(PHRASES[phrase], count=count) for phrase, count in told if count)


def tone_of(message: Message) -> str:
    """The worst severity of what is not over; ``resolved`` when all is."""
    active = [item.transition.alert.severity for item in message.items if kind_of(item) != "resolved"]
    return max(active, key=lambda severity: severity.rank).value if active else "resolved"


def _place(message: Message, entries: tuple[Entry, ...], writer: Writer) -> str:
    stores = {item.transition.alert.store_id for item in message.items}
    return entries[0].store if len(stores) == 1 else writer.say(PHRASES["stores"], count=len(stores))


def entries_of(message: Message, writer: Writer) -> tuple[Entry, ...]:
    """The entries of a message in reading order, at most :data:`MOST_ENTRIES`."""
    return tuple(entry(item, message.at, writer) for item in ordered(message.items)[:MOST_ENTRIES])
