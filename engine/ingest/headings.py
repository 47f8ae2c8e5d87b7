"""Which heading is which column, and which kinds of fact an export holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.errors import IngestError, Text, UsageError, did_you_mean
from engine.facts import Alias, Facts, Kind, normal_heading

Judge = Callable[[Sequence[str]], int]
HEADING_ROWS = 30
ENOUGH = 2


@dataclass(frozen=True, slots=True)
class Source:
    """Where a column's cells are: the alias, the positions (more than one are joined), the heading as written."""

    alias: Alias
    positions: tuple[int, ...]
    heading: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """One kind found in an export: sources by column, the source of ``as_of``, the headings that mean nothing to it."""

    kind: Kind
    columns: Mapping[str, Source]
    as_of: Source | None
    dropped: tuple[str, ...]

    @property
    def claimed(self) -> frozenset[int]:
        """Positions of headings that are columns of the kind, without its key."""
        found = (source.positions for name, source in self.columns.items() if name not in self.kind.key)
        return frozenset(position for positions in found for position in positions)

    @property
    def telling(self) -> tuple[str, ...]:
        """The columns that say something of a row, besides which row of which store it is."""
        return tuple(name for name in self.columns if name in _telling(self.kind))


def _telling(kind: Kind) -> tuple[str, ...]:
    return tuple(name for name in kind.columns if name not in (*kind.key, "store_id"))


def judge_for(kinds: Iterable[Kind]) -> Judge:
    """A function that counts the cells of a row which are headings of any of ``kinds``."""
    known = frozenset(heading for kind in kinds for heading in _headings(kind))

    def judge(cells: Sequence[str]) -> int:
        return len({cell for text in cells if (cell := normal_heading(text)) in known})

    return judge


def _headings(kind: Kind) -> Iterable[str]:
    for alias in (alias for column in kind.columns.values() for alias in _aliases(kind, column.name)):
        yield normal_heading(alias.heading)
    yield from (normal_heading(alias.heading) for alias in kind.as_of)


def _aliases(kind: Kind, name: str) -> list[Alias]:
    """All headings of a column in the order of preference: its title (unless the aliases list it), its aliases, its name; each also with
    its unit in brackets."""
    column = kind.columns[name]
    title = Alias(column.title.zh)
    listed = any(alias.heading == title.heading for alias in column.aliases)
    plain = [*([] if listed else [title]), *column.aliases, Alias(name)]
    if not column.unit:
        return plain
    return plain + [Alias(f"{alias.heading}({column.unit})") for alias in plain if not (alias.conversion or alias.part or alias.more)]


def map_headings(headings: Sequence[str], kind: Kind) -> Mapped:
    """``headings`` of an export as columns of ``kind``. Of several headings for one column the first alias wins; of a heading that is
    given twice the first column."""
    places: dict[str, int] = {}
    for position, heading in enumerate(headings):
        places.setdefault(normal_heading(heading), position)
    columns = {name: found for name in kind.columns if (found := _find(headings, places, _aliases(kind, name)))}
    as_of = _find(headings, places, kind.as_of)
    used = {position for source in (*columns.values(), *([as_of] if as_of else [])) for position in source.positions}
    dropped = tuple(printable(heading.strip()) for position, heading in enumerate(headings) if position not in used and heading.strip())
    return Mapped(kind, columns, as_of, dropped)


def _find(headings: Sequence[str], places: Mapping[str, int], aliases: Iterable[Alias]) -> Source | None:
    for alias in aliases:
        position = places.get(normal_heading(alias.heading))
        if position is not None:
            more = (places.get(normal_heading(heading)) for heading in alias.more)
            return Source(alias, (position, *(place for place in more if place is not None)), printable(headings[position].strip()))
    return None


def choose_kinds(headings: Sequence[str], asked: Sequence[str], facts: Facts, *, store_given: bool) -> tuple[Mapped, ...]:
    """The kinds that the export holds: those asked for, else those recognised. Raises :class:`IngestError` when one does not fit."""
    if asked:
        mapped = tuple(map_headings(headings, kind) for kind in known_kinds(asked, facts))
        for found in mapped:
            _require(found, headings, store_given)
        if not any(found.telling for found in mapped):  # beside another kind, names alone may be meant: the list of stores
            _require_telling(mapped[0], headings, facts)
        return mapped
    return _recognise(headings, facts, store_given)


def known_kinds(names: Iterable[str], facts: Facts) -> tuple[Kind, ...]:
    """The kinds of those names. Raises :class:`UsageError` for a name that no kind has."""
    for name in names:
        if name not in facts.kinds:
            known = ", ".join(facts.kinds)
            hint = did_you_mean(name, facts.kinds) or Text(f"kinds: {known}", f"可用的种类：{known}")
            raise UsageError(Text(f"'{name}' is not a fact kind", f"没有名为 '{name}' 的事实"), hint)
    return tuple(facts.kinds[name] for name in dict.fromkeys(names))


def _missing(mapped: Mapped, store_given: bool) -> list[str]:
    """Required columns (the key, the store, and what is declared so) that the export does not have."""
    needed = [name for name, column in mapped.kind.columns.items() if column.required]
    return [name for name in needed if name not in mapped.columns and not (name == "store_id" and store_given)]


def _require(mapped: Mapped, headings: Sequence[str], store_given: bool) -> None:
    missing = _missing(mapped, store_given)
    if missing == ["store_id"]:
        raise IngestError(
            Text(
                f"the export does not say which store its {mapped.kind.name} rows belong to",
                f"导出文件没有说明 {mapped.kind.name} 属于哪家店铺",
            ),
            Text("give --store ID", "请加上 --store 店铺编号"),
        )
    if missing:
        name = missing[0]
        wanted = list(dict.fromkeys(alias.heading for alias in _aliases(mapped.kind, name)))
        near = [hint for heading in wanted if (hint := did_you_mean(heading, [text.strip() for text in headings if text.strip()]))]
        text = ", ".join(wanted)
        raise IngestError(
            Text(f"no heading for the required column {mapped.kind.name}.{name}", f"缺少 {mapped.kind.name} 必需的列 {name}"),
            Text(
                f"expected one of: {text}" + (f"; {near[0].en}" if near else "") + "; add your heading to its aliases in facts.yaml",
                f"应有其中一个表头：{text}" + (f"；{near[0].zh}" if near else "") + "；或在 facts.yaml 的 aliases 里加上你的表头",
            ),
        )


def _require_telling(mapped: Mapped, headings: Sequence[str], facts: Facts) -> None:
    """An export that only names its rows was meant for another kind: as the newest batch it would hide what is known of this one."""
    if not _telling(mapped.kind):
        return
    kind = mapped.kind
    only = ", ".join(source.heading for source in mapped.columns.values())
    expected = ", ".join(kind.columns[name].title.zh for name in _telling(kind)[:8])
    better = _better_kind(mapped, headings, facts)
    found = Text(f"only {only} of the export is known to it", f"导出文件里它只认得 {only}") if only else Text("", "")
    raise IngestError(
        Text(
            f"has nothing to say about '{kind.name}'" + (f": {found.en}" if only else ""),
            f"没有 '{kind.name}' 的数据" + (f"：{found.zh}" if only else ""),
        ),
        Text(
            (f"the headings fit {better} better: --kind {better}; " if better else "") + f"headings of {kind.name} are {expected}",
            (f"表头更像 {better}：请用 --kind {better}；" if better else "") + f"{kind.name} 的表头有：{expected}",
        ),
    )


def _better_kind(mapped: Mapped, headings: Sequence[str], facts: Facts) -> str:
    """The kind that knows most of the headings, where one knows more of them; else empty."""
    best = max((map_headings(headings, kind) for kind in facts.kinds.values()), key=lambda found: len(found.telling))
    return best.kind.name if len(best.telling) > len(mapped.telling) else ""


def _recognise(headings: Sequence[str], facts: Facts, store_given: bool) -> tuple[Mapped, ...]:
    """Kinds whose key and at least :data:`ENOUGH` more columns are there; one that only sees what another sees too is left out."""
    fitting = [map_headings(headings, kind) for kind in facts.kinds.values()]
    fitting = [found for found in fitting if set(_missing(found, True)) <= {"store_id"} and len(found.claimed) >= ENOUGH]
    # Nearly every export has something to say about its store: that is meant only where nothing else tells the rows apart.
    fitting = [found for found in fitting if found.kind.key != ("store_id",)] or fitting
    best = [found for found in fitting if not any(found.claimed < other.claimed for other in fitting)]
    if not best:
        known = ", ".join(facts.kinds)
        raise IngestError(
            Text("the headings do not look like any fact kind", "表头与任何一种事实都对不上"),
            Text(
                f"say which with --kind ({known}); headings found: {_some(headings)}",
                f"请用 --kind 指定（{known}）；读到的表头：{_some(headings)}",
            ),
        )
    clash = next(((a, b) for a in best for b in best if a is not b and a.claimed & b.claimed), None)
    if clash:
        listed = "; ".join(f"{found.kind.name}: {', '.join(s.heading for s in found.columns.values())}" for found in best)
        raise IngestError(
            Text(f"the headings fit several fact kinds ({listed})", f"表头同时像几种事实（{listed}）"),
            Text("say which with --kind", "请用 --kind 指定"),
        )
    for found in best:
        _require(found, headings, store_given)
    return tuple(best)


def _some(headings: Sequence[str]) -> str:
    """Some of the headings that were read, fit for a terminal."""
    named = [printable(heading.strip())[:40] for heading in headings if heading.strip()]
    return ", ".join(named[:12]) + (" …" if len(named) > 12 else "")


def printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
