"""Bad input: a clear error, and the snapshots as they were."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from engine.errors import IngestError, UsageError
from tests.ingest.conftest import NOW, Shop

GOOD = "订单编号,店铺Id,买家实际支付金额\n1,s1,5\n2,s1,6\n"


def xlsx(path: Path) -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["订单编号", "店铺Id"])
    for number in range(500):
        book.active.append([str(number), "s1"])
    book.save(path)
    return path.read_bytes()


def archive(path: Path, *names: str) -> bytes:
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, CONTENT_TYPES if name.startswith("[") else "<x/>")
    return path.read_bytes()


CONTENT_TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


def parquet(path: Path) -> bytes:
    pd.DataFrame({"订单编号": ["1", "2"], "店铺Id": ["s1", "s1"]}).to_parquet(path)
    return path.read_bytes()


BAD: dict[str, tuple[str, bytes | Callable[[Path], bytes], str]] = {
    "nothing": ("o.csv", b"", "empty"),
    "white space": ("o.csv", b" \n\n\n", "empty|nothing in it"),
    "only headings": ("o.csv", "订单编号,店铺Id,买家实际支付金额\n".encode(), "no rows"),
    "only headings and a total": ("o.csv", "订单编号,店铺Id,买家实际支付金额\n合计,2,9\n".encode(), "no rows"),
    "a picture": ("o.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)), "binary"),
    "neither encoding": ("o.csv", b"\xff\xfa\x80\x80\n" * 9, "UTF-8 or GB18030"),
    "a web page": ("o.xls", b"\xef\xbb\xbf<html><table><tr><td>1</td></tr></table></html>", "HTML"),
    "prose": ("readme.csv", b"Dear all,\nplease find attached the orders.\n", "order_id"),
    "other columns": ("o.csv", "订单标号,店铺Id\n1,s1\n".encode(), "order_id"),
    "no store": ("o.csv", "订单编号,买家实际支付金额\n1,5\n".encode(), "which store"),
    "half a line": ("o.csv", GOOD.encode()[:-5], "last line is cut"),
    "half a quotation": ("o.csv", GOOD.encode() + b'3,s1,"7', "never closed"),
    "half a character": ("o.csv", ("订单编号,店铺Id,订单备注\n1,s1,急".encode())[:-1], "middle of a character"),
    "a quotation without end": ("o.csv", GOOD.encode() + b'3,s1,"' + b"7\n" * 200_000, "cannot be read|never closed"),
    "half a workbook": ("o.xlsx", lambda path: xlsx(path)[:3000], "whole workbook"),
    "a zip of something": ("o.xlsx", b"PK\x03\x04" + b"x" * 500, "whole workbook"),
    "half an old workbook": ("o.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "whole workbook"),
    "an archive of something else": ("o.xlsx", lambda path: archive(path, "letter.txt"), "holds no Excel workbook"),
    "a document of Word": ("o.xlsx", lambda path: archive(path, "[Content_Types].xml", "word/document.xml"), "holds no Excel workbook"),
    "a workbook with a password": (
        "o.xlsx",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"),
        "password",
    ),
    "half a Parquet file": ("o.parquet", lambda path: parquet(path)[:-20], "whole Parquet"),
    "half a JSON list": ("o.json", '[{"订单编号": "1", "店铺Id": "s1"}, {"订'.encode(), "not JSON"),
    "half a JSON line": ("o.jsonl", '{"订单编号": "1", "店铺Id": "s1"}\n{"订单编号": "2", "店'.encode(), "line 2: is not JSON"),
    "JSON of another shape": ("o.json", b"[1, 2, 3]", "not an object"),
    "JSON nested without end": ("o.json", b"[" * 100_000, "not JSON|nested"),
    "JSON wrapped without end": ("o.json", b'{"a":' * 900 + b"1" + b"}" * 900, "order_id|nested|list of objects"),
    "too many bad rows": (
        "o.csv",
        ("订单编号,店铺Id,买家实际支付金额\n" + "".join(f"{n},s1,{'x' if n % 10 == 0 else n}\n" for n in range(1, 41))).encode(),
        "4 of 40",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_and_harms_nothing(name: str, shop: Shop) -> None:
    shop.ingest(shop.write("good.csv", GOOD), "order", store="")
    before = shop.files()
    filename, content, message = BAD[name]
    path = shop.folder / filename
    path.write_bytes(content if isinstance(content, bytes) else content(path))
    with pytest.raises(IngestError, match=message) as caught:
        shop.ingest(path, "order", store="")
    assert filename in caught.value.text.en and filename in caught.value.text.zh
    assert not re.search(r"[A-Za-z]+ [a-z]+ [a-z]+", caught.value.text.zh), "no sentence of a library in the Chinese message"
    assert shop.files() == before
    assert {item.name for item in shop.snapshots.iterdir()} == {"order"}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused_first_leaves_no_folder(name: str, shop: Shop) -> None:
    filename, content, _ = BAD[name]
    path = shop.folder / filename
    path.write_bytes(content if isinstance(content, bytes) else content(path))
    with pytest.raises(IngestError):
        shop.ingest(path, "order", store="")
    assert not shop.snapshots.exists()


def test_wrong_columns_are_told_with_what_was_expected(shop: Shop) -> None:
    with pytest.raises(IngestError) as caught:
        shop.ingest(shop.write("o.csv", "订单编好,店铺Id\n1,s1\n"), "order")
    assert caught.value.hint
    assert "子订单编号, 子交易单号, 订单编号" in caught.value.hint.en
    assert "did you mean 订单编好" in caught.value.hint.en


def test_an_unknown_kind_is_told(shop: Shop) -> None:
    with pytest.raises(UsageError) as caught:
        shop.ingest(shop.write("o.csv", GOOD), "orders")
    assert caught.value.hint and "did you mean order" in caught.value.hint.en


def test_refusal_shows_which_rows_were_bad(shop: Shop) -> None:
    with pytest.raises(IngestError) as caught:
        shop.ingest(shop.write("o.csv", "订单编号,订单状态\n1,交易成\n"), "order")
    assert caught.value.hint
    assert "line 2, 订单状态" in caught.value.hint.en and "交易成功" in caught.value.hint.zh


def test_a_file_that_is_not_there(shop: Shop) -> None:
    with pytest.raises(IngestError, match="not there"):
        shop.ingest(shop.folder / "absent.csv", "order")
    with pytest.raises(IngestError, match="not a file"):
        shop.ingest(shop.folder, "order")


CHILD = textwrap.dedent("""
    import resource, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from engine.errors import IngestError, UsageError
    from engine.facts_file import load_facts
    from engine.ingest import Options, ingest

    source, facts, folder, limit = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    try:
        ingest(source, load_facts(Path(facts)), Path(folder), Options(now=datetime(2026, 11, 21, 4, tzinfo=UTC), kinds=("order",)))
    except IngestError as error:
        print(error.text.en)
        sys.exit(1)
""")


def child(shop: Shop, source: Path, limit: int) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", CHILD, str(source), str(root / "facts.yaml"), str(shop.snapshots), str(limit)]
    return subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=120, check=False)


def big(shop: Shop, rows: int = 30_000) -> Path:
    lines = (f"{n * 7919 % 1_000_003},s{n % 7},{n * 104_729 % 99_991}.{n % 100:02}\n" for n in range(rows))
    return shop.write("big.csv", "订单编号,店铺Id,买家实际支付金额\n" + "".join(lines))


@pytest.mark.parametrize("limit", [50_000, 250_000])
def test_a_full_disk_refuses_and_harms_nothing(limit: int, shop: Shop) -> None:
    """A limit on the size of files makes every write past it fail, as a full disk does."""
    shop.ingest(shop.write("good.csv", GOOD), "order", store="")
    before = shop.files()
    done = child(shop, big(shop), limit)
    assert done.returncode == 1, done.stderr
    assert "cannot be read or stored" in done.stdout
    assert shop.files() == before
    assert child(shop, shop.folder / "big.csv", resource.RLIM_INFINITY).returncode == 0
    assert len(shop.files()) == len(before) + 1


def test_a_killed_ingest_leaves_only_what_the_next_one_removes(shop: Shop) -> None:
    shop.ingest(shop.write("good.csv", GOOD), "order", store="")
    before = shop.files()
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", CHILD, str(big(shop, 200_000)), str(root / "facts.yaml"), str(shop.snapshots), "-1"]
    process = subprocess.Popen(command, cwd=root)
    while process.poll() is None and not any(shop.snapshots.glob("_tmp-*/*.staged.parquet")):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    after = shop.files()
    assert {name: data for name, data in after.items() if not name.startswith("_tmp-")} == before
    assert set(after) != set(before), "it was killed while it had written something"
    shop.ingest(shop.folder / "good.csv", "order", store="")
    assert shop.files() == before


def test_leftovers_of_other_machines_wait_for_a_day(shop: Shop) -> None:
    left = shop.snapshots / "_tmp-other-host-123-abc_d"
    left.mkdir(parents=True)
    (left / "order.staged.parquet").write_bytes(b"x")
    path = shop.write("good.csv", GOOD)
    os.utime(left, (NOW.timestamp(), NOW.timestamp()))
    shop.ingest(path, "order", store="")
    assert left.exists()
    os.utime(left, ((NOW - timedelta(days=2)).timestamp(),) * 2)
    shop.ingest(path, "order", store="")
    assert not left.exists()


def test_a_folder_that_cannot_be_written(shop: Shop) -> None:
    shop.write("snapshots", b"a file where the folder should be")
    with pytest.raises(IngestError, match="cannot be read or stored"):
        shop.ingest(shop.write("good.csv", GOOD), "order", store="")


def test_a_target_that_fails_takes_the_others_back(shop: Shop) -> None:
    """The second batch cannot be put in its place: the first one must not stay."""
    path = shop.write("p.csv", "统计日期,商品ID,商品访客数\n2026-11-19,1,5\n2026-11-20,1,6\n")
    (shop.snapshots / "product").mkdir(parents=True)
    (shop.snapshots / "product" / "date=2026-11-20").write_bytes(b"in the way")
    with pytest.raises(IngestError, match="cannot be read or stored"):
        shop.ingest(path, "product", as_of=None)
    assert shop.files() == {"product/date=2026-11-20": b"in the way"}


ALL_OF_AN_ORDER = "订单编号,店铺Id,订单状态,买家实际支付金额,订单付款时间\n" + "".join(f"{n},s1,交易成功,5,2026-11-20\n" for n in range(30))


def test_an_export_of_another_kind_than_asked_for_is_refused(shop: Shop) -> None:
    """An order export read as stores has nothing but their names, and as the newest batch would hide what is known of them."""
    with pytest.raises(IngestError, match="nothing to say about 'store': only 店铺Id") as caught:
        shop.ingest(shop.write("订单导出.csv", ALL_OF_AN_ORDER), "store", store="")
    assert caught.value.hint
    assert "the headings fit order better: --kind order" in caught.value.hint.en
    assert "表头更像 order" in caught.value.hint.zh and "店铺名称" in caught.value.hint.zh
    assert not shop.snapshots.exists()
