"""Incidents: where and when each rule's trouble is planted, and the truth as the exports come to tell it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.errors import Text, UsageError
from engine.simulate.causes import CAUSES, CRITICAL, EARLIEST, KEPT, Scene, TrueAlert
from engine.simulate.look import ALL, Board, Look
from engine.simulate.plan import Dice, Options, at
from engine.simulate.shop import Shop
from engine.simulate.trouble import NO_TIME, Planted, Slot, Trouble
from engine.simulate.troubles import TROUBLES


@dataclass(frozen=True, slots=True)
class Incident:
    """The truth: ``rule`` holds for ``key`` at every evaluation from ``starts_at`` to before ``ends_at`` (None: to the end).

    ``note`` says what was planted; it is empty where a planted incident has this one as its consequence.
    """

    rule: str
    store_id: str
    key: str
    starts_at: datetime
    ends_at: datetime | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """What was planted for a rule and key, and the days on which it may begin to show."""

    rule: str
    key: str
    since: datetime
    until: datetime
    text: str


def plant(shops: tuple[Shop, ...], options: Options) -> tuple[tuple[Shop, ...], tuple[Note, ...]]:
    """Plant ``options.incidents`` of each of ``options.rules``, over stores and days.

    Answers the changed stores and what was done. Raises :class:`UsageError` for a rule that has no trouble, and when so many do not fit.
    """
    changed, notes = list(shops), []
    for number, rule in enumerate(chosen(options.rules)):
        trouble = TROUBLES[rule]
        dice = Dice(options.seed, rule)
        stride = max(1, options.stores // max(1, options.incidents))
        for turn in range(options.incidents):
            index = (1 + number + turn * stride) % options.stores
            slot = _slot(dice, rule, turn, options.incidents, trouble.earliest, (0, trouble.longest), options)
            planted = trouble.plant(changed[index], slot, dice, options)
            changed[index] = planted.shop
            notes.append(_noted(rule, planted, slot, trouble.earliest, options))
    for number, (name, cause) in enumerate(CAUSES.items()):
        dice = Dice(options.seed, name)
        stride = max(1, options.stores // max(1, options.causes))
        for turn in range(options.causes):
            index = (number + turn * stride) % options.stores
            slot = _slot(dice, name, turn, options.causes, EARLIEST, (1, 1), options)
            planted = cause.plant(changed[index], slot, dice, options)
            changed[index] = planted.shop
            notes.append(_noted(name, planted, slot, 1, options))
    return tuple(changed), tuple(notes)


def _noted(name: str, planted: Planted, slot: Slot, before: int, options: Options) -> Note:
    since, until = (at(options.dates[slot.first] + timedelta(days=days)) for days in (-before, slot.last - slot.first + 1))
    return Note(name, planted.key, since, until, planted.note)


def chosen(rules: Sequence[str]) -> list[str]:
    """The rules in the order of the table. Raises :class:`UsageError` for one that is not in it."""
    unknown = [rule for rule in rules if rule not in TROUBLES]
    if unknown:
        raise UsageError(
            Text(f"no incident can be planted for: {', '.join(unknown)}", f"没有可植入异常的规则：{'、'.join(unknown)}"),
            Text("write `all`, or names as `storewatch rules` lists them", "请写 all，或 `storewatch rules` 列出的规则名"),
        )
    return [rule for rule in TROUBLES if rule in rules]


def _slot(dice: Dice, name: str, turn: int, count: int, earliest: int, more: tuple[int, int], options: Options) -> Slot:
    """One of ``count`` stretches of days, its own in its store, with a healthy day after it.

    ``more`` are the fewest and most days that it may last besides the first."""
    rounds = -(-count // options.stores)
    stretch = (options.days - 1 - earliest) // rounds
    if stretch < 2 + more[0]:
        days = earliest + 1 + (2 + more[0]) * rounds
        raise UsageError(
            Text(f"{count} incidents of {name} do not fit into this run", f"这次模拟放不下 {count} 个 {name} 异常"),
            Text(f"simulate at least {days} days, or more stores, or fewer incidents", f"请至少模拟 {days} 天，或增加店铺、减少异常"),
        )
    start = earliest + turn // options.stores * stretch
    lasts = dice.between(more[0], min(more[1], stretch - 2))
    first = dice.between(start, start + stretch - 2 - lasts)
    return Slot(first, first + lasts, turn)


@dataclass
class _Course:
    """One rule and key over time: since when its condition is true, since which evaluation and export it counts, since when it is over."""

    true_since: datetime | None = None
    counts_since: datetime | None = None
    starts_at: datetime | None = None
    false_since: datetime | None = None
    critical: bool = False


@dataclass
class Chronicle:
    """Incidents as they open and close from one evaluation to the next."""

    options: Options
    notes: Sequence[Note]
    board: Board = field(default_factory=Board)
    courses: dict[tuple[str, str], dict[str, _Course]] = field(default_factory=dict)
    found: list[Incident] = field(default_factory=list)
    last: datetime | None = None

    @property
    def watched(self) -> Mapping[str, Trouble]:
        """The rules whose truth is told: all of them when the sheets have what they read."""
        return TROUBLES if self.options.wide else {rule: TROUBLES[rule] for rule in self.options.rules}

    def judge(self, stores: Sequence[str], now: datetime) -> None:
        """Take note of what is known at the evaluation instant ``now``."""
        for store_id in (*stores, ALL):
            look = Look(self.board, store_id, now)
            for rule, trouble in self.watched.items():
                if all(look.fresh(kind) for kind in (trouble.kind, *trouble.reads) if kind):
                    self._follow(rule, look, trouble.shows(look), trouble.held, trouble.kept, self._instant(trouble, look))
            if self.options.wide and store_id != ALL:
                scene = Scene(look, list(self._true(store_id)))
                for name, cause in CAUSES.items():
                    self._follow(name, look, cause.shows(scene), NO_TIME, KEPT, now)
        self.last = now

    def _true(self, store_id: str) -> Iterator[TrueAlert]:
        for rule in self.watched:
            for key, course in self.courses.get((rule, store_id), {}).items():
                if course.counts_since:
                    yield TrueAlert(rule, key, course.counts_since, course.critical)

    def _follow(self, rule: str, look: Look, shown: Iterable[str], held: timedelta, kept: timedelta, told: datetime) -> None:
        """The courses of one rule in one store, by the keys that are shown now; ``told`` is the instant of what tells them."""
        keys, courses = frozenset(shown), self.courses.setdefault((rule, look.store_id), {})
        for key in keys:
            course = courses.setdefault(key, _Course())
            course.true_since, course.false_since = course.true_since or look.now, None
            course.critical = rule in CRITICAL and CRITICAL[rule].when(look, key)
            if course.starts_at is None and look.now - course.true_since >= held:
                course.starts_at, course.counts_since = told, look.now
        for key in [key for key in courses if key not in keys]:
            course = courses[key]
            course.false_since = course.false_since or look.now
            if course.starts_at is None or look.now - course.false_since >= kept:
                self._close(rule, look.store_id, key, courses.pop(key), told)

    def _instant(self, trouble: Trouble, look: Look) -> datetime:
        """The export that tells; where time alone tells, the evaluation."""
        as_of = look.as_of(trouble.kind)
        return as_of if as_of and (self.last is None or as_of > self.last) else look.now

    def _close(self, rule: str, store_id: str, key: str, course: _Course, end: datetime | None) -> None:
        if course.starts_at:
            self.found.append(Incident(rule, store_id, key, course.starts_at, end, self._note(rule, key, course.starts_at)))

    def _note(self, rule: str, key: str, start: datetime) -> str:
        fitting = [note for note in self.notes if note.rule == rule and note.key == key and note.since <= start < note.until]
        return fitting[-1].text if fitting else ""

    def incidents(self) -> tuple[Incident, ...]:
        """What rules have found or should have; closes the chronicle."""
        for (rule, store_id), courses in self.courses.items():
            for key, course in courses.items():
                self._close(rule, store_id, key, course, None)
        self.courses.clear()
        return tuple(sorted(self.found, key=lambda one: (one.starts_at, one.rule, one.key)))
