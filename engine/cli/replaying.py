"""What commands share that replay history: which span, which rules and instants, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from engine.cli.common import Settings, clock
from engine.cli.words import local_time
from engine.errors import Text, UsageError

if TYPE_CHECKING:
    from engine.archive import Archive
    from engine.project import Project
    from engine.replay import Appointment, Progress

DAYS = 30
SOME = 20
REPLAYING = Text("replaying", "回放中")


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of the command line that say what to replay, as they were typed. ``days`` 0 is none given."""

    since: str = ""
    until: str = ""
    days: int = 0
    rules: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    every: str = ""
    per_batch: bool = False


def names_in(given: Iterable[str] | None) -> tuple[str, ...]:
    """The names in options that hold several, with commas between."""
    return tuple(name.strip() for text in given or () for name in text.split(",") if name.strip())


def span(asked: Asked, project: Project, archive: Archive) -> tuple[datetime, datetime]:
    """The first and the last instant. A day given as ``--from`` is its beginning, as ``--to`` its end; without ``--to`` it is now.

    Raises :class:`UsageError` where that is no span, or no data is of it.
    """
    from engine.ingest import parse_instant

    if asked.since and asked.days:
        raise UsageError(Text("give --from or --days, not both", "--from 和 --days 只能写一个"))
    now = clock().replace(microsecond=0)
    until = min(parse_instant(asked.until, project.facts), now) if asked.until else now
    since = parse_instant(asked.since, project.facts) if asked.since else until - timedelta(days=asked.days or DAYS)
    if asked.since and ":" not in asked.since:
        since -= timedelta(days=1)  # a day is its end to the parser
    if since >= until:
        text = Text("--from must be earlier than --to (and than now)", "--from 必须早于 --to（和现在）")
        raise UsageError(text)
    _check_data(project, archive, since, until)
    return since, until


def _check_data(project: Project, archive: Archive, since: datetime, until: datetime) -> None:
    batches = [batch for kind in archive.kinds() for batch in archive.batches(kind)]
    if not batches:
        raise UsageError(
            Text("there are no snapshots to replay", "没有可以回放的快照"),
            Text("ingest exports first: storewatch ingest FILE --kind KIND", "请先导入：storewatch ingest 文件 --kind 种类"),
        )
    longest = max(kind.fresh_for for kind in project.facts.schemas.values())
    first, last = min(batch.as_of for batch in batches), max(batch.as_of for batch in batches)
    if last < since - longest or first > until:
        zone = project.facts.zone
        known = f"{local_time(first, zone)} .. {local_time(last, zone)}"
        raise UsageError(
            Text("there is no data of that time", "这段时间没有数据"),
            Text(f"snapshots are of {known}: say --from and --to", f"快照的时间是 {known}，请用 --from 和 --to 指定"),
        )


def planned(asked: Asked, project: Project, archive: Archive, since: datetime, until: datetime) -> list[Appointment]:
    """The instants, each with the rules that are evaluated. Raises :class:`UsageError` where there is none."""
    from engine.fields import parse_duration
    from engine.replay import planning

    rules = project.select(asked.rules)
    if asked.every and asked.per_batch:
        raise UsageError(Text("give --every or --per-batch, not both", "--every 和 --per-batch 只能写一个"))
    if asked.every:
        found = planning.every(_step(asked.every, parse_duration), since, until, rules)
    elif asked.per_batch:
        found = planning.per_batch(project, archive, since, until, rules)
    else:
        found = planning.scheduled(project, archive, since, until, rules)
    if not found:
        raise UsageError(
            Text("nothing would be evaluated in that time", "这段时间内不会检查任何规则"),
            Text("schedules.yaml says when; or give --every 1d", "什么时候检查由 schedules.yaml 决定；也可以加 --every 1d"),
        )
    return found


def _step(text: str, parse: Callable[[str], timedelta]) -> timedelta:
    try:
        step = parse(text)
    except ValueError:
        step = timedelta(0)
    if step < timedelta(minutes=1):
        raise UsageError(
            Text(f"--every {text}: write a time like 1d, 6h or 30m, at least 1m", f"--every {text}：写法如 1d、6h、30m，至少 1m")
        )
    return step


def check_stores(asked: Asked, stores: Sequence[str]) -> None:
    """Raises :class:`UsageError` for a store that no snapshot knows."""
    from engine.errors import did_you_mean

    some = ", ".join(stores[:SOME])
    for store in asked.stores:
        if store not in stores:
            hint = did_you_mean(store, stores) or Text(f"there are: {some}", f"已有：{some}")
            raise UsageError(Text(f"no snapshot has the store '{store}'", f"快照里没有店铺 '{store}'"), hint)


def known_stores(project: Project, archive: Archive, until: datetime) -> list[str]:
    found = frozenset[str]().union(*(archive.known_stores(kind, until=until) for kind in archive.kinds()))
    return sorted(found)


@contextmanager
def bar(options: Settings, name: Text = REPLAYING) -> Iterator[Callable[[Progress], None]]:
    """Shows on standard error how far a replay (called ``name``) is and how long it still takes; nothing where that is not a terminal."""
    with steps(options, name) as tell:
        yield lambda done: tell(done.done, done.planned, f"{done.at:%Y-%m-%d}")


@contextmanager
def steps(options: Settings, name: Text) -> Iterator[Callable[..., None]]:
    """As :func:`bar`, for anything that is done step by step: yields what is told how many are done, of how many, and a word."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[at]}"))
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task(name.in_(options.language), total=None, at="")
        yield lambda done, total, word="": shown.update(task, total=total, completed=done, at=word)
