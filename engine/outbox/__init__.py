"""Delivery: takes notifications that are due from the outbox, sends them, and notes at once what became of each.

A notification is *leased* before it is sent, so that several processes may deliver side by side; a process that dies leaves one lease
behind for each channel, which ends by itself, and the same bytes (with the same Message-ID) are sent again. Channels are worked side by
side; messages of one thread to one recipient keep their order. A notification that cannot be sent is tried again with growing pauses;
one that its channel refuses for good, or that is too old, becomes a *dead letter*, which is kept and told about on another channel.
What is above the limit of a channel waits in the outbox, which is no failure.
"""

from engine.outbox.delivering import LEASE, Attempt, DeliveryReport, Notice, Retry, deliver
from engine.outbox.letters import Letter, Waiting, letters, retry_dead, waiting, withdraw
from engine.outbox.limits import Limits

__all__ = [
    "LEASE",
    "Attempt",
    "DeliveryReport",
    "Letter",
    "Limits",
    "Notice",
    "Retry",
    "Waiting",
    "deliver",
    "letters",
    "retry_dead",
    "waiting",
    "withdraw",
]
