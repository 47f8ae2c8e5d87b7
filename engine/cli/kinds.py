"""``storewatch kinds``: the kinds of fact and their columns, as tables or as the page ``docs/kinds.md``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, emit, fail, settings
from engine.errors import StorewatchError, Text, UsageError, did_you_mean

if TYPE_CHECKING:
    from engine.facts import Column, Facts, Kind

TYPES = {
    "string": Text("text", "文字"),
    "integer": Text("whole number", "整数"),
    "number": Text("number", "数字"),
    "money": Text("money", "金额"),
    "percent": Text("percentage", "百分比"),
    "boolean": Text("yes or no", "是/否"),
    "timestamp": Text("time", "时间"),
    "date": Text("date", "日期"),
    "duration": Text("duration", "时长"),
}
HASHED = Text("personal, stored as a hash: only == and is missing", "个人信息，保存为哈希：只能用 == 和 is missing")
DROPPED = Text("personal, not stored: not for rules", "个人信息，不保存：规则不能用")


@dataclass(frozen=True, slots=True)
class Described:
    """A column as a rule's author needs it. ``names`` are all that a rule may call it, ``values`` the words of each value in exports."""

    name: str
    names: tuple[str, ...]
    title: Text
    type: str
    unit: str
    values: Mapping[str, tuple[str, ...]]
    key: bool
    refers_to: str
    personal: str


def register(app: typer.Typer) -> None:
    app.command("kinds")(kinds)


def kinds(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="Only this kind, with its columns; the Chinese title will do.")] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a page that describes all kinds.")] = False,
) -> None:
    """List the kinds of fact that rules can judge; with KIND its columns: names, types, units, and the words for their values."""
    from engine.facts_file import facts_path, load_facts  # heavy: not on the path of --help

    options = settings(context)
    try:
        facts = load_facts(facts_path(options.project), "facts.yaml")
        chosen = _find(facts, kind) if kind else None
    except StorewatchError as error:
        fail(options, error)
    if markdown:
        typer.echo("\n".join(_page(facts)))
    elif chosen:
        _columns(options, facts, chosen)
    else:
        _kinds(options, facts)


def _find(facts: Facts, asked: str) -> Kind:
    """The kind by its name or its title. Raises :class:`UsageError`."""
    for kind in facts.kinds.values():
        if asked in (kind.name, kind.title.zh, kind.title.en):
            return kind
    known = [name for kind in facts.kinds.values() for name in (kind.name, kind.title.zh)]
    listed = Text("storewatch kinds lists them", "storewatch kinds 列出全部")
    raise UsageError(Text(f"there is no fact kind '{asked}'", f"没有名为 '{asked}' 的事实"), did_you_mean(asked, known) or listed)


def _kinds(options: Settings, facts: Facts) -> None:
    rows = [
        {
            "name": kind.name,
            "title": kind.title if options.format == "json" else kind.title.in_(options.language),
            "key": list(kind.key) if options.format == "json" else ", ".join(kind.key),
            "fresh_for": kind.fresh_for if options.format == "json" else _hours(kind.fresh_for),
            "refers_to": _targets(kind) if options.format == "json" else ", ".join(_targets(kind)),
        }
        for kind in facts.kinds.values()
    ]
    columns = {
        "name": Text("kind", "事实"),
        "title": Text("title", "中文名"),
        "key": Text("key", "主键"),
        "fresh_for": Text("fresh for", "有效期"),
        "refers_to": Text("refers to", "引用"),
    }
    emit(options, rows, columns, Text("facts.yaml declares no kind", "facts.yaml 没有声明任何事实"))


def _columns(options: Settings, facts: Facts, kind: Kind) -> None:
    described = [describe(column, kind, facts) for column in kind.columns.values()]
    rows = [_plain(column) if options.format == "json" else _row(column, options.language) for column in described]
    columns = {
        "name": Text("column", "列"),
        "names": Text("also called", "中文名"),
        "type": Text("type", "类型"),
        "unit": Text("unit", "单位"),
        "notes": Text("values and notes", "取值与说明"),
    }
    emit(options, rows, columns, Text("no columns", "没有列"))


def describe(column: Column, kind: Kind, facts: Facts) -> Described:
    """The column, with the names that a rule on ``kind`` may call it by: those that mean this column and no other."""
    names = [name for name in dict.fromkeys((column.title.zh, *column.schema.names)) if name != column.name]
    return Described(
        column.name,
        tuple(name for name in names if _means(name, column.name, kind, facts)),
        column.title,
        column.type.value,
        column.unit,
        column.values,
        column.name in kind.key,
        kind.references.get(column.name, ""),
        column.personal,
    )


def _means(name: str, column: str, kind: Kind, facts: Facts) -> bool:
    from engine.language import ExpressionError, Scope, understand
    from engine.language.typed import ColumnRef, IsMissing

    try:
        node = understand(f"{name} is missing", Scope(kind.name, facts.schemas, facts.time_zone))
    except ExpressionError:
        return False
    return isinstance(node, IsMissing) and isinstance(node.item, ColumnRef) and node.item.column == column


def _plain(column: Described) -> dict[str, object]:
    return {
        "name": column.name,
        "names": list(column.names),
        "title": column.title,
        "type": column.type,
        "unit": column.unit,
        "values": {value: list(words) for value, words in column.values.items()},
        "key": column.key,
        "refers_to": column.refers_to,
        "personal": column.personal,
    }


def _row(column: Described, language: str) -> dict[str, str]:
    return {
        "name": column.name,
        "names": "、".join(column.names),
        "type": TYPES[column.type].in_(language),
        "unit": column.unit,
        "notes": "; ".join(note.in_(language) for note in _notes(column)),
    }


def _notes(column: Described) -> Iterator[Text]:
    """What else to know of the column: key, reference, personal data, values with the words that exports have for them."""
    if column.key:
        yield Text("key", "主键")
    if column.refers_to:
        yield Text(f"refers to {column.refers_to}", f"引用 {column.refers_to}")
    if column.personal:
        yield HASHED if column.personal == "hash" else DROPPED
    for value, words in column.values.items():
        yield Text.same(f"'{value}' = {'、'.join(words)}")


def _page(facts: Facts) -> Iterator[str]:
    """``docs/kinds.md``: every kind with a table of its columns."""
    yield "# 事实与列 / Kinds of fact"
    yield ""
    yield "由 `storewatch kinds --markdown` 生成，请勿手工修改。 / Made by `storewatch kinds --markdown`; do not edit by hand."
    yield ""
    yield "规则里可以写列名，也可以写任意一个中文名。带引号的取值只能写左边那一个，右边是导出文件里的说法。 /"
    yield "A rule may use the column's name or any of its Chinese ones. Of values, only the quoted word is written in rules;"
    yield "beside it are the words of exports."
    for kind in facts.kinds.values():
        yield from _section(kind, facts)


def _section(kind: Kind, facts: Facts) -> Iterator[str]:
    yield from ("", f"## `{kind.name}` {kind.title.zh} / {kind.title.en}", "")
    key = "、".join(f"`{name}`" for name in kind.key)
    yield f"主键 / key: {key}. 有效期 / fresh for: {_hours(kind.fresh_for)}. 引用 / refers to: {', '.join(_targets(kind)) or '-'}."
    yield from (
        "",
        "| 列 / column | 中文名 / Chinese names | 类型 / type | 单位 / unit | 取值与说明 / values and notes |",
        "|---|---|---|---|---|",
    )
    for column in (describe(column, kind, facts) for column in kind.columns.values()):
        type_ = TYPES[column.type]
        notes = "<br>".join(note.zh if note.zh == note.en else f"{note.zh} / {note.en}" for note in _notes(column))
        yield f"| `{column.name}` | {'、'.join(column.names)} | {type_.zh} / {type_.en} | {column.unit} | {notes} |"


def _targets(kind: Kind) -> list[str]:
    return sorted(set(kind.references.values()))


def _hours(duration: timedelta) -> str:
    return f"{duration.total_seconds() / 3600:g}h"
