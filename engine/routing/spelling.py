"""Whether routes speak of labels and values that exist: a route with a slip in it takes no alert, and nobody would know."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from engine.errors import Problem, Text, did_you_mean
from engine.routing.channels import Channels, RouteModel
from engine.routing.matchers import Matcher
from engine.yamlfile import Document, Path_

BUILT_IN_LABELS = ("alert", "severity", "owner", "area", "store_id")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The labels that alerts can have, and of some of them all the values that they can have."""

    labels: Collection[str]
    values: Mapping[str, Collection[str]]


def misspelt(document: Document, channels: Channels, known: Vocabulary) -> Iterator[Problem]:
    """A problem at every label of a matcher or ``group_by`` that no alert has, and at every value of an ``=`` matcher that its label
    cannot have. ``document`` is what ``channels`` were read from."""
    yield from _in_route(document, ("route",), channels.route, known)


def _in_route(document: Document, path: Path_, route: RouteModel, known: Vocabulary) -> Iterator[Problem]:
    for index, matcher in enumerate(route.matchers):
        yield from _in_matcher(document, (*path, "matchers", index), matcher, known)
    for index, label in enumerate(route.group_by or ()):
        if label not in known.labels:
            yield _unknown_label(document, (*path, "group_by", index), label, 0, known)
    for index, child in enumerate(route.routes):
        yield from _in_route(document, (*path, "routes", index), child, known)


def _in_matcher(document: Document, path: Path_, matcher: Matcher, known: Vocabulary) -> Iterator[Problem]:
    written = document.values[path].text or ""
    if matcher.label not in known.labels:
        yield _unknown_label(document, path, matcher.label, written.index(matcher.label), known)
    values = known.values.get(matcher.label)
    if values is not None and matcher.operator == "=" and matcher.value and matcher.value not in values:
        en, zh = f"no alert has {matcher.label} '{matcher.value}'", f"没有任何告警的 {matcher.label} 是 '{matcher.value}'"
        hint = did_you_mean(matcher.value, values) or _listed(values)
        offset, width = written.rindex(matcher.value), len(matcher.value)
        yield document.problem(path, "unknown_label_value", Text(en, zh), hint, offset=offset, width=width)


def _unknown_label(document: Document, path: Path_, label: str, offset: int, known: Vocabulary) -> Problem:
    text = Text(f"no alert has the label '{label}'", f"没有任何告警带标签 '{label}'")
    hint = did_you_mean(label, known.labels) or _listed(known.labels)
    return document.problem(path, "unknown_label", text, hint, offset=offset, width=len(label))


def _listed(names: Collection[str]) -> Text:
    """The first few, which tell what sort of name is meant."""
    few, rest = sorted(names)[:8], len(names) > 8
    return Text(f"known: {', '.join(few)}{' ...' if rest else ''}", f"已有：{'、'.join(few)}{' 等' if rest else ''}")
