"""Enrichers at ingest: real pictures beside a real export, a real cache, a real server for addresses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from engine.errors import ProblemsFound
from engine.facts import Facts
from engine.facts_file import load_facts
from engine.ingest import IngestReport, Options, ingest
from engine.ingest.enrichers import image_ok, image_price
from engine.ingest.enrichers.cache import kept_pictures, open_looks
from engine.ingest.enrichers.prices.ocr import installed
from engine.ingest.enrichers.reasons import Reason
from engine.ingest.enrichers.unread import unread_rows
from engine.simulate.posters import poster_of
from tests.eyes.hostile import photo, saved

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
KIND = """
kinds:
  product:
    key: product_id
    fresh_for: 26h
    columns:
      product_id: {type: string}
      store_id: {type: string}
      image_url: {type: url}
      slot: {type: number}
      price: {type: money}
      reading: {type: string}
      words: {type: string}
      seen: {type: string}
      ok: {type: boolean}
      fault: {type: string}
      hash: {type: string}
      link: {type: url}
      status: {type: integer}
      outcome: {type: string}
    enrich:
"""
BOTH = """
      - {enricher: image_price, from: image_url, into: {price: price, reason: reading, text: words, picture: seen}}
      - {enricher: image_ok, from: image_url, at_least: 60, slot: slot, into: {ok: ok, reason: fault, fingerprint: hash}}
"""
needs_ocr = pytest.mark.skipif(not installed(), reason="the extra ocr is not installed")


def facts(folder: Path, enrich: str = BOTH, more: str = "") -> Facts:
    (folder / "facts.yaml").write_text(more + KIND + enrich, encoding="utf-8")
    return load_facts(folder / "facts.yaml")


def take(folder: Path, known: Facts, rows: list[str], headings: str = "product_id,store_id,image_url", **options: object) -> IngestReport:
    export = folder / "products.csv"
    export.write_text("\n".join([headings, *rows]) + "\n", encoding="utf-8")
    return ingest(export, known, folder / "snapshots", Options(**{"now": NOW, "as_of": NOW, "kinds": ("product",), **options}))  # type: ignore[arg-type]


def stored(report: IngestReport) -> dict[str, dict[str, object]]:
    return {row["product_id"]: row for row in pq.read_table(report.kinds[0].batches[-1].target).to_pylist()}


@needs_ocr
def test_prices_are_read_once_and_kept(tmp_path: Path) -> None:
    known = facts(tmp_path)
    (tmp_path / "a.jpg").write_bytes(poster_of(Decimal("129.90"), 1, (400, 400)))
    (tmp_path / "same.jpg").write_bytes(poster_of(Decimal("129.90"), 1, (400, 400)))
    (tmp_path / "plain.png").write_bytes(saved(photo((200, 200)), "PNG"))
    first = take(tmp_path, known, ["1,s,a.jpg", "2,s,same.jpg", "3,s,plain.png", "4,s,", "5,s,gone.jpg", "6,s,../facts.yaml"])
    rows = stored(first)
    assert rows["1"]["price"] == rows["2"]["price"] == Decimal("129.90")
    assert rows["1"]["reading"] == "read"
    assert "129.90" in str(rows["1"]["words"])
    assert (rows["3"]["price"], rows["3"]["reading"], rows["3"]["ok"]) == (None, "no_price", True)
    assert (rows["4"]["price"], rows["4"]["reading"], rows["4"]["ok"]) == (None, None, None)
    assert (rows["5"]["reading"], rows["5"]["ok"]) == (Reason.NOT_THERE, None)
    assert rows["6"]["reading"] == Reason.OUTSIDE
    seen = str(rows["1"]["seen"])
    assert kept_pictures(tmp_path / "snapshots", [seen])[seen].startswith(b"\xff\xd8")
    unread = {row.key: row.reason for row in unread_rows(known, tmp_path / "snapshots", NOW)}
    assert unread[("5",)] is Reason.NOT_THERE
    assert ("3",) not in unread

    again = ingest(tmp_path / "products.csv", known, tmp_path / "snapshots", Options(NOW + timedelta(days=9), ("product",), NOW))
    assert all(batch.already for batch in again.kinds[0].batches)


@needs_ocr
def test_another_version_reads_again_and_the_same_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = facts(tmp_path)
    data = poster_of(Decimal("59"), 2, (300, 300))
    (tmp_path / "a.jpg").write_bytes(data)
    seen = str(stored(take(tmp_path, known, ["1,s,a.jpg"]))["1"]["seen"])
    wrong = {"reason": "read", "price": "1.00", "confidence": 1.0, "text": "", "box": "", "picture": ""}
    with open_looks(tmp_path / "snapshots") as looks:
        looks.note("image_price", image_price.VERSION, seen, wrong, NOW)
    assert stored(take(tmp_path, known, ["2,s,a.jpg"]))["2"]["price"] == 1
    with open_looks(tmp_path / "snapshots") as looks:
        looks.note("image_price", image_price.VERSION - 1, seen, wrong, NOW)
    assert stored(take(tmp_path, known, ["3,s,a.jpg"]))["3"]["price"] == 59


OK = "      - {enricher: image_ok, from: image_url, at_least: 60, slot: slot, into: {ok: ok, reason: fault, fingerprint: hash}}\n"


def test_pictures_are_judged_without_reading(tmp_path: Path) -> None:
    known = facts(tmp_path, OK)
    whole = saved(photo((200, 100)), "JPEG", quality=90)
    for name, data in {"a": whole, "cut": whole[:900], "empty": b"", "small": saved(photo((40, 20)), "PNG")}.items():
        (tmp_path / name).write_bytes(data)
    rows = stored(
        take(tmp_path, known, ["1,s,a,2", "2,s,a,1", "3,s,cut,", "4,s,empty,", "5,s,small,"], "product_id,store_id,image_url,slot")
    )
    assert {key: (row["ok"], row["fault"]) for key, row in rows.items()} == {
        "1": (True, "fine"),
        "2": (False, "wrong_aspect"),
        "3": (False, "broken"),
        "4": (False, "empty"),
        "5": (False, "too_small"),
    }


def test_a_picture_compressed_anew_keeps_its_fingerprint_and_another_price_changes_it(tmp_path: Path) -> None:
    known = facts(tmp_path, OK)
    from engine.ingest.enrichers.opening import open_picture

    original = poster_of(Decimal("129"), 3, (400, 400), 95)
    opened = open_picture(original).picture
    assert opened is not None
    (tmp_path / "a").write_bytes(original)
    (tmp_path / "b").write_bytes(saved(opened, "JPEG", quality=60))
    (tmp_path / "c").write_bytes(saved(opened.resize((300, 300)), "WEBP"))
    (tmp_path / "d").write_bytes(poster_of(Decimal("159"), 3, (400, 400), 95))
    rows = stored(take(tmp_path, known, ["1,s,a", "2,s,b", "3,s,c", "4,s,d"]))
    assert rows["1"]["hash"] == rows["2"]["hash"] == rows["3"]["hash"] != rows["4"]["hash"]


def test_what_the_export_says_itself_stays(tmp_path: Path) -> None:
    known = facts(tmp_path, OK)
    (tmp_path / "a").write_bytes(saved(photo((200, 100)), "JPEG"))
    rows = stored(take(tmp_path, known, ["1,s,a,false", "2,s,a,"], "product_id,store_id,image_url,ok"))
    assert (rows["1"]["ok"], rows["2"]["ok"]) == (False, True)


def test_old_data_is_not_looked_at_over_the_network(tmp_path: Path) -> None:
    known = facts(tmp_path, "      - {enricher: link_status, from: link, into: {status: status, reason: outcome}}\n")
    old = NOW - timedelta(days=3)
    report = take(tmp_path, known, ["1,s,http://127.0.0.1:1/"], "product_id,store_id,link", as_of=old)
    assert stored(report)["1"]["outcome"] is None
    assert any("not looked at" in note.en for note in report.warnings)
    fresh = take(tmp_path, known, ["1,s,http://127.0.0.1:1/"], "product_id,store_id,link")
    assert (stored(fresh)["1"]["status"], stored(fresh)["1"]["outcome"]) == (None, Reason.REFUSED_ADDRESS)


def test_pictures_may_be_in_the_cells(tmp_path: Path) -> None:
    import base64

    known = facts(tmp_path, OK)
    cell = "data:image/png;base64," + base64.b64encode(saved(photo((90, 90)), "PNG")).decode()
    row = stored(take(tmp_path, known, [f'1,s,"{cell}"']))["1"]
    assert row["ok"] is True
    assert str(row["image_url"]).startswith("sha256:")


def test_what_was_seen_is_forgotten_when_nobody_asks(tmp_path: Path) -> None:
    with open_looks(tmp_path) as looks:
        looks.note("image_ok", image_ok.VERSION, "old", {"reason": "fine"}, NOW)
        looks.note("image_ok", image_ok.VERSION, "asked", {"reason": "fine"}, NOW)
        looks.touch("asked", NOW + timedelta(days=5))
        assert looks.forget(NOW + timedelta(days=1)) == 1
        assert looks.known("image_ok", image_ok.VERSION, "asked") == {"reason": "fine"}


WRONG = {
    "unknown_enricher": "      - {enricher: image_prise, from: image_url, into: {}}\n",
    "unknown_output": "      - {enricher: image_ok, from: image_url, into: {okay: ok}}\n",
    "unknown_column": "      - {enricher: image_ok, from: image_uri, into: {ok: ok}}\n",
    "wrong_type": "      - {enricher: image_ok, from: image_url, into: {ok: price}}\n",
    "filled_twice": "      - {enricher: image_ok, from: image_url, into: {ok: ok}}\n"
    "      - {enricher: image_ok, from: link, into: {ok: ok}}\n",
    "unknown_option": "      - {enricher: link_status, from: link, at_least: 5, into: {status: status}}\n",
}


@pytest.mark.parametrize(("code", "enrich"), WRONG.items(), ids=WRONG.keys())
def test_mistakes_are_told_at_their_place(tmp_path: Path, code: str, enrich: str) -> None:
    with pytest.raises(ProblemsFound) as found:
        facts(tmp_path, enrich)
    assert [problem.code for problem in found.value.problems] == [code]
    assert found.value.problems[0].line > 20


def test_networks_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ProblemsFound) as found:
        facts(tmp_path, OK, "visits: {allow: [10.0.0.0/99]}")
    assert [problem.code for problem in found.value.problems] == ["bad_network"]
