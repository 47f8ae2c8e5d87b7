"""`storewatch why`: what became of an alert, whatever became of its messages."""

from __future__ import annotations

import re

import pytest

from engine.model import Identity
from tests.explain.conftest import stores
from tests.rounds.conftest import Shop

S1 = Identity("falling", ("s1",)).fingerprint


def day(shop: Shop, number: int, rating: str, *, expect: int = 0) -> None:
    stores(shop, number, f"s1,一号店,营业中,{rating},1,1,")
    shop.do("run", "--at", f"2026-11-{number:02d}T09:30", expect=expect)


def test_delivered_repeated_and_resolved(shop: Shop) -> None:
    for number, rating in ((1, "4.6"), (2, "4.6"), (3, "4.4"), (4, "4.6"), (5, "4.9")):
        day(shop, number, rating)
    story = shop.json("why", S1)
    assert story["rule"] == "falling" and story["key"] == ["s1"] and story["alert"]["state"] == "resolved"
    moves = [(event["before"], event["after"], event["reason"]) for event in story["history"]]
    assert moves == [
        (None, "firing", "first"),
        ("firing", "firing", "repeat_due"),
        ("firing", "firing", "severity_rose"),
        ("firing", "firing", "severity_fell"),
        ("firing", "resolved", "no_longer_true"),
    ]
    assert [item["reason"] for item in story["suppressed"]] == ["severity_fell"]
    assert {letter["state"] for letter in story["messages"]} == {"delivered"}
    assert [letter["recipient"] for letter in story["messages"]].count("lead@shop.example") >= 1
    text = shop.do("why", "falling/s1").output
    assert "firing → resolved" in text and "the condition is no longer true" in text
    assert re.search(r"mail:service@shop.example  delivered [0-9: -]+  \(1 attempt: accepted\)", text)
    assert "it became less severe" in text and "storewatch explain falling --key s1" in text


def test_queued_after_a_failed_attempt(shop: Shop) -> None:
    shop.inbox.refuse = "451 try again later"
    day(shop, 1, "4.6", expect=3)
    text = shop.do("why", S1[:6]).output
    assert "queued  (1 attempt: recipient_deferred 451 try again later)" in text and "next attempt" in text
    assert "firing since 2026-11-01 09:30, Warning" in text


def test_given_up(shop: Shop) -> None:
    shop.inbox.refuse = "550 no such user"
    day(shop, 1, "4.6", expect=3)
    (letter, *_) = shop.json("why", S1)["messages"]
    assert (letter["state"], letter["category"]) == ("dead", "bad_recipient")
    assert "given up  (1 attempt: bad_recipient 550 no such user)" in shop.do("why", S1).output


def test_pending_and_never_fired(shop: Shop) -> None:
    for number, visits in ((1, 0), (2, 5)):
        shop.ingest("traffic", f"店铺编号,来源,访问\ns1,搜索,{visits}\n", f"2026-11-{number:02d}T08:50", "--all-stores")
        shop.do("run", "--at", f"2026-11-{number:02d}T09:30")
    story = shop.json("why", "no_visits/s1/搜索")
    assert story["alert"] is None, "an alert that never fired leaves its history only"
    assert [item["reason"] for item in story["suppressed"]] == ["still_pending", "never_fired"]
    text = shop.do("why", "no_visits").output
    assert "over: it never fired" in text and "ended before it had lasted" in text


def test_chinese(shop: Shop) -> None:
    day(shop, 1, "4.6")
    text = shop.do("--lang", "zh", "why", S1).output
    assert "报警中，自 2026-11-01 09:30，警告" in text and "已送达" in text and "规则条件刚刚成立" in text


def test_several_none_and_near(shop: Shop) -> None:
    stores(shop, 1, "s1,一号店,营业中,4.6,1,1,", "s2,二号店,营业中,4.6,1,1,")
    shop.do("run", "--at", "2026-11-01T09:30")
    several = shop.do("why", "falling", expect=2).output
    assert "may mean 2 alerts" in several and f"{S1}  falling/s1" in several
    assert "may mean" in shop.do("why", "", expect=2).output
    assert "did you mean falling/s1" in shop.do("why", "falling/s11", expect=2).output
    assert "storewatch explain falling" in shop.do("why", "falling/x", expect=2).output
    assert "no alert 'zzz' ever was" in shop.do("why", "zzz", expect=2).output


def test_before_anything_was_evaluated(shop: Shop) -> None:
    assert "nothing was ever evaluated" in shop.do("why", S1, expect=2).output
    assert not (shop.folder / "state.db").exists()


@pytest.mark.parametrize("name", ["%", "_", "' or 1=1 --", "falling/%"])
def test_a_prefix_is_taken_literally(name: str, shop: Shop) -> None:
    day(shop, 1, "4.6")
    assert "ever was" in shop.do("why", name, expect=2).output


def test_built_in_alerts_and_rules_that_are_gone(shop: Shop) -> None:
    day(shop, 1, "4.6")
    shop.do("run", "--at", "2026-11-03T09:30")
    assert "Data did not come" in shop.do("why", "stale_data").output
    rules = shop.folder / "rules" / "rules.yaml"
    rules.write_text(rules.read_text(encoding="utf-8").replace("alert: falling", "alert: sinking"), encoding="utf-8")
    shop.do("run", "--at", "2026-11-04T09:30")
    text = shop.do("why", "falling/s1").output
    assert "the rule was deleted or renamed" in text and "storewatch explain falling" not in text
