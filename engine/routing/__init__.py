"""Who is told what, and why not: ``channels.yaml`` and the decisions made by it."""

from engine.routing.channel_types import Channel, ConsoleChannel, EmailChannel
from engine.routing.channels import Channels, Contact, Receiver, load_channels, read_channels
from engine.routing.deciding import (
    Plan,
    Recipient,
    Suppressed,
    Suppression,
    Thread,
    Told,
    due_repeats,
    labels_of,
    plan,
)
from engine.routing.detours import around_trouble, named_outright
from engine.routing.spelling import BUILT_IN_LABELS, Vocabulary, misspelt
from engine.routing.tree import Route, routes_for

__all__ = [
    "BUILT_IN_LABELS",
    "Channel",
    "Channels",
    "ConsoleChannel",
    "Contact",
    "EmailChannel",
    "Plan",
    "Receiver",
    "Recipient",
    "Route",
    "Suppressed",
    "Suppression",
    "Thread",
    "Told",
    "Vocabulary",
    "around_trouble",
    "due_repeats",
    "labels_of",
    "load_channels",
    "misspelt",
    "named_outright",
    "plan",
    "read_channels",
    "routes_for",
]
