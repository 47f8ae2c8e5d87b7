"""The typed model of ``channels.yaml``: channels, contacts, receivers and the tree of routes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from engine.errors import Problem, ProblemsFound, Text, did_you_mean
from engine.fields import Duration, Strict, about, named, written
from engine.routing.matchers import MATCHER, Matcher, parse_matcher
from engine.yamlfile import BilingualError, Document, Path_, load, shown

OWNER = "owner"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


def check_address(address: str) -> str:
    """The address in ASCII: ``a@例子.公司`` as ``a@xn--fsqu00a.xn--55qx5d``. A local part outside ASCII is refused; few servers take it."""
    local, _, domain = address.rpartition("@")
    try:
        ascii_ = f"{local}@{domain.encode('idna').decode('ascii')}"
        sound = bool(_ADDRESS.fullmatch(ascii_)) and Address(addr_spec=ascii_).addr_spec == ascii_
    except (ValueError, MessageError):
        sound = False
    if not sound:
        said = shown(address)
        text = Text(f"{said} is not an email address", f"{said} 不是邮箱地址")
        raise BilingualError("bad_address", text, Text("write it like name@example.com", "写法如 name@example.com"))
    return ascii_


def check_sender(sender: str) -> str:
    """``name@example.com`` or ``Shop watch <name@example.com>``."""
    name, address = parseaddr(sender)
    if not name or "\n" in sender:
        return check_address(sender)
    return f"{name} <{check_address(address)}>"


def check_target(address: str) -> str:
    if address == OWNER:
        return address
    try:
        return check_address(address)
    except BilingualError as error:
        hint = None if "@" in address else did_you_mean(address, [OWNER])
        raise BilingualError(error.code, error.text, hint or error.hint) from None


MailAddress = Annotated[str, AfterValidator(check_address)]
Sender = Annotated[str, AfterValidator(check_sender)]
Target = Annotated[str, AfterValidator(check_target)]
Language = Literal["zh", "en"]
_MATCHER_WANTED = Text('severity="critical" or area=~"A|B"', 'severity="critical" 或 area=~"客服|售后"')
_Matching = Annotated[
    Matcher,
    BeforeValidator(parse_matcher, json_schema_input_type=Annotated[str, written(MATCHER, _MATCHER_WANTED)]),
    named("matchers"),
]


class EmailChannel(Strict):
    """A mail server. The password is named, never written: an environment variable or a file (relative to the project)."""

    type: Annotated[Literal["email"], about("mail", "邮件")]
    host: Annotated[str, about("name of the mail server", "邮件服务器", examples=["smtp.example.com"])] = Field(min_length=1)
    port: Annotated[int, about("587 with starttls, 465 with tls", "端口：starttls 用 587，tls 用 465", examples=[587, 465])] = Field(
        587, ge=1, le=65535
    )
    security: Annotated[Literal["starttls", "tls", "none"], about("encryption", "加密方式")] = "starttls"
    ca_file: Annotated[str, about("file with the certificates to trust", "自有证书文件")] = ""
    username: Annotated[str, about("login of the mail server", "登录名")] = ""
    password_env: Annotated[str, about("environment variable that holds the password", "存放密码的环境变量名，不要写密码")] = ""
    password_file: Annotated[str, about("file that holds the password", "存放密码的文件，不要写密码")] = ""
    from_: Annotated[Sender, about("sender, as name@example.com", "发件人", examples=["巡店 <storewatch@example.com>"])] = Field(
        alias="from"
    )
    timeout: Annotated[Duration, about("how long to wait for the server", "等服务器多久", examples=["20s"])] = timedelta(seconds=20)

    @property
    def sender_address(self) -> str:
        """The bare address of ``from``, as the envelope names it."""
        return parseaddr(self.from_)[1] or self.from_


class ConsoleChannel(Strict):
    """Writes messages as text to standard output."""

    type: Annotated[Literal["console"], about("standard output", "标准输出，试用时方便")]


Channel = EmailChannel | ConsoleChannel
MODELS: Mapping[str, type[EmailChannel] | type[ConsoleChannel]] = {"email": EmailChannel, "console": ConsoleChannel}


class Contact(Strict):
    """How to reach an owner."""

    email: Annotated[tuple[MailAddress, ...], about("addresses", "邮箱，可写几个")] = Field(min_length=1)
    language: Annotated[Language | None, about("language of messages", "消息的语言")] = None


class Receiver(Strict):
    """One channel of a receiver; ``to`` lists addresses, or ``owner`` for the contact of the alert's owner."""

    channel: Annotated[str, about("a name under channels", "channels 下的名字", names="channels")]
    to: Annotated[tuple[Annotated[Target, named("", OWNER)], ...], about("addresses, or owner", "邮箱；owner 代表该告警的负责人")] = ()
    language: Annotated[Language | None, about("language of messages", "消息的语言")] = None


class RouteModel(Strict):
    """A node of the routing tree as written. What it does not say, it takes from the node above."""

    receiver: Annotated[str | None, about("who is told: a name under receivers", "发给谁：receivers 下的名字", names="receivers")] = None
    matchers: Annotated[tuple[_Matching, ...], about("conditions on labels; all must hold", "标签条件，全部满足才走这里")] = ()
    group_by: Annotated[
        tuple[Annotated[str, named("labels")], ...] | None, about("labels whose values share one message", "这些标签相同的合成一封")
    ] = None
    repeat_interval: Annotated[
        Duration | None, about("remind after so long while it goes on", "持续时多久提醒一次", examples=["12h", "24h", "7d"])
    ] = None
    continue_: Annotated[bool, about("try the routes that follow as well", "匹配后继续看后面的路由")] = Field(False, alias="continue")
    routes: Annotated[tuple[RouteModel, ...], about("routes that are tried first, in order", "先从上到下试这些路由")] = ()


class _People(Strict):
    language: Annotated[Language, about("language of messages", "消息的语言")] = "zh"
    contacts: Annotated[Mapping[str, Contact], about("owner in rules → how to reach them", "规则里的负责人 → 联系方式")] = Field(
        default_factory=dict
    )
    receivers: Annotated[Mapping[str, tuple[Receiver, ...]], about("name → channels and addresses", "名称 → 渠道和地址")]
    route: Annotated[RouteModel, about("which alerts go to whom", "什么告警发给谁")] = Field(json_schema_extra={"required": ["receiver"]})


class Channels(_People):
    """The whole file."""

    channels: Annotated[
        Mapping[str, Annotated[Channel, Field(discriminator="type")]], about("name → how messages leave", "名称 → 消息怎么发出")
    ] = Field(min_length=1)


def load_channels(path: Path) -> Channels:
    """Read and check ``channels.yaml``. Raises :class:`ProblemsFound` with every mistake at its place."""
    return read_channels(load(path, path.name))


def read_channels(document: Document) -> Channels:
    """As :func:`load_channels`, of a file that has been read."""
    if not isinstance(document.data, dict):
        text = Text("must hold the keys channels, receivers and route", "应包含 channels、receivers、route 三个键")
        raise ProblemsFound([document.problem((), "not_a_mapping", text)])
    problems = list(_channel_problems(document))
    people = _people(document, problems)
    if people:
        problems += _reference_problems(document, people)
    if problems or people is None:
        raise ProblemsFound(problems)
    return document.validate(Channels)


def _people(document: Document, problems: list[Problem]) -> _People | None:
    """Everything but the channels. Those are checked one by one, each by the model of its own type, for better hints."""
    assert isinstance(document.data, dict)  # noqa: S101 - read_channels has looked
    try:
        return _People.model_validate({key: value for key, value in document.data.items() if key != "channels"})
    except ValidationError as error:
        problems += document.problems_of(error, _People)
        return _sound_people(document.data, error)


def _sound_people(data: Mapping[str, object], error: ValidationError) -> _People | None:
    """The sections that are right, so that what they refer to is checked too; of receivers that are wrong, the names."""
    wrong = {str(item["loc"][0]) for item in error.errors(include_url=False) if item["loc"]}
    receivers = data.get("receivers")
    if not isinstance(receivers, dict) or not receivers:
        return None
    route = data.get("route")
    named = route.get("receiver") if isinstance(route, dict) else None
    filled = {"receivers": dict.fromkeys(receivers, ()), "route": {"receiver": named if isinstance(named, str) else next(iter(receivers))}}
    sound = {key: value for key, value in data.items() if key not in wrong and key != "channels"}
    return _People.model_validate(filled | sound)


def _channel_problems(document: Document) -> Iterator[Problem]:
    data = document.data.get("channels") if isinstance(document.data, dict) else None
    if not isinstance(data, dict) or not data:
        text = Text("'channels' must name at least one channel", "'channels' 下至少要写一个渠道")
        yield document.problem(("channels",), "no_channels", text, Text.same("mail: {type: email, host: ..., from: ...}"))
        return
    for name, channel in data.items():
        yield from _one_channel(document, ("channels", name), channel)


def _one_channel(document: Document, path: Path_, data: object) -> Iterator[Problem]:
    kind = data.get("type") if isinstance(data, dict) else None
    model = MODELS.get(kind) if isinstance(kind, str) else None
    if model is None:
        known, said = "、".join(MODELS), shown(kind)
        text = Text(f"channel type {said.en} is not known", f"不认识的渠道类型 {said.zh}")
        if kind is None:
            text = Text(f"channel '{path[-1]}' has no type", f"渠道 '{path[-1]}' 没有写 type")
        hint = did_you_mean(str(kind), MODELS) or Text(f"write type: {' or '.join(MODELS)}", f"type 可以写：{known}")
        yield document.problem((*path, "type"), "unknown_channel_type", text, hint)
        return
    try:
        channel = model.model_validate(data)
    except ValidationError as error:
        yield from document.problems_of(error, model, path)
        return
    if isinstance(channel, EmailChannel):
        yield from _login_problems(document, path, channel)


def _login_problems(document: Document, path: Path_, channel: EmailChannel) -> Iterator[Problem]:
    named = [name for name in ("password_env", "password_file") if getattr(channel, name)]
    if len(named) == 2:
        text = Text("give password_env or password_file, not both", "password_env 与 password_file 只能写一个")
        yield document.problem((*path, "password_file"), "two_passwords", text)
    if channel.username and not named:
        hint = Text(
            "add password_env: NAME_OF_A_VARIABLE (the password itself must not stand in the file)",
            "请加上 password_env: 环境变量名（不要把密码写进文件）",
        )
        text = Text("username needs password_env or password_file", "写了 username，还需要 password_env 或 password_file")
        yield document.problem((*path, "username"), "no_password", text, hint)
    if named and not channel.username:
        text = Text(f"{named[0]} is of no use without username", f"写了 {named[0]}，还需要 username")
        yield document.problem((*path, named[0]), "no_username", text)
    if channel.username and channel.security == "none" and channel.host not in LOOPBACK:
        text = Text("the password would travel unencrypted", "密码会以明文传输")
        hint = Text("use security: starttls or security: tls", "请用 security: starttls 或 security: tls")
        yield document.problem((*path, "security"), "password_in_clear", text, hint)


def _reference_problems(document: Document, people: _People) -> Iterator[Problem]:
    data = document.data if isinstance(document.data, dict) else {}
    channels = data.get("channels")
    types = {name: value.get("type") for name, value in channels.items() if isinstance(value, dict)} if isinstance(channels, dict) else {}
    for name, receivers in people.receivers.items():
        for index, receiver in enumerate(receivers):
            yield from _receiver_problems(document, ("receivers", name, index), receiver, types)
    yield from _top_problems(document, people.route)
    yield from _route_problems(document, ("route",), people.route, people)


def _top_problems(document: Document, top: RouteModel) -> Iterator[Problem]:
    if top.receiver is None:
        text = Text("the top route needs a receiver", "最上层的 route 必须写 receiver")
        yield document.problem(("route",), "no_receiver", text, Text("it gets what no other route takes", "它接收其他路由都不要的消息"))
    for key, given in (("matchers", bool(top.matchers)), ("continue", top.continue_)):
        if given:
            text = Text(f"the top route takes every alert: it has no {key}", f"最上层的 route 接收所有告警，不能写 {key}")
            yield document.problem(("route", key), "condition_on_top", text, Text("put it under routes:", "请写到 routes: 下面"))


def _receiver_problems(document: Document, path: Path_, receiver: Receiver, types: Mapping[str, object]) -> Iterator[Problem]:
    name = receiver.channel
    if name not in types:
        text = Text(f"there is no channel '{name}'", f"没有名为 '{name}' 的渠道")
        yield document.problem((*path, "channel"), "unknown_channel", text, did_you_mean(name, types))
    elif types[name] == "email" and not receiver.to:
        hint = Text("add  to: [owner]  or addresses", "请加上  to: [owner]  或邮箱地址")
        yield document.problem(path, "no_recipient", Text("an email receiver needs 'to'", "邮件接收者需要写 'to'"), hint)
    elif types[name] == "console" and receiver.to:
        yield document.problem((*path, "to"), "needless_recipient", Text("a console has no recipients", "console 渠道不需要 'to'"))


def _route_problems(document: Document, path: Path_, route: RouteModel, people: _People) -> Iterator[Problem]:
    if route.receiver is not None and route.receiver not in people.receivers:
        text = Text(f"there is no receiver '{route.receiver}'", f"没有名为 '{route.receiver}' 的接收者")
        yield document.problem((*path, "receiver"), "unknown_receiver", text, did_you_mean(route.receiver, people.receivers))
    if route.repeat_interval is not None and route.repeat_interval <= timedelta(0):
        text = Text("repeat_interval must be longer than zero", "repeat_interval 必须大于零")
        yield document.problem((*path, "repeat_interval"), "bad_duration", text)
    for index, child in enumerate(route.routes):
        yield from _route_problems(document, (*path, "routes", index), child, people)
