"""From a rendered message to the bytes of a mail, the same bytes for the same input.

The structure is what mail programs agree on: ``multipart/related`` of ``multipart/alternative`` (text, HTML) and the pictures that the
HTML refers to by ``cid:``. Header values are one clean line each, whatever a store is called, so that no header can be smuggled in.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import MIMEPart
from email.policy import SMTP
from email.utils import format_datetime
from types import MappingProxyType

from engine.model import Picture, Rendered
from engine.wording import clean

LONGEST_SUBJECT = 200
LONGEST_HEADER = 900
_LOCAL, _DOMAIN = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+", r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*"
_ADDRESS = re.compile(rf"(?P<name>[^<>]*)<(?P<local>{_LOCAL})@(?P<domain>{_DOMAIN})>|(?P<bare_local>{_LOCAL})@(?P<bare_domain>{_DOMAIN})")
FIXED_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Auto-Submitted": "auto-generated",  # RFC 3834: no vacation notes, please
        "X-Auto-Response-Suppress": "All",
        "X-Mailer": "storewatch",
    }
)


def message_id_for(notification_id: str, recipient: str, domain: str) -> str:
    """``<32 hexadecimal digits@domain>``, the same whenever the same notification is sent to the same recipient."""
    digest = hashlib.sha256(f"{notification_id}\x1f{recipient}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    host = ".".join(filter(None, re.sub(r"[^A-Za-z0-9.-]", "", domain).split(".")))
    return f"<{digest}@{host or 'storewatch.invalid'}>"


def compose(
    rendered: Rendered,
    *,
    sender: str,
    recipients: Sequence[str],
    message_id: str,
    date: datetime,
    in_reply_to: str = "",
    headers: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """The mail as SMTP wants it: CRLF line ends, no line over 998 octets, headers in ASCII.

    ``sender`` and ``recipients`` are addresses, with or without a name (``巡店 <alerts@example.com>``). ``in_reply_to`` is the message id
    of the first mail of the thread, empty for that one itself. ``headers`` are further ones. Raises ValueError for an address that is
    none, or a header name that is none.
    """
    mail = _body(rendered, message_id)
    values = {
        "From": address(sender),
        "To": ", ".join(address(recipient) for recipient in recipients),
        "Subject": clean(rendered.subject, LONGEST_SUBJECT),
        "Date": format_datetime(date),
        "Message-ID": _identifier(message_id),
    }
    if in_reply_to:
        values |= {"In-Reply-To": _identifier(in_reply_to), "References": _identifier(in_reply_to)}
    for name, value in {**values, **FIXED_HEADERS, **headers}.items():
        _set(mail, name, clean(value, LONGEST_HEADER))
    mail["MIME-Version"] = "1.0"
    return mail.as_bytes(policy=SMTP)


def address(text: str) -> str:
    """An address as headers write it. Raises ValueError when ``text`` holds none (or one outside ASCII, which few servers take)."""
    found = _ADDRESS.fullmatch(text.strip())
    if not found or clean(text, LONGEST_HEADER) != text.strip():
        raise ValueError(f"not a mail address: {clean(text)!r}")
    name = (found["name"] or "").strip().strip('"')
    return str(Address(name, found["local"] or found["bare_local"], found["domain"] or found["bare_domain"]))


def _identifier(text: str) -> str:
    if not re.fullmatch(r"<[^<>\s@]+@[^<>\s@]+>", text) or not text.isascii():
        raise ValueError(f"not a message id: {clean(text)!r}")
    return text


def _set(mail: MIMEPart, name: str, value: str) -> None:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name):
        raise ValueError(f"not a header name: {clean(name)!r}")
    del mail[name]
    mail[name] = value


def _body(rendered: Rendered, seed: str) -> MIMEPart:
    text = _text(rendered.text, "plain")
    if not rendered.html:
        return text
    alternative = _multipart("alternative", seed)
    alternative.attach(text)
    alternative.attach(_text(rendered.html, "html"))
    if not rendered.pictures:
        return alternative
    related = _multipart("related", seed)
    related.set_param("type", "multipart/alternative")
    related.attach(alternative)
    for picture in rendered.pictures:
        related.attach(_picture(picture))
    return related


def _multipart(subtype: str, seed: str) -> MIMEPart:
    """An empty container whose boundary follows from ``seed``, so that the same mail has the same bytes."""
    part = MIMEPart(policy=SMTP)
    part["Content-Type"] = f"multipart/{subtype}"
    part.set_boundary("=_" + hashlib.sha256(f"{subtype}\x1f{seed}".encode()).hexdigest()[:32])
    return part


def _text(text: str, subtype: str) -> MIMEPart:
    part = MIMEPart(policy=SMTP)
    plain = text.encode("utf-8", "replace").decode()
    part.set_content(plain.replace("\0", ""), subtype, cte="quoted-printable" if plain.isascii() else "base64")
    return part


def _picture(picture: Picture) -> MIMEPart:
    part = MIMEPart(policy=SMTP)
    name = re.sub(r"[^A-Za-z0-9.@_-]", "", picture.name)
    filename = f"{name.partition('@')[0]}.{'jpg' if picture.format == 'jpeg' else picture.format}"
    part.set_content(picture.data, "image", picture.format, disposition="inline", filename=filename, cid=f"<{name}>")
    return part
