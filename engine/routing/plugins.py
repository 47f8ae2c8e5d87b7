"""Channel types of other packages, by entry points of the group ``storewatch.channels``: name of the type -> a ``ChannelType``."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from engine.errors import Text
from engine.routing.channel_options import ChannelOptions
from engine.routing.channel_types import MODELS

GROUP = "storewatch.channels"
LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Broken:
    """A type that another package offers and that cannot be used, and why."""

    text: Text


@cache
def plugin(name: str) -> Any:
    """The :class:`engine.actions.ChannelType` that another package registered under that name, :class:`Broken`, or None."""
    found = [entry for entry in entry_points(group=GROUP) if entry.name == name]
    if not found or name in MODELS:
        return None
    try:
        loaded = found[0].load()
    except Exception as error:  # one package's fault must not stop the others
        LOG.exception("channel type %s of %s cannot be loaded", name, found[0].value)
        return _broken(name, found[0].value, f"{type(error).__name__}: {error}")
    options = getattr(loaded, "options", None)
    if not (isinstance(options, type) and issubclass(options, ChannelOptions)):
        return _broken(name, found[0].value, "its options are no ChannelOptions")
    if not all(callable(getattr(loaded, attribute, None)) for attribute in ("build", "payload")):
        return _broken(name, found[0].value, "it has no build or no payload")
    return loaded


def model_of(name: object) -> type[ChannelOptions] | Broken | None:
    """The options of a type, built in or of another package; None when there is no such type."""
    if not isinstance(name, str):
        return None
    found = MODELS.get(name) or plugin(name)
    return found if found is None or isinstance(found, Broken) or isinstance(found, type) else found.options


def type_names() -> list[str]:
    return [*MODELS, *sorted({entry.name for entry in entry_points(group=GROUP)} - MODELS.keys())]


def _broken(name: str, place: str, reason: str) -> Broken:
    return Broken(Text(f"channel type '{name}' ({place}) cannot be used: {reason}", f"渠道类型 '{name}'（{place}）无法使用：{reason}"))
