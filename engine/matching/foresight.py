"""What rules find at many instants, by one query for all of them instead of one for each.

Three things keep that small. Rules that do not read ``now`` find the same at instants at which the same batches count: they are asked
once for all of these, apart from those that do, unless they would be asked at every instant all the same. A span of instants is only as
long as its rows are few enough (:data:`MOST_ROWS`). And what nobody asks about, which identities are unknown or have a row, is made out of
the answer for those alone that are active at an instant.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import SimpleQueue
from threading import Lock

from engine.archive import Archive, fresh_from
from engine.errors import EvaluationError, SnapshotError
from engine.language.typed import History
from engine.language.walk import longest_window, walk
from engine.matching.evaluate import NO_ACTIVE, Matcher
from engine.matching.queries import Query
from engine.matching.reads import kinds_told, reads_now
from engine.matching.results import Sight
from engine.matching.span import Span
from engine.model import Identity, KindSchema, RuleResult
from engine.rules import AlertRule
from engine.snapshots import Snapshots

LOG = logging.getLogger(__name__)
MOST_ROWS = 6_000_000
"""Rows that one query may look at, each counted once for every instant and batch at which it counts: about a gigabyte at work."""
FIRST_SPAN = 8
"""So many instants are looked at first, then twice as many each time: whoever waits sees early how long it will take."""
WORKERS = 2
"""Queries at a time: while one is in the database, the answer of another is read."""
Glance = tuple[datetime, tuple[AlertRule, ...]]
"""An instant, and the rules that will be evaluated at it."""


@dataclass(frozen=True, eq=False)
class _Group:
    """Rules on one kind that are asked together. ``timeless``: none of them reads ``now``."""

    rules: tuple[AlertRule, ...]
    timeless: bool
    kinds: tuple[str, ...]
    reach: timedelta

    def era(self, archive: Archive, schemas: Mapping[str, KindSchema], at: datetime) -> object:
        """Equal for instants at which the group finds the same."""
        if not self.timeless:
            return at
        return tuple(id(archive.current(kind, at, schemas[kind].fresh_for)) for kind in self.kinds)


@dataclass(frozen=True, eq=False)
class _Family:
    """All rules on one kind, and those that read ``now`` apart from those that do not."""

    whole: _Group
    parts: tuple[_Group, ...]


_Asked = Mapping[str, Collection[tuple[str, ...]]]
"""Keys of identities that may be open, by rule."""
_Sights = Mapping[_Group, Mapping[object, Sight]]
"""What groups see, by era."""
_Outlook = tuple[int, _Sights]


@dataclass(frozen=True, slots=True)
class _Coming:
    """What is being looked at in the thread."""

    glances: tuple[Glance, ...]
    archive: Archive
    outlook: Future[_Outlook]


class Foresight(Matcher):
    """A matcher that can look ahead. At instants that it has not looked at it evaluates as any matcher does."""

    def __init__(self, schemas: Mapping[str, KindSchema], time_zone: str, most_rows: int = MOST_ROWS) -> None:
        super().__init__(schemas, time_zone)
        self.most_rows = most_rows
        self._spans = [Span(self) for _ in range(WORKERS)]
        self._free = SimpleQueue[Span]()
        for span in self._spans:
            self._free.put(span)
        self._workers = ThreadPoolExecutor(WORKERS, "matching")
        self._most = FIRST_SPAN
        self._scout = ThreadPoolExecutor(1, "foresight")
        self._compiling = Lock()
        self._coming: _Coming | None = None
        self._resting = False
        self._known: dict[tuple[str, ...], tuple[tuple[AlertRule, ...], list[_Family]]] = {}
        self._ahead: _Sights = {}

    def look_ahead(self, glances: Iterable[Glance], archive: Archive, active: Collection[Identity]) -> int:
        """Evaluate at the first of ``glances``, as many as fit into a span; returns how many. ``active`` are the identities that are open
        now. What was seen before is forgotten. While the caller is busy with these, the next are looked at in a thread, until :meth:`rest`.
        """
        glances = tuple(glances)
        asked: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
        for identity in active:
            asked[identity.rule].add(identity.key)
        self._ahead = {}
        taken, self._ahead = self._expected(glances, archive) or self._look(glances, archive, asked)
        left = glances[taken:]
        if left:
            more = _may_be_open(asked, self._ahead)
            self._coming = _Coming(left, archive, self._scout.submit(self._look, left, archive, more))
        return taken

    def rest(self) -> None:
        """Look no further ahead: what was begun is given up."""
        self._resting = True
        for span in self._spans:
            span.connection.interrupt()
        if self._coming:
            wait([self._coming.outlook])
        self._coming, self._resting = None, False

    def query(self, key: object, make: Callable[[], Query]) -> Query:
        with self._compiling:
            return super().query(key, make)

    def _expected(self, glances: tuple[Glance, ...], archive: Archive) -> _Outlook | None:
        """What is being looked at already, if it is what is asked for."""
        coming = self._coming
        if coming is None or coming.archive is not archive or coming.glances != glances:
            self.rest()
            return None
        outlook = coming.outlook.result()
        self._coming = None
        return outlook

    def _look(self, glances: Iterable[Glance], archive: Archive, asked: _Asked) -> _Outlook:
        """How many of the glances fit into a span, and what is seen at them."""
        wanted: dict[_Group, dict[object, datetime]] = defaultdict(dict)
        rows: Counter[_Group] = Counter()
        families: dict[_Family, None] = {}
        taken = 0
        for at, rules in glances:
            here = self._families(rules)
            groups = [group for family in here for group in family.parts]
            more = [(group, era) for group in groups if (era := group.era(archive, self.schemas, at)) not in wanted[group]]
            rows.update({group: self._rows(group, archive, at) for group, _ in more})
            if taken and (taken == self._most or any(rows[group] > self.most_rows for group, _ in more)):
                break
            for group, era in more:
                wanted[group][era] = at
            families |= dict.fromkeys(here)
            taken += 1
        for family in families:
            _join(family, wanted, rows)
        self._most *= 2
        groups = sorted((group for group in wanted if wanted[group]), key=lambda group: -rows[group])
        seen = self._workers.map(lambda group: self._seen(group, wanted[group], archive, asked), groups)
        return taken, dict(zip(groups, seen, strict=True))

    def evaluate(
        self, rules: Sequence[AlertRule], snapshots: Snapshots, at: datetime, active: Mapping[str, frozenset[Identity]] = NO_ACTIVE
    ) -> dict[str, RuleResult]:
        found: dict[str, RuleResult] = {}
        if isinstance(snapshots, Archive):
            for family in self._families(tuple(rules)):
                for group in (family.whole,) if family.whole in self._ahead else family.parts:
                    sight = self._ahead.get(group, {}).get(group.era(snapshots, self.schemas, at))
                    # Another schedule may have made an alert of a row that this group never found.
                    found |= {result.rule: result for result in sight.results(active)} if sight and sight.knows(active) else {}
        rest = [rule for rule in rules if rule.name not in found]
        found |= super().evaluate(rest, snapshots, at, active) if rest else {}
        return {rule.name: found[rule.name] for rule in rules}

    def _seen(self, group: _Group, eras: Mapping[object, datetime], archive: Archive, asked: _Asked) -> dict[object, Sight]:
        """What the group sees; nothing where it cannot be evaluated as a whole, so that each rule fails, or not, by itself at its time."""
        keys = {key for rule in group.rules for key in asked.get(rule.name, ())}
        span = self._free.get()
        try:
            sights = {} if self._resting else span.look(group.rules, archive, list(eras.values()), keys)
        except (EvaluationError, SnapshotError) as error:
            LOG.info("rules on %s cannot be evaluated over many instants: %s", group.rules[0].kind, error)
            return {}
        finally:
            self._free.put(span)
        return {era: sights[at] for era, at in eras.items() if at in sights}

    def _families(self, rules: tuple[AlertRule, ...]) -> list[_Family]:
        names = tuple(rule.name for rule in rules)
        known = self._known.get(names)
        if known is None or known[0] != rules:
            self._known[names] = known = (rules, list(_families(rules, self.schemas)))
        return known[1]

    def _rows(self, group: _Group, archive: Archive, at: datetime) -> int:
        """About how many rows a query of the group looks at for one instant: current ones, and the history of the kind that is judged."""
        back = {kind: self.schemas[kind].fresh_for for kind in group.kinds}
        judged = group.rules[0].kind
        back[judged] = max(back[judged], group.reach)
        return sum(archive.rows(kind, archive.extent(kind, fresh_from(at, span), at)) for kind, span in back.items())


def _families(rules: Iterable[AlertRule], schemas: Mapping[str, KindSchema]) -> Iterator[_Family]:
    by_kind: defaultdict[str, list[AlertRule]] = defaultdict(list)
    for rule in rules:
        by_kind[rule.kind].append(rule)
    for alike in by_kind.values():
        parts = ([rule for rule in alike if reads_now(rule)], [rule for rule in alike if not reads_now(rule)])
        groups = [_group(part, schemas, timeless=timeless) for part, timeless in zip(parts, (False, True), strict=True) if part]
        yield _Family(_group(alike, schemas, timeless=False), tuple(groups))


def _group(rules: Sequence[AlertRule], schemas: Mapping[str, KindSchema], *, timeless: bool) -> _Group:
    kinds = frozenset[str]().union(*(kinds_told(rule, schemas) for rule in rules))
    return _Group(tuple(rules), timeless, tuple(sorted(kinds)), _reach(rules))


def _join(family: _Family, wanted: dict[_Group, dict[object, datetime]], rows: Counter[_Group]) -> None:
    """Where the parts are to be asked equally often, the whole is to be asked instead."""
    if len(family.parts) == 2 and len(wanted[family.parts[0]]) == len(wanted[family.parts[1]]):
        rows[family.whole] = sum(rows[part] for part in family.parts)
        wanted[family.whole] = {at: at for part in family.parts for at in wanted.pop(part).values()}


def _may_be_open(asked: _Asked, seen: _Sights) -> _Asked:
    """Which identities may be open after a span: those that were before it, and those that were found in it. Where another one is, its
    rule is evaluated by itself."""
    more = {rule: set(keys) for rule, keys in asked.items()}
    for group, sights in seen.items():
        for sight in sights.values():
            for rule, found in zip(group.rules, sight.found, strict=True):
                more.setdefault(rule.name, set()).update(candidate.identity.key for candidate in found)
    return more


def _reach(rules: Iterable[AlertRule]) -> timedelta:
    """How far back the rules read the history of their kind at every instant. What looks back without a window at one batch, or at the
    first row, does not count: it looks at few rows."""
    nodes = [node for rule in rules for node in (*rule.conditions, *(item.value for item in rule.show))]
    histories = [each for node in nodes for each in walk(node) if isinstance(each, History)]
    return max((longest_window(each) for each in histories if each.function not in ("previous", "seen_for")), default=timedelta(0))
