"""From an export to batches: the one path of :func:`ingest`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import IngestError, StorageError, Text
from engine.facts import Facts
from engine.ingest import notes
from engine.ingest.coercion import AS_OF, LINE, Coercer, Key, Reading
from engine.ingest.enrichers.cache import open_looks
from engine.ingest.enrichers.enriching import Enriching, Looking, Place
from engine.ingest.headings import Mapped, choose_kinds, judge_for
from engine.ingest.options import Options, named
from engine.ingest.quarantine import Bad, Quarantine
from engine.ingest.readers import Export, digest_of, find_export, open_export
from engine.ingest.staging import SAME, Stage
from engine.ingest.storing import QUARANTINE, Covered, Origin, Part, Prepared, clean_leftovers, prepare, put_in_place, workspace
from engine.ingest.tables import Row, Table, data_rows
from engine.snapshots import AS_OF as AS_OF_FORMAT
from engine.snapshots import Snapshots, os_reason

CHUNK = 10_000
MAX_INSTANTS = 1_000
TRANSIENT = (OSError, duckdb.IOException, duckdb.OutOfMemoryException)
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class KindReport:
    """What became of the rows of one kind. ``read`` is ``stored + quarantined + repeated``; ``repeated`` rows had the key of another."""

    kind: str
    read: int
    stored: int
    quarantined: int
    repeated: int
    reasons: Mapping[str, int]
    mapped: tuple[tuple[str, str], ...]
    dropped: tuple[str, ...]
    batches: tuple[Prepared, ...]
    quarantine_file: Path | None = None


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of one export."""

    source: str
    kinds: tuple[KindReport, ...]
    totals_skipped: int = 0
    warnings: tuple[Text, ...] = ()


def ingest(
    source: str | Path, facts: Facts, folder: Path, options: Options, progress: Progress | None = None, looking: Looking | None = None
) -> IngestReport:
    """Read one export (a path, or a database URL with ``options.query``) and store its rows as batches under ``folder``.

    ``progress`` is called after each chunk with how much has been read and how much there is, ``looking`` after each
    picture and link of a chunk that enrichers look at. Raises :class:`IngestError` when the
    export is refused, :class:`StorageError` when that is not the export's fault; the folder then is as it was.
    """
    try:
        export = find_export(str(source), options.query)
        clean_leftovers(folder, options.now)
        with workspace(folder) as work:
            return _Ingest(export, facts, folder, options, work).run(progress, looking)
    except IngestError as error:
        raise named(str(source), error) from None
    except (OSError, pa.ArrowException, duckdb.Error, UnicodeDecodeError) as error:
        said = os_reason(error) if isinstance(error, OSError) else Text(str(error), "读写出错")
        kind = StorageError if isinstance(error, TRANSIENT) else IngestError
        raise kind(
            Text(f"cannot be read or stored: {said.en}", f"无法读取或保存：{said.zh}"),
            Text("nothing was stored; check free disk space and permissions", "没有保存任何内容；请检查磁盘空间和权限"),
        ) from None


@dataclass
class _Intake:
    """One kind of one export while it is read."""

    coercer: Coercer
    stage: Stage
    quarantine: Quarantine
    enriching: Enriching | None
    read: int = 0
    spoiled: Counter[datetime | None] = field(default_factory=Counter)
    repeated: int = 0
    lost: set[Key] = field(default_factory=set)

    @property
    def mapped(self) -> Mapped:
        return self.coercer.mapped

    @property
    def kind(self) -> str:
        return self.mapped.kind.name

    def take(self, rows: Sequence[Row]) -> None:
        coerced = self.coercer.coerce(rows)
        self.read += len(rows)
        self.spoiled.update(coerced.bad_rows)
        self.lost |= coerced.lost
        self.quarantine.add(coerced.bad)
        self.stage.add(self.enriching.fill(coerced.good) if self.enriching else coerced.good)

    def close(self) -> None:
        self.stage.close()
        self.quarantine.close()

    def sort_out(self) -> pa.Array:
        """The lines that give way to another row of their key; those that contradict it are quarantined where the kind says so."""
        self.stage.close()
        repeated = self.stage.repeated()
        if self.mapped.kind.duplicates == "reject":
            against = repeated.filter(pc.invert(repeated.column(SAME)))
            self.quarantine.add(self._duplicate(row) for row in against.to_pylist())
            self.spoiled.update(against.column(AS_OF).to_pylist())
            self.repeated = repeated.num_rows - against.num_rows
        else:
            self.repeated = repeated.num_rows
        self.quarantine.close()
        return repeated.column(LINE).combine_chunks()

    def _duplicate(self, row: Mapping[str, object]) -> Bad:
        name = self.mapped.kind.key[-1]
        source = self.mapped.columns.get(name)
        return Bad(int(str(row[LINE])), name, source.heading if source else name, "duplicate_key", str(row[name]))

    def check(self, max_bad: Decimal) -> None:
        """Raises :class:`IngestError` when too many rows are bad."""
        bad = self.spoiled.total()
        if bad and (bad > max_bad * self.read or bad == self.read):
            examples = [item.describe() for item in self.quarantine.examples]
            raise IngestError(
                Text(
                    f"{bad} of {self.read} {self.kind} rows are bad, more than {max_bad:.1%}: nothing was stored",
                    f"{self.read} 行 {self.kind} 中有 {bad} 行有误，超过 {max_bad:.1%}：没有保存任何内容",
                ),
                Text("; ".join(text.en for text in examples), "；".join(text.zh for text in examples)),
            )


class _Ingest:
    """One run: the values that its steps share."""

    def __init__(self, export: Export, facts: Facts, folder: Path, options: Options, work: Path) -> None:
        self.export, self.facts, self.folder, self.options, self.work = export, facts, folder, options, work
        self.origin = Origin(export.name, digest_of(export), options.now)
        self.totals = 0

    def run(self, progress: Progress | None, looking: Looking | None = None) -> IngestReport:
        asked = [self.facts.kinds[name] for name in self.options.kinds if name in self.facts.kinds]
        with ExitStack() as stack:
            table = stack.enter_context(open_export(self.export, judge_for(asked or self.facts.kinds.values())))
            chosen = self._choose(table)
            place = None
            if any(one.source in mapped.columns for mapped in chosen for one in mapped.kind.enrich):
                place = Place(stack.enter_context(open_looks(self.folder)), self._beside(), self.options.now, looking)
            intakes = [self._intake(mapped, len(table.headings), place) for mapped in chosen]
            for intake in intakes:
                stack.callback(intake.close)
            for chunk in _chunks(data_rows(table.rows, self._count_total)):
                for intake in intakes:
                    intake.take(chunk)
                if progress:
                    progress(*table.position())
            reports = [self._finish(intake) for intake in intakes]
        warnings = tuple(text for intake, report in zip(intakes, reports, strict=True) for text in self._notes(intake, report))
        self._commit(reports)
        return IngestReport(self.export.name, tuple(reports), self.totals, warnings)

    def _count_total(self) -> None:
        self.totals += 1

    def _choose(self, table: Table) -> tuple[Mapped, ...]:
        return choose_kinds(table.headings, self.options.kinds, self.facts, store_given=bool(self.options.store))

    def _beside(self) -> Path | None:
        """The folder in which paths of the export lead to files."""
        if self.options.pictures:
            return self.options.pictures
        return self.export.place.parent if isinstance(self.export.place, Path) else None

    def _intake(self, mapped: Mapped, width: int, place: Place | None) -> _Intake:
        reading = Reading(self.facts.zone, self._fixed_instant(mapped), self.options.store, self.options.secret)
        coercer = Coercer(mapped, width, reading)
        enriching = Enriching(mapped.kind, self.facts, place) if place else None
        stage = Stage(mapped.kind, (*coercer.columns, *(enriching.columns(coercer.columns) if enriching else ())), self.work)
        return _Intake(coercer, stage, Quarantine(self.work / f"{mapped.kind.name}.quarantine.csv"), enriching)

    def _fixed_instant(self, mapped: Mapped) -> datetime | None:
        """The instant of all rows, naive in UTC: as given, else (where no column dates the rows) when the file was written."""
        if self.options.as_of is None and mapped.as_of:
            return None
        instant = self.options.as_of or self.export.modified or self.options.now
        return instant.astimezone(UTC).replace(microsecond=0, tzinfo=None)

    def _finish(self, intake: _Intake) -> KindReport:
        without = intake.sort_out()
        if not intake.read and not self.options.allow_empty:
            raise IngestError(
                Text("has headings but no rows", "只有表头，没有数据行"),
                Text("if there really is nothing to report, give --allow-empty", "如果确实没有数据，请加 --allow-empty"),
            )
        intake.check(self.facts.max_bad if self.options.max_bad is None else self.options.max_bad)
        batches = tuple(self._batches(intake, without))
        return KindReport(
            intake.kind,
            intake.read,
            sum(batch.rows for batch in batches),
            intake.spoiled.total(),
            intake.repeated,
            dict(intake.quarantine.codes),
            tuple((source.heading, name) for name, source in intake.mapped.columns.items() if name in intake.coercer.columns),
            intake.mapped.dropped,
            batches,
            self._quarantine_file(intake, batches) if intake.spoiled else None,
        )

    def _batches(self, intake: _Intake, without: pa.Array) -> Iterator[Prepared]:
        instants = intake.stage.instants() or [self._only_instant(intake)]
        if len(instants) > MAX_INSTANTS:
            heading = intake.mapped.as_of.heading if intake.mapped.as_of else ""
            raise IngestError(
                Text(
                    f"'{heading}' has {len(instants):,} different times: it does not date the export",
                    f"“{heading}”有 {len(instants):,} 个不同的时间",
                ),
                Text("give --as-of", "请加上 --as-of"),
            )
        for instant in instants:
            bad = intake.spoiled[instant] + (intake.spoiled[None] if instant == instants[-1] else 0)
            yield prepare(intake.stage, Part(instant, without, bad, frozenset(intake.lost)), self._covered(), self.origin, self.folder)

    def _only_instant(self, intake: _Intake) -> datetime:
        """The instant of an export without rows."""
        fixed = intake.coercer.reading.as_of
        if fixed is None or not self._covered():
            raise IngestError(
                Text("an empty export says neither when nor of which store it is", "空的导出文件没有说明时间和店铺"),
                Text("give --as-of and --store or --all-stores", "请加上 --as-of，以及 --store 或 --all-stores"),
            )
        return fixed

    def _covered(self) -> Covered:
        """The stores that the export speaks for, where the command line says so."""
        return "*" if self.options.all_stores else (self.options.store,) if self.options.store else None

    def _quarantine_file(self, intake: _Intake, batches: Sequence[Prepared]) -> Path:
        name = f"{batches[-1].as_of.strftime(AS_OF_FORMAT)}-{self.origin.sha256[:12]}.csv"
        return self.folder / QUARANTINE / intake.kind / name

    def _notes(self, intake: _Intake, report: KindReport) -> Iterator[Text]:
        snapshots, kind = Snapshots(self.folder), intake.mapped.kind
        if self.options.secret is None:
            yield from notes.unhashed(intake.mapped)
        yield from notes.mostly_repeated(kind, report.repeated, report.read)
        yield from notes.in_the_future(report.batches, self.options.now)
        yield from notes.corrections(report.batches, snapshots)
        yield from notes.columns_gone(kind, report.batches, intake.stage.schema.names, snapshots)
        yield from intake.enriching.notes() if intake.enriching else ()

    def _commit(self, reports: Sequence[KindReport]) -> None:
        moves = [(batch.temporary, batch.target) for report in reports for batch in report.batches if not batch.already]
        for report in reports:
            if report.quarantine_file and not report.quarantine_file.exists():
                moves.append((self.work / f"{report.kind}.quarantine.csv", report.quarantine_file))
        put_in_place(moves)


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk
