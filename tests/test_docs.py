"""What README and docs say is true: commands exist, generated pages are up to date, examples check, files that are named are there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli.main import app
from engine.facts_file import load_facts
from engine.language import Scope, understand
from engine.yamlfile import loads

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "CONTRIBUTING.md"]


def commands_in(page: Path) -> set[str]:
    """``storewatch <command>`` wherever a page says to type it."""
    typed = " ".join(re.findall(r"`[^`\n]+`|^    .+$", page.read_text(encoding="utf-8"), re.M))
    return set(re.findall(r"storewatch (?:--\w+ \w+ )*([a-z][a-z-]+)(?= |`|$)", typed))


def test_rules_page_is_up_to_date() -> None:
    result = CliRunner().invoke(app, ["--project", str(ROOT), "rules", "--markdown"])
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == result.stdout, "run: storewatch rules --markdown > docs/rules.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    known = {each.name for each in [*app.registered_commands, *app.registered_groups]}
    assert commands_in(page) <= known


def test_the_readme_names_commands() -> None:
    assert {"check", "ingest", "run", "alerts", "outbox", "snapshots", "init"} <= commands_in(ROOT / "README.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_rule_in_the_readme_is_right() -> None:
    text = "\n".join(re.findall(r"(?m)^    (- alert:.*|  .*)$", (ROOT / "README.md").read_text(encoding="utf-8")))
    facts = load_facts(ROOT / "facts.yaml")
    rules = loads(text.encode(), "README.md").data
    assert isinstance(rules, list) and rules
    for rule in rules:
        scope = Scope(rule["facts"], facts.schemas, facts.time_zone)
        understand(rule["when"], scope, condition=True)
        for value in rule["show"].values():
            understand(value, scope)


def test_constraints_pin_every_dependency_and_name_no_host() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in text and "@" not in text
    pinned = {name.lower().replace("_", "-") for name in re.findall(r"(?m)^([A-Za-z0-9_.-]+)==", text)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(item for extra in project["optional-dependencies"].values() for item in extra)]
    names = {re.match(r"[A-Za-z0-9_.-]+", item)[0].lower().replace("_", "-") for item in wanted if not item.startswith("storewatch")}  # type: ignore[index]
    assert names <= pinned


def test_no_shared_data_is_in_the_repository() -> None:
    names = {path.name for path in ROOT.rglob("*") if ".venv" not in path.parts and ".git" not in path.parts}
    assert not names & {"export_headings.json", "olist_orders.csv", "olist_order_items.csv", "tmall_double11_cosmetics.csv"}
