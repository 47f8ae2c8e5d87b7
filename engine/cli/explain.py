"""``storewatch explain`` and ``why``: why a rule is true or not for one row, and what became of one alert."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, clock, existing_state, fail, plain, settings
from engine.errors import StorewatchError, Text, UsageError, did_you_mean

if TYPE_CHECKING:
    from datetime import datetime

    from engine.cli.stories import Narrator
    from engine.incidents import IncidentRule
    from engine.model import Identity
    from engine.project import Project
    from engine.rules import AlertRule
    from engine.state import State

LISTED = 20  # alerts that are offered for an ambiguous prefix


def register(app: typer.Typer) -> None:
    app.command("explain")(explain)
    app.command("why")(why)


def explain(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(help="Name of the rule.")],
    key: Annotated[list[str] | None, typer.Option(help="Key of the row; once for each key column, or all joined by '/'.")] = None,
    at: Annotated[str, typer.Option(help="Instant, such as 2026-11-20T09:30 (project time zone). Default: now.")] = "",
) -> None:
    """Why a rule is true, false or unknown for one row: every clause with its value and where that came from, then what was done.

    Works for rows that did not fire, that are gone, and for stale data. Nothing is stored or sent.
    """
    options = settings(context)
    try:
        _explain(options, rule, key or [], at)
    except StorewatchError as error:
        fail(options, error)


def _explain(options: Settings, name: str, given: list[str], at: str) -> None:
    from engine.cli.explaining import Drawing, explanation_json, section, told  # heavy modules load only when the command runs
    from engine.cli.stories import Narrator, outlook, read_story
    from engine.cli.story_json import outlook_json, story_json
    from engine.ingest import parse_instant
    from engine.matching.evaluate import Matcher
    from engine.matching.explain import explain as explain_row
    from engine.project import load_project
    from engine.snapshots import Snapshots

    project = load_project(options.project)
    instant = parse_instant(at, project.facts) if at else clock().replace(microsecond=0)
    incident = next((each for each in project.incidents if each.name == name), None)
    if incident:
        _explain_incident(options, project, incident, given, instant)
        return
    rule = select(project, name)
    matcher, snapshots = Matcher(project.facts.schemas, project.facts.time_zone), Snapshots(project.snapshots)
    found = explain_row(rule, key_of(project.facts.schemas[rule.kind].key, rule.kind, given), matcher, snapshots, instant)
    with existing_state(options.project) or nullcontext() as state:
        story = read_story(state, found.identity, rule.info)
    row = found.row or found.last_seen
    next_ = outlook(project, story, found.result, row.store_id if row else "", instant)
    past = story.until(instant)
    if options.format == "json":
        echo_json(explanation_json(found) | {"lifecycle": story_json(past), "next": outlook_json(next_)})
        return
    narrator = Narrator(options.language, project.facts.time_zone)
    echo(Drawing(narrator).explanation(found))
    echo(section(narrator.say("lifecycle", "告警状态"), [*narrator.lifecycle(story, instant), *narrator.outlook(next_)]))
    if row or story.alert:
        echo(section(narrator.say("routing", "路由"), narrator.routing(next_)))
    echo(told(narrator, past))


def _explain_incident(options: Settings, project: Project, rule: IncidentRule, given: list[str], at: datetime) -> None:
    from engine.cli.incident import explain_incident

    lines, data = explain_incident(options, project, rule, key_of(rule.scope, rule.name, given), at)
    if options.format == "json":
        echo_json(data)
    else:
        echo(lines)


def select(project: Project, name: str) -> AlertRule:
    """The rule of that name. Raises UsageError, which tells of built-in ones too."""
    from engine.builtin import BUILT_IN

    if name in BUILT_IN:
        text = Text(f"'{name}' is built in: it has no condition of its own", f"'{name}' 是内置规则，没有自己的条件")
        raise UsageError(
            text, Text("see `storewatch snapshots`, and `storewatch why ALERT`", "请看 storewatch snapshots 和 storewatch why")
        )
    return project.select([name])[0]


def key_of(columns: Sequence[str], what: str, given: Sequence[str]) -> tuple[str, ...]:
    """The key values as given. Raises UsageError when there are not as many as ``what`` has key columns."""
    values = given[0].split("/") if len(given) == 1 and len(columns) > 1 else given
    if len(values) == len(columns):
        return tuple(values)
    named = " ".join(f"--key {column.upper()}" for column in columns)
    text = Text(
        f"which row? '{what}' is identified by {', '.join(columns)}",
        f"请指明是哪一行：'{what}' 以 {'、'.join(columns)} 区分",
    )
    raise UsageError(text, Text(f"write {named}", f"请写 {named}"))


def why(
    context: typer.Context,
    alert: Annotated[str, typer.Argument(help="Id of the alert or its beginning, or RULE/KEY (see `storewatch alerts --all`).")],
) -> None:
    """What became of an alert: its changes with their reasons, every message about it and its delivery, what was not told and why."""
    options = settings(context)
    try:
        _why(options, alert)
    except StorewatchError as error:
        fail(options, error)


def _why(options: Settings, name: str) -> None:
    from engine.cli.explaining import section, told
    from engine.cli.stories import Narrator, info_of, read_story
    from engine.cli.story_json import story_json
    from engine.project import load_project

    project = load_project(options.project)
    with existing_state(options.project) or nullcontext() as state:
        if state is None:
            hint = Text("run `storewatch run` first", "请先运行 storewatch run")
            raise UsageError(Text("there is no state yet: nothing was ever evaluated", "还没有状态库：从未评估过"), hint)
        identity = find(state, project, name)
        story = read_story(state, identity, info_of(project, identity.rule))
    if options.format == "json":
        about = {"id": identity.fingerprint, "rule": identity.rule, "key": list(identity.key), "title": story.info.title}
        echo_json(about | story_json(story))
        return
    narrator = Narrator(options.language, project.facts.time_zone)
    echo([f"{identity.fingerprint}  {plain_line(str(identity))} · {narrator.text(story.info.title)}"])
    echo(section(narrator.say("now", "现在"), narrator.state(story.alert, story.info) if story.alert else [over(narrator)]))
    echo(section(narrator.say("history", "经过"), narrator.events(story.events)))
    echo(told(narrator, story))
    keys = " ".join(f"--key {shlex.quote(plain_line(part))}" for part in identity.key)
    if identity.rule in project.infos:
        echo(["", narrator.say("the condition, clause by clause: ", "逐条查看条件：") + f"storewatch explain {identity.rule} {keys}"])


def over(narrator: Narrator) -> str:
    return narrator.say("over: it never fired", "已结束：从未报警")


def find(state: State, project: Project, name: str) -> Identity:
    """The one identity meant by a fingerprint's beginning or ``rule/key``. Raises UsageError when there is none, or several."""
    rule, slash, _ = name.partition("/")
    found = [each for each in state.identities(rule=rule) if not slash or str(each) == name]
    if not slash:
        found += state.identities(name.lower())
    if len(found) == 1:
        return found[0]
    if found:
        listed = "\n".join(f"  {each.fingerprint}  {plain_line(str(each))}" for each in found[:LISTED])
        text = Text(f"'{name}' may mean {len(found)} alerts", f"'{name}' 可能指 {len(found)} 个告警")
        raise UsageError(text, Text(f"name one of them:\n{listed}", f"请写明是哪一个：\n{listed}"))
    raise UsageError(Text(f"no alert '{name}' ever was", f"从未有过告警 '{name}'"), _hint(state, project, rule, name))


def _hint(state: State, project: Project, rule: str, name: str) -> Text:
    near = did_you_mean(name, [*map(str, state.identities()), *project.infos])
    if rule in project.infos:
        more = Text(
            f"storewatch explain {rule} --key … tells why it did not fire", f"storewatch explain {rule} --key … 可查看为什么没有触发"
        )
        return Text(f"{near.en} {more.en}", f"{near.zh} {more.zh}") if near else more
    return near or Text("see `storewatch alerts --all`", "请看 storewatch alerts --all")


def plain_line(text: str) -> str:
    """``text`` as one harmless line."""
    from engine.wording import clean

    return clean(text)


def echo(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)


def echo_json(data: object) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2, default=plain))
