"""What a channel may send in a while, counted over the outbox itself: processes that share it keep the limit together, and a restart
forgets nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, case, or_, select, text

from engine.sending import Limit
from engine.state_tables import NOTIFICATIONS

Limits = Mapping[str, Sequence[Limit]]
"""Channel -> all that must hold for it."""

LOCK = 730_501  # an arbitrary number; the second one is made of the channel's name


def locked(connection: Connection, channel: str) -> None:
    """Keep other processes from counting on this channel until the transaction ends (SQLite has but one writer)."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock, hashtext(:channel))"), {"lock": LOCK, "channel": channel})


def free_at(connection: Connection, channel: str, limits: Sequence[Limit], at: datetime) -> datetime:
    """The instant from which the channel may send one more message; ``at``, or before it, when it may now.

    A message counts from its lease until the window after its delivery is over.
    """
    return max((_free_at(connection, channel, limit, at) for limit in limits), default=at)


def _free_at(connection: Connection, channel: str, limit: Limit, at: datetime) -> datetime:
    n = NOTIFICATIONS.c
    underway = and_(n.state == "sending", n.lease_until > at)
    recent = and_(n.state == "delivered", n.delivered_at > at - limit.window)
    counted = select(case((n.state == "delivered", n.delivered_at))).where(n.channel == channel, or_(underway, recent))
    newest = list(connection.scalars(counted.order_by(n.delivered_at.desc().nulls_first()).limit(limit.most)))
    return at if len(newest) < limit.most else (newest[-1] or at) + limit.window
