"""``incidents.csv`` says what the files say: the rules' conditions are recomputed from the exports with pandas."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from engine.simulate.plan import FIRST_RULES, Options
from engine.simulate.run import Summary, simulate
from engine.simulate.troubles import TROUBLES
from tests.simulate import exports


def truth(folder: Path, rule: str, now: pd.Timestamp) -> set[str]:
    table = pd.read_csv(folder / "incidents.csv", dtype=str, keep_default_na=False)
    table = table[table["rule"] == rule]
    starts = pd.to_datetime(table["starts_at"], utc=True)
    ends = pd.to_datetime(table["ends_at"].replace("", "2999-01-01T00:00:00+00:00"), utc=True)
    return set(table.loc[(starts <= now) & (now < ends), "key"])


@pytest.mark.parametrize("rule", FIRST_RULES)
def test_at_every_evaluation_the_data_show_exactly_what_incidents_csv_says(rule: str, run: tuple[Path, Summary]) -> None:
    folder, _ = run
    for now in exports.instants(folder):
        assert exports.sick(folder, TROUBLES[rule].kind, now) == {rule: truth(folder, rule, now)}, now


@pytest.mark.parametrize("rule", FIRST_RULES)
def test_at_every_export_too(rule: str, run: tuple[Path, Summary]) -> None:
    folder, _ = run
    table = exports.manifest(folder)
    for now in table.loc[table["sheet"] == TROUBLES[rule].kind, "as_of"].unique():
        assert exports.sick(folder, TROUBLES[rule].kind, now) == {rule: truth(folder, rule, now)}, now


@pytest.mark.parametrize(
    "options",
    [
        Options(stores=6, days=12, seed=3, incidents=8),
        Options(stores=3, days=14, seed=4, incidents=6, platforms=("pdd", "taobao")),
        Options(stores=1, days=7, seed=5, incidents=1),
        Options(stores=6, days=8, seed=6, incidents=0),
    ],
    ids=lambda options: f"{options.stores} stores {options.days} days {options.incidents} incidents",
)
def test_other_runs_hold_the_planted_incidents_and_no_others(options: Options, tmp_path: Path) -> None:
    summary = simulate(tmp_path, options)
    assert all(incident.note for incident in summary.incidents), "something shows that was not planted"
    for rule in FIRST_RULES:
        mine = [incident for incident in summary.incidents if incident.rule == rule]
        assert len(mine) == options.incidents
        assert all(incident.ends_at for incident in mine), "an incident does not end within the run"
    for now in exports.instants(tmp_path)[::3]:
        for rule in FIRST_RULES:
            assert exports.sick(tmp_path, TROUBLES[rule].kind, now) == {rule: truth(tmp_path, rule, now)}, (rule, now)


def test_every_variant_of_every_trouble_is_in_the_default_run(run: tuple[Path, Summary]) -> None:
    _, summary = run
    assert all(len({one.note for one in summary.incidents if one.rule == rule}) == 3 for rule in FIRST_RULES)
    assert len({incident.store_id for incident in summary.incidents}) == Options().stores


def test_each_evaluation_is_within_the_freshness_of_everything(run: tuple[Path, Summary]) -> None:
    folder, _ = run
    table = exports.manifest(folder)
    limits = {"order": 2, "ad_campaign": 2}
    for now in exports.instants(folder):
        known = table[table["as_of"] <= now]
        ages = (now - known.groupby(["sheet", "store"])["as_of"].max()).reset_index()
        assert {"store", "order", "product", "placement", "promotion", "review", "ad_campaign"} == set(ages["sheet"])
        assert all(age <= pd.Timedelta(hours=limits.get(sheet, 26)) for sheet, age in zip(ages["sheet"], ages["as_of"], strict=True))
