"""Whether the daemon is alive, and whether it does its work: reasons why not, none when all is well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from engine.daemon.status import Figures
from engine.errors import Text

TURNS_WITHIN = 30.0  # seconds
PINGING = "pinging"  # a ping that cannot be made is not what keeps the daemon from its work
STUCK = 1800.0  # seconds in one step; the longest round ever measured takes minutes


class Working(Protocol):
    """A worker, as far as health is concerned."""

    name: str

    def is_alive(self) -> bool: ...

    def busy_for(self) -> float: ...


def sick(workers: Iterable[Working], since_last_turn: float) -> Iterator[Text]:
    """Why the process should be started anew."""
    if since_last_turn > TURNS_WITHIN:
        yield Text(f"the main loop has not turned for {since_last_turn:.0f} s", f"主循环已有 {since_last_turn:.0f} 秒没有转动")
    for worker in workers:
        if not worker.is_alive():
            yield Text(f"the thread '{worker.name}' has ended", f"线程 {worker.name} 已结束")
        elif worker.busy_for() > STUCK:
            yield Text(
                f"'{worker.name}' has been at one step for {worker.busy_for():.0f} s",
                f"{worker.name} 一步已做了 {worker.busy_for():.0f} 秒",
            )


def unready(figures: Figures, database: Text | None) -> Iterator[Text]:
    """Why it does not do its work, though it is alive. ``database`` is why that cannot be asked."""
    if database:
        yield database
    if not figures.ready:
        yield Text("still catching up on what was missed", "正在补做错过的检查")
    for worker, error in figures.error.items():
        if worker != PINGING:
            yield Text(f"{worker}: {error.en}", f"{worker}：{error.zh}")


def not_turning(figures: Figures) -> Iterator[Text]:
    """Why the dead-man's ping must not be sent: rounds that cannot be done."""
    for name, schedule in figures.schedules.items():
        if schedule.error:
            yield Text(f"schedule {name}: {schedule.error.en}", f"时间表 {name}：{schedule.error.zh}")
