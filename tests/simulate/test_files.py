"""The files: the same every time, with the traps of real exports, and nobody's data in them."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from engine.errors import UsageError
from engine.simulate.plan import Options
from engine.simulate.run import Summary, simulate
from engine.simulate.world import HOSTILE_TITLE
from tests.simulate import exports

SAMPLES = Path(__file__).parents[2] / "samples"


def contents(folder: Path) -> dict[str, object]:
    """Every file by name: its bytes, or of a spreadsheet the bytes of its members (compression is the machine's own)."""
    return {str(path.relative_to(folder)): members(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def members(path: Path) -> object:
    if path.suffix != ".xlsx":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return [(info.filename, info.date_time, archive.read(info)) for info in archive.infolist()]


def test_the_same_options_give_the_same_files(run: tuple[Path, Summary], tmp_path: Path) -> None:
    folder, first = run
    second = simulate(tmp_path, Options())
    assert second == first
    assert contents(tmp_path) == contents(folder)


def test_another_seed_gives_another_world(run: tuple[Path, Summary], tmp_path: Path) -> None:
    simulate(tmp_path, Options(seed=2))
    name = "2026-11-04/0900-tb001-order.csv"
    assert (tmp_path / name).read_bytes() != (run[0] / name).read_bytes()


def test_one_store_more_changes_nothing_of_a_healthy_world(tmp_path: Path) -> None:
    simulate(tmp_path / "three", Options(stores=3, incidents=0))
    simulate(tmp_path / "four", Options(stores=4, incidents=0))
    name = "2026-11-05/1600-pd003-order.csv"
    assert (tmp_path / "three" / name).read_bytes() == (tmp_path / "four" / name).read_bytes()


def test_the_committed_samples_are_what_the_simulator_writes(pictured: Path) -> None:
    committed = {name: content for name, content in contents(SAMPLES).items() if name != "README.md"}
    written = contents(pictured)
    assert committed.keys() == written.keys()
    exports_of = [{name: content for name, content in each.items() if not name.endswith(".jpg")} for each in (committed, written)]
    assert exports_of[0] == exports_of[1], "regenerate them: storewatch simulate samples --force --pictures"


def test_banners_have_pictures_where_rules_are_asked_for(tmp_path: Path) -> None:
    simulate(tmp_path, Options(stores=1, days=7, rules=("banner_price_mismatch",), incidents=0, pictures=True))
    painted = {path.name for path in (tmp_path / "pictures").iterdir()}
    banners = json.loads((tmp_path / "2026-11-05" / "0830-all-placement.json").read_text(encoding="utf-8"))
    pictures = [banner["图片链接"] for banner in banners if not str(banner["图片链接"] or "https:").startswith("https:")]
    assert pictures and painted >= set(pictures)
    assert "图片价格" not in banners[0] and "图片价格" not in (tmp_path / "2026-11-05" / "0830-all-product.csv").read_text(
        encoding="gb18030"
    )


def test_the_samples_stay_small() -> None:
    files = [path for path in SAMPLES.rglob("*") if path.is_file()]
    assert len(files) < 220
    assert sum(path.stat().st_size for path in files) < 3_000_000


def test_the_manifest_lists_every_export_in_order(run: tuple[Path, Summary]) -> None:
    folder, summary = run
    table = exports.manifest(folder)
    found = {str(path.relative_to(folder)) for path in folder.rglob("*-*.*")} - {"manifest.csv"}
    assert set(table["file"]) == found
    assert table["as_of"].is_monotonic_increasing
    assert len(table) == sum(summary.files.values())


def test_taobao_orders_have_the_traps_of_the_real_export(run: tuple[Path, Summary]) -> None:
    raw = (run[0] / "2026-11-04/0900-tb001-order.csv").read_bytes()
    text = raw.decode("gb18030")
    with pytest.raises(UnicodeDecodeError):
        raw.decode("utf-8")
    headings = text.split("\r\n", 1)[0].split(",")
    assert {"收货地址 ", "订单付款时间 ", "宝贝标题 "} <= set(headings)
    assert re.search(r'"=""35\d{17}"""', text)
    assert "'null" in text
    assert ",'1000000" in text


def test_pdd_orders_begin_with_a_byte_order_mark(run: tuple[Path, Summary]) -> None:
    assert (run[0] / "2026-11-04/0900-pd003-order.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_douyin_orders_are_in_cents_and_unix_seconds(run: tuple[Path, Summary]) -> None:
    table = exports.read(run[0], "2026-11-04/0900-dy004-order.csv")
    assert table["支付完成时间"].str.fullmatch(r"\d{10}|").all()
    assert table["订单应付金额"].str.fullmatch(r"\d{4,6}").all()
    assert table["主订单编号"].str.fullmatch(r"\d{19}").all()


def test_the_store_report_has_note_rows_above_its_headings(run: tuple[Path, Summary]) -> None:
    rows = pd.read_excel(run[0] / "2026-11-04/0830-all-store.xlsx", header=None, dtype=str, keep_default_na=False)
    assert list(rows.iloc[4, :2]) == ["店铺ID", "店铺名称"]
    assert (rows.iloc[:4, 1:] == "").all(axis=None)


def test_numbers_come_as_people_write_them(run: tuple[Path, Summary]) -> None:
    campaigns = exports.read(run[0], "2026-11-04/1600-all-ad_campaign.csv")
    products = exports.read(run[0], "2026-11-04/0830-all-product.csv")
    assert campaigns["展现量"].str.contains(",").any()
    assert campaigns["点击率"].str.endswith("%").all()
    assert (products["图片价格"] == "-").any()
    promotions = exports.read(run[0], "2026-11-04/0830-all-promotion.csv")
    assert promotions["活动时间"].str.fullmatch(r"起：.*\n止：.*").all()


def test_hostile_texts_reach_the_files_as_text_and_where_something_is_wrong(run: tuple[Path, Summary]) -> None:
    folder, summary = run
    names = exports.read(folder, "2026-11-04/0830-all-store.xlsx").set_index("店铺ID")["店铺名称"]
    sick = {incident.store_id for incident in summary.incidents}
    assert {store for store, name in names.items() if "\n" in name or "<script>" in name} <= sick
    products = exports.read(folder, "2026-11-04/0830-all-product.csv")
    hostile = set(products.loc[products["商品名称"] == HOSTILE_TITLE, "商品ID"])
    assert hostile & {incident.key for incident in summary.incidents}
    jd = exports.read(folder, "2026-11-04/0900-jd002-order.xlsx")
    assert jd["商品名称"].isin([HOSTILE_TITLE]).any(), "a spreadsheet must keep it as text, not as a formula"
    assert exports.read(folder, "2026-11-04/0900-tb001-order.csv")["订单备注"].isin(["{{ 7*7 }}"]).any()


def test_personal_columns_are_filled_and_obviously_invented(run: tuple[Path, Summary]) -> None:
    folder, _ = run
    personal = re.compile("买家会员名|支付宝|收货人|收件人|姓名|手机|电话|地址|街道|帐号|消费者资料$")
    invented = re.compile(r"(测试|示例|buyer\d+@example\.com|jd_test_|'?1000000\d{4}$|'null$)")
    seen = 0
    table = exports.manifest(folder)
    for name in table.loc[table["sheet"] == "order", "file"]:
        sheet = exports.read(folder, name)
        for heading in filter(personal.search, sheet.columns):
            filled = sheet[heading][sheet[heading] != ""]
            assert filled.map(lambda value: bool(invented.match(value))).all(), (name, heading)
            seen += len(filled)
    assert seen > 1000


@pytest.mark.parametrize(
    "options",
    [
        Options(stores=0),
        Options(stores=1000),
        Options(days=6),
        Options(incidents=-1),
        Options(platforms=("amazon",)),
        Options(platforms=()),
        Options(stores=1, incidents=5),
    ],
    ids=["no store", "too many stores", "too few days", "negative incidents", "unknown platform", "no platform", "no room"],
)
def test_an_impossible_run_is_refused_and_nothing_is_written(options: Options, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        simulate(tmp_path / "new", options)
    assert refused.value.hint
    assert not (tmp_path / "new").exists()
