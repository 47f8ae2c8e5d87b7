"""How long the commands take that people wait for, as whole processes: start, imports, work, end.

    python benchmarks/commands.py [--runs 15] [--tests] [--code FOLDER]

Each command runs once unmeasured (so that Python's compiled files are there) and then ``--runs`` times, the commands taking turns, so
that a busy moment hits all alike. ``check`` runs after a threshold of a rule was changed, as people run it; with nothing changed; and
with nothing remembered of earlier runs. With ``--code FOLDER`` another copy of the program (a commit before, say) takes its turns too.
Printed: median and quartiles of the elapsed time, and the median of the processor time, which other work on the machine hardly changes.
With ``--tests``, the shipped rule tests as well: how many, and the time for each.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from engine.state import State

ROOT = Path(__file__).parent.parent
COMMANDS = {
    "--help": ("--help",),
    "--version": ("--version",),
    "check, a rule changed": ("check",),
    "check, unchanged": ("check",),
    "check, first time": ("check",),
    "rules": ("rules",),
    "alerts": ("alerts",),
    "outbox": ("outbox",),
    "explain --help": ("explain", "--help"),
}


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds that one process took: by the clock, and of the processor."""

    elapsed: float
    processor: float


def run(arguments: tuple[str, ...], folder: Path, code: Path, scratch: Path, *, first: bool = False) -> Run:
    """One process of the command in the project ``folder``, of the program in ``code``; ``first`` forgets what earlier ones remembered."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    cache = tempfile.mkdtemp(dir=scratch) if first else str(scratch / "cache")
    environment |= {"PYTHONPATH": str(code), "PYTHONPYCACHEPREFIX": str(scratch / "compiled"), "XDG_CACHE_HOME": cache}
    command = [sys.executable, "-m", "engine.cli.main", "-C", str(folder), *arguments]
    begun = time.perf_counter()
    process = subprocess.Popen(command, env=environment, cwd=scratch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return Run(elapsed, usage.ru_utime + usage.ru_stime)


def measure(folder: Path, runs: int, codes: dict[str, Path], scratch: Path) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {mark + name: [] for name in COMMANDS for mark in codes}
    rules = folder / "rules" / "a_service.yaml"
    shipped = rules.read_text(encoding="utf-8")
    for turn in range(runs + 1):
        for name, arguments in COMMANDS.items():
            for mark, code in codes.items():
                if name.endswith("changed"):
                    change(rules, turn)
                done = run(arguments, folder, code, scratch, first=name.endswith("first time"))
                if turn:
                    found[mark + name].append(done)
    rules.write_text(shipped, encoding="utf-8")
    return found


def change(rules: Path, turn: int) -> None:
    """Another threshold."""
    text = rules.read_text(encoding="utf-8")
    rules.write_text(re.sub(r"lowest: [0-9.]+", f"lowest: 4.{60 + turn % 30}", text), encoding="utf-8")


def test_seconds(folder: Path, compiled: str) -> list[float]:
    """What each shipped rule test took, as ``storewatch test`` tells."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": compiled}
    command = [sys.executable, "-m", "engine.cli.main", "-C", str(folder), "--format", "json", "test"]
    told = json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
    return [float(test["seconds"]) for test in told["tests"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--tests", action="store_true")
    parser.add_argument("--code", type=Path, help="folder with another copy of the program")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder, compiled = Path(scratch) / "project", str(Path(scratch) / "compiled")
        codes = {"": ROOT} | ({"(other) ": asked.code.resolve()} if asked.code else {})
        subprocess.run(
            [sys.executable, "-m", "engine.cli.main", "init", str(folder)], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True
        )
        State.open(f"sqlite:///{folder / 'state.db'}").close()
        found = measure(folder, asked.runs, codes, Path(scratch))
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {asked.runs} runs each")
        print(f"{'command':30}{'median':>9}{'quartiles':>18}{'processor':>12}   (ms)")
        for name, runs in found.items():
            low, middle, high = statistics.quantiles([1000 * each.elapsed for each in runs], n=4)
            processor = statistics.median(1000 * each.processor for each in runs)
            print(f"{name:30}{middle:9.0f}{low:9.0f} ..{high:6.0f}{processor:12.0f}")
        if asked.tests:
            seconds = test_seconds(folder, compiled)
            each, middle = 1000 * statistics.fmean(seconds), 1000 * statistics.median(seconds)
            print(f"rule tests: {len(seconds)} in {sum(seconds):.1f} s; {each:.0f} ms each, median {middle:.0f} ms")


if __name__ == "__main__":
    main()
