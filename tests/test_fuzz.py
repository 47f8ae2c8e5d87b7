"""``make fuzz`` runs, on few cases; a crash is saved and can be tried again."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from hypothesis import strategies as st

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "fuzz.py"


@pytest.fixture(scope="module")
def fuzz() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzz", SCRIPT)
    assert spec and spec.loader
    module = sys.modules["fuzz"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_runs(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--minutes", "0.0001", "--scale", "0.02", "--crashes", str(tmp_path / "crashes")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 crashes" in done.stdout
    assert not (tmp_path / "crashes").exists()


def test_a_crash_is_made_small_and_saved(fuzz: ModuleType, tmp_path: Path) -> None:
    def attempt(draw: Any, case: dict[str, str], worlds: Any) -> None:
        case.update(kind="store", where="shipped", text=draw(st.text("ab<", max_size=20)))
        if "<" in case["text"]:
            raise ValueError("planted")

    worlds = fuzz.Worlds(tmp_path)
    assert not fuzz.round_of("planted", attempt, 200, 1, worlds, tmp_path / "crashes")
    (saved,) = (tmp_path / "crashes").iterdir()
    found = yaml.safe_load(saved.read_text(encoding="utf-8"))
    assert found["text"] == "<" and "planted" in found["traceback"]
    fuzz.again(saved)


def test_a_rule_that_cannot_be_evaluated_counts(fuzz: ModuleType, tmp_path: Path) -> None:
    worlds = fuzz.Worlds(tmp_path)
    worlds.understand_and_run("dsr_desc < 4.7", "store", "shipped")
    worlds.understand_and_run("dsr_dsc < 4.7 (", "store", "shipped")
    assert worlds.counts["expressions"] == 1
