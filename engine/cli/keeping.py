"""``storewatch snapshots`` and ``prune``: what is there, and the end of keeping."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, emit, fail, settings
from engine.errors import StorewatchError, Text, UsageError

if TYPE_CHECKING:
    from engine.facts import Facts
    from engine.ingest import Pruned
    from engine.model import Stores
    from engine.rules import AlertRule
    from engine.snapshots import Snapshots

SNAPSHOTS = "snapshots"
LEAST_KEPT = timedelta(days=1)
STATES = {"fresh": Text("fresh", "新鲜"), "stale": Text("stale", "过期"), "missing": Text("never came", "从未报送")}
PRUNED = {
    "kind": Text("kind", "种类"),
    "batches": Text("batches", "批次"),
    "rows": Text("rows", "行数"),
    "bytes": Text("bytes", "字节"),
    "quarantine_files": Text("quarantine lists", "隔离清单"),
}


def _listed(zone: str) -> dict[str, Text]:
    return {
        "kind": Text("kind", "种类"),
        "store_id": Text("store", "店铺"),
        "as_of": Text(f"newest ({zone})", f"最新数据（{zone}）"),
        "age": Text("age", "距今"),
        "state": Text("state", "状态"),
        "batches": Text("batches", "批次"),
        "rows": Text("rows of the newest", "最新批次行数"),
    }


def _all_listed(zone: str) -> dict[str, Text]:
    return {
        "id": Text("batch", "批次"),
        "as_of": Text(f"as of ({zone})", f"数据时间（{zone}）"),
        "stores": Text("stores", "店铺"),
        "rows": Text("rows", "行数"),
        "quarantined": Text("quarantined", "隔离"),
        "source": Text("file", "文件"),
    }


def snapshots(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Every batch by itself, with its id.")] = False,
) -> None:
    """List what was ingested: for each kind and store the newest data, its age, and whether it still counts."""
    from engine.facts_file import load_facts  # heavy: not on the path of --help
    from engine.snapshots import Snapshots

    options = settings(context)
    try:
        facts = load_facts(options.project / "facts.yaml")
        found = Snapshots(options.project / SNAPSHOTS)
        kinds = [kind for kind in found.kinds() if kind in facts.kinds]
        now = datetime.now(UTC)
        rows = list(_batches(found)) if everything else [row for kind in kinds for row in _ages(options, found, facts, kind, now)]
    except StorewatchError as error:
        fail(options, error)
    headings = (_all_listed if everything else _listed)(facts.time_zone)
    emit(
        options,
        [local_times(options, row, facts) for row in rows],
        headings,
        Text("nothing was ingested yet: storewatch ingest FILE", "还没有数据：请先运行 storewatch ingest 文件"),
    )


def local_times(options: Settings, row: Mapping[str, object], facts: Facts) -> Mapping[str, object]:
    """The row with its instant as tables show it, in the project's time zone; for programs it stays UTC."""
    as_of = row.get("as_of")
    if options.format == "json" or not isinstance(as_of, datetime):
        return row
    return {**row, "as_of": as_of.astimezone(facts.zone).strftime("%Y-%m-%d %H:%M:%S")}


def _batches(found: Snapshots) -> Iterator[Mapping[str, object]]:
    for kind in found.kinds():
        for batch in found.batches(kind):
            yield {
                "id": batch.id,
                "kind": kind,
                "as_of": batch.as_of,
                "stores": _spell_stores(batch.scope),
                "rows": batch.rows,
                "quarantined": batch.quarantined,
                "source": batch.source,
                "ingested_at": batch.ingested_at,
            }


def _spell_stores(scope: Stores) -> str:
    return "*" if scope.inverted else ", ".join(sorted(scope.names))


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
    keep: Annotated[str, typer.Option(help="How long to keep batches, e.g. 400d or 8w; at least 1d.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Also the newest batch of a store, when it is that old.")] = False,
    batch: Annotated[str, typer.Option(metavar="ID", help="Remove this one batch (ids: storewatch snapshots --all).")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it, although it cannot be undone and rules may need it.")] = False,
) -> None:
    """Remove batches (and lists of quarantined rows) that are older than --keep, or one bad batch.

    The newest batch of each kind and store stays. Where a rule looks further back than --keep, nothing is removed without --yes.

    Examples:

      storewatch prune --keep 400d --dry-run

      storewatch prune --batch order/20261120T160000Z-0123456789ab --yes

    Exit code 0: done. 2: wrong options. 3: the snapshot folder cannot be read or written.
    """
    options = settings(context)
    try:
        removed = _prune_batch(options, batch, keep, dry_run, yes) if batch else _prune_old(options, keep, everything, dry_run, yes)
    except StorewatchError as error:
        fail(options, error)
    rows = [{name: getattr(item, name) for name in PRUNED} for item in removed if item.batches or item.quarantine_files]
    if rows and dry_run:
        options.say(Text("would be removed (--dry-run):", "将会删除（--dry-run）："))
    emit(options, rows, PRUNED, Text("nothing is that old", "没有这么旧的数据"))


def _prune_batch(options: Settings, batch: str, keep: str, dry_run: bool, yes: bool) -> tuple[Pruned, ...]:
    from engine.ingest import remove_batch  # heavy: not on the path of --help

    if keep:
        raise UsageError(Text("--batch and --keep exclude each other", "--batch 和 --keep 不能同时使用"))
    folder = options.project / SNAPSHOTS
    found = remove_batch(folder, batch, dry_run=True)
    if dry_run:
        return (found,)
    if not yes:
        raise UsageError(
            Text(f"this removes {batch} ({found.rows} rows) for good", f"这会永久删除 {batch}（{found.rows} 行）"),
            Text("add --yes to do it", "确认请加 --yes"),
        )
    return (remove_batch(folder, batch),)


def _prune_old(options: Settings, keep: str, everything: bool, dry_run: bool, yes: bool) -> tuple[Pruned, ...]:
    if not keep:
        raise UsageError(Text("say what to remove: --keep 400d, or --batch ID", "请说明要删除什么：--keep 400d 或 --batch 批次"))
    kept = _duration(keep)
    if kept < LEAST_KEPT:
        raise UsageError(
            Text(f"--keep {keep} would remove nearly everything: keep at least 1d", f"--keep {keep} 几乎会删除全部数据：至少保留 1d"),
        )
    _compare_with_rules(options, keep, kept, stop=not (dry_run or yes))
    from engine.ingest import prune as prune_folder  # heavy: not on the path of --help

    return prune_folder(options.project / SNAPSHOTS, kept, datetime.now(UTC), everything=everything, dry_run=dry_run)


def _compare_with_rules(options: Settings, keep: str, kept: timedelta, *, stop: bool) -> None:
    """Rules that look further back than ``kept`` would know less. Raises UsageError when ``stop``; else it is said."""
    reach = _reach(options.project)
    further = sorted((name for name, span in reach.items() if span > kept), key=lambda name: -reach[name])
    if not further:
        return
    listed = ", ".join(further[:3]) + (" …" if len(further) > 3 else "")
    text = Text(
        f"{len(further)} rule(s) look further back than {keep}: {listed}",
        f"有 {len(further)} 条规则要看的数据超过 {keep}：{listed}",
    )
    if stop:
        needed = -(-max(reach.values()) // timedelta(days=1))
        raise UsageError(text, Text(f"keep at least {needed}d, or add --yes", f"至少保留 {needed}d，或加 --yes"))
    options.say(text)


def _reach(folder: Path) -> dict[str, timedelta]:
    """How old the data may be that each rule of the project reads, for those with a window. Raises ProblemsFound for broken files."""
    from engine.facts_file import load_facts  # heavy, as the others
    from engine.lets import read_lets
    from engine.rules import read_rules
    from engine.yamlfile import load

    paths = sorted((folder / "rules").rglob("*.yaml"))
    if not paths:
        return {}
    facts = load_facts(folder / "facts.yaml")
    documents = [load(path, path.relative_to(folder).as_posix()) for path in paths if not path.stem.endswith(".test")]
    lets = read_lets(documents, facts.schemas, facts.time_zone)
    rules = [rule for document in documents for rule in read_rules(document, facts.schemas, facts.time_zone, lets).rules]
    return {rule.name: span + facts.kinds[rule.kind].fresh_for for rule in rules if (span := look_back(rule))}


def look_back(rule: AlertRule) -> timedelta:
    """The longest window of history that the rule names (not those without a window, which take what there is)."""
    from engine.language import walk  # heavy
    from engine.language.typed import History

    nodes = [rule.when, rule.where, *(node for _, node in rule.severities), *(item.value for item in rule.show)]
    found = [each.window for node in nodes if node is not None for each in walk(node) if isinstance(each, History) and each.window]
    return max(found, default=timedelta(0))


def _duration(text: str) -> timedelta:
    from engine.fields import parse_duration  # heavy: pydantic
    from engine.yamlfile import BilingualError

    try:
        return parse_duration(text)
    except BilingualError as error:
        raise UsageError(error.text, error.hint) from None
