"""Two commits of rules over the same six days: exactly what a hand finds."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from engine.cli.main import app
from engine.diff import Renamed, parse_budget
from engine.diff.renames import changed_rules, renames
from engine.project import load_project
from tests.diff.conftest import AFTER, BEFORE, Repository, at

ROOT = Path(__file__).parents[2]
SPAN = ("--from", "2026-11-02", "--to", "2026-11-07")


def brief(difference: dict[str, Any]) -> tuple[object, ...]:
    def told(thing: dict[str, Any] | None) -> object:
        if thing is None:
            return None
        return (thing["fired"], thing["resolved"], thing["severity"]) if "fired" in thing else thing["at"]

    thing = difference["after"] or difference["before"]
    about = thing["key"][0] if "key" in thing else thing["recipient"].partition("@")[0]
    return (difference["side"], difference["rules"], about, told(difference["before"]), told(difference["after"]), difference["changes"])


def test_alerts_and_notifications_are_what_a_hand_finds(repository: Repository) -> None:
    found = repository.json("diff", *SPAN)
    assert (found["alerts"], found["notifications"]) == ({"base": 4, "head": 5}, {"base": 8, "head": 10})
    assert found["renamed"] == [{"before": "old_name", "after": "new_name", "changed": False}]
    assert (found["rules_added"], found["rules_removed"]) == (["few_visits"], ["given_up"])
    assert found["rules_changed"] == ["low_rating", "never"]
    assert [brief(each) for each in found["alert_differences"]] == [
        ("removed", ["given_up"], "s2", (at(1), at(2), "warning"), None, []),
        ("changed", ["low_rating"], "s1", (at(2), at(4), "warning"), (at(1), at(4), "warning"), ["earlier"]),
        ("changed", ["low_rating"], "s2", (at(2), at(3), "warning"), (at(2), at(3), "critical"), ["severity"]),
        ("added", ["low_rating"], "s3", None, (at(3), at(4), "warning"), []),
        ("added", ["few_visits"], "s3", None, (at(4), at(5), "warning"), []),
    ]
    assert [brief(each) for each in found["notification_differences"]] == [
        ("removed", ["given_up"], "service", at(1), None, []),
        ("changed", ["low_rating"], "service", at(2), at(1), ["earlier"]),
        ("removed", ["given_up"], "service", at(2), None, []),
        ("changed", ["low_rating"], "service", at(2), at(2), ["severity", "text"]),
        ("changed", ["low_rating"], "service", at(3), at(3), ["severity"]),  # its end is told alike
        ("added", ["low_rating"], "service", None, at(3), []),
        ("added", ["few_visits"], "service", None, at(4), []),
        ("changed", ["low_rating"], "service", at(4), at(4), ["text"]),
        ("added", ["low_rating"], "service", None, at(4), []),
        ("added", ["few_visits"], "service", None, at(5), []),
    ]


def test_nothing_is_different_from_itself(repository: Repository) -> None:
    output = repository.do("diff", "--base", "HEAD", *SPAN, language="zh").output
    assert "告警和通知没有任何差别" in output and "告警 5 → 5（无差别）" in output


def test_the_working_tree_is_left_alone_and_what_is_not_committed_counts(repository: Repository) -> None:
    rules = repository.folder / "rules" / "few.yaml"
    rules.write_text(BEFORE, encoding="utf-8")
    found = repository.json("diff", *SPAN)
    assert found["alert_differences"] == []
    assert rules.read_text(encoding="utf-8") == BEFORE
    assert repository.git("status", "--porcelain") == "M shops/ours/rules/few.yaml"


def test_a_template_that_changes_is_told(repository: Repository) -> None:
    rules = repository.folder / "rules" / "few.yaml"
    rules.write_text(BEFORE, encoding="utf-8")
    template = repository.folder / "templates" / "en" / "low_rating.gist.j2"
    template.write_text("quite another sentence", encoding="utf-8")
    found = repository.json("diff", *SPAN)
    assert found["alert_differences"] == []
    assert [(each["rules"], each["changes"]) for each in found["notification_differences"]] == [(["low_rating"], ["text"])] * 4


def test_another_folder_is_a_base_too(repository: Repository, tmp_path: Path) -> None:
    other = tmp_path / "other"
    repository.git("worktree", "add", "-q", str(other), "main")
    found = repository.json("diff", "--base", str(other / "shops" / "ours"), *SPAN)
    assert (len(found["alert_differences"]), len(found["renamed"])) == (5, 1)


INCIDENT = """
- incident: both
  title: Both
  when:
    all:
      one: alert where name == 'low_rating'
      two: alert where name == 'never' and store_id == one.store_id
  severity: critical
"""


def test_an_incident_rule_is_not_changed_by_names_that_it_does_not_mention(repository: Repository, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(repository.folder, other)
    (other / "rules" / "few.yaml").write_text(BEFORE + INCIDENT, encoding="utf-8")
    (repository.folder / "rules" / "few.yaml").write_text(AFTER + INCIDENT, encoding="utf-8")
    assert changed_rules(load_project(other), load_project(repository.folder)) == {"low_rating", "never"}


def test_a_rule_that_was_renamed_and_changed(repository: Repository, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(repository.folder, other)
    (other / "rules" / "few.yaml").write_text(AFTER.replace("few_visits", "few").replace("Few visits", "Few"), encoding="utf-8")
    assert renames(load_project(other), load_project(repository.folder)) == (Renamed("few", "few_visits", changed=True),)


def test_one_rule_by_its_old_name(repository: Repository) -> None:
    found = repository.json("diff", *SPAN, "--rules", "old_name")
    assert [row["rule"] for row in found["rules"]] == ["new_name"]
    assert found["alerts"] == {"base": 1, "head": 1}


def test_a_new_rule_by_itself(repository: Repository) -> None:
    assert repository.json("diff", *SPAN, "--rules", "few_visits")["alerts"] == {"base": 0, "head": 1}


BUDGETS = {
    "+1 notification/day": True,
    "+0.3 notifications/day": False,
    "+2 notifications/week": False,
    "+25% notifications": True,
    "+24.9% notifications": False,
    "+1 alert/week": False,
    "2 notifications/day": True,
    "1 notifications/day": False,
}


def test_budgets(repository: Repository) -> None:
    """2 notifications and 1 alert more in 6 days; 10 and 5 in all."""
    found = repository.json("diff", *SPAN, *(word for budget in BUDGETS for word in ("--budget", budget)), expect=1)
    assert {each["budget"]: each["kept"] for each in found["budgets"]} == BUDGETS


def test_markdown_for_a_pull_request(repository: Repository) -> None:
    text = repository.do("diff", *SPAN, "--markdown", "--budget", "+1 notification/day").stdout
    assert "| `low_rating` | `2 → 3` | `+1 ~2` |" in text
    assert "renamed: old\\_name → new\\_name" in text
    assert "within the budget" in text
    assert text.count("<details>") == text.count("</details>") == 2


def test_a_name_in_a_table_can_do_nothing() -> None:
    from engine.diff.telling import code

    assert code("a|b`c @all <img>") == "`a¦bˋc @all <img>`"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--base", "nowhere"), "neither a folder nor a git revision"),
        (("--base=--help",), "neither a folder nor a git revision"),
        (("--budget", "ten mails"), "is no budget"),
        (("--rules", "low_ratings"), "did you mean low_rating?"),
        (("--days", "3", "--from", "2026-11-02"), "give --from or --days"),
        (("--from", "2026-11-07", "--to", "2026-11-02"), "must be earlier"),
    ],
)
def test_what_cannot_be_done_is_told(repository: Repository, words: tuple[str, ...], said: str) -> None:
    assert said in repository.do("diff", *words, expect=2).output


def test_a_base_that_is_wrong_is_told_with_its_place(repository: Repository) -> None:
    repository.git("switch", "-q", "-c", "broken")
    repository.commit(AFTER.replace("dsr_desc < 4.8", "dsr_desk < 4.8"))
    repository.git("switch", "-q", "change")
    assert "broken:rules/few.yaml:5:9" in repository.do("diff", "--base", "broken", *SPAN, expect=2).output


def test_a_folder_without_git(repository: Repository) -> None:
    shutil.rmtree(repository.top / ".git")
    assert "not a git repository" in repository.do("diff", *SPAN, expect=2).output


def test_a_project_that_was_not_there_yet(repository: Repository) -> None:
    repository.git("switch", "-q", "--orphan", "empty")
    repository.git("commit", "-q", "--allow-empty", "-m", "nothing")
    repository.git("switch", "-q", "change")
    assert "there was no project then" in repository.do("diff", "--base", "empty", *SPAN, expect=2).output


def test_the_workflow_that_is_shown_calls_what_there_is() -> None:
    workflow = yaml.safe_load((ROOT / "docs" / "examples" / "ci" / "rules.yml").read_text(encoding="utf-8"))
    steps = [line for step in workflow["jobs"]["diff"]["steps"] for line in step.get("run", "").splitlines() if "storewatch " in line]
    words = [shlex.split(line.partition(">")[0].replace('"origin/$BASE"', "main")) for line in steps if "pip " not in line]
    called = [[word for word in line if word not in ("storewatch", "--lang", "zh")] for line in words]
    assert [line[0] for line in called] == ["check", "test", "diff"]
    known = {option for option in re.findall(r"--[a-z-]+", CliRunner().invoke(app, ["diff", "--help"]).output)}
    assert {word for word in called[-1] if word.startswith("--")} <= known
    assert parse_budget(called[-1][called[-1].index("--budget") + 1]).more
