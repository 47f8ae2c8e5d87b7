"""``stale_data`` (data did not come, so rules on it are unknown) and ``too_many_alerts`` (messages were cut)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from engine.errors import Text
from engine.model import ALL_STORES, Candidate, Identity, KindSchema, RuleInfo, RuleResult, Severity, Shown, Type

if TYPE_CHECKING:
    from engine.snapshots import Age, Snapshots  # heavy, and not needed to know the names of the rules

STALE_DATA = RuleInfo(
    name="stale_data",
    title=Text("Data did not come", "数据没有来"),
    severity=Severity.WARNING,
    owner="data",
    area="数据",
    advice=Text(
        "Export the data again and ingest it. Until then rules on it are unknown for this store: their alerts neither fire nor resolve.",
        "请重新导出并导入数据。在此之前，用到它的规则对该店铺都是“未知”：不会触发，也不会解除。",
    ),
    labels={"area": "数据"},
    key=("kind", "store_id"),
    template="stale_data",
)

TOO_MANY_ALERTS = RuleInfo(
    name="too_many_alerts",
    title=Text("A rule found more than a message can tell", "一条规则发现的问题太多"),
    severity=Severity.WARNING,
    owner="data",
    area="数据",
    advice=Text(
        "Messages of this rule were cut at its max_alerts; no alert was lost (see `storewatch alerts`). Check the threshold and the data.",
        "该规则的消息已按 max_alerts 截短，告警没有丢失（见 storewatch alerts）。请检查阈值或数据是否有误。",
    ),
    labels={"area": "数据"},
    key=("rule",),
    template="too_many_alerts",
)


def judge_amounts(results: Iterable[RuleResult], limits: Mapping[str, int], active: Iterable[Identity], at: datetime) -> RuleResult:
    """One candidate for every rule that found more rows than its ``max_alerts`` (``limits``, by rule).

    A rule that failed, or was not evaluated this time, is unknown; ``active`` are the alerts of this built-in rule.
    """
    known = {_amount(result): result for result in results if not result.error}
    found = [result for result in known.values() if len(result.candidates) > limits[result.rule]]
    candidates = tuple(_too_many(result, limits[result.rule], at) for result in found)
    unknown = frozenset(active) - frozenset(known)
    return RuleResult(TOO_MANY_ALERTS.name, candidates, unknown, len(unknown), ALL_STORES, frozenset(known), len(known))


def _amount(result: RuleResult) -> Identity:
    return Identity(TOO_MANY_ALERTS.name, (result.rule,))


def _too_many(result: RuleResult, limit: int, at: datetime) -> Candidate:
    shown = (
        Shown(Text("Rule", "规则"), result.rule, Type.STRING),
        Shown(Text("Found", "发现"), len(result.candidates), Type.INTEGER),
        Shown(Text("Told at most", "最多通知"), limit, Type.INTEGER),
    )
    return Candidate(_amount(result), "", TOO_MANY_ALERTS.severity, at, shown)


def judge_staleness(snapshots: Snapshots, kinds: Mapping[str, KindSchema], expected: Iterable[str], at: datetime) -> RuleResult:
    """One candidate for every (kind, store) whose newest batch is older than the kind's ``fresh_for``, or is expected and never came.

    Only kinds that the project has any batch of are looked at: a team that exports no rival prices is not told so every day.
    """
    used = [kinds[name] for name in snapshots.kinds() if name in kinds]
    ages = {kind.name: snapshots.ages(kind.name, at, kind.fresh_for) for kind in used}
    candidates = [_stale(kinds[age.kind], age, at) for listed in ages.values() for age in listed if age.stale]
    candidates += [_never_came(kind, store, at) for kind in used for store in _absent(ages[kind.name], expected)]
    judged = sum(map(len, ages.values()))
    return RuleResult(STALE_DATA.name, tuple(candidates), fresh_stores=ALL_STORES, present=frozenset(_known(ages)), judged=judged)


def _absent(ages: Iterable[Age], expected: Iterable[str]) -> Iterator[str]:
    there = {age.store_id for age in ages}
    return iter(()) if "*" in there else (store for store in expected if store not in there)


def _known(ages: Mapping[str, Iterable[Age]]) -> Iterator[Identity]:
    return (Identity(STALE_DATA.name, (age.kind, age.store_id)) for listed in ages.values() for age in listed)


def _stale(kind: KindSchema, age: Age, at: datetime) -> Candidate:
    return _candidate(kind, age.store_id, at, age.as_of, age.age)


def _never_came(kind: KindSchema, store: str, at: datetime) -> Candidate:
    return _candidate(kind, store, at, None, None)


def _candidate(kind: KindSchema, store: str, at: datetime, newest: datetime | None, age: timedelta | None) -> Candidate:
    title = kind.title or Text.same(kind.name)
    shown = (
        Shown(Text("Data", "数据"), f"{title.zh} / {title.en}", Type.STRING),
        Shown(Text("Newest", "最近一份"), newest, Type.TIMESTAMP),
        Shown(Text("Age", "距今"), age, Type.DURATION),
        Shown(Text("Fresh for", "有效期"), kind.fresh_for, Type.DURATION),
    )
    identity = Identity(STALE_DATA.name, (kind.name, store))
    return Candidate(identity, store, STALE_DATA.severity, newest or at, shown)
