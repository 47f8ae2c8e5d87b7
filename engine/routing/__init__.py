"""Who is told what, and why not: ``channels.yaml`` and the decisions made by it."""

from engine.routing.channels import Channel, Channels, ConsoleChannel, Contact, EmailChannel, Receiver, load_channels
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
from engine.routing.tree import Route, routes_for

__all__ = [
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
    "due_repeats",
    "labels_of",
    "load_channels",
    "plan",
    "routes_for",
]
