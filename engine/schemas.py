"""JSON Schemas of a project's files, for editors: made of the models that read the files, and filled with the project's own names.

Draft 7, because every release of yaml-language-server reads it (2020-12 only since 1.20, of 2026), and no more is needed.

What ``check`` accepts, the schema accepts, numbers and truth values in quotes excepted. The reverse holds for the shape of a file
only: names of other files are offered, not demanded (kinds excepted), because a schema is as old as the last time it was written, and
an editor that calls wrong what ``check`` calls right would teach people not to look.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import Discriminator, Tag, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from engine.errors import ProblemsFound
from engine.facts import Kind
from engine.facts_file import FactsFile, load_facts
from engine.incidents.files import IncidentFile
from engine.language.printing import show_duration
from engine.lets import LetFile, is_let
from engine.project import rule_paths, vocabulary
from engine.routing.channels import Channels
from engine.rules import is_incident
from engine.rules_file import RuleFile
from engine.ruletest.files import TestFile
from engine.schedules import Schedules
from engine.yamlfile import Document, load

Schema = dict[str, Any]
Entry = Annotated[
    Annotated[LetFile, Tag("let")] | Annotated[IncidentFile, Tag("incident")] | Annotated[RuleFile, Tag("alert")],
    Discriminator(lambda entry: "let" if is_let(entry) else "incident" if is_incident(entry) else "alert"),
]
"""An entry of a rules file; the tags are the keys by which they are told apart."""
FORMS: Mapping[str, Any] = {
    "facts": FactsFile,
    "rules": list[Entry],
    "tests": list[TestFile],
    "schedules": Schedules,
    "channels": Channels,
}
DIALECT = "http://json-schema.org/draft-07/schema#"
_REFERENCE = "#/definitions/"
_NOTHING: tuple[object, ...] = (None, "", {}, [], "0s")


@dataclass(frozen=True, slots=True)
class Names:
    """What a project calls things. ``offered`` maps a sort of names (``rules``, ``owners`` ...) to them, ``labels`` the labels of rules
    to their values."""

    kinds: Mapping[str, Kind] = field(default_factory=dict)
    offered: Mapping[str, Sequence[str]] = field(default_factory=dict)
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)


def schema_of(name: str, names: Names) -> Schema:
    """The schema of the files called ``name`` in :data:`FORMS`."""
    made = TypeAdapter(FORMS[name]).json_schema(ref_template=_REFERENCE + "{model}", schema_generator=_Generator)
    definitions: Schema = made.pop("$defs", {})
    recursive = {key: _whole(value, definitions, (key,)) for key, value in definitions.items() if _holds(value, key, definitions)}
    filled = _filled(_whole(made, definitions, ()), names)
    more = {**_filled(recursive, names), **(_row_definitions(names) if name == "tests" else {})}
    return {"$schema": DIALECT, **filled, **({"definitions": more} if more else {})}


def written_out(schema: Schema) -> str:
    """The text of a schema's file."""
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"


class _Generator(GenerateJsonSchema):
    """Defaults as they are typed, and only where they tell something; types in short."""

    def encode_default(self, dft: Any) -> Any:
        return show_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        if callable(schema["discriminator"]):
            *firsts, (_, last) = schema["choices"].items()
            told_apart = self.generate_inner(last)
            for key, choice in reversed(firsts):
                told_apart = {"if": {"type": "object", "required": [key]}, "then": self.generate_inner(choice), "else": told_apart}
            return told_apart
        made = super().tagged_union_schema(schema)
        made.pop("discriminator", None)  # OpenAPI's, which strict readers of JSON Schema refuse
        return made

    def union_schema(self, schema: core_schema.UnionSchema) -> JsonSchemaValue:
        return _short_union(super().union_schema(schema))

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return _short_union(super().nullable_schema(schema))

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        made = super().default_schema(schema)
        if "default" in made and made["default"] in _NOTHING:
            del made["default"]
        return made


def _short_union(made: Schema) -> Schema:
    """``{"type": ["string", "null"]}`` for an ``anyOf`` of nothing but types: editors say it in one sentence."""
    parts = made.get("anyOf", [])
    if not parts or any(set(part) != {"type"} for part in parts):
        return made
    types = [each for part in parts for each in ([part["type"]] if isinstance(part["type"], str) else part["type"])]
    return {**{key: value for key, value in made.items() if key != "anyOf"}, "type": list(dict.fromkeys(types))}


def _whole(node: Any, definitions: Schema, within: tuple[str, ...]) -> Any:
    """``node`` with the definitions that it refers to in their places: draft 7 ignores what stands beside a ``$ref``. Those that hold
    themselves stay references."""
    if isinstance(node, list):
        return [_whole(item, definitions, within) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" not in node:
        return {key: _whole(value, definitions, within) for key, value in node.items() if not _is_of_python(key, value)}
    key = node["$ref"].removeprefix(_REFERENCE)
    if key in within:
        return {"$ref": node["$ref"]}
    beside = {name: value for name, value in node.items() if name != "$ref"}
    return {**_whole(definitions[key], definitions, (*within, key)), **beside}


def _is_of_python(key: str, value: object) -> bool:
    """Whether it is a name or a docstring of the code's, which pydantic makes titles and descriptions of; ours are bilingual."""
    return isinstance(value, str) and (key == "title" or (key == "description" and " · " not in value))


def _holds(node: Any, key: str, definitions: Schema, seen: frozenset[str] = frozenset()) -> bool:
    """Whether ``node`` refers to the definition ``key``, however far down."""
    if isinstance(node, list):
        return any(_holds(item, key, definitions, seen) for item in node)
    if not isinstance(node, dict):
        return False
    target = str(node.get("$ref", "")).removeprefix(_REFERENCE)
    if target and target not in seen:
        return target == key or _holds(definitions[target], key, definitions, seen | {target})
    return any(_holds(value, key, definitions, seen) for value in node.values())


# The project's names


def _filled(node: Any, names: Names) -> Any:
    """``node`` with the project's names where its fields ask for them (``names=`` of :func:`engine.fields.about`)."""
    if isinstance(node, list):
        return [_filled(item, names) for item in node]
    if not isinstance(node, dict):
        return node
    asked = node.get("names")
    inner = {key: _filled(value, names) for key, value in node.items() if not (key == "names" and isinstance(asked, str))}
    return _FILLERS.get(asked, _offer(asked))(inner, names) if isinstance(asked, str) else inner


def _offer(sort: str) -> Callable[[Schema, Names], Schema]:
    def offer(node: Schema, names: Names) -> Schema:
        known = [*node.get("examples", ()), *names.offered.get(sort, ())]
        return {**node, "examples": list(dict.fromkeys(known))} if known else node

    return offer


def _kinds(node: Schema, names: Names) -> Schema:
    return {**node, "enum": [*names.kinds]} if names.kinds else node


def _own_labels(node: Schema, names: Names) -> Schema:
    properties = {
        label: {"type": "string", "description": "label of this project · 本项目的标签", "examples": [*values]}
        for label, values in names.labels.items()
    }
    return {**node, "properties": properties} if properties else node


def _rows(node: Schema, names: Names) -> Schema:
    """Kinds by name and by title, each with the columns of its rows."""
    if not names.kinds:
        return node
    properties = {
        said: {"$ref": f"{_REFERENCE}{kind.name}"} for kind in names.kinds.values() for said in (kind.name, kind.title.zh, kind.title.en)
    }
    return {**node, "properties": properties, "additionalProperties": False}


def _row_definitions(names: Names) -> Schema:
    return {kind.name: _rows_of(kind) for kind in names.kinds.values()}


def _rows_of(kind: Kind) -> Schema:
    """Rows of one kind: key → column → cell; ``same`` for those of before."""
    cell = {"type": ["string", "number", "boolean", "null"]}
    columns = {
        said: {**cell, "description": f"{column.title.en} · {column.title.zh}", **_words(column.values)}
        for column in kind.columns.values()
        if column.personal != "drop" and column.name not in kind.key
        for said in (column.name, column.title.zh)
    }
    row = {"type": ["object", "null"], "properties": columns, "additionalProperties": cell}
    return {
        "description": f"{kind.title.en} · {kind.title.zh}",
        "anyOf": [{"type": ["object", "null"], "additionalProperties": row}, {"const": "same", "type": "string"}],
    }


def _words(values: Mapping[str, Sequence[str]]) -> Schema:
    """The first word that exports have for each of a column's values."""
    return {"examples": [texts[0] if texts else value for value, texts in values.items()]} if values else {}


_FILLERS: Mapping[str, Callable[[Schema, Names], Schema]] = {"kinds": _kinds, "own_labels": _own_labels, "rows": _rows}


def names_in(folder: Path) -> Names:
    """The names of the project in ``folder``. Files that are wrong or not there have none: an editor is of most use while they are."""
    kinds = _kinds_in(folder)
    documents = [document for path in rule_paths(folder) if (document := _read(path))]
    channels = _mapping(_read(folder / "channels.yaml"))
    contacts = [*_mapping_of(channels.get("contacts"))]
    known = vocabulary(documents, {name: kind.schema for name, kind in kinds.items()}, contacts)
    labels = _labels(documents)
    values = {**{label: known.values[label] for label in ("severity", "owner")}, **labels, "alert": known.values["alert"]}
    return Names(
        kinds,
        {
            "rules": [str(rule["alert"]) for rule in _rules(documents) if "alert" in rule],
            "own_kinds": [*kinds],
            "owners": contacts,
            "receivers": [*_mapping_of(channels.get("receivers"))],
            "time_intervals": [*_mapping_of(channels.get("time_intervals"))],
            "channels": [*_mapping_of(channels.get("channels"))],
            "labels": sorted(known.labels),
            "matchers": [f'{label}="{value}"' for label in values for value in sorted(values[label])],
        },
        labels,
    )


def _kinds_in(folder: Path) -> Mapping[str, Kind]:
    try:
        return load_facts(folder / "facts.yaml").kinds
    except ProblemsFound:
        return {}


def _read(path: Path) -> Document | None:
    try:
        return load(path)
    except ProblemsFound:
        return None


def _mapping(document: Document | None) -> Mapping[str, Any]:
    return _mapping_of(document.data if document else None)


def _mapping_of(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _rules(documents: Sequence[Document]) -> Iterator[Mapping[str, Any]]:
    """Every rule as written."""
    for document in documents:
        yield from (rule for rule in document.data if isinstance(rule, dict)) if isinstance(document.data, list) else ()


def _labels(documents: Sequence[Document]) -> dict[str, list[str]]:
    """Every label that rules give themselves, with its values in the order they are found in."""
    found: dict[str, dict[str, None]] = {}
    for rule in _rules(documents):
        for label, value in _mapping_of(rule.get("labels")).items():
            if isinstance(value, str):
                found.setdefault(label, {})[value] = None
    return {label: [*values] for label, values in found.items()}
