"""``storewatch new rule``: a rule and tests of it that pass, from a few answers; and nothing at all when something is wrong."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine.cli.init import copy_starter
from engine.cli.main import app
from engine.drafting import Answers, draft, scalar
from engine.errors import Text
from engine.project import load_project
from engine.yamlfile import loads
from tests.editor.test_files import content

ROOT = Path(__file__).parent.parent.parent
STARTER = load_project(ROOT)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The starter project with one file of rules."""
    copy_starter(tmp_path / "shop")
    for path in (tmp_path / "shop" / "rules").iterdir():
        if not path.name.startswith("a_service"):
            path.unlink()
    (tmp_path / "shop" / "schedules.yaml").write_text("schedules: {all: {every: 1h}}\n", encoding="utf-8")
    run(tmp_path / "shop", "schema", "--write")
    return tmp_path / "shop"


def run(folder: Path, *arguments: str, answers: str | None = None, lang: str = "en", form: str = "table") -> Result:
    return CliRunner().invoke(app, ["-C", str(folder), "--lang", lang, "--format", form, *arguments], input=answers)


OPTIONS = {"--name": "big_refunds", "--title": "退款太多", "--facts": "store", "--when": "refund_amount > 10% * sales and sales >= 1000"}


def given(**changed: str) -> list[str]:
    options = {**OPTIONS, **{f"--{name.replace('_', '-')}": value for name, value in changed.items()}}
    return ["new", "rule", "--yes", *(part for name, value in options.items() if value for part in (name, value))]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_rule_by_options(project: Path, lang: str) -> None:
    result = run(project, *given(title_en="Too many refunds", owner="service", area="售后", severity="critical"), lang=lang, form="json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"rule": "big_refunds", "files": ["rules/my.yaml", "rules/my.test.yaml"], "tests": 2}
    assert (project / "rules" / "my.yaml").read_text(encoding="utf-8") == (
        "# yaml-language-server: $schema=../.storewatch/schemas/rules.json\n"
        "- alert: big_refunds\n"
        "  title: {zh: 退款太多, en: Too many refunds}\n"
        "  facts: store\n"
        "  when: refund_amount > 10% * sales and sales >= 1000\n"
        "  severity: critical\n"
        "  owner: service\n"
        "  labels: {area: 售后}\n"
        "  show:\n"
        "    退款金额 / Refunds: refund_amount\n"
        "    支付金额 / Sales: sales\n"
    )
    checked = run(project, "check")
    assert (checked.exit_code, "out of date" in checked.stderr) == (0, False)
    tested = json.loads(run(project, "test", "--run", "big_refunds", form="json").stdout)["tests"]
    assert [test["passed"] for test in tested] == [True, True]
    text = (project / "rules" / "my.test.yaml").read_text(encoding="utf-8")
    assert ("店铺日报: {s1: {退款金额:" if lang == "zh" else "store: {s1: {refund_amount:") in text
    assert text.count("severity: critical") == text.count("quiet: true") == 1


def test_questions_are_asked_until_the_answer_is_right(project: Path) -> None:
    answers = [
        *("Big Refunds", "dsr_drop", "stale_data", "big_refunds"),
        *("退款太多", "Too many refunds"),
        *("shop", "店铺日报"),
        *("../my.yaml", "mine"),
        *("?", "refund_amont > 5", "refund_amount > 500"),
        *("2 days", "2d"),
        *("severe", "3"),
        *("nobody", "1"),
        *("售后", "y"),
    ]
    result = run(project, "new", "rule", answers="\n".join(answers) + "\n", lang="zh")
    assert result.exit_code == 0, result.output
    for said in (
        "不能作为名称",
        "已有名为 'dsr_drop' 的规则（rules/a_service.yaml:",
        "（storewatch）",
        "没有这一项",
        "refund_amount  退款金额",
    ):
        assert said in result.stderr
    assert re.search(r"    refund_amont > 5\n    \^{12}\n    提示：是不是想写 refund_amount", result.stderr)
    rule = load_project(project).select(["big_refunds"])[0]
    assert (rule.kind, rule.condition, rule.info.severity.value, rule.info.owner) == ("store", "refund_amount > 500", "critical", "service")
    assert rule.info.hold.days == 2
    assert "2 个测试，全部通过" in result.stderr
    assert "state: resolved" not in (project / "rules" / "mine.test.yaml").read_text(encoding="utf-8")
    assert run(project, "test", "--run", "big_refunds").exit_code == 0


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": "dsr_drop"}, "there is a rule 'dsr_drop' already (rules/a_service.yaml:"),
        ({"name": "too_many_alerts"}, "already"),
        ({"name": "Big"}, "cannot be a name"),
        ({"name": ""}, "--name is missing"),
        ({"when": "refund_amont > 5"}, "    refund_amont > 5\n    ^^^^^^^^^^^^\n"),
        ({"when": "refund_amount"}, "when:1:1"),
        ({"when": "?"}, "refund_amount"),
        ({"facts": "stoer"}, "did you mean store"),
        ({"owner": "nobody"}, "--owner nobody"),
        ({"severity": "severe"}, "use info, warning, critical"),
        ({"for": "2 days"}, "is not a duration"),
        ({"file": "../x.yaml"}, "not a file under rules/"),
        ({"file": "/etc/x.yaml"}, "not a file under rules/"),
        ({"file": "a.test.yaml"}, "a file of tests"),
        ({"title": ""}, "--title is missing"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_written(project: Path, changed: dict[str, str], told: str) -> None:
    before = content(project)
    result = run(project, *given(**changed))
    assert (result.exit_code, told in result.stderr) == (2, True), result.output
    assert content(project) == before


def test_other_words_than_rule(project: Path) -> None:
    assert run(project, "new", "kind").exit_code == 2


def test_a_project_with_mistakes_is_told_of(project: Path) -> None:
    (project / "rules" / "bad.yaml").write_text("- alert: x\n", encoding="utf-8")
    before = content(project)
    result = run(project, *given())
    assert (result.exit_code, "rules/bad.yaml:1" in result.stderr) == (2, True)
    assert content(project) == before


@pytest.mark.parametrize("answers", ["", "big_refunds\n退款\n", "big_refunds\n退款\nRefunds\nstore\n\nsales < 5\n\n\n\n\nn\n"])
def test_who_stops_half_way_leaves_nothing(project: Path, answers: str) -> None:
    before = content(project)
    assert run(project, "new", "rule", answers=answers).exit_code == 1
    assert content(project) == before


def test_an_interrupt_leaves_nothing(project: Path) -> None:
    before = content(project)
    command = [sys.executable, "-m", "engine.cli.main", "-C", str(project), "--lang", "en", "new", "rule"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stdin and process.stderr
        process.stdin.write(b"big_refunds\n")
        process.stdin.flush()
        said = b""
        while b"Title" not in said:
            said += process.stderr.read(1)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) != 0
    assert content(project) == before


@pytest.mark.parametrize(
    ("before", "start"),
    [
        (b"", b"- alert: big_refunds\n"),
        (b"# none yet\n", b"# none yet\n\n- alert: big_refunds\n"),
        ("# 说明\n- alert: one\n  title: a\n  facts: store\n  when: uv < 5  # 少\n  severity: info\n# 完\n\n\n".encode(), b""),
        (b"- alert: one\r\n  title: a\r\n  facts: store\r\n  when: uv < 5\r\n  severity: info\r\n", b""),
        (b"  - alert: one\n    title: a\n    facts: store\n    when: uv < 5\n    severity: info", b""),
        (b"\xef\xbb\xbf- alert: one\n  title: a\n  facts: store\n  when: uv < 5\n  severity: info\n", b""),
    ],
)
def test_a_rule_is_added_at_the_end_of_a_file(project: Path, before: bytes, start: bytes) -> None:
    path = project / "rules" / "mine.yaml"
    path.write_bytes(before)
    assert run(project, *given(file="mine.yaml")).exit_code == 0
    after = path.read_bytes()
    assert after.startswith(start or before.rstrip(b"\r\n"))
    assert [rule.name for rule in load_project(project).rules if "mine" in rule.defined_at][-1] == "big_refunds"
    if b"\r\n" in before:
        assert after.count(b"\n") == after.count(b"\r\n")


def test_a_file_that_nothing_can_be_added_to(project: Path) -> None:
    path = project / "rules" / "mine.yaml"
    path.write_bytes(b"[{alert: one, title: a, facts: store, when: uv < 5, severity: info}]\n")
    before = content(project)
    result = run(project, *given(file="mine.yaml"))
    assert (result.exit_code, "cannot be added" in result.stderr) == (2, True)
    assert content(project) == before


def test_names_of_the_project_can_be_used(project: Path) -> None:
    names = "- let: {too_low: 4.6}\n- let: {open_shop: status == 'open'}\n  facts: store\n"
    (project / "rules" / "_let.yaml").write_text(names, encoding="utf-8")
    assert run(project, *given(when="open_shop and dsr_desc < too_low")).exit_code == 0
    assert "4.59" in (project / "rules" / "my.test.yaml").read_text(encoding="utf-8")
    assert (run(project, "check").exit_code, run(project, "test", "--run", "big_refunds").exit_code) == (0, 0)
    assert "did you mean too_low" in run(project, *given(name="other", when="dsr_desc < too_lwo")).stderr


def test_incidents_have_names_too(project: Path) -> None:
    text = """- incident: two_at_once
  title: 两个问题
  when:
    all:
      first: alert where name == 'dsr_drop'
      second: alert where name == 'unfulfilled_orders' and store_id == first.store_id
  severity: info
"""
    (project / "rules" / "both.yaml").write_text(text, encoding="utf-8")
    refused = run(project, *given(name="two_at_once"))
    assert (refused.exit_code, "(rules/both.yaml:1)" in refused.stderr) == (2, True), refused.stderr
    assert run(project, *given(file="both")).exit_code == 0
    assert (project / "rules" / "both.yaml").read_text(encoding="utf-8").startswith(text)
    assert run(project, "check").exit_code == 0


def test_two_rules_one_after_the_other(project: Path) -> None:
    for name in ("one", "two"):
        assert run(project, *given(name=name)).exit_code == 0
    assert [rule.name for rule in load_project(project).rules][-2:] == ["one", "two"]
    assert "4 passed" in run(project, "test", "--run", "my.test").stderr


def test_where_no_rows_are_found_there_is_a_sketch(project: Path) -> None:
    result = run(project, *given(when="name matches '^[0-9]{3}-[a-z]$'"))
    assert (result.exit_code, "TODO" in result.stderr) == (0, True)
    assert "# TODO" in (project / "rules" / "my.test.yaml").read_text(encoding="utf-8")
    assert run(project, "check").exit_code == run(project, "test").exit_code == 0


EASY = [
    "dsr_desc < 4.7 or dsr_service < 4.7 and uv > 10",
    "dsr_desc < highest(dsr_desc, 7d) - 0.05",
    "count(order where status == 'paid' and age(paid_at) > 48h) >= 5",
    "sum(amount of order where status == 'paid') > 20% * sales",
    "no order where status == 'paid'",
    "status in ('open', 'closed') and refund_rate between 5% and 10%",
    "previous(uv) - uv > 100 and uv is present",
    "not (name contains '测试') and violation_points > 0",
    "share(score <= 2 of review) > 30%",
    "unchanged_for(name) > 3d",
]


@pytest.mark.parametrize("when", EASY)
@pytest.mark.parametrize("hold", ["", "2d"])
def test_conditions_that_rows_are_found_for(when: str, hold: str) -> None:
    answers = Answers("mine", Text("Mine", "我的"), "store", when, hold, "warning", "", "", "rules/mine.yaml")
    made = draft(STARTER, answers, "zh")
    assert len(made.verdicts) == 2 and all(verdict.passed for verdict in made.verdicts), made.tests


@pytest.mark.parametrize("name", ["ship_deadline_near", "problem_product", "banner_wrong_target", "cpc_spike", "traffic_source_drop"])
def test_conditions_of_shipped_rules(name: str) -> None:
    rule = STARTER.select([name])[0]
    file = rule.defined_at.partition(":")[0]
    answers = Answers("mine", Text("Mine", "我的"), rule.kind, rule.condition, "", "warning", "", "", file)
    assert len(draft(STARTER, answers, "en").verdicts) == 2


@pytest.mark.parametrize(
    ("kind", "when"),
    [
        ("placement", "link_status between link_status + 1 and link_status"),
        ("product", "count(by sku) >= 2"),
        ("store", "true"),
        ("traffic", "source == '搜索'"),
        ("order", "store.name matches '^[0-9]{3}$'"),
    ],
)
def test_conditions_that_no_rows_are_found_for_are_written_all_the_same(kind: str, when: str) -> None:
    answers = Answers("mine", Text("Mine", "我的"), kind, when, "2d", "warning", "", "", "rules/mine.yaml")
    made = draft(STARTER, answers, "en")
    assert made.verdicts == () and made.tests.startswith("# TODO")


def test_long_conditions_are_folded(project: Path) -> None:
    when = " or ".join(f"uv == {number} and name != 'a  and  b: #'" for number in range(8))
    run(project, *given(when=when))
    assert load_project(project).select(["big_refunds"])[0].condition == when
    assert all(len(line) < 100 for line in (project / "rules" / "my.yaml").read_text(encoding="utf-8").splitlines())


TEXTS = ["a", "a: b", "a #b", "- a", "yes", "null", "1.5", "{a", "a, b", "'a'", '"', "店：铺", "a\\b", " a ", "a]", "*a", "2026-11-20"]


@pytest.mark.parametrize("text", TEXTS)
def test_scalars_mean_what_was_said(text: str) -> None:
    assert loads(f"- {scalar(text)}\n- [{scalar(text, flow=True)}]\n- {scalar(text)}: 1\n".encode(), "x").data == [text, [text], {text: 1}]
