"""A message that a channel is in trouble must not depend on that channel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from engine.builtin import DELIVERY_FAILING
from engine.model import State
from engine.routing.channels import Channels
from engine.routing.decisions import Plan, Recipient


def around_trouble(plans: Iterable[Plan], channels: Channels) -> tuple[Plan, ...]:
    """The plans, those that tell of channels in trouble with recipients on other channels only: those of the plan, or where there are
    none everybody whom a receiver names outright. Where all channels are in trouble, nothing is better than the plan itself."""
    return tuple(_around(each, channels) for each in plans)


def _around(plan: Plan, channels: Channels) -> Plan:
    bad = {
        moved.alert.identity.key[0]
        for moved in plan.transitions
        if moved.alert.identity.rule == DELIVERY_FAILING.name and moved.after is State.FIRING
    }
    good = tuple(one for one in plan.recipients if one.channel not in bad)
    if not bad or good:
        return replace(plan, recipients=good or plan.recipients)
    return replace(plan, recipients=tuple(named_outright(channels, bad)) or plan.recipients)


def named_outright(channels: Channels, without: Iterable[str]) -> Iterator[Recipient]:
    """Everybody whom a receiver names by address, or whose channel has but one, on channels other than ``without``."""
    found: dict[tuple[str, str], Recipient] = {}
    avoided = set(without)
    for receiver in (one for several in channels.receivers.values() for one in several):
        one = channels.channels[receiver.channel].ONE_ADDRESS
        named = [one] if one else [to for to in receiver.to if "@" in to]
        for address in named if receiver.channel not in avoided else ():
            found.setdefault((receiver.channel, address), Recipient(receiver.channel, address, receiver.language or channels.language))
    yield from found.values()
