"""One round after another, by the command: from an export to a mail, and what happens when a part of it is not there."""

from __future__ import annotations

from pathlib import Path

from tests.rounds.conftest import Shop, parts

STORES = "店铺Id,店铺名称,描述相符,服务态度,物流服务\n"
ORDERS = "订单编号,店铺Id,订单状态,订单创建时间,订单付款时间,买家实际支付金额,订单备注\n"


def ratings(shop: Shop, rating: str, day: int, name: str = "一号店") -> None:
    shop.ingest("store", f"{STORES}s1,{name},{rating},4.80,4.80\n", f"2026-11-{day:02d}T08:30")


def evaluate(shop: Shop, day: int, *options: str, expect: int = 0) -> str:
    return shop.do("run", "--force", "--at", f"2026-11-{day:02d}T09:30", *options, expect=expect).output


def test_an_alert_fires_is_repeated_and_resolves_in_one_thread(shop: Shop) -> None:
    ratings(shop, "4.85", 1)
    evaluate(shop, 1)
    assert not shop.inbox.mails
    for day, rating in ((2, "4.62"), (3, "4.60"), (4, "4.85")):
        ratings(shop, rating, day)
        shop.ingest("order", ORDERS + "1,s1,交易成功,2026-11-01 10:00,2026-11-01 10:01,9.9,\n", f"2026-11-{day:02d}T09:00")
        evaluate(shop, day)
    first, repeat, resolved = shop.inbox.about("dsr_drop")
    assert first["Subject"].startswith("[警告]") and "4.62" in first["Subject"]
    assert "仍在持续" in repeat["Subject"] and "已恢复" in resolved["Subject"]
    assert "In-Reply-To" not in first
    assert repeat["In-Reply-To"] == resolved["In-Reply-To"] == first["Message-ID"]
    assert len({mail["Message-ID"] for mail in shop.inbox.mails}) == len(shop.inbox.mails)
    assert "4.85" in parts(resolved)[0], "a resolved message tells the present value"
    assert first["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in first.walk()].count("image/png") == 1


def test_a_rating_exactly_at_the_threshold_is_not_below_it(shop: Shop) -> None:
    ratings(shop, "4.90", 1)
    evaluate(shop, 1)
    ratings(shop, "4.85", 2)
    evaluate(shop, 2)
    assert not shop.inbox.about("dsr_drop")
    ratings(shop, "4.84", 3)
    evaluate(shop, 3)
    assert len(shop.inbox.about("dsr_drop")) == 1


def test_stale_data_is_told_and_keeps_alerts_as_they_are(shop: Shop) -> None:
    ratings(shop, "4.20", 1)
    evaluate(shop, 1)
    evaluate(shop, 3)
    assert [alert["rule"] for alert in shop.json("alerts")] == ["dsr_drop", "stale_data"]
    assert len(shop.inbox.about("stale_data")) == 1
    ratings(shop, "4.85", 4)
    evaluate(shop, 4)
    assert shop.json("alerts") == []
    assert {alert["state"] for alert in shop.json("alerts", "--all")} == {"resolved"}


def test_the_same_instant_is_evaluated_once(shop: Shop) -> None:
    ratings(shop, "4.20", 1)
    evaluate(shop, 1)
    count = len(shop.inbox.mails)
    assert "evaluated before" in evaluate(shop, 1)
    assert len(shop.inbox.mails) == count


def test_mail_that_cannot_be_sent_waits_and_is_told_by_the_exit_code(shop: Shop) -> None:
    ratings(shop, "4.20", 1)
    shop.inbox.refuse = "451 try again later"
    evaluate(shop, 1, expect=3)
    (letter, *_) = shop.json("outbox", "--state", "queued")
    assert letter["attempts"] == 1 and "451" in letter["detail"]
    shop.inbox.refuse = "550 no such user"
    shop.do("run", "--force", "--at", "2026-11-01T10:30", expect=3)
    assert len(shop.json("outbox", "--state", "queued")) > 0, "not due yet: the pause is at least a second"


def test_mail_refused_for_good_is_a_dead_letter_and_can_be_queued_again(shop: Shop) -> None:
    ratings(shop, "4.20", 1)
    shop.inbox.refuse = "550 no such user"
    evaluate(shop, 1, expect=3)
    dead = shop.json("outbox", "--state", "dead")
    assert dead and "550" in dead[0]["detail"]
    shop.inbox.refuse = ""
    shop.do("outbox", "--retry-dead")
    evaluate(shop, 1)
    assert len(shop.inbox.mails) == len(dead)


def test_only_the_asked_rules_are_evaluated_and_others_stay(shop: Shop) -> None:
    ratings(shop, "4.20", 1)
    evaluate(shop, 1)
    ratings(shop, "4.85", 2)
    evaluate(shop, 2, "--rules", "banner_expired")
    assert [alert["rule"] for alert in shop.json("alerts")] == ["dsr_drop"]
    output = evaluate(shop, 2, "--rules", "dsr_dropp", expect=2)
    assert "did you mean dsr_drop" in output


def test_fail_on_severity(shop: Shop) -> None:
    ratings(shop, "4.60", 1)
    evaluate(shop, 1, "--fail-on", "critical")
    ratings(shop, "4.20", 2)
    evaluate(shop, 2, "--fail-on", "critical", expect=1)
    evaluate(shop, 3, "--fail-on", "terrible", expect=2)


def test_a_deleted_rule_resolves_its_alerts(shop: Shop) -> None:
    ratings(shop, "4.20", 1)
    evaluate(shop, 1)
    rules = shop.folder / "rules" / "a_service.yaml"
    rules.write_text(rules.read_text(encoding="utf-8").replace("alert: dsr_drop", "alert: dsr_low"), encoding="utf-8")
    ratings(shop, "4.20", 2)
    evaluate(shop, 2)
    assert [alert["rule"] for alert in shop.json("alerts")] == ["dsr_low"]


def test_more_alerts_than_a_message_can_tell(shop: Shop) -> None:
    rules = shop.folder / "rules" / "a_service.yaml"
    rules.write_text(rules.read_text(encoding="utf-8").replace("  trend: dsr_desc", "  max_alerts: 2\n  trend: dsr_desc"), encoding="utf-8")
    channels = shop.folder / "channels.yaml"
    channels.write_text(channels.read_text(encoding="utf-8").replace("group_by: [alert, store_id]", "group_by: [alert]"), encoding="utf-8")
    rows = "".join(f"s{n},店{n},4.6,4.8,4.8\n" for n in range(5))
    shop.ingest("store", STORES + rows, "2026-11-01T08:30")
    evaluate(shop, 1)
    assert len([alert for alert in shop.json("alerts") if alert["rule"] == "dsr_drop"]) == 5, "limits cut messages, never state"
    (mail,) = shop.inbox.about("dsr_drop")
    assert "3" in parts(mail)[0]
    assert len(shop.inbox.about("too_many_alerts")) == 1


def test_a_template_that_fails_still_tells(shop: Shop) -> None:
    (shop.folder / "templates" / "zh" / "dsr_drop.html.j2").write_text("{{ no_such_thing }}", encoding="utf-8")
    ratings(shop, "4.20", 1)
    evaluate(shop, 1)
    mail = shop.inbox.about("dsr_drop")[0]
    assert "4.2" in mail.get_content() if not mail.is_multipart() else parts_text(mail)
    assert "no_such_thing" in shop.do("check", expect=1).output


def parts_text(mail) -> bool:  # type: ignore[no-untyped-def]
    body = mail.get_body(("plain",))
    return body is not None and "4.2" in body.get_content() and "no_such_thing" in body.get_content()


def test_hostile_data_arrives_as_harmless_text(shop: Shop) -> None:
    (shop.folder / "rules" / "hostile.yaml").write_text(
        "- alert: remarks\n"
        "  title: 备注\n"
        "  facts: order\n"
        "  when: remark is present\n"
        "  severity: info\n"
        "  owner: page\n"
        "  show: {备注 / Remark: remark, 店 / Shop: store.name}\n",
        encoding="utf-8",
    )
    name = '"<script>alert(1)</script>\nBcc: thief@evil.example"'
    shop.ingest("store", f"{STORES}s1,{name},4.2,4.8,4.8\n", "2026-11-01T08:30")
    remarks = ["{{ 7*7 }}", "=cmd|' /C calc'!A0", "{% for x in range(9) %}x{% endfor %}", "<img src=x onerror=alert(1)>", "a\u202eb"]
    rows = "".join(f'{n},s1,买家已付款,2026-11-01 09:00,2026-11-01 09:01,1,"{remark}"\n' for n, remark in enumerate(remarks))
    shop.ingest("order", ORDERS + rows, "2026-11-01T09:00")
    evaluate(shop, 1)
    (mail,) = [mail for mail in shop.inbox.about("remarks") if mail["To"] == "page@shop.example"]
    text, html = parts(mail)
    assert "{{ 7*7 }}" in text and "{{ 7*7 }}" in html and "49" not in text
    assert "=cmd|" in text and "{% for x" in text
    assert "<img src=x" not in html and "&lt;img src=x" in html
    for each in shop.inbox.mails:
        assert "Bcc" not in each and all("\n" not in value for value in each.values())
        assert each["To"].endswith("@shop.example")
        assert "<script" not in parts(each)[1]
    assert not any(b"\nBcc:" in raw for raw in shop.inbox.raw)


def test_personal_data_never_reaches_a_message_or_a_file(shop: Shop) -> None:
    orders = "订单编号,店铺Id,订单状态,订单付款时间,买家会员名,收货人姓名,联系手机\n"
    rows = "".join(f"{n},s1,买家已付款,2026-10-2{n} 10:00:00,小明买家,王小明,'13812345678\n" for n in range(6))
    ratings(shop, "4.8", 1)
    shop.ingest("order", orders + rows, "2026-11-01T09:00", "--all-stores")
    (shop.folder / "order.csv").unlink()
    evaluate(shop, 1)
    assert shop.inbox.about("unfulfilled_orders")
    files = [path.read_bytes() for path in Path(shop.folder).rglob("*") if path.is_file()]
    for secret in ("小明买家", "王小明", "13812345678"):
        assert not any(secret.encode() in data for data in [*files, *shop.inbox.raw])
        assert not any(secret in parts(mail)[0] + parts(mail)[1] for mail in shop.inbox.mails)


def test_a_row_that_could_not_be_read_is_not_gone(shop: Shop) -> None:
    heading = "商品ID,店铺Id,商品状态,图片价格,预估最低到手价\n"
    fine = "".join(f"{n},s1,出售中,9.90,9.90\n" for n in range(100, 140))
    shop.ingest("product", f"{heading}1,s1,出售中,9.90,12.90\n{fine}", "2026-11-01T08:30")
    evaluate(shop, 1)
    assert [alert["key"] for alert in shop.json("alerts")] == ["1"]
    shop.ingest("product", f"{heading}1,s1,出售中,9.90,十二块九\n{fine}", "2026-11-02T08:30")
    evaluate(shop, 2)
    assert [alert["key"] for alert in shop.json("alerts")] == ["1"], "quarantined is unknown, not gone"
    shop.ingest("product", heading + fine, "2026-11-03T08:30")
    evaluate(shop, 3)
    assert shop.json("alerts") == []


def test_a_corrected_export_of_the_same_instant_counts(shop: Shop) -> None:
    ratings(shop, "4.20", 1)
    ratings(shop, "4.85", 1)
    evaluate(shop, 1)
    assert shop.json("alerts") == []
