"""``storewatch check``: exit codes, what goes where, both formats; and what only a whole project can have wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine.cli.main import app
from engine.errors import ProblemsFound, UsageError
from engine.project import load_project
from tests.check.test_bad_files import PROJECT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT, tmp_path / "project"))


def check(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["-C", str(folder), *options, "check"])


def add_rule(folder: Path, text: str, name: str = "mine.yaml") -> None:
    (folder / "rules" / name).write_text(text, encoding="utf-8")


def rule(name: str, when: str = "uv < 5") -> str:
    return f"- alert: {name}\n  title: 访客少\n  facts: store\n  when: {when}\n  severity: info\n"


def codes(folder: Path, *, templates: bool = False) -> dict[str, str]:
    """The code of the problem of every file that has one."""
    with pytest.raises(ProblemsFound) as caught:
        load_project(folder, thorough=templates)
    return {problem.file: problem.code for problem in caught.value.problems}


def test_a_good_project(project: Path) -> None:
    result = check(project, "--lang", "en")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "all right: 1 rules, 0 incident rules, 2 fact kinds\n")
    assert check(project, "--format", "json").stdout == "[]\n"


def test_a_password_that_this_shell_does_not_have_is_a_warning(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = project / "channels.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("host:", "username: x, password_env: SHOP_SECRET, host:"), encoding="utf-8")
    monkeypatch.delenv("SHOP_SECRET", raising=False)
    result = check(project, "--lang", "en", "--format", "json")
    assert (result.exit_code, result.stdout) == (0, "[]\n")
    assert "environment variable SHOP_SECRET is not set in this shell" in result.stderr
    monkeypatch.setenv("SHOP_SECRET", "hunter2")
    assert check(project, "--lang", "en").stderr == "all right: 1 rules, 0 incident rules, 2 fact kinds\n"


def test_mistakes_in_rule_tests_are_told_like_all_others(project: Path) -> None:
    text = "- test: a\n  rule: dsr_dorp\n  quiet: true\n- test: b\n  rule: dsr_drop\n  given: {store: {s1: {uvv: 3}}}\n  quiet: true\n"
    (project / "rules" / "service.test.yaml").write_text(text, encoding="utf-8")
    found = json.loads(check(project, "--format", "json").stdout)
    assert [(each["file"], each["line"], each["code"]) for each in found] == [
        ("rules/service.test.yaml", 2, "unknown_rule"),
        ("rules/service.test.yaml", 6, "unknown_column"),
    ]
    assert check(project).exit_code == 1


def test_problems_go_to_standard_output_and_their_number_to_standard_error(project: Path) -> None:
    add_rule(project, rule("a", "uvv < 5") + rule("b", "statuz == 'open'"))
    result = check(project, "--lang", "zh")
    assert result.exit_code == 1
    assert result.stdout.count("提示：") == 2 and result.stdout.count("\n\n") == 2
    assert result.stderr == "1 个文件里共 2 个问题\n"


def test_problems_as_json(project: Path) -> None:
    add_rule(project, rule("a", "'描述相符 < 4 and 描述相苻 < 4.7'"))
    (project / "schedules.yaml").unlink()
    result = check(project, "--lang", "en", "--format", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == [
        {
            "file": "rules/mine.yaml",
            "line": 4,
            "column": 27 - 4,
            "width": 4,
            "code": "unknown_name",
            "message": "'store' has no column '描述相苻'",
            "hint": "did you mean 描述相符?",
        },
        {
            "file": "schedules.yaml",
            "line": 0,
            "column": 0,
            "width": 1,
            "code": "missing_file",
            "message": "the file is missing",
            "hint": "copy it from a new project: storewatch init DIR",
        },
    ]


@pytest.mark.parametrize("format", ["table", "json"])
def test_what_is_no_project(tmp_path: Path, format: str) -> None:
    result = check(tmp_path, "--lang", "en", "--format", format)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no facts.yaml" in result.stderr and "hint: " in result.stderr


def test_usage(project: Path) -> None:
    assert check(project, "--lang", "fr").exit_code == 2
    assert check(project, "--format", "xml").exit_code == 2


def test_other_commands_end_with_2_on_a_broken_project(project: Path) -> None:
    add_rule(project, "- alert：x\n")
    result = CliRunner().invoke(app, ["-C", str(project), "rules"])
    assert result.exit_code == 2 and "全角" in result.stderr or "full-width" in result.stderr


def test_problems_of_all_files_are_told_at_once(project: Path) -> None:
    add_rule(project, rule("a", "uvv < 5"))
    for name, old, new in [
        ("facts.yaml", "26h", "26 hours"),
        ("channels.yaml", "receiver: owner", "receiver: ownr"),
        ("schedules.yaml", "30m", "often"),
        ("templates/default.txt.j2", "{{", "{{ nothing_of_the_kind }}{{"),
    ]:
        path = project / name
        path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    assert codes(project, templates=True) == {
        "facts.yaml": "bad_duration",
        "channels.yaml": "unknown_receiver",
        "schedules.yaml": "bad_duration",
        "templates/default.txt.j2": "unknown_name",
    }


def test_what_is_missing_is_named(project: Path) -> None:
    shutil.rmtree(project / "rules")
    shutil.rmtree(project / "templates")
    (project / "channels.yaml").rename(project / "channels.yml")
    (project / "schedules.yaml").unlink()
    expected = {"rules": "missing_folder", "channels.yaml": "missing_file", "schedules.yaml": "missing_file"}
    assert codes(project) == expected
    assert codes(project, templates=True) == expected | {"templates": "missing_folder"}
    assert "rename channels.yml to channels.yaml" in check(project, "--lang", "en").stdout


def test_one_broken_rules_file_does_not_make_its_schedule_look_wrong(project: Path) -> None:
    add_rule(project, rule("dsr_drop", "dsr_dsc < 4"), "service.yaml")
    assert codes(project) == {"rules/service.yaml": "unknown_name"}


def test_rules_are_read_from_both_endings_and_from_folders(project: Path) -> None:
    (project / "rules" / "more").mkdir()
    add_rule(project, rule("a"), "a.yml")
    add_rule(project, rule("b"), "more/b.yaml")
    assert [found.name for found in load_project(project).rules] == ["a", "b", "dsr_drop"]


@pytest.mark.parametrize("name", ["x.test.yaml", "x.test.yml", ".hidden.yaml", "x.yaml~", "x.yaml.bak", "notes.txt"])
def test_other_files_beside_rules_are_left_alone(project: Path, name: str) -> None:
    add_rule(project, "a: [", name)
    (project / "rules" / ".#service.yaml").symlink_to("editor@host.1234")
    assert [found.name for found in load_project(project).rules] == ["dsr_drop"]


def test_a_rule_given_in_two_files_is_told_where_it_was_first(project: Path) -> None:
    add_rule(project, "# 说明\n\n" + rule("dsr_drop"), "a.yaml")
    result = check(project, "--lang", "en")
    assert "rules/service.yaml:1:10: rule 'dsr_drop' is already defined in rules/a.yaml:3 [duplicate_rule]" in result.stdout


def test_templates_of_rules_that_do_not_exist_are_fine(project: Path) -> None:
    (project / "templates" / "other.gist.j2").write_text("{{ item.store }}\n", encoding="utf-8")
    load_project(project, thorough=True)


def test_an_empty_rules_file_is_fine(project: Path) -> None:
    add_rule(project, "# 全部停用\n")
    assert len(load_project(project).rules) == 1


def test_select_offers_the_rule_that_was_meant(project: Path) -> None:
    loaded = load_project(project)
    assert loaded.select([]) == loaded.rules == loaded.select(["dsr_drop", "dsr_drop"])
    with pytest.raises(UsageError) as caught:
        loaded.select(["dsr_dorp"])
    assert caught.value.hint and "dsr_drop" in caught.value.hint.zh


def test_a_file_name_that_is_no_text_is_shown(project: Path) -> None:
    path = os.fsencode(project / "rules") + b"/\xff.yaml"
    with open(path, "wb") as file:
        file.write(b"a: [")
    assert "rules/\ufffd.yaml" in check(project).stdout
    assert json.loads(check(project, "--format", "json").stdout)[0]["file"] == "rules/\ufffd.yaml"


def test_cron_lines_have_weekdays_by_name(project: Path) -> None:
    schedules = load_project(project).schedules.schedules
    assert schedules["morning"].cron == "30 9 * * mon,tue,wed,thu,fri"


def test_nothing_heavy_is_loaded() -> None:
    """People wait for `check` at every change: what evaluates, ingests or sends is not needed to read files."""
    code = "import sys; from engine.cli.main import app; app(['check'], standalone_mode=False); print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True)
    loaded = set(result.stdout.split())
    assert "engine.project" in loaded
    assert not loaded & {"ibis", "duckdb", "pandas", "pyarrow", "matplotlib", "sqlalchemy", "httpx", "holidays", "alembic"}
