"""Tests that run: what passes, what fails, and what is told of a failure."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.ruletest.conftest import Workbench

GOLDEN = Path(__file__).parent / "golden"


def test_a_true_expectation_passes(workbench: Workbench) -> None:
    (verdict,) = workbench.run("""
        - test: 低
          rule: low
          at: 2026-11-20 09:30
          earlier:
            2d: {store: {s1: {dsr_desc: 4.8}}}
            1d: {store: {s1: {dsr_desc: 4.9}}}
          given:
            店铺日报: {s1: {描述相符: 4.62, dsr_service: 4.8, status: 营业中, 支付转化率: 3.5%}, 007: {dsr_desc: 4.8, status: open}}
          expect:
            s1: {severity: warning, reason: first, shows: {描述: 4.62, Mean: 4.85, 转化 / Conversion: 0.035, 差: 0.08}}
        """)
    assert verdict.passed, verdict


FAILURES = """
- test: 期望报警，实际没有
  rule: low
  at: 2026-11-20 09:30
  given: {store: {s1: {dsr_desc: 4.70, dsr_service: 4.8, status: open}}}
  expect: {s1: {severity: critical, shows: {描述: 4.70}}}
- test: 没有期望的报警
  rule: low
  at: 2026-11-20 09:30
  given: {store: {s1: {dsr_desc: 4.6, dsr_service: 4.8, status: open}, s2: {dsr_desc: 4.4, dsr_service: 4.8, status: open}}}
  expect: {s1: firing}
- test: 值、级别、原因不对
  rule: low
  at: 2026-11-20 09:30
  given: {store: {s1: {dsr_desc: 4.6, dsr_service: 4.8, status: open}}}
  expect: {s1: {severity: critical, reason: severity_rose, shows: {描述: 4.61, 均值: 4.6, 差: 0.1}}}
- test: 未知不是正常
  rule: low
  at: 2026-11-20 09:30
  given: {store: {s1: {dsr_desc: null, dsr_service: 4.8, status: open}}}
  quiet: true
- test: 没有订单数据
  rule: backlog
  at: 2026-11-20 09:30
  given: {store: {s1: {}}}
  quiet: true
- test: 时间和时长
  rule: expired
  at: 2026-11-20 09:30
  given: {placement: {p1: {ends_at: -90m}}}
  expect: {p1: {shows: {结束: -1h, 过期: 1h}}}
- test: 邮件不对
  rule: low
  at: 2026-11-20 09:30
  given: {store: {s1: {dsr_desc: 4.6, dsr_service: 4.8, status: open}}}
  mails: [{to: nobody@shop.example, subject: 评分}]
- test: 时间线的第二步
  rule: low
  at: 2026-11-20 09:30
  timeline:
    - given: {store: {s1: {dsr_desc: 4.6, dsr_service: 4.8, status: open}}}
      expect: {s1: firing}
    - at: +1d
      given: {store: {}}
      expect: {s1: firing}
"""


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_told_of_failures(workbench: Workbench, language: str, request: pytest.FixtureRequest) -> None:
    told = workbench.told(FAILURES, language) + "\n"
    golden = GOLDEN / f"failures.{language}.txt"
    if request.config.getoption("--regenerate"):
        golden.write_text(told, encoding="utf-8")
    assert told == golden.read_text(encoding="utf-8")
    assert not any(verdict.passed for verdict in workbench.run(FAILURES))


def test_for_keep_firing_and_relapse(workbench: Workbench) -> None:
    (verdict,) = workbench.run("""
        - test: 生命周期
          rule: held
          at: 2026-11-20 09:30
          timeline:
            - {given: {store: {s1: {uv: 50}}}, expect: {s1: {state: pending, reason: waiting}}, mails: []}
            - {at: +12h, given: same, expect: {s1: pending}}
            - {at: +24h, given: same, expect: {s1: {state: firing, reason: held_long_enough}}, mails: [{subject: 持续}]}
            - {at: +25h, given: {store: {s1: {uv: 500}}}, expect: {s1: {state: firing, reason: keep_firing}}}
            - {at: +38h, given: same, expect: {s1: {state: resolved, reason: no_longer_true}}, mails: [{to: service@shop.example}]}
            - {at: +39h, given: same, quiet: true, mails: []}
            - {at: +40h, given: {store: {s1: {uv: 1}}}, expect: {s1: pending}}
        """)
    assert verdict.passed, verdict


def test_reminders_are_sent_when_due(workbench: Workbench) -> None:
    (verdict,) = workbench.run("""
        - test: 提醒
          rule: backlog
          timeline:
            - given: {store: {s1: {}}, order: {o1..o2: {status: paid, paid_at: -50h}}}
              mails: [{to: warehouse@shop.example}]
            - {at: +1h, given: same, expect: {s1: firing}, mails: []}
            - {at: +24h, given: same, expect: {s1: {state: firing, reason: repeat_due}}, mails: [{to: warehouse@shop.example}]}
        """)
    assert verdict.passed, verdict


def test_stale_data_is_unknown_and_changes_nothing(workbench: Workbench) -> None:
    (verdict,) = workbench.run("""
        - test: 过期的数据
          rule: low
          timeline:
            - given: {store: {s1: {dsr_desc: 4.6, dsr_service: 4.8, status: open}, s2: {dsr_desc: 4.8, status: open}}}
              expect: {s1: firing}
            - {at: +27h, expect: {s1: firing, s2: unknown}}
            - {at: +28h, expect: {s1: unknown, s2: unknown}}
        """)
    assert verdict.passed, verdict


def test_several_instants_and_composite_keys(workbench: Workbench) -> None:
    (verdict,) = workbench.run("""
        - test: 两个时刻
          rule: source_gone
          at: [2026-11-20 09:30, +30m]
          given: {流量来源: {s1/搜索: {访客数: 0}, s1/a/b: {uv: 3}}}
          expect: {s1/搜索: {severity: info, shows: {访客: 0}}}
        """)
    assert verdict.passed, verdict


def test_same_keeps_times_and_a_new_export_counts_them_anew(workbench: Workbench) -> None:
    (verdict,) = workbench.run("""
        - test: 时间
          rule: expired
          timeline:
            - {given: {placement: {p1: {ends_at: +1h}}}, quiet: true}
            - {at: +2h, given: {placement: same}, expect: {p1: {shows: {过期: 1h}}}}
            - {at: +3h, given: {placement: {p1: {ends_at: +1h}}}, expect: {p1: resolved}}
        """)
    assert verdict.passed, verdict


def test_order_does_not_matter(workbench: Workbench) -> None:
    tests = list(workbench.tests(FAILURES))
    alone = {test.title: workbench.bench.run(test) for test in tests}
    random.Random(7).shuffle(tests)
    assert {test.title: workbench.bench.run(test) for test in tests} == alone


def test_nothing_is_left_behind(workbench: Workbench) -> None:
    before = sorted(workbench.bench.folder.iterdir())
    workbench.run(FAILURES)
    assert sorted(workbench.bench.folder.iterdir()) == before
    assert not (workbench.project.folder / "snapshots").exists()
    assert not list(workbench.project.folder.glob("state.db*"))
