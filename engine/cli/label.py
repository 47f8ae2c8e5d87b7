"""``storewatch label``: whether it was useful to be told of an alert, for `storewatch tune`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.answering import ALERT, named, present_state
from engine.cli.common import Settings, clock, emit, existing_state, fail, settings
from engine.cli.words import local_time
from engine.errors import StorewatchError, Text, UsageError, did_you_mean

if TYPE_CHECKING:
    from engine.model import Identity
    from engine.state import Label, State

USEFUL, NOISE, NONE = "useful", "noise", "none"
VERDICTS = {USEFUL: Text("useful", "有用"), NOISE: Text("noise", "噪音")}
COLUMNS = {
    "alert": Text("alert", "告警"),
    "episode": Text("time it fired", "第几次"),
    "verdict": Text("label", "标注"),
    "fired": Text("fired", "开始"),
    "resolved": Text("ended", "结束"),
    "author": Text("by", "标注人"),
    "comment": Text("comment", "备注"),
}


def register(app: typer.Typer) -> None:
    app.command("label")(label)


def label(
    context: typer.Context,
    alert: Annotated[str, typer.Argument(help=ALERT)] = "",
    verdict: Annotated[str, typer.Argument(help="useful, noise, or none to take the label back.")] = "",
    by: Annotated[str, typer.Option(help="Who says so.")] = "",
    comment: Annotated[str, typer.Option(help="Why.")] = "",
    episode: Annotated[int, typer.Option(min=0, help="Which time it fired, from 1. Default: the last.", show_default=False)] = 0,
    listed: Annotated[bool, typer.Option("--list", help="List the labels there are; with a rule as ALERT, its.")] = False,
) -> None:
    """Say of an alert, while it fires or afterwards, whether it was useful or noise: `storewatch tune` compares with that.

    Nothing that is told depends on it. What is said of one firing of an alert again replaces what was said before.

    Examples:

      storewatch label dsr_drop/tb001 useful --by amy

      storewatch label dsr_drop/tb001 noise --by amy --comment "one angry buyer" --episode 2

      storewatch label --list
    """
    options = settings(context)
    try:
        if listed:
            _list(options, alert)
        else:
            _label(options, alert, verdict, by, comment, episode)
    except StorewatchError as error:
        fail(options, error)


def _label(options: Settings, name: str, verdict: str, by: str, comment: str, asked: int) -> None:
    from engine.cli.explain import find  # heavy modules load only when they are needed
    from engine.project import load_project
    from engine.state import Label, add_label, remove_label
    from engine.wording import clean

    if not name or verdict not in (*VERDICTS, NONE):
        text = Text("say which alert, and useful, noise or none", "请写明哪个告警，以及 useful（有用）、noise（噪音）或 none（取消）")
        raise UsageError(text, did_you_mean(verdict, (*VERDICTS, NONE)) if verdict else None)
    author = named(by) if verdict != NONE else ""
    project = load_project(options.project)
    with present_state(options) as state:
        identity = find(state, project, name)
        episode = _episode(state, name, identity, asked)
        said = f"{clean(str(identity))} ({episode})"
        if verdict == NONE:
            back, nothing = Text(f"{said}: label taken back", f"{said}：已取消标注"), Text(f"{said}: had no label", f"{said}：没有标注")
            options.say(back if remove_label(state, identity, episode) else nothing)
            return
        add_label(state, Label(identity, episode, verdict == USEFUL, author, comment.strip(), clock().replace(microsecond=0)))
    word = VERDICTS[verdict]
    options.say(Text(f"{said}: {word.en}", f"{said}：{word.zh}"))


def _episode(state: State, name: str, identity: Identity, asked: int) -> int:
    """The number of a time that it fired. Raises UsageError where it did not."""
    from engine.model import State as AlertState

    fired = sorted({event.episode for event in state.history(identity) if event.after is AlertState.FIRING})
    if not fired or (asked and asked not in fired):
        said = f"'{name}' did not fire a {asked}. time" if fired else f"'{name}' never fired"
        text = Text(said, f"'{name}' 没有第 {asked or 1} 次报警")
        raise UsageError(text, Text(f"it fired {len(fired)} time(s)", f"共报警 {len(fired)} 次"))
    return asked or fired[-1]


def _list(options: Settings, rule: str) -> None:
    from engine.project import load_project
    from engine.state import labels
    from engine.wording import clean

    project = load_project(options.project)
    state = existing_state(options.project)
    found: tuple[Label, ...] = ()
    if state:
        with state:
            found = labels(state, rule)
    zone = project.facts.zone
    emit(
        options,
        [_row(each) for each in found],
        COLUMNS,
        Text("no alert is labelled", "还没有标注"),
        {
            "alert": clean,
            "comment": clean,
            "verdict": lambda name: VERDICTS[name].in_(options.language),
            "fired": lambda instant: local_time(instant, zone),
            "resolved": lambda instant: local_time(instant, zone),
        },
    )


def _row(each: Label) -> dict[str, object]:
    return {
        "alert": str(each.identity),
        "episode": each.episode,
        "verdict": USEFUL if each.useful else NOISE,
        "fired": each.fired,
        "resolved": each.resolved,
        "author": each.author,
        "comment": each.comment,
        "at": each.at,
    }
