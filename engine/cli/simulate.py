"""``storewatch simulate``: exports of made-up stores, with planted incidents and the truth about them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, emit, fail, settings
from engine.errors import StorewatchError, Text, UsageError
from engine.simulate.plan import PLATFORMS, Options

if TYPE_CHECKING:
    from engine.simulate.run import Summary

USUAL = Options()
FIRST_DAY = datetime.combine(USUAL.start, datetime.min.time())


def register(app: typer.Typer) -> None:
    app.command("simulate")(simulate)


def simulate(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where to write; must be empty or new.")],
    stores: Annotated[int, typer.Option(help="Number of stores.")] = USUAL.stores,
    days: Annotated[int, typer.Option(help="Number of days.")] = USUAL.days,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = USUAL.seed,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day.")] = FIRST_DAY,
    platforms: Annotated[str, typer.Option(help="Whose exports, with commas between; stores take turns.")] = ",".join(PLATFORMS),
    incidents: Annotated[int, typer.Option(help="Incidents planted for each rule.")] = USUAL.incidents,
    everything: Annotated[bool, typer.Option("--all-kinds", help="Export all fifteen kinds of fact.")] = USUAL.everything,
    rules: Annotated[str, typer.Option(help="Rules whose incidents are planted: names with commas between, or `all`.")] = ",".join(
        USUAL.rules
    ),
    causes: Annotated[
        int, typer.Option(help="Root causes planted of each kind: incidents that come together in one store.")
    ] = USUAL.causes,
    pictures: Annotated[
        bool,
        typer.Option(
            "--pictures", help="Paint the prices on pictures of products (and, with --rules, of banners), for storewatch to read."
        ),
    ] = False,
    force: Annotated[bool, typer.Option(help="Write into a folder that is not empty; its other files stay.")] = False,
) -> None:
    """Write exports of made-up stores, as their platforms would, with planted incidents.

    manifest.csv lists the files in order, instants.csv when to evaluate, incidents.csv what is to be found, from when to when.

    With --rules all (or any rule beside the usual five) the sheets have every column that the rules read, orders come in one sheet for
    all stores, as from a company's own order system, and incidents.csv tells the truth about all rules: also what follows from an
    incident (its note is empty). causes.csv beside it tells what only several incidents of a store together show; --causes plants it.
    """
    options = settings(context)
    try:
        run = Options(stores, days, seed, start.date(), _names(platforms), incidents, everything, _rules(rules), causes, pictures)
        written = _write(folder, run, force)
    except StorewatchError as error:
        fail(options, error)
    _report(options, folder, written)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _rules(text: str) -> tuple[str, ...]:
    if text.strip() != "all":
        return _names(text)
    from engine.simulate.troubles import TROUBLES

    return tuple(TROUBLES)


def _write(folder: Path, options: Options, force: bool) -> Summary:
    try:
        from engine.simulate.run import simulate as write
    except ImportError:
        text = Text("writing spreadsheets needs openpyxl", "写出表格需要 openpyxl")
        hint = "pip install 'storewatch[excel]'"
        raise UsageError(text, Text.same(hint)) from None
    try:
        if folder.exists() and not force and any(folder.iterdir()):
            text = Text(f"{folder} is not empty", f"{folder} 不是空文件夹")
            raise UsageError(text, Text("name a new folder, or add --force", "请换一个新文件夹，或加 --force"))
        return write(folder, options)
    except OSError as error:
        text = Text(f"{folder} cannot be written: {error.strerror}", f"{folder} 无法写入：{error.strerror}")
        raise UsageError(text, Text("choose a folder that you may write to", "请换一个有写权限的文件夹")) from error


def _report(options: Settings, folder: Path, written: Summary) -> None:
    """One row a rule, incident rules too, and where the files are."""
    incidents = (*written.incidents, *written.causes)
    rules = sorted({incident.rule for incident in incidents})
    rows = [
        {
            "rule": rule,
            "incidents": len(mine),
            "stores": len({incident.store_id for incident in mine}),
            "first": min(incident.starts_at for incident in mine),
            "last": max(incident.starts_at for incident in mine),
        }
        for rule in rules
        for mine in [[incident for incident in incidents if incident.rule == rule]]
    ]
    columns = {
        "rule": Text("rule", "规则"),
        "incidents": Text("incidents", "异常"),
        "stores": Text("stores", "店铺"),
        "first": Text("first starts", "最早开始"),
        "last": Text("last starts", "最晚开始"),
    }
    emit(options, rows, columns, Text("no incidents planted", "没有植入异常"))
    files, size, times = sum(written.files.values()), written.size / 1e6, written.evaluations
    options.say(
        Text(
            f"{files} export files ({size:.1f} MB) in {folder}; evaluate at the {times} instants of instants.csv",
            f"已在 {folder} 写入 {files} 个导出文件（{size:.1f} MB）；评估时刻见 instants.csv，共 {times} 个",
        )
    )
