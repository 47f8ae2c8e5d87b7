"""Personal data: nothing of it in any byte of any file under the snapshots."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest

from engine.errors import IngestError, Secret
from engine.ingest import personal_key
from tests.ingest.conftest import Shop

PEOPLE = {
    "买家会员名": "tb一剪梅66",
    "收货人姓名": "欧阳若兰",
    "收货地址 ": "浙江省杭州市文一西路969号",
    "联系手机": "'18612345678",
    "买家支付宝账号": "ruolan@example.com",
}
UNDECLARED = {"发票抬头": "若兰贸易有限公司", "新零售导购门店名称": "西溪银泰店"}


def export(shop: Shop) -> Path:
    fields = {"订单编号": "{n}", "买家实际支付金额": "{amount}", **PEOPLE, **UNDECLARED}
    lines = [",".join(fields)]
    for n in range(60):
        lines.append(",".join(value.format(n=n, amount="bad" if n == 7 else n) for value in fields.values()))
    lines.append("61,1," + ",".join(PEOPLE.values()))
    lines.append("60,0," + ",".join(value + "x" for value in PEOPLE.values()) + ",a,b")
    lines.append("60,0," + ",".join(value + "y" for value in PEOPLE.values()) + ",a,b")
    return shop.write("orders.csv", "\n".join(lines) + "\n")


def leaks(shop: Shop) -> list[str]:
    files = shop.files()
    assert files
    words = [*PEOPLE.values(), *UNDECLARED.values(), "18612345678"]
    return [
        f"{word} in {name}" for name, data in files.items() for word in words if word.encode() in data or word.encode("gb18030") in data
    ]


@pytest.mark.parametrize("secret", [None, Secret("k")])
def test_no_personal_value_is_in_any_file(secret: Secret | None, shop: Shop) -> None:
    report = shop.ingest(export(shop), "order", secret=secret)
    assert report.kinds[0].quarantined == 3 - (secret is None)
    assert leaks(shop) == []


def test_without_a_key_personal_columns_are_dropped_and_told(shop: Shop) -> None:
    report = shop.ingest(export(shop), "order")
    assert set(shop.rows("order")[0]) == {"order_id", "store_id", "amount"}
    assert any("STOREWATCH_PERSONAL_KEY" in text.en for text in report.warnings)


def test_with_a_key_people_have_stable_pseudonyms(shop: Shop) -> None:
    shop.ingest(export(shop), "order", secret=Secret("k"))
    expected = hmac.new(b"k", PEOPLE["买家会员名"].encode(), hashlib.sha256).hexdigest()[:16]
    assert shop.rows("order")[0]["buyer"] == expected
    assert set(shop.rows("order")[0]) == {"order_id", "store_id", "amount", "buyer", "receiver"}


def test_refusals_do_not_show_people_either(shop: Shop) -> None:
    path = shop.write("o.csv", "订单编号,买家会员名,收货地址\n1,3.5E+18,浙江省\n")
    with pytest.raises(IngestError) as caught:
        shop.ingest(path, "order", secret=Secret("k"))
    assert caught.value.hint and "***" in caught.value.hint.en and "3.5E+18" not in caught.value.hint.en


def test_the_key_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("from-file\n", encoding="utf-8")
    named = {"STOREWATCH_PERSONAL_KEY_FILE": str(path)}
    found = personal_key(named)
    assert found and found.reveal() == "from-file"
    direct = personal_key({**named, "STOREWATCH_PERSONAL_KEY": "direct"})
    assert direct and direct.reveal() == "direct"
    assert personal_key({}) is None
    with pytest.raises(IngestError, match="cannot be read"):
        personal_key({"STOREWATCH_PERSONAL_KEY_FILE": str(tmp_path / "absent")})
    path.write_text("  \n", encoding="utf-8")
    with pytest.raises(IngestError, match="is empty"):
        personal_key(named)
