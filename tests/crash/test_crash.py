"""SIGKILL at any point of `ingest` and `run`, then the same commands again: nothing is lost, nothing is mailed twice.

The one exception is the one that the promise names: killed after the server accepted a mail and before that was noted, the same mail
comes again with the same Message-ID.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from engine.cli.init import copy_starter
from tests.ports import free_port

AT = "2026-11-20T09:30"
STORES = "店铺Id,店铺名称,描述相符,服务态度,物流服务\ns1,一号店,4.61,4.80,4.80\ns2,二号店,4.85,4.80,4.80\ns3,三号店,4.20,4.80,4.80\n"
ORDERS = "订单编号,店铺Id,订单状态,订单创建时间,订单付款时间 ,买家实际支付金额\n" + "".join(
    f'="35150000000000000{n:02d}",s1,买家已付款,2026-11-1{n % 5} 10:00:00,2026-11-1{n % 5} 10:05:00,"1,0{n:02d}.50"\n' for n in range(8)
)
RULES = """
- alert: dsr_drop
  title: 评分下降
  facts: store
  when: dsr_desc < 4.7
  severity: {critical: dsr_desc < 4.5, warning: otherwise}
  owner: service
  show: {描述相符: dsr_desc}
  trend: dsr_desc
- alert: unfulfilled_orders
  title: 订单滞留
  facts: store
  when: count(order where status == 'paid' and age(paid_at) > 48h) >= 5
  severity: warning
  owner: fulfilment
  show: {未发货: "count(order where status == 'paid' and age(paid_at) > 48h)"}
"""
EVERY_POINT = bool(os.environ.get("STOREWATCH_EVERY_POINT"))  # as `make chaos` does; else every eighth point, which takes minutes enough
RANDOM_KILLS = 50 if EVERY_POINT else 10


class Inbox:
    """aiosmtpd's handler: the Message-ID of every mail that was accepted."""

    def __init__(self) -> None:
        self.accepted: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.accepted.append(f"{mail['Message-ID']} to {envelope.rcpt_tos[0]}")
        return "250 ok"


@dataclass
class Victim:
    """The forking process of ``victim.py``, and the mail server it talks to."""

    process: subprocess.Popen[str]
    inbox: Inbox
    base: Path

    def run(self, project: Path, kill_at: int | None = None, kill_after: float | None = None, ahead: int = 0) -> dict[str, Any]:
        request = {"commands": commands(project), "kill_at": kill_at, "kill_after": kill_after, "ahead": ahead}
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline()))

    def fresh(self, where: Path) -> Path:
        self.inbox.accepted.clear()
        shutil.rmtree(where, ignore_errors=True)
        shutil.copytree(self.base, where)
        return where


def commands(project: Path) -> list[list[str]]:
    into = ["--project", str(project)]
    return [
        [*into, "ingest", str(project / "stores.csv"), "--kind", "store", "--as-of", "2026-11-20T08:30"],
        [*into, "ingest", str(project / "orders.csv"), "--kind", "order", "--as-of", "2026-11-20T09:00", "--all-stores"],
        [*into, "run", "--at", AT],
    ]


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    base = tmp_path_factory.mktemp("crash") / "base"
    copy_starter(base)
    shutil.rmtree(base / "rules")  # two rules suffice, and every trial compiles what is there
    (base / "rules").mkdir()
    (base / "rules" / "two.yaml").write_text(RULES, encoding="utf-8")
    (base / "schedules.yaml").write_text("schedules: {}\n", encoding="utf-8")
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    channels = base / "channels.yaml"
    channels.write_text(channels.read_text(encoding="utf-8").replace("port: 2525", f"port: {controller.port}"), encoding="utf-8")
    (base / "stores.csv").write_text(STORES, encoding="utf-8")
    (base / "orders.csv").write_bytes(ORDERS.encode("gb18030"))
    command = [sys.executable, "-m", "tests.crash.victim"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        yield Victim(process, inbox, base)
    controller.stop()


@pytest.fixture(scope="module")
def undisturbed(victim: Victim, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[str]]:
    """The answer of a run that nobody kills, and the mails it sent. The run before it leaves what later ones remember, compiled queries."""
    victim.run(victim.fresh(tmp_path_factory.mktemp("before") / "project"))
    project = victim.fresh(tmp_path_factory.mktemp("undisturbed") / "project")
    answer = victim.run(project)
    assert answer["exit"] == 0
    mails = sorted(victim.inbox.accepted)
    assert len(mails) >= 3, "two stores with a low rating and one with unshipped orders"
    assert len(set(mails)) == len(mails)
    return answer, mails


def check(victim: Victim, project: Path, killed: dict[str, Any], mails: list[str]) -> None:
    """Run the same again, past the end of any lease; then every mail has arrived, and twice only where the promise allows it."""
    if killed["killed"]:
        assert victim.run(project, ahead=3600)["exit"] == 0
    counts = Counter(victim.inbox.accepted)
    assert sorted(counts) == mails, f"lost or invented after {killed['points'][-1:]}"
    twice = [mail for mail, count in counts.items() if count > 1]
    unnoted = killed["points"][-1:] in (["before data"], ["after data"]) or _commit_after_data(killed["points"])
    assert len(twice) <= int(killed["killed"] and unnoted), f"mailed twice after {killed['points'][-3:]}: {twice}"


def _commit_after_data(points: list[str]) -> bool:
    """Killed in the transaction that notes the delivery of the mail that was accepted last."""
    sent = max((i for i, name in enumerate(points) if name == "after data"), default=None)
    return sent is not None and all(name in ("before commit", "before fsync", "after fsync") for name in points[sent + 1 :])


def test_killed_at_every_fault_point(victim: Victim, undisturbed: tuple[dict[str, Any], list[str]], tmp_path: Path) -> None:
    answer, mails = undisturbed
    assert {"before replace", "after commit", "after data"} <= set(answer["points"])
    for point in range(1, len(answer["points"]) + 1, 1 if EVERY_POINT else 8):
        project = victim.fresh(tmp_path / "project")
        killed = victim.run(project, kill_at=point)
        assert killed["killed"], f"the run has no point {point}"
        check(victim, project, killed, mails)


def test_killed_at_random_times(victim: Victim, undisturbed: tuple[dict[str, Any], list[str]], tmp_path: Path) -> None:
    answer, mails = undisturbed
    dice = random.Random(20261120)
    deaths = 0
    for _ in range(RANDOM_KILLS):
        project = victim.fresh(tmp_path / "project")
        killed = victim.run(project, kill_after=dice.uniform(0, answer["seconds"]))
        deaths += killed["killed"]
        check(victim, project, killed, mails)
    assert deaths > RANDOM_KILLS / 2
