"""``storewatch alerts``: what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.builtin import BUILT_IN
from engine.cli.common import Settings, emit, existing_state, fail, settings
from engine.cli.words import in_words, local_time
from engine.errors import StorewatchError, Text, UsageError, did_you_mean
from engine.wording import PHRASES, Writer

if TYPE_CHECKING:
    from engine.facts import Facts
    from engine.model import Alert
    from engine.state import State

MOST_VALUES = 3
COLUMNS = {
    "state": Text("state", "状态"),
    "severity": Text("severity", "级别"),
    "rule": Text("rule", "规则"),
    "store_id": Text("store", "店铺"),
    "key": Text("key", "对象"),
    "since": Text("since", "开始"),
    "values": Text("values", "数值"),
}


def register(app: typer.Typer) -> None:
    app.command("alerts")(alerts)


def alerts(
    context: typer.Context,
    resolved: Annotated[bool, typer.Option("--all", help="Also alerts that are over.")] = False,
    rule: Annotated[list[str] | None, typer.Option(help="Only this rule; may be given several times.")] = None,
    store: Annotated[str, typer.Option(help="Only this store.")] = "",
) -> None:
    """What is wrong now: pending and firing alerts, the most severe first.

    With --format json: one array; `values` are objects with label (zh, en), value, type and unit.
    """
    from engine.facts_file import facts_path, load_facts  # heavy: not on the path of --help

    options = settings(context)
    try:
        path = facts_path(options.project)
        facts = load_facts(path, path.name)
        found = _found(options, facts, rule or [], store, resolved)
    except StorewatchError as error:
        fail(options, error)
    found.sort(key=lambda alert: (-alert.severity.rank, alert.firing_since or alert.pending_since, alert.identity))
    _tell(options, facts, found)


def _found(options: Settings, facts: Facts, rules: Sequence[str], store: str, resolved: bool) -> list[Alert]:
    """The alerts asked for. Raises :class:`UsageError` for a rule or a store that nobody knows."""
    state = existing_state(options.project)
    if state is None:
        _check_rules(options, rules, ())
        _check_store(options, facts, store, ())
        return []
    with state:
        _check_rules(options, rules, (identity.rule for name in rules for identity in state.identities(rule=name)))
        _check_store(options, facts, store, _stores(state) if store else ())
        return [alert for alert in state.alerts(rules or None, resolved=resolved).values() if store in ("", alert.store_id)]


def _check_rules(options: Settings, rules: Sequence[str], stored: Iterable[str]) -> None:
    """Every rule is in the project, or was when it raised an alert."""
    if set(rules) <= set(stored):
        return
    from engine.project import load_project  # only now: it reads every file of the project

    project = load_project(options.project)
    known = [*project.infos, *BUILT_IN]
    for name in rules:
        if name not in known:
            raise UsageError(Text(f"there is no rule '{name}'", f"没有名为 '{name}' 的规则"), did_you_mean(name, known))


def _stores(state: State) -> set[str]:
    return {alert.store_id for alert in state.alerts(resolved=True).values()}


def _check_store(options: Settings, facts: Facts, store: str, alerted: Iterable[str]) -> None:
    """The store had an alert once, or is in the snapshots, or is expected."""
    if not store or store in alerted or store in facts.expected:
        return
    from engine.snapshots import Snapshots

    snapshots = Snapshots(options.project / "snapshots")
    known = {name for kind in snapshots.kinds() for name in snapshots.known_stores(kind)}.union(alerted, facts.expected)
    if store not in known:
        raise UsageError(Text(f"there is no store '{store}'", f"没有店铺 '{store}'"), did_you_mean(store, sorted(known)))


def _tell(options: Settings, facts: Facts, found: Iterable[Alert]) -> None:
    writer = Writer(options.language, facts.zone)
    writers = in_words(options.language) | {
        "since": lambda instant: local_time(instant, facts.zone),
        "values": lambda values: _spelled(values, writer),
    }
    emit(options, [_row(alert) for alert in found], COLUMNS, Text("no alerts", "没有告警"), writers)


def _row(alert: Alert) -> dict[str, object]:
    return {
        "id": alert.identity.fingerprint,
        "rule": alert.identity.rule,
        "key": "/".join(alert.identity.key),
        "store_id": alert.store_id,
        "state": alert.state.value,
        "severity": alert.severity.value,
        "since": alert.firing_since or alert.pending_since,
        "last_true": alert.last_true,
        "resolved_at": alert.resolved_at,
        "acknowledged_by": alert.acknowledged_by or None,
        "values": [{"label": item.label, "value": item.value, "type": item.type.value, "unit": item.unit} for item in alert.shown],
    }


def _spelled(values: Iterable[Mapping[str, Any]], writer: Writer) -> str:
    """The first few values that are known, with their labels."""
    known = [each for each in values if each["value"] is not None][:MOST_VALUES]
    texts = (f"{each['label'].in_(writer.language)} {writer.value(each['value'], each['type'], each['unit'])}" for each in known)
    return writer.say(PHRASES["comma"]).join(texts)
