"""What a test expects against what the round found, as differences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from engine.model import Alert, Identity, Notification, Shown, State, Value
from engine.pipeline import Round
from engine.ruletest.clauses import Line, Truth
from engine.ruletest.model import Expectation, Expected, ExpectedMail, Key, ShownValue, Step

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that differs, under its word in the test file; None on the side that has nothing."""

    name: str
    expected: str | None
    found: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs about one row at one instant; about messages where ``key`` is empty. ``missing`` are the kinds of which there is no
    fresh data for the row's store, ``tree`` is its condition."""

    at: datetime
    line: int
    key: Key
    fields: tuple[Field, ...]
    missing: tuple[str, ...] = ()
    tree: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What there is after a step. ``held`` tells of each row given so far whether the condition holds (None: unknown; False also
    where the row is gone), ``alerts`` what is stored of it."""

    step: Step
    rule: str
    held: Mapping[Key, Truth]
    alerts: Mapping[Key, Alert]
    round: Round

    def state(self, key: Key) -> Expectation:
        alert = self.alerts.get(key)
        if alert is not None and alert.state is not State.RESOLVED:
            return Expectation(alert.state.value)
        return Expectation.UNKNOWN if self.held.get(key, False) is None else Expectation.QUIET


def compare(found: Found, zone: ZoneInfo) -> Iterator[Difference]:
    """The differences after one step: expected rows, then rows that nobody expected, then messages."""
    step = found.step
    for key, expected in (step.expected or {}).items():
        if fields := tuple(_row(found, key, expected, zone)):
            yield Difference(step.at, step.line, key, fields)
    if step.expected is not None:
        for key in sorted({*found.held, *found.alerts} - {*step.expected}):
            state = found.state(key)
            if state is not Expectation.QUIET:
                yield Difference(step.at, step.line, key, tuple(_unexpected(state, found.alerts.get(key))))
    if step.mails is not None and (mails := tuple(_mails(step.mails, _told(found)))):
        yield Difference(step.at, step.line, (), mails)


def _row(found: Found, key: Key, expected: Expected, zone: ZoneInfo) -> Iterator[Field]:
    alert, state = found.alerts.get(key), found.state(key)
    if expected.state is Expectation.UNKNOWN and found.held.get(key, False) is None:
        state = Expectation.UNKNOWN
    elif expected.state is not Expectation.QUIET and alert is not None and alert.state is State.RESOLVED:
        state = Expectation.RESOLVED
    if state is not expected.state:
        yield Field("state", expected.state, state)
    if expected.severity and (alert is None or alert.severity is not expected.severity):
        yield Field("severity", expected.severity, alert.severity if alert else None)
    reasons = [moved.reason.value for moved in found.round.transitions if moved.alert.identity == Identity(found.rule, key)]
    if expected.reason and expected.reason not in reasons:
        yield Field("reason", expected.reason, ", ".join(reasons) or None)
    if alert is not None:
        yield from _shown(expected.shows, alert.shown, zone)


def _shown(expected: Iterable[ShownValue], shown: Iterable[Shown], zone: ZoneInfo) -> Iterator[Field]:
    values = {item.label: item.value for item in shown}
    for item in expected:
        value = values.get(item.label)
        if not same(item, value):
            yield Field(f"shows {item.label.zh}", item.text, written(value, zone))


def same(expected: ShownValue, found: Value) -> bool:
    """Whether a value is the expected one; an inexact one, to the digits that were typed."""
    value = expected.value
    if value is None or found is None:
        return value is None and found is None
    if isinstance(found, float) and isinstance(value, int | Decimal):
        return abs(Decimal(repr(found)) - value) <= Decimal(5).scaleb(-expected.digits - 1)
    if isinstance(found, timedelta):
        return found // MICROSECOND == value
    if isinstance(found, datetime):
        return isinstance(value, datetime) and found == value.replace(tzinfo=UTC)
    return found == value


def written(value: Value, zone: ZoneInfo) -> str:
    """A value as a test file could have it, times in ``zone``."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.astimezone(zone).replace(tzinfo=None).isoformat(" ", "seconds")
        case timedelta():
            return _span(value)
        case _:
            return str(value)


def _span(value: timedelta) -> str:
    minutes, seconds = divmod(abs(value) // timedelta(seconds=1), 60)
    hours, minutes = divmod(minutes, 60)
    sign = "-" if value < timedelta(0) else ""
    return sign + ("".join(f"{n}{unit}" for n, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if n) or "0s")


def _unexpected(state: Expectation, alert: Alert | None) -> Iterator[Field]:
    yield Field("state", Expectation.QUIET, state)
    if alert is not None and state is not Expectation.UNKNOWN:
        yield Field("severity", None, alert.severity)


def _told(found: Found) -> list[Notification]:
    """The messages of the round that are about the rule's alerts, not about data that did not come."""
    own = {moved.alert.identity.fingerprint for moved in found.round.transitions if moved.alert.identity.rule == found.rule}
    return [told for told in found.round.notifications if own.intersection(told.alerts)]


def _mails(expected: Iterable[ExpectedMail], told: Iterable[Notification]) -> Iterator[Field]:
    """Every message that is expected and did not go out, and every one that went out and is not expected."""
    left = list(told)
    for mail in expected:
        for to in mail.to or (None,):
            found = next((one for one in left if mail.subject in one.subject and to in (None, one.recipient)), None)
            if found is None:
                yield Field("mail", f"{to or '*'}: {mail.subject or '*'}", None)
            else:
                left.remove(found)
    yield from (Field("mail", None, f"{one.recipient}: {one.subject}") for one in left)
