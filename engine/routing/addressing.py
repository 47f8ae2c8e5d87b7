"""Which addresses a receiver stands for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from engine.routing.channels import OWNER, TIME_ZONE, Channels, Receiver
from engine.routing.contacts import Contact, reached


def addresses(receiver: Receiver, owners: Iterable[str], channels: Channels, at: datetime) -> Iterator[tuple[str, str | None]]:
    """Each address at ``at``, with the language that its contact reads; ``owners`` are those of the alerts.

    A channel without addresses has one, and behind it whom the message mentions, as ``key=value`` of their contacts:
    ``group mobile=13800000000``.
    """
    channel = channels.channels[receiver.channel]
    if channel.ONE_ADDRESS:
        people = [contact for target in receiver.to for contact in _contacts(target, owners, channels, at)]
        mentions = [f"{key}={value}" for contact in people for key in channel.MENTIONS for value in getattr(contact, key)]
        yield " ".join([channel.ONE_ADDRESS, *dict.fromkeys(mentions)]), None
        return
    for target in receiver.to:
        if "@" in target:
            yield target, None
        else:
            people = list(_contacts(target, owners, channels, at))
            yield from ((address, contact.language) for contact in people for address in contact.email)


def _contacts(target: str, owners: Iterable[str], channels: Channels, at: datetime) -> Iterator[Contact]:
    for name in sorted(owners) if target == OWNER else [target]:
        yield from reached(name, channels.contacts, at, channels.time_zone or TIME_ZONE)
