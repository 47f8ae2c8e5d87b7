"""A project with a few rules whose tests are written by the tests."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from engine.cli.init import copy_starter
from engine.errors import Problem
from engine.project import Project, load_project
from engine.ruletest.model import RuleTest
from engine.ruletest.reading import check_tests, load_tests
from engine.ruletest.report import describe
from engine.ruletest.running import Bench, Verdict

RULES = """\
- alert: low
  title: {zh: 评分低, en: Rating is low}
  facts: store
  where: status != 'closed'
  when: dsr_desc < 4.7 and not (dsr_service >= 4.9)
  severity: {critical: dsr_desc < 4.5, warning: otherwise}
  owner: service
  show: {描述 / Description: dsr_desc, 均值 / Mean: "mean(dsr_desc, 7d)", 转化 / Conversion: conversion, 差 / Gap: 4.7 - dsr_desc}
- alert: held
  title: 持续
  facts: store
  when: uv < 100
  for: 1d
  keep_firing_for: 12h
  severity: warning
  owner: service
- alert: backlog
  title: 积压
  facts: store
  when: count(order where status == 'paid' and age(paid_at) > 48h) >= 2
  severity: warning
  owner: fulfilment
- alert: source_gone
  title: 流量消失
  facts: traffic
  when: uv == 0
  severity: info
  owner: promotion
  show: {访客 / Visitors: uv}
- alert: expired
  title: 过期
  facts: placement
  when: ends_at < now
  severity: warning
  owner: page
  show: {结束 / Ended: ends_at, 过期 / For: age(ends_at)}
"""


@dataclass(frozen=True)
class Workbench:
    project: Project
    bench: Bench

    def write(self, text: str) -> None:
        (self.project.folder / "rules" / "t.test.yaml").write_text(textwrap.dedent(text), encoding="utf-8")

    def tests(self, text: str) -> tuple[RuleTest, ...]:
        self.write(text)
        return load_tests(self.project)

    def problems(self, text: str) -> tuple[Problem, ...]:
        self.write(text)
        return check_tests(self.project)

    def run(self, text: str) -> list[Verdict]:
        return [self.bench.run(test) for test in self.tests(text)]

    def told(self, text: str, language: str = "en") -> str:
        """What is told of the tests that fail."""
        failed = [verdict for verdict in self.run(text) if not verdict.passed]
        return "\n".join(describe(verdict, self.project.facts.zone, language) for verdict in failed)


@pytest.fixture(scope="session")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    folder = tmp_path_factory.mktemp("ruletest")
    copy_starter(folder / "p")
    for path in (folder / "p" / "rules").iterdir():
        path.unlink()
    (folder / "p" / "rules" / "r.yaml").write_text(RULES, encoding="utf-8")
    (folder / "p" / "schedules.yaml").write_text("schedules: {all: {every: 1h, rules: [all]}}\n", encoding="utf-8")
    project = load_project(folder / "p")
    with Bench(project, folder) as bench:
        yield Workbench(project, bench)
