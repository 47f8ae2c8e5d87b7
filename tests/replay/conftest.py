"""A small project with everything that routing can do, and random histories of three stores."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from engine.archive import Archive
from engine.cli.init import copy_starter
from engine.project import Project, load_project
from engine.replay import Appointment
from engine.snapshots import Snapshots
from tests.matching.folders import write_batch

START = datetime(2026, 11, 2, 0, tzinfo=UTC)  # 08:00 in Shanghai
STEP = timedelta(hours=6)
RULES = """
- alert: dsr_drop
  title: {zh: 评分下降, en: Rating falls}
  facts: store
  when: dsr_desc < 4.7 or dsr_desc < highest(dsr_desc, 2d) - 0.4
  severity: {critical: dsr_desc < 4.5, warning: otherwise}
  owner: service
  show: {rating: dsr_desc, before: previous(dsr_desc)}
- alert: slow_service
  title: 服务慢
  facts: store
  when: dsr_service < 4.7 and hour(now) != 14
  severity: warning
  for: 6h
  keep_firing_for: 6h
  owner: page
- alert: no_rating
  title: 没有评分
  facts: store
  when: dsr_logistics < 4.7
  severity: info
  unknown: alert
  owner: service
- incident: all_bad
  title: 都差
  when:
    all:
      one: alert where name == 'dsr_drop'
      two: alert where name == 'slow_service' and store_id == one.store_id
  severity: critical
  owner: service
"""
CHANNELS = """
language: en
channels: {screen: {type: console}, mail: {type: email, host: 127.0.0.1, port: 2525, security: none, from: watch@shop.example}}
contacts:
  service: {email: [service@shop.example]}
  page: {email: [page@shop.example]}
  data: {email: [data@shop.example], language: zh}
receivers:
  owner: [{channel: mail, to: [owner]}]
  lead: [{channel: mail, to: [lead@shop.example]}]
  all: [{channel: screen}]
time_intervals:
  night: [{times: ["22:00..08:00"]}]
route:
  receiver: owner
  group_by: [alert]
  group_wait: 20m
  repeat_interval: 9h
  routes:
    - matchers: ['owner="page"']
      receiver: all
      digest: {at: ["09:00", "18:00"]}
    - matchers: ['severity="critical"']
      group_by: [alert, store_id]
      escalate: [{after: 3h, receiver: lead}]
    - matchers: ['alert="no_rating"']
      mute_time_intervals: [night]
"""
SCHEDULES = """
schedules:
  often: {every: 6h, time_zone: UTC}
  ratings: {every: 4h, time_zone: UTC, rules: [dsr_drop]}
"""
RATINGS = st.sampled_from([None, Decimal("4.4"), Decimal("4.6"), Decimal("4.9"), Decimal("4.9")])
STORES = ("s1", "s2", "s3")


@dataclass(frozen=True)
class Batch:
    """What one export of kind store said. ``scope`` None is for all stores."""

    as_of: datetime
    scope: tuple[str, ...] | None
    rows: tuple[Mapping[str, Any], ...]


class Printable(Project):
    """Hypothesis would print the whole project otherwise."""

    def __repr__(self) -> str:
        return "the small project"


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    found = load_project(small_project(tmp_path_factory.mktemp("replay") / "shop"))
    return Printable(**{each.name: getattr(found, each.name) for each in fields(found)})


def small_project(folder: Path) -> Path:
    copy_starter(folder)
    shutil.rmtree(folder / "rules")
    (folder / "rules").mkdir()
    (folder / "rules" / "few.yaml").write_text(RULES, encoding="utf-8")
    (folder / "channels.yaml").write_text(CHANNELS, encoding="utf-8")
    (folder / "schedules.yaml").write_text(SCHEDULES, encoding="utf-8")
    return folder


@st.composite
def histories(draw: st.DrawFn, length: int = 10) -> tuple[Batch, ...]:
    """Batches of a few days: some for all stores, some for one or two, some left out."""
    found = []
    for number in range(length):
        scope = draw(st.sampled_from([None, None, ("s1",), ("s2", "s3"), ()]))
        stores = STORES if scope is None else scope
        rows = tuple(_row(draw, store) for store in stores if scope is not None or draw(st.integers(0, 5)))
        found += [Batch(START + number * STEP - timedelta(minutes=draw(st.integers(0, 200))), scope, rows)] if scope != () else []
    return tuple(found)


def _row(draw: st.DrawFn, store: str) -> Mapping[str, Any]:
    names = ("dsr_desc", "dsr_service", "dsr_logistics")
    return {"store_id": store, "name": f"店{store}", **{name: draw(RATINGS) for name in names}}


def write(project: Project, folder: Path, batches: Sequence[Batch]) -> Archive:
    """The batches in a folder of their own."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    schema = project.facts.schemas["store"]
    for batch in batches:
        write_batch(folder, schema, batch.as_of, batch.rows, "*" if batch.scope is None else batch.scope)
    return Archive.of(Snapshots(folder))


def appointments(project: Project, length: int = 10) -> list[Appointment]:
    names = tuple(rule.name for rule in project.rules)
    found = [Appointment(START + number * STEP, "often", names) for number in range(length)]
    return sorted(found + [Appointment(START + timedelta(hours=4 * number), "ratings", names[:1]) for number in range(length)])
