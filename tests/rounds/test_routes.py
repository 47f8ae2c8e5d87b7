"""`storewatch routes`, and digests from the shell to the mail."""

from __future__ import annotations

from tests.rounds.conftest import Shop, parts
from tests.rounds.test_waiting import at_night, change, rated, run

STEPS = "route:\n  escalate: [{after: 30m, receiver: owner_and_lead}]\n"
DIGEST = "route:\n  digest: {at: ['09:00', '18:00']}\n"


def test_the_tree_tells_what_each_route_takes_from_above(shop: Shop) -> None:
    at_night(shop)
    said = shop.do("routes").output
    assert "every alert → owner\n" in said and '  severity="critical" → owner_and_lead\n' in said
    assert said.count("silent during night") == 2
    top, critical = shop.json("routes")
    assert (top["receiver"], top["mute_time_intervals"], top["repeat_interval"]) == ("owner", ["night"], 86400.0)
    assert (critical["receiver"], critical["mute_time_intervals"], critical["repeat_interval"]) == ("owner_and_lead", ["night"], 43200.0)


def test_labels_are_tried(shop: Shop) -> None:
    at_night(shop)
    at = ("--at", "2026-11-02T23:00")
    said = shop.do("routes", "test", "alert=dsr_drop", "severity=warning", *at, "--expect", "owner").output
    assert "{} → owner" in said and "tells mail:service@shop.example" in said
    assert "not now, but at 2026-11-03 08:00: its route is muted" in said
    assert "到 2026-11-03 08:00 再发：路由处于静默时段" in shop.do("--lang", "zh", "routes", "test", "alert=dsr_drop", *at).output
    (only,) = shop.json("routes", "test", "severity=critical", "owner=service", "--at", "2026-11-02T12:00")["routes"]
    assert (only["receiver"], only["told_now"], only["until"]) == ("owner_and_lead", True, None)
    assert [to["address"] for to in only["recipients"]] == ["service@shop.example", "lead@shop.example"]


def test_a_mismatch_is_1_and_slips_are_told(shop: Shop) -> None:
    said = shop.do("routes", "test", "severity=critical", "owner=service", "--expect", "owner", expect=1).output
    assert "expected owner, but it goes to owner_and_lead" in said
    assert "did you mean owner" in shop.do("routes", "test", "severity=critical", "--expect", "ownr", expect=2).output
    assert "is not a label with a value" in shop.do("routes", "test", "critical", expect=2).output
    assert "did you mean critical" in shop.do("routes", "test", "severity=critcal").output


def test_escalations_are_shown_with_whom_they_reach(shop: Shop) -> None:
    change(shop.folder / "channels.yaml", "route:\n", STEPS)
    said = shop.do("routes", "test", "alert=dsr_drop", "severity=warning").output
    assert "tells owner_and_lead when nobody acknowledges within 30m" in said
    assert "+30m owner_and_lead: mail:service@shop.example, mail:lead@shop.example" in said


def test_an_escalation_is_told_and_why_says_so(shop: Shop) -> None:
    change(shop.folder / "channels.yaml", "route:\n", STEPS)
    rated(shop, "4.60", "2026-11-02T09:00")
    run(shop, "2026-11-02T09:30")
    run(shop, "2026-11-02T10:05")
    assert [mail["To"] for mail in shop.inbox.about("dsr_drop")].count("lead@shop.example") == 1
    assert "nobody has acknowledged it" in shop.do("why", "dsr_drop/s1").output
    run(shop, "2026-11-02T11:00")
    assert len(shop.inbox.about("dsr_drop")) == 3


def test_a_digest_is_one_mail_with_what_is_new_what_goes_on_and_what_is_over(shop: Shop) -> None:
    path = shop.folder / "channels.yaml"
    change(path, "route:\n", DIGEST)
    change(path, "  group_by: [alert, store_id]   # one message for each rule and store / 同一规则、同一店铺合并为一封\n", "")
    heading = "店铺Id,店铺名称,描述相符,服务态度,物流服务\n"

    def ratings(at: str, *values: str) -> None:
        shop.ingest("store", heading + "".join(f"s{n},{n}号店,{value},4.80,4.80\n" for n, value in enumerate(values, 1)), at)
        run(shop, at)

    ratings("2026-11-02T10:00", "4.60", "4.60", "4.90")
    assert not shop.inbox.mails
    run(shop, "2026-11-02T18:00")
    (first,) = shop.inbox.mails
    assert first["Subject"].endswith("2 家店铺：新增 2")
    ratings("2026-11-03T07:00", "4.55", "4.90", "4.62")
    run(shop, "2026-11-03T09:00")
    second = shop.inbox.mails[-1]
    assert len(shop.inbox.mails) == 2 and second["Subject"].endswith("3 家店铺：新增 1，持续 1，已恢复 1")
    text, html = parts(second)
    told = [text.index(word) for word in ("==== 新增 1", "3号店", "==== 持续中 1", "4.55", "==== 已恢复 1", "2号店")]
    assert told == sorted(told)
    assert "4.55" in html and "{{" not in html
