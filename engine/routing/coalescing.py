"""What becomes of several changes of one alert that one group was not told yet: at most one of them is. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from engine.model import State, Transition
from engine.routing.decisions import Suppression


@dataclass(frozen=True, slots=True)
class Change:
    """A transition and the instant from which its group has been waiting to be told. ``owed``: the group was told that an earlier
    episode of the alert fires, and not yet that it ended."""

    transition: Transition
    since: datetime
    owed: bool = False


def coalesced(changes: Iterable[Change], *, heard: bool) -> tuple[Change | None, tuple[Suppression, ...]]:
    """The one change to tell of (None: nothing), and why the others are not told, one reason each.

    ``changes`` are those of one alert, oldest first; ``heard`` says whether the group was told that the present episode fires.
    """
    waiting: Change | None = None
    dropped: list[Suppression] = []
    for change in changes:
        if waiting is None:
            waiting = change
            continue
        waiting, reasons = _joined(waiting, change, heard=heard)
        dropped += reasons
    return waiting, tuple(dropped)


def _joined(waiting: Change, change: Change, *, heard: bool) -> tuple[Change | None, tuple[Suppression, ...]]:
    ends = change.transition.after is State.RESOLVED
    if waiting.transition.after is State.RESOLVED:
        return Change(change.transition, waiting.since, owed=True), (Suppression.RELAPSED,)
    if ends and (heard or waiting.owed):
        return Change(change.transition, waiting.since), (Suppression.OVERTAKEN,)
    if ends:
        return None, (Suppression.OVER_BEFORE_TOLD, Suppression.OVER_BEFORE_TOLD)
    return replace(waiting, transition=replace(waiting.transition, alert=change.transition.alert)), (Suppression.JOINED,)
