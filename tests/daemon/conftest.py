"""A small project, databases, and a clock that tests set."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.cli.init import copy_starter
from engine.facts_file import load_facts
from engine.ingest import Options, ingest
from engine.project import Project, load_project
from tests.delivery.conftest import state, url

__all__ = ["state", "url"]

START = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai
RULE = """
- alert: dsr_drop
  title: 评分下降
  facts: store
  when: dsr_desc < 4.7
  severity: {critical: dsr_desc < 4.5, warning: otherwise}
  owner: service
  labels: {area: 客服}
"""
STORES = "店铺Id,店铺名称,描述相符,服务态度,物流服务\ns1,一号店,4.61,4.80,4.80\ns2,二号店,4.85,4.80,4.80\n"
CHANNELS = """
language: en
channels: {screen: {type: console}}
contacts: {service: {email: [service@shop.example]}, data: {email: [data@shop.example]}}
receivers: {all: [{channel: screen}]}
route: {receiver: all}
"""


@dataclass
class ManualClock:
    """A clock that stands still until it is moved."""

    at: datetime = START
    ticks: float = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.ticks

    def pass_(self, time: timedelta) -> None:
        """Time passes while the machine is awake."""
        self.at += time
        self.ticks += time.total_seconds()

    def jump(self, time: timedelta) -> None:
        """The clock is set, or the machine slept."""
        self.at += time


def ingest_store(folder: Path, text: str, as_of: datetime) -> None:
    """Put rows of kind store into the project's snapshots."""
    path = folder / "stores.csv"
    path.write_text(text, encoding="utf-8")
    options = Options(now=as_of, as_of=as_of, kinds=("store",))
    ingest(path, load_facts(folder / "facts.yaml"), folder / "snapshots", options)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def base_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project") / "base"
    copy_starter(folder)
    shutil.rmtree(folder / "rules")
    (folder / "rules").mkdir()
    (folder / "rules" / "one.yaml").write_text(RULE, encoding="utf-8")
    (folder / "channels.yaml").write_text(CHANNELS, encoding="utf-8")
    return folder


@pytest.fixture
def folder(base_project: Path, tmp_path: Path) -> Path:
    """A project of one rule and no schedule."""
    copied = tmp_path / "project"
    shutil.copytree(base_project, copied)
    (copied / "schedules.yaml").write_text("schedules: {}\n", encoding="utf-8")
    return copied


@pytest.fixture
def scheduled(folder: Path) -> Callable[[str], Project]:
    """The project with this ``schedules.yaml``."""

    def load(schedules: str) -> Project:
        (folder / "schedules.yaml").write_text(schedules, encoding="utf-8")
        return load_project(folder)

    return load
