"""``storewatch verify``: is what was done live what a replay of it does?"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, clock, emit, emit_json, existing_state, fail, settings
from engine.cli.replaying import bar
from engine.cli.words import local_time
from engine.errors import StateError, StorewatchError, Text

if TYPE_CHECKING:
    from datetime import tzinfo

    from engine.replay.verifying import Verification

SHOWN = 20
COLUMNS = {
    "at": Text("evaluation", "检查时刻"),
    "schedule": Text("schedule", "时间表"),
    "what": Text("what", "内容"),
    "live": Text("live only", "只在实际中有"),
    "replayed": Text("replay only", "只在回放中有"),
}
WHAT = {
    "alert": Text("alert", "告警"),
    "message": Text("message", "消息"),
    "not_told": Text("not told", "未通知"),
}


def register(app: typer.Typer) -> None:
    app.command("verify")(verify)


def verify(
    context: typer.Context,
    days: Annotated[int, typer.Option("--days", help="Compare the evaluations of so many days up to now.", min=1)] = 7,
) -> None:
    """Replay what `run` and `serve` did, and compare alert for alert, message for message.

    Each evaluation recorded the version of the project's files and the batches that it saw. All of them are done again since the records
    began, with silences, acknowledgements and deliveries as they were, and those of the last days are compared: changes of alerts with
    their values, what was told to whom in which thread, and what was not told and why. Nothing is changed.

    Exit code 0: no difference. 1: there are differences; the first ones are shown. 2: a file is wrong. 3: it cannot be verified.

    With --format json: one object with since, evaluations, transitions, notifications, lost (batches that were pruned) and differences.
    """
    options = settings(context)
    try:
        from engine.facts_file import facts_path, load_facts  # heavy: not on the path of --help

        path = facts_path(options.project)
        zone = load_facts(path, path.name).zone
        found = _verified(options, days)
    except StorewatchError as error:
        fail(options, error)
    _tell(options, found, zone)
    raise typer.Exit(1 if found.differences else 0)


def _verified(options: Settings, days: int) -> Verification:
    from engine.replay.verifying import verify as replay_and_compare

    state = existing_state(options.project)
    if state is None:
        raise StateError(
            Text("there is no state: nothing was evaluated yet", "还没有状态库：从未检查过"),
            Text("evaluate first: storewatch run", "请先检查：storewatch run"),
        )
    with state, TemporaryDirectory(prefix="storewatch-") as work, bar(options) as progress:
        return replay_and_compare(options.project, state, clock() - timedelta(days=days), Path(work), progress)


def _tell(options: Settings, found: Verification, zone: tzinfo) -> None:
    if options.format == "json":
        from dataclasses import asdict

        emit_json(asdict(found))
    elif found.differences:
        rows = [
            {"at": local_time(each.at, zone), "schedule": each.schedule, "what": WHAT[each.what].in_(options.language)}
            | {"live": each.live, "replayed": each.replayed}
            for each in found.differences[:SHOWN]
        ]
        emit(options, rows, COLUMNS, Text("no difference", "没有差异"))
    for sentence in _sentences(found, zone):
        options.say(sentence)


def _sentences(found: Verification, zone: tzinfo) -> list[Text]:
    counts = (found.evaluations, found.transitions, found.notifications)
    since = local_time(found.since, zone) if found.since else ""
    said = [
        Text(
            f"{counts[0]} evaluation(s) since {since}, {counts[1]} change(s) of alerts, {counts[2]} message(s) were replayed",
            f"回放了 {since} 以来的 {counts[0]} 次检查、{counts[1]} 处告警变化、{counts[2]} 条消息",
        )
        if found.since
        else Text("nothing was evaluated in that time", "这段时间没有检查过")
    ]
    if found.lost:
        said.append(
            Text(
                f"{len(found.lost)} batch(es) that were seen then are gone (pruned); what depends on them cannot be replayed",
                f"当时用到的 {len(found.lost)} 份快照已被删除，依赖它们的结果无法回放",
            )
        )
    if found.unrecorded:
        said.append(
            Text(
                f"{found.unrecorded} earlier evaluation(s) were not recorded: alerts that began then are not known to the replay",
                f"更早的 {found.unrecorded} 次检查没有记录依据：当时已有的告警，回放无从知道",
            )
        )
    count = len(found.differences)
    more = Text(f"{count} difference(s), the first {SHOWN} are shown", f"{count} 处差异，只显示前 {SHOWN} 处")
    few = Text(f"{count} difference(s)", f"{count} 处差异")
    return [*said, Text("no difference", "没有差异") if not count else few if count <= SHOWN else more]
