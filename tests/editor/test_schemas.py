"""The schemas that editors complete and check by: they take what the readers take, refuse mistakes of form, and explain every key."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from jsonschema import ValidationError as SchemaError
from pydantic import TypeAdapter, ValidationError

from engine.editing import changed, files_with_lines, schema_files, yaml_files
from engine.errors import ProblemsFound
from engine.facts_file import load_facts
from engine.project import load_project
from engine.routing import load_channels
from engine.ruletest.reading import check_tests
from engine.schemas import FORMS, Names, names_in, schema_of
from engine.yamlfile import load, loads
from tests.check.test_bad_files import BAD_FILES, PROJECT
from tests.editor.mutations import mutated

ROOT = Path(__file__).parent.parent.parent
NAMES = names_in(ROOT)
FOLDERS = sorted(path.parent for path in ROOT.rglob("facts.yaml") if not {".venv", "bad_files"} & set(path.parts))
FILES = [(folder, *each) for folder in FOLDERS for each in yaml_files(folder)]
FILES += [(path.parent, path, "rules") for path in (ROOT / "docs" / "examples").glob("*/rules.yaml")]
EACH_FORM = pytest.mark.parametrize("name", FORMS)


def refusals(name: str, data: object, names: Names = NAMES) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in Draft7Validator(schema_of(name, names)).iter_errors(data)]


def test_what_is_committed_is_up_to_date() -> None:
    old = changed({**schema_files(ROOT), **files_with_lines(ROOT)})
    assert not old, "run: storewatch schema --write"


@EACH_FORM
@pytest.mark.parametrize("names", [Names(), NAMES], ids=["any project", "this one"])
def test_schemas_are_schemas(name: str, names: Names) -> None:
    schema = schema_of(name, names)
    Draft7Validator.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    text = json.dumps(schema)
    for target in re.findall(r'"\$ref": "#/definitions/(\w+)"', text):
        assert target in schema["definitions"]
    assert '"names"' not in text


@pytest.mark.parametrize(("folder", "path", "name"), FILES, ids=lambda value: str(value).removeprefix(str(ROOT)))
def test_every_file_of_every_project_is_taken(folder: Path, path: Path, name: str) -> None:
    assert not refusals(name, load(path).data, names_in(folder))


def blocks() -> Iterator[tuple[str, str]]:
    """Every YAML example of the docs, with the name of its form."""
    of_key = {
        "alert": "rules",
        "let": "rules",
        "incident": "rules",
        "test": "tests",
        "channels": "channels",
        "language": "channels",
        "expected": "facts",
        "extends": "facts",
        "schedules": "schedules",
        "ping": "schedules",
    }
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for text in re.findall(r"(?ms)^```yaml\n(.*?)^```$", page.read_text(encoding="utf-8")):
            key = re.sub(r"^- |^#.*\n", "", text).partition(":")[0]
            yield of_key[key], text


@pytest.mark.parametrize(("name", "text"), list(blocks()))
def test_every_example_of_the_docs_is_taken(name: str, text: str) -> None:
    assert not refusals(name, loads(text.encode(), "example").data)


# What only `check` can tell: it knows what expressions, names and times mean, and what other files say.
MEANING = {
    "channels": ["misspelt_routes", "rotations", "unknown_interval"],
    "rules": [
        "chinese_units",
        "duplicate",
        "duration_too_long",
        "english_title_not_offered",
        "evidence_not_related",
        "let_circle",
        "let_other_rows",
        "let_taken",
        "let_unused",
        "param_mistakes",
        "param_not_given",
        "param_wrong_use",
        "evidence_unknown_group",
        "otherwise_first",
        "owner_without_contact",
        "reserved_name",
        "unknown_chinese_column",
        "unquoted_chinese",
        "unknown_column",
        "unknown_in_block",
        "unknown_in_double_quotes",
        "unknown_in_literal",
        "unknown_in_show",
        "unknown_in_single_quotes",
        "unknown_on_second_line",
        "unknown_owner",
        "word_of_exports",
    ],
    "schedules": [
        "blackout",
        "match_nothing",
        "match_unknown",
        "reserved",
        "cron_never",
        "ping_address",
        "ping_too_often",
        "hour_25",
        "jitter_too_long",
        "time_zone",
        "too_often",
        "unknown_rule",
        "weekday_9",
    ],
}
FILES_OF_FORM = [path for path in sorted(BAD_FILES.glob("*/*.yaml")) if path.parent.name in FORMS]


@pytest.mark.parametrize("path", FILES_OF_FORM, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_mistakes_of_form_are_refused(path: Path) -> None:
    try:
        data = load(path).data
    except ProblemsFound:
        return  # no YAML at all
    is_of_meaning = path.stem in MEANING.get(path.parent.name, ())
    assert bool(refusals(path.parent.name, data, names_in(PROJECT))) is not is_of_meaning


# Every key is explained


def keys(schema: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every key that a file may hold, with its schema."""
    if isinstance(schema, list):
        for item in schema:
            yield from keys(item, at)
    elif isinstance(schema, dict):
        properties = schema.get("properties", {})
        for key, value in properties.items():
            if set(value) != {"type"} and "$ref" not in value:  # else only a condition, or a kind of fact, which its definition explains
                yield f"{at}.{key}", value
        for key, value in [*properties.items(), *((key, value) for key, value in schema.items() if key != "properties")]:
            yield from keys(value, f"{at}.{key}")


@EACH_FORM
def test_every_key_is_explained_in_both_languages(name: str) -> None:
    found = list(keys(schema_of(name, NAMES)))
    assert len(found) > 4
    for at, schema in found:
        en, _, zh = schema.get("description", "").partition(" · ")
        assert en.isascii() or "。" not in en, at
        assert en and re.search(r"[\u4e00-\u9fff]", zh), f"{at}: describe it with engine.fields.about(en, zh)"


# What is offered


def offered(name: str, *path: str) -> list[str]:
    node: Any = schema_of(name, NAMES)
    for step in path:
        node = node[step]
    return [*node.get("enum", ()), *node.get("examples", ())]


def test_names_of_the_project_are_offered() -> None:
    rule = ("items", "else", "else", "properties")
    assert offered("rules", *rule, "facts") == list(NAMES.kinds)
    assert "service" in offered("rules", *rule, "owner")
    assert "客服" in offered("rules", *rule, "labels", "properties", "area")
    assert offered("rules", *rule, "severity", "anyOf", 0) == ["info", "warning", "critical"]  # type: ignore[arg-type]
    schedule = ("properties", "schedules", "additionalProperties", "properties")
    assert {"all", "dsr_drop"} <= set(offered("schedules", *schedule, "rules", "items"))
    assert offered("rules", "items", "then", "properties", "facts") == list(NAMES.kinds)
    assert "dsr_drop" in offered("tests", "items", "properties", "rule")
    assert "待发货" not in offered("tests", "definitions", "order", "anyOf", 0, "additionalProperties", "properties", "status")  # type: ignore[arg-type]
    route = ("properties", "route", "properties")
    assert {'severity="critical"', 'area="客服"', 'alert="dsr_drop"'} <= set(offered("channels", *route, "matchers", "items"))
    assert "owner_and_lead" in offered("channels", *route, "receiver")


def test_a_project_full_of_mistakes_still_has_schemas(tmp_path: Path) -> None:
    for name in ("facts.yaml", "channels.yaml", "rules/x.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a: [", encoding="utf-8")
    assert names_in(tmp_path).kinds == {}
    assert all(schema_of(name, names_in(tmp_path)) for name in FORMS)


# Reader and schema agree


def reads_form(name: str) -> Callable[[object, Path], object]:
    return lambda data, folder: TypeAdapter(FORMS[name]).validate_python(data)


def write(data: object, path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return path


def read_tests(data: object, folder: Path) -> None:
    write(data, folder / "rules" / "mutated.test.yaml")
    if problems := check_tests(replace(PROJECT_HERE, folder=folder)):
        raise ProblemsFound(problems)


PROJECT_HERE = load_project(ROOT)
READERS: dict[str, Callable[[object, Path], object]] = {
    "facts": lambda data, folder: load_facts(write(data, folder / "facts.yaml")),
    "rules": reads_form("rules"),
    "tests": read_tests,
    "schedules": reads_form("schedules"),
    "channels": lambda data, folder: load_channels(write(data, folder / "channels.yaml")),
}


def is_lax(error: SchemaError) -> bool:
    """Whether a number or truth value is written as something else, which readers let pass and editors need not."""
    if error.validator in ("anyOf", "oneOf"):
        branches: defaultdict[object, list[SchemaError]] = defaultdict(list)
        for each in error.context:
            branches[each.schema_path[0]].append(each)
        return any(all(map(is_lax, branch)) for branch in branches.values())
    wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    is_plain = not isinstance(error.instance, dict | list)
    return is_plain and error.validator == "type" and set(wanted) <= {"integer", "number", "boolean", "null"}


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_the_reader_takes_the_schema_takes(data: st.DataObject, tmp_path: Path) -> None:
    _, path, name = data.draw(st.sampled_from([each for each in FILES if each[0] == ROOT]))
    document = load(path).data
    value = data.draw(mutated(document if isinstance(document, dict) else [data.draw(st.sampled_from(document))]))  # type: ignore[type-var]
    try:
        READERS[name](value, tmp_path)
    except (ValidationError, ProblemsFound):
        return
    refused = [error for error in Draft7Validator(schema_of(name, Names())).iter_errors(value) if not is_lax(error)]
    assert not refused


def test_a_truth_value_as_a_number_is_lax_wherever_it_stands() -> None:
    evidence = {"from": "ad_campaign", "show": {"Spent": "spent"}, "order": "spent"}
    rule = {"alert": "a", "title": {"zh": "一", "en": "a"}, "facts": "ad_account", "when": "balance < 0", "severity": "info"}
    validator = Draft7Validator(schema_of("rules", Names()))
    lax = list(validator.iter_errors([rule | {"evidence": evidence | {"descending": 0}}]))
    wrong = list(validator.iter_errors([rule | {"evidence": evidence | {"ordered": "spent"}}]))
    assert lax and all(map(is_lax, lax))
    assert wrong and not any(map(is_lax, wrong))
