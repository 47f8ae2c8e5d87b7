"""The routing tree: which routes take an alert with given labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import Generic, TypeVar

from engine.routing.channels import TIME_ZONE, Channels, RouteModel
from engine.routing.digests import GROUP_BY as DIGEST_GROUP_BY
from engine.routing.digests import Digest

T = TypeVar("T")
GROUP_BY = ("alert", "store_id")
REPEAT_INTERVAL = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the tree with everything that it inherits. ``name`` is the matchers that lead to it, so that reordering the file
    or adding routes beside it does not change it. ``mute`` and ``active`` name time intervals; ``escalate`` are
    times after the first message, with the receiver that is told then."""

    name: str
    receiver: str
    group_by: tuple[str, ...]
    repeat_interval: timedelta
    group_wait: timedelta = timedelta(0)
    mute: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    digest: Digest | None = None
    escalate: tuple[tuple[timedelta, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Node:
    """A node with what is written there and, below it, its children."""

    route: Route
    written: RouteModel
    children: tuple[_Node, ...]
    steps: tuple[Route, ...]

    def matched(self, labels: Mapping[str, str]) -> Iterator[Route]:
        taken = False
        for child in self.children:
            if not all(matcher.matches(labels) for matcher in child.written.matchers):
                continue
            taken = True
            yield from child.matched(labels)
            if not child.written.continue_:
                break
        if not taken:
            yield self.route

    def all(self) -> Iterator[_Node]:
        yield self
        for child in self.children:
            yield from child.all()


@dataclass(frozen=True, slots=True)
class Same(Generic[T]):
    """A value known by being the very same: so what follows from it can be kept where comparing it would take longer than all else."""

    it: T

    def __hash__(self) -> int:
        return id(self.it)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.it is self.it


def routes_for(labels: Mapping[str, str], channels: Channels) -> tuple[Route, ...]:
    """The routes that take an alert, as in Alertmanager: the deepest match of each branch; later siblings are tried only where
    ``continue`` says so; a node takes what none of its children takes. Never empty: the top route takes everything."""
    return tuple(_tree(Same(channels)).matched(labels))


def all_routes(channels: Channels) -> tuple[Route, ...]:
    """Every node of the tree, from the top, each followed by its escalations."""
    return tuple(each for node in _tree(Same(channels)).all() for each in (node.route, *node.steps))


def nodes(channels: Channels) -> tuple[tuple[Route, RouteModel], ...]:
    """Every node of the tree, from the top, with what is written there."""
    return tuple((node.route, node.written) for node in _tree(Same(channels)).all())


def escalations_of(route: Route) -> tuple[tuple[timedelta, Route], ...]:
    """The steps of an escalation as routes of their own, each with its time after the first message."""
    if not route.escalate:
        return ()
    plain = replace(route, group_wait=timedelta(0), digest=None, escalate=())
    named = [(after, f"{route.name} +{int(after.total_seconds())}s", receiver) for after, receiver in route.escalate]
    return tuple((after, replace(plain, name=name, receiver=receiver)) for after, name, receiver in named)


@lru_cache(maxsize=8)
def _tree(same: Same[Channels]) -> _Node:
    channels = same.it
    top = _inherit(Route("{}", channels.route.receiver or "", GROUP_BY, REPEAT_INTERVAL), channels.route, "{}", channels)
    return _node(channels.route, top, channels)


def _node(written: RouteModel, route: Route, channels: Channels) -> _Node:
    names = (f"{route.name}/{{{','.join(map(str, child.matchers))}}}" for child in written.routes)
    children = [_node(child, _inherit(route, child, name, channels), channels) for child, name in zip(written.routes, names, strict=True)]
    return _Node(route, written, tuple(children), tuple(step for _, step in escalations_of(route)))


def _inherit(above: Route, node: RouteModel, name: str, channels: Channels) -> Route:
    group_by, digest = above.group_by, above.digest
    if node.digest is not None:
        digest = Digest(tuple(node.digest.at), node.digest.time_zone or channels.time_zone or TIME_ZONE) if node.digest.at else None
        group_by = DIGEST_GROUP_BY if digest else GROUP_BY if above.digest else group_by
    return Route(
        name,
        node.receiver or above.receiver,
        group_by if node.group_by is None else tuple(node.group_by),
        node.repeat_interval or above.repeat_interval,
        above.group_wait if node.group_wait is None else node.group_wait,
        above.mute if node.mute_time_intervals is None else node.mute_time_intervals,
        above.active if node.active_time_intervals is None else node.active_time_intervals,
        digest,
        above.escalate if node.escalate is None else tuple((step.after, step.receiver) for step in node.escalate),
    )
