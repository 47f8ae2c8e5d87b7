"""Robots in chat groups: DingTalk, WeCom, Feishu. They answer HTTP 200 whatever happens; what counts is the code in the answer's body.

Where the codes come from: DingTalk https://open.dingtalk.com/document/robots/custom-robot-access, WeCom
https://developer.work.weixin.qq.com/document/path/91770 and /path/90313, Feishu https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot.
A code that is not known is tried again later.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from engine.actions.dialects import dingtalk, feishu, fitted, wecom
from engine.actions.payloads import as_json
from engine.actions.surroundings import Surroundings, address_of, secret_of, trusted
from engine.actions.web import Answer, Request, WebSender, answer_outcome
from engine.errors import Secret
from engine.markdown import from_text, harmless
from engine.model import Message, Notification, Rendered
from engine.routing import Recipient
from engine.routing.channel_options import RobotChannel
from engine.sending import Delivery, Outcome, Sender
from engine.views import tone_of

DINGTALK_BYTES, WECOM_BYTES, FEISHU_BYTES = 20_000, 4_096, 20_000
FEISHU_COLOURS = {"critical": "red", "warning": "orange", "info": "blue", "resolved": "green"}
DINGTALK_PAUSE = timedelta(minutes=10)  # for which a robot that was too fast is shut out
Codes = Mapping[int, tuple[Delivery, str]]
Signed = Callable[[str, bytes, Secret | None, datetime], tuple[str, bytes]]

_BUSY = (Delivery.TRY_LATER, "server_busy")
_FAST = (Delivery.TRY_LATER, "rate_limited")
_SETTINGS = (Delivery.TRY_LATER, "robot_refused")
_LONG = (Delivery.GIVE_UP, "message_too_large")
_CONTENT = (Delivery.GIVE_UP, "content_refused")
DINGTALK: Codes = {
    -1: _BUSY,
    130101: _FAST,  # more than 20 a minute
    410100: _FAST,
    90030: _FAST,
    310000: _SETTINGS,  # keyword, signature, timestamp or address list
    300001: _SETTINGS,  # no such token
    300005: _SETTINGS,
    400101: _SETTINGS,
    400013: _SETTINGS,  # the group was dissolved
    400102: _SETTINGS,  # the robot was stopped
    430101: _CONTENT,
    430102: _CONTENT,
    430103: _CONTENT,
    430104: _CONTENT,
    460101: _LONG,
}
WECOM: Codes = {
    -1: _BUSY,
    45009: _FAST,
    45033: _FAST,
    93000: _SETTINGS,  # no such robot
    93004: _SETTINGS,  # the robot was stopped
    93008: _SETTINGS,  # the robot is not in the group
    40058: _LONG,  # "exceed max length 4096", and other parameters that are wrong
    45002: _LONG,
    44004: _CONTENT,
    40008: _CONTENT,
}
FEISHU: Codes = {
    11232: _FAST,
    19001: _SETTINGS,  # no such robot
    19021: _SETTINGS,  # signature or timestamp
    19022: _SETTINGS,  # address list
    19024: _SETTINGS,  # keyword
    19007: _SETTINGS,  # the robot was stopped
    19002: _CONTENT,
    11246: _CONTENT,  # a card that cannot be read
    230025: _LONG,
}


def robot(codes: Codes, sign: Signed, pause: timedelta | None = None) -> Callable[[RobotChannel, Surroundings], Sender]:
    """How the sender of a platform's robots is made."""

    def build(channel: RobotChannel, surroundings: Surroundings) -> Sender:
        address = address_of(channel, surroundings)
        secret = secret_of(channel, "secret", surroundings) if hasattr(channel, "secret_env") else None

        def request(notification: Notification) -> Request:
            url, body = sign(address.reveal(), notification.payload, secret, surroundings.now())
            return Request(url, {"Content-Type": "application/json; charset=utf-8", "User-Agent": "storewatch"}, body)

        def judge(answer: Answer) -> Outcome:
            return robot_outcome(answer, codes, pause)

        secrets = (secret,) if secret else ()
        return WebSender(address, request, judge, channel.timeout, surroundings.now, trusted(channel, surroundings), secrets)

    return build


def robot_outcome(answer: Answer, codes: Codes, pause: timedelta | None = None) -> Outcome:
    """What an answer means: the code of its body where it has one, else its status; 2xx without a code is no success."""
    code, said = _code(answer.body)
    if code == 0:
        return Outcome(Delivery.DELIVERED, "accepted", "0")
    if code is None:
        outcome = answer_outcome(answer)
        if outcome.delivery is Delivery.DELIVERED:
            return Outcome(Delivery.TRY_LATER, "protocol", f"{answer.status}, but no code: {answer.body}")
        category = "robot_refused" if outcome.category == "bad_recipient" else outcome.category
        return Outcome(Delivery.TRY_LATER if category == "robot_refused" else outcome.delivery, category, outcome.detail, outcome.wait)
    delivery, category = codes.get(code, (Delivery.TRY_LATER, "platform_refused"))
    if any(word in said.lower() for word in ("too fast", "too many", "frequency", "freq ")):
        delivery, category = _FAST
    return Outcome(delivery, category, f"{code} {said}", pause if category == "rate_limited" else None)


def _code(body: str) -> tuple[int | None, str]:
    """The code in an answer and the words beside it; None where there is none."""
    try:
        data = json.loads(body)
    except ValueError:
        return None, ""
    if not isinstance(data, dict):
        return None, ""
    code = next((data[key] for key in ("errcode", "code", "StatusCode") if key in data), None)
    said = next((data[key] for key in ("errmsg", "msg", "StatusMessage") if isinstance(data.get(key), str)), "")
    return (code if isinstance(code, int) and not isinstance(code, bool) else None), said


def sign_dingtalk(url: str, body: bytes, secret: Secret | None, at: datetime) -> tuple[str, bytes]:
    if secret is None:
        return url, body
    timestamp = str(round(at.timestamp() * 1000))
    digest = hmac.new(secret.reveal().encode(), f"{timestamp}\n{secret.reveal()}".encode(), hashlib.sha256).digest()
    signed = urlencode({"timestamp": timestamp, "sign": base64.b64encode(digest).decode()})
    return f"{url}{'&' if '?' in url else '?'}{signed}", body


def sign_feishu(url: str, body: bytes, secret: Secret | None, at: datetime) -> tuple[str, bytes]:
    """Feishu's key is the timestamp and the secret, its text is empty."""
    if secret is None:
        return url, body
    timestamp = str(int(at.timestamp()))
    digest = hmac.new(f"{timestamp}\n{secret.reveal()}".encode(), b"", hashlib.sha256).digest()
    return url, as_json({"timestamp": timestamp, "sign": base64.b64encode(digest).decode(), **json.loads(body)})


def unsigned(url: str, body: bytes, _: Secret | None, __: datetime) -> tuple[str, bytes]:
    return url, body


def dingtalk_bytes(_: RobotChannel, message: Message, rendered: Rendered, recipient: Recipient, __: str | None) -> bytes:
    mentioned = mentions(recipient.address)
    closing = " ".join(f"@{who}" for several in mentioned.values() for who in several)
    at = {"atMobiles": mentioned.get("mobile", []), "atUserIds": mentioned.get("dingtalk", []), "isAtAll": False}

    def body(text: str) -> bytes:
        return as_json({"msgtype": "markdown", "markdown": {"title": rendered.subject, "text": text}, "at": at})

    return body(fitted(markdown_of(rendered), dingtalk, closing, recipient.language, lambda text: len(body(text)) <= DINGTALK_BYTES))


def wecom_bytes(_: RobotChannel, message: Message, rendered: Rendered, recipient: Recipient, __: str | None) -> bytes:
    closing = "".join(f"<@{who}>" for who in mentions(recipient.address).get("wecom", []))
    text = fitted(markdown_of(rendered), wecom, closing, recipient.language, lambda text: len(text.encode()) <= WECOM_BYTES)
    return as_json({"msgtype": "markdown", "markdown": {"content": text}})


def feishu_bytes(_: RobotChannel, message: Message, rendered: Rendered, recipient: Recipient, __: str | None) -> bytes:
    closing = "".join(f"<at id={who}></at>" for who in mentions(recipient.address).get("feishu", []))
    colour = FEISHU_COLOURS[tone_of(message)] if message.items else "grey"
    header = {"title": {"tag": "plain_text", "content": rendered.subject}, "template": colour}

    def body(text: str) -> bytes:
        card = {"config": {"wide_screen_mode": True}, "header": header, "elements": [{"tag": "markdown", "content": text}]}
        return as_json({"msg_type": "interactive", "card": card})

    room = FEISHU_BYTES - 200  # for the signature
    return body(fitted(markdown_of(rendered), feishu, closing, recipient.language, lambda text: len(body(text)) <= room))


def markdown_of(rendered: Rendered) -> str:
    """The message for chats; of one that has no such part, the text under its subject."""
    return rendered.markdown or f"**{harmless(rendered.subject)}**\n\n{from_text(rendered.text)}"


def markdown_in(body: Any) -> str:
    """What people read of a robot's body; empty where it is of no shape that is known."""
    match body:
        case {"markdown": {"text": str(text)}} | {"markdown": {"content": str(text)}} | {"card": {"elements": [{"content": str(text)}]}}:
            return text
    return ""


def mentions(address: str) -> dict[str, list[str]]:
    """Whom ``group mobile=138… wecom=li`` mentions, by the key of the contact."""
    found: dict[str, list[str]] = {}
    for part in address.split()[1:]:
        key, _, who = part.partition("=")
        found.setdefault(key, []).append(who)
    return found
