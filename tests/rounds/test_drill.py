"""``storewatch drill`` end to end over a real mail server and a real web server, and ``preview --channel``."""

from __future__ import annotations

import json

import pytest

from tests.delivery.web import Post, Robot, web_server
from tests.rounds.conftest import Shop
from tests.rounds.test_telling import AT, change, rated

CHATS = """\
  group: {type: dingtalk, url_env: DING_URL}
  hook: {type: webhook, url_env: HOOK_URL}
  mail:"""


def with_chats(shop: Shop, monkeypatch: pytest.MonkeyPatch, ding: str, hook: str) -> None:
    path = shop.folder / "channels.yaml"
    change(path, "  mail:", CHATS)
    others = "\n    - {channel: group, to: [owner]}\n    - channel: hook"
    for line in ("    - {channel: mail, to: [owner]}", "    - {channel: mail, to: [owner, lead@shop.example]}"):
        change(path, line, line + others)
    monkeypatch.setenv("DING_URL", ding)
    monkeypatch.setenv("HOOK_URL", hook)


def test_a_drill_reaches_everybody_marked_and_begins_no_alert(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    robot, post = Robot(), Post()
    with web_server(robot) as ding, web_server(post) as hook:
        with_chats(shop, monkeypatch, f"{ding}/send?access_token=secret-token-1", hook)
        result = shop.do("drill", "dsr_drop")
        table = shop.json("drill", "dsr_drop", "--channel", "hook")
    assert result.stdout.count("delivered") == 4, "two mails, the group, the hook"
    mail = shop.inbox.mails[0]
    assert "演练" in str(mail["Subject"]) and all(
        "演练" in part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"
    )
    assert "演练" in robot.received[0].json["markdown"]["text"] and "演练" in robot.received[0].json["markdown"]["title"]
    assert post.received[0].json["storewatch"]["drill"] is True and post.received[0].json["commonLabels"]["drill"] == "true"
    assert [row["state"] for row in table] == ["delivered"] and len(post.received) == 2 and len(robot.received) == 1
    assert shop.json("alerts") == []


def test_a_drill_that_fails_is_told_and_withdrawn(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with web_server(Robot(rule=lambda _: (310000, "sign not match"))) as ding, web_server(Post()) as hook:
        with_chats(shop, monkeypatch, ding, hook)
        said = shop.do("drill", "dsr_drop", expect=3).stdout
    assert "sign not match" in said and said.count("delivered") == 3
    assert {letter["state"] for letter in shop.json("outbox")} == {"delivered", "dead"}
    assert "no channel 'x'" in shop.do("drill", "dsr_drop", "--channel", "x", expect=2).stderr
    assert "no receiver 'x'" in shop.do("drill", "dsr_drop", "--receiver", "x", expect=2).stderr


def test_preview_of_a_channel(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    rated(shop, "4.2")
    with_chats(shop, monkeypatch, "https://x.example", "https://x.example")
    assert "DSR rating is falling" in shop.do("preview", "dsr_drop", *AT[1:], "--channel", "group").stdout
    hook = json.loads(shop.do("preview", "dsr_drop", *AT[1:], "--channel", "hook").stdout)
    assert hook["version"] == "4" and hook["alerts"][0]["labels"]["alertname"] == "dsr_drop"
    assert "Message-ID:" in shop.do("preview", "dsr_drop", *AT[1:], "--channel", "mail").stdout
    assert "no channel 'x'" in shop.do("preview", "dsr_drop", "--channel", "x", expect=2).stderr


def test_a_check_names_what_is_not_set(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with_chats(shop, monkeypatch, "https://x.example", "https://x.example")
    monkeypatch.delenv("DING_URL")
    assert "environment variable DING_URL is not set" in shop.do("check").stderr
