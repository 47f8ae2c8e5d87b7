"""The typed model of ``channels.yaml``: channels, contacts, receivers and the tree of routes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from engine.errors import Problem, ProblemsFound, Text, did_you_mean
from engine.fields import Duration, Strict, TimeZone, about, named
from engine.intervals import IntervalModel, TimeInterval, interval_of
from engine.routing.channel_options import ChannelOptions
from engine.routing.channel_types import BuiltIn, Channel, check_address
from engine.routing.contacts import Contact, Language, contact_problems
from engine.routing.digests import DigestOrFalse
from engine.routing.matchers import Matching
from engine.routing.plugins import Broken, model_of, type_names
from engine.yamlfile import Document, Path_, load, shown

OWNER = "owner"
TIME_ZONE = "Asia/Shanghai"
TIME_INTERVALS_HINT = Text(
    "write it under time_intervals:, such as  night: [{times: ['22:00..08:00']}]",
    "请写到 time_intervals: 下，如  night: [{times: ['22:00..08:00']}]",
)


def check_target(address: str) -> str:
    """An address; ``owner`` and names of contacts, which have no ``@``, as they are."""
    return check_address(address) if "@" in address else address


Target = Annotated[str, AfterValidator(check_target)]


_BuiltIn = Annotated[BuiltIn, Field(discriminator="type")]


def read_channel(data: object) -> object:
    """The options by the model of their type. Raises ValueError (pydantic's, for options that are wrong)."""
    if isinstance(data, ChannelOptions):
        return data
    model = model_of(data.get("type") if isinstance(data, dict) else None)
    if model is None or isinstance(model, Broken):
        raise ValueError("no such type of channel")
    return model.model_validate(data)


class Receiver(Strict):
    """One channel of a receiver; ``to`` lists addresses, contacts, or ``owner`` for the contact of the alert's owner. In a chat
    group it tells whom to mention."""

    channel: Annotated[str, about("a name under channels", "channels 下的名字", names="channels")]
    to: Annotated[
        tuple[Annotated[Target, named("owners", OWNER)], ...],
        about("addresses, contacts, or owner", "邮箱或联系人；owner 代表该告警的负责人；群里表示 @ 谁"),
    ] = ()
    language: Annotated[Language | None, about("language of messages", "消息的语言")] = None


class StepModel(Strict):
    """One step of an escalation."""

    after: Annotated[Duration, about("so long after the first message", "首次通知后多久", examples=["30m", "2h"])]
    receiver: Annotated[str, about("who is told then: a name under receivers", "再通知谁：receivers 下的名字", names="receivers")]


class RouteModel(Strict):
    """A node of the routing tree as written. What it does not say, it takes from the node above."""

    receiver: Annotated[str | None, about("who is told: a name under receivers", "发给谁：receivers 下的名字", names="receivers")] = None
    matchers: Annotated[tuple[Matching, ...], about("conditions on labels; all must hold", "标签条件，全部满足才走这里")] = ()
    group_by: Annotated[
        tuple[Annotated[str, named("labels")], ...] | None, about("labels whose values share one message", "这些标签相同的合成一封")
    ] = None
    repeat_interval: Annotated[
        Duration | None, about("remind after so long while it goes on", "持续时多久提醒一次", examples=["12h", "24h", "7d"])
    ] = None
    group_wait: Annotated[
        Duration | None,
        about("a new group waits so long for what may join it", "新的一组先等这么久，好与随后的合成一封", examples=["30s", "5m"]),
    ] = None
    mute_time_intervals: Annotated[
        tuple[Annotated[str, named("time_intervals")], ...] | None,
        about("do not tell during these time intervals; tell afterwards", "这些时间段内不通知，过后再通知"),
    ] = None
    active_time_intervals: Annotated[
        tuple[Annotated[str, named("time_intervals")], ...] | None,
        about("tell only during these time intervals", "只在这些时间段内通知，其余时间等到下一段"),
    ] = None
    digest: Annotated[
        DigestOrFalse | None,
        about("collect, and send at these times; false: at once", "攒到固定时刻一起发；写 false 则随时发"),
    ] = None
    escalate: Annotated[
        tuple[StepModel, ...] | None,
        about("whom to tell when nobody acknowledges the alert", "一直无人确认时再通知谁"),
    ] = None
    continue_: Annotated[bool, about("try the routes that follow as well", "匹配后继续看后面的路由")] = Field(False, alias="continue")
    routes: Annotated[tuple[RouteModel, ...], about("routes that are tried first, in order", "先从上到下试这些路由")] = ()


class _People(Strict):
    language: Annotated[Language, about("language of messages", "消息的语言")] = "zh"
    contacts: Annotated[Mapping[str, Contact], about("owner in rules → how to reach them", "规则里的负责人 → 联系方式")] = Field(
        default_factory=dict
    )
    receivers: Annotated[Mapping[str, tuple[Receiver, ...]], about("name → channels and addresses", "名称 → 渠道和地址")]
    time_zone: Annotated[
        TimeZone | None, about("time zone of what does not name one; default: that of facts.yaml", "默认时区；不写则用 facts.yaml 的")
    ] = None
    time_intervals: Annotated[
        Mapping[str, Annotated[list[IntervalModel], Field(min_length=1)]],
        about("name → when: nights, holidays, promotions", "名称 → 时间段：夜间、节假日、大促"),
    ] = Field(default_factory=dict)
    route: Annotated[RouteModel, about("which alerts go to whom", "什么告警发给谁")] = Field(json_schema_extra={"required": ["receiver"]})


class Channels(_People):
    """The whole file."""

    channels: Annotated[
        Mapping[str, Annotated[Channel, BeforeValidator(read_channel, json_schema_input_type=_BuiltIn)]],
        about("name → how messages leave", "名称 → 消息怎么发出"),
    ] = Field(min_length=1)

    def interval(self, name: str) -> TimeInterval:
        """The time interval of that name, which exists: all that is read has been checked."""
        return interval_of(self.time_intervals[name], self.time_zone or TIME_ZONE)


def load_channels(path: Path) -> Channels:
    """Read and check ``channels.yaml``. Raises :class:`ProblemsFound` with every mistake at its place."""
    return read_channels(load(path, path.name))


def read_channels(document: Document, time_zone: str = TIME_ZONE) -> Channels:
    """As :func:`load_channels`, of a file that has been read; ``time_zone`` is the project's."""
    if not isinstance(document.data, dict):
        text = Text("must hold the keys channels, receivers and route", "应包含 channels、receivers、route 三个键")
        raise ProblemsFound([document.problem((), "not_a_mapping", text)])
    problems = list(_channel_problems(document))
    people = _people(document, problems)
    if people:
        problems += _reference_problems(document, people)
    if problems or people is None:
        raise ProblemsFound(problems)
    found = document.validate(Channels)
    return found if found.time_zone else found.model_copy(update={"time_zone": time_zone})


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
    model = model_of(kind)
    if isinstance(model, Broken):
        yield document.problem((*path, "type"), "broken_channel_type", model.text)
        return
    if model is None:
        names = type_names()
        known, said = "、".join(names), shown(kind)
        text = Text(f"channel type {said.en} is not known", f"不认识的渠道类型 {said.zh}")
        if kind is None:
            text = Text(f"channel '{path[-1]}' has no type", f"渠道 '{path[-1]}' 没有写 type")
        hint = did_you_mean(str(kind), names) or Text(f"write type: {' or '.join(names)}", f"type 可以写：{known}")
        yield document.problem((*path, "type"), "unknown_channel_type", text, hint)
        return
    try:
        channel = model.model_validate(data)
    except ValidationError as error:
        yield from document.problems_of(error, model, path)
        return
    for mistake in channel.mistakes():
        yield document.problem((*path, mistake.key), mistake.code, mistake.text, mistake.hint)


def _reference_problems(document: Document, people: _People) -> Iterator[Problem]:
    data = document.data if isinstance(document.data, dict) else {}
    channels = data.get("channels")
    types = {name: value.get("type") for name, value in channels.items() if isinstance(value, dict)} if isinstance(channels, dict) else {}
    for name, receivers in people.receivers.items():
        for index, receiver in enumerate(receivers):
            yield from _receiver_problems(document, ("receivers", name, index), receiver, types)
    yield from contact_problems(document, people.contacts)
    yield from _target_problems(document, data)
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
        return
    found = model_of(types[name])
    model = None if isinstance(found, Broken) else found
    if model and not receiver.to and model.NOBODY:
        yield document.problem(path, "no_recipient", *model.NOBODY)
    elif model and receiver.to and model.NEEDLESS:
        yield document.problem((*path, "to"), "needless_recipient", model.NEEDLESS)
    elif model and model.ONE_ADDRESS:
        for index in (index for index, target in enumerate(receiver.to) if "@" in target):
            hint = Text("name a contact, or owner", "请写联系人的名字，或 owner")
            text = Text("this channel has no mail addresses", "这个渠道没有邮箱地址")
            yield document.problem((*path, "to", index), "bad_address", text, hint)


def _target_problems(document: Document, data: Mapping[object, object]) -> Iterator[Problem]:
    """Names that no contact has, of receivers as written: others that are wrong must not hide them."""
    contacts = data.get("contacts")
    known = [OWNER, *(contacts if isinstance(contacts, dict) else ())]
    for path, target in document.values.items():
        if path[:1] == ("receivers",) and path[-2:-1] == ("to",) and target.text and "@" not in target.text and target.text not in known:
            said = shown(target.text)
            text = Text(f"{said} is neither an email address nor a contact", f"{said} 既不是邮箱地址，也不是联系人")
            hint = did_you_mean(target.text, known) or Text("write it like name@example.com", "写法如 name@example.com")
            yield document.problem(path, "bad_address", text, hint)


def _route_problems(document: Document, path: Path_, route: RouteModel, people: _People) -> Iterator[Problem]:
    if route.receiver is not None and route.receiver not in people.receivers:
        text = Text(f"there is no receiver '{route.receiver}'", f"没有名为 '{route.receiver}' 的接收者")
        yield document.problem((*path, "receiver"), "unknown_receiver", text, did_you_mean(route.receiver, people.receivers))
    for index, step in enumerate(route.escalate or ()):
        if step.receiver not in people.receivers:
            text = Text(f"there is no receiver '{step.receiver}'", f"没有名为 '{step.receiver}' 的接收者")
            hint = did_you_mean(step.receiver, people.receivers)
            yield document.problem((*path, "escalate", index, "receiver"), "unknown_receiver", text, hint)
        if index and route.escalate and step.after <= route.escalate[index - 1].after:
            text = Text("each step must come after the one before it", "每一级都要比前一级晚")
            yield document.problem((*path, "escalate", index, "after"), "bad_duration", text)
    if route.repeat_interval is not None and route.repeat_interval <= timedelta(0):
        text = Text("repeat_interval must be longer than zero", "repeat_interval 必须大于零")
        yield document.problem((*path, "repeat_interval"), "bad_duration", text)
    for key in ("mute_time_intervals", "active_time_intervals"):
        for index, name in enumerate(getattr(route, key) or ()):
            if name not in people.time_intervals:
                text = Text(f"there is no time interval '{name}'", f"没有名为 '{name}' 的时间段")
                hint = did_you_mean(name, people.time_intervals)
                yield document.problem((*path, key, index), "unknown_time_interval", text, hint or TIME_INTERVALS_HINT)
    for index, child in enumerate(route.routes):
        yield from _route_problems(document, (*path, "routes", index), child, people)
