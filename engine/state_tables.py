"""The tables of the state database, and how Python values are kept in them without losing their type."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
)
from sqlalchemy import Text as TextColumn
from sqlalchemy.types import TypeDecorator

from engine.errors import Text
from engine.model import Shown, Type, Value

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""What PostgreSQL or UTF-8 refuses in a text: NUL and half surrogate pairs."""


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept in UTC (as text in SQLite, as ``timestamptz`` in PostgreSQL)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"an instant needs a time zone: {value}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """A text from outside; what no database would take (NUL, half surrogates) is shown as U+FFFD."""

    impl = TextColumn
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else UNSTORABLE.sub("\ufffd", value)


class Json(TypeDecorator[Any]):
    """Lists and texts as JSON in ASCII, which every database can keep."""

    impl = TextColumn
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str:
        return json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return json.loads(value or "null")


METADATA = MetaData()

EVALUATIONS = Table(
    "evaluations",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("schedule", Words, nullable=False),
    Column("instant", Instant, nullable=False),
    Column("rules", Json, nullable=False),
    Column("started", Instant, nullable=False),
    Column("finished", Instant, nullable=False),
    Column("judged", Integer, nullable=False),
    Column("transitions", Integer, nullable=False),
    Column("notifications", Integer, nullable=False),
    Column("version", Words, nullable=False, server_default=""),
    Column("observed", Json, nullable=False, server_default="null"),
    UniqueConstraint("schedule", "instant", name="evaluations_claim"),
)

ALERTS = Table(
    "alerts",
    METADATA,
    Column("fingerprint", Words, primary_key=True),
    Column("rule", Words, nullable=False, index=True),
    Column("key", Json, nullable=False),
    Column("store_id", Words, nullable=False),
    Column("state", Words, nullable=False, index=True),
    Column("severity", Words, nullable=False),
    Column("pending_since", Instant, nullable=False),
    Column("last_true", Instant, nullable=False),
    Column("firing_since", Instant),
    Column("resolved_at", Instant),
    Column("notified_at", Instant),
    Column("episode", Integer, nullable=False),
    Column("shown", Json, nullable=False),
    Column("evidence", Json, nullable=False),
    Column("acknowledged_by", Words, nullable=False),
    Column("not_true_since", Instant),
    Column("owner", Words, nullable=False),
    Column("members", Json, nullable=False, server_default="[]"),
    Column("explained_by", Json, nullable=False, server_default="null"),
    Column("closed_by", Words, nullable=False, server_default=""),
)

TRANSITIONS = Table(
    "transitions",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("evaluation", ForeignKey("evaluations.number", ondelete="CASCADE"), nullable=False),
    Column("fingerprint", Words, nullable=False, index=True),
    Column("rule", Words, nullable=False),
    Column("key", Json, nullable=False),
    Column("episode", Integer, nullable=False),
    Column("before", Words),
    Column("after", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("severity", Words, nullable=False),
    Column("at", Instant, nullable=False),
    Column("shown", Json, nullable=False),
)

NOTIFICATIONS = Table(
    "notifications",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("id", Words, nullable=False),
    Column("channel", Words, nullable=False),
    Column("recipient", Words, nullable=False),
    Column("thread", Words, nullable=False, index=True),
    Column("subject", Words, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("state", Words, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("first_attempt_at", Instant),
    Column("next_attempt_at", Instant),
    Column("lease_until", Instant),
    Column("category", Words, nullable=False, default=""),
    Column("detail", Words, nullable=False, default=""),
    Column("delivered_at", Instant),
    UniqueConstraint("id", "channel", "recipient", name="notifications_once"),
    Index("notifications_due", "state", "channel", "next_attempt_at"),
)

NOTIFICATION_ALERTS = Table(
    "notification_alerts",
    METADATA,
    Column("notification", ForeignKey("notifications.number", ondelete="CASCADE"), primary_key=True),
    Column("fingerprint", Words, primary_key=True),
    Column("episode", Integer, nullable=False),
    Index("notification_alerts_of", "fingerprint", "episode"),
)

SUPPRESSED = Table(
    "suppressed",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("evaluation", ForeignKey("evaluations.number", ondelete="CASCADE"), nullable=False),
    Column("fingerprint", Words, nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("reason", Words, nullable=False),
    Column("route", Words, nullable=False, server_default=""),
)

HELD = Table(
    "held",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("fingerprint", Words, nullable=False),
    Column("rule", Words, nullable=False),
    Column("key", Json, nullable=False),
    Column("episode", Integer, nullable=False),
    Column("group_key", Words, nullable=False),
    Column("route", Words, nullable=False),
    Column("before", Words),
    Column("after", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("at", Instant, nullable=False),
    Column("hold", Words, nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant),
    Column("owed", Boolean, nullable=False),
    UniqueConstraint("fingerprint", "group_key", name="held_once"),
)

SILENCES = Table(
    "silences",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("matchers", Json, nullable=False),
    Column("author", Words, nullable=False),
    Column("comment", Words, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
)

ACTS = Table(
    "acts",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("fingerprint", Words, nullable=False, index=True),
    Column("episode", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("act", Words, nullable=False),
    Column("author", Words, nullable=False),
    Column("comment", Words, nullable=False),
)

LABELS = Table(
    "labels",
    METADATA,
    Column("fingerprint", Words, primary_key=True),
    Column("episode", Integer, primary_key=True, autoincrement=False),
    Column("rule", Words, nullable=False),
    Column("key", Json, nullable=False),
    Column("useful", Boolean, nullable=False),
    Column("author", Words, nullable=False),
    Column("comment", Words, nullable=False),
    Column("at", Instant, nullable=False),
)

RULE_HEALTH = Table(
    "rule_health",
    METADATA,
    Column("rule", Words, primary_key=True),
    Column("last_ok", Instant),
    Column("failures", Integer, nullable=False),
    Column("last_error", Json, nullable=False),
    Column("unknown", Integer, nullable=False),
)

DAEMONS = Table(
    "daemons",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("host", Words, nullable=False),
    Column("process", Integer, nullable=False),
    Column("started", Instant, nullable=False),
    Column("seen", Instant, nullable=False),
    Column("observed", Json, nullable=False),
)

VERSIONS = Table(
    "versions",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("first_seen", Instant, nullable=False),
    Column("files", LargeBinary, nullable=False),
)

SEEN_BATCHES = Table(
    "seen_batches",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("evaluation", Integer, nullable=False),
)

_WRITERS: dict[type, tuple[str, Callable[[Any], object]]] = {
    datetime: ("datetime", datetime.isoformat),
    date: ("date", date.isoformat),
    timedelta: ("microseconds", lambda value: value // timedelta(microseconds=1)),
    Decimal: ("decimal", str),
    float: ("float", repr),
}
_READERS: dict[str, Callable[[Any], Value]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "microseconds": lambda value: timedelta(microseconds=value),
    "decimal": Decimal,
    "float": float,
}


def value_to_json(value: Value) -> object:
    """Text, whole numbers, booleans and None as they are; all else as ``{type: text}``, so that 4.70 comes back as Decimal 4.70."""
    if type(value) not in _WRITERS:
        return value
    name, write = _WRITERS[type(value)]
    return {name: write(value)}


def value_from_json(data: Any) -> Value:
    if isinstance(data, dict):
        ((name, written),) = data.items()
        return _READERS[name](written)
    return data  # type: ignore[no-any-return]


def shown_to_json(shown: Sequence[Shown]) -> list[object]:
    return [[item.label.en, item.label.zh, value_to_json(item.value), item.type.value, item.unit] for item in shown]


def shown_from_json(data: Any) -> tuple[Shown, ...]:
    return tuple(Shown(Text(en, zh), value_from_json(value), Type(type_), unit) for en, zh, value, type_, unit in data)
