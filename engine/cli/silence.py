"""``storewatch silence``: alerts that nobody wants to be told of for a while."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, clock, emit, existing_state, fail, open_state, settings
from engine.cli.words import local_time
from engine.errors import StorewatchError, Text, UsageError, did_you_mean

if TYPE_CHECKING:
    from engine.project import Project
    from engine.routing import Silence
    from engine.routing.matchers import Matcher
    from engine.state import State

COLUMNS = {
    "id": Text("id", "编号"),
    "state": Text("state", "状态"),
    "matchers": Text("matchers", "匹配条件"),
    "starts_at": Text("from", "开始"),
    "ends_at": Text("until", "结束"),
    "author": Text("author", "设置人"),
    "comment": Text("comment", "说明"),
    "covers": Text("firing", "报警中"),
}
STATES: Mapping[str, Text] = {
    "active": Text("active", "生效中"),
    "upcoming": Text("upcoming", "未开始"),
    "expired": Text("expired", "已结束"),
}
silence = typer.Typer(no_args_is_help=True, help="Do not tell of some alerts for a while: add, list, expire.")


def register(app: typer.Typer) -> None:
    app.add_typer(silence, name="silence")


@silence.command("add")
def add(
    context: typer.Context,
    matchers: Annotated[list[str] | None, typer.Argument(help="Conditions on labels, such as alert=dsr_drop store_id=S1.")] = None,
    duration: Annotated[str, typer.Option("--for", help="How long, such as 30m, 2h, 3d.")] = "",
    until: Annotated[str, typer.Option(help="Or until when (project time zone), such as 2026-11-12T00:00.")] = "",
    start: Annotated[str, typer.Option("--from", help="From when on. Default: now.")] = "",
    comment: Annotated[str, typer.Option(help="Why.")] = "",
    author: Annotated[str, typer.Option(help="Who asks for it.")] = "",
) -> None:
    """Silence the alerts that all the matchers match: label=value, label!=value, label=~regex, label!~regex.

    Alerts are still evaluated. One that still fires when the silence ends is told then; one that began and ended meanwhile never is.
    Labels are alert, severity, owner, area, store_id, key columns, and the rules' own.
    """
    options = settings(context)
    try:
        _add(options, matchers or [], (duration, until, start), comment, author)
    except StorewatchError as error:
        fail(options, error)


def _add(options: Settings, written: Sequence[str], when: tuple[str, str, str], comment: str, author: str) -> None:
    from engine.project import load_project  # heavy modules load only when they are needed
    from engine.routing import Silence
    from engine.state import add_silence

    matchers = tuple(map(_matcher, written))
    if not matchers:
        text = Text("a silence needs at least one matcher", "静默至少要有一个匹配条件")
        raise UsageError(
            text, Text("such as  storewatch silence add alert=dsr_drop --for 2h", "如  storewatch silence add alert=dsr_drop --for 2h")
        )
    if not author.strip() or not comment.strip():
        text = Text("say who and why: --author NAME --comment WHY", "请写明谁、为什么：--author 姓名 --comment 原因")
        raise UsageError(text)
    project = load_project(options.project)
    now = clock().replace(microsecond=0)
    starts, ends = _span(project, now, *when)
    for warning in strange(project, options, matchers):
        options.say(warning)
    with open_state(options.project) as state:
        wanted = Silence(matchers, author.strip(), comment.strip(), now, starts, ends)
        number = add_silence(state, wanted)
        count = covered(project, state, wanted)
    until = local_time(ends, project.facts.zone)
    since = (
        Text("", "")
        if starts <= now
        else Text(f" from {local_time(starts, project.facts.zone)}", f"自 {local_time(starts, project.facts.zone)} 起")
    )
    options.say(
        Text(
            f"silence {number}{since.en} until {until}; it covers {count} alert(s) that fire now",
            f"静默 {number}：{since.zh}到 {until} 为止；现在覆盖 {count} 个报警中的告警",
        )
    )
    if options.format == "json":
        emit(options, [_row(wanted, now, count) | {"id": number}], COLUMNS, Text.same(""))


def _matcher(written: str) -> Matcher:
    from engine.routing.matchers import parse_matcher
    from engine.yamlfile import BilingualError

    try:
        return parse_matcher(written)
    except BilingualError as error:
        raise UsageError(error.text, error.hint) from None


def _span(project: Project, now: datetime, duration: str, until: str, start: str) -> tuple[datetime, datetime]:
    """From when and until when. Raises UsageError for what is no span of time to come."""
    from engine.fields import parse_duration
    from engine.ingest import parse_instant
    from engine.yamlfile import BilingualError

    if bool(duration) is bool(until):
        raise UsageError(Text("give either --for or --until", "--for 和 --until 必须写一个，且只能写一个"))
    starts = parse_instant(start, project.facts) if start else now
    try:
        ends = starts + parse_duration(duration) if duration else parse_instant(until, project.facts)
    except BilingualError as error:
        raise UsageError(error.text, error.hint) from None
    except OverflowError:
        raise UsageError(Text(f"--for {duration} is too long", f"--for {duration} 太长")) from None
    if ends <= max(starts, now):
        raise UsageError(Text("the silence would be over before it begins", "静默的结束时间早于开始"))
    return starts, ends


def strange(project: Project, options: Settings, matchers: Iterable[Matcher]) -> Iterable[Text]:
    """Matchers that name what nobody knows: the silence may be meant for what is to come, so this is only said."""
    labels, values = _known(project, options)
    for matcher in matchers:
        if matcher.label not in labels:
            near = did_you_mean(matcher.label, labels) or Text("", "")
            yield Text(
                f"warning: no alert has the label '{matcher.label}'. {near.en}", f"注意：没有任何告警带标签 '{matcher.label}'。{near.zh}"
            )
        known = values.get(matcher.label)
        if known and matcher.operator == "=" and matcher.value not in known:
            near = did_you_mean(matcher.value, known) or Text("", "")
            yield Text(
                f"warning: no alert has {matcher.label} '{matcher.value}'. {near.en}",
                f"注意：没有任何告警的 {matcher.label} 是 '{matcher.value}'。{near.zh}",
            )


def _known(project: Project, options: Settings) -> tuple[set[str], dict[str, set[str]]]:
    """All labels, and of some of them the values that there are."""
    from engine.model import Severity
    from engine.routing import BUILT_IN_LABELS
    from engine.snapshots import Snapshots

    infos = project.all_infos.values()
    labels = {*BUILT_IN_LABELS, *(name for info in infos for name in (*info.key, *info.labels))}
    snapshots = Snapshots(project.snapshots)
    stores = {name for kind in snapshots.kinds() for name in snapshots.known_stores(kind)}.union(project.facts.expected)
    with_state = existing_state(options.project)
    if with_state:
        with with_state as state:
            stores |= {alert.store_id for alert in state.alerts().values()}
    return labels, {
        "alert": {info.name for info in infos},
        "severity": {severity.value for severity in Severity},
        "owner": {*project.channels.contacts, *(info.owner for info in infos)},
        "store_id": stores,
    }


def covered(project: Project, state: State, wanted: Silence) -> int:
    """How many alerts that fire now it is about."""
    from engine.model import State as AlertState
    from engine.routing import labels_of, rule_of

    infos = project.all_infos
    firing = (alert for alert in state.alerts().values() if alert.state is AlertState.FIRING)
    return sum(wanted.covers(labels_of(alert, rule_of(alert, infos))) for alert in firing)


def _row(one: Silence, now: datetime, count: int | None) -> dict[str, object]:
    return {
        "id": one.number,
        "state": "active" if one.is_active(now) else "upcoming" if now < one.starts_at else "expired",
        "matchers": [str(matcher) for matcher in one.matchers],
        "starts_at": one.starts_at,
        "ends_at": one.ends_at,
        "author": one.author,
        "comment": one.comment,
        "covers": count,
    }


@silence.command("list")
def list_(context: typer.Context, expired: Annotated[bool, typer.Option("--expired", help="Also those that are over.")] = False) -> None:
    """The silences that are active or still to come, and how many firing alerts each covers now."""
    options = settings(context)
    try:
        _list(options, expired)
    except StorewatchError as error:
        fail(options, error)


def _list(options: Settings, expired: bool) -> None:
    from engine.project import load_project
    from engine.state import silences
    from engine.wording import clean

    project, now = load_project(options.project), clock()
    rows: list[dict[str, object]] = []
    state = existing_state(options.project)
    if state:
        with state:
            rows = [_row(one, now, covered(project, state, one)) for one in silences(state) if expired or one.ends_at > now]
    zone = project.facts.zone
    writers = {
        "state": lambda name: STATES[name].in_(options.language),
        "matchers": lambda listed: clean(" ".join(listed)),
        "starts_at": lambda instant: local_time(instant, zone),
        "ends_at": lambda instant: local_time(instant, zone),
    }
    emit(options, rows, COLUMNS, Text("no silences", "没有静默"), writers)


@silence.command("expire")
def expire(context: typer.Context, number: Annotated[int, typer.Argument(help="Id, as `storewatch silence list` shows it.")]) -> None:
    """End a silence now: what it held back and still fires is told by the daemon or by the next run."""
    options = settings(context)
    try:
        _expire(options, number)
    except StorewatchError as error:
        fail(options, error)


def _expire(options: Settings, number: int) -> None:
    from engine.project import load_project
    from engine.state import expire_silence, silences

    project, now = load_project(options.project), clock().replace(microsecond=0)
    with open_state(options.project) as state:
        if not expire_silence(state, number, now):
            live = [str(one.number) for one in silences(state) if one.ends_at > now]
            text = Text(f"there is no silence {number} that could be ended", f"没有可以结束的静默 {number}")
            raise UsageError(text, Text(f"there are: {', '.join(live)}", f"现有：{'、'.join(live)}") if live else None)
    at = local_time(now + timedelta(0), project.facts.zone)
    options.say(Text(f"silence {number} ended at {at}", f"静默 {number} 已于 {at} 结束"))
