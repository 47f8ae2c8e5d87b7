"""What a difference says: rows of tables, one JSON object, Markdown for a pull request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo

from engine.diff.model import Change, Difference, Different, RuleRow, Side, rules_told
from engine.errors import Text
from engine.replay import Episode, Sent
from engine.wording import clean

CHANGES: Mapping[Change, Text] = {
    Change.EARLIER: Text("earlier", "更早"),
    Change.LATER: Text("later", "更晚"),
    Change.ENDS_EARLIER: Text("ends earlier", "结束更早"),
    Change.ENDS_LATER: Text("ends later", "结束更晚"),
    Change.SEVERITY: Text("severity", "级别"),
    Change.OWNER: Text("owner", "负责人"),
    Change.TEXT: Text("text", "内容"),
}
SIDES: Mapping[Side, Text] = {
    Side.ADDED: Text("added", "新增"),
    Side.REMOVED: Text("removed", "消失"),
    Side.CHANGED: Text("changed", "改变"),
}
RULES = {
    "rule": Text("rule", "规则"),
    "alerts": Text("alerts", "告警"),
    "alert_changes": Text("+ / − / ~", "+ / − / ~"),
    "notifications": Text("notifications", "通知"),
    "notification_changes": Text("+ / − / ~", "+ / − / ~"),
}
LISTED = {
    "what": Text("what", "项目"),
    "side": Text("difference", "差别"),
    "rule": Text("rule", "规则"),
    "about": Text("key or recipient", "对象或收件人"),
    "before": Text("before", "之前"),
    "after": Text("after", "之后"),
    "changes": Text("what changed", "变化"),
}
ALERT, NOTIFICATION = Text("alert", "告警"), Text("notification", "通知")


def summary(found: Difference) -> Text:
    """One sentence with the totals."""
    alerts, sent, days = found.alerts, found.notifications, found.days
    rates = tuple(f"{count / days:.1f}" for count in sent.counts)
    return Text(
        f"{_days(days)} days: alerts {alerts.counts[0]} → {alerts.counts[1]} ({_sides(alerts.of, 'en')}); "
        f"notifications {sent.counts[0]} → {sent.counts[1]} ({_sides(sent.of, 'en')}), {rates[0]} → {rates[1]} a day",
        f"{_days(days)} 天：告警 {alerts.counts[0]} → {alerts.counts[1]}（{_sides(alerts.of, 'zh')}）；"
        f"通知 {sent.counts[0]} → {sent.counts[1]}（{_sides(sent.of, 'zh')}），每天 {rates[0]} → {rates[1]}",
    )


def notes(found: Difference) -> Iterator[Text]:
    """What is to be said of the rules themselves, a sentence each."""
    for one in found.renamed:
        also = Text(" (and changed)", "（并有修改）") if one.changed else Text("", "")
        yield Text(f"renamed: {one.before} → {one.after}{also.en}", f"改名：{one.before} → {one.after}{also.zh}")
    for names, text in ((found.added, Text("new rules", "新规则")), (found.removed, Text("rules that are gone", "已删除的规则"))):
        if names:
            yield Text(f"{text.en}: {', '.join(names)}", f"{text.zh}：{'、'.join(names)}")
    quiet = sorted(found.edited - {row.rule for row in found.rows() if not row.quiet})
    if quiet:
        listed = ", ".join(quiet)
        yield Text(f"changed without effect on this history: {listed}", f"有修改，但对这段历史没有影响：{listed}")
    if not found.complete_texts:
        yield Text("so many messages could differ that not every text was compared", "可能不同的消息太多，没有逐封比较内容")


def rule_rows(found: Difference) -> list[dict[str, object]]:
    """Rules that are not quiet, as :data:`RULES` heads them."""
    return [
        {
            "rule": f"{row.before} → {row.rule}" if row.before else row.rule,
            "alerts": _arrow(row.alerts),
            "alert_changes": _counts(row.alert_sides),
            "notifications": _arrow(row.notifications),
            "notification_changes": _counts(row.notification_sides),
        }
        for row in found.rows()
        if not row.quiet
    ]


def listed_rows(found: Difference, language: str, zone: tzinfo, limit: int) -> list[dict[str, object]]:
    """At most so many differing alerts, then as many notifications, as :data:`LISTED` heads them."""
    alerts = (_listed(ALERT, each, language, zone) for each in found.alerts.differences[:limit])
    sent = (_listed(NOTIFICATION, each, language, zone) for each in found.notifications.differences[:limit])
    return [*alerts, *sent]


def as_json(found: Difference) -> dict[str, object]:
    """Everything, for programs. Instants are ISO 8601 in UTC."""
    return {
        "base": found.names[0],
        "head": found.names[1],
        "since": found.span[0],
        "until": found.span[1],
        "days": round(found.days, 3),
        "renamed": [{"before": one.before, "after": one.after, "changed": one.changed} for one in found.renamed],
        "rules_added": list(found.added),
        "rules_removed": list(found.removed),
        "rules_changed": sorted(found.edited),
        "rules": [_row_json(row) for row in found.rows()],
        "alerts": {"base": found.alerts.counts[0], "head": found.alerts.counts[1]},
        "notifications": {"base": found.notifications.counts[0], "head": found.notifications.counts[1]},
        "alert_differences": [_json(each) for each in found.alerts.differences],
        "notification_differences": [_json(each) for each in found.notifications.differences],
        "all_texts_compared": found.complete_texts,
    }


def as_markdown(found: Difference, language: str, zone: tzinfo, limit: int, verdicts: Sequence[Text] = ()) -> str:
    """For a comment on a pull request (GitHub's dialect): totals, a table of rules, and the differences, folded."""
    title = Text("What these rules would have changed", "这次规则改动的影响")
    before, after = (code(name) for name in found.names)
    lines = [f"### storewatch: {title.in_(language)}", "", f"{before} → {after}, {summary(found).in_(language)}", ""]
    lines += [f"* **{verdict.in_(language)}**" for verdict in verdicts]
    lines += [f"* {_escaped(note.in_(language))}" for note in notes(found)]
    rows = rule_rows(found)
    if not rows:
        same = Text("No alert and no notification is different.", "告警和通知没有任何差别。")
        return "\n".join([*lines, "", same.in_(language), ""])
    lines += ["", *_table(rows, RULES, language)]
    for name, count, listed in _folded(found, language, zone, limit):
        more = Text(f"the first {limit} of {count}", f"前 {limit} 个，共 {count} 个") if count > limit else Text.same(str(count))
        lines += ["", f"<details><summary>{name.in_(language)} ({more.in_(language)})</summary>", ""]
        lines += [*_table(listed, {key: text for key, text in LISTED.items() if key != "what"}, language), "", "</details>"]
    return "\n".join([*lines, ""])


def code(text: object) -> str:
    """A code span that nothing can leave: neither a table's cell, nor the span, and that mentions nobody."""
    return f"`{clean(text).replace('`', 'ˋ').replace('|', '¦')}`"


def _folded(found: Difference, language: str, zone: tzinfo, limit: int) -> Iterator[tuple[Text, int, list[dict[str, object]]]]:
    alerts, sent = found.alerts.differences, found.notifications.differences
    if alerts and limit:
        yield Text("Alerts", "告警"), len(alerts), [_listed(ALERT, each, language, zone) for each in alerts[:limit]]
    if sent and limit:
        yield Text("Notifications", "通知"), len(sent), [_listed(NOTIFICATION, each, language, zone) for each in sent[:limit]]


def _table(rows: Iterable[Mapping[str, object]], columns: Mapping[str, Text], language: str) -> Iterator[str]:
    yield f"| {' | '.join(heading.in_(language) for heading in columns.values())} |"
    yield f"|{' --- |' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(code(row[name]) if row[name] else '' for name in columns)} |"


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|~@#])", r"\\\1", clean(text, 2_000))


def _listed(what: Text, each: Different[Episode] | Different[Sent], language: str, zone: tzinfo) -> dict[str, object]:
    return {
        "what": what.in_(language),
        "side": SIDES[each.side].in_(language),
        "rule": ", ".join(each.rules),
        "about": clean(_about(each.thing)),
        "before": _told(each.base, zone),
        "after": _told(each.head, zone),
        "changes": ", ".join(CHANGES[change].in_(language) for change in each.changes),
    }


def _about(thing: Episode | Sent) -> str:
    return "/".join(thing.identity.key) if isinstance(thing, Episode) else f"{thing.recipient.channel}:{thing.recipient.address}"


def _told(thing: Episode | Sent | None, zone: tzinfo) -> str:
    """``11-03 17:30 – 11-05 09:30 critical`` of an alert, ``11-03 17:30 (3)`` of a message that tells of three."""
    if thing is None:
        return ""
    if isinstance(thing, Sent):
        return f"{_local(thing.at, zone)} ({len(thing.transitions)})"
    end = f"{_local(thing.resolved, zone)}" if thing.resolved else "…"
    return f"{_local(thing.fired, zone)} – {end} {thing.severity.value}"


def _local(instant: datetime | None, zone: tzinfo) -> str:
    return f"{instant.astimezone(zone):%m-%d %H:%M}" if instant else ""


def _row_json(row: RuleRow) -> dict[str, object]:
    def figures(counts: tuple[int, int], sides: Mapping[Side, int]) -> dict[str, int]:
        return {"base": counts[0], "head": counts[1]} | {side.value: sides.get(side, 0) for side in Side}

    return {
        "rule": row.rule,
        "renamed_from": row.before or None,
        "alerts": figures(row.alerts, row.alert_sides),
        "notifications": figures(row.notifications, row.notification_sides),
    }


def _json(each: Different[Episode] | Different[Sent]) -> dict[str, object]:
    return {
        "side": each.side.value,
        "rules": list(each.rules),
        "changes": [change.value for change in each.changes],
        "before": _thing_json(each.base),
        "after": _thing_json(each.head),
    }


def _thing_json(thing: Episode | Sent | None) -> dict[str, object] | None:
    if isinstance(thing, Episode):
        return {
            "rule": thing.rule,
            "key": list(thing.identity.key),
            "store_id": thing.store_id,
            "fired": thing.fired,
            "resolved": thing.resolved,
            "severity": thing.severity.value,
            "owner": thing.owner,
        }
    if thing is None:
        return None
    return {
        "at": thing.at,
        "channel": thing.recipient.channel,
        "recipient": thing.recipient.address,
        "receiver": thing.receiver,
        "rules": list(rules_told(thing)),
        "alerts": len(thing.transitions),
    }


def _arrow(counts: tuple[int, int]) -> str:
    return f"{counts[0]} → {counts[1]}" if counts[0] != counts[1] else str(counts[0])


def _counts(sides: Mapping[Side, int]) -> str:
    """``+2 −1 ~3``; empty where nothing is different."""
    marks = ((Side.ADDED, "+"), (Side.REMOVED, "−"), (Side.CHANGED, "~"))
    return " ".join(f"{mark}{sides[side]}" for side, mark in marks if sides.get(side))


def _sides(of: Callable[[Side], int], language: str) -> str:
    return _counts({side: of(side) for side in Side}) or Text("no difference", "无差别").in_(language)


def _days(days: float) -> str:
    return f"{days:.1f}".removesuffix(".0")
