"""A project in a subfolder of a git repository, with a few days of history, and two commits of its rules."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from engine.cli.init import copy_starter
from engine.cli.main import app
from engine.facts_file import load_facts
from tests.matching.folders import write_batch

DAYS = [datetime(2026, 11, day, 0, tzinfo=UTC) for day in range(2, 8)]  # 08:00 in Shanghai
CHANNELS = """
language: en
channels: {mail: {type: email, host: 127.0.0.1, port: 2525, security: none, from: watch@shop.example}}
contacts: {service: {email: [service@shop.example]}, data: {email: [data@shop.example]}}
receivers: {owner: [{channel: mail, to: [owner]}]}
route: {receiver: owner, group_by: [alert, store_id], repeat_interval: 30d}
"""
SCHEDULES = "schedules: {daily: {cron: '0 9 * * *'}}\n"
BEFORE = """
- {alert: low_rating, title: Rating is low, facts: store, when: dsr_desc < 4.7, severity: warning, owner: service, show: {rating: dsr_desc}}
- {alert: old_name, title: Service is slow, facts: store, when: dsr_service < 4.7, severity: info, owner: service}
- {alert: given_up, title: Logistics, facts: store, when: dsr_logistics < 4.5, severity: warning, owner: service}
- {alert: never, title: Never, facts: store, when: dsr_logistics < 1, severity: warning, owner: service}
"""
AFTER = """
- alert: low_rating
  title: Rating is low
  facts: store
  when: dsr_desc < 4.8
  severity: {critical: dsr_desc < 4.6, warning: otherwise}
  owner: service
  show: {rating: dsr_desc}
- {alert: new_name, title: Service is slow, facts: store, when: dsr_service < 4.7, severity: info, owner: service}
- {alert: few_visits, title: Few visits, facts: store, when: uv < 100, severity: warning, owner: service}
- {alert: never, title: Never, facts: store, when: dsr_logistics < 2, severity: warning, owner: service}
"""
RATINGS = {
    "s1": ("4.9", "4.75", "4.65", "4.65", "4.9", "4.9"),
    "s2": ("4.9", "4.9", "4.55", "4.9", "4.9", "4.9"),
    "s3": ("4.9", "4.9", "4.9", "4.75", "4.9", "4.9"),
}


@dataclass(frozen=True)
class Repository:
    """``folder`` is the project's, ``top`` the repository's."""

    top: Path
    folder: Path

    def git(self, *words: str) -> str:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
        command = ["git", "-C", str(self.top), *identity, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, rules: str) -> str:
        (self.folder / "rules" / "few.yaml").write_text(rules, encoding="utf-8")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "rules")
        return self.git("rev-parse", "HEAD")

    def do(self, *words: str, expect: int = 0, language: str = "en") -> Result:
        result = CliRunner().invoke(app, ["--project", str(self.folder), "--lang", language, *words])
        assert result.exit_code == expect, result.output
        return result

    def json(self, *words: str, expect: int = 0) -> Any:
        result = CliRunner().invoke(app, ["-C", str(self.folder), "--format", "json", *words])
        assert result.exit_code == expect, result.output
        return json.loads(result.stdout)


@pytest.fixture
def repository(pristine: Repository, tmp_path: Path) -> Repository:
    """``main`` is at BEFORE, the branch that is checked out at AFTER."""
    shutil.copytree(pristine.top, tmp_path / "repo")
    return Repository(tmp_path / "repo", tmp_path / "repo" / "shops" / "ours")


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    top = tmp_path_factory.mktemp("diff") / "repo"
    shop = Repository(top, top / "shops" / "ours")
    copy_starter(shop.folder)
    shutil.rmtree(shop.folder / "rules")
    (shop.folder / "rules").mkdir()
    (shop.folder / "channels.yaml").write_text(CHANNELS, encoding="utf-8")
    (shop.folder / "schedules.yaml").write_text(SCHEDULES, encoding="utf-8")
    (shop.folder / ".gitignore").write_text("snapshots/\n")
    shop.git("init", "-q", "-b", "main")
    shop.commit(BEFORE)
    shop.git("switch", "-q", "-c", "change")
    shop.commit(AFTER)
    write_history(shop.folder)
    return shop


def write_history(folder: Path) -> None:
    schema = load_facts(folder / "facts.yaml").schemas["store"]
    for number, at in enumerate(DAYS):
        rows = [_row(store, Decimal(ratings[number]), number) for store, ratings in RATINGS.items()]
        write_batch(folder / "snapshots", schema, at, rows, "*")


def _row(store: str, rating: Decimal, day: int) -> dict[str, Any]:
    """Service is slow on the third and fourth day at s1, logistics fail on the second at s2, few visit s3 on the fifth."""
    return {
        "store_id": store,
        "dsr_desc": rating,
        "dsr_service": Decimal("4.6" if store == "s1" and day in (2, 3) else "4.9"),
        "dsr_logistics": Decimal("4.4" if store == "s2" and day == 1 else "4.9"),
        "uv": 50 if store == "s3" and day == 4 else 1000,
    }


def at(day: int) -> str:
    """The evaluation of that day (0 is the first), as JSON writes it."""
    return (DAYS[day] + timedelta(hours=1)).isoformat()
