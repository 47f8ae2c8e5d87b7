"""A replay as plain lists for a page's script: an index of all alerts and messages, and what is only looked at one by one in blocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from engine.errors import Text
from engine.model import Identity, RuleInfo, Severity, Shown, State
from engine.replay import Episode, Replay, Sent
from engine.replay.summary import RuleFigures, by_rule
from engine.report.letters import Letter
from engine.report.words import STATES
from engine.wording import REASONS, SEVERITIES, Writer, clean

MOST_ROWS = 20
"""Rows of evidence that a report lists of an alert, as a message does."""
SEVERITY_ORDER = (Severity.INFO, Severity.WARNING, Severity.CRITICAL)
Plain = Any
"""What JSON can hold."""


@dataclass(frozen=True, slots=True)
class Contents:
    """``index`` is needed at once; ``details`` (one for each alert) and ``mails`` only when somebody asks for one."""

    index: Mapping[str, Plain]
    details: tuple[Plain, ...]
    mails: tuple[Plain, ...]


def contents(replay: Replay, written: Sequence[Letter | None], writer: Writer) -> Contents:
    """All that a report shows. ``written`` are the messages of ``replay.sent``; instants are seconds since 1970."""
    episodes = [episode for episode in replay.episodes if episode.fired]
    rules, stores, people = _Numbered(), _Numbered(), _Numbered()
    days = _Days(replay, writer)
    mails = list(dict.fromkeys(letter for letter in written if letter))
    places = {letter: number for number, letter in enumerate(mails)}
    told = _told(replay.sent, episodes)
    eventful = (row for row in by_rule(replay) if row.alerts or row.notifications or row.unknown or row.failed)
    rows = [_figures(row, rules, writer) for row in eventful]
    index = {
        "since": _seconds(replay.since),
        "until": _seconds(replay.seen_until),
        "zone": getattr(writer.zone, "key", "UTC"),
        "complete": replay.complete,
        "evaluations": sum(1 for moment in replay.moments if moment.judged),
        "planned": replay.planned,
        "days": days.names,
        "figures": rows,
        "alerts": [_alert(episode, rules, stores, days) for episode in episodes],
        "sent": [_sent(sent, letter, places, rules, people, days) for sent, letter in zip(replay.sent, written, strict=True)],
        "rules": [_rule(name, replay.rules.get(name), writer) for name in rules],
        "stores": [[name, clean(replay.names.get(name, ""))] for name in stores],
        "people": list(people),
    }
    details = tuple(_detail(episode, told[number], writer) for number, episode in enumerate(episodes))
    return Contents(index, details, tuple([letter.subject, letter.html, letter.text] for letter in mails))


class _Numbered(dict[str, int]):
    """Names, each with its number."""

    def number(self, name: str) -> int:
        return self.setdefault(name, len(self))


class _Days:
    """The local days of a replay, each with its number."""

    def __init__(self, replay: Replay, writer: Writer) -> None:
        self.zone = writer.zone
        first, last = days_of(replay, writer)
        self.first = first
        self.count = (last - first).days + 1
        self.names = [(first + timedelta(days=number)).isoformat() for number in range(self.count)]

    def number(self, instant: datetime) -> int:
        return min(self.count - 1, max(0, (instant.astimezone(self.zone).date() - self.first).days))


def _told(sent: Iterable[Sent], episodes: Sequence[Episode]) -> dict[int, list[int]]:
    """The numbers of the messages that tell of each alert."""
    starts: defaultdict[Identity, list[tuple[datetime, int]]] = defaultdict(list)
    for number, episode in enumerate(episodes):
        starts[episode.identity].append((episode.started, number))
    found: defaultdict[int, list[int]] = defaultdict(list)
    for number, each in enumerate(sent):
        for moved in each.transitions:
            began = [alert for start, alert in starts[moved.alert.identity] if start <= moved.at]
            if began and number not in found[began[-1]][-1:]:
                found[began[-1]].append(number)
    return found


def _figures(row: RuleFigures, rules: _Numbered, writer: Writer) -> Plain:
    spans = [writer.duration(span) if span is not None else "" for span in (row.resolve, row.longest)]
    return [rules.number(row.rule), row.alerts, row.notifications, row.relapses, *spans, row.unknown, row.failed]


def _rule(name: str, info: RuleInfo | None, writer: Writer) -> Plain:
    title = info.title.in_(writer.language) if info else name
    return [name, clean(title), clean(info.owner) if info else ""]


def _alert(episode: Episode, rules: _Numbered, stores: _Numbered, days: _Days) -> Plain:
    fired = episode.fired or episode.started
    return [
        rules.number(episode.rule),
        stores.number(episode.store_id),
        clean(" / ".join(episode.identity.key)),
        _seconds(fired),
        _seconds(episode.resolved) if episode.resolved else None,
        SEVERITY_ORDER.index(episode.severity),
        days.number(fired),
    ]


def _sent(sent: Sent, letter: Letter | None, places: Mapping[Letter, int], rules: _Numbered, people: _Numbered, days: _Days) -> Plain:
    worst = max(moved.alert.severity.rank for moved in sent.transitions)
    over = all(moved.after is State.RESOLVED for moved in sent.transitions)
    person = f"{sent.recipient.channel}: {clean(sent.recipient.address)}"
    told = sorted({rules.number(identity.rule) for identity in sent.told})
    place = None if letter is None else places[letter]
    return [_seconds(sent.at), people.number(person), 3 if over else worst, days.number(sent.at), len(sent.transitions), place, told]


def _detail(episode: Episode, sent: Sequence[int], writer: Writer) -> Plain:
    alert = episode.alert
    moves = [
        [
            _seconds(moved.at),
            STATES[moved.after].in_(writer.language),
            SEVERITIES[moved.alert.severity].in_(writer.language),
            REASONS[moved.reason].in_(writer.language),
            _values(moved.alert.shown, writer) if moved.alert.shown != alert.shown else [],
        ]
        for moved in episode.transitions
    ]
    rows = alert.evidence[:MOST_ROWS]
    heads = [clean(item.label.in_(writer.language)) for item in rows[0]] if rows else []
    return {
        "id": alert.identity.fingerprint,
        "owner": clean(episode.owner),
        "started": _seconds(episode.started),
        "values": _values(alert.shown, writer),
        "heads": heads,
        "rows": [[_value(item, writer) for item in row] for row in rows],
        "more": len(alert.evidence) - len(rows),
        "moves": moves,
        "sent": list(sent),
        "members": [clean(str(member.identity)) for member in alert.members],
        "explained": clean(str(alert.explained_by)) if alert.explained_by else "",
    }


def _values(shown: Iterable[Shown], writer: Writer) -> list[list[str]]:
    return [[clean(item.label.in_(writer.language)), _value(item, writer)] for item in shown]


def _value(item: Shown, writer: Writer) -> str:
    return writer.value(item.value, item.type, item.unit)


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def days_of(replay: Replay, writer: Writer) -> tuple[date, date]:
    """The first and the last local day that it looked at. One that was over at midnight did not look at the next day, unless it evaluated
    at just that instant."""
    at_the_end = bool(replay.moments) and replay.moments[-1].at >= replay.seen_until
    last = replay.seen_until if at_the_end else max(replay.since, replay.seen_until - timedelta(microseconds=1))
    return replay.since.astimezone(writer.zone).date(), last.astimezone(writer.zone).date()


def title(replay: Replay, project: str, writer: Writer) -> Text:
    """``Dry-run of shop, 1 Nov 2017 – 31 Dec 2017``."""
    first, last = (writer.date(day) for day in days_of(replay, writer))
    return Text(f"Dry-run of {project}: {first} – {last}", f"{project} 历史回放：{first} 至 {last}")


def blocks(items: Sequence[Plain], size: int) -> Iterator[Sequence[Plain]]:
    """``items`` in blocks of so many."""
    return (items[start : start + size] for start in range(0, len(items), size))
