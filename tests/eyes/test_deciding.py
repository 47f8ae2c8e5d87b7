"""Which of the numbers on a picture is its price, from lines as OCR finds them: pure, and fast."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ingest.enrichers.prices.deciding import Reading, decide
from engine.ingest.enrichers.prices.lines import Line, normal, rows
from engine.ingest.enrichers.prices.words import Role, numbers
from engine.ingest.enrichers.reasons import SETTLED, Reason


def line(text: str, left: float = 50, top: float = 500, height: float = 60, score: float = 0.99) -> Line:
    width = sum(1.0 if ord(char) > 0x2000 else 0.55 for char in text) * height
    return Line(text, score, ((left, top), (left + width, top), (left + width, top + height), (left, top + height)))


def read(*lines: Line, struck: tuple[str, ...] = (), currency: str = "CNY") -> Reading:
    crossed = {one.quad for one in lines if one.text in struck}
    return decide(lines, lambda quad: quad in crossed, None, currency)


PRICES = {
    "label in the line": (("到手价¥199",), "199"),
    "券后": (("券后¥89.9",), "89.9"),
    "full-width": (("活动价￥１２９．９０",), "129.90"),
    "yuan after": (("仅199元",), "199"),
    "free postage": (("39.9包邮",), "39.9"),
    "thousands": (("到手价¥1,299.00",), "1299.00"),
    "for a pound": (("¥9.9/斤",), "9.9"),
    "yen taken for a letter": (("到手价V199",), "199"),
    "deposit beside": (("定金¥50", "预售到手价¥399"), "399"),
    "threshold beside": (("满300减40", "券后价¥260"), "260"),
    "second for nothing": (("第2件0元", "到手价¥59"), "59"),
    "instalments beside": (("24期免息 ¥83.25/期", "到手价¥1998"), "1998"),
    "counts beside": (("500ml", "3件装", "6.18", "双11", "秒杀价¥25.8"), "25.8"),
    "old price with a label": (("原价¥299", "现价¥199"), "199"),
    "both in one line": (("原价299元 到手价199元",), "199"),
    "cheaper by": (("直降100元", "到手价¥899"), "899"),
    "first hundred": (("前100名", "¥99"), "99"),
}


@pytest.mark.parametrize(("texts", "price"), PRICES.values(), ids=PRICES.keys())
def test_the_price_is_read(texts: tuple[str, ...], price: str) -> None:
    found = read(*(line(text, top=100 + 150 * number) for number, text in enumerate(texts)))
    assert (found.reason, found.price) == (Reason.READ, Decimal(price))


NONE = {
    "nothing": ((), Reason.NO_PRICE),
    "words": (("新品上市",), Reason.NO_PRICE),
    "threshold": (("满300减40",), Reason.NO_PRICE),
    "second for nothing": (("第2件0元",), Reason.NO_PRICE),
    "counts": (("500ml", "3件装", "24期免息", "2026新款"), Reason.NO_PRICE),
    "coupon": (("领券立减50元",), Reason.NO_PRICE),
    "deposit": (("定金¥50",), Reason.NO_PRICE),
    "instalment": (("¥83.25/期",), Reason.NO_PRICE),
    "old price": (("吊牌价：599元",), Reason.NO_PRICE),
    "double eleven": (("双11", "限时开抢"), Reason.NO_PRICE),
    "range": (("到手价¥59-129",), Reason.RANGE),
    "a day": (("6.18",), Reason.BARE_NUMBER),
    "dollars": (("NOW $19.99",), Reason.OTHER_CURRENCY),
    "decimals cut": (("到手价¥726.",), Reason.DECIMALS),
}


@pytest.mark.parametrize(("texts", "reason"), NONE.values(), ids=NONE.keys())
def test_what_is_no_price_is_told_why(texts: tuple[str, ...], reason: Reason) -> None:
    found = read(*(line(text, top=100 + 150 * number) for number, text in enumerate(texts)))
    assert (found.reason, found.price) == (reason, None)


def test_from_prices_are_told_apart() -> None:
    assert read(line("199元起")).reason is Reason.FROM
    assert read(line("低至¥199起")).price == 199


def test_dollars_are_read_where_prices_are_in_dollars() -> None:
    assert read(line("NOW $19.99"), currency="USD").price == Decimal("19.99")


def test_small_digits_behind_large_ones_are_decimals() -> None:
    big = line("¥129", left=50, top=500, height=80)
    right = big.quad[1][0]
    assert read(big, line(".90", left=right + 2, top=500, height=40)).price == Decimal("129.90")
    assert read(big, line("90", left=right + 2, top=500, height=40)).price == Decimal("129.90")


def test_what_is_crossed_out_is_the_old_price() -> None:
    old, new = line("¥299", top=300), line("¥199", top=450)
    assert read(old, new).reason is Reason.SEVERAL
    assert read(old, new, struck=("¥299",)).price == 199


def test_two_prices_of_equal_weight_are_not_decided() -> None:
    assert read(line("小号¥59", left=20), line("大号¥89", left=420)).reason is Reason.SEVERAL


def test_a_label_above_counts() -> None:
    found = read(
        line("原价", top=400, height=30), line("¥299", top=440), line("券后", left=450, top=400, height=30), line("¥199", left=450, top=440)
    )
    assert found.price == 199


def test_unsure_digits_are_unreadable_unless_a_second_look_agrees() -> None:
    faint = line("到手价¥199", score=0.85)
    assert read(faint).reason is Reason.UNSURE
    assert decide([faint], lambda quad: False, lambda quad: ("到手价¥199", 0.86)).price == 199
    assert decide([line("到手价¥1449")], lambda quad: False, lambda quad: ("¥144.9", 0.95)).reason is Reason.DECIMALS


def test_a_number_in_two_pieces_is_not_taken_by_halves() -> None:
    first = line("券后价¥2", left=50)
    assert read(first, line("252.99", left=first.quad[1][0] - 5)).price is None


@given(st.lists(st.text("0123456789.¥元满减到手价原起-期件 ", max_size=12), max_size=6))
def test_any_lines_give_an_answer(texts: list[str]) -> None:
    found = read(*(line(text, top=80 * number) for number, text in enumerate(texts)))
    assert (found.price is not None) == (found.reason in (Reason.READ, Reason.FROM))
    assert found.price is None or 0 < found.price <= 1_000_000
    assert found.reason in SETTLED or found.quad is not None


@given(st.text(max_size=30))
def test_any_text_is_made_plain_once(text: str) -> None:
    assert all(number.role in Role for number in numbers(normal(text)))


def test_a_row_is_put_together_from_left_to_right() -> None:
    label, sign, digits = line("到手价", left=10), line("¥", left=200), line("199", left=238)
    assert [[one.text for one in row] for row in rows([digits, label, sign])] == [["到手价", "¥", "199"]]
