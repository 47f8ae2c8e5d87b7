"""Who is told what, and why not: ``channels.yaml`` and the decisions made by it."""

from engine.routing.channel_types import Channel, ConsoleChannel, EmailChannel
from engine.routing.channels import Channels, Receiver, load_channels, read_channels
from engine.routing.contacts import Contact
from engine.routing.deciding import decide, plan
from engine.routing.decisions import Decisions, Held, Hold, Plan, Recipient, Suppressed, Suppression, Thread, Told
from engine.routing.detours import around_trouble, named_outright
from engine.routing.escalations import Escalations, due_escalations
from engine.routing.groups import labels_of, rule_of
from engine.routing.repeats import Reminders, due_repeats, held_in
from engine.routing.silences import Silence, silenced_until
from engine.routing.spelling import BUILT_IN_LABELS, Vocabulary, misspelt
from engine.routing.tree import Route, routes_for

__all__ = [
    "BUILT_IN_LABELS",
    "Channel",
    "Channels",
    "ConsoleChannel",
    "Contact",
    "Decisions",
    "EmailChannel",
    "Escalations",
    "Held",
    "Hold",
    "Plan",
    "Receiver",
    "Recipient",
    "Reminders",
    "Route",
    "Silence",
    "Suppressed",
    "Suppression",
    "Thread",
    "Told",
    "Vocabulary",
    "around_trouble",
    "decide",
    "due_escalations",
    "due_repeats",
    "held_in",
    "labels_of",
    "load_channels",
    "misspelt",
    "named_outright",
    "plan",
    "read_channels",
    "routes_for",
    "rule_of",
    "silenced_until",
]
