"""Robots of DingTalk, WeCom and Feishu: codes in the body, signatures, dialects, lengths, mentions, and hostile data."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from engine.actions.dialects import dingtalk, feishu, fitted, wecom
from engine.actions.robots import DINGTALK, FEISHU, WECOM, robot_outcome
from engine.actions.web import Answer
from engine.errors import UsageError
from engine.markdown import harmless
from engine.model import Message, Rendered
from engine.outbox import deliver, letters
from engine.rendering import Renderer
from engine.routing import Recipient
from engine.routing.channel_options import ChannelOptions
from engine.sending import Outcome
from engine.state import State
from tests.delivery.test_outbox import NOW, STEADY, at, queue
from tests.delivery.test_webhook import RENDERER, options, send, sender, words, written
from tests.delivery.values import START, letter
from tests.delivery.web import Post, Received, Robot, web_server
from tests.rendering.gallery import TEMPLATES
from tests.rendering.messages import RULES, digest, gallery, shown

SECRET = "SEC-of-the-robot"
TYPES = ("dingtalk", "wecom", "feishu")
KEYS = {"dingtalk": ("errcode", "errmsg"), "wecom": ("errcode", "errmsg"), "feishu": ("code", "msg")}
FIRING = gallery("dsr_drop")["firing"]


def robot(type_: str, **given: Any) -> ChannelOptions:
    return options(type_, url_env="URL", **given)


def text_of(type_: str, body: Any) -> str:
    """What people read."""
    if type_ == "feishu":
        return str(body["card"]["elements"][0]["content"])
    return str(body["markdown"]["text" if type_ == "dingtalk" else "content"])


def made(type_: str, message: Message, language: str = "zh", address: str = "") -> Any:
    return json.loads(written(robot(type_), message, language, address).payload)


def dingtalk_signature(request: Received) -> tuple[int, str]:
    """As DingTalk checks it."""
    query = parse_qs(urlsplit(request.path).query)
    if not {"timestamp", "sign"} <= query.keys():
        return 310000, "sign not match"
    digest = hmac.new(SECRET.encode(), f"{query['timestamp'][0]}\n{SECRET}".encode(), hashlib.sha256).digest()
    fresh = abs(int(query["timestamp"][0]) - START.timestamp() * 1000) < 3_600_000
    return (0, "ok") if query["sign"][0] == base64.b64encode(digest).decode() and fresh else (310000, "sign not match")


def feishu_signature(request: Received) -> tuple[int, str]:
    """As Feishu checks it."""
    body = request.json
    digest = hmac.new(f"{body.get('timestamp')}\n{SECRET}".encode(), b"", hashlib.sha256).digest()
    fine = body.get("sign") == base64.b64encode(digest).decode()
    return (0, "success") if fine else (19021, "sign match fail or timestamp is not within one hour from current time")


@pytest.mark.parametrize(("type_", "rule"), [("dingtalk", dingtalk_signature), ("feishu", feishu_signature)])
def test_signatures_as_the_platform_checks_them(type_: str, rule: Any) -> None:
    hook = Robot(rule=rule, keys=KEYS[type_])
    with web_server(hook) as url:
        environ = {"URL": f"{url}/robot/send?access_token=0123456789abcdef", "S": SECRET, "W": "wrong"}
        notification = written(robot(type_), FIRING)
        assert words(send(robot(type_, secret_env="S"), notification, environ=environ)) == [("delivered", "accepted")]
        assert words(send(robot(type_, secret_env="W"), notification, environ=environ)) == [("try_later", "robot_refused")]
        assert words(send(robot(type_), notification, environ=environ)) == [("try_later", "robot_refused")]
    assert all(request.path.startswith("/robot/send?access_token=0123456789abcdef") for request in hook.received)


@pytest.mark.parametrize("type_", TYPES)
def test_http_200_with_a_code_is_a_failure(type_: str) -> None:
    codes = {
        "dingtalk": (310000, "keywords not in content"),
        "wecom": (93000, "invalid webhook url"),
        "feishu": (19024, "Key Words Not Found"),
    }
    with web_server(Robot(rule=lambda _: codes[type_], keys=KEYS[type_])) as url:
        outcomes = send(robot(type_), letter(1), environ={"URL": url})
    assert words(outcomes) == [("try_later", "robot_refused")] and codes[type_][1] in outcomes[0].detail


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("body", ["", "<html>proxy login</html>", "[]", "{}", '{"errcode": "0"}', '{"errcode": true}', '{"code": null}'])
def test_http_200_without_a_code_is_no_success(type_: str, body: str) -> None:
    with web_server(Post(usual=body)) as url:
        assert words(send(robot(type_), letter(1), environ={"URL": url})) == [("try_later", "protocol")]


OUTCOMES: list[tuple[Mapping[int, Any], int, str, tuple[str, str]]] = [
    (DINGTALK, 130101, "send too fast, exceed 20 times per minute", ("try_later", "rate_limited")),
    (DINGTALK, 300005, "token is not exist", ("try_later", "robot_refused")),
    (DINGTALK, 460101, "message too long, exceed 20000 bytes", ("give_up", "message_too_large")),
    (DINGTALK, 430104, "contain unsafe content", ("give_up", "content_refused")),
    (DINGTALK, -1, "系统繁忙", ("try_later", "server_busy")),
    (DINGTALK, 987654, "something new", ("try_later", "platform_refused")),
    (WECOM, 45009, "api freq out of limit", ("try_later", "rate_limited")),
    (WECOM, 40058, "markdown.content exceed max length 4096", ("give_up", "message_too_large")),
    (WECOM, 93008, "not in group", ("try_later", "robot_refused")),
    (FEISHU, 11232, "frequency limited psm", ("try_later", "rate_limited")),
    (FEISHU, 9499, "too many request", ("try_later", "rate_limited")),
    (FEISHU, 9499, "Bad Request", ("try_later", "platform_refused")),
    (FEISHU, 19022, "Ip Not Allowed", ("try_later", "robot_refused")),
]


@pytest.mark.parametrize(("codes", "code", "said", "expected"), OUTCOMES)
def test_codes(codes: Any, code: int, said: str, expected: tuple[str, str]) -> None:
    for body in ({"errcode": code, "errmsg": said}, {"code": code, "msg": said}):
        assert words([robot_outcome(Answer(200, json.dumps(body)), codes)]) == [expected]


def test_statuses_without_a_code() -> None:
    expected = {500: ("try_later", "server_refused"), 404: ("try_later", "robot_refused"), 413: ("give_up", "message_too_large")}
    for status, outcome in expected.items():
        assert words([robot_outcome(Answer(status, "<html>"), DINGTALK)]) == [outcome]
    assert words([robot_outcome(Answer(400, '{"code": 19001, "msg": "param invalid"}'), FEISHU)]) == [("try_later", "robot_refused")]


def test_a_robot_that_was_too_fast_waits_ten_minutes(state: State) -> None:
    queue(state, letter(1), letter(2))
    hook = Robot(rule=lambda _: (130101, "send too fast, exceed 20 times per minute"))
    with web_server(hook) as url:
        deliver(state, {"mail": sender(robot("dingtalk"), {"URL": url})}, at(NOW), retry=STEADY)
    assert len(hook.received) == 1, "the others are not tried"
    assert {row.next_attempt_at for row in letters(state)} == {NOW + timedelta(minutes=10)}


def test_twenty_a_minute_are_kept_by_waiting(state: State) -> None:
    channel = robot("dingtalk")
    queue(state, *(letter(number) for number in range(50)))
    hook = Robot()
    with web_server(hook) as url:
        ready = {"mail": sender(channel, {"URL": url})}
        sent = [
            deliver(state, ready, at(NOW + timedelta(seconds=30 * step)), limits={"mail": channel.limits}).delivered for step in range(5)
        ]
    assert sent == [20, 0, 20, 0, 10] and len(hook.received) == 50
    assert [limit.most for type_ in TYPES for limit in robot(type_, per_minute=7).limits] == [7, 7, 7, 5]


# what people read


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("type_", TYPES)
def test_every_message_in_every_dialect(type_: str, language: str) -> None:
    for name, message in [*((name, message) for rule in RULES for name, message in gallery(rule).items()), ("digest", digest())]:
        body = made(type_, message, language)
        text = text_of(type_, body)
        assert text.strip() and "{{" not in text and not re.search(r"</?(critical|warning|info|resolved|muted)>", text), name
        if type_ == "wecom":
            assert set(re.findall(r"<[^>]*>", text)) <= {f'<font color="{c}">' for c in ("info", "comment", "warning")} | {"</font>"}
        if type_ == "dingtalk":
            assert "<" not in text and body["markdown"]["title"] and body["at"] == {"atMobiles": [], "atUserIds": [], "isAtAll": False}
        if type_ == "feishu":
            assert body["card"]["header"]["title"]["tag"] == "plain_text" and not re.search(r"^[#>]", text, re.MULTILINE)


def test_the_message_tells_what_is_wrong() -> None:
    text = text_of("wecom", made("wecom", FIRING))
    assert '<font color="warning">警告</font>' in text and "店铺动态评分下降" in text and "描述相符：" in text and "怎么办" in text


HOSTILE = [
    "[点我](https://evil.example)",
    "<@all>",
    "@all @所有人",
    "<at id=all></at>",
    '<font color="info">好</font>',
    "# 标题",
    "> 引用",
    "- 列表",
    "1. 列表",
    "---",
    "===",
    "**粗** __粗__ _斜_ `代码` ~~删~~",
    "![图](https://evil.example/x.png)",
    "看 https://evil.example/a",
    "www.evil.example",
    "<critical>假</critical>",
    "a\n\n# b",
    "\\[x\\](y)",
    "| a | b |",
]


def hostile(text: str) -> Message:
    item = FIRING.items[0]
    values = (shown(text, text, text), shown("link", "链接", f"https://x.example/a_(b)*[c]?q={len(text)}"))
    alert = replace(item.transition.alert, shown=values, evidence=((shown(text, text, text),),), store_id=text)
    return replace(FIRING, items=(replace(item, store_name=text, transition=replace(item.transition, alert=alert)),))


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("text", HOSTILE)
def test_data_cannot_make_links_mentions_or_layout(type_: str, text: str) -> None:
    usual = text_of(type_, made(type_, hostile("平常")))
    body = made(type_, hostile(text))
    assert not re.search(r"isAtAll\": true", json.dumps(body))
    told = text_of(type_, body)
    assert re.findall(r"\]\(([^)]*)\)", told) == re.findall(r"\]\(([^)]*)\)", re.sub(r"q=\d+", f"q={len(text)}", usual))
    for mark in ("<", ">", "**", "[", "](", "`", "~", "@", "|", "\\", "!["):
        assert told.count(mark) == usual.count(mark), f"{mark} in {told}"
    assert len(told.splitlines()) == len(usual.splitlines())
    starts = [re.findall(r"^\s*(#+|>|-|\d+\.|=+|\*(?!\*)|\+)", line) for line in told.splitlines()]
    assert starts == [re.findall(r"^\s*(#+|>|-|\d+\.|=+|\*(?!\*)|\+)", line) for line in usual.splitlines()]
    rest = re.sub(r"\]\([^)]*\)", "", told)
    assert "://evil" not in rest and "www." not in rest


def test_what_is_harmless_stays_as_it_is() -> None:
    for text in ("iPhone 15 Pro 256G", "SKU_A_1", "4.61", "¥1,234.50", "连衣裙（红）", "100%", "5 > 3".replace(">", "大于")):
        assert harmless(text) == text
    assert harmless("-12.5%") == "−12.5%"


def test_mentions_come_from_contacts_only() -> None:
    address = "group mobile=13800000000 dingtalk=manager1"
    body = made("dingtalk", FIRING, address=address)
    assert body["at"] == {"atMobiles": ["13800000000"], "atUserIds": ["manager1"], "isAtAll": False}
    assert body["markdown"]["text"].endswith("@13800000000 @manager1")
    assert text_of("wecom", made("wecom", FIRING, address="group wecom=lisi wecom=wangwu")).endswith("<@lisi><@wangwu>")
    assert text_of("feishu", made("feishu", FIRING, address="group feishu=ou_1")).endswith("<at id=ou_1></at>")


# lengths


@pytest.mark.parametrize(("type_", "most"), [("dingtalk", 20_000), ("wecom", 4_096), ("feishu", 20_480)])
def test_what_is_too_long_is_cut_between_lines(type_: str, most: int) -> None:
    channel = robot(type_)
    long = Rendered("主题", "x", markdown="\n".join(f"**第 {number} 家店** <critical>严重</critical> “差评”" for number in range(2_000)))
    payload = TYPES_OF(type_)(channel, FIRING, long, Recipient("c", "group dingtalk=me wecom=me feishu=me", "zh"), None)
    text = text_of(type_, json.loads(payload))
    size = len(text.encode()) if type_ == "wecom" else len(payload)
    assert most * 0.9 < size <= most
    assert "余下省略" in text and "me" in text.splitlines()[-1]
    assert text.count("<font") == text.count("</font")


def TYPES_OF(type_: str) -> Any:
    from engine.actions import TYPES as ALL

    return ALL[type_].payload


def test_one_line_that_is_too_long_by_itself() -> None:
    text = fitted("甲" * 10_000, wecom, "<@me>", "en", lambda text: len(text.encode()) <= 4_096)
    assert "longer than this group takes" in text and text.endswith("<@me>")


def test_dialects_line_by_line() -> None:
    line = "**<critical>严重</critical>** [店](https://x.example/)"
    assert dingtalk(line) == "**严重** [店](https://x.example/)  " and dingtalk("") == ""
    assert wecom(line) == '**<font color="warning">严重</font>** [店](https://x.example/)'
    assert feishu(line) == "**<font color='red'>严重</font>** [店](https://x.example/)"
    assert [feishu(text) for text in ("## 标题", "> 引用", "- 一")] == ["**标题**", "引用", "• 一"]


def test_a_message_without_markdown_is_written_from_its_text() -> None:
    rendered = Rendered("没能送达 <b>", "原因：<@all>\n\n# 二")
    for type_ in TYPES:
        payload = TYPES_OF(type_)(robot(type_), replace(FIRING, items=()), rendered, Recipient("c", "group", "zh"), None)
        assert "＜@all＞".replace("@", "＠") in text_of(type_, json.loads(payload))


def test_without_its_template_the_text_is_sent(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TEMPLATES, tmp_path / "templates"))
    (folder / "default.md.j2").unlink()
    rendered = Renderer(folder, chats=True).render(hostile("<@all>"), "zh")
    assert rendered.fault == "" and "＜＠all＞" in rendered.markdown and RENDERER.render(FIRING, "zh").markdown.startswith("**<warning>")
    assert Renderer(TEMPLATES).render(FIRING, "zh").markdown == "", "only where a channel asks for it"


def test_a_template_for_chats_is_checked(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TEMPLATES, tmp_path / "templates"))
    (folder / "dsr_drop.md.j2").write_text("{{ item.name }}")
    assert {problem.file for problem in Renderer(folder).check(RULES.values())} == {"templates/dsr_drop.md.j2"}


# secrets


def test_the_address_of_a_robot_is_never_told(caplog: pytest.LogCaptureFixture, state: State) -> None:
    caplog.set_level("DEBUG")
    token, secret = "token-0123456789", "SEC-0123456789"
    environ = {"URL": "", "S": secret}

    def echo(request: Received) -> tuple[int, str]:
        told = secret if "wecom" not in request.path else ""
        return 310000, f"{request.path} {request.body.decode()} {token} {told}"

    queue(state, *(replace(letter(number, channel=type_), payload=b"{}") for number, type_ in enumerate(TYPES)))
    with web_server(Robot(rule=echo)) as url:
        ready = {}
        for type_ in TYPES:
            environ["URL"] = f"{url}/{type_}/{token}?access_token={token}"
            ready[type_] = sender(robot(type_, **({} if type_ == "wecom" else {"secret_env": "S"})), environ)
        outcomes: list[Outcome] = [attempt.outcome for attempt in deliver(state, ready, at(NOW)).attempts]
    stored = "".join(f"{row.category}{row.detail}" for row in letters(state))
    assert len(outcomes) == 3 and {outcome.category for outcome in outcomes} == {"robot_refused", "platform_refused"}
    for word in (token, secret):
        assert word not in caplog.text + repr(outcomes) + stored + repr(ready)
    with pytest.raises(UsageError) as caught:
        sender(robot("dingtalk"), {"URL": f"ftp://{token}"})
    assert token not in caught.value.text.en
