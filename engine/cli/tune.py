"""``storewatch tune``: a rule with other numbers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, emit, emit_json, existing_state, fail, settings
from engine.cli.replaying import Asked, bar, planned, span
from engine.errors import ProblemsFound, StorewatchError, Text

if TYPE_CHECKING:
    from datetime import datetime

    from engine.archive import Archive
    from engine.project import Project
    from engine.rules import AlertRule
    from engine.tune import Study, Trial, Truth, Variant, Variation

DAYS, INTERRUPTED = 90, 130
COLUMNS = {
    "value": Text("value", "取值"),
    "alerts": Text("alerts", "告警"),
    "notifications": Text("messages", "消息"),
    "per_day": Text("a day", "每天"),
    "bar": Text("", ""),
}
SCORED = {
    "precision": Text("precision", "精确率"),
    "recall": Text("recall", "召回率"),
    "delay": Text("delay", "延迟"),
}
BAR = 24


def register(app: typer.Typer) -> None:
    app.command("tune")(tune)


def tune(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(help="Name of the rule.")],
    vary: Annotated[list[str], typer.Option(help="NAME=LOW..HIGH step STEP, or NAME=VALUE,VALUE; several: all combinations.")],
    since: Annotated[str, typer.Option("--from", help="First day or instant (project time zone).")] = "",
    until: Annotated[str, typer.Option("--to", help="Last day or instant. Default: now.")] = "",
    days: Annotated[int, typer.Option("--days", help="So many days up to --to. Default: 90.", min=0, show_default=False)] = 0,
    every: Annotated[str, typer.Option("--every", help="Evaluate the rule so often (1d, 6h, 30m), not as schedules.yaml says.")] = "",
    per_batch: Annotated[bool, typer.Option("--per-batch", help="Evaluate wherever the data of the rule changes.")] = False,
    labels: Annotated[
        Path | None,
        typer.Option(help="CSV of all incidents there were: rule, store_id, key, starts_at, ends_at. Default: storewatch label."),
    ] = None,
    at_most: Annotated[float | None, typer.Option(help="Suggest nothing that sends more messages a day.", min=0)] = None,
    picture: Annotated[Path | None, typer.Option(help="Write a picture (PNG) to this file.")] = None,
) -> None:
    """Replay one rule over history with other numbers: messages a day for each, and, where it is known which alerts are right, precision,
    recall and delay. Suggests one, and says why. The rule's file is not changed.

    NAME is a parameter of the rule (params), a name that it uses (let), for, keep_firing_for, or a number, percentage or duration just as
    the rule writes it: then every place where it stands is varied.

    Known are the incidents of --labels (all there were: any other alert is noise), or else what people said of alerts by
    `storewatch label` (of other alerts nothing is known: they count neither as right nor as wrong).

    Examples:

      storewatch tune dsr_drop --vary "lowest=4.5..4.9 step 0.05" --picture dsr.png

      storewatch tune dsr_drop --vary "for=0s,1d,2d" --vary "7d=3d,7d,14d" --labels incidents.csv

    Only this rule is evaluated: incidents that would explain its alerts away are not looked for.

    Exit code 0: done. 2: the command line, the rule with one of the values, or a file is wrong. 130: interrupted.
    """
    options = settings(context)
    asked = Asked(since, until, days if days or since else DAYS, (rule,), (), every, per_batch)
    try:
        raise typer.Exit(_tune(options, asked, vary, labels, at_most, picture))
    except StorewatchError as error:
        fail(options, error)


def _tune(options: Settings, asked: Asked, vary: list[str], labels: Path | None, at_most: float | None, target: Path | None) -> int:
    from engine.archive import Archive  # heavy modules load only when they are needed
    from engine.project import load_project
    from engine.snapshots import Snapshots
    from engine.tune import Study, Suggestion, Variant, parse_variation, suggest, variants
    from engine.yamlfile import load

    variations = [parse_variation(text) for text in vary]
    project = load_project(options.project)
    (rule,) = project.select(asked.rules)
    archive = Archive.of(Snapshots(project.snapshots))
    between = span(asked, project, archive)
    file = rule.defined_at.rpartition(":")[0]
    chosen = variants(rule, load(options.project / file, file), variations)
    truth = _truth(options, rule, labels, between)
    trials: list[Trial] = []
    for number, each in enumerate([Variant((), lambda read: read), *chosen]):
        name = Text.same(f"{number}/{len(chosen)} {', '.join(each.values)}")
        trial = _trial(options, asked, archive, between, each, variations, truth, name)
        if trial is None:
            break
        trials.append(trial)
    complete = len(trials) > len(chosen)
    done, all_ = max(len(trials) - 1, 0), len(chosen)
    tried = Text(f"interrupted: {done} of {all_} values were tried", f"已中断：{all_} 个取值试了 {done} 个")
    if not trials:
        options.say(tried)
        return INTERRUPTED
    now, *others = trials
    suggestion = suggest(now, others, at_most, ordered=len(variations) == 1) if complete else Suggestion(None, tried)
    study = Study(rule.name, tuple(each.name for each in variations), now, tuple(others), suggestion)
    _tell(options, study)
    if target and complete:
        _draw(options, study, target)
    return 0 if complete else INTERRUPTED


def _trial(
    options: Settings,
    asked: Asked,
    archive: Archive,
    between: tuple[datetime, datetime],
    variant: Variant,
    variations: Sequence[Variation],
    truth: Truth | None,
    name: Text,
) -> Trial | None:
    """One variant's figures; None where somebody interrupted it."""
    from engine.replay import replay
    from engine.tune import tried

    project = _varied(options, variant, variations)
    with bar(options, name) as progress:
        found = replay(project, archive, planned(asked, project, archive, *between), until=between[1], progress=progress)
    return tried(variant.values, asked.rules[0], found, between[1] - between[0], truth) if found.complete else None


def _varied(options: Settings, variant: Variant, variations: Sequence[Variation]) -> Project:
    from engine.project import load_project

    try:
        return load_project(options.project, edit=variant.edit)
    except ProblemsFound as error:
        said = ", ".join(f"{each.name}={value}" for each, value in zip(variations, variant.values, strict=True))
        options.say(Text(f"with {said} the rule is wrong:", f"取 {said} 时规则有错："))
        raise error from None


def _truth(options: Settings, rule: AlertRule, labels: Path | None, between: tuple[datetime, datetime]) -> Truth | None:
    """What is known of the rule in that time; None where that is nothing."""
    from engine.simulate.scoring import read_incidents
    from engine.state import labels as stored
    from engine.tune import truth_of
    from engine.tune.scoring import Known

    if labels:
        incidents = [Known(each.key, each.starts_at, each.ends_at) for each in read_incidents(labels) if each.rule == rule.name]
        if not incidents:
            text = Text(f"{labels} tells of no incident of '{rule.name}'", f"{labels} 里没有 '{rule.name}' 的异常")
            options.say(Text(f"note: {text.en}: every alert counts as noise", f"注意：{text.zh}：所有告警都算噪音"))
        return truth_of(incidents, *between, complete=True)
    with existing_state(options.project) or nullcontext() as state:
        said = stored(state, rule.name) if state else ()
    known = [Known("/".join(each.identity.key), each.fired, each.resolved, each.useful) for each in said if each.fired]
    truth = truth_of(known, *between, complete=False)
    return truth if truth.known else None


def _tell(options: Settings, study: Study) -> None:
    from datetime import UTC

    from engine.wording import Writer

    now, found = study.now, study.suggestion
    if options.format == "json":
        chosen = study.assignment(found.trial) if found.trial else None
        rows = [{"values": study.assignment(each), **_figures(each)} for each in study.trials]
        emit_json({"rule": study.rule, "now": _figures(now), "values": rows, "suggested": chosen, "why": found.why})
        return
    trials = (now, *study.trials)
    most = max(each.per_day for each in trials) or 1
    first = Text("now", "现在").in_(options.language)
    table = [_row(each, first if each is now else each.name, most, chosen=each is found.trial) for each in trials]
    columns = {**COLUMNS, "value": Text.same(", ".join(study.names)), **(SCORED if now.score else {})}
    emit(options, table, columns, Text("", ""), {"delay": Writer(options.language, UTC).duration})
    if found.trial:
        named = ", ".join(f"{name}={value}" for name, value in study.assignment(found.trial).items())
        options.say(Text(f"suggested: {named}. {found.why.en}", f"建议：{named}。{found.why.zh}"))
    else:
        options.say(Text(f"no suggestion: {found.why.en}", f"没有建议：{found.why.zh}"))


def _row(trial: Trial, name: str, most: float, *, chosen: bool) -> dict[str, object]:
    from engine.tune.choosing import percent

    score = trial.score
    return {
        "value": f"{name} ←" if chosen else name,
        "alerts": trial.alerts,
        "notifications": trial.notifications,
        "per_day": f"{trial.per_day:.2f}",
        "bar": "█" * round(trial.per_day / most * BAR),
        "precision": f"{percent(score.precision)} ({score.right}/{score.judged})" if score else "",
        "recall": f"{percent(score.recall)} ({score.found}/{score.useful})" if score else "",
        "delay": score.delay if score else None,
    }


def _figures(trial: Trial) -> dict[str, object]:
    score = trial.score
    return {
        "alerts": trial.alerts,
        "notifications": trial.notifications,
        "per_day": round(trial.per_day, 4),
        "precision": score.precision if score else None,
        "recall": score.recall if score else None,
        "delay": score.delay if score else None,
        "labels": score.useful if score else None,
        "found": score.found if score else None,
        "judged": score.judged if score else None,
    }


def _draw(options: Settings, study: Study, target: Path) -> None:
    from engine.tune.drawing import picture
    from engine.writing import replace_files

    replace_files({target: picture(study, options.language)})
    options.say(Text(f"written: {target}", f"已写入：{target}"))
