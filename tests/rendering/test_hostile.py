"""Data from strangers arrives as harmless text: in subjects, text, HTML and headers."""

from __future__ import annotations

import email
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from email.message import EmailMessage
from email.policy import default
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.actions.mime import compose
from engine.errors import LANGUAGES, Text
from engine.model import Item, RuleInfo, Shown, Type
from engine.rendering import LONGEST_SUBJECT, Renderer
from engine.wording import clean
from tests.rendering.gallery import TEMPLATES
from tests.rendering.html import Page
from tests.rendering.messages import AT, RULES, digest, firing, message, old_orders, shown

RENDERER = Renderer(TEMPLATES)

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "image": "<img src=x onerror=alert(1)>",
    "attribute": '" onmouseover="alert(1)" x=\'',
    "formula": "=cmd|'/C calc'!A0",
    "expression": "{{ 7*7 }}",
    "statement": "{% raw %}{% include '/etc/passwd' %}",
    "comment": "{# hidden #}",
    "format": "{0.__class__} %s %(x)s {since}",
    "header": "店\r\nBcc: thief@example.com\r\n\r\n<b>body</b>",
    "separators": "店\u2028A\u2029B\x85C\x0bD\x0cE",
    "bidi": "店\u202egnp.exe\u2066x\u2069\u200f",
    "null": "店\x00\x07\x1b[31m",
    "surrogate": "店\ud800\udfff",
    "emoji": "👨‍👩‍👧‍👦🏳️‍🌈 店",
    "long": "长" * 10_000,
    "one_word": "x" * 10_000,
    "comment_end": "--> ]]> </style></title></td></table>",
    "entity": "&lt;script&gt; &#x202e; &nbsp;",
    "cid": "cid:trend",
}


def spoiled(text: str) -> Item:
    """A message item that carries ``text`` wherever strangers or files can put one."""
    item = firing("unfulfilled_orders")
    rule = replace(item.rule, title=Text.same(text), advice=Text.same(text), owner=text, area=text)
    named = tuple(replace(one, label=Text.same(text)) for one in item.transition.alert.shown[:1])
    values = (*item.transition.alert.shown, *named, shown("Link", "链接", text), shown("标题", "标题", text))
    row = tuple(Shown(Text("Remark", "备注"), text, Type.STRING, text) for _ in range(3))
    alert = replace(item.transition.alert, store_id=text, shown=values, evidence=(row,), acknowledged_by=text)
    trend = replace(item.trend, label=Text.same(text), unit=text) if item.trend else None
    return replace(item, transition=replace(item.transition, alert=alert), rule=rule, store_name=text, trend=trend)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_only_text(name: str, language: str) -> None:
    text = HOSTILE[name]
    rendered = RENDERER.render(message(spoiled(text), area=text), language)
    assert rendered.fault == ""
    page = Page(rendered.html)  # fails on any tag or attribute that is not the layout's
    assert page.links == []
    assert clean(text, 20).removesuffix("…") in page.text
    for part in (rendered.subject, rendered.text, rendered.html):
        assert "49" not in part
        assert not {"\r", "\x00", "\x1b", "\u2028", "\u202e", "\u2066", "\ud800"} & set(part)
        part.encode("utf-8")
    assert rendered.subject.replace("\u200d", "").isprintable()
    assert len(rendered.subject) <= LONGEST_SUBJECT
    assert len(rendered.html) < 100_000


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_makes_no_header(name: str) -> None:
    rendered = RENDERER.render(message(spoiled(HOSTILE[name])), "zh")
    raw = compose(
        replace(rendered, subject=HOSTILE[name]),
        sender="storewatch <a@example.com>",
        recipients=["b@example.com"],
        message_id="<1@example.com>",
        date=AT,
        headers={"X-Storewatch-Store": HOSTILE[name]},
    )
    mail = cast(EmailMessage, email.message_from_bytes(raw, policy=default))
    assert not mail.defects
    assert mail["Bcc"] is None
    assert mail.get_all("To") == ["b@example.com"]
    assert set(mail.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "X-Mailer",
        "X-Storewatch-Store", "MIME-Version", "Content-Type",
    }  # fmt: skip
    assert str(mail["Subject"]) == clean(HOSTILE[name], 200)
    assert max(map(len, raw.split(b"\r\n"))) < 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("link", "clickable"),
    [
        ("https://shop.example.com/a?b=1&c=2", True),
        ("http://shop.example.com:8080/", True),
        ("HTTPS://SHOP.EXAMPLE.COM/", True),
        ("javascript:alert(1)", False),
        ("JaVaScRiPt://example.com/%0aalert(1)", False),
        (" javascript:alert(1)", False),
        ("data:text/html,<script>alert(1)</script>", False),
        ("https://taobao.com@evil.example/", False),
        ("https://taobao.com\\@evil.example/", False),
        ("https://evil.example/\u202egpj.exe", False),
        ("https://evil.example/\r\nx", False),
        ("//img.example.com/a.jpg", False),
        ("https://", False),
        ("https://a.example/" + "x" * 3_000, False),
        ("file:///etc/passwd", False),
    ],
)
def test_only_plain_web_addresses_are_clickable(link: str, clickable: bool) -> None:
    item = firing("banner_expired")
    values = (*item.transition.alert.shown[:-1], shown("Link", "链接", link))
    item = replace(item, transition=replace(item.transition, alert=replace(item.transition.alert, shown=values)))
    rendered = RENDERER.render(message(item), "zh")
    assert Page(rendered.html).links == ([link] if clickable else [])
    assert clean(link, 20).removesuffix("…") in rendered.text


def test_five_thousand_rows_of_evidence_are_counted_not_listed() -> None:
    item = firing("unfulfilled_orders")
    item = replace(item, transition=replace(item.transition, alert=replace(item.transition.alert, evidence=old_orders(5_000))))
    rendered = RENDERER.render(message(item), "zh")
    assert rendered.fault == ""
    assert "另有 4980 条未列出" in rendered.text
    assert "另有 4980 条未列出" in rendered.html
    assert len(rendered.html) < 100_000


def test_a_thousand_alerts_are_one_bounded_message() -> None:
    items = [firing("price_image_mismatch", key=f"P{index}") for index in range(1_000)]
    rendered = RENDERER.render(replace(message(*items), omitted=7), "zh")
    assert rendered.fault == ""
    assert "新增 1000" in rendered.subject
    assert "另有 807 项未在此列出" in rendered.text
    assert len(rendered.pictures) == 5
    assert len(rendered.html) < 250_000


@pytest.mark.parametrize(
    "value",
    ["not a number", float("nan"), float("inf"), Decimal("NaN"), Decimal("1e400"), Decimal("-1e-400"), 10**500, True, None, -0.0,
     datetime.max, datetime.min, timedelta.max, timedelta.min, timedelta(microseconds=1), 1e308],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("type_", Type)
def test_a_value_of_the_wrong_sort_never_loses_the_alert(value: object, type_: Type) -> None:
    item = firing("ad_budget_exhausted")
    values = tuple(replace(one, value=value, type=type_) for one in item.transition.alert.shown)  # type: ignore[arg-type]
    item = replace(item, transition=replace(item.transition, alert=replace(item.transition.alert, shown=values)), before=values, trend=None)
    for language in LANGUAGES:
        rendered = RENDERER.render(message(item), language)
        assert rendered.fault == ""
        Page(rendered.html)


@given(st.text(st.characters(), max_size=60), st.sampled_from(sorted(RULES)), st.sampled_from(LANGUAGES))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_is_only_text(text: str, rule: str, language: str) -> None:
    item = replace(spoiled(text), trend=None)
    item = replace(item, rule=replace(item.rule, name=rule))
    rendered = RENDERER.render(message(item), language)
    assert rendered.fault == ""
    Page(rendered.html)
    assert rendered.subject == clean(rendered.subject)


@given(st.text(st.characters()), st.integers(2, 80))
@settings(deadline=None)
def test_clean_text_stays_as_it_is(text: str, limit: int) -> None:
    once = clean(text, limit)
    assert len(once) <= limit
    assert clean(once, limit) == once
    assert once.replace("\u200d", "").isprintable() or any(ord(char) > 0x7F for char in once)
    assert not set(once) & set("\r\n\t\x00\u2028\u2029\u202a\u202e")


def test_everything_hostile_at_once() -> None:
    items = [spoiled(text) for text in HOSTILE.values()]
    rendered = RENDERER.render(message(*items, *digest().items), "zh")
    assert rendered.fault == ""
    Page(rendered.html)


def test_a_rule_that_is_gone_is_told_by_its_name() -> None:
    item = replace(firing("dsr_drop"), rule=RuleInfo("gone_rule", Text.same("gone_rule"), firing("dsr_drop").rule.severity))
    assert "gone_rule" in RENDERER.render(message(item), "zh").subject
