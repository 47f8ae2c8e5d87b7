"""The shipped incident rules over 50,000 firing alerts in 20,000 stores, by the product's own path: tables of alerts, DuckDB, correlation.

    python benchmarks/shipped_incidents.py [--alerts 50000] [--stores 20000] [--repeat 5]

Alerts of all shipped rules at random, so that hundreds of stores have an incident. Prints the seconds of every run; the first one starts
the worker process and compiles the queries.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.builtin import BUILT_IN
from engine.matching.evaluate import Matcher
from engine.model import Alert, Identity, Severity, Shown, State
from engine.project import Project, load_project
from engine.reasoning.correlate import correlate
from engine.rules import AlertRule
from engine.snapshots import Snapshots

NOW = datetime(2026, 11, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)


def main() -> None:
    parser = argparse.ArgumentParser(description="The shipped incident rules over many alerts.")
    parser.add_argument("--alerts", type=int, default=50_000)
    parser.add_argument("--stores", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    project = load_project(Path(__file__).resolve().parent.parent)
    alerts = made_up(project, options.alerts, options.stores)
    with tempfile.TemporaryDirectory() as empty:
        matcher, snapshots = Matcher(project.facts.schemas, project.facts.time_zone), Snapshots(Path(empty))
        for _ in range(options.repeat):
            begun = time.perf_counter()
            results = correlate(project.reasoning, alerts, project.infos | BUILT_IN, matcher, snapshots, NOW)
            took = time.perf_counter() - begun
            print(f"{took:.2f} s, {sum(len(result.candidates) for result in results)} incidents in {len(alerts):,} alerts", flush=True)


def made_up(project: Project, count: int, stores: int) -> dict[Identity, Alert]:
    dice = random.Random(1)
    alerts: dict[Identity, Alert] = {}
    while len(alerts) < count:
        alert = one(dice.choice(project.rules), f"s{dice.randrange(stores)}", dice)
        alerts[alert.identity] = alert
    return alerts


def one(rule: AlertRule, store: str, dice: random.Random) -> Alert:
    key = (store,) if rule.info.key == ("store_id",) else tuple(f"{store}-{dice.randrange(5)}" for _ in rule.info.key)
    shown = tuple(Shown(item.label, None, item.value.type) for item in rule.show)
    began = NOW - dice.randrange(48) * HOUR
    severity = dice.choice(list(Severity))
    return Alert(Identity(rule.name, key), store, State.FIRING, severity, began, NOW, began, shown=shown, owner=rule.info.owner)


if __name__ == "__main__":
    main()
