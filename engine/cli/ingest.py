"""``storewatch ingest``, ``snapshots`` and ``prune``: exports in, what is there, the end of keeping."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, emit, fail, settings
from engine.errors import IngestError, StorewatchError, Text, UsageError
from engine.fields import parse_duration
from engine.yamlfile import BilingualError

if TYPE_CHECKING:
    from engine.facts import Facts
    from engine.ingest import IngestReport, KindReport, Options
    from engine.ingest.ingesting import Progress
    from engine.snapshots import Snapshots

LARGE = 20_000_000  # bytes: smaller files are read before a bar could be looked at
SNAPSHOTS = "snapshots"
INGESTED = {
    "source": Text("file", "文件"),
    "kind": Text("kind", "种类"),
    "as_of": Text("as of (UTC)", "数据时间（UTC）"),
    "read": Text("read", "读到"),
    "stored": Text("stored", "保存"),
    "quarantined": Text("quarantined", "隔离"),
    "repeated": Text("repeated", "重复"),
    "batches": Text("batches", "批次"),
    "already": Text("already there", "已有"),
}
LISTED = {
    "kind": Text("kind", "种类"),
    "store_id": Text("store", "店铺"),
    "as_of": Text("newest (UTC)", "最新数据（UTC）"),
    "age": Text("age", "距今"),
    "state": Text("state", "状态"),
    "batches": Text("batches", "批次"),
    "rows": Text("rows of the newest", "最新批次行数"),
}
PRUNED = {
    "kind": Text("kind", "种类"),
    "batches": Text("batches removed", "删除批次"),
    "rows": Text("rows", "行数"),
    "bytes": Text("bytes", "字节"),
    "quarantine_files": Text("quarantine lists", "隔离清单"),
}
STATES = {"fresh": Text("fresh", "新鲜"), "stale": Text("stale", "过期"), "missing": Text("never came", "从未报送")}


def register(app: typer.Typer) -> None:
    app.command("ingest")(ingest)
    app.command("snapshots")(snapshots)
    app.command("prune")(prune)


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

    options = settings(context)
    try:
        facts = load_facts(options.project / "facts.yaml")
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
        )
        reports, refused = _ingest_all(options, sources, facts, taken)
    except StorewatchError as error:
        fail(options, error)
    _print_reports(options, reports)
    if refused:
        raise typer.Exit(1)


def _ingest_all(options: Settings, sources: list[str], facts: Facts, taken: Options) -> tuple[list[IngestReport], int]:
    """Every source in turn; one that is refused does not keep the others out. Gives the reports and how many were refused."""
    from engine.ingest import ingest as ingest_export

    reports, refused = [], 0
    for source in sources:
        try:
            with _bar(options, source) as progress:
                reports.append(ingest_export(source, facts, options.project / SNAPSHOTS, taken, progress))
        except IngestError as error:
            refused += 1
            options.say(Text(f"refused: {error.text.en}", f"未导入：{error.text.zh}"))
            if error.hint:
                options.say(Text(f"  hint: {error.hint.en}", f"  提示：{error.hint.zh}"))
    return reports, refused


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


def _print_reports(options: Settings, reports: list[IngestReport]) -> None:
    rows = [_row(report, kind) for report in reports for kind in report.kinds]
    emit(options, rows, INGESTED, Text("nothing was stored", "没有保存任何内容"))
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


def snapshots(context: typer.Context) -> None:
    """List what was ingested: for each kind and store the newest data, its age, and whether it still counts."""
    from engine.facts_file import load_facts  # heavy: not on the path of --help
    from engine.snapshots import Snapshots

    options = settings(context)
    try:
        facts = load_facts(options.project / "facts.yaml")
        found = Snapshots(options.project / SNAPSHOTS)
        rows = [row for kind in found.kinds() if kind in facts.kinds for row in _ages(options, found, facts, kind, datetime.now(UTC))]
    except StorewatchError as error:
        fail(options, error)
    emit(options, rows, LISTED, Text("nothing was ingested yet: storewatch ingest FILE", "还没有数据：请先运行 storewatch ingest 文件"))


def _ages(options: Settings, found: Snapshots, facts: Facts, kind: str, now: datetime) -> Iterator[Mapping[str, object]]:
    batches = found.batches(kind, until=now)
    for_all = sum(batch.scope.inverted for batch in batches)
    counted = Counter(store for batch in batches if not batch.scope.inverted for store in batch.scope.names)
    rows = {(store, batch.as_of): batch.rows for batch in batches for store in (["*"] if batch.scope.inverted else batch.scope.names)}
    ages = found.ages(kind, now, facts.kinds[kind].fresh_for)
    for age in ages:
        state = STATES["stale" if age.stale else "fresh"].in_(options.language)
        number = for_all + (0 if age.store_id == "*" else counted[age.store_id])
        yield {
            "kind": kind,
            "store_id": age.store_id,
            "as_of": age.as_of,
            "age": _spell(age.age),
            "state": state,
            "batches": number,
            "rows": rows[age.store_id, age.as_of],
        }
    known = {age.store_id for age in ages}
    for store in facts.expected if "*" not in known else ():
        if store not in known:
            yield {"kind": kind, "store_id": store, "state": STATES["missing"].in_(options.language), "batches": 0}


def _spell(age: timedelta) -> str:
    """``3d04h``, ``4h05m``, ``12m``."""
    minutes = int(age.total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    return f"{days}d{hours:02}h" if days else f"{hours}h{minutes:02}m" if hours else f"{minutes}m"


def prune(
    context: typer.Context,
    keep: Annotated[str, typer.Option(help="How long to keep batches, e.g. 400d or 8w.")],
    everything: Annotated[bool, typer.Option("--all", help="Also the newest batch of a store, when it is that old.")] = False,
) -> None:
    """Remove batches (and lists of quarantined rows) that are older than --keep. The newest batch of each kind and store stays."""
    from engine.ingest import prune as prune_folder  # heavy: not on the path of --help

    options = settings(context)
    try:
        removed = prune_folder(options.project / SNAPSHOTS, _duration(keep), datetime.now(UTC), everything=everything)
    except StorewatchError as error:
        fail(options, error)
    rows = [{name: getattr(item, name) for name in PRUNED} for item in removed if item.batches or item.quarantine_files]
    emit(options, rows, PRUNED, Text("nothing is that old", "没有这么旧的数据"))


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except BilingualError as error:
        raise UsageError(error.text, error.hint) from None
