"""Contacts: how to reach the owners that rules name, and whether what the file says of them makes sense."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from engine.errors import Problem, Text, did_you_mean
from engine.fields import Strict, about
from engine.routing.channel_types import MailAddress
from engine.routing.rotations import Rotation
from engine.yamlfile import BilingualError, Document, Path_

Language = Literal["zh", "en"]


class Contact(Strict):
    """How to reach an owner: addresses, or a rotation of other contacts."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["email"]}, {"required": ["rotation"]}]})

    email: Annotated[tuple[MailAddress, ...], about("addresses", "邮箱，可写几个")] = Field((), min_length=1)
    rotation: Annotated[Rotation | None, about("others take turns", "由别的联系人轮流值班")] = None
    language: Annotated[Language | None, about("language of messages", "消息的语言")] = None

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if not self.email and self.rotation is None:
            text = Text("a contact needs email or rotation", "联系人需要写 email 或 rotation")
            raise BilingualError("missing_key", text, Text("such as  email: [name@example.com]", "如  email: [name@example.com]"))
        return self


def reached(name: str, contacts: Mapping[str, Contact], at: datetime, time_zone: str) -> Iterator[tuple[str, str | None]]:
    """The addresses of a contact at ``at``, each with the language of whoever reads it. There are no circles: the file was checked."""
    contact = contacts.get(name)
    if contact is None:
        return
    yield from ((address, contact.language) for address in contact.email)
    if contact.rotation:
        yield from reached(contact.rotation.on_call(at, time_zone), contacts, at, time_zone)


def contact_problems(document: Document, contacts: Mapping[str, Contact]) -> Iterator[Problem]:
    """Members whom nobody knows, and rotations that lead back to themselves."""
    for name, contact in contacts.items():
        if contact.rotation is None:
            continue
        path = ("contacts", name, "rotation")
        if contact.rotation.every <= timedelta(0):
            text = Text("every must be longer than zero", "every 必须大于零")
            yield document.problem((*path, "every"), "bad_duration", text)
        for place, member in _named(contact.rotation):
            if member not in contacts:
                text = Text(f"there is no contact '{member}'", f"没有名为 '{member}' 的联系人")
                yield document.problem((*path, *place), "unknown_contact", text, did_you_mean(member, contacts))
            elif name in _beyond(member, contacts):
                text = Text(f"'{member}' leads back to '{name}'", f"'{member}' 又绕回了 '{name}'")
                yield document.problem((*path, *place), "contact_circle", text)
        for index, each in enumerate(contact.rotation.overrides):
            if each.to <= each.from_:
                text = Text("it would be over before it begins", "结束时间早于开始")
                yield document.problem((*path, "overrides", index, "to"), "bad_interval", text)


def _named(rotation: Rotation) -> Iterator[tuple[Path_, str]]:
    yield from ((("members", index), member) for index, member in enumerate(rotation.members))
    yield from ((("overrides", index, "contact"), each.contact) for index, each in enumerate(rotation.overrides))


def _beyond(name: str, contacts: Mapping[str, Contact]) -> set[str]:
    """Whoever may be reached through a contact, itself included."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        here = waiting.pop()
        rotation = contacts[here].rotation if here in contacts else None
        if here not in found and rotation:
            waiting += [member for _, member in _named(rotation)]
        found.add(here)
    return found
