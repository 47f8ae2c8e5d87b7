"""The routing tree: which routes take an alert with given labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from engine.routing.channels import Channels, RouteModel

GROUP_BY = ("alert", "store_id")
REPEAT_INTERVAL = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the tree with everything that it inherits. ``name`` is the matchers that lead to it, so that reordering the file
    or adding routes beside it does not change it."""

    name: str
    receiver: str
    group_by: tuple[str, ...]
    repeat_interval: timedelta


def routes_for(labels: Mapping[str, str], channels: Channels) -> tuple[Route, ...]:
    """The routes that take an alert, as in Alertmanager: the deepest match of each branch; later siblings are tried only where
    ``continue`` says so; a node takes what none of its children takes. Never empty: the top route takes everything."""
    return tuple(_matched(channels.route, _top(channels), labels))


def all_routes(channels: Channels) -> tuple[Route, ...]:
    """Every node of the tree, from the top."""
    return tuple(_below(channels.route, _top(channels)))


def _top(channels: Channels) -> Route:
    return _inherit(Route("{}", channels.route.receiver or "", GROUP_BY, REPEAT_INTERVAL), channels.route, "{}")


def _child(route: Route, child: RouteModel) -> Route:
    return _inherit(route, child, f"{route.name}/{{{','.join(map(str, child.matchers))}}}")


def _below(node: RouteModel, route: Route) -> Iterator[Route]:
    yield route
    for child in node.routes:
        yield from _below(child, _child(route, child))


def _matched(node: RouteModel, route: Route, labels: Mapping[str, str]) -> Iterator[Route]:
    taken = False
    for child in node.routes:
        if not all(matcher.matches(labels) for matcher in child.matchers):
            continue
        taken = True
        yield from _matched(child, _child(route, child), labels)
        if not child.continue_:
            break
    if not taken:
        yield route


def _inherit(above: Route, node: RouteModel, name: str) -> Route:
    return Route(
        name,
        node.receiver or above.receiver,
        above.group_by if node.group_by is None else tuple(node.group_by),
        node.repeat_interval or above.repeat_interval,
    )
