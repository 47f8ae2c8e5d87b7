"""The values that routing decides about and answers with. All frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from engine.model import Identity, Reason, State, Transition
from engine.routing.tree import Route


class Suppression(StrEnum):
    """Why a transition is not told."""

    STILL_PENDING = "still_pending"  # true, but not yet for the rule's `for`
    NEVER_FIRED = "never_fired"  # no longer true before the rule's `for` was over
    KEPT_FIRING = "kept_firing"  # not true, but `keep_firing_for` holds it: nothing to tell yet
    SEVERITY_FELL = "severity_fell"  # less severe: the next reminder will say so
    EXPLAINED = "explained"  # told in the message of the incident that it is part of
    NO_RECIPIENT = "no_recipient"  # the receiver reaches nobody: it asks for an owner that has no contact
    OVER_BEFORE_TOLD = "over_before_told"  # it began and ended while its route was not told
    JOINED = "joined"  # told together with an earlier change that still waited
    OVERTAKEN = "overtaken"  # it still waited when the alert ended: the end is told
    RELAPSED = "relapsed"  # the end still waited when the alert fired again: that is told
    REROUTED = "rerouted"  # it still waited when the alert's labels, or channels.yaml, changed: other routes tell of it


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A transition that was not told, and why. ``route`` is the one that did not tell it, '' where it concerns all of them."""

    identity: Identity
    reason: Suppression
    route: str = ""


class Hold(StrEnum):
    """Why a transition is not told yet."""

    GROUP_WAIT = "group_wait"  # a new group waits for what may join it
    SILENCED = "silenced"  # somebody asked for silence
    DIGEST = "digest"  # collected until the next digest leaves
    MUTED = "muted"  # inside a mute interval of the route, or outside all its active ones


@dataclass(frozen=True, slots=True)
class Held:
    """A transition that one route is not told yet, with all that was joined to it.

    ``group`` is the key of the group that it will be told in. ``at`` is the instant of the transition, ``since`` that from which it was
    held. ``until`` is when it will be told if nothing changes, None when nobody can say (a mute interval without an end). ``owed``: the
    group was told that an earlier episode fires, and not yet that it ended.
    """

    identity: Identity
    episode: int
    group: str
    route: str
    before: State | None
    after: State
    reason: Reason
    at: datetime
    hold: Hold
    since: datetime
    until: datetime | None
    owed: bool = False
    number: int = field(default=0, compare=False)  # its row in the state database


@dataclass(frozen=True, slots=True)
class Thread:
    """What was said of an alert in one thread. ``told_at`` is the instant of the last message that was delivered, None before the first;
    ``queued`` tells that one is on its way; ``begun`` is the instant of the first message, sent or not."""

    id: str
    told_at: datetime | None = None
    queued: bool = False
    begun: datetime | None = None


Told = Mapping[str, Sequence[Thread]]
"""Fingerprint -> the threads of the alert's present episode, oldest first."""


@dataclass(frozen=True, slots=True, order=True)
class Recipient:
    """One address on one channel (a console's is ``console``), and the language it reads."""

    channel: str
    address: str
    language: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One message to be rendered: what to tell, to whom.

    ``labels`` are the group's common labels. ``thread`` is the same for all messages about one group for as long as any of
    its alerts fires: it is named for the group (route, receiver, labels) and for the alert that founded it, the one that had fired
    longest when the group was first told of; alerts that join later, or outlive the founder, stay in its thread. ``first`` tells that the
    thread is new. ``id`` is the same whenever the same transitions are told at the same instant in the same thread.
    """

    id: str
    thread: str
    route: Route
    labels: Mapping[str, str]
    recipients: tuple[Recipient, ...]
    transitions: tuple[Transition, ...]
    at: datetime
    first: bool


@dataclass(frozen=True, slots=True)
class Decisions:
    """What becomes of transitions at an instant: messages, what is never told and why, and all that waits from now on."""

    plans: tuple[Plan, ...]
    suppressed: tuple[Suppressed, ...]
    held: tuple[Held, ...]
