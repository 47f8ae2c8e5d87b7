"""Many instants in one query give what one instant after another gives: on random rules, random snapshots and random instants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.archive import Archive
from engine.errors import Text
from engine.language import check
from engine.language.names import Scope
from engine.language.parse import parse
from engine.language.syntax import Expression
from engine.matching.evaluate import Matcher
from engine.matching.foresight import Foresight
from engine.matching.reads import reads_now
from engine.model import Identity, RuleInfo, Severity, Type
from engine.rules import AlertRule, Evidence, Labelled
from engine.snapshots import Snapshots
from tests.language.strategies import conditions, values
from tests.matching.worlds import FRESH, NOW, SCHEMAS, make_world

ZONE = "Asia/Shanghai"
KINDS = ("store", "order", "product", "traffic")
HOURS = st.integers(-24 * 3, 24 * 22)
calm = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> list[Archive]:
    folders = [tmp_path_factory.mktemp(f"world{seed}") for seed in range(3)]
    for seed, folder in enumerate(folders):
        make_world(seed, folder)
    return [Archive.of(Snapshots(Path(folder))) for folder in folders]


@st.composite
def rules(draw: st.DrawFn) -> tuple[AlertRule, ...]:
    """One to three rules on one or two kinds."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3))
    return tuple(_rule(draw, f"rule{number}", kind) for number, kind in enumerate(kinds))


def _rule(draw: st.DrawFn, name: str, kind: str) -> AlertRule:
    scope = Scope(kind, SCHEMAS, ZONE)

    def condition() -> Expression:
        return draw(conditions(kind, SCHEMAS, depth=2))

    where = check(condition(), scope, "condition") if draw(st.booleans()) else None
    cases = ((Severity.CRITICAL, check(condition(), scope, "condition")), (Severity.INFO, None)) if draw(st.booleans()) else ()
    type_ = draw(st.sampled_from([Type.MONEY, Type.DURATION, Type.STRING]))
    show = (Labelled(Text.same("x"), check(draw(values(type_, kind, SCHEMAS, depth=2)), scope, type_)),)
    unknown = draw(st.sampled_from(["keep", "alert", "resolve"]))
    info = RuleInfo(name, Text.same(name), Severity.WARNING, unknown=unknown, key=SCHEMAS[kind].key)
    evidence = _evidence(draw) if kind == "store" and draw(st.booleans()) else None
    return AlertRule(info, kind, check(condition(), scope, "condition"), where, cases, show, evidence, max_alerts=2)


def _evidence(draw: st.DrawFn) -> Evidence:
    scope = Scope("order", SCHEMAS, ZONE)
    item = Labelled(Text.same("y"), check(draw(values(Type.MONEY, "order", SCHEMAS, depth=1)), scope, Type.MONEY))
    where = check(draw(conditions("order", SCHEMAS, depth=1)), scope, "condition")
    return Evidence("order", "store_id", where, (item,), group=draw(st.sampled_from(["", "status"])), top=2)


@calm
@given(data=st.data())
def test_many_instants_at_once_are_one_after_another(data: st.DataObject, archives: Sequence[Archive]) -> None:
    archive, chosen = data.draw(st.sampled_from(archives)), data.draw(rules())
    instants = sorted({NOW - timedelta(hours=hours) for hours in data.draw(st.lists(HOURS, min_size=1, max_size=8))})
    foresight, matcher = Foresight(SCHEMAS, ZONE), Matcher(SCHEMAS, ZONE)
    asked = {rule.name: _some(data, rule) for rule in chosen}
    assert foresight.look_ahead(((at, chosen) for at in instants), archive, [each for some in asked.values() for each in some]) == len(
        instants
    )
    for at in instants:
        expected = matcher.evaluate(chosen, archive, at, asked)
        assert foresight.evaluate(chosen, archive, at, asked) == expected
        known = {name: frozenset(candidate.identity for candidate in result.candidates) for name, result in expected.items()}
        assert foresight.evaluate(chosen, archive, at, known) == matcher.evaluate(chosen, archive, at, known)


def _some(data: st.DataObject, rule: AlertRule) -> frozenset[Identity]:
    """Identities that may be there."""
    part = st.sampled_from(["1", "2", "3", "s1", "s2", "店3", "搜索"])
    keys = st.tuples(*[part] * len(rule.info.key))
    return frozenset(Identity(rule.name, key) for key in data.draw(st.lists(keys, max_size=4)))


def test_a_span_ends_where_its_rows_are_too_many(archives: Sequence[Archive]) -> None:
    (rule,) = _timeless("order", "status == 'paid'")
    days = [NOW - timedelta(days=number) for number in range(6, 0, -1)]
    foresight = Foresight(SCHEMAS, ZONE, most_rows=1)
    assert foresight.look_ahead([(at, (rule,)) for at in days], archives[0], ()) < len(days)


def test_an_alert_that_another_schedule_made_has_its_row(archives: Sequence[Archive]) -> None:
    """Its row is there, though this group neither found it nor was asked about it before."""
    (rule,) = _timeless("store", "uv < -5")
    foresight = Foresight(SCHEMAS, ZONE)
    foresight.look_ahead([(NOW, (rule,))], archives[0], ())
    keys = {row["store_id"] for batch in archives[0].batches("store") for row in pq.read_table(batch.path, partitioning=None).to_pylist()}
    asked = {rule.name: frozenset(Identity(rule.name, (key,)) for key in keys)}
    result = foresight.evaluate((rule,), archives[0], NOW, asked)[rule.name]
    assert result.present and result == Matcher(SCHEMAS, ZONE).evaluate((rule,), archives[0], NOW, asked)[rule.name]


def test_rules_without_now_are_asked_once_while_the_same_batches_count(archives: Sequence[Archive]) -> None:
    timeless, timed = _timeless("order", "status == 'paid'", "age(paid_at) > 1h")
    assert (reads_now(timeless), reads_now(timed)) == (False, True)
    newest = max(batch.as_of for batch in archives[0].batches("order"))
    instants = [newest + timedelta(minutes=30 * number) for number in range(40)]
    foresight = Foresight(SCHEMAS, ZONE)
    foresight._most = len(instants)
    foresight.look_ahead([(at, (timeless, timed)) for at in instants], archives[0], ())
    seen = {group.timeless: len(sights) for group, sights in foresight._ahead.items()}
    assert seen == {True: 1, False: 40} or FRESH < timedelta(hours=20)


def _timeless(kind: str, *texts: str) -> list[AlertRule]:
    from engine.language import understand

    scope = Scope(kind, SCHEMAS, ZONE)
    return [
        AlertRule(RuleInfo(f"r{n}", Text.same("r"), Severity.WARNING), kind, understand(text, scope, condition=True))
        for n, text in enumerate(texts)
    ]


BACK = (
    ("store", "unchanged_for(status)"),
    ("product", "unchanged_for(coalesce(status, 'on_sale'))"),
    ("traffic", "seen_for()"),
    ("order", "seen_for()"),
)


@pytest.mark.parametrize(("kind", "text"), BACK)
def test_what_looks_back_to_the_beginning(archives: Sequence[Archive], kind: str, text: str) -> None:
    """All rows are found, with the value beside them; of what ever was only the turns are read."""
    (rule,) = _timeless(kind, "seen_for() >= 0s")
    value = check(parse(text), Scope(kind, SCHEMAS, ZONE), Type.DURATION)
    rule = replace(rule, show=(Labelled(Text.same("x"), value),))
    instants = [NOW + timedelta(hours=hours) for hours in range(-24 * 20, 24 * 4, 5)]
    told = set()
    for archive in archives:
        foresight, matcher = Foresight(SCHEMAS, ZONE), Matcher(SCHEMAS, ZONE)
        foresight._most = len(instants)
        assert foresight.look_ahead([(at, (rule,)) for at in instants], archive, ()) == len(instants)
        seen = [foresight.evaluate((rule,), archive, at) for at in instants]
        assert seen == [matcher.evaluate((rule,), archive, at) for at in instants]
        told |= {each.shown for result in seen for each in result["r0"].candidates}
    assert len(told) > 10
