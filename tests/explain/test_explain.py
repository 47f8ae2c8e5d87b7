"""`storewatch explain`: golden trees in both languages, values that are those of the evaluation, rows that are not there."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from engine.cli.main import app
from engine.errors import LANGUAGES
from engine.matching.evaluate import Matcher
from engine.matching.explain import explain
from engine.matching.explanation import Missing, Verdict, flat
from engine.project import load_project
from engine.snapshots import Snapshots
from tests.explain.conftest import stores
from tests.rounds.conftest import Shop

GOLDEN = Path(__file__).parent / "golden"
PAGE = Path(__file__).parents[2] / "docs" / "explain.md"
NOON = "2026-11-03T09:30"


@dataclass(frozen=True)
class Case:
    rule: str
    key: tuple[str, ...]
    verdict: Verdict
    at: str = NOON


CASES = {
    "firing": Case("falling", ("s1",), Verdict.TRUE),
    "not_firing": Case("falling", ("s2",), Verdict.FALSE),
    "unknown": Case("falling", ("s3",), Verdict.UNKNOWN),
    "out_of_scope": Case("falling", ("s4",), Verdict.OUT_OF_SCOPE),
    "gone": Case("falling", ("s5",), Verdict.GONE),
    "no_row": Case("falling", ("s11",), Verdict.NO_ROW),
    "stale": Case("waiting", ("s1",), Verdict.STALE, "2026-11-03T11:01"),
    "all_stale": Case("falling", ("s1",), Verdict.STALE, "2026-11-05T11:00"),
    "aggregate": Case("waiting", ("s1",), Verdict.TRUE),
    "reference": Case("cheap", ("o1",), Verdict.TRUE),
    "reference_missing": Case("cheap", ("o4",), Verdict.UNKNOWN),
    "no_reference": Case("cheap", ("o5",), Verdict.UNKNOWN),
    "across": Case("dear", ("p2",), Verdict.TRUE),
    "across_missing": Case("dear", ("p3",), Verdict.UNKNOWN),
    "pending": Case("no_visits", ("s1", "搜索"), Verdict.TRUE),
    "history": Case("lonely", ("s2",), Verdict.TRUE),
    "division": Case("lonely", ("s1",), Verdict.FALSE),
    "overridden": Case("strict", ("s1",), Verdict.TRUE),
    "second_override": Case("strict", ("s2",), Verdict.FALSE),
    "override_unknown": Case("strict", ("s3",), Verdict.UNKNOWN),
    "first_day": Case("falling", ("s1",), Verdict.UNKNOWN, "2026-11-01T09:30"),
}


def told(shop: Shop, case: Case, language: str) -> str:
    keys = [word for part in case.key for word in ("--key", part)]
    words = ["--project", str(shop.folder), "--lang", language, "explain", case.rule, *keys, "--at", case.at]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CASES)
def test_trees_are_as_agreed(name: str, language: str, filled: Shop, request: pytest.FixtureRequest) -> None:
    text = told(filled, CASES[name], language)
    path = GOLDEN / f"{name}.{language}.txt"
    if request.config.getoption("--regenerate"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    assert "\x1b" not in text, "no colours when not a terminal"


@pytest.mark.parametrize("name", ["firing", "gone", "aggregate", "overridden"])
def test_json_is_complete_and_documented(name: str, filled: Shop) -> None:
    found = filled.json("explain", CASES[name].rule, "--key", *CASES[name].key, "--at", NOON)
    assert found["verdict"] == CASES[name].verdict and found["key"] == list(CASES[name].key)
    page = PAGE.read_text(encoding="utf-8")
    clauses = [*parts(found["when"])] if found["when"] else []
    nested = [*clauses, found["row"] or {}, found["lifecycle"], found["next"], *found["data"], *found["severities"], *found["missing"]]
    nested += [each for param in found["params"] for each in (param, *param["overrides"])]
    nested += [clause[name] or {} for clause in clauses for name in ("rows", "batches", "origin")]
    for key in {key for each in (found, *nested) for key in each}:
        assert f"`{key}`" in page, f"docs/explain.md does not say what {key} is"


def test_the_example_of_the_docs_is_real() -> None:
    example = (GOLDEN / "firing.en.txt").read_text(encoding="utf-8")
    assert textwrap.indent(example, "    ") in PAGE.read_text(encoding="utf-8"), "docs/explain.md shows golden/firing.en.txt"


@pytest.mark.parametrize("name", CASES)
def test_verdicts(name: str) -> None:
    words = {
        Verdict.TRUE: "✓ TRUE",
        Verdict.FALSE: "✗ FALSE",
        Verdict.OUT_OF_SCOPE: "✗ OUT OF",
        Verdict.GONE: "✗ GONE",
        Verdict.NO_ROW: "✗ NO ROW",
    }
    text = (GOLDEN / f"{name}.en.txt").read_text(encoding="utf-8")
    assert text.splitlines()[4].startswith(words.get(CASES[name].verdict, "? UNKNOWN"))


def test_every_verdict_agrees_with_the_evaluation(filled: Shop) -> None:
    """The tree's root says what the evaluation says, row by row."""
    project = load_project(filled.folder)
    matcher, snapshots = Matcher(project.facts.schemas, project.facts.time_zone), Snapshots(project.snapshots)
    for rule in project.rules:
        for day in (2, 3):
            at = datetime(2026, 11, day, 1, 30, tzinfo=UTC)
            true = {candidate.identity.key for candidate in matcher.evaluate([rule], snapshots, at)[rule.name].candidates}
            for key in keys_of(rule.kind):
                found = explain(rule, key, matcher, snapshots, at)
                assert (found.verdict is Verdict.TRUE) == (key in true)
                if found.when is None or found.verdict is Verdict.STALE:
                    continue
                roots = [clause.value for clause in (found.where, found.when) if clause]
                assert all(roots) == (found.verdict is Verdict.TRUE)
                assert (None in roots and False not in roots) == (found.verdict is Verdict.UNKNOWN)


def keys_of(kind: str) -> list[tuple[str, ...]]:
    keys = {"store": ["s1", "s2", "s3", "s4", "s5", "s6"], "product": ["p1", "p2", "p3"], "order": ["o1", "o2", "o4", "o5"]}
    return [(key,) for key in keys[kind]] if kind in keys else [("s1", "搜索"), ("s1", "直播/短视频")]


def test_why_a_value_is_missing(filled: Shop) -> None:
    project = load_project(filled.folder)
    matcher, snapshots = Matcher(project.facts.schemas, project.facts.time_zone), Snapshots(project.snapshots)
    at = datetime(2026, 11, 3, 1, 30, tzinfo=UTC)

    def missing(rule: str, key: str) -> dict[str, Missing | None]:
        found = explain(project.select([rule])[0], (key,), matcher, snapshots, at)
        assert found.when
        return {clause.text: clause.missing for clause in flat(found.when) if clause.missing}

    assert missing("falling", "s3") == {"dsr": Missing.EMPTY, "highest(dsr, 1w)": Missing.NO_VALUE}
    assert missing("cheap", "o4") == {"amount": Missing.EMPTY, "product.price": Missing.NO_ROW}
    assert missing("cheap", "o5") == {"product.price": Missing.NO_REFERENCE}
    assert missing("dear", "p3") == {"min(price by sku)": Missing.NO_GROUP}
    assert missing("lonely", "s2") == {"owner": Missing.EMPTY, "sales / uv": Missing.UNDEFINED}


def test_a_column_that_the_export_has_not(shop: Shop) -> None:
    shop.ingest("store", "店铺编号,店铺状态\ns1,营业中\n", "2026-11-03T08:30", "--all-stores")
    found = shop.json("explain", "falling", "--key", "s1", "--at", NOON)
    assert found["verdict"] == "unknown"
    assert {each["text"]: each["reason"] for each in found["missing"]} == {"dsr": "no_column", "highest(dsr, 1w)": "no_history"}


def test_a_row_that_could_not_be_read_is_not_gone(shop: Shop) -> None:
    stores(shop, 2, "s1,一号店,营业中,4.2,1,1,", "s2,二号店,营业中,4.9,1,1,")
    stores(shop, 3, "s1,一号店,营业中,four,1,1,", "s2,二号店,营业中,4.9,1,1,")
    found = shop.json("explain", "falling", "--key", "s1", "--at", NOON)
    assert found["verdict"] == "quarantined" and found["last_seen"]["as_of"] == "2026-11-02T00:30:00+00:00"
    assert found["next"]["would_become"] is None


def test_personal_data_is_not_shown(filled: Shop) -> None:
    found = filled.json("explain", "lonely", "--key", "s1", "--at", NOON)
    owner = next(part for part in parts(found["when"]) if part["text"] == "owner")
    assert owner["value"] == owner["last_known"] == "***"
    assert "王" not in filled.do("explain", "lonely", "--key", "s1", "--at", NOON).output


def parts(clause: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield clause
    for part in clause["parts"]:
        yield from parts(part)


def test_lines_are_those_of_the_export(filled: Shop) -> None:
    found = filled.json("explain", "cheap", "--key", "o2", "--at", NOON)
    assert (found["row"]["source"], found["row"]["line"]) == ("order.csv", 3)
    price = next(part for part in parts(found["when"]) if part["text"] == "product.price")
    assert (price["origin"]["source"], price["origin"]["line"], price["origin"]["key"]) == ("product.csv", 3, ["p2"])
    assert price["value"] == "210"


def test_hostile_data_cannot_steer_the_terminal(shop: Shop) -> None:
    stores(shop, 3, '"s\u202e1","\x1b[31mred\x1b[0m\n<script>",营业中,4.2,1,1,')
    text = told(shop, Case("falling", ("s\u202e1",), Verdict.TRUE), "zh")
    assert not any(char in text for char in "\x1b\u202e") and "[31mred" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["faling", "--key", "s1"], "did you mean falling"),
        (["falling"], "--key STORE_ID"),
        (["falling", "--key", "s1", "--key", "s2"], "which row?"),
        (["no_visits", "--key", "s1"], "--key STORE_ID --key SOURCE"),
        (["stale_data", "--key", "order/s1"], "built in"),
        (["falling", "--key", "s1", "--at", "yesterday"], "is not a date or time"),
    ],
)
def test_what_cannot_be_explained_says_why(words: list[str], message: str, filled: Shop) -> None:
    assert message in filled.do("explain", *words, expect=2).output


def test_a_key_of_several_columns(filled: Shop) -> None:
    joined = filled.json("explain", "no_visits", "--key", "s1/搜索", "--at", NOON)
    apart = filled.json("explain", "no_visits", "--key", "s1", "--key", "搜索", "--at", NOON)
    assert joined == apart and joined["key"] == ["s1", "搜索"]
    slash = filled.json("explain", "no_visits", "--key", "s1", "--key", "直播/短视频", "--at", NOON)
    assert slash["verdict"] == "false"


def test_asking_stores_nothing(shop: Shop) -> None:
    stores(shop, 3, "s1,一号店,营业中,4.2,1,1,")
    before = sorted(shop.folder.rglob("*"))
    shop.do("explain", "falling", "--key", "s1", "--at", NOON)
    shop.do("preview", "falling", "--at", NOON)
    assert sorted(shop.folder.rglob("*")) == before


def test_what_an_evaluation_would_do(shop: Shop) -> None:
    stores(shop, 3, "s1,一号店,营业中,4.2,1,1,")
    before = shop.json("explain", "falling", "--key", "s1", "--at", NOON)["next"]
    assert (before["would_become"], before["reason"]) == ("firing", "first")
    assert [each["address"] for each in before["recipients"]] == ["service@shop.example", "lead@shop.example"]
    shop.do("run", "--at", NOON)
    after = shop.json("explain", "falling", "--key", "s1", "--at", NOON)
    assert after["next"]["would_become"] is None
    assert [letter["state"] for letter in after["lifecycle"]["messages"]] == ["delivered", "delivered"]
