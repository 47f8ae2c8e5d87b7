"""Daemons that are killed again and again, and what is left of their work when it is over.

    python -m tests.crash.chaos [--state URL] [--daemons 2] [--kills 200] [--points]

Every other second brings a new batch, in which ratings rise and fall, and an evaluation. Daemons are killed with SIGKILL, at random times
or at every fault point of :data:`tests.crash.nursery.POINTS`, and started again. Afterwards the same instants are evaluated once more,
from nothing and undisturbed: the alerts' transitions and the messages, to the byte, must be the same, every instant must have been
evaluated exactly once and in order, and every message must have arrived; twice at most once a kill, and then the same bytes.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from sqlalchemy import create_engine, make_url, select, text

from engine.actions import Surroundings, senders
from engine.cli.init import copy_starter
from engine.ingest import Options, ingest
from engine.matching.evaluate import Matcher
from engine.outbox import deliver, waiting
from engine.pipeline import run_round
from engine.project import Project, load_project
from engine.snapshots import Snapshots
from engine.state import State
from engine.state_tables import EVALUATIONS, NOTIFICATIONS, TRANSITIONS
from tests.crash.nursery import POINTS
from tests.ports import free_port

SECOND = timedelta(seconds=1)
EVERY = 2  # seconds between batches, and between evaluations
STORES = 5
AHEAD, LEAST_AHEAD = timedelta(seconds=80), timedelta(seconds=40)
LATER = timedelta(hours=2)  # past every lease and every pause
RULES = """
- alert: dsr_low
  title: 描述评分低
  facts: store
  when: dsr_desc < 4.7
  severity: {critical: dsr_desc < 4.5, warning: otherwise}
  owner: service
  show: {描述相符: dsr_desc}
  trend: dsr_desc
- alert: service_falls
  title: 服务评分下降
  facts: store
  when: dsr_service < previous(dsr_service)
  for: 2s
  keep_firing_for: 4s
  severity: warning
  owner: page
  show: {服务态度: dsr_service}
- incident: both
  title: 两项评分都低
  when:
    all:
      low: alert where name == 'dsr_low' and severity == 'warning'
      falls: alert where name == 'service_falls'
  keep_firing_for: 4s
  severity: warning
  owner: service
"""
SCHEDULES = f"schedules:\n  often: {{every: {EVERY}s, missed: each}}\n"


class Inbox:
    """aiosmtpd's handler: every mail that was accepted, by its Message-ID and recipient."""

    def __init__(self) -> None:
        self.accepted: Counter[tuple[str, bytes]] = Counter()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.accepted[envelope.rcpt_tos[0], envelope.content.replace(b"\r\n", b"\n")] += 1
        return "250 ok"


class Nursery:
    """The process that forks daemons."""

    def __init__(self, stack: ExitStack) -> None:
        command = [sys.executable, "-m", "tests.crash.nursery"]
        self.process = stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        stack.callback(self.process.kill)

    def ask(self, **request: object) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline()))


@dataclass
class World:
    """A project with batches that lie a little ahead of the clock, a database, a mail server, and the daemons."""

    folder: Path
    url: str
    nursery: Nursery
    inbox: Inbox
    feeder: Feeder
    kills: int = 0

    def start(self, *kill_at: object) -> int:
        """A daemon; returns its process id."""
        return int(self.nursery.ask(start=str(self.folder), state=self.url, kill_at=list(kill_at) or None)["pid"])

    def kill(self, pid: int) -> None:
        assert self.nursery.ask(end=pid, signal=signal.SIGKILL, seconds=10)["code"] == -signal.SIGKILL, self.log()
        self.kills += 1

    def killed_itself(self, pid: int, seconds: float = 180) -> bool:
        """Whether the daemon came to its fault point within that time."""
        code = self.nursery.ask(end=pid, signal=None, seconds=seconds)["code"]
        assert code in (None, -signal.SIGKILL), self.log()
        self.kills += code is not None
        return code is not None

    def stop(self, pid: int) -> None:
        """Gracefully, unless it was only starting and did not heed signals yet."""
        assert self.nursery.ask(end=pid, signal=signal.SIGTERM, seconds=60)["code"] in (0, -signal.SIGTERM), self.log()

    def log(self) -> str:
        return (self.folder / "daemon.log").read_text(encoding="utf-8")[-5000:]

    @property
    def evaluated(self) -> int:
        """How many instants were evaluated."""
        with State.open(self.url) as state:
            return len(_evaluated(state))


@contextmanager
def world(url: str = "") -> Iterator[World]:
    """``url``: a PostgreSQL database, in which a schema is made and dropped; empty for SQLite."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storewatch-chaos-", ignore_cleanup_errors=True))) / "project"
        inbox = Inbox()
        controller = Controller(inbox, hostname="127.0.0.1", port=free_port())
        controller.start()
        stack.callback(controller.stop)
        _write_project(folder, controller.port)
        state = stack.enter_context(_schema(url)) if url else f"sqlite:///{folder / 'state.db'}"
        made = World(folder, state, Nursery(stack), inbox, stack.enter_context(feeder(folder)))
        yield made


def _write_project(folder: Path, port: int) -> None:
    copy_starter(folder)
    for file in (folder / "rules").iterdir():
        file.unlink()
    (folder / "rules" / "ratings.yaml").write_text(RULES, encoding="utf-8")
    (folder / "schedules.yaml").write_text(SCHEDULES, encoding="utf-8")
    channels = folder / "channels.yaml"
    channels.write_text(channels.read_text(encoding="utf-8").replace("port: 2525", f"port: {port}"), encoding="utf-8")


class Feeder(threading.Thread):
    """Ingests batches that lie ahead of the clock, one for each evaluation: each is there long before its time, so that what is true at an
    instant does not depend on who looks when. Where this machine is too slow for that, some evaluations find nothing new."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder, self.project = folder, load_project(folder)
        self.dice = random.Random(20261122)
        self.next = datetime.now(UTC).replace(microsecond=0)
        self.over = threading.Event()
        self.late = False

    def write(self) -> None:
        """The next batch."""
        behind = datetime.now(UTC) + LEAST_AHEAD - self.next if self.is_alive() else timedelta()
        self.next += max(0, -(-behind // (EVERY * SECOND))) * EVERY * SECOND
        export = self.folder / "ratings.csv"
        rows = [f"s{n},店{n},{self.dice.choice((4.4, 4.6, 4.8, 4.8, 4.8))},{self.dice.choice((4.7, 4.8))},4.80" for n in range(STORES)]
        export.write_text("店铺Id,店铺名称,描述相符,服务态度,物流服务\n" + "\n".join(rows) + "\n", encoding="utf-8")
        ingest(export, self.project.facts, self.project.snapshots, Options(self.next, ("store",), self.next, all_stores=True))
        self.late |= self.is_alive() and self.next <= datetime.now(UTC)
        self.next += EVERY * SECOND

    def run(self) -> None:
        while not self.over.is_set():
            self.write() if self.next < datetime.now(UTC) + AHEAD else time.sleep(0.1)

    def stop(self) -> None:
        self.over.set()
        self.join()
        assert not self.late, "this machine is too slow: a batch came after its time"


@contextmanager
def feeder(folder: Path) -> Iterator[Feeder]:
    made = Feeder(folder)
    for _ in range(LEAST_AHEAD // (EVERY * SECOND)):
        made.write()  # before there is a daemon that could look
    made.start()
    try:
        yield made
    finally:
        made.over.set()
        made.join()


@contextmanager
def _schema(url: str) -> Iterator[str]:
    name = f"storewatch_{uuid.uuid4().hex}"
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    yield make_url(url).update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
    server.dispose()


def random_kills(made: World, daemons: int, kills: int, dice: random.Random) -> None:
    """Kill one of the daemons at a random time, and start another, again and again."""
    living = [made.start() for _ in range(daemons)]
    while made.kills < kills:
        time.sleep(dice.uniform(0.05, 5))
        victim = living.pop(dice.randrange(len(living)))
        made.kill(victim)
        living.append(made.start())
    _settle(made, living)


def kills_at_points(made: World, daemons: int, points: Sequence[str] = tuple(POINTS)) -> list[tuple[str, str]]:
    """A daemon that dies before, and one that dies after each point, beside the others. Returns those points that none came to."""
    living = [made.start() for _ in range(daemons - 1)]
    missed = []
    for point in points:
        for side in ("before", "after"):
            victim = made.start(point, side, 3)
            if not made.killed_itself(victim):
                missed.append((point, side))
                made.kill(victim)
    _settle(made, [*living, made.start()])
    return missed


def _settle(made: World, living: Sequence[int], seconds: float = 300) -> None:
    """Wait until these have evaluated a few instants, then stop them. A machine that is too slow need not catch up with the clock."""
    found, until = made.evaluated, time.monotonic() + seconds
    while made.evaluated < found + 3:
        assert time.monotonic() < until, made.log()
        time.sleep(1)
    for pid in living:
        made.stop(pid)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it. ``twice`` are mails that arrived once more than they should."""

    kills: int
    instants: int
    transitions: int
    messages: int
    twice: int

    def __str__(self) -> str:
        return (
            f"{self.kills} kills; {self.instants} instants, each evaluated once; "
            f"{self.transitions} transitions and {self.messages} messages as without kills; "
            f"0 lost, {self.twice} arrived twice with the same Message-ID"
        )


def judge(made: World) -> Verdict:
    """Deliver what waits, and compare with an undisturbed evaluation of the same instants. Raises AssertionError."""
    made.feeder.stop()
    project = load_project(made.folder)
    with State.open(made.url) as state:
        _deliver_all(project, state)
        found = _evaluated(state)
        moves, letters = _history(state)
    assert found, made.log()
    wrong = [f"{one:%H:%M:%S} after {last:%H:%M:%S}" for last, one in pairwise(found) if one - last != EVERY * SECOND]
    assert not wrong, f"instants were left out, or evaluated out of order: {wrong}"
    with State.open(f"sqlite:///{made.folder / 'undisturbed.db'}") as state:
        matcher, snapshots = Matcher(project.facts.schemas, project.facts.time_zone), Snapshots(project.snapshots)
        for at in found:
            run_round(project, matcher, snapshots, state, at, schedule="often", rules=project.rules, clock=lambda at=at: at)  # type: ignore[misc]
        moves_wanted, letters_wanted = _history(state)
    assert moves == moves_wanted, "the alerts have another history"
    assert letters == letters_wanted, "other messages were written"
    wanted = {(recipient, payload.replace(b"\r\n", b"\n")) for _, _, recipient, payload in letters_wanted}
    arrived = {(recipient, content.rstrip(b"\n")) for recipient, content in made.inbox.accepted}
    assert arrived == {(recipient, content.rstrip(b"\n")) for recipient, content in wanted}, "a message was lost, or one was invented"
    twice = sum(count - 1 for count in made.inbox.accepted.values())
    assert twice <= made.kills, "a message arrived twice without a kill"
    return Verdict(made.kills, len(found), len(moves), len(letters), twice)


def _deliver_all(project: Project, state: State) -> None:
    """What a daemon would send in the hours to come."""
    ahead = datetime.now(UTC)
    ready = senders(project.channels, Surroundings(project.folder, {}, None, lambda: datetime.now(UTC)))
    while (left := waiting(state)).queued or left.sending:
        ahead += LATER
        deliver(state, ready, lambda ahead=ahead: ahead)  # type: ignore[misc]


def _evaluated(state: State) -> list[datetime]:
    """The instants that were evaluated, in that order. A row without rules only says since when the schedule counts."""
    query = select(EVALUATIONS.c.instant, EVALUATIONS.c.rules).where(EVALUATIONS.c.schedule == "often")
    with state.reading() as connection:
        return [row.instant for row in connection.execute(query.order_by(EVALUATIONS.c.number)) if row.rules]


def _history(state: State) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Every transition and every message, in order of evaluation and of content."""
    t, n = TRANSITIONS.c, NOTIFICATIONS.c
    moves = select(t.at, t.rule, t.key, t.episode, t.before, t.after, t.reason, t.severity)
    letters = select(n.id, n.channel, n.recipient, n.payload)
    with state.reading() as connection:
        told = [tuple(row) for row in connection.execute(letters)]
        return [tuple(row) for row in connection.execute(moves.order_by(t.number))], sorted(told)


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill daemons, and see what is left.")
    parser.add_argument("--state", default="", help="a PostgreSQL database (default: SQLite)")
    parser.add_argument("--daemons", type=int, default=1)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--points", action="store_true", help="kill at every fault point instead of at random times")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with world(options.state) as made:
        if options.points:
            missed = kills_at_points(made, options.daemons)
            print(f"{len(POINTS)} points, before and after each; never reached: {missed or 'none'}")
        else:
            random_kills(made, options.daemons, options.kills, random.Random(options.seed))
        print(judge(made))


if __name__ == "__main__":
    main()
