"""The commands, as people type them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from engine.cli import ingest as commands
from engine.cli.common import Settings

ORDERS = "订单编号,店铺Id,买家会员名,买家实际支付金额,未知列\n1,s1,tb1,5,x\n2,s2,tb2,6,x\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(Path(__file__).parents[2] / "facts.yaml", tmp_path)
    (tmp_path / "orders.csv").write_text(ORDERS, encoding="gb18030")
    monkeypatch.delenv("STOREWATCH_PERSONAL_KEY", raising=False)
    monkeypatch.delenv("STOREWATCH_PERSONAL_KEY_FILE", raising=False)
    return tmp_path


def run(project: Path, *arguments: str, language: str = "en", output: str = "table") -> Result:
    app = typer.Typer()

    @app.callback()
    def options(context: typer.Context) -> None:
        context.obj = Settings(project, language, output)

    commands.register(app)
    return CliRunner().invoke(app, arguments)


def test_ingest_prints_what_became_of_the_rows(project: Path) -> None:
    done = run(project, "ingest", str(project / "orders.csv"), "--kind", "order", "--as-of", "2026-11-20")
    assert done.exit_code == 0, done.output
    assert "orders.csv" in done.stdout and "as of (Asia/Shanghai)" in done.stdout and "2026-11-21 00:00:00" in done.stdout
    assert "订单编号→order_id" in done.stderr
    assert "left out: 未知列" in done.stderr
    assert "STOREWATCH_PERSONAL_KEY" in done.stderr


def test_ingest_speaks_chinese_and_json(project: Path) -> None:
    chinese = run(project, "ingest", str(project / "orders.csv"), language="zh")
    assert "未声明，未读取：未知列" in chinese.stderr
    done = run(project, "ingest", str(project / "orders.csv"), output="json")
    (row,) = json.loads(done.stdout)
    assert (row["kind"], row["read"], row["stored"], row["batches"], row["already"]) == ("order", 2, 2, 0, 1)
    assert row["columns"]["买家实际支付金额"] == "amount"
    assert row["dropped"] == ["未知列"]


def test_one_refused_file_does_not_keep_others_out(project: Path) -> None:
    (project / "empty.csv").write_text("订单编号,店铺Id,买家实际支付金额\n", encoding="utf-8")
    done = run(project, "ingest", str(project / "empty.csv"), str(project / "orders.csv"), "--kind", "order")
    assert done.exit_code == 1
    assert "refused: empty.csv: has headings but no rows" in done.stderr
    assert "orders.csv" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("orders.csv", "--as-of", "friday"), 2, "not a date or time"),
        (("absent.csv",), 1, "not there"),
        (("orders.csv", "--kind", "ordre"), 2, "did you mean order"),
    ],
)
def test_exit_codes(arguments: tuple[str, ...], code: int, message: str, project: Path) -> None:
    done = run(project, "ingest", str(project / arguments[0]), *arguments[1:])
    assert done.exit_code == code
    assert message in done.stderr


def test_snapshots_lists_stores_with_their_age(project: Path) -> None:
    empty = run(project, "snapshots")
    assert (empty.exit_code, "nothing was ingested yet" in empty.stdout) == (0, True)
    run(project, "ingest", str(project / "orders.csv"), "--as-of", "2020-01-01")
    run(project, "ingest", str(project / "orders.csv"), "--as-of", "2020-01-02")
    rows = json.loads(run(project, "snapshots", output="json").stdout)
    assert [(row["kind"], row["store_id"], row["state"], row["batches"], row["rows"]) for row in rows] == [
        ("order", "s1", "stale", 2, 2),
        ("order", "s2", "stale", 2, 2),
    ]
    assert "过期" in run(project, "snapshots", language="zh").stdout


def test_snapshots_shows_stores_that_never_came(project: Path) -> None:
    (project / "mine.yaml").write_text((project / "facts.yaml").read_text("utf-8") + "\nexpected: [s1, s9]\n", encoding="utf-8")
    (project / "mine.yaml").rename(project / "facts.yaml")
    run(project, "ingest", str(project / "orders.csv"))
    rows = json.loads(run(project, "snapshots", output="json").stdout)
    assert [(row["store_id"], row["state"]) for row in rows] == [("s1", "fresh"), ("s2", "fresh"), ("s9", "never came")]


def test_prune(project: Path) -> None:
    for day in ("2020-01-01", "2020-01-02"):
        run(project, "ingest", str(project / "orders.csv"), "--as-of", day)
    done = run(project, "prune", "--keep", "30d", output="json")
    assert [(row["kind"], row["batches"], row["rows"]) for row in json.loads(done.stdout)] == [("order", 1, 2)]
    assert "nothing is that old" in run(project, "prune", "--keep", "30d").stdout
    assert run(project, "prune", "--keep", "30d", "--all").exit_code == 0
    assert "nothing was ingested yet" in run(project, "snapshots").stdout
    for keep in ("long", "0d", "23h"):
        assert run(project, "prune", "--keep", keep).exit_code == 2
    assert run(project, "prune").exit_code == 2


def test_prune_shows_first_what_it_would_remove(project: Path) -> None:
    for day in ("2020-01-01", "2020-01-02"):
        run(project, "ingest", str(project / "orders.csv"), "--as-of", day)
    done = run(project, "prune", "--keep", "30d", "--dry-run", output="json")
    assert [(row["kind"], row["batches"]) for row in json.loads(done.stdout)] == [("order", 1)]
    assert "would be removed" in done.stderr
    assert len(json.loads(run(project, "snapshots", "--all", output="json").stdout)) == 2


def test_one_bad_batch_is_taken_out(project: Path) -> None:
    for day in ("2020-01-01", "2020-01-02"):
        run(project, "ingest", str(project / "orders.csv"), "--as-of", day)
    listed = run(project, "snapshots", "--all")
    assert "2020-01-03 00:00:00" in listed.stdout and "s1, s2" in listed.stdout
    name = json.loads(run(project, "snapshots", "--all", output="json").stdout)[-1]["id"]
    asked = run(project, "prune", "--batch", name)
    assert asked.exit_code == 2 and "2 rows) for good" in asked.stderr and "--yes" in asked.stderr
    assert run(project, "prune", "--batch", name, "--yes").exit_code == 0
    left = json.loads(run(project, "snapshots", "--all", output="json").stdout)
    assert [row["as_of"] for row in left] == ["2020-01-01T16:00:00+00:00"]
    assert run(project, "prune", "--batch", name, "--yes").exit_code == 2


RULE = """
- alert: slow_week
  title: {zh: 慢, en: slow}
  facts: store
  when: total(refund_amount, 56d) < 5
  severity: warning
"""


def test_prune_does_not_take_what_rules_read(project: Path) -> None:
    (project / "rules").mkdir()
    (project / "rules" / "a.yaml").write_text(RULE, encoding="utf-8")
    refused = run(project, "prune", "--keep", "30d")
    assert refused.exit_code == 2, refused.output
    assert "1 rule(s) look further back than 30d: slow_week" in refused.stderr
    assert "--yes" in refused.stderr
    assert "slow_week" in run(project, "prune", "--keep", "30d", "--yes").stderr
    assert "slow_week" not in run(project, "prune", "--keep", "400d").stderr


def test_refused_files_are_in_the_json(project: Path) -> None:
    (project / "bad.csv").write_text("甲,乙\n1,2\n", encoding="utf-8")
    done = run(project, "ingest", str(project / "bad.csv"), str(project / "absent.csv"), str(project / "orders.csv"), output="json")
    assert done.exit_code == 1
    taken, bad, absent = json.loads(done.stdout)
    assert (taken["source"], taken["stored"]) == ("orders.csv", 2)
    assert bad["source"] == "bad.csv" and "do not look like any" in bad["error"]["en"] and "--kind" in bad["hint"]["zh"]
    assert (absent["source"], absent["error"]["zh"]) == ("absent.csv", "absent.csv：找不到文件")


def test_total_rows_that_were_left_out_are_shown(project: Path) -> None:
    (project / "orders.csv").write_text(ORDERS + "合计,,,11,\n", encoding="utf-8")
    done = run(project, "ingest", str(project / "orders.csv"))
    assert "totals left out" in done.stdout
    assert json.loads(run(project, "ingest", str(project / "orders.csv"), output="json").stdout)[0]["totals_skipped"] == 1


def test_what_is_wrong_is_told_before_anything_heavy_is_loaded(project: Path) -> None:
    code = (
        "import sys; from engine.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: print(end.code, sorted({'pandas', 'pandera', 'duckdb', 'openpyxl'} & set(sys.modules)))"
    )
    for arguments, status in ((["absent.csv"], 1), (["absent.csv", "--as-of", "x"], 2), (["absent.csv", "--kind", "ordre"], 2)):
        command = [sys.executable, "-c", code, "-C", str(project), "ingest", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
        assert done.stdout.splitlines()[-1] == f"{status} []", done.stderr


def test_help_shows_an_example(project: Path) -> None:
    done = run(project, "ingest", "--help")
    assert "storewatch ingest orders.csv --kind order" in done.stdout
