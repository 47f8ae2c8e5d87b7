"""Small builders that the delivery tests share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from engine.errors import Text
from engine.lifecycle import step
from engine.model import (
    ALL_STORES,
    Alert,
    Candidate,
    Identity,
    Notification,
    RuleInfo,
    RuleResult,
    Severity,
    Shown,
    Transition,
)
from engine.state import Evaluation, State

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULE = RuleInfo("dsr_drop", Text("DSR fell", "评分下降"), Severity.WARNING, owner="service", area="客服", key=("store_id",))
RULES = {RULE.name: RULE}


def store(name: str) -> Identity:
    return Identity(RULE.name, (name,))


def found(*stores: str, severity: Severity = Severity.WARNING, shown: tuple[Shown, ...] = ()) -> RuleResult:
    """A result in which the condition is true for these stores and false for all others."""
    candidates = tuple(Candidate(store(name), name, severity, START, shown) for name in stores)
    return RuleResult(RULE.name, candidates, fresh_stores=ALL_STORES, judged=len(stores))


def evaluate(
    state: State, result: RuleResult, at: datetime, *, schedule: str = "daily", notifications: Iterable[Notification] = ()
) -> tuple[dict[Identity, Alert], tuple[Transition, ...]]:
    """One evaluation on a real database, as the pipeline does it; must be claimed for the first time."""
    before = state.alerts() | state.resolved(candidate.identity for candidate in result.candidates)
    after, transitions = step(before, [result], RULES, at)
    assert state.commit(Evaluation(schedule, at, at, at, [result], after, transitions, tuple(notifications)))
    return after, transitions


def letter(
    number: int = 1, *, channel: str = "mail", to: str = "a@shop.example", thread: str = "", about: Iterable[Identity] = ()
) -> Notification:
    return Notification(
        id=f"id{number}",
        channel=channel,
        recipient=to,
        thread=thread or f"thread{number}",
        subject=f"Subject {number}",
        payload=f"Subject: {number}\r\nMessage-ID: <id{number}@shop.example>\r\n\r\nHello {number}\r\n".encode(),
        created_at=START,
        alerts=tuple(identity.fingerprint for identity in about),
    )
