"""A daemon for an hour at a hundred times the normal rate: does its memory grow, does its queue?

    python benchmarks/soak.py [--minutes 60] [--stores 10000] [--state URL]

An evaluation a second (where half an hour is usual) over the newest sheets of all stores, which come every minute. One store in twenty is
in trouble, with one alert or two; with each minute one in two hundred gets into it and as many get out, so that alerts come and go and are
mailed, to a real SMTP server on this machine. Ends with exit code 1 when the
memory of the last third is more than a tenth above that of the second, when instants were left out or are late at the end, when messages
wait, or when one was lost.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from sqlalchemy import func, select

from engine.cli.init import copy_starter
from engine.ingest import Options, ingest
from engine.project import Project, load_project
from engine.state import State
from engine.state_tables import EVALUATIONS, NOTIFICATIONS
from tests.ports import free_port

SECOND = timedelta(seconds=1)
RULES = ("dsr_drop", "unfulfilled_orders", "ship_deadline_near", "refund_rate_rising")
SAMPLE = 15  # seconds between two looks


class Sink:
    """aiosmtpd's handler: counts what it accepts."""

    def __init__(self) -> None:
        self.accepted: Counter[str] = Counter()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        head = envelope.content.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
        self.accepted[next(line for line in head.splitlines() if line.lower().startswith("message-id:"))] += 1
        return "250 ok"


@dataclass
class Shops:
    """Sheets that change a little with every minute."""

    project: Project
    folder: Path
    stores: int
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    low: set[int] = field(init=False)

    def __post_init__(self) -> None:
        self.low = set(self.dice.sample(range(self.stores), self.stores // 20))

    def export(self, at: datetime) -> None:
        """New sheets of all stores, ingested as `storewatch ingest` does."""
        changing = self.stores // 200
        better, worse = self.dice.sample(sorted(self.low), changing), self.dice.sample(sorted({*range(self.stores)} - self.low), changing)
        self.low = self.low - {*better} | {*worse}
        ratings = "\n".join(f"s{n},店{n},{4.6 if n in self.low else 4.85},4.80,4.80" for n in range(self.stores))
        paid = (at + timedelta(hours=8) - timedelta(hours=5)).strftime("%Y-%m-%d %H:%M:%S")
        late = (at + timedelta(hours=8) - timedelta(hours=60)).strftime("%Y-%m-%d %H:%M:%S")
        orders = "\n".join(
            f"{n:06}{k},s{n},买家已付款,{paid},{late if n in self.low and n % 3 == 0 else paid},99.00"
            for n in range(self.stores)
            for k in range(5)
        )
        self._ingest("store", f"店铺Id,店铺名称,描述相符,服务态度,物流服务\n{ratings}\n", at)
        self._ingest("order", f"订单编号,店铺Id,订单状态,订单创建时间,订单付款时间,买家实际支付金额\n{orders}\n", at)

    def _ingest(self, kind: str, sheet: str, at: datetime) -> None:
        path = self.folder / f"{kind}.csv"
        path.write_text(sheet, encoding="utf-8")
        ingest(path, self.project.facts, self.project.snapshots, Options(at, (kind,), at, all_stores=True))


def memory(pid: int) -> float:
    """Megabytes of the process and of those that it started."""
    return sum(_resident(one) for one in (pid, *_children(pid))) / 1024


def _resident(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, file.read_text(encoding="ascii").split())
    return [*found, *(child for one in found for child in _children(one))]


@dataclass(frozen=True, slots=True)
class Look:
    """The daemon at a moment: megabytes, seconds that the newest evaluated instant lies back, evaluations, messages waiting and in all."""

    minute: float
    memory: float
    lag: float
    evaluations: int
    waiting: int
    messages: int

    def __str__(self) -> str:
        return (
            f"{self.minute:6.1f} min {self.memory:7.0f} MB  {self.lag:5.1f} s behind  {self.evaluations:6} evaluations  "
            f"{self.waiting:4} of {self.messages:6} messages waiting"
        )


def look(state: State, pid: int, began: float) -> Look:
    e, n = EVALUATIONS.c, NOTIFICATIONS.c
    with state.reading() as connection:
        count, newest = connection.execute(select(func.count(), func.max(e.instant))).one()
        waiting, messages = connection.execute(select(func.count().filter(n.state != "delivered"), func.count())).one()
    lag = (datetime.now(UTC) - newest).total_seconds() if newest else 0.0
    return Look((time.monotonic() - began) / 60, memory(pid), lag, count, waiting, messages)


def main() -> int:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="storewatch-soak-") as name:
        folder = Path(name) / "project"
        sink, port = Sink(), free_port()
        controller = Controller(sink, hostname="127.0.0.1", port=port)
        controller.start()
        write_project(folder, port)
        shops = Shops(load_project(folder), Path(name), options.stores)
        url = options.state or f"sqlite:///{folder / 'state.db'}"
        shops.export(datetime.now(UTC).replace(microsecond=0))
        with (Path(name) / "log").open("w") as log:
            command = [sys.executable, "-m", "engine.cli.main", "--project", str(folder), "serve"]
            daemon = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "STOREWATCH_STATE": url})
            try:
                looks = watch(daemon, shops, url, options.minutes)
            finally:
                daemon.send_signal(signal.SIGTERM)
                code = daemon.wait(30)
        controller.stop()
        with State.open(url) as state:
            return judge(looks, state, sink, code, Path(name) / "log")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="An hour at a hundred times the normal rate.")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--stores", type=int, default=10_000)
    parser.add_argument("--state", default="", help="an empty PostgreSQL database (default: SQLite)")
    return parser.parse_args()


def write_project(folder: Path, port: int) -> None:
    """The starter project with a schedule for every second, and everything mailed to this machine."""
    copy_starter(folder)
    schedule = f"schedules:\n  every_second: {{every: 1s, missed: each, rules: [{', '.join(RULES)}]}}\n"
    (folder / "schedules.yaml").write_text(schedule, encoding="utf-8")
    channels = folder / "channels.yaml"
    channels.write_text(channels.read_text(encoding="utf-8").replace("port: 2525", f"port: {port}"), encoding="utf-8")


def watch(daemon: subprocess.Popen[bytes], shops: Shops, url: str, minutes: float) -> list[Look]:
    """New sheets every minute, a look every few seconds, and a minute at the end without changes."""
    began, looks, told = time.monotonic(), list[Look](), -5.0
    next_export = began + 60
    time.sleep(SAMPLE)
    with State.open(url) as state:
        while (now := time.monotonic()) < began + minutes * 60 and daemon.poll() is None:
            if now >= next_export and now < began + minutes * 60 - 60:
                shops.export(datetime.now(UTC).replace(microsecond=0))
                next_export += 60
            looks.append(look(state, daemon.pid, began))
            if looks[-1].minute - told >= 5:
                told = looks[-1].minute
                print(looks[-1], flush=True)
            time.sleep(SAMPLE)
        looks.append(look(state, daemon.pid, began))
    print(looks[-1], flush=True)
    return looks


def judge(looks: list[Look], state: State, sink: Sink, code: int, log: Path) -> int:
    third = len(looks) // 3
    second, last = (statistics.median(one.memory for one in part) for part in (looks[third : 2 * third], looks[2 * third :]))
    end = looks[-1]
    every = select(EVALUATIONS.c.instant, EVALUATIONS.c.rules).where(EVALUATIONS.c.schedule == "every_second")
    with state.reading() as connection:
        rows = connection.execute(every.order_by(EVALUATIONS.c.number)).all()
        instants = [row.instant for row in rows if row.rules]  # a row without rules only says since when the schedule counts
        waiting = connection.scalar(select(func.count()).where(NOTIFICATIONS.c.state != "delivered"))
        messages = connection.scalar(select(func.count()).select_from(NOTIFICATIONS))
    gaps = sum(later - earlier != SECOND for earlier, later in pairwise(instants))
    arrived = len(sink.accepted)
    twice = sum(sink.accepted.values()) - arrived
    most = {name: max(getattr(one, name) for one in looks) for name in ("memory", "lag", "waiting")}
    print(f"memory: median {second:.0f} MB in the second third, {last:.0f} MB in the last; at most {most['memory']:.0f} MB")
    print(f"evaluations: {len(instants)}, left out or out of order: {gaps}")
    print(f"behind: at most {most['lag']:.1f} s, at the end {end.lag:.1f} s")
    print(f"messages: {messages}, arrived {arrived}, twice {twice}, waiting at the end {waiting}, at most {most['waiting']} at once")
    flat = last <= second * 1.1 and end.lag < 10 and waiting == 0
    whole = gaps == 0 and twice == 0 and arrived == messages
    if not (code == 0 and flat and whole):
        print(f"exit code of the daemon: {code}\n{log.read_text(encoding='utf-8')[-3000:]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
