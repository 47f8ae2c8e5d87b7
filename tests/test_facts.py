"""facts.yaml: what is read, what is merged, and that every mistake is told at its place."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from engine.errors import Problem, ProblemsFound
from engine.facts import Alias, Facts, normal_heading
from engine.facts_file import load_facts
from engine.model import Type

KINDS = set("store order refund complaint review product placement promotion ad_account ad_campaign".split()) | set(
    "ad_keyword traffic shift violation rival".split()
)
SHIPPED = Path(__file__).parent.parent / "facts.yaml"
GOOD = """\
time_zone: Asia/Shanghai
kinds:
  store:
    title: {zh: 店铺, en: Store}
    key: store_id
    fresh_for: 26h
    columns:
      store_id: {type: string, title: {zh: 店铺编号, en: Store}, aliases: [店铺Id]}
      score: {type: number, min: 0, max: 5, aliases: [评分]}
  order:
    key: order_id
    fresh_for: 2h
    references: {buddy_id: order}
    columns:
      order_id: {type: string, aliases: [订单编号, 订单号]}
      store_id: {type: string}
      buddy_id: {type: string}
      spent: {type: money, unit: 元, aliases: [花费, {heading: 花费(分), in: cents}]}
      status: {type: string, values: {paid: [买家已付款], done: [交易成功]}}
      starts_at: {type: timestamp, aliases: [{heading: 活动时间, part: start}]}
      ends_at: {type: timestamp, aliases: [{heading: 活动时间, part: end}]}
"""


def facts_of(folder: Path, text: str, name: str = "facts.yaml") -> Facts:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load_facts(path, name)


def problems_of(folder: Path, text: str) -> tuple[Problem, ...]:
    with pytest.raises(ProblemsFound) as caught:
        facts_of(folder, text)
    return caught.value.problems


def test_a_good_file_becomes_kinds(tmp_path: Path) -> None:
    facts = facts_of(tmp_path, GOOD)
    order = facts.kinds["order"]
    assert order.key == ("order_id",)
    assert order.fresh_for == timedelta(hours=2)
    assert order.references == {"buddy_id": "order", "store_id": "store"}
    assert order.columns["order_id"].required and order.columns["store_id"].required and not order.columns["spent"].required
    assert order.columns["spent"].aliases == (Alias("花费"), Alias("花费(分)", "cents"))
    assert facts.kinds["store"].columns["score"].high == Decimal(5)
    assert (facts.time_zone, facts.max_bad, facts.expected) == ("Asia/Shanghai", Decimal("0.05"), ())


def test_expressions_see_titles_and_plain_headings_as_names(tmp_path: Path) -> None:
    schema = facts_of(tmp_path, GOOD).schemas["order"]
    assert schema.columns["order_id"].names == ("订单编号", "订单号")
    assert schema.columns["spent"].names == ("花费",)
    assert schema.columns["starts_at"].names == ()
    assert schema.columns["status"].values == ("paid", "done")
    assert schema.columns["spent"].type is Type.MONEY


MISTAKES = {
    "unknown type": ("type: money", "type: mony", "unknown_type", 18, "money"),
    "unknown key": ("fresh_for: 2h", "fresh_four: 2h", "unknown_key", 12, "fresh_for"),
    "bad duration": ("fresh_for: 2h", "fresh_for: 2 hours", "bad_duration", 12, "30m"),
    "key is no column": ("key: order_id", "key: ordr_id", "unknown_column", 11, "order_id"),
    "no key": ("    key: order_id\n", "", "missing_key", 10, ""),
    "no type": ("buddy_id: {type: string}", "buddy_id: {unit: 元}", "missing_key", 17, "timestamp"),
    "no store_id": ("      store_id: {type: string}\n", "", "missing_store_id", 10, ""),
    "reference to no kind": ("{buddy_id: order}", "{buddy_id: ordr}", "unknown_kind", 13, "order"),
    "reference of no column": ("{buddy_id: order}", "{body_id: order}", "unknown_column", 13, "buddy_id"),
    "alias of two columns": ("aliases: [花费,", "aliases: [订单号, 花费,", "alias_taken", 18, ""),
    "alias given twice": ("[订单编号, 订单号]", "[订单编号, 订单编号]", "alias_twice", 15, ""),
    "title is another's heading": (
        "buddy_id: {type: string}",
        "buddy_id: {type: string, title: {zh: 订单号, en: B}}",
        "alias_taken",
        17,
        "",
    ),
    "bounds on text": ("buddy_id: {type: string}", "buddy_id: {type: string, min: 1}", "bounds_on_text", 17, ""),
    "min above max": ("min: 0, max: 5", "min: 6, max: 5", "min_above_max", 9, ""),
    "values of a number": ("{type: number, min", "{type: number, values: {a: [b]}, min", "values_not_text", 9, ""),
    "text means two values": ("done: [交易成功]", "done: [买家已付款]", "value_twice", 19, ""),
    "unknown conversion": ("in: cents", "in: cent", "unknown_conversion", 18, "cents"),
    "conversion of another type": ("in: cents", "in: unix_seconds", "conversion_mismatch", 18, ""),
    "part of a number": ("[花费,", "[{heading: 花费, part: start},", "part_mismatch", 18, ""),
    "bad name": ("buddy_id: {type", "Buddy-Id: {type", "bad_name", 17, ""),
    "key is a number": ("order_id: {type: string,", "order_id: {type: integer,", "key_not_text", 15, ""),
    "unknown time zone": ("Asia/Shanghai", "Asia/Shangai", "bad_time_zone", 1, "Asia/Shanghai"),
    "composite key referred to": ("key: order_id", "key: [store_id, order_id]", "reference_to_composite_key", 13, ""),
    "extends nothing": ("time_zone: Asia/Shanghai", "extends: ../nowhere.yaml", "extends_missing", 1, ""),
    "extends itself": ("time_zone: Asia/Shanghai", "extends: facts.yaml", "extends_circle", 1, ""),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_at_its_place(name: str, tmp_path: Path) -> None:
    before, after, code, line, hint = MISTAKES[name]
    assert before in GOOD
    found = problems_of(tmp_path, GOOD.replace(before, after, 1))
    match = [problem for problem in found if problem.code == code]
    assert match, [problem.render() for problem in found]
    assert (match[0].file, match[0].line) == ("facts.yaml", line)
    assert hint in (match[0].hint.en if match[0].hint else "")
    assert match[0].text.zh and match[0].source


def test_the_caret_is_under_the_alias(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, GOOD.replace("aliases: [花费,", "aliases: [订单号, 花费,"))
    assert problem.source[problem.column - 1 :].startswith("订单号")


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = (
        GOOD.replace("key: order_id", "key: ordr_id")
        .replace("{buddy_id: order}", "{buddy_id: odder}")
        .replace("min: 0, max: 5", "min: 6, max: 5")
    )
    assert {"unknown_column", "unknown_kind", "min_above_max"} <= {problem.code for problem in problems_of(tmp_path, text)}


OVERLAY = """\
extends: facts.yaml
max_bad: 1%
expected: [s1, s2]
kinds:
  order:
    fresh_for: 4h
    columns:
      order_id: {aliases: [numero]}
      status: {values: {paid: [pago], lost: [perdido]}}
      seller: {type: string, title: {zh: 卖家, en: Seller}}
  purchase:
    key: purchase_id
    fresh_for: 1h
    columns:
      purchase_id: {type: string}
      store_id: {type: string, aliases: [seller_id]}
"""


def test_an_overlay_adds_and_replaces(tmp_path: Path) -> None:
    facts_of(tmp_path, GOOD)
    facts = facts_of(tmp_path, OVERLAY, "mine.yaml")
    order = facts.kinds["order"]
    assert order.fresh_for == timedelta(hours=4)
    assert [alias.heading for alias in order.columns["order_id"].aliases] == ["订单编号", "订单号", "numero"]
    assert order.columns["status"].values == {"paid": ("买家已付款", "pago"), "done": ("交易成功",), "lost": ("perdido",)}
    assert order.columns["seller"].title.en == "Seller"
    assert set(facts.kinds) == {"store", "order", "purchase"}
    assert (facts.max_bad, facts.expected) == (Decimal("0.01"), ("s1", "s2"))


def test_a_problem_names_the_file_it_is_in(tmp_path: Path) -> None:
    facts_of(tmp_path, GOOD)
    with pytest.raises(ProblemsFound) as caught:
        facts_of(tmp_path, OVERLAY.replace("[numero]", "[花费]"), "mine.yaml")
    assert [(problem.file, problem.line, problem.code) for problem in caught.value.problems] == [("mine.yaml", 8, "alias_taken")]


def test_an_overlay_may_give_a_heading_a_new_unit(tmp_path: Path) -> None:
    facts_of(tmp_path, GOOD)
    text = "extends: facts.yaml\nkinds:\n  order:\n    columns:\n      spent: {aliases: [{heading: 花费, in: cents}]}\n"
    facts = facts_of(tmp_path, text, "mine.yaml")
    assert Alias("花费", "cents") in facts.kinds["order"].columns["spent"].aliases
    assert Alias("花费") not in facts.kinds["order"].columns["spent"].aliases


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("收货地址 ", "收货地址"),
        ("\ufeff订单编号", "订单编号"),
        ("花费（分）", "花费(分)"),
        ("订单\u200b编号", "订单编号"),
        ("a \u00a0 b", "a b"),
        ("３分钟回复率", "3分钟回复率"),
    ],
)
def test_headings_are_compared_as_people_read_them(written: str, same: str) -> None:
    assert normal_heading(written) == same


def test_the_shipped_file_declares_every_kind_in_both_languages() -> None:
    facts = load_facts(SHIPPED)
    assert set(facts.kinds) == KINDS
    for kind in facts.kinds.values():
        assert "store_id" in kind.columns
        for column in kind.columns.values():
            assert column.title.zh != column.title.en, f"{kind.name}.{column.name} has one title for both languages"


def test_addresses_and_phones_can_not_even_be_asked_for() -> None:
    order = load_facts(SHIPPED).schemas["order"]
    assert order.columns["buyer"].personal
    assert not {"address", "phone", "buyer_account"} & set(order.columns)


def test_the_overlay_in_the_docs_is_right(tmp_path: Path) -> None:
    page = (SHIPPED.parent / "docs" / "ingest.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "mine").mkdir()
    (tmp_path / "facts.yaml").write_text(SHIPPED.read_text(encoding="utf-8"), encoding="utf-8")
    facts = facts_of(tmp_path / "mine", block)
    assert Alias("实收(分)", "cents") in facts.kinds["order"].columns["amount"].aliases
    assert "已付款待处理" in facts.kinds["order"].columns["status"].values["paid"]
