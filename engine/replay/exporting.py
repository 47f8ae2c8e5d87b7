"""A replay as tables for spreadsheets (CSV), as a test report for CI (JUnit), and as plain data."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from datetime import tzinfo
from xml.etree import ElementTree as Xml

from engine.model import Severity
from engine.replay.model import Episode, Replay, Sent
from engine.replay.summary import DayFigures, OwnerFigures, RuleFigures, by_day, by_owner, by_rule, fired, suppressed
from engine.ruletest.report import for_xml

RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A spreadsheet takes a cell that begins so for a formula."""
Row = Mapping[str, object]
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "rules": tuple(each.name for each in fields(RuleFigures)),
    "days": tuple(each.name for each in fields(DayFigures)),
    "owners": tuple(each.name for each in fields(OwnerFigures)),
    "alerts": (
        "rule",
        "title",
        "store_id",
        "store",
        "key",
        "owner",
        "severity",
        "started",
        "fired",
        "resolved",
        "ended_by",
        "hours",
        "episode",
        "explained_by",
        "values",
    ),
    "notifications": (
        "number",
        "at",
        "channel",
        "recipient",
        "receiver",
        "route",
        "thread",
        "first",
        "digest",
        "rules",
        "stores",
        "alerts",
        "reasons",
    ),
}
"""The columns of each table, also where it has no row."""


def alert_rows(replay: Replay, language: str) -> list[dict[str, object]]:
    """One row for each alert that fired, in order of time."""
    return [_alert(replay, each, language) for each in fired(replay)]


def notification_rows(replay: Replay) -> list[dict[str, object]]:
    """One row for each message, in the order in which they were sent."""
    return [_notification(number, each) for number, each in enumerate(replay.sent, 1)]


def tables(replay: Replay, zone: tzinfo, language: str) -> dict[str, list[dict[str, object]]]:
    """All tables, by name: rules, days, owners, alerts, notifications."""
    return {
        "rules": [asdict(each) for each in by_rule(replay)],
        "days": [asdict(each) for each in by_day(replay, zone)],
        "owners": [asdict(each) for each in by_owner(replay)],
        "alerts": alert_rows(replay, language),
        "notifications": notification_rows(replay),
    }


def as_data(replay: Replay, zone: tzinfo, language: str) -> dict[str, object]:
    """Everything, for programs."""
    done = [moment for moment in replay.moments if moment.judged]
    about = {"since": replay.since, "until": replay.seen_until, "complete": replay.complete, "version": replay.version}
    counts = {"evaluations": len(done), "planned": replay.planned, "rules_evaluated": list(replay.evaluated)}
    return {**about, **counts, **tables(replay, zone, language), "not_told": suppressed(replay)}


def csv_text(rows: Iterable[Row], columns: Iterable[str]) -> str:
    """The rows with a heading, for spreadsheets: no cell is taken for a formula, lists are joined by semicolons."""
    names = list(columns)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([harmless(row.get(name)) for name in names] for row in rows)
    return text.getvalue()


def harmless(value: object) -> str:
    """A cell: what a spreadsheet would calculate begins with an apostrophe."""
    if isinstance(value, list | tuple):
        value = "; ".join(map(str, value))
    text = "" if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if text.startswith(RISKY) and not isinstance(value, int | float) else text


def junit(replay: Replay, fail_on: Severity | None = None) -> bytes:
    """One test case for each rule: an error where it could not be evaluated, a failure where an alert of ``fail_on`` or above fired."""
    figures = by_rule(replay)
    alerts = fired(replay)
    suite = Xml.Element("testsuite", name="storewatch dry-run", tests=str(len(figures)))
    errors = failures = 0
    for each in figures:
        case = Xml.SubElement(suite, "testcase", classname="storewatch", name=for_xml(each.rule))
        of_rule = [alert for alert in alerts if alert.rule == each.rule]
        bad = [alert for alert in of_rule if fail_on and alert.severity.rank >= fail_on.rank]
        if each.failed:
            errors += 1
            Xml.SubElement(case, "error", message=for_xml(f"{each.failed} of {each.evaluations} evaluations failed: {each.error}"))
        elif bad:
            failures += 1
            Xml.SubElement(case, "failure", message=f"{len(bad)} alert(s)").text = for_xml("\n".join(map(_line, bad)))
        told = f"{each.alerts} alert(s), {each.notifications} message(s)"
        Xml.SubElement(case, "system-out").text = for_xml("\n".join([told, *map(_line, of_rule)]))
    suite.set("errors", str(errors))
    suite.set("failures", str(failures))
    return bytes(Xml.tostring(suite, encoding="utf-8", xml_declaration=True))


def _line(alert: Episode) -> str:
    ended = f"ended {alert.resolved.isoformat()}" if alert.resolved else "goes on"
    return f"{alert.fired.isoformat() if alert.fired else ''} {alert.severity} {alert.identity} {ended}"


def _alert(replay: Replay, each: Episode, language: str) -> dict[str, object]:
    lasted = each.lasted(replay.seen_until)
    return {
        "rule": each.rule,
        "title": each.info.title.in_(language),
        "store_id": each.store_id,
        "store": replay.names.get(each.store_id, ""),
        "key": "/".join(each.identity.key),
        "owner": each.owner,
        "severity": each.severity.value,
        "started": each.started,
        "fired": each.fired,
        "resolved": each.resolved,
        "ended_by": each.ended_by.value if each.ended_by else None,
        "hours": round(lasted.total_seconds() / 3600, 2) if lasted is not None else None,
        "episode": each.number,
        "explained_by": str(each.alert.explained_by) if each.alert.explained_by else None,
        "values": [f"{item.label.in_(language)}: {item.value}" for item in each.alert.shown],
    }


def _notification(number: int, each: Sent) -> dict[str, object]:
    return {
        "number": number,
        "at": each.at,
        "channel": each.recipient.channel,
        "recipient": each.recipient.address,
        "receiver": each.receiver,
        "route": each.plan.route.name,
        "thread": each.plan.thread,
        "first": each.plan.first,
        "digest": each.digest,
        "rules": sorted({moved.alert.identity.rule for moved in each.transitions}),
        "stores": sorted({moved.alert.store_id for moved in each.transitions} - {""}),
        "alerts": [str(moved.alert.identity) for moved in each.transitions],
        "reasons": sorted({moved.reason.value for moved in each.transitions}),
    }
