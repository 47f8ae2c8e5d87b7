"""``storewatch ack`` and ``resolve``: what people answer to alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, clock, existing_state, fail, settings
from engine.errors import StorewatchError, Text, UsageError

if TYPE_CHECKING:
    from engine.model import Alert
    from engine.project import Project
    from engine.state import State

ALERT = "Id of the alert or its beginning, or RULE/KEY (see `storewatch alerts`)."


def register(app: typer.Typer) -> None:
    app.command("ack")(ack)
    app.command("resolve")(resolve)


def ack(
    context: typer.Context,
    alert: Annotated[str, typer.Argument(help=ALERT)],
    by: Annotated[str, typer.Option(help="Who has taken it up.")] = "",
    comment: Annotated[str, typer.Option(help="What is being done.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take the acknowledgement back.")] = False,
) -> None:
    """Say that somebody has taken up an alert: no reminders and no escalation until it resolves or becomes more severe."""
    options = settings(context)
    try:
        _ack(options, alert, named(by), comment, undo)
    except StorewatchError as error:
        fail(options, error)


def named(by: str) -> str:
    """Who says it. Raises UsageError for nobody."""
    if not by.strip():
        raise UsageError(Text("say who: --by NAME", "请写明是谁：--by 姓名"))
    return by.strip()


def _ack(options: Settings, name: str, by: str, comment: str, undo: bool) -> None:
    from engine.project import load_project  # heavy modules load only when they are needed
    from engine.state import acknowledge, take_back
    from engine.wording import clean

    project = load_project(options.project)
    with present_state(options) as state:
        alert = _firing(state, project, name)
        change = take_back if undo else acknowledge
        if not change(state, alert.identity, by, clock().replace(microsecond=0), comment):
            raise _not_firing(name)
    said, who = clean(str(alert.identity)), clean(by)
    if undo:
        options.say(Text(f"{said}: acknowledgement taken back; reminders go on", f"{said}：已撤销确认，恢复提醒"))
    else:
        options.say(Text(f"{said}: acknowledged by {who}; no reminders until it is over", f"{said}：{who} 已确认，结束前不再提醒"))


def resolve(
    context: typer.Context,
    alert: Annotated[str, typer.Argument(help=ALERT)],
    by: Annotated[str, typer.Option(help="Who says so.")] = "",
    comment: Annotated[str, typer.Option(help="Why.")] = "",
) -> None:
    """End a firing alert by hand; those who were told that it fires are told so.

    It stays closed, whatever the data says, until its condition was false once; then it may fire again.
    """
    options = settings(context)
    try:
        _resolve(options, alert, named(by), comment)
    except StorewatchError as error:
        fail(options, error)


def _resolve(options: Settings, name: str, by: str, comment: str) -> None:
    from engine.matching.evaluate import Matcher
    from engine.pipeline import run_resolve
    from engine.project import load_project
    from engine.snapshots import Snapshots
    from engine.state import Act, Deed
    from engine.wording import clean

    if not comment.strip():
        raise UsageError(Text("say why: --comment WHY", "请写明原因：--comment 原因"))
    project = load_project(options.project)
    matcher, snapshots = Matcher(project.facts.schemas, project.facts.time_zone), Snapshots(project.snapshots)
    with present_state(options) as state:
        alert = _firing(state, project, name)
        now = max(clock(), alert.last_true)
        deed = Deed(Act.RESOLVED, by, comment.strip(), now, alert.episode)
        done = run_resolve(project, matcher, snapshots, state, alert, deed, clock=clock)
        if not done.stored:
            text = Text("another storewatch process told something meanwhile", "另一个 storewatch 进程同时发出了消息")
            raise UsageError(text, Text("nothing was changed; do it again", "没有改动，请再执行一次"))
    said, count = clean(str(alert.identity)), len(done.notifications)
    options.say(
        Text(
            f"{said}: closed by {clean(by)}; {count} message(s) to be sent by the daemon or the next run",
            f"{said}：已由 {clean(by)} 关闭；{count} 封消息将由守护进程或下次 run 发出",
        )
    )


def present_state(options: Settings) -> State:
    """The state, where there is one. Raises UsageError."""
    state = existing_state(options.project)
    if state is None:
        hint = Text("run `storewatch run` first", "请先运行 storewatch run")
        raise UsageError(Text("there is no state yet: nothing was ever evaluated", "还没有状态库：从未评估过"), hint)
    return state


def _firing(state: State, project: Project, name: str) -> Alert:
    """The firing alert of that name. Raises UsageError."""
    from engine.cli.explain import find
    from engine.model import State as AlertState

    alert = state.alerts().get(find(state, project, name))
    if alert is None or alert.state is not AlertState.FIRING:
        raise _not_firing(name)
    return alert


def _not_firing(name: str) -> UsageError:
    text = Text(f"'{name}' does not fire now", f"'{name}' 现在没有报警")
    return UsageError(text, Text("see `storewatch alerts`", "请看 storewatch alerts"))
