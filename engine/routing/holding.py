"""Whether a route may be told now, and if not, until when. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from engine.intervals import TimeInterval
from engine.routing.channels import Channels
from engine.routing.decisions import Hold
from engine.routing.silences import Silence, silenced_until
from engine.routing.tree import Route

MOST_DIGESTS = 100
MOST_CHANGES = 10_000
"""Ends and beginnings of intervals that are looked at before a mute counts as one without an end."""


class Wait(NamedTuple):
    """Why and until when; None when nobody can say."""

    hold: Hold
    until: datetime | None


def wait_of(route: Route, channels: Channels, since: datetime, at: datetime, *, is_new: bool) -> Wait | None:
    """Why a group of this route is not told at ``at`` what it has been waiting for since ``since``; None when it is told.

    ``is_new``: nothing was ever told in the group.
    """
    if is_muted(route, channels, at):
        return Wait(Hold.MUTED, unmuted_from(route, channels, at))
    if route.digest is not None:
        leaves = route.digest.next(since)
        return Wait(Hold.DIGEST, unmuted_from(route, channels, leaves)) if leaves > at else None
    if is_new and since + route.group_wait > at:
        until = since + route.group_wait
        return Wait(Hold.GROUP_WAIT, unmuted_from(route, channels, until))
    return None


def is_muted(route: Route, channels: Channels, at: datetime) -> bool:
    """Whether ``at`` is inside a mute interval of the route, or outside all its active ones."""
    mute, active = _intervals(route, channels)
    return _muted(mute, active, at)


def unmuted_from(route: Route, channels: Channels, at: datetime) -> datetime | None:
    """``at``, or the first instant after it at which the route is not muted. None when there is none (within nine years)."""
    mute, active = _intervals(route, channels)
    instant: datetime | None = at
    for _ in range(MOST_CHANGES):
        if instant is None or not _muted(mute, active, instant):
            return instant
        changes = [interval.next_change(instant) for interval in (*mute, *active)]
        instant = min((change for change in changes if change), default=None)
    return None


def free_from(route: Route, channels: Channels, labels: Mapping[str, str], silences: Collection[Silence], at: datetime) -> datetime | None:
    """The first instant from ``at`` on at which the route may tell of an alert with these labels: no silence covers it, the route is not
    muted, and where the route collects, a digest leaves. None when there is none."""
    for _ in range(len(silences) + MOST_DIGESTS):
        leaves = route.digest.next(at) if route.digest else at
        free = unmuted_from(route, channels, leaves)
        if free is None or (at := silenced_until(labels, silences, free)) == free:
            return free
    return None


def _intervals(route: Route, channels: Channels) -> tuple[list[TimeInterval], list[TimeInterval]]:
    return [channels.interval(name) for name in route.mute], [channels.interval(name) for name in route.active]


def _muted(mute: list[TimeInterval], active: list[TimeInterval], at: datetime) -> bool:
    outside = bool(active) and not any(interval.contains(at) for interval in active)
    return outside or any(interval.contains(at) for interval in mute)
