"""Incidents from exports to mails, by the command."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.cli.previewing import Maker
from engine.cli.previewing_incidents import Incidents
from engine.model import Identity
from engine.project import load_project
from engine.state import State, firing_at
from tests.rounds.conftest import Shop, shop

__all__ = ["shop"]

ROOT = Path(__file__).parents[2]
SHANGHAI = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 11, 20, 9, tzinfo=SHANGHAI)
PRODUCTS = "product_id,store_id,sku,title,status,final_price,floor_price,cost,image_price\n"
BAD = "P1,s1,K1,保温杯,on_sale,50,80,40,99\n"
PAINTED_RIGHT = "P1,s1,K1,保温杯,on_sale,50,80,40,50\n"
FLOOR_RIGHT = "P1,s1,K1,保温杯,on_sale,90,80,40,99\n"
MENDED = "P1,s1,K1,保温杯,on_sale,90,80,40,90\n"
RULES = ("--rule", "price_below_floor", "--rule", "price_image_mismatch")


def placements(shop: Shop) -> None:
    """The rule looks at banners too: without this export nobody knows whether the incident is over."""
    head = "placement_id,store_id,page,kind,title,live,product_id,starts_at,ends_at\n"
    shop.ingest("placement", head + "W1,s1,home,banner,会员,true,P1,2026-11-01,2026-12-30\n", "2026-11-20T08:00")


def evaluate(shop: Shop, row: str, clock: str) -> list[str]:
    """The rules that mails were sent about."""
    shop.ingest("product", PRODUCTS + row, f"2026-11-{clock}")
    before = len(shop.inbox.mails)
    shop.do("run", "--at", f"2026-11-{clock}", *RULES)
    return sorted({str(mail["X-Storewatch-Alert"]) for mail in shop.inbox.mails[before:]})


def test_one_message_tells_of_all(shop: Shop) -> None:
    assert evaluate(shop, BAD, "20T09:00") == ["price_incident"]
    mail = shop.inbox.about("price_incident")[0]
    assert "到手价低于限价或成本；图片价格与实际价格不符" in str(mail["Subject"])
    body = mail.get_body(("plain",))
    assert body is not None
    assert "告警 到手价低于限价或成本，编号 P1，商品 保温杯，到手价 ¥50.00，最低限价 ¥80.00" in body.get_content()


def test_the_owners_of_what_it_tells_hear_of_it(shop: Shop) -> None:
    evaluate(shop, BAD, "20T09:00")
    told = {address for mail in shop.inbox.about("price_incident") for address in str(mail["To"]).split(", ")}
    assert told == {"page@shop.example", "ads@shop.example", "lead@shop.example"}, "the floor is promotion's, the picture page's"


def test_what_goes_on_when_the_incident_is_over_is_told_by_itself(shop: Shop) -> None:
    placements(shop)
    evaluate(shop, BAD, "20T09:00")
    assert evaluate(shop, PAINTED_RIGHT, "20T10:00") == [], "within keep_firing_for nothing is told"
    assert evaluate(shop, PAINTED_RIGHT, "20T12:30") == ["price_below_floor", "price_incident"]
    told = shop.json("why", "price_below_floor/P1")
    assert [event["reason"] for event in told["history"]] == ["first", "surfaced"]
    assert [each["reason"] for each in told["suppressed"]] == ["explained"]


def test_the_end_of_what_was_never_told_is_not_told(shop: Shop) -> None:
    placements(shop)
    evaluate(shop, BAD, "20T09:00")
    assert evaluate(shop, MENDED, "20T10:00") == []
    assert evaluate(shop, MENDED, "20T12:30") == ["price_incident"]


def test_the_end_of_what_was_told_before_is_told(shop: Shop) -> None:
    placements(shop)
    assert evaluate(shop, PAINTED_RIGHT, "20T08:30") == ["price_below_floor"]
    assert evaluate(shop, BAD, "20T09:00") == ["price_incident"]
    assert evaluate(shop, FLOOR_RIGHT, "20T10:00") == ["price_below_floor"]


def test_no_reminders_of_what_the_incident_tells(shop: Shop) -> None:
    placements(shop)
    evaluate(shop, BAD, "20T09:00")
    assert evaluate(shop, BAD, "20T21:30") == ["price_incident"], "its own reminder, after 12 h"


def test_without_data_of_banners_the_end_is_not_known(shop: Shop) -> None:
    evaluate(shop, BAD, "20T09:00")
    evaluate(shop, MENDED, "20T12:30")
    assert shop.json("why", "price_incident/P1")["alert"]["state"] == "firing"
    found = shop.json("explain", "price_incident", "--key", "P1", "--at", "2026-11-20T12:30")
    assert found["verdict"] == "unknown"


@pytest.mark.parametrize(("key", "verdict", "lacks"), [("P1", "true", [None, None]), ("P9", "false", ["no_fact", None])])
def test_explain_tells_which_pattern_found_what(shop: Shop, key: str, verdict: str, lacks: list[str | None]) -> None:
    placements(shop)
    evaluate(shop, BAD, "20T09:00")
    found = shop.json("explain", "price_incident", "--key", key, "--at", "2026-11-20T09:00")
    assert found["verdict"] == verdict
    assert [part["lacks"] for part in found["ways"][0]][:2] == lacks
    assert found["ways"][0][0]["rows"] == (["price_below_floor/P1"] if key == "P1" else [])


def test_explain_in_words(shop: Shop) -> None:
    evaluate(shop, BAD, "20T09:00")
    text = shop.do("explain", "price_incident", "--key", "P1", "--at", "2026-11-20T09:00").stdout
    assert "✓ TRUE: it is there" in text
    assert "✓ floor: alert where name == 'price_below_floor'\n        · price_below_floor/P1" in text
    assert "told in the message of price_incident/P1" in shop.do("why", "price_image_mismatch/P1").stdout
    shop.do("explain", "price_incident", expect=2)


def test_explain_looks_at_the_alerts_of_that_time(shop: Shop) -> None:
    placements(shop)
    evaluate(shop, BAD, "20T09:00")
    evaluate(shop, MENDED, "20T12:30")
    then, now = (shop.json("explain", "price_incident", "--key", "P1", "--at", f"2026-11-20T{at}") for at in ("10:00", "12:30"))
    assert (then["verdict"], now["verdict"]) == ("true", "false")
    before = shop.json("explain", "price_incident", "--key", "P1", "--at", "2026-11-20T08:00")
    assert before["verdict"] == "false" and before["ways"][0][0]["rows"] == []


def test_values_and_severity_of_a_past_alert_are_those_of_its_last_change(shop: Shop) -> None:
    placements(shop)
    evaluate(shop, PAINTED_RIGHT, "20T09:00")
    evaluate(shop, MENDED, "20T10:00")
    evaluate(shop, PAINTED_RIGHT.replace(",50,80,", ",60,80,"), "20T11:00")
    with State.open(f"sqlite:///{shop.folder / 'state.db'}") as state:
        found = {hour: firing_at(state, datetime(2026, 11, 20, hour, 30, tzinfo=SHANGHAI)) for hour in (8, 9, 10, 11)}
    floor = Identity("price_below_floor", ("P1",))
    assert [floor in alerts for alerts in found.values()] == [False, True, False, True]
    prices = [next(item.value for item in found[hour][floor].shown if item.label.zh == "到手价") for hour in (9, 11)]
    assert prices == [50, 60]
    assert found[9][floor].firing_since == datetime(2026, 11, 20, 9, tzinfo=SHANGHAI)
    assert found[9][floor].resolved_at is None


def test_preview_of_an_incident_that_is_there_is_its_message(shop: Shop) -> None:
    evaluate(shop, BAD, "20T09:00")
    made = shop.json("preview", "price_incident", "--at", "2026-11-20T09:00")
    assert (made["real"], made["key"]) == (True, ["P1"])
    assert made["subject"] == shop.do("preview", "price_incident", "--key", "P1", "--at", "2026-11-20T09:00").stdout.splitlines()[0]
    assert "Price charged ¥50.00" in made["text"]
    assert {to["address"] for to in made["recipients"]} == {"page@shop.example", "ads@shop.example", "lead@shop.example"}
    assert "there is no such incident" in shop.do("preview", "price_incident", "--key", "P9", expect=2).stderr


@pytest.mark.parametrize("event", ["firing", "repeat", "resolved"])
def test_preview_makes_an_example_up(event: str) -> None:
    project = load_project(ROOT)
    for rule in project.incidents:
        source = Incidents(project, rule, AT)
        assert source.first(None)[0] is None
        made = Maker(project, source, AT, event, "en").make(None, None)
        assert made.identity is None and made.rendered.fault == "", rule.name
        assert made.recipients and ("- Alert " in made.rendered.text or event == "resolved")
