"""How well a run of the engine found what was planted: every incident against the alerts that opened and resolved.

An incident is *found* when its alert opens at the first evaluation inside it (*at once*) or at the one after, and *closed* when it
resolves at the first evaluation after its end or at the one after that. An alert that opens for no incident, or a second time for one
that was found, is *extra*.
"""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.errors import Text, UsageError
from engine.model import State, Transition
from engine.simulate.incidents import Incident


@dataclass(frozen=True, slots=True)
class RuleScore:
    """Counts for one rule. ``ended`` are the incidents that are over before the last evaluation."""

    rule: str
    planted: int
    found: int
    ended: int
    closed: int
    extra: int
    at_once: int

    @property
    def precision(self) -> float | None:
        """Alerts that opened for an incident, of all that opened; None when none did."""
        return self.found / (self.found + self.extra) if self.found + self.extra else None

    @property
    def recall(self) -> float | None:
        return self.found / self.planted if self.planted else None


@dataclass(frozen=True, slots=True)
class Score:
    rules: tuple[RuleScore, ...]

    @property
    def total(self) -> RuleScore:
        def add(name: str) -> int:
            return sum(getattr(score, name) for score in self.rules)

        return RuleScore("", add("planted"), add("found"), add("ended"), add("closed"), add("extra"), add("at_once"))

    @property
    def perfect(self) -> bool:
        """Everything was found and closed in time, and nothing else opened."""
        total = self.total
        return total.found == total.planted and total.closed == total.ended and not total.extra

    def rows(self) -> list[dict[str, object]]:
        """One row a rule, for :func:`engine.cli.common.emit`."""
        return [
            {
                "rule": score.rule,
                "planted": score.planted,
                "found": score.found,
                "at_once": score.at_once,
                "ended": score.ended,
                "closed": score.closed,
                "extra": score.extra,
                "precision": _rounded(score.precision),
                "recall": _rounded(score.recall),
            }
            for score in self.rules
        ]

    def headings(self) -> Mapping[str, Text]:
        return {
            "rule": Text("rule", "规则"),
            "planted": Text("planted", "植入"),
            "found": Text("found in time", "及时发现"),
            "at_once": Text("at once", "首次检查即发现"),
            "ended": Text("ended", "已结束"),
            "closed": Text("resolved in time", "及时恢复"),
            "extra": Text("false alarms", "误报"),
            "precision": Text("precision", "精确率"),
            "recall": Text("recall", "召回率"),
        }

    def summary(self) -> Text:
        """Precision and recall over all rules, in one sentence."""
        total = self.total
        precision, recall = _percent(total.precision), _percent(total.recall)
        found, closed, extra = f"{total.found}/{total.planted}", f"{total.closed}/{total.ended}", total.extra
        return Text(
            f"precision {precision}, recall {recall}: {found} incidents found in time, {closed} resolved in time, {extra} false alarm(s)",
            f"精确率 {precision}，召回率 {recall}：及时发现异常 {found}，及时恢复 {closed}，误报 {extra}",
        )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def read_incidents(path: Path) -> tuple[Incident, ...]:
    """The truth as ``storewatch simulate`` wrote it. Raises :class:`UsageError` when the file is not that."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return tuple(_incident(row) for row in csv.DictReader(file))
    except (OSError, KeyError, ValueError, TypeError) as error:
        text = Text(f"{path} is not a list of incidents: {error}", f"{path} 不是异常清单：{error}")
        raise UsageError(text, Text("make it with `storewatch simulate`", "请用 `storewatch simulate` 生成")) from error


def read_truth(folder: Path, rules: Container[str]) -> tuple[Incident, ...]:
    """The truth of a run about ``rules``: incidents, and, where it tells of them, the causes that join them."""
    found = read_incidents(folder / "incidents.csv")
    if (folder / "causes.csv").is_file():
        found += read_incidents(folder / "causes.csv")
    return tuple(one for one in found if one.rule in rules)


def _incident(row: Mapping[str, str]) -> Incident:
    end = datetime.fromisoformat(row["ends_at"]) if row["ends_at"] else None
    return Incident(row["rule"], row["store_id"], row["key"], datetime.fromisoformat(row["starts_at"]), end, row["note"])


def score(incidents: Sequence[Incident], transitions: Iterable[Transition], instants: Sequence[datetime]) -> Score:
    """Compare the truth with every transition of a run evaluated at ``instants`` (sorted).

    Incidents that no evaluation falls into are left out: nobody could have found them.
    """
    fair = [incident for incident in incidents if _evaluated(incident, instants)]
    opened: dict[tuple[str, str], list[datetime]] = {}
    closed: dict[tuple[str, str], list[datetime]] = {}
    for change in transitions:
        identity = change.alert.identity
        side = opened if change.after is State.FIRING and change.before is not State.FIRING else closed if _resolves(change) else None
        if side is not None:
            side.setdefault((identity.rule, "/".join(identity.key)), []).append(change.at)
    rules = sorted({incident.rule for incident in fair} | {rule for rule, _ in opened})
    return Score(tuple(_score_rule(rule, fair, opened, closed, instants) for rule in rules))


def _resolves(change: Transition) -> bool:
    return change.after is State.RESOLVED and change.before is State.FIRING


def _evaluated(incident: Incident, instants: Sequence[datetime]) -> bool:
    first = bisect_left(instants, incident.starts_at)
    return first < len(instants) and (incident.ends_at is None or instants[first] < incident.ends_at)


def _score_rule(
    rule: str,
    incidents: Iterable[Incident],
    opened: Mapping[tuple[str, str], Sequence[datetime]],
    closed: Mapping[tuple[str, str], Sequence[datetime]],
    instants: Sequence[datetime],
) -> RuleScore:
    mine = [incident for incident in incidents if incident.rule == rule]
    ended = [(one, one.ends_at) for one in mine if one.ends_at and one.ends_at <= instants[-1]]
    found = sum(_within(1, opened.get((rule, one.key), ()), one.starts_at, one.ends_at, instants) for one in mine)
    at_once = sum(_within(0, opened.get((rule, one.key), ()), one.starts_at, one.ends_at, instants) for one in mine)
    in_time = sum(_within(1, closed.get((rule, one.key), ()), end, None, instants) for one, end in ended)
    openings = sum(len(times) for (name, _), times in opened.items() if name == rule)
    return RuleScore(rule, len(mine), found, len(ended), in_time, openings - found, at_once)


def _within(more: int, times: Iterable[datetime], since: datetime, until: datetime | None, instants: Sequence[datetime]) -> bool:
    """Whether any of ``times`` is the first evaluation at or after ``since``, or one of so many ``more``, and before ``until``."""
    first = bisect_left(instants, since)
    allowed = [instant for instant in instants[first : first + 1 + more] if until is None or instant < until]
    return any(time in allowed for time in times)
