"""How a report of many alerts behaves in a browser.

    python benchmarks/report.py [--alerts 10000] [--stores 300]

Makes reports of ten and of many made-up alerts (one rule, 90 days, no messages), and opens each in headless Chromium until its script ran.
Prints the sizes of the files and the CPU seconds that Chromium took, its start included: the difference is what the alerts cost. (Its own
clock is no measure here: other programs run meanwhile.)
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.cli.init import copy_starter
from engine.errors import Text
from engine.matching.evaluate import Matcher
from engine.model import Alert, Identity, Reason, RuleInfo, Severity, Shown, State, Transition, Type
from engine.project import load_project
from engine.replay import Clerk, Episode, Replay
from engine.report import write_report
from engine.snapshots import Snapshots
from tests.report.browser import CHROMIUM

START = datetime(2026, 8, 1, tzinfo=UTC)
INFO = RuleInfo("low_rating", Text.same("Rating is low"), Severity.CRITICAL, "service")
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --window-size=375,800".split()
FEW = 10


def episode(number: int, stores: int, every: timedelta) -> Episode:
    at = START + number * every
    shown = tuple(Shown(Text.same(f"value {each}"), number + each, Type.INTEGER) for each in range(5))
    severity, identity = list(Severity)[number % 3], Identity("low_rating", (f"key {number}",))
    alert = Alert(identity, f"store {number % stores}", State.FIRING, severity, at, at, at, shown=shown, evidence=(shown,) * 5)
    over = at + timedelta(hours=1 + number % 90)
    moves = (
        Transition(alert, None, State.FIRING, Reason.FIRST, at),
        Transition(alert, State.FIRING, State.RESOLVED, Reason.NO_LONGER_TRUE, over),
    )
    return Episode(alert, INFO, moves)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=10_000)
    parser.add_argument("--stores", type=int, default=300)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_starter(folder / "shop")
        project = load_project(folder / "shop")
        clerk = Clerk(project, Matcher(project.facts.schemas, project.facts.time_zone), Snapshots(project.snapshots))
        for count in (FEW, asked.alerts):
            page = folder / f"{count}.html"
            write_report(made_up(count, asked.stores), clerk, page, "en")
            seconds = min(opened(page, folder) for _ in range(3))
            print(f"{count} alerts, {asked.stores} stores: {page.stat().st_size / 1e6:.2f} MB, {seconds:.2f} CPU s")


def made_up(count: int, stores: int) -> Replay:
    episodes = tuple(episode(number, stores, timedelta(days=90) / count) for number in range(count))
    return Replay(START, START + timedelta(days=90), (), episodes, (), (), {INFO.name: INFO}, (INFO.name,), 0)


def opened(page: Path, folder: Path) -> float:
    """CPU seconds of opening it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", page.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert "Rating is low" in dom, "the script did not run"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
