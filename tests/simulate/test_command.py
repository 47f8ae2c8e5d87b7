"""``storewatch simulate`` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from engine.cli import simulate
from engine.cli.common import Settings
from engine.cli.simulate import register

SMALL = ("--stores", "2", "--days", "7", "--incidents", "1")


def storewatch(*arguments: str, language: str = "en", output: str = "table") -> Result:
    app = typer.Typer()

    @app.callback()
    def options(context: typer.Context) -> None:
        context.obj = Settings(Path(), language, output)

    register(app)
    return CliRunner().invoke(app, ["simulate", *arguments])


def test_it_writes_a_run_and_says_what(tmp_path: Path) -> None:
    result = storewatch(str(tmp_path / "new"), *SMALL)
    assert result.exit_code == 0
    assert "unfulfilled_orders" in result.stdout
    assert "77 export files" in result.stderr
    assert (tmp_path / "new" / "incidents.csv").is_file()


def test_in_chinese(tmp_path: Path) -> None:
    result = storewatch(str(tmp_path), *SMALL, language="zh")
    assert "77 个导出文件" in result.stderr
    assert "最早开始" in result.stdout


def test_json_is_data_alone(tmp_path: Path) -> None:
    rows = json.loads(storewatch(str(tmp_path), *SMALL, output="json").stdout)
    assert {row["rule"]: row["incidents"] for row in rows}["dsr_drop"] == 1


def test_start_seed_and_platforms_are_taken(tmp_path: Path) -> None:
    result = storewatch(str(tmp_path), *SMALL, "--start", "2025-02-26", "--seed", "7", "--platforms", "douyin, jd")
    assert result.exit_code == 0
    assert (tmp_path / "2025-03-04/1600-dy001-order.csv").is_file()
    assert (tmp_path / "2025-02-26/0900-jd002-order.xlsx").is_file()


def test_rules_are_named_and_their_columns_are_in_the_sheets(tmp_path: Path) -> None:
    result = storewatch(str(tmp_path), *SMALL, "--rules", "bounce_rate_high, sku_image_missing", output="json")
    assert {row["rule"] for row in json.loads(result.stdout)} >= {"bounce_rate_high", "sku_image_missing"}
    assert "缺少SKU图数" in (tmp_path / "2026-11-02/0830-all-product.csv").read_text(encoding="gb18030")
    assert (tmp_path / "2026-11-02/0900-all-order.csv").is_file()


def test_all_rules(tmp_path: Path) -> None:
    rows = json.loads(storewatch(str(tmp_path), "--days", "13", "--incidents", "1", "--rules", "all", output="json").stdout)
    assert len(rows) > 60


def test_a_folder_that_is_not_empty_is_left_alone_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear", encoding="utf-8")
    refused = storewatch(str(tmp_path), *SMALL)
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    assert storewatch(str(tmp_path), *SMALL, "--force").exit_code == 0
    assert (tmp_path / "letter.txt").read_text(encoding="utf-8") == "dear"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--days", "3"), "nothing can be simulated"),
        (("--platforms", "taobao,ebay"), "unknown platform: ebay"),
        (("--stores", "1", "--incidents", "9"), "do not fit"),
        (("--rules", "traffic_drop,trafic_drop"), "no incident can be planted for: trafic_drop"),
    ],
)
def test_what_cannot_be_simulated_is_said(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    result = storewatch(str(tmp_path / "new"), *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "new").exists()


def test_a_file_in_the_folder_s_place(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    path.write_text("", encoding="utf-8")
    result = storewatch(str(path), *SMALL)
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


def test_its_defaults_are_those_of_the_samples() -> None:
    assert simulate.USUAL == simulate.Options()
