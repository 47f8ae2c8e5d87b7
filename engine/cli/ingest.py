"""``storewatch ingest``: exports in (``snapshots`` and ``prune`` are in :mod:`.keeping`)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli import keeping
from engine.cli.common import Settings, emit, fail, settings
from engine.errors import IngestError, StorewatchError, Text

if TYPE_CHECKING:
    from engine.facts import Facts
    from engine.ingest import IngestReport, KindReport, Options
    from engine.ingest.enrichers.enriching import Looking
    from engine.ingest.ingesting import Progress

LARGE = 20_000_000  # bytes: smaller files are read before a bar could be looked at
SNAPSHOTS = "snapshots"
INGESTED = {
    "source": Text("file", "文件"),
    "kind": Text("kind", "种类"),
    "as_of": Text("as of", "数据时间"),
    "read": Text("read", "读到"),
    "stored": Text("stored", "保存"),
    "quarantined": Text("quarantined", "隔离"),
    "repeated": Text("repeated", "重复"),
    "totals_skipped": Text("totals left out", "跳过合计行"),
    "batches": Text("batches", "批次"),
    "already": Text("already there", "已有"),
}
Refused = Mapping[str, object]


def register(app: typer.Typer) -> None:
    app.command("ingest")(ingest)
    app.command("snapshots")(keeping.snapshots)
    app.command("prune")(keeping.prune)


def ingest(
    context: typer.Context,
    sources: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Exports (CSV, xlsx, xls, JSON, JSON lines, Parquet) or a database URL.")
    ],
    kind: Annotated[list[str] | None, typer.Option(help="Kind of fact, e.g. order; may be repeated. Default: by the headings.")] = None,
    as_of: Annotated[str, typer.Option(help="When it was exported: 2026-11-20 (end of that day) or 2026-11-20T18:00:00.")] = "",
    store: Annotated[str, typer.Option(help="The store of all rows. Default: the store column.")] = "",
    all_stores: Annotated[bool, typer.Option("--all-stores", help="The export speaks for every store: one without rows has none.")] = False,
    query: Annotated[str, typer.Option(help="The query, when FILE is a database URL.")] = "",
    pictures: Annotated[
        Path | None, typer.Option(help="Folder of the pictures that rows name by path. Default: that of the export.")
    ] = None,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="Accept an export without rows: there is nothing to report.")] = False,
) -> None:
    """Store what shops export: `storewatch ingest orders.csv --kind order`.

    Rows that cannot be read are listed under snapshots/_quarantine, the others are stored; with too many bad rows (max_bad in
    facts.yaml) nothing is. The same file a second time changes nothing.

    Examples:

      storewatch ingest orders.csv --kind order --as-of 2026-11-20T18:00:00

      storewatch ingest 商品排行.xls --store s1

      storewatch ingest postgresql://reader@db/shop --query "select * from orders" --kind order

    Exit code 0: stored (even if some rows were quarantined). 1: an export was refused. 2: wrong options or facts.yaml.
    """
    from engine.facts_file import load_facts  # heavy: not on the path of --help
    from engine.ingest import Options, parse_instant, personal_key
    from engine.ingest.headings import known_kinds

    options = settings(context)
    try:
        facts = load_facts(options.project / "facts.yaml")
        known_kinds(kind or (), facts)
        instant = parse_instant(as_of, facts) if as_of else None
        taken = Options(
            now=datetime.now(UTC),
            kinds=tuple(kind or ()),
            as_of=instant,
            store=store,
            all_stores=all_stores,
            secret=personal_key(os.environ),
            query=query,
            allow_empty=allow_empty,
            pictures=pictures,
        )
        reports, refused = _ingest_all(options, sources, facts, taken)
    except StorewatchError as error:
        fail(options, error)
    _print_reports(options, facts, reports, refused)
    if refused:
        raise typer.Exit(1)


def _ingest_all(options: Settings, sources: list[str], facts: Facts, taken: Options) -> tuple[list[IngestReport], list[Refused]]:
    """Every source in turn; one that is refused does not keep the others out."""
    reports: list[IngestReport] = []
    refused: list[Refused] = []
    for source in sources:
        try:
            reports.append(_ingest_one(options, source, facts, taken))
        except IngestError as error:
            refused.append({"source": _name(source), "error": error.text, "hint": error.hint})
            options.say(Text(f"refused: {error.text.en}", f"未导入：{error.text.zh}"))
            if error.hint:
                options.say(Text(f"  hint: {error.hint.en}", f"  提示：{error.hint.zh}"))
    return reports, refused


def _ingest_one(options: Settings, source: str, facts: Facts, taken: Options) -> IngestReport:
    from engine.ingest.options import check_file, is_url, named

    if not is_url(source):
        try:
            check_file(source, taken.query)
        except IngestError as error:
            raise named(source, error) from None
    from engine.ingest import ingest as ingest_export  # the heavy part: only for what can be opened

    with _bar(options, source) as progress, _looking(options) as looking:
        try:
            return ingest_export(source, facts, options.project / SNAPSHOTS, taken, progress, looking)
        except KeyboardInterrupt:
            options.say(
                Text(
                    "stopped: nothing of this export is stored; what was looked at is kept, and the next time goes on from there",
                    "已中断：这份导出没有保存；看过的图片和链接已记下，下次接着来",
                )
            )
            raise


def _name(source: str) -> str:
    """What a report calls the source: never a folder, a user or a password."""
    return source.partition("://")[0] + "://" if "://" in source else Path(source).name


@contextmanager
def _bar(options: Settings, source: str) -> Iterator[Progress | None]:
    """A progress bar on standard error, where that is a terminal and the export is large (or of unknown size)."""
    path = Path(source)
    if not os.isatty(2) or (path.is_file() and path.stat().st_size < LARGE):
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        name = path.name if path.is_file() else Text("query", "查询").in_(options.language)
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _looking(options: Settings) -> Iterator[Looking | None]:
    """A bar for pictures and links, which take longer than rows; on a terminal only, and from the first of them on."""
    if not os.isatty(2):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(Text("pictures and links", "图片和链接").in_(options.language), total=None, visible=False)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=True)


def _print_reports(options: Settings, facts: Facts, reports: list[IngestReport], refused: list[Refused]) -> None:
    rows = [_row(report, kind) for report in reports for kind in report.kinds]
    if options.format == "json":
        rows += refused
    headings = INGESTED | {"as_of": Text(f"as of ({facts.time_zone})", f"数据时间（{facts.time_zone}）")}
    emit(options, [keeping.local_times(options, row, facts) for row in rows], headings, Text("nothing was stored", "没有保存任何内容"))
    for report in reports:
        for kind in report.kinds:
            _say_details(options, report, kind)
        for text in report.warnings:
            options.say(Text(f"{report.source}: note: {text.en}", f"{report.source}：注意：{text.zh}"))


def _row(report: IngestReport, kind: KindReport) -> Mapping[str, object]:
    return {
        "source": report.source,
        "kind": kind.kind,
        "as_of": kind.batches[-1].as_of,
        "read": kind.read,
        "stored": kind.stored,
        "quarantined": kind.quarantined,
        "repeated": kind.repeated,
        "batches": sum(not batch.already for batch in kind.batches),
        "already": sum(batch.already for batch in kind.batches),
        "reasons": kind.reasons,
        "quarantine_file": kind.quarantine_file,
        "totals_skipped": report.totals_skipped,
        "columns": {heading: column for heading, column in kind.mapped},
        "dropped": list(kind.dropped),
        "files": [str(batch.target) for batch in kind.batches],
        "warnings": list(report.warnings),
    }


def _say_details(options: Settings, report: IngestReport, kind: KindReport) -> None:
    named = ", ".join(f"{heading}→{column}" for heading, column in kind.mapped)
    options.say(Text(f"{report.source}: {kind.kind}: columns {named}", f"{report.source}：{kind.kind}：读取 {named}"))
    if kind.dropped:
        listed = ", ".join(kind.dropped)
        options.say(Text(f"  not declared, left out: {listed}", f"  未声明，未读取：{listed}"))
    if kind.quarantine_file:
        reasons = ", ".join(f"{code} {count}" for code, count in kind.reasons.items())
        options.say(Text(f"  quarantined ({reasons}): {kind.quarantine_file}", f"  已隔离（{reasons}）：{kind.quarantine_file}"))
