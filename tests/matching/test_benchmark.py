"""The benchmark runs, on little data; both sides agree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "matching.py"


def test_the_benchmark_runs_and_both_sides_agree() -> None:
    command = [sys.executable, str(BENCHMARK), "--scale", "0.002", "--repeat", "1", "--no-memory", "--markdown"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert [line[:5] for line in done.stdout.splitlines() if line.startswith("| (")] == ["| (a)", "| (b)", "| (c)", "| (d)"]
