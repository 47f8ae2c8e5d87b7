"""The messages of the five rules, and of one without templates, in both languages: golden files, sound HTML, the right words."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from engine.errors import LANGUAGES
from engine.model import Message, Reason, Rendered, State
from engine.rendering import LONGEST_SUBJECT, Renderer
from tests.rendering.gallery import TEMPLATES, everything, main
from tests.rendering.html import Page
from tests.rendering.messages import AT, RULES, digest, firing, gallery, message, moved, resolved

GOLDEN = Path(__file__).parent / "golden"
MESSAGES = dict(everything())


RENDERER = Renderer(TEMPLATES)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return RENDERER


@cache
def sample(name: str, language: str) -> Rendered:
    return RENDERER.render(MESSAGES[name], language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", MESSAGES)
def test_messages_are_as_agreed(name: str, language: str, request: pytest.FixtureRequest) -> None:
    rendered = sample(name, language)
    assert rendered.fault == ""
    wanted = {GOLDEN / f"{name}.{language}.txt": f"{rendered.subject}\n\n{rendered.text}"}
    if name.endswith(".firing"):
        wanted[GOLDEN / f"{name}.{language}.html"] = rendered.html
    for path, text in wanted.items():
        if request.config.getoption("--regenerate"):
            path.write_text(text, encoding="utf-8", newline="\n")
        assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", MESSAGES)
def test_html_is_balanced_self_contained_and_large_enough_to_read(name: str, language: str) -> None:
    rendered = sample(name, language)
    page = Page(rendered.html)
    assert page.pictures == [f"cid:{picture.name}" for picture in rendered.pictures]
    assert not re.search(r"url\(|@import|<script|<link|http-equiv", rendered.html)
    assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in rendered.html
    shown = rendered.html.split("</style>")[1].split("</div>", maxsplit=1)[1]  # after the preheader, which is hidden
    sizes = {int(size) for size in re.findall(r"font-size:(\d+)px", shown)}
    assert min(sizes - {0}) >= 14
    assert "max-width:600px" in rendered.html
    assert len(rendered.html.encode()) < 100_000, "Gmail cuts mails at 102 kB"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rule", RULES)
def test_the_first_lines_say_what_where_since_when_and_what_to_do(rule: str, language: str) -> None:
    rendered = sample(f"{rule}.firing", language)
    info = RULES[rule]
    assert rendered.subject.startswith(
        {
            "zh": {"critical": "[严重]", "warning": "[警告]", "info": "[提示]"},
            "en": {"critical": "[Critical]", "warning": "[Warning]", "info": "[Notice]"},
        }[language][info.severity.value]
    )
    assert info.title.in_(language) in rendered.subject
    assert len(rendered.subject) <= LONGEST_SUBJECT
    head = rendered.text.split({"zh": "数据\n", "en": "Values\n"}[language])[0]
    since = {"zh": "11-20 13:30", "en": "20 Nov, 13:30"}[language]
    assert info.advice
    for part in ("旗舰店A", info.title.in_(language), since, info.advice.in_(language).splitlines()[0]):
        assert part in head
        assert part in Page(rendered.html).text


def test_resolved_says_over_with_the_values_of_now(renderer: Renderer) -> None:
    rendered = renderer.render(gallery("unfulfilled_orders")["resolved"], "zh")
    assert rendered.subject == "[已恢复] 旗舰店A · 付款订单滞留未发货：持续 1 天 5 小时后恢复"
    assert "现在的数据\n  超48小时未发货：1 (之前 35)" in rendered.text
    assert "怎么办" not in rendered.text + rendered.html
    assert "35 单" not in rendered.text


def test_resolved_without_values_of_now_calls_the_old_ones_old(renderer: Renderer) -> None:
    rendered = renderer.render(message(resolved(firing("banner_expired"))), "zh")
    assert "最后一次报警时的数据" in rendered.text
    assert "最后一次报警时的数据" in rendered.html
    assert "现在的数据" not in rendered.text + rendered.html


def test_a_reminder_says_so_and_compares(renderer: Renderer) -> None:
    rendered = renderer.render(gallery("unfulfilled_orders")["repeat"], "zh")
    assert rendered.subject.startswith("[严重 · 仍在持续] 旗舰店A")
    assert "仍在持续：自 11-18 13:00 起，已 2 天 3 小时" in rendered.text
    assert "超48小时未发货：35 (之前 21)" in rendered.text
    assert "之前 21" in Page(rendered.html).text


def test_the_worst_that_is_not_over_sets_the_tone(renderer: Renderer) -> None:
    mixed = message(firing("refund_rate_rising"), resolved(firing("price_image_mismatch")))
    assert renderer.render(mixed, "en").subject == "[Notice] 旗舰店A · 2 alerts: 1 new, 1 resolved"


def test_a_digest_tells_some_in_full_and_lists_all(renderer: Renderer) -> None:
    rendered = renderer.render(digest(), "zh")
    text = Page(rendered.html).text
    for rule in RULES.values():
        assert rule.title.zh in text
        assert rule.title.zh in rendered.text
    assert text.index("图片价格与实际价格不符") < text.index("退款率上升"), "the severe first"
    assert len(rendered.pictures) <= 5


def test_who_is_on_it_is_told(renderer: Renderer) -> None:
    item = moved(firing("dsr_drop"), State.FIRING, State.FIRING, Reason.SEVERITY_ROSE, acknowledged_by="小王")
    rendered = renderer.render(message(item), "zh")
    assert "小王 已在处理" in rendered.text
    assert "小王 已在处理" in rendered.html
    assert "严重程度上升" in rendered.text


def test_missing_values_are_not_hidden(renderer: Renderer) -> None:
    assert "最早未处理：—" in renderer.render(gallery("refund_rate_rising")["firing"], "zh").text


def test_the_same_message_has_the_same_bytes(renderer: Renderer) -> None:
    assert renderer.render(digest(), "zh") == Renderer(TEMPLATES).render(digest(), "zh")


def test_a_message_without_items_is_refused(renderer: Renderer) -> None:
    with pytest.raises(ValueError, match="at least one item"):
        renderer.render(Message("n", "t", (), {}, AT, "UTC"), "zh")


def test_an_unknown_time_zone_still_gives_a_message_in_utc(renderer: Renderer) -> None:
    odd = Message("n", "t", (firing("dsr_drop"),), {}, AT, "Mars/Olympus")
    rendered = renderer.render(odd, "zh")
    assert rendered.fault == ""
    assert "时间均为 UTC" in rendered.text


def test_gallery_writes_pages_that_a_browser_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(tmp_path, "dsr_drop.firing")
    written = sorted(path.name.removeprefix("dsr_drop.firing.") for path in tmp_path.iterdir())
    assert written == ["en.html", "en.txt", "zh.html", "zh.txt"]
    assert "data:image/png;base64," in (tmp_path / "dsr_drop.firing.zh.html").read_text(encoding="utf-8")
    assert len(capsys.readouterr().out.splitlines()) == 2
