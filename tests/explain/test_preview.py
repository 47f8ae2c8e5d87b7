"""`storewatch preview`: the message itself, from real data or made up; hostile data stays text; pictures by a real browser."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from matplotlib.image import imread

from engine.cli.previewing import BROWSERS
from tests.explain.conftest import stores
from tests.rendering.html import Page
from tests.rounds.conftest import Shop

AT = ("--at", "2026-11-03T09:30")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)


def test_real_data_of_the_most_severe_row(filled: Shop) -> None:
    result = filled.do("preview", "falling", *AT)
    assert result.stdout.startswith("[Warning] 一号店 · Rating is falling")
    assert "Rating: 4.62" in result.stdout and "Highest: 4.9" in result.stdout
    assert "made of real data: falling/s1" in result.stderr and "mail:service@shop.example (en)" in result.stderr


def test_it_is_the_message_that_a_round_sends(shop: Shop) -> None:
    stores(shop, 3, "s1,一号店,营业中,4.2,1,1,")
    made = shop.json("preview", "falling", *AT)
    shop.do("run", *AT)
    (mail, *_) = shop.inbox.about("falling")
    assert made["subject"] == mail["Subject"]
    body = mail.get_body(("plain",))
    assert body is not None and body.get_content().replace("\r\n", "\n").strip() == made["text"].strip()
    assert [to["address"] for to in made["recipients"]] == [mail["To"] for mail in shop.inbox.about("falling")]


@pytest.mark.parametrize(("event", "word"), [("firing", "New"), ("repeat", "Still going on"), ("resolved", "Resolved")])
def test_every_event(event: str, word: str, filled: Shop) -> None:
    real = filled.do("preview", "falling", "--event", event, *AT).stdout
    made_up = filled.do("preview", "falling", "--event", event, "--at", "2026-10-01").stdout
    for text in (real, made_up):
        assert word in text if event != "firing" else "Still" not in text and "Resolved" not in text


def test_made_up_values_say_so(filled: Shop) -> None:
    result = filled.do("preview", "falling", "--at", "2026-10-01")
    assert "the values are made up" in result.stderr
    assert "Rating: 4.66" in result.stdout and "小王" not in result.stdout
    assert filled.json("preview", "waiting", "--at", "2026-10-01")["real"] is False


def test_a_row_that_does_not_match_says_so(filled: Shop) -> None:
    result = filled.do("preview", "falling", "--key", "s2", *AT)
    assert "二号店" in result.stdout and "Rating: 4.85" in result.stdout
    assert "the condition is not true now (false)" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["falling", "--key", "s22", *AT], "did you mean s2"),
        (["faling"], "did you mean falling"),
        (["falling", "--event", "fired"], "use firing, repeat, resolved"),
        (["falling", "--html", "/no/such/folder/x.html", *AT], "cannot write"),
    ],
)
def test_what_cannot_be_shown_says_why(words: list[str], message: str, filled: Shop) -> None:
    assert message in filled.do("preview", *words, expect=2).output


def test_hostile_data_stays_text_in_the_html(shop: Shop, tmp_path: Path) -> None:
    stores(shop, 3, '"s""><script>alert(1)</script>","<img src=x onerror=alert(1)>{{ 7*7 }}",营业中,4.2,1,1,')
    page = tmp_path / "page.html"
    shop.do("preview", "falling", *AT, "--html", str(page))
    html = page.read_text(encoding="utf-8")
    assert "<script" not in html and "<img src=x" not in html and "49" not in Page(html).text
    assert "<img src=x onerror=alert(1)>{{ 7*7 }}" in Page(html).text


def test_pictures_are_inside_the_html(filled: Shop, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    filled.do("preview", "falling", *AT, "--html", str(page))
    html = page.read_text(encoding="utf-8")
    assert "data:image/png;base64," in html and "cid:" not in html
    assert all(source.startswith("data:") for source in Page(html).pictures)
    assert not re.search(r"""(src|href)=["']?https?:""", html)


def test_a_broken_template_is_told(shop: Shop, tmp_path: Path) -> None:
    stores(shop, 3, "s1,一号店,营业中,4.2,1,1,")
    (shop.folder / "templates" / "en" / "falling.html.j2").write_text("{{ no_such_thing }}", encoding="utf-8")
    result = shop.do("preview", "falling", *AT, "--html", str(tmp_path / "x.html"), expect=1)
    assert "no_such_thing" in result.stderr and "Rating" in result.stdout
    assert "<pre>" in (tmp_path / "x.html").read_text(encoding="utf-8")


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_a_picture(filled: Shop, tmp_path: Path) -> None:
    target = tmp_path / "message.png"
    filled.do("preview", "falling", *AT, "--picture", str(target))
    height, width, _ = imread(target).shape
    assert width == 1280 and 800 < height < 6000, "cut where the message ends"


def test_no_browser_is_told(filled: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = filled.do("preview", "falling", *AT, "--picture", str(tmp_path / "x.png"), expect=2)
    assert "needs Chromium" in result.output and "--html" in result.output
    assert not (tmp_path / "x.png").exists()
