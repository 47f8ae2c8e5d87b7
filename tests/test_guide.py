"""The guides and the reference are true: every rule, test, channels file, command and error message in them is tried."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli.functions import Entry, language
from engine.cli.init import copy_starter
from engine.cli.main import app
from engine.facts_file import load_facts
from engine.language import ExpressionError, Scope, understand
from engine.language.functions import AGGREGATES, FUNCTIONS
from engine.project import Project, load_project
from engine.routing import load_channels
from engine.rules import read_rules
from engine.rules_file import RuleFile
from engine.ruletest.reading import load_tests
from engine.ruletest.running import Bench
from engine.schedules import Schedule
from engine.yamlfile import loads

ROOT = Path(__file__).parent.parent
GUIDES = {"zh": ROOT / "docs" / "guide.zh.md", "en": ROOT / "docs" / "guide.md"}
FACTS = load_facts(ROOT / "facts.yaml")
FENCE = re.compile(r"(?ms)^```(.+?)\n(.*?)^```$")
EACH = pytest.mark.parametrize("spoken", GUIDES)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: what it says to be, and its text."""

    kind: str
    text: str

    @property
    def first_key(self) -> str:
        return re.sub(r"^- ", "", self.text).partition(":")[0]


def blocks(spoken: str, kind: str = "", first_key: str = "") -> list[Block]:
    found = [Block(*match) for match in FENCE.findall(GUIDES[spoken].read_text(encoding="utf-8"))]
    return [block for block in found if kind in ("", block.kind) and first_key in ("", block.first_key)]


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module", params=GUIDES)
def guided(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A new project with every rule and every test of a guide."""
    folder = tmp_path_factory.mktemp("guided")
    copy_starter(folder)
    for path in (folder / "rules").glob("*.test.yaml"):
        path.unlink()
    for keys, name in ((("alert", "let", "incident"), "guide.yaml"), (("test",), "guide.test.yaml")):
        texts = [block.text for block in blocks(request.param, "yaml") if block.first_key in keys]
        (folder / "rules" / name).write_text("".join(texts), encoding="utf-8")
    return load_project(folder)


@EACH
def test_every_block_is_of_a_kind_that_is_tried(spoken: str) -> None:
    assert {block.first_key for block in blocks(spoken, "yaml")} == {
        "alert",
        "let",
        "incident",
        "test",
        "language",
        "expected",
        "schedules",
    }
    assert {block.kind for block in blocks(spoken)} == {"yaml", "yaml wrong", "text", "sh", "csv"}


def test_the_rules_of_the_guide_are_right(guided: Project) -> None:
    own = [rule for rule in guided.rules if rule.defined_at.startswith("rules/guide.yaml")]
    assert len(own) >= 28
    assert [rule for rule in guided.incidents if rule.defined_at.startswith("rules/guide.yaml")]


def test_the_tests_of_the_guide_pass(guided: Project, tmp_path: Path) -> None:
    tests = load_tests(guided)
    assert len(tests) >= 2
    with Bench(guided, tmp_path) as bench:
        for test in tests:
            assert bench.run(test).passed, test.title


@EACH
def test_channels_are_right(spoken: str, tmp_path: Path) -> None:
    for block in blocks(spoken, "yaml", "language"):
        (tmp_path / "channels.yaml").write_text(block.text, encoding="utf-8")
        load_channels(tmp_path / "channels.yaml")


@EACH
def test_expected_stores_are_read(spoken: str, tmp_path: Path) -> None:
    for block in blocks(spoken, "yaml", "expected"):
        (tmp_path / "facts.yaml").write_text(f"extends: {ROOT / 'facts.yaml'}\n{block.text}", encoding="utf-8")
        assert load_facts(tmp_path / "facts.yaml").expected == ("s1", "s2", "s3")


@EACH
def test_schedules_are_right_and_every_key_is_described(spoken: str, tmp_path: Path) -> None:
    copy_starter(tmp_path / "project")
    for block in blocks(spoken, "yaml", "schedules"):
        (tmp_path / "project" / "schedules.yaml").write_text(block.text, encoding="utf-8")
        assert len(load_project(tmp_path / "project").schedules.schedules) == 3
    described = set(re.findall(r"(?m)^\| `(\w+)` \|", GUIDES[spoken].read_text(encoding="utf-8")))
    assert set(Schedule.model_fields) <= described


@EACH
def test_a_wrong_rule_is_told_as_the_guide_shows(spoken: str) -> None:
    (wrong,), (told,) = blocks(spoken, "yaml wrong"), blocks(spoken, "text")
    read = read_rules(loads(wrong.text.encode(), "rules/my.yaml"), FACTS.schemas, FACTS.time_zone)
    ordered = sorted(read.problems, key=lambda problem: (problem.line, problem.column))
    assert "\n".join(problem.render(spoken) for problem in ordered) + "\n" == told.text


@EACH
def test_the_first_rule_can_be_followed_word_for_word(spoken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = ""
    for command in shell_commands(spoken):
        if command[0] == "cd":
            monkeypatch.chdir(command[1])
            name = next(iter(re.findall(r"ingest (\S+)", GUIDES[spoken].read_text(encoding="utf-8"))))
            Path(name).write_text(blocks(spoken, "csv")[0].text, encoding="utf-8")
            Path("rules/my.yaml").write_text(blocks(spoken, "yaml", "alert")[0].text, encoding="utf-8")
        else:
            said = run("--lang", spoken, *command[1:])
    assert "s2" in said and "s1" not in said


def shell_commands(spoken: str) -> Iterator[list[str]]:
    for block in blocks(spoken, "sh"):
        yield from map(shlex.split, block.text.splitlines())


@EACH
def test_every_key_of_a_rule_is_described(spoken: str) -> None:
    described = set(re.findall(r"(?m)^\| `(\w+)` \|", GUIDES[spoken].read_text(encoding="utf-8")))
    assert {field.alias or name for name, field in RuleFile.model_fields.items()} <= described


def headings(spoken: str) -> list[str]:
    prose = FENCE.sub("", GUIDES[spoken].read_text(encoding="utf-8"))
    return re.findall(r"(?m)^(#+) .+$", prose)


def test_both_guides_have_the_same_sections_and_patterns() -> None:
    assert headings("zh") == headings("en")
    named = {spoken: [re.findall(r"- alert: (\w+)", block.text) for block in blocks(spoken, "yaml", "alert")] for spoken in GUIDES}
    assert named["zh"] == named["en"]


@EACH
def test_links_inside_the_page_lead_to_headings(spoken: str) -> None:
    text = GUIDES[spoken].read_text(encoding="utf-8")
    anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in re.findall(r"(?m)^#+ (.+)$", text)}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors


@pytest.mark.parametrize("command", ["functions", "kinds"])
def test_reference_pages_are_up_to_date(command: str) -> None:
    page = {"functions": "language.md", "kinds": "kinds.md"}[command]
    made = run("--project", str(ROOT), command, "--markdown")
    assert (ROOT / "docs" / page).read_text(encoding="utf-8") == made, f"run: storewatch {command} --markdown > docs/{page}"


def is_understood(expression: str, kind: str) -> bool:
    try:
        understand(expression, Scope(kind, FACTS.schemas, FACTS.time_zone), condition=True)
    except ExpressionError:
        return False
    return True


@pytest.mark.parametrize("entry", list(language()), ids=lambda entry: entry.name)
def test_examples_of_the_language_are_conditions_on_some_kind(entry: Entry) -> None:

    assert any(is_understood(entry.example, kind) for kind in FACTS.schemas)


def test_the_language_lists_every_function() -> None:
    names = [entry.name for entry in language()]
    assert {*FUNCTIONS, *AGGREGATES} <= set(names)
    assert len(names) == len(set(names))


def test_one_function_is_shown_and_a_misspelt_one_is_offered() -> None:
    (found,) = json.loads(run("--format", "json", "functions", "highest"))
    assert found["group"] == "history"
    assert set(found["doc"]) == {"zh", "en"}
    wrong = CliRunner().invoke(app, ["--lang", "zh", "functions", "hihest"])
    assert wrong.exit_code == 2
    assert "highest" in wrong.output


def test_a_word_finds_the_functions_that_it_tells_of() -> None:
    found = {entry["name"] for entry in json.loads(run("--format", "json", "functions", "平均"))}
    assert {"mean", "same_weekday_mean", "avg"} <= found
    assert "highest" not in found


def test_kinds_lists_names_that_rules_may_use() -> None:
    columns = json.loads(run("--project", str(ROOT), "--format", "json", "kinds", "订单"))
    names = [(column["name"], name) for column in columns for name in column["names"] if not column["personal"]]
    assert ("paid_at", "付款时间") in names
    assert all(is_understood(f"{name} == {column}", "order") for column, name in names)
    status = next(column for column in columns if column["name"] == "status")
    assert "待发货" in status["values"]["paid"]


def test_kinds_says_what_is_wrong(tmp_path: Path) -> None:
    wrong = CliRunner().invoke(app, ["--project", str(ROOT), "--lang", "en", "kinds", "ordr"])
    assert (wrong.exit_code, "did you mean order" in wrong.output) == (2, True)
    nowhere = CliRunner().invoke(app, ["--project", str(tmp_path), "--lang", "en", "kinds"])
    assert (nowhere.exit_code, "no facts.yaml" in nowhere.output) == (2, True)


def test_kinds_as_a_table_is_in_the_language_asked_for() -> None:
    zh, en = (run("--project", str(ROOT), "--lang", spoken, "kinds") for spoken in ("zh", "en"))
    assert "店铺日报" in zh and "Store day" in en


def test_patterns_are_numbered_without_a_gap() -> None:
    for path in GUIDES.values():
        numbers = [int(number) for number in re.findall(r"(?m)^\*\*(\d+)\. ", path.read_text(encoding="utf-8"))]
        assert numbers[0] == 1 and len(numbers) >= 20
        assert all(after == before + 1 for before, after in pairwise(numbers))
