"""Dispatches: what is due is told between evaluations, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.matching.evaluate import Matcher
from engine.pipeline import Dispatch, next_dispatch, run_dispatch
from engine.project import load_project
from engine.snapshots import Snapshots
from engine.state import State
from tests.rounds.conftest import Shop
from tests.rounds.test_waiting import at_night, rated, run

MORNING = datetime(2026, 11, 3, 0, tzinfo=UTC)


def dispatch(shop: Shop, at: datetime) -> Dispatch:
    project = load_project(shop.folder)
    matcher = Matcher(project.facts.schemas, project.facts.time_zone)
    with State.open(f"sqlite:///{shop.folder / 'state.db'}") as state:
        return run_dispatch(project, matcher, Snapshots(project.snapshots), state, at, clock=lambda: at)


def upcoming(shop: Shop, at: datetime) -> datetime | None:
    with State.open(f"sqlite:///{shop.folder / 'state.db'}") as state:
        return next_dispatch(load_project(shop.folder), state, at)


def test_what_is_due_is_told_between_evaluations_and_only_once(shop: Shop) -> None:
    at_night(shop)
    rated(shop, "4.60", "2026-11-02T22:30")
    run(shop, "2026-11-02T23:00")
    assert upcoming(shop, MORNING - timedelta(hours=5)) == MORNING
    early = dispatch(shop, MORNING - timedelta(minutes=1))
    assert (early.stored, early.notifications, len(early.held)) == (True, (), 1)
    due = dispatch(shop, MORNING)
    assert (due.stored, len(due.notifications), due.held) == (True, 1, ())
    again = dispatch(shop, MORNING + timedelta(minutes=1))
    assert again.notifications == ()
    assert upcoming(shop, MORNING) is not None, "a reminder"


def test_reminders_are_told_without_an_evaluation(shop: Shop) -> None:
    rated(shop, "4.60", "2026-11-02T09:00")
    run(shop, "2026-11-02T09:30")
    due = upcoming(shop, MORNING)
    assert due == datetime(2026, 11, 3, 1, 30, tzinfo=UTC)
    assert dispatch(shop, due - timedelta(seconds=1)).notifications == ()
    (reminder,) = dispatch(shop, due).notifications
    assert "dsr_drop" in reminder.payload.decode("ascii", "replace")
    assert dispatch(shop, due + timedelta(hours=1)).notifications == ()
    assert [event["reason"] for event in shop.json("why", "dsr_drop/s1")["history"]][-1] == "repeat_due"
