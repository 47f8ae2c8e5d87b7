"""``storewatch routes``: the tree of routes, and where an alert with given labels would go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, clock, emit_json, fail, settings
from engine.cli.words import local_time
from engine.errors import StorewatchError, Text, UsageError, did_you_mean

if TYPE_CHECKING:
    from engine.project import Project
    from engine.routing import Channels, Recipient, Route
    from engine.routing.holding import Wait

routes = typer.Typer(help="The routes of channels.yaml, with what each takes from above; `routes test` tries labels.")


def register(app: typer.Typer) -> None:
    app.add_typer(routes, name="routes")


@routes.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    _: Annotated[bool, typer.Option("--show", help="Print the tree; the default.")] = False,
) -> None:
    """Print the tree of routes: which alerts each takes, whom it tells, and all that it takes from the routes above."""
    if context.invoked_subcommand:
        return
    options = settings(context)
    try:
        _show(options)
    except StorewatchError as error:
        fail(options, error)


def _show(options: Settings) -> None:
    from engine.project import load_project  # heavy: not on the path of --help
    from engine.routing.tree import nodes
    from engine.wording import clean

    channels = load_project(options.project).channels
    if options.format == "json":
        emit_json([_as_json(route) for route, _ in nodes(channels)])
        return
    for route, node in nodes(channels):
        indent = "  " * route.name.count("/{")
        condition = clean(" ".join(map(str, node.matchers))) or Text("every alert", "所有告警").in_(options.language)
        goes_on = Text("  (then goes on)", "  （匹配后继续）").in_(options.language) if node.continue_ else ""
        typer.echo(f"{indent}{condition} → {route.receiver}{goes_on}")
        for line in _said(route, options.language):
            typer.echo(f"{indent}    {line}")


def _said(route: Route, language: str) -> Iterator[str]:
    from engine.language.printing import show_duration

    def say(en: str, zh: str) -> str:
        return Text(en, zh).in_(language)

    labels, again = ", ".join(route.group_by) or "-", show_duration(route.repeat_interval)
    yield say(f"grouped by {labels}; reminds every {again}", f"按 {labels} 合并；每 {again} 提醒")
    if route.digest:
        times = ", ".join(f"{each:%H:%M}" for each in route.digest.at)
        yield say(f"collects, and sends at {times} ({route.digest.time_zone})", f"攒到 {times} 发出（{route.digest.time_zone}）")
    elif route.group_wait:
        wait = show_duration(route.group_wait)
        yield say(f"a new group waits {wait}", f"新的一组等 {wait}")
    if route.mute:
        yield say(f"silent during {', '.join(route.mute)}", f"静默时段：{'、'.join(route.mute)}")
    if route.active:
        yield say(f"tells only during {', '.join(route.active)}", f"只在这些时段通知：{'、'.join(route.active)}")
    for after, receiver in route.escalate:
        yield say(
            f"tells {receiver} when nobody acknowledges within {show_duration(after)}",
            f"{show_duration(after)} 内无人确认则通知 {receiver}",
        )


def _as_json(route: Route) -> dict[str, object]:
    return {
        "route": route.name,
        "receiver": route.receiver,
        "group_by": list(route.group_by),
        "repeat_interval": route.repeat_interval,
        "group_wait": route.group_wait,
        "mute_time_intervals": list(route.mute),
        "active_time_intervals": list(route.active),
        "digest": {"at": [f"{each:%H:%M}" for each in route.digest.at], "time_zone": route.digest.time_zone} if route.digest else None,
        "escalate": [{"after": after, "receiver": receiver} for after, receiver in route.escalate],
    }


@dataclass(frozen=True)
class _Try:
    """Where an alert would go by one route."""

    route: Route
    recipients: tuple[Recipient, ...]
    wait: Wait | None
    escalations: tuple[tuple[timedelta, str, tuple[Recipient, ...]], ...]


@routes.command("test")
def test(
    context: typer.Context,
    labels: Annotated[list[str], typer.Argument(help="Labels of an alert: severity=critical owner=service ...")],
    at: Annotated[str, typer.Option(help="Instant (project time zone), such as 2026-11-11T23:00. Default: now.")] = "",
    expect: Annotated[
        list[str] | None, typer.Option(help="Receiver that must be told; may be given several times, for all of them.")
    ] = None,
) -> None:
    """Where a new alert with these labels would go: the routes that take it, who would be told, whether now or when, and why.

    With `alert=RULE` the labels of that rule are filled in. Exit code 1: the receivers are not those of --expect.
    """
    options = settings(context)
    try:
        raise typer.Exit(_test(options, labels, at, expect or []))
    except StorewatchError as error:
        fail(options, error)


def _test(options: Settings, given: Sequence[str], at: str, expect: Sequence[str]) -> int:
    from engine.ingest import parse_instant
    from engine.project import load_project

    project = load_project(options.project)
    instant = parse_instant(at, project.facts) if at else clock().replace(microsecond=0)
    for name in expect:
        if name not in project.channels.receivers:
            raise UsageError(
                Text(f"there is no receiver '{name}'", f"没有名为 '{name}' 的接收者"), did_you_mean(name, project.channels.receivers)
            )
    labels = _labels(project, options, given)
    tries = [_tried(route, project.channels, labels, instant) for route in _routes(labels, project)]
    found = [each.route.receiver for each in tries]
    if options.format == "json":
        emit_json({"at": instant, "labels": labels, "routes": [_try_json(each) for each in tries]})
    else:
        for line in _told(options, project, labels, instant, tries):
            typer.echo(line)
    if expect and sorted(set(expect)) != sorted(set(found)):
        said, wanted = ", ".join(dict.fromkeys(found)), ", ".join(dict.fromkeys(expect))
        options.say(Text(f"expected {wanted}, but it goes to {said}", f"应发给 {wanted}，实际发给 {said}"))
        return 1
    return 0


def _routes(labels: Mapping[str, str], project: Project) -> tuple[Route, ...]:
    from engine.routing import routes_for

    return routes_for(labels, project.channels)


def _labels(project: Project, options: Settings, given: Sequence[str]) -> dict[str, str]:
    """The labels as given, with those of the rule that ``alert`` names. Raises UsageError for what is not ``label=value``."""
    from engine.cli.silence import strange
    from engine.routing.matchers import Matcher

    pairs: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name.isidentifier():
            text = Text(f"'{each}' is not a label with a value", f"'{each}' 不是“标签=值”")
            raise UsageError(text, Text("write it like severity=critical", "写法如 severity=critical"))
        pairs[name] = value.strip('"')
    for warning in strange(project, options, [Matcher(name, "=", value) for name, value in pairs.items()]):
        options.say(warning)
    info = project.all_infos.get(pairs.get("alert", ""))
    known = {**info.labels, "severity": info.severity.value, "owner": info.owner, "area": info.area} if info else {}
    return {**known, **pairs}


def _tried(route: Route, channels: Channels, labels: Mapping[str, str], at: datetime) -> _Try:
    from engine.routing.groups import recipients
    from engine.routing.holding import wait_of

    owners = [labels.get("owner", "")]
    steps = tuple(
        (after, receiver, recipients(channels.receivers[receiver], owners, channels, at + after)) for after, receiver in route.escalate
    )
    told = recipients(channels.receivers[route.receiver], owners, channels, at)
    return _Try(route, told, wait_of(route, channels, at, at, is_new=True), steps)


def _try_json(each: _Try) -> dict[str, object]:
    return {
        **_as_json(each.route),
        "recipients": [{"channel": to.channel, "address": to.address, "language": to.language} for to in each.recipients],
        "told_now": each.wait is None and bool(each.recipients),
        "hold": each.wait.hold if each.wait else None,
        "until": each.wait.until if each.wait else None,
    }


def _told(options: Settings, project: Project, labels: Mapping[str, str], at: datetime, tries: Sequence[_Try]) -> Iterator[str]:
    from engine.cli.reasons import HOLDS
    from engine.intervals import unknown_days
    from engine.language.printing import show_duration
    from engine.wording import clean

    zone = project.facts.zone

    def say(en: str, zh: str) -> str:
        return Text(en, zh).in_(options.language)

    listed = clean(" ".join(f"{name}={value}" for name, value in labels.items()))
    yield say(f"at {local_time(at, zone)}, {listed}", f"{local_time(at, zone)}，{listed}")
    for each in tries:
        yield f"{clean(each.route.name)} → {each.route.receiver}"
        people = _people(each.recipients)
        yield "    " + (
            say(f"tells {people}", f"通知 {people}") if people else say("tells nobody: no recipient", "没有收件人，不通知任何人")
        )
        if each.wait:
            until = local_time(each.wait.until, zone) if each.wait.until else say("further notice", "另行通知")
            why = HOLDS[each.wait.hold].in_(options.language)
            yield "    " + say(f"not now, but at {until}: {why}", f"现在不发，到 {until} 再发：{why}")
        else:
            yield "    " + say("now", "现在就发")
        yield from (f"    {line}" for line in _said(each.route, options.language))
        for after, receiver, told in each.escalations:
            yield "    " + f"+{show_duration(after)} {receiver}: {_people(told)}"
        for name in (*each.route.mute, *each.route.active):
            for calendar in unknown_days(project.channels.time_intervals[name], at.astimezone(zone).date()):
                last = calendar.published().last
                yield "    " + say(
                    f"'{name}' does not know the public holidays of that day: they are known until {last} (upgrade {calendar.package})",
                    f"'{name}' 不知道这一天是否放假：节假日只知道到 {last}（请升级 {calendar.package}）",
                )


def _people(recipients: Sequence[Recipient]) -> str:
    from engine.wording import clean

    return ", ".join(f"{to.channel}:{clean(to.address)}" for to in recipients)
