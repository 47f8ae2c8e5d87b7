"""Contacts: how to reach the owners that rules name, and whether what the file says of them makes sense."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, model_validator

from engine.errors import Problem, Text, did_you_mean
from engine.fields import Strict, about
from engine.routing.channel_types import MailAddress
from engine.routing.rotations import Rotation
from engine.yamlfile import BilingualError, Document, Path_, shown

Language = Literal["zh", "en"]
CHATS = ("mobile", "dingtalk", "wecom", "feishu")  # keys by which chat groups mention somebody


def check_mobile(number: str) -> str:
    """``13800000000``, ``+852-51234567``: without the dashes."""
    digits = number.replace("-", "").replace(" ", "")
    if not re.fullmatch(r"\+?\d{6,20}", digits):
        text = Text(f"{shown(number)} is not a mobile number", f"{shown(number)} 不是手机号")
        raise BilingualError("bad_address", text, Text("write it in quotes, like '13800000000'", "请加引号，如 '13800000000'"))
    return digits


def check_user(user: str) -> str:
    """A member's id. Nobody is called ``all``: everybody is never mentioned."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", user) and user.lower() not in ("all", "everyone"):
        return user
    text = Text(f"{shown(user)} is not the id of a member", f"{shown(user)} 不是成员的 ID")
    raise BilingualError("bad_address", text, Text("letters and digits, as the administration shows it", "由字母和数字组成，见管理后台"))


Mobile = Annotated[str, AfterValidator(check_mobile)]
User = Annotated[str, AfterValidator(check_user)]


_WAYS: list[JsonValue] = [{"required": [key]} for key in ("email", "rotation", *CHATS)]


class Contact(Strict):
    """How to reach an owner: addresses, or a rotation of other contacts."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [*_WAYS]})

    email: Annotated[tuple[MailAddress, ...], about("addresses", "邮箱，可写几个")] = Field((), min_length=1)
    mobile: Annotated[
        tuple[Mobile, ...], about("mobile numbers, mentioned in DingTalk groups", "手机号，钉钉群里 @ 用", examples=[["13800000000"]])
    ] = Field((), min_length=1)
    dingtalk: Annotated[tuple[User, ...], about("DingTalk user ids, to be mentioned", "钉钉 userid，群里 @ 用")] = Field((), min_length=1)
    wecom: Annotated[tuple[User, ...], about("WeCom user ids, to be mentioned", "企业微信 userid，群里 @ 用")] = Field((), min_length=1)
    feishu: Annotated[tuple[User, ...], about("Feishu open ids, to be mentioned", "飞书 open_id，群里 @ 用")] = Field((), min_length=1)
    rotation: Annotated[Rotation | None, about("others take turns", "由别的联系人轮流值班")] = None
    language: Annotated[Language | None, about("language of messages", "消息的语言")] = None

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.rotation is None and not any(getattr(self, key) for key in ("email", *CHATS)):
            text = Text("a contact needs email or rotation", "联系人需要写 email 或 rotation")
            raise BilingualError("missing_key", text, Text("such as  email: [name@example.com]", "如  email: [name@example.com]"))
        return self


def reached(name: str, contacts: Mapping[str, Contact], at: datetime, time_zone: str) -> Iterator[Contact]:
    """A contact and whoever stands in for it at ``at``. There are no circles: the file was checked."""
    contact = contacts.get(name)
    if contact is None:
        return
    yield contact
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
