"""The import ladder of DESIGN section 8: a module imports only modules above it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ENGINE = Path(__file__).parent.parent / "engine"
LADDER = [
    "errors",
    "writing",
    "collecting",
    "remembering",
    "model",
    "sending",
    "yamlfile",
    "fields",
    "intervals",
    "language",
    "facts",
    "enrichment",
    "facts_file",
    "snapshots",
    "archive",
    "ingest",
    "expressions",
    "lets",
    "params",
    "rules_file",
    "rules",
    "builtin",
    "incidents",
    "matching",
    "exhibits",
    "correlation",
    "lifecycle",
    "wording",
    "trendline",
    "pictures",
    "views",
    "sandbox",
    "template_problems",
    "markdown",
    "specimens",
    "rendering",
    "routing",
    "schedules",
    "reasoning",
    "state_tables",
    "migrations",
    "state",
    "outbox",
    "actions",
    "project",
    "composing",
    "pipeline",
    "posting",
    "ruletest",
    "schemas",
    "editing",
    "drafting",
    "replay",
    "report",
    "diff",
    "daemon",
    "simulate",
    "tune",
    "cli",
]
CLOCK_MODULES = {"daemon", "cli"}
NETWORK_MODULES = {"actions", "ingest", "daemon"}
NETWORK = {"smtplib", "socket", "ssl", "http", "urllib", "requests", "httpx"}
CLOCK = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time")}

MODULES = sorted(path for path in ENGINE.rglob("*.py") if path.name != "__init__.py" or path.stat().st_size)


def rung(path: Path) -> str:
    first = path.relative_to(ENGINE).parts[0]
    return first.removesuffix(".py")


def imports(tree: ast.AST) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ENGINE)))
def test_module_imports_only_what_is_above_it(path: Path) -> None:
    if path == ENGINE / "__init__.py":
        return
    own = rung(path)
    assert own in LADDER, f"{own} has no rung on the ladder: add it where it belongs"
    for name in imports(ast.parse(path.read_text(encoding="utf-8"))):
        parts = name.split(".")
        if parts[0] == "engine" and len(parts) > 1 and parts[1] in LADDER:
            assert LADDER.index(parts[1]) <= LADDER.index(own), f"{own} imports {name}, which is below it"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ENGINE)))
def test_clock_and_network_stay_in_their_rooms(path: Path) -> None:
    own = rung(path)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if own not in NETWORK_MODULES | CLOCK_MODULES:
        assert not NETWORK & {name.split(".")[0] for name in imports(tree)}, f"{own} must not use the network"
    if own not in CLOCK_MODULES:
        calls = {(ast.unparse(node.value).split(".")[-1], node.attr) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not CLOCK & calls, f"{own} must not read the clock: time is an argument"


def test_the_ladder_is_not_empty() -> None:
    assert len(MODULES) > 10
