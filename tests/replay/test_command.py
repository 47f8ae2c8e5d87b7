"""``storewatch dry-run`` and ``verify`` as the shell runs them."""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email import message_from_bytes, policy
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

from engine.archive import Archive
from engine.cli.main import app
from engine.project import load_project
from engine.replay import Progress, exporting, replay
from engine.replay.planning import every, per_batch, scheduled
from engine.snapshots import Snapshots
from tests.matching.folders import write_batch
from tests.replay.conftest import START, STEP, small_project

HOSTILE = "=cmd|' /C calc'!A0"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three stores over three days: one falls and recovers, one has a name that a spreadsheet would run."""
    folder = small_project(tmp_path_factory.mktemp("command") / "shop")
    schema = load_project(folder).facts.schemas["store"]
    for number in range(12):
        falls = Decimal("4.4") if 3 <= number < 7 else Decimal("4.9")
        rows = [
            {"store_id": store, "name": name, "dsr_desc": dsr, "dsr_service": Decimal("4.9"), "dsr_logistics": Decimal("4.9")}
            for store, name, dsr in (("s1", "一号店", falls), (HOSTILE, HOSTILE, falls), ("s3", "三号店", Decimal("4.9")))
        ]
        write_batch(folder / "snapshots", schema, START + number * STEP - timedelta(hours=1), rows)
    return folder


def do(shop: Path, *words: str, expect: int = 0, output: str = "table") -> Result:
    result = CliRunner().invoke(app, ["--project", str(shop), "--lang", "en", "--format", output, *words])
    assert result.exit_code == expect, result.output
    return result


def span(*more: str) -> tuple[str, ...]:
    return ("dry-run", "--from", "2026-11-02", "--to", "2026-11-04", *more)


def fingerprint(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_tables_and_nothing_of_the_project_is_touched(shop: Path) -> None:
    do(shop, "run", "--at", "2026-11-03T09:00", "--no-send")
    before = fingerprint(shop)
    said = do(shop, *span()).output
    assert fingerprint(shop) == before
    line = next(line for line in said.splitlines() if line.startswith("dsr_drop"))
    assert line.split()[:5] == ["dsr_drop", "service", "2", "2", "2"]
    assert "2026-11-03" in said and "evaluation(s) from 2026-11-02 00:00 to 2026-11-05 00:00" in said
    live = json.loads(do(shop, "dry-run", "--as-live", output="json").stdout)
    assert fingerprint(shop) == before and live["evaluations"] == 1
    assert "stale_data" in {alert["rule"] for alert in live["alerts"]}, "the data is weeks old now"


def test_json_csv_junit_and_the_very_messages(shop: Path, tmp_path: Path) -> None:
    files = ("--csv", str(tmp_path / "csv"), "--junit", str(tmp_path / "junit.xml"), "--messages", str(tmp_path / "messages"))
    data = json.loads(do(shop, *span(*files, "--fail-on", "critical"), output="json", expect=1).stdout)
    assert sorted(alert["key"] for alert in data["alerts"] if alert["rule"] == "dsr_drop") == [HOSTILE, "s1"]
    rows = list(csv.reader((tmp_path / "csv" / "alerts.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) == len(data["alerts"]) + 1
    assert not any(cell.startswith(exporting.RISKY) for row in rows for cell in row) and any(f"'{HOSTILE}" in row for row in rows)
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert {case.get("name") for case in suite if case.find("failure") is not None} >= {"dsr_drop"}
    written = sorted((tmp_path / "messages").iterdir())
    assert len(written) == len(data["notifications"])
    mail = message_from_bytes(next(path for path in written if path.suffix == ".eml").read_bytes(), policy=policy.default)
    assert mail["From"] == "watch@shop.example" and "Rating falls" in mail["Subject"]


def test_only_some_rules_and_stores(shop: Path) -> None:
    data = json.loads(do(shop, *span("--rules", "slow_service,dsr_drop", "--stores", "s1", "--every", "12h"), output="json").stdout)
    assert set(data["rules_evaluated"]) == {"dsr_drop", "slow_service"}
    assert {alert["store_id"] for alert in data["alerts"]} == {"s1"} and data["evaluations"] == 7


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "2026-11-04", "--to", "2026-11-02"), "--from must be earlier"),
        (("--from", "2025-01-01", "--to", "2025-01-05"), "snapshots are of 2026-11-02"),
        (("--days", "3", "--from", "2026-11-02"), "not both"),
        (span("--every", "soon")[1:], "write a time like 1d"),
        (span("--every", "1d", "--per-batch")[1:], "not both"),
        (span("--stores", "s9")[1:], "there are: "),
        (span("--rules", "dsr_dorp")[1:], "did you mean dsr_drop?"),
        (span("--fail-on", "loud")[1:], "use info, warning or critical"),
        (("--as-live", "--days", "3"), "takes no --from"),
    ],
)
def test_mistakes_are_told(shop: Path, words: tuple[str, ...], said: str) -> None:
    assert said in do(shop, "dry-run", *words, expect=2).output


def test_an_interrupted_replay_tells_what_is_done(shop: Path) -> None:
    project = load_project(shop)
    archive = Archive.of(Snapshots(project.snapshots))

    def stop(done: Progress) -> None:
        if done.done == 5:
            raise KeyboardInterrupt

    found = replay(project, archive, every(STEP, START, START + 20 * STEP, project.rules), progress=stop)
    assert (found.complete, found.planned, len([m for m in found.moments if m.judged])) == (False, 21, 5)
    assert found.seen_until == found.moments[-1].at and any(episode.fired for episode in found.episodes)


def test_instants(shop: Path) -> None:
    project = load_project(shop)
    archive, until = Archive.of(Snapshots(project.snapshots)), START + timedelta(days=1)
    often = scheduled(project, archive, START, until, project.rules)
    assert [each.schedule for each in often[:3]] == ["often", "ratings", "ratings"]
    assert len(often) == 5 + 7 and {len(each.rules) for each in often} == {1, 3}
    batches = per_batch(project, archive, START, until, project.rules)
    assert [each.at for each in batches] == [START + STEP * n - timedelta(hours=1) for n in range(1, 5)]
    assert [each.at for each in every(timedelta(hours=10), START, until, project.rules)] == [
        START + timedelta(hours=10 * n) for n in range(3)
    ]


def test_verify_says_what_it_compared(shop: Path) -> None:
    now = datetime.now(UTC)
    do(shop, "run", "--at", f"{now:%Y-%m-%dT%H:%M:%SZ}", "--no-send")
    assert "no difference" in do(shop, "verify", "--days", "1").output
    data = json.loads(do(shop, "verify", output="json").stdout)
    assert data["evaluations"] >= 1 and data["differences"] == []
