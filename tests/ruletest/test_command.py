"""``storewatch test`` as the shell sees it: exit codes, coverage, JUnit, JSON; and the tests of the shipped rules."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from engine.cli.main import app
from tests.ruletest.conftest import Workbench

ROOT = Path(__file__).parents[2]
PASSING = """
- test: 低 <&"]]> \\e[31m
  rule: low
  given: {store: {s1: {dsr_desc: 4.4, dsr_service: 4.8, status: open}, s2: {dsr_desc: 4.8, dsr_service: 4.9, status: 关店}}}
  expect: {s1: {severity: critical}}
""".replace("低 <&", '"低 <&').replace('"]]> \\e[31m', '\\"]]> \\e[31m"')
FAILING = """
- test: 不对
  rule: low
  given: {store: {s1: {dsr_desc: 4.4, dsr_service: 4.8, status: open}}}
  quiet: true
"""


@pytest.fixture
def folder(workbench: Workbench, tmp_path: Path) -> Path:
    """A copy of the project, without tests."""
    copied = tmp_path / "p"
    shutil.copytree(workbench.project.folder, copied, ignore=shutil.ignore_patterns("*.test.yaml"))
    return copied


def do(folder: Path, *words: str, before: tuple[str, ...] = ()) -> Result:
    return CliRunner().invoke(app, ["--project", str(folder), "--lang", "en", *before, "test", *words])


def write(folder: Path, text: str, name: str = "a") -> None:
    (folder / "rules" / f"{name}.test.yaml").write_text(text, encoding="utf-8")


def test_exit_codes(folder: Path) -> None:
    none = do(folder)
    assert none.exit_code == 2
    assert "there are no tests" in none.stderr
    assert "docs/rule-tests.md" in none.stderr
    write(folder, PASSING)
    assert do(folder).exit_code == 0
    write(folder, FAILING, "b")
    failed = do(folder)
    assert failed.exit_code == 1
    assert "- state: quiet\n    + state: firing" in failed.stdout
    assert "1 passed, 1 failed" in failed.stderr
    write(folder, "- {test: t, rule: lo, quiet: true}", "c")
    broken = do(folder)
    assert broken.exit_code == 2
    assert "rules/c.test.yaml:1:19" in broken.stderr
    assert "did you mean low?" in broken.stderr


def test_run_chooses(folder: Path) -> None:
    write(folder, PASSING + FAILING)
    assert do(folder, "--run", "低").exit_code == 0
    assert do(folder, "--run", "^不对$").exit_code == 1
    assert "no test matches" in do(folder, "--run", "nothing").stderr
    assert do(folder, "--run", "nothing").exit_code == 2
    assert "not a regular expression" in do(folder, "--run", "(").stderr


def test_coverage_notices_what_was_never_seen(folder: Path) -> None:
    write(folder, PASSING)
    found = do(folder, "--coverage", "--run", "low")
    assert found.exit_code == 0
    assert "dsr_desc < 4.7   never false" in found.stdout
    assert "dsr_service >= 4.9   never true" in found.stdout  # s2 is closed: `when` decides nothing about it
    assert "critical: dsr_desc < 4.5   never false" in found.stdout
    assert "where" not in found.stdout
    assert "coverage 62.5% of 4 clauses" in found.stdout
    assert do(folder, "--run", "low", "--coverage-under", "62.5").exit_code == 0
    assert do(folder, "--run", "low", "--coverage-under", "62.6").exit_code == 1
    assert "backlog:" in do(folder, "--coverage").stdout  # a rule without any test


def test_coverage_is_full_when_all_was_seen(folder: Path) -> None:
    more = """
- test: 其余
  rule: low
  given:
    store:
      s1: {dsr_desc: 4.6, dsr_service: 4.8, status: open}
      s2: {dsr_desc: 4.7, dsr_service: 4.8, status: open}
      s3: {dsr_desc: 4.6, dsr_service: 4.9, status: open}
  expect: {s1: {severity: warning}}
"""
    write(folder, PASSING + more)
    found = do(folder, "--coverage-under", "100", "--run", "low")
    assert found.exit_code == 0, found.output
    assert "coverage 100.0% of 4 clauses" in found.stdout
    assert "never" not in found.stdout


def test_junit_is_valid_and_escaped(folder: Path, tmp_path: Path) -> None:
    write(folder, PASSING + FAILING)
    report = tmp_path / "report.xml"
    assert do(folder, "--junit", str(report)).exit_code == 1
    root = ET.fromstring(report.read_bytes())
    (suite,) = root
    assert (suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("rules/a.test.yaml", "2", "1", "0")
    first, second = suite
    assert first.get("name") == '低 <&"]]> \ufffd[31m'
    assert list(first) == []
    failure = second.find("failure")
    assert failure is not None
    assert failure.text is not None
    assert "+ state: firing" in failure.text
    assert float(second.get("time", "x")) >= 0
    missing = do(folder, "--junit", str(tmp_path / "no" / "report.xml"))
    assert missing.exit_code == 2
    assert "cannot be written" in missing.stderr


def test_json(folder: Path) -> None:
    write(folder, PASSING + FAILING)
    found = json.loads(do(folder, "--coverage", before=("--format", "json")).stdout)
    assert [test["passed"] for test in found["tests"]] == [True, False]
    assert "+ state: firing" in found["tests"][1]["message"]
    assert 0 < found["coverage"]["percent"] < 100
    assert {"rule": "low", "section": "when", "clause": "dsr_desc < 4.7", "never_true": False, "never_false": True} in found["coverage"][
        "clauses"
    ]


def test_no_escape_sequence_reaches_the_terminal(folder: Path) -> None:
    write(folder, PASSING.replace("critical", "warning"))
    assert "\x1b" not in do(folder).output


def test_the_shipped_rules_pass_with_full_coverage() -> None:
    """Of those rules that have tests: with a pattern, coverage is asked of the rules that are tested."""
    found = do(ROOT, "--run", ".", "--coverage-under", "100")
    assert found.exit_code == 0, found.output
    for rule in ("dsr_drop", "unfulfilled_orders", "banner_expired", "price_image_mismatch", "ad_budget_exhausted"):
        assert do(ROOT, "--run", f"^{rule}$").exit_code == 0, f"{rule} has no tests"


def test_examples_of_the_page_are_right(folder: Path) -> None:
    """Every YAML block of docs/rule-tests.md is a test file that passes on the shipped rules, except the one that shows a failure."""
    page = (ROOT / "docs" / "rule-tests.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 6
    shutil.rmtree(folder / "rules")
    shutil.copytree(ROOT / "rules", folder / "rules", ignore=shutil.ignore_patterns("*.test.yaml"))
    shutil.copy(ROOT / "schedules.yaml", folder)
    for number, block in enumerate(blocks):
        write(folder, block, f"page{number}")
    found = do(folder)
    failing = re.findall(r"^rules/page\d+\.test\.yaml:1: (.*) \[\w+\]$", found.stdout, re.MULTILINE)
    assert failing == ["写错的期望"], found.output
    assert found.stderr.strip().endswith(" s")
    (shown,) = re.findall(r"^```text\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    chinese = CliRunner().invoke(app, ["--project", str(folder), "--lang", "zh", "test", "--run", "写错的期望"])
    assert re.sub(r"page\d+", "my", chinese.stdout).strip() == shown.strip()
