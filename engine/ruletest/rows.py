"""``given:`` of a test: kind → key → columns, as the rows that ingest would store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from engine.errors import Text
from engine.facts import Column, Facts, Kind
from engine.ingest.cells import Cell
from engine.ruletest.model import Given, Key
from engine.ruletest.notes import Notes
from engine.ruletest.values import MOST_ROWS, expand, read_cell, typed_key, typed_text
from engine.yamlfile import BilingualError, Path_

SAME = "same"
STORE = "store_id"


@dataclass
class RowReader:
    """Reads the rows of one test. ``store`` is that of rows that do not say theirs; ``last`` are the newest rows of each kind so far,
    ``named`` the columns that words were found to mean, by kind and word."""

    notes: Notes
    facts: Facts
    store: str
    last: dict[str, Given] = field(default_factory=dict)
    named: dict[tuple[str, str], Sequence[Column]] = field(default_factory=dict)

    def read(self, path: Path_, data: object, at: datetime) -> tuple[Given, ...]:
        """One export of each kind in ``data``, at ``at``."""
        if data == SAME:
            found = [replace(given, as_of=at) for given in self.last.values()]
        elif isinstance(data, dict):
            found = [given for name in data if (given := self._export((*path, name), data[name], at))]
        else:
            text = Text("expected fact kinds with their rows, such as store: {s1: {...}}", "这里应是事实及其各行，如 store: {s1: {...}}")
            self.notes.wrong(path, "not_rows", text)
            return ()
        self.last |= {given.kind: given for given in found}
        return tuple(found)

    def _export(self, path: Path_, data: object, at: datetime) -> Given | None:
        kind = self._kind(path)
        if kind is None:
            return None
        if data == SAME:
            if kind.name not in self.last:
                text = Text(f"nothing was given of '{kind.name}' before", f"前面没有给过 {kind.name} 的数据")
                self.notes.wrong(path, "nothing_before", text)
            return replace(self.last[kind.name], as_of=at) if kind.name in self.last else None
        if data is not None and not isinstance(data, dict):
            text = Text(f"expected the rows of '{kind.name}' by key", f"这里应是 {kind.name} 的各行，以主键为名")
            self.notes.wrong(path, "not_rows", text)
            return None
        rows, lines = self._rows(path, kind, data or {}, at)
        return Given(kind.name, at, tuple(rows), tuple(lines))

    def _kind(self, path: Path_) -> Kind | None:
        word = str(path[-1])
        named = [kind for kind in self.facts.kinds.values() if word in (kind.name, kind.title.zh, kind.title.en)]
        if not named:
            known = [name for kind in self.facts.kinds.values() for name in (kind.name, kind.title.zh)]
            text = Text(f"unknown fact kind '{word}'", f"没有名为 '{word}' 的事实")
            self.notes.unknown(path, "unknown_kind", text, word, known, key=True)
        return named[0] if named else None

    def _rows(self, path: Path_, kind: Kind, data: Mapping[object, object], at: datetime) -> tuple[list[Mapping[str, Cell]], list[int]]:
        rows: dict[Key, Mapping[str, Cell]] = {}
        lines: list[int] = []
        for name, cells in data.items():
            here = (*path, name) if isinstance(name, str | int) else path
            for row in self._written(here, kind, cells, at):
                key = tuple(str(row[column]) for column in kind.key)
                if key in rows:
                    text = Text(f"row {'/'.join(key)} is given twice", f"行 {'/'.join(key)} 写了两次")
                    self.notes.wrong(here, "duplicate_key", text, key=True)
                    break
                rows[key] = row
                lines.append(self.notes.document.keys[here].line)
                if len(rows) > MOST_ROWS:
                    self.notes.wrong(here, "too_many_rows", Text(f"more than {MOST_ROWS:,} rows", f"超过 {MOST_ROWS:,} 行"), key=True)
                    return [], []
        return list(rows.values()), lines

    def _written(self, path: Path_, kind: Kind, data: object, at: datetime) -> Iterator[Mapping[str, Cell]]:
        """The row written under one key, or the rows where the key is a range; none where something is wrong."""
        before = len(self.notes.problems)
        cells = self._cells(path, kind, data, at)
        for name in self.notes.attempt(path, lambda: list(expand(typed_key(self.notes.document, path))), key=True) or ():
            key = self.notes.attempt(path, partial(read_key, kind, name, at, self.facts), key=True)
            row = {STORE: self.store, **cells, **dict(zip(kind.key, key or (), strict=bool(key)))}
            if len(self.notes.problems) == before:
                self._require(path, kind, row)
            if len(self.notes.problems) > before:
                return
            yield row

    def _cells(self, path: Path_, kind: Kind, data: object, at: datetime) -> dict[str, Cell]:
        if data is not None and not isinstance(data, dict):
            text = Text("expected columns and their values, such as {dsr_desc: 4.62}", "这里应是列和值，如 {dsr_desc: 4.62}")
            self.notes.wrong(path, "not_columns", text)
            return {}
        cells: dict[str, Cell] = {}
        for name, value in (data or {}).items():
            here = (*path, name)
            column = self._column(here, kind)
            if column is None:
                continue
            if column.name in cells or column.name in kind.key:
                text = Text(f"'{column.name}' is given twice", f"'{column.name}' 写了两次")
                self.notes.wrong(here, "given_twice", text, key=True)
                continue
            cells[column.name] = self.notes.attempt(here, self._reading(here, kind, column, value, at))
        return cells

    def _reading(self, path: Path_, kind: Kind, column: Column, value: object, at: datetime) -> Callable[[], Cell]:
        is_id = column.name in kind.references or column.name == STORE

        def read() -> Cell:
            text = typed_text(self.notes.document, path, value)
            return None if text is None else read_cell(column, text, at, self.facts.zone, is_id=is_id)

        return read

    def _column(self, path: Path_, kind: Kind) -> Column | None:
        word = str(path[-1])
        named = self.named.get((kind.name, word)) or columns_named(word, kind)
        self.named[kind.name, word] = named
        if len(named) == 1:
            return named[0]
        if named:
            meanings = [column.name for column in named]
            text = Text(f"'{word}' may mean {' or '.join(meanings)}", f"'{word}' 有几种可能：{'、'.join(meanings)}")
            self.notes.wrong(path, "ambiguous_name", text, key=True)
            return None
        known = [name for column in _kept(kind) for name in names_of(column)]
        text = Text(f"'{kind.name}' has no column '{word}'", f"'{kind.name}' 没有列 '{word}'")
        self.notes.unknown(path, "unknown_column", text, word, known, key=True)
        return None

    def _require(self, path: Path_, kind: Kind, row: Mapping[str, Cell]) -> None:
        for column in kind.columns.values():
            if column.required and row.get(column.name) is None:
                text = Text(f"'{column.name}' must not be missing", f"'{column.name}' 不能缺")
                self.notes.wrong(path, "missing_value", text, key=True)


def read_key(kind: Kind, name: str, at: datetime, facts: Facts) -> Key:
    """The key columns' values that ``name`` stands for; several are joined by ``/``. Raises BilingualError."""
    parts = name.split("/", len(kind.key) - 1)
    if len(parts) != len(kind.key):
        written = "/".join(kind.key)
        raise BilingualError("bad_key", Text(f"the key of '{kind.name}' is {written}", f"{kind.name} 的主键是 {written}"))
    cells = [read_cell(kind.columns[column], part, at, facts.zone, is_id=True) for column, part in zip(kind.key, parts, strict=True)]
    if None in cells:
        raise BilingualError("bad_key", Text("a key must not be missing", "主键不能缺"))
    return tuple(str(cell) for cell in cells)


def scope_key(columns: tuple[str, ...], name: str) -> Key:
    """The key of a rule that is on no fact kind; several columns are joined by ``/``. Raises BilingualError."""
    parts = tuple(name.split("/", len(columns) - 1))
    if len(parts) != len(columns):
        written = "/".join(columns)
        raise BilingualError("bad_key", Text(f"the key is {written}", f"主键是 {written}"))
    return parts


def columns_named(word: str, kind: Kind) -> Sequence[Column]:
    """The column of that name; else all that are also called so."""
    exact = kind.columns.get(word)
    return [exact] if exact and exact.personal != "drop" else [column for column in _kept(kind) if word in names_of(column)]


def names_of(column: Column) -> tuple[str, ...]:
    """Its name, its titles, and its plain headings."""
    plain = (alias.heading for alias in column.aliases if not (alias.conversion or alias.part or alias.more))
    return tuple(dict.fromkeys((column.name, column.title.zh, column.title.en, *plain)))


def _kept(kind: Kind) -> Sequence[Column]:
    return [column for column in kind.columns.values() if column.personal != "drop"]
