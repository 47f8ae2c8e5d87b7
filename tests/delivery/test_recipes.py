"""Every recipe of docs/routing.md does what the page says."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.model import Severity
from engine.routing import Channels, Hold, Thread, decide, due_escalations, read_channels
from engine.yamlfile import loads
from tests.delivery.test_routing import BOTH, firing, first
from tests.delivery.values import store

PAGE = Path(__file__).parent.parent.parent / "docs" / "routing.md"
RECIPES = dict(re.findall(r"### ([^\n]+)\n.*?```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S))


def recipe(words: str) -> Channels:
    (text,) = [text for title, text in RECIPES.items() if words in title]
    return read_channels(loads(text.encode(), "channels.yaml"))


def held(to: Channels, at: str, severity: Severity = Severity.WARNING) -> tuple[Hold, str] | None:
    """Why and until when a new alert waits; None when it is told at once."""
    instant = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    alert = replace(firing(store("S1"), instant), severity=severity)
    found = decide([first(alert, instant)], {alert.identity: alert}, BOTH, to, instant, {})
    if not found.held:
        assert found.plans
        return None
    until = found.held[0].until
    assert until
    return found.held[0].hold, until.astimezone(instant.tzinfo).strftime("%Y-%m-%d %H:%M")


def test_there_are_recipes() -> None:
    assert len(RECIPES) == 6


@pytest.mark.parametrize(
    ("words", "at", "severity", "expected"),
    [
        ("Quiet at night", "2026-11-20T23:00", Severity.WARNING, (Hold.MUTED, "2026-11-21 08:00")),
        ("Quiet at night", "2026-11-20T23:00", Severity.CRITICAL, None),
        ("Quiet at night", "2026-11-20T12:00", Severity.WARNING, None),
        ("Working hours", "2026-09-30T20:00", Severity.WARNING, (Hold.MUTED, "2026-10-08 09:00")),
        ("Working hours", "2026-10-10T10:00", Severity.WARNING, None),  # a Saturday that is worked
        ("双11", "2026-11-01T10:00", Severity.WARNING, None),
        ("One mail", "2026-11-20T12:00", Severity.WARNING, (Hold.DIGEST, "2026-11-20 18:00")),
        ("One mail", "2026-11-20T12:00", Severity.CRITICAL, None),
    ],
)
def test_what_waits(words: str, at: str, severity: Severity, expected: tuple[Hold, str] | None) -> None:
    assert held(recipe(words), at, severity) == expected


def test_the_freeze_is_for_pages() -> None:
    channels = recipe("双11")
    at = datetime(2026, 11, 1, 2, tzinfo=ZoneInfo("UTC"))
    page = firing(store("P1")._replace(rule="banner"), at)
    (waits,) = decide([first(page, at)], {page.identity: page}, BOTH, channels, at, {}).held
    assert waits.until == datetime(2026, 11, 11, 16, tzinfo=ZoneInfo("UTC"))
    assert channels.interval("every_year").contains(at.replace(year=2031))


def test_somebody_else_is_told_after_half_an_hour() -> None:
    channels = recipe("nobody answers")
    at = datetime(2026, 11, 20, 2, tzinfo=ZoneInfo("UTC"))
    alert = replace(firing(store("S1"), at), severity=Severity.CRITICAL)
    (told,) = decide([first(alert, at)], {alert.identity: alert}, BOTH, channels, at, {}).plans
    threads = {alert.identity.fingerprint: [Thread(told.thread, at, begun=at)]}
    for minutes, due in ((29, 0), (30, 1)):
        later = at + timedelta(minutes=minutes)
        assert len(due_escalations({alert.identity: alert}, BOTH, channels, later, threads)) == due


def test_the_one_who_stands_in_is_told() -> None:
    channels = recipe("rotations")
    at = datetime(2026, 11, 20, 2, tzinfo=ZoneInfo("UTC"))
    alert = firing(store("S1"), at)
    (told,) = decide([first(alert, at)], {alert.identity: alert}, BOTH, channels, at, {}).plans
    assert [to.address for to in told.recipients] == ["bo@example.com"]
