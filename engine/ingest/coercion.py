"""Rows of text as typed rows: cells are read, rows validated, what is wrong is told cell by cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pandera.pandas as pandera
from pandera.errors import SchemaErrors

from engine.errors import Secret
from engine.facts import Kind
from engine.ingest.cells import MISSING, BadCell, Cell, ParseCell, cell_parser, clean, parse_as_of
from engine.ingest.headings import Mapped, Source
from engine.ingest.personal import pseudonym
from engine.ingest.quarantine import MASKED, Bad
from engine.ingest.tables import Row

LINE, AS_OF, STORE = "_line", "_as_of", "store_id"
JOINT = " / "
_CODES = {"not_nullable": "missing_value"}


@dataclass(frozen=True, slots=True)
class Reading:
    """How one export is to be read: the time zone, the instant (naive, UTC) and the store where they were given, the key for personal
    data."""

    zone: ZoneInfo
    as_of: datetime | None = None
    store: str = ""
    secret: Secret | None = None


Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coerced:
    """A chunk: ``good`` rows (typed objects, with ``_line`` and ``_as_of``), the ``bad`` cells, how many rows these spoil, by the
    instant of their batch (None where that cannot be told), and the keys of spoiled rows, as far as they could be read."""

    good: pd.DataFrame
    bad: tuple[Bad, ...]
    bad_rows: Mapping[datetime | None, int]
    lost: frozenset[Key] = frozenset()


def stored_columns(mapped: Mapped, reading: Reading) -> tuple[str, ...]:
    """The columns of a kind that will be stored of an export: what it has, without personal data that cannot be hashed."""
    kept = (name for name in mapped.columns if not mapped.kind.columns[name].personal or _hashed(mapped.kind, name, reading))
    return tuple(dict.fromkeys((*kept, STORE)))


def _hashed(kind: Kind, name: str, reading: Reading) -> bool:
    return kind.columns[name].personal == "hash" and reading.secret is not None


class Coercer:
    """Reads chunks of one export as one kind."""

    def __init__(self, mapped: Mapped, width: int, reading: Reading) -> None:
        self.mapped = mapped
        self.width = width
        self.reading = reading
        self.columns = stored_columns(mapped, reading)
        self._parsers = {name: self._parser(name) for name in self.columns if name in mapped.columns}
        self._schema = row_schema(mapped.kind, self.columns)

    def coerce(self, rows: Sequence[Row]) -> Coerced:
        """Typed rows of ``rows``. What a cell holds never raises: it makes its row a bad one."""
        whole = [row for row in rows if self._fits(row[1])]
        bad = [Bad(line, "", "", "field_count") for line, cells in rows if not self._fits(cells)]
        spoiled = Counter[datetime | None]({None: len(bad)} if bad else {})
        frame = pd.DataFrame({LINE: [line for line, _ in whole]})
        for name, (source, parse) in self._parsers.items():
            frame[name] = pd.Series(self._read(name, source, parse, whole, bad), dtype=object)
        if STORE not in frame:
            frame[STORE] = self.reading.store
        frame[AS_OF] = pd.Series(self._instants(whole, bad), dtype=object)
        bad += self._invalid(frame, whole, {(item.line, item.column) for item in bad})
        is_bad = frame[LINE].isin({item.line for item in bad})
        spoiled.update(None if pd.isna(instant) else instant for instant in frame.loc[is_bad, AS_OF])
        return Coerced(frame[~is_bad], tuple(bad), spoiled, self._keys(frame[is_bad]))

    def _keys(self, frame: pd.DataFrame) -> frozenset[Key]:
        readable = frame[list(self.mapped.kind.key)].dropna()
        return frozenset(tuple(map(str, key)) for key in readable.itertuples(index=False, name=None))

    def _fits(self, cells: Sequence[str]) -> bool:
        return len(cells) == self.width or (len(cells) > self.width and not any(clean(cell) for cell in cells[self.width :]))

    def _parser(self, name: str) -> tuple[Source, ParseCell]:
        kind, source, secret = self.mapped.kind, self.mapped.columns[name], self.reading.secret
        is_id = name in kind.key or name in kind.references
        parse = cell_parser(kind.columns[name], source.alias, self.reading.zone, is_id=is_id)
        if kind.columns[name].personal and secret is not None:
            return source, lambda text: None if (value := parse(text)) is None else pseudonym(str(value), secret)
        if name == STORE and self.reading.store:
            return source, lambda text: self._same_store(parse(text))
        return source, parse

    def _same_store(self, value: Cell) -> str:
        if value not in (None, self.reading.store):
            raise BadCell("other_store")
        return self.reading.store

    def _instants(self, rows: Sequence[Row], bad: list[Bad]) -> list[Cell]:
        source = self.mapped.as_of
        if self.reading.as_of is not None or source is None:
            return [self.reading.as_of] * len(rows)
        part = source.alias.part

        def parse(text: str) -> datetime:
            cleaned = clean(text)
            if cleaned.casefold() in MISSING:
                raise BadCell("missing_value")
            return parse_as_of(cleaned, self.reading.zone, part)

        return self._read(AS_OF, source, parse, rows, bad)

    def _read(self, name: str, source: Source, parse: Callable[[str], Cell], rows: Sequence[Row], bad: list[Bad]) -> list[Cell]:
        """The values of one column, None where a cell is bad; each distinct text is read once."""
        at = source.positions[0]
        texts = [cells[at] for _, cells in rows] if len(source.positions) == 1 else [_text(source, cells) for _, cells in rows]
        known: dict[str, Cell] = {}
        faults: dict[str, BadCell] = {}
        for text in set(texts):
            try:
                known[text] = parse(text)
            except BadCell as fault:
                faults[text] = fault
        if faults:
            found = ((line, text, faults[text]) for (line, _), text in zip(rows, texts, strict=True) if text in faults)
            bad += [Bad(line, name, source.heading, fault.code, self._shown(name, text), fault.hint) for line, text, fault in found]
        return [known.get(text) for text in texts]

    def _shown(self, name: str, text: str) -> str:
        column = self.mapped.kind.columns.get(name)
        return MASKED if column and column.personal else text

    def _invalid(self, frame: pd.DataFrame, rows: Sequence[Row], told: set[tuple[int, str]]) -> list[Bad]:
        """What pandera finds: missing and out-of-bounds values, all at once; cells that are bad already are not told again."""
        try:
            self._schema.validate(frame, lazy=True)
        except SchemaErrors as errors:
            cases = errors.failure_cases
            found = zip(cases["index"], cases["column"], cases["check"], strict=True)
            return [self._case(rows[at], column, check) for at, column, check in found if (rows[at][0], column) not in told]
        return []

    def _case(self, row: Row, column: str, check: str) -> Bad:
        source = self.mapped.columns.get(column)
        text = self._shown(column, _text(source, row[1])) if source else ""
        return Bad(row[0], column, source.heading if source else column, _CODES.get(check, check), text)


def row_schema(kind: Kind, columns: Sequence[str]) -> pandera.DataFrameSchema:
    """What rows of ``kind`` must hold to; the name of a check is the code that is told."""
    return pandera.DataFrameSchema({name: _column_schema(kind, name) for name in columns})


def _column_schema(kind: Kind, name: str) -> pandera.Column:
    column = kind.columns[name]
    checks = []
    if column.low is not None:
        checks.append(pandera.Check.ge(column.low, error="below_min"))
    if column.high is not None:
        checks.append(pandera.Check.le(column.high, error="above_max"))
    return pandera.Column(None, checks, nullable=not column.required)


def _text(source: Source, cells: Sequence[str]) -> str:
    if len(source.positions) == 1:
        return cells[source.positions[0]]
    parts = (clean(cells[position]) for position in source.positions)
    return JOINT.join(part for part in parts if part.casefold() not in MISSING)
