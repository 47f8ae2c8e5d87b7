"""Reading ``facts.yaml``: the typed file, merging with what it extends, and the checks."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field
from pydantic.config import JsonDict

from engine.enrichment import EnrichFile, VisitsFile, enrichments
from engine.errors import Problem, ProblemsFound, Text, UsageError, did_you_mean
from engine.facts import Alias, Column, Duplicates, Facts, Kind, normal_heading
from engine.fields import NAME, Duration, Fraction, LocalText, Strict, TimeZone, about, known_name, named
from engine.model import Type
from engine.yamlfile import Document, Path_, load

TYPES: Mapping[str, Type] = MappingProxyType({**{kind.value: kind for kind in Type}, "url": Type.STRING})
BOUNDED = frozenset({Type.INTEGER, Type.NUMBER, Type.MONEY, Type.PERCENT})
CONVERSIONS: Mapping[str, Type] = MappingProxyType(
    {
        "cents": Type.MONEY,
        "percent": Type.PERCENT,
        "unix_seconds": Type.TIMESTAMP,
        "unix_milliseconds": Type.TIMESTAMP,
        "seconds": Type.DURATION,
        "minutes": Type.DURATION,
        "hours": Type.DURATION,
    }
)
Item = TypeVar("Item")

_NAME = re.compile(NAME)
_NAMES_ONLY: JsonDict = {"propertyNames": {"pattern": f"^{NAME}$"}}


def _as_alias(value: object) -> object:
    return {"heading": value} if isinstance(value, str) else value


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


_KNOWN_TYPE = known_name(
    TYPES, "unknown_type", lambda value: Text(f"{value!r} is not a type", f"{value!r} 不是类型"), Text("types", "可用的类型")
)
_KNOWN_CONVERSION = known_name(
    CONVERSIONS, "unknown_conversion", lambda value: Text(f"in: {value!r} is not known", f"in: {value!r} 不认识"), Text("known", "可以写")
)
_Conversion = Annotated[str, _KNOWN_CONVERSION]


class AliasFile(Strict):
    """``花费``, or ``{heading: 花费(分), in: cents}``, or ``{heading: 活动时间, part: start}``."""

    heading: Annotated[str, about("heading of the export", "导出文件里的表头")] = Field(min_length=1)
    conversion: Annotated[_Conversion, about("how its cells count, such as cents", "单元格里的数怎么算，如 cents（分）")] = Field(
        "", alias="in"
    )
    part: Annotated[Literal["start", "end"] | None, about("which of two times in one cell", "一格里有起止两个时间时取哪一个")] = None
    more: Annotated[tuple[str, ...], about("further columns, joined to it", "再拼上这几列")] = ()

    def alias_(self) -> Alias:
        return Alias(self.heading, self.conversion, self.part or "", self.more)


AliasEntry = Annotated[AliasFile, BeforeValidator(_as_alias, json_schema_input_type=Annotated[str, Field(min_length=1)] | AliasFile)]
_ColumnType = Annotated[str | None, _KNOWN_TYPE]
_Names = Annotated[tuple[str, ...] | None, BeforeValidator(_as_tuple, json_schema_input_type=str | tuple[str, ...] | None)]


class ColumnFile(Strict):
    type: Annotated[_ColumnType, about("type of its values", "值的类型")] = None
    title: Annotated[LocalText | None, about("title; also a heading of exports", "中文名，也是导出文件里的表头")] = None
    unit: Annotated[str | None, about("unit, such as 元", "单位，如 元", examples=["元", "件", "分", "人", "次", "天"])] = None
    min: Annotated[Fraction | None, about("least sound value; rows below it are bad", "最小合理值，低于它的行作废")] = None
    max: Annotated[Fraction | None, about("largest sound value; rows above it are bad", "最大合理值，高于它的行作废")] = None
    values: Annotated[dict[str, tuple[str, ...]], about("value in rules → texts of exports", "规则里的值 → 导出文件里的各种写法")] = Field(
        default_factory=dict
    )
    aliases: Annotated[tuple[AliasEntry, ...], about("further headings of exports", "导出文件里的其他表头")] = ()
    personal: Annotated[Literal["hash", "drop"] | None, about("personal data: hashed, or not stored", "个人信息：存哈希，或不保存")] = None
    required: Annotated[bool | None, about("a row without it is bad", "没有它的行作废")] = None


class KindFile(Strict):
    title: Annotated[LocalText | None, about("title of the kind", "这种事实的中文名")] = None
    key: Annotated[_Names, about("column, or columns, that tell its rows apart", "主键：区分各行的列，可以是几列")] = None
    fresh_for: Annotated[
        Duration | None, about("how old data may be before it is stale", "数据多久以后算过期", examples=["2h", "26h", "8d"])
    ] = None
    columns: Annotated[dict[str, ColumnFile], about("name in rules → column", "规则里的列名 → 列")] = Field(
        default_factory=dict, json_schema_extra=_NAMES_ONLY
    )
    references: Annotated[
        dict[str, Annotated[str, named("own_kinds")]],
        about("column → kind whose key it holds", "列 → 它引用的事实（列里是那种事实的主键）"),
    ] = Field(default_factory=dict)
    as_of: Annotated[tuple[AliasEntry, ...], about("headings that say which day the data is of", "写明数据日期的表头")] = ()
    duplicates: Annotated[Duplicates | None, about("rows with the same key", "主键相同的行怎么办")] = None
    enrich: Annotated[tuple[EnrichFile, ...], about("columns found by looking at pictures and links", "靠看图、查链接得到的列")] = ()


class FactsFile(Strict):
    """The whole of one ``facts.yaml``; in a file that extends another, everything may be left out."""

    extends: Annotated[str | None, about("file that this one adds to", "在哪个文件的基础上增改")] = None
    time_zone: Annotated[TimeZone | None, about("time zone of times in exports", "导出文件里时间的时区", examples=["Asia/Shanghai"])] = None
    max_bad: Annotated[
        Fraction | None, about("share of bad rows past which a file is refused", "坏行超过这个比例就拒收整个文件", examples=["5%"])
    ] = None
    expected: Annotated[tuple[str, ...], about("stores that must report", "必须有数据的店铺")] = ()
    visits: Annotated[VisitsFile | None, about("how pictures and links are fetched", "怎样访问图片和链接")] = None
    kinds: Annotated[dict[str, KindFile], about("name in rules → kind of fact", "规则里的名称 → 事实")] = Field(
        default_factory=dict, json_schema_extra=_NAMES_ONLY
    )


@dataclass(frozen=True, slots=True)
class _Written:
    """Where part of a declaration is written."""

    document: Document
    path: Path_

    def problem(self, code: str, text: Text, hint: Text | None = None, *at: str | int, key: bool = False) -> Problem:
        return self.document.problem((*self.path, *at), code, text, hint, key=key)

    def told(self, *at: str | int) -> Callable[..., Problem]:
        return _Written(self.document, (*self.path, *at)).problem


_KindParts = list[tuple[_Written, KindFile]]
_ColumnParts = list[tuple[_Written, ColumnFile]]
_Claim = tuple[str, str | None]  # a heading, and which of two times in its cells


def facts_path(folder: Path) -> Path:
    """The ``facts.yaml`` of a project's folder. Raises :class:`UsageError` when the folder is no project."""
    path = folder / "facts.yaml"
    if path.is_file():
        return path
    text = Text(
        f"{folder.resolve()} is not a storewatch project: it has no facts.yaml",
        f"{folder.resolve()} 不是 storewatch 项目：没有 facts.yaml",
    )
    raise UsageError(text, Text("go to the project's folder, or give it with --project", "请进入项目文件夹，或用 --project 指定"))


def load_facts(path: Path, name: str | None = None) -> Facts:
    """Read ``path`` and what it extends. Raises :class:`ProblemsFound` with every mistake of the first file that is not well-formed,
    else with every mistake of all of them together."""
    layers = _layers(path, name)
    builder = _Builder(frozenset(_kind_parts(layers)))
    kinds = {name: builder.kind(name, parts) for name, parts in _kind_parts(layers).items()}
    checked = {name: kind for name, kind in kinds.items() if kind}
    for kind_name, parts in _kind_parts(layers).items():
        builder.check_references(parts, kinds, kind_name)
    if builder.problems:
        raise ProblemsFound(builder.problems)
    files = [file for _, file in layers]
    return Facts(
        MappingProxyType(checked),
        MappingProxyType({name: kind.schema for name, kind in checked.items()}),
        _last(file.time_zone for file in files) or "Asia/Shanghai",
        _last([Decimal("0.05"), *(file.max_bad for file in files)]) or Decimal(0),
        tuple(dict.fromkeys(store for file in files for store in file.expected)),
        (_last(file.visits for file in files) or VisitsFile()).visits(),
    )


def _layers(path: Path, name: str | None) -> list[tuple[Document, FactsFile]]:
    """The file and those it extends, the farthest base first."""
    layers: list[tuple[Document, FactsFile]] = []
    seen: set[Path] = set()
    while True:
        document = load(path, name)
        file = document.validate(FactsFile)
        layers.insert(0, (document, file))
        seen.add(path.resolve())
        if file.extends is None:
            return layers
        path, name = Path(os.path.normpath(path.parent / file.extends)), None
        if path.resolve() in seen:
            text = Text(f"{file.extends} extends this file in turn", f"{file.extends} 又反过来继承了本文件")
            raise ProblemsFound([document.problem(("extends",), "extends_circle", text)])
        if not path.is_file():
            text = Text(f"{file.extends} is not there (looked for {path})", f"找不到 {file.extends}（{path}）")
            raise ProblemsFound([document.problem(("extends",), "extends_missing", text)])


def _kind_parts(layers: Iterable[tuple[Document, FactsFile]]) -> dict[str, _KindParts]:
    parts: dict[str, _KindParts] = {}
    for document, file in layers:
        for name, kind in file.kinds.items():
            parts.setdefault(name, []).append((_Written(document, ("kinds", name)), kind))
    return parts


def _last(values: Iterable[Item | None]) -> Item | None:
    """The last value that was given: a later file replaces what an earlier one says."""
    return next((value for value in reversed(list(values)) if value is not None), None)


class _Builder:
    """Makes kinds of their parts and collects what is wrong with them."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.problems: list[Problem] = []

    def kind(self, name: str, parts: _KindParts) -> Kind | None:
        before = len(self.problems)
        where = parts[-1][0]
        self._check_name(where, name)
        key = _last(kind.key for _, kind in parts)
        fresh_for = _last(kind.fresh_for for _, kind in parts)
        for missing, value in (("key", key), ("fresh_for", fresh_for)):
            if not value:
                text = Text(f"kind {name} has no '{missing}'", f"事实 {name} 缺少 '{missing}'")
                self.problems.append(where.problem("missing_key", text, key=True))
        column_parts = _column_parts(parts)
        columns = {column: self._column(column, found, key or ()) for column, found in column_parts.items()}
        self._check_aliases(parts)
        self._check_key(parts, column_parts, columns)
        declared = ((file, where.told("enrich", index)) for where, kind in parts for index, file in enumerate(kind.enrich))
        enrich, wrong = enrichments(declared, columns)
        self.problems += wrong
        if len(self.problems) > before:
            return None
        title = _last(kind.title for _, kind in parts) or Text.same(name)
        references = {column: target for _, kind in parts for column, target in kind.references.items()}
        if name != "store" and "store" in self.names:
            references.setdefault("store_id", "store")
        as_of = tuple(entry.alias_() for _, kind in parts for entry in kind.as_of)
        duplicates: Duplicates = _last(kind.duplicates for _, kind in parts) or "reject"
        known = {column: value for column, value in columns.items() if value}
        return Kind(name, title, key or (), fresh_for or timedelta(), MappingProxyType(known), references, as_of, duplicates, enrich)

    def _check_name(self, where: _Written, name: str) -> None:
        if not _NAME.fullmatch(name):
            hint = Text(
                "use lower-case letters, digits and _, e.g. order_id", "请用小写字母、数字和下划线，如 order_id；中文名写在 title 里"
            )
            text = Text(f"'{name}' cannot be a name", f"'{name}' 不能作为名称")
            self.problems.append(where.problem("bad_name", text, hint, key=True))

    def _column(self, name: str, parts: _ColumnParts, key: tuple[str, ...]) -> Column | None:
        where = parts[-1][0]
        self._check_name(where, name)
        declared = _last(column.type for _, column in parts)
        if declared is None:
            text = Text(f"column {name} has no 'type'", f"列 {name} 缺少 'type'")
            hint = Text(f"types: {', '.join(TYPES)}", f"可用的类型：{'、'.join(TYPES)}")
            self.problems.append(where.problem("missing_key", text, hint, key=True))
            return None
        type_ = TYPES[declared]
        low, high = _last(column.min for _, column in parts), _last(column.max for _, column in parts)
        for part in parts:
            self._check_column(*part, type_, low, high)
        return Column(
            name,
            type_,
            _last(column.title for _, column in parts) or Text.same(name),
            _last(column.unit for _, column in parts) or "",
            low,
            high,
            MappingProxyType(self._values(parts)),
            _aliases(parts),
            _last(column.personal for _, column in parts) or "",
            bool(_last(column.required for _, column in parts)) or name in key or name == "store_id",
        )

    def _check_column(self, where: _Written, column: ColumnFile, type_: Type, low: Decimal | None, high: Decimal | None) -> None:
        bound = "min" if column.min is not None else "max" if column.max is not None else ""
        if bound and type_ not in BOUNDED:
            text = Text(f"a {type_} column has no bounds", f"{type_} 类型的列不能设上下限")
            self.problems.append(where.problem("bounds_on_text", text, None, bound, key=True))
        elif bound and low is not None and high is not None and low > high:
            text = Text(f"min {low} is above max {high}", f"min {low} 大于 max {high}")
            self.problems.append(where.problem("min_above_max", text, None, bound))
        if column.values and type_ is not Type.STRING:
            text = Text("'values' is for string columns", "'values' 只能用于 string 类型的列")
            self.problems.append(where.problem("values_not_text", text, None, "values", key=True))
        for index, alias in enumerate(column.aliases):
            if alias.conversion and CONVERSIONS[alias.conversion] is not type_:
                text = Text(f"in: {alias.conversion} does not fit a {type_} column", f"in: {alias.conversion} 不能用于 {type_} 类型的列")
                self.problems.append(where.problem("conversion_mismatch", text, None, "aliases", index, "in"))
            if alias.part and type_ not in (Type.TIMESTAMP, Type.DATE):
                text = Text("'part' is for timestamp and date columns", "'part' 只能用于 timestamp 和 date 类型的列")
                self.problems.append(where.problem("part_mismatch", text, None, "aliases", index, "part"))

    def _values(self, parts: _ColumnParts) -> dict[str, tuple[str, ...]]:
        """Canonical values with all their texts; a text must mean one value."""
        values: dict[str, tuple[str, ...]] = {}
        meaning: dict[str, str] = {}
        for where, column in parts:
            for value, texts in column.values.items():
                for index, text in enumerate(texts):
                    if meaning.setdefault(normal_heading(text), value) != value:
                        first = meaning[normal_heading(text)]
                        said = Text(f"'{text}' already means {first}", f"'{text}' 已经表示 {first}")
                        self.problems.append(where.problem("value_twice", said, None, "values", value, index))
                values[value] = (*values.get(value, ()), *texts)
        return values

    def _check_aliases(self, parts: _KindParts) -> None:
        """No heading may mean two columns, and no file may give a heading twice; a later file may give it anew. Files are gone through
        in order, so that the one that adds the second meaning is told."""
        owner: dict[_Claim, str] = {(name, None): name for _, kind in parts for name in kind.columns}
        for where, kind in parts:
            for name, column in kind.columns.items():
                self._claim(where, name, column, owner)

    def _claim(self, where: _Written, name: str, column: ColumnFile, owner: dict[_Claim, str]) -> None:
        own: set[_Claim] = set()
        for claim, path in _claims(column):
            at = ("columns", name, *path)
            if owner.setdefault(claim, name) != name:
                text = Text(f"heading '{claim[0]}' already means {owner[claim]}", f"表头 '{claim[0]}' 已经对应 {owner[claim]}")
                self.problems.append(where.problem("alias_taken", text, None, *at))
            elif claim in own:
                text = Text(f"heading '{claim[0]}' is given twice", f"表头 '{claim[0]}' 写了两次")
                self.problems.append(where.problem("alias_twice", text, None, *at))
            if path[0] == "aliases":
                own.add(claim)

    def _check_key(self, parts: _KindParts, written: Mapping[str, _ColumnParts], columns: Mapping[str, Column | None]) -> None:
        where = parts[-1][0]
        if "store_id" not in columns:
            text = Text("every kind needs a column 'store_id'", "每种事实都要有 'store_id' 列")
            self.problems.append(where.problem("missing_store_id", text, key=True))
        key_where, key = next(((w, kind.key) for w, kind in reversed(parts) if kind.key), (where, ()))
        for name in key:
            column = columns.get(name)
            if name not in columns:
                text = Text(f"the key '{name}' is not a column", f"主键 '{name}' 没有声明为列")
                self.problems.append(key_where.problem("unknown_column", text, did_you_mean(name, columns), "key"))
            elif column and (column.type is not Type.STRING or column.personal):
                text = Text(f"the key column '{name}' must be a string that is not personal", f"主键列 '{name}' 必须是非个人信息的 string")
                self.problems.append(written[name][-1][0].problem("key_not_text", text, None, "type"))

    def check_references(self, parts: _KindParts, kinds: Mapping[str, Kind | None], name: str) -> None:
        """References must lead from a declared text column to a kind with a key of one column."""
        for where, kind in parts:
            for column, target in kind.references.items():
                own = kinds[name]
                if target not in kinds:
                    text = Text(f"'{target}' is not a fact kind", f"没有名为 '{target}' 的事实")
                    self.problems.append(where.problem("unknown_kind", text, did_you_mean(target, kinds), "references", column))
                if own and column not in own.columns:
                    text = Text(f"'{column}' is not a column of {name}", f"{name} 没有列 '{column}'")
                    hint = did_you_mean(column, own.columns)
                    self.problems.append(where.problem("unknown_column", text, hint, "references", column, key=True))
        final = kinds[name]
        for column, target in final.references.items() if final else ():
            found = kinds.get(target)
            if found and len(found.key) != 1:
                where = next((w for w, kind in reversed(parts) if column in kind.references), parts[-1][0])
                listed = ", ".join(found.key)
                text = Text(f"{target} has a key of several columns: {listed}", f"{target} 的主键有多列：{listed}")
                self.problems.append(where.problem("reference_to_composite_key", text, None, "references", column))


def _column_parts(parts: _KindParts) -> dict[str, _ColumnParts]:
    columns: dict[str, _ColumnParts] = {}
    for where, kind in parts:
        for name, column in kind.columns.items():
            columns.setdefault(name, []).append((_Written(where.document, (*where.path, "columns", name)), column))
    return columns


def _claims(column: ColumnFile) -> Iterator[tuple[_Claim, Path_]]:
    """Every heading that a file gives a column, with its place in the column; an alias may repeat the title."""
    if column.title:
        yield (normal_heading(column.title.zh), None), ("title",)
    for index, alias in enumerate(column.aliases):
        yield (normal_heading(alias.heading), alias.part), ("aliases", index)


def _aliases(parts: _ColumnParts) -> tuple[Alias, ...]:
    """All aliases of a column; an alias of a later file replaces the one with the same heading."""
    found = {(normal_heading(a.heading), a.part): a.alias_() for _, column in parts for a in column.aliases}
    return tuple(found.values())
