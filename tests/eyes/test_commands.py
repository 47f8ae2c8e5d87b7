"""`look`, `unread` and `doctor`, as the shell runs them."""

from __future__ import annotations

import importlib.util
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from engine.cli.init import copy_starter
from engine.cli.main import app
from engine.ingest.enrichers.prices.ocr import installed

PICTURES = Path(__file__).parent.parent.parent / "samples" / "pictures"
PRODUCTS = "店铺ID,商品ID,商品标题,商品状态,一口价,预估最低到手价,主图\n"
needs_ocr = pytest.mark.skipif(not installed(), reason="the extra ocr is not installed")


def do(folder: Path, *words: str, expect: int = 0) -> Result:
    result = CliRunner().invoke(app, ["--project", str(folder), "--lang", "en", *words])
    assert result.exit_code == expect, result.output
    return result


def told(folder: Path, *words: str, expect: int = 0) -> Any:
    return json.loads(do(folder, "--format", "json", *words, expect=expect).stdout)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    copy_starter(tmp_path / "shop")
    return tmp_path / "shop"


@needs_ocr
def test_look_tells_the_price_and_draws_where_it_stands(tmp_path: Path) -> None:
    out = tmp_path / "looks"
    (row,) = told(tmp_path, "look", str(PICTURES / "680000001001-199.00.jpg"), "--out", str(out))
    assert (float(row["price"]), row["reason"]) == (199, "read")
    assert row["confidence"] >= 0.9 and "199" in row["text"]
    with Image.open(row["drawn"]) as drawn:
        assert max(drawn.size) <= 1200
    assert Path(row["drawn"]).parent == out


@needs_ocr
def test_pictures_of_one_name_are_drawn_apart(tmp_path: Path) -> None:
    for folder, picture in (("a", "680000001001-199.00.jpg"), ("b", "680000001006-none.jpg")):
        (tmp_path / folder).mkdir()
        shutil.copy(PICTURES / picture, tmp_path / folder / "main.jpg")
    rows = told(tmp_path, "look", str(tmp_path / "a" / "main.jpg"), str(tmp_path / "b" / "main.jpg"), "--out", str(tmp_path / "looks"))
    assert [row["reason"] for row in rows] == ["read", "no_price"]
    assert len({row["drawn"] for row in rows}) == len(list((tmp_path / "looks").iterdir())) == 2


@needs_ocr
def test_look_says_what_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "no.jpg").write_text("no picture")
    broken, gone = told(tmp_path, "look", str(tmp_path / "no.jpg"), str(tmp_path / "gone.jpg"), expect=1)
    assert not broken["opened"] and broken["said"]
    assert not gone["opened"] and gone["reason"] == "not_there"


@needs_ocr
def test_unread_lists_what_needs_eyes_and_nothing_else(shop: Path) -> None:
    export = shop / "products.csv"
    shutil.copy(PICTURES / "680000001001-199.00.jpg", shop / "good.jpg")
    (shop / "broken.jpg").write_bytes((shop / "good.jpg").read_bytes()[:900])
    export.write_text(f"{PRODUCTS}s1,p1,杯子,销售中,199,199,good.jpg\ns1,p2,碗,销售中,19,19,broken.jpg\n", encoding="utf-8")
    earlier = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds")
    do(shop, "ingest", str(export), "--kind", "product", "--as-of", earlier, "--pictures", str(shop))
    rows = told(shop, "unread")
    assert {row["key"] for row in rows} == {"p2"}
    assert all(row["said"] and row["source"] == "broken.jpg" for row in rows)
    assert "p2" in do(shop, "unread").stdout
    assert told(shop, "unread", "--kind", "placement") == []


def test_doctor_tells_what_is_missing_and_fails_only_where_it_is_needed(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr("engine.cli.doctor.find_spec", lambda name: None if name in ("rapidocr", "psycopg") else real(name))
    monkeypatch.delenv("STOREWATCH_STATE", raising=False)
    parts = {row["part"]: row for row in told(shop, "doctor")}
    assert not parts["ocr"]["there"] and not parts["ocr"]["needed"] and "storewatch[ocr]" in parts["ocr"]["install"]
    assert parts["excel"]["there"] and parts["excel"]["install"] == ""
    monkeypatch.setenv("STOREWATCH_STATE", "postgresql+psycopg://nobody@127.0.0.1/nothing")
    assert {row["part"] for row in told(shop, "doctor", expect=1) if row["needed"] and not row["there"]} == {"postgres"}
    assert "组件" in CliRunner().invoke(app, ["--project", str(shop), "--lang", "zh", "doctor"]).output
