"""Names and parameters in a whole project: who sees which name, and which value counts for which store."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.cli.init import copy_starter
from engine.errors import ProblemsFound
from engine.lets import shared_with
from engine.matching.evaluate import evaluate
from engine.project import Project, load_project
from engine.ruletest.coverage import Coverage, percentage
from engine.ruletest.reading import load_tests
from engine.ruletest.running import Bench, store_rows
from engine.snapshots import Snapshots

FILES = {
    "_let.yaml": """\
- let: {底线: 4.7, 不用: 1}
- facts: order
  let: {waiting: status == 'paid' and age(paid_at) > 久}
- let: {久: 48h}
""",
    "team/_let.yaml": "- let: {团队底线: 底线 + 0.1}\n",
    "team/deep/a.yaml": """\
- let: {最多: 3}
- alert: low
  title: 评分低
  facts: store
  params: {lowest: 团队底线, many: 最多}
  overrides:
    platform == 'jd': {lowest: 4.9, many: 2}
    platform == 'pdd' and uv > 100: {lowest: 底线}
    seen_for() < 1d: {lowest: 1}
  where: status == 'open'
  when: dsr_desc < lowest or count(order where waiting) >= many
  severity: {critical: dsr_desc < lowest - 0.5, warning: otherwise}
  show: {底线 / Lowest: lowest}
""",
    "b.yaml": """\
- alert: big_orders
  title: 大单
  facts: store
  params: {big: 100}
  overrides:
    platform == 'jd': {big: 1000}
  when: count(order where amount >= big) >= 1 or no order where amount < big
  severity: info
  evidence: {from: order, where: amount >= big, show: {金额: amount, 线: big}}
""",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("named") / "p"
    copy_starter(folder)
    for path in (folder / "rules").iterdir():
        path.unlink()
    for name, text in FILES.items():
        (folder / "rules" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "rules" / name).write_text(text, encoding="utf-8")
    (folder / "schedules.yaml").write_text("schedules: {all: {every: 1h, rules: [all]}}\n", encoding="utf-8")
    return load_project(folder)


def run(project: Project, tests: str, folder: Path) -> float:
    """All tests have to pass; the coverage of their rule."""
    (project.folder / "rules" / "t.test.yaml").write_text(tests, encoding="utf-8")
    coverage = Coverage()
    with Bench(project, folder, coverage=coverage) as bench:
        for test in load_tests(project):
            verdict = bench.run(test)
            assert verdict.passed, (test.title, verdict)
    return percentage(coverage.clauses([rule for rule in project.rules if f"rule: {rule.name}" in tests]))


def test_who_shares_with_whom() -> None:
    assert shared_with("rules/team/deep/a.yaml")[-2:] == ("rules/team/deep/_let.yaml", "rules/team/deep/_let.yml")
    assert "rules/_let.yaml" in shared_with("rules/b.yaml")
    assert "rules/team/_let.yaml" not in shared_with("rules/b.yaml")


def test_rules_know_the_names_and_parameters_that_they_use(project: Project) -> None:
    low = project.select(["low"])[0]
    assert [name for name, _ in low.names] == ["底线", "久", "waiting", "团队底线", "最多"]
    assert [(param.name, param.text, [override.text for override in param.overrides]) for param in low.params] == [
        ("lowest", "团队底线", ["4.9", "底线", "1"]),
        ("many", "最多", ["2"]),
    ]


def test_a_name_that_nobody_uses_is_told_by_check_and_stops_nothing_else(project: Project) -> None:
    with pytest.raises(ProblemsFound) as caught:
        load_project(project.folder, thorough=True)
    assert [(problem.code, problem.file, problem.line) for problem in caught.value.problems] == [("unused_name", "rules/_let.yaml", 1)]


def test_a_name_is_not_seen_beside_or_above_its_folder(project: Project) -> None:
    path = project.folder / "rules" / "c.yaml"
    path.write_text("- {alert: c, title: c, facts: store, when: dsr_desc < 团队底线, severity: info}\n", encoding="utf-8")
    with pytest.raises(ProblemsFound) as caught:
        load_project(project.folder)
    path.unlink()
    assert [problem.code for problem in caught.value.problems] == ["unknown_name"]


def test_the_first_override_that_holds_counts_and_unknown_is_unknown(project: Project, tmp_path: Path) -> None:
    tests = """
- test: 每家店用自己的数字
  rule: low
  at: 2026-11-20 10:00
  earlier: {2d: {store: {s1..s9: {}}}}
  given:
    store:
      s1: {status: open, platform: jd, dsr_desc: 4.89}
      s2: {status: open, platform: jd, dsr_desc: 4.9}
      s3: {status: open, platform: pdd, uv: 101, dsr_desc: 4.7}
      s4: {status: open, platform: pdd, uv: 100, dsr_desc: 4.79}
      s5: {status: open, platform: tmall, dsr_desc: 4.8}
      s6: {status: open, platform: tmall, dsr_desc: 4.2}
      s7: {status: open, dsr_desc: 3}
      s8: {status: open, platform: pdd, dsr_desc: 3}
      s9: {status: closed, platform: jd, dsr_desc: 3}
      s10: {status: open, platform: tmall, dsr_desc: 3}
    order:
      o1..o2: {store_id: s2, status: paid, paid_at: -49h}
      o3..o4: {store_id: s5, status: paid, paid_at: -49h}
      o5: {store_id: s5, status: paid, paid_at: -47h}
  expect:
    s1: {severity: warning, shows: {底线: 4.9}}
    s2: firing
    s4: {severity: warning, shows: {底线: 4.8}}
    s6: critical_
    s7: unknown
    s8: unknown
"""
    assert run(project, tests.replace("critical_", "{severity: critical}"), tmp_path) == 100


def test_without_the_parameters_value_related_rows_are_not_counted_as_none(project: Project, tmp_path: Path) -> None:
    tests = """
- test: 大单
  rule: big_orders
  given:
    store: {s1: {platform: jd}, s2: {platform: tmall}, s3: {}, s4: {platform: jd}}
    order:
      a: {store_id: s1, amount: 999}
      b: {store_id: s2, amount: 999}
      b2: {store_id: s2, amount: 9}
      c: {store_id: s3, amount: 5000}
      d: {store_id: s4, amount: 1000}
  expect: {s2: firing, s3: unknown, s4: firing}
- test: 京东的大单
  rule: big_orders
  given:
    store: {s1: {platform: jd}}
    order: {a: {amount: 999}, b: {amount: 1000}, c: {amount: 1}}
  expect: {s1: firing}
"""
    run(project, tests, tmp_path)


def test_evidence_lists_by_the_stores_own_number(project: Project, tmp_path: Path) -> None:
    (project.folder / "rules" / "t.test.yaml").write_text(
        """
- test: 大单
  rule: big_orders
  given:
    store: {s1: {platform: jd}, s2: {platform: tmall}}
    order: {a: {amount: 999}, b: {amount: 1500}, c: {store_id: s2, amount: 200}, d: {store_id: s2, amount: 10}}
  expect: {s1: firing, s2: firing}
""",
        encoding="utf-8",
    )
    (test,) = load_tests(project)
    for given in test.steps[0].given:
        store_rows(given, project.facts, tmp_path, "t")
    rules = project.select(["big_orders"])
    result = evaluate(rules, Snapshots(tmp_path), project.facts.schemas, test.steps[0].at, project.facts.time_zone)["big_orders"]
    shown = {found.identity.key: [[float(cell.value) for cell in row] for row in found.evidence] for found in result.candidates}  # type: ignore[arg-type]
    assert shown == {("s1",): [[1500, 1000]], ("s2",): [[200, 100]]}
