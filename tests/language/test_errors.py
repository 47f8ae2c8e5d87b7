"""Broken expressions beside the exact message, place and hint that each gives: ``bad_expressions.txt``.

``python -m tests.language.test_errors`` writes that file anew; look at the difference before committing it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import Problem
from engine.language import ExpressionError, understand
from tests.language.schemas import scope

GOLDEN = Path(__file__).with_name("bad_expressions.txt")

CASES = [
    # what does not parse
    ("store", ""),
    ("store", "   "),
    ("store", "uv = 5"),
    ("store", "uv === 5"),
    ("store", "1 < uv < 5"),
    ("store", "uv == 1 == 2"),
    ("store", "uv <> 5"),
    ("store", "uv > 5 && name == 'a'"),
    ("store", "uv > 5 || uv < 2"),
    ("store", "uv > 5 AND uv < 9"),
    ("store", "uv > 5 并且 uv < 9"),
    ("store", "!(uv > 5)"),
    ("store", "uv is not missing"),
    ("store", "uv is null"),
    ("store", "uv in [1, 2]"),
    ("store", "uv in 3"),
    ("store", "name not contains 'a'"),
    ("store", "name like 'a'"),
    ("store", "name matches name"),
    ("store", "uv between 1 or 2"),
    ("store", "uv >"),
    ("store", "uv > 5 and"),
    ("store", "(uv > 5"),
    ("store", "uv > 5)"),
    ("store", "count(order where"),
    ("store", "uv uv"),
    ("store", "1 2"),
    ("store", "uv > 1,000"),
    ("store", "uv > 5 ; true"),
    ("store", "missing > 5"),
    ("store", "name == 'abc"),
    ("store", 'name == "abc'),
    ("store", "name == 'it's'"),
    ("store", "uv ＞ 5"),
    ("store", "（uv > 5） and name == “a”"),
    ("store", "描述相符 ＜ ４．７，"),
    ("store", "name == '（全角）' and uv ≥ 5"),
    ("store", "uv > 1.5h"),
    ("store", "uv > 12."),
    ("store", "uv > 5x"),
    ("store", "uv > 30m1h"),
    ("store", "uv > 99999999d"),
    ("store", "name == 12345678901234567890"),
    ("store", "uv > 1e5"),
    ("store", "uv > \u200b5"),
    ("store", "uv > 5\x00"),
    # names
    ("store", "dsr_dsc < 4.7"),
    ("store", "描述相苻 < 4.7"),
    ("store", "nonsense > 1"),
    ("store", "uv == null"),
    ("store", "status == open"),
    ("store", "uv > 1 and foo > 2 and bar(3) or qux == 'x'"),
    ("order", "title == 'x'"),
    ("order", "product.pirce > 5"),
    ("order", "produkt.price > 5"),
    ("order", "product > 5"),
    ("order", "refund.amount > 5"),
    ("order", "金额 > 5"),
    ("swap", "product.price > 5"),
    ("visit", "traffic.uv > 5"),
    ("store", "count(ordr) > 1"),
    ("product", "count(refund) > 1"),
    ("product", "count(swap) > 1"),
    ("traffic", "count(visit) > 1"),
    ("visit", "count(order) > 1"),
    # types and units
    ("store", "status"),
    ("store", "uv"),
    ("store", "uv > 5 and refund_rate or not name"),
    ("store", "opened_on"),
    ("store", "refund_rate > 5"),
    ("store", "refund_rate > 0.05"),
    ("store", "1 - refund_rate > 95%"),
    ("store", "refund_rate > if(uv > 5, 1, 2)"),
    ("store", "refund_rate in (0, 1, 2)"),
    ("store", "uv > 5%"),
    ("store", "sales > 5%"),
    ("store", "sales > uv"),
    ("store", "sales * cost > 5"),
    ("store", "sales > 100 / 3"),
    ("store", "dsr_desc < response"),
    ("store", "dsr_desc + response > 5"),
    ("store", "dsr_desc < 95%"),
    ("store", "uv == '5'"),
    ("store", "name > 'a'"),
    ("store", "name between 'a' and 'b'"),
    ("store", "name + 'x' == 'y'"),
    ("store", "uv contains 'a'"),
    ("store", "name contains 5"),
    ("store", "status == 'opne'"),
    ("store", "status in ('open', 'close', 'x')"),
    ("store", "uv between 9 and 5"),
    ("store", "5 is missing"),
    ("store", "now is present"),
    ("store", "-name == 'a'"),
    ("store", "opened_on < '2026-13-01'"),
    ("store", "opened_on < '2026-11-11 10:00'"),
    ("store", "opened_on + 3d < now"),
    ("store", "age(opened_on) > 3d"),
    ("order", "paid_at < 'yesterday'"),
    ("order", "paid_at > 48h"),
    ("order", "age(paid_at) > 48"),
    ("order", "age(paid_at) > 5%"),
    ("order", "paid_at + promised_ship_at > now"),
    ("order", "paid_at > due_on"),
    ("order", "handling * handling > 5h"),
    ("order", "5 / handling > 1"),
    ("order", "gift == 'true'"),
    ("order", "gift > false"),
    ("order", "gift + 1 > 1"),
    ("order", "buyer contains 'x'"),
    ("order", "coalesce(buyer, 'x') == 'y'"),
    ("order", "count(by buyer) > 1"),
    ("order", "remark matches '(?=a)'"),
    ("order", "remark matches '('"),
    # functions
    ("store", "(moan(uv, 7d)) > 1"),
    ("store", "mean(uv) > 1"),
    ("store", "mean(uv, 7) > 1"),
    ("store", "mean(uv, 0d) > 1"),
    ("store", "mean(uv, 500d) > 1"),
    ("store", "mean(name, 7d) > 1"),
    ("store", "round(dsr_desc, 12) > 1"),
    ("store", "round(dsr_desc, uv) > 1"),
    ("store", "age(name) > 3d"),
    ("store", "if(uv, 1, 2) > 1"),
    ("store", "coalesce(uv, 'x') == 1"),
    ("store", "least(name, 'x') == 'x'"),
    ("store", "min(sales) < 5"),
    ("store", "max(sales, cost) < 5"),
    ("store", "sum(order.amount) > 5"),
    ("store", "sum(order) > 5"),
    ("store", "count(uv of order) > 5"),
    ("store", "sum(status of order) > 5"),
    ("store", "share(amount of order) > 5%"),
    ("store", "share(gift by store_id) > 5%"),
    ("store", "total(amount of order) > 5"),
    ("store", "mean(previous(uv), 7d) > 1"),
    ("store", "mean(count(order), 7d) > 1"),
    ("store", "count(order where previous(amount) > 1) > 1"),
    ("store", "count(product where count(order) > 1) > 1"),
    ("store", "highest(age(now), 7d) > 1h"),
    ("order", "previous(product.price) > 5"),
    ("order", "previous(product is missing)"),
    ("order", "min(amount by product.sku) > 5"),
    ("store", "sum(amont of order where stauts == 'paid' and paid_at > 3h) > 5%"),
    # names with brackets
    ("store", "退款占比(%) > 5"),
    ("store", "`退款占比 > 5"),
]


def told(kind: str, text: str) -> str:
    """The expression and all its problems, as ``storewatch check`` would print them, with the Chinese sentences below."""
    try:
        understand(text, scope(kind), condition=True)
    except ExpressionError as error:
        return "\n".join([f"{kind}> {_visible(text)}", *(line for problem in error.problems for line in _lines(problem, text))])
    raise AssertionError(f"{text!r} is accepted")


def _lines(problem: object, text: str) -> list[str]:
    code, sentence, hint, span = problem.code, problem.text, problem.hint, problem.span  # type: ignore[attr-defined]
    shown = Problem("rule", 1, span.start + 1, code, sentence, hint, _visible(text), max(1, span.end - span.start))
    return [*shown.render("en").splitlines(), f"    {sentence.zh}{' 提示：' + hint.zh if hint else ''}"]


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _golden() -> dict[str, str]:
    return {block.split("\n", 1)[0]: block for block in GOLDEN.read_text(encoding="utf-8").strip("\n").split("\n\n")}


@pytest.mark.parametrize(("kind", "text"), CASES, ids=[f"{kind}-{text[:40]}" for kind, text in CASES])
def test_message(kind: str, text: str) -> None:
    assert told(kind, text) == _golden()[f"{kind}> {_visible(text)}"]


def test_every_golden_message_has_its_case() -> None:
    assert list(_golden()) == [f"{kind}> {_visible(text)}" for kind, text in CASES]


if __name__ == "__main__":
    GOLDEN.write_text("\n\n".join(told(kind, text) for kind, text in CASES) + "\n", encoding="utf-8")
