"""The bytes of mails: structure, headers, threading, sameness."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.actions.mime import compose, message_id_for
from engine.model import Picture, Rendered
from engine.wording import clean

DATE = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n"
FULL = Rendered("主题", "正文\n", '<p>正文 <img src="cid:trend-1@storewatch"></p>\n', (Picture("trend-1@storewatch", PNG, "趋势"),))


def built(rendered: Rendered = FULL, **changes: Any) -> bytes:
    options: dict[str, Any] = {"sender": "巡店 <alerts@example.com>", "recipients": ["lead@example.com"], "message_id": "<1@example.com>"}
    return compose(rendered, **{**options, "date": DATE, **changes})


def parsed(raw: bytes) -> EmailMessage:
    mail = cast(EmailMessage, email.message_from_bytes(raw, policy=default))
    assert not any(part.defects for part in mail.walk())
    return mail


def content(part: EmailMessage | Any) -> str:
    """A text part's text, without the line ends of the wire."""
    return str(part.get_content()).replace("\r\n", "\n").replace("\r", "\n")


def test_structure() -> None:
    mail = parsed(built())
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/related",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "image/png",
    ]
    plain, html, png = (part for part in mail.walk() if not part.is_multipart())
    assert content(plain) == FULL.text
    assert content(html) == FULL.html
    assert png.get_content() == PNG
    assert (png["Content-ID"], png.get_content_disposition()) == ("<trend-1@storewatch>", "inline")


def test_without_html_it_is_plain_text_alone() -> None:
    mail = parsed(built(Rendered("s", "text\n", fault="template")))
    assert mail.get_content_type() == "text/plain"
    assert content(mail) == "text\n"


def test_without_pictures_there_is_no_related_part() -> None:
    assert parsed(built(Rendered("s", "t", "<p>t</p>"))).get_content_type() == "multipart/alternative"


def test_headers() -> None:
    mail = parsed(built(headers={"X-Storewatch-Alert": "dsr_drop/1001"}))
    assert mail["From"] == "巡店 <alerts@example.com>"
    assert mail["Date"] == "Fri, 20 Nov 2026 08:00:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["X-Storewatch-Alert"] == "dsr_drop/1001"
    assert "In-Reply-To" not in mail
    assert "References" not in mail


def test_a_later_mail_refers_to_the_first() -> None:
    mail = parsed(built(in_reply_to="<first@example.com>"))
    assert (mail["In-Reply-To"], mail["References"], mail["Message-ID"]) == (
        "<first@example.com>",
        "<first@example.com>",
        "<1@example.com>",
    )


def test_the_same_mail_has_the_same_bytes_and_another_has_others() -> None:
    assert built() == built()
    assert built() != built(message_id="<2@example.com>")


def test_lines_are_crlf_and_short_whatever_the_text() -> None:
    raw = built(Rendered("长" * 3_000, "x" * 5_000 + "\n.\nFrom me\n" + "长" * 5_000, "<p>" + "y" * 5_000 + "</p>"))
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert raw.isascii()


@given(st.text(st.characters(), max_size=150))
@settings(deadline=None, max_examples=150)
def test_any_subject_arrives_as_one_clean_line(subject: str) -> None:
    raw = built(Rendered(subject, "text"))
    assert str(parsed(raw)["Subject"]).split() == clean(subject, 200).split()


@given(st.text(st.characters(), max_size=300))
@settings(deadline=None, max_examples=60)
def test_any_text_arrives(text: str) -> None:
    body = parsed(built(Rendered("s", text, f"<p>{len(text)}</p>"))).get_body(("plain",))
    assert body is not None
    sent = text.encode("utf-8", "replace").decode().replace("\0", "").replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    assert content(body).rstrip("\n") == sent


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "a@", "@b", "a@b\r\nBcc: c@d", "a@b, c@d", "a b@c", "店@例.com", "<a@b", "a@b>c@d", 'a"b@c', "a@b;c"],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="not a mail address"):
        built(recipients=[address])
    with pytest.raises(ValueError, match="not a mail address"):
        built(sender=address)


@pytest.mark.parametrize("identifier", ["1@example.com", "<1>", "<1@a>\r\nX: y", "<1 2@a>", "<1@店>"])
def test_what_is_no_message_id_is_refused(identifier: str) -> None:
    with pytest.raises(ValueError, match="not a message id"):
        built(message_id=identifier)
    with pytest.raises(ValueError, match="not a message id"):
        built(in_reply_to=identifier)


@pytest.mark.parametrize("name", ["", "X Y", "X:Y", "X\r\nY", "店"])
def test_what_is_no_header_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a header name"):
        built(headers={name: "x"})


def test_message_ids_are_stable_and_told_apart() -> None:
    one = message_id_for("n1", "a@example.com", "shop.example.com")
    assert one == "<bc9fc471bc8bb411c6cbfa79121d3c5a@shop.example.com>", "an id that changes with a release would send mails twice"
    assert one == message_id_for("n1", "a@example.com", "shop.example.com")
    assert (
        len({one, message_id_for("n2", "a@example.com", "shop.example.com"), message_id_for("n1", "b@example.com", "shop.example.com")})
        == 3
    )


@pytest.mark.parametrize("domain", ["", "..", "a b\r\nX: y>", "店铺"])
def test_message_ids_are_sound_whatever_the_domain(domain: str) -> None:
    assert parsed(built(message_id=message_id_for("n\ud800", "a", domain)))["Message-ID"]


def test_a_jpeg_is_sent_as_one() -> None:
    jpeg = b"\xff\xd8\xff\xe0" + bytes(40)
    mail = parsed(built(Rendered("s", "t\n", '<img src="cid:look-1@storewatch">\n', (Picture("look-1@storewatch", jpeg, "图片"),))))
    (part,) = (part for part in mail.walk() if part.get_content_maintype() == "image")
    assert (part.get_content_type(), part.get_filename(), part.get_content()) == ("image/jpeg", "look-1.jpg", jpeg)
