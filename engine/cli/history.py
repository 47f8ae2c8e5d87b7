"""What commands share that replay history: the time that is looked at, and a bar that tells how far they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from engine.cli.common import Settings
from engine.errors import Text, UsageError

if TYPE_CHECKING:
    from engine.project import Project
    from engine.replay import Appointment, Progress
    from engine.rules import AlertRule
    from engine.snapshots import Snapshots

DAYS = 90
INTERRUPTED = 130


def span_of(project: Project, snapshots: Snapshots, since: str, until: str, days: int | None, now: datetime) -> tuple[datetime, datetime]:
    """From when and until when. By default the last :data:`DAYS` days that there is data of, today or the last day of it included.

    Raises UsageError for what is no span of time, or has no data.
    """
    from engine.ingest import parse_instant  # heavy: only where a command runs

    if days is not None and since:
        raise UsageError(Text("give either --days or --from", "--days 和 --from 只能写一个"))
    newest = max((found for kind in snapshots.kinds() for found in [snapshots.newest(kind)] if found), default=None)
    if newest is None:
        hint = Text("ingest some exports first: storewatch ingest FILE", "请先导入数据：storewatch ingest 文件")
        raise UsageError(Text("there is no history: no data was ever ingested", "没有历史数据：还没有导入过任何数据"), hint)
    local = newest.astimezone(project.facts.zone)
    midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    end = parse_instant(until, project.facts) if until else min(now, midnight)
    start = _start(parse_instant(since, project.facts), since) if since else end - timedelta(days=days or DAYS)
    if start >= end:
        raise UsageError(Text("the time to look at ends before it begins", "要回放的时间段结束早于开始"))
    return start, end


def _start(instant: datetime, text: str) -> datetime:
    """A day on the command line is its end; where something begins it is its beginning."""
    return instant if ":" in text else instant - timedelta(days=1)


def appointments_of(
    project: Project, snapshots: Snapshots, since: datetime, until: datetime, rules: tuple[AlertRule, ...]
) -> list[Appointment]:
    """When schedules.yaml evaluates which of the rules. Raises UsageError where it never does."""
    from engine.replay.planning import scheduled

    found = scheduled(project, snapshots, since, until, rules)
    if not found:
        text = Text("schedules.yaml evaluates none of these rules in that time", "这段时间里 schedules.yaml 没有安排检查这些规则")
        raise UsageError(text, Text("look at a longer time: --days 90", "请把时间放长些：--days 90"))
    return found


@contextmanager
def progress_bar(options: Settings, name: Text) -> Iterator[Callable[[Progress], None]]:
    """Tells on standard error, where that is a terminal, how far a replay is and how long it may still take."""
    if not os.isatty(2):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name.in_(options.language), total=None)
        yield lambda step: bar.update(task, completed=step.done, total=step.planned)
