"""From what was found to the values of a row's columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from engine.facts import Enrichment
from engine.ingest.enrichers.image_ok import Look, judge
from engine.ingest.enrichers.reasons import Reason

Values = dict[str, Any]
Fill = Callable[[Enrichment, Mapping[str, Any], Any], Values]
PRIMARY: Mapping[str, str] = MappingProxyType({"image_price": "price", "image_ok": "ok", "link_status": "status"})
"""The output that an export may have itself: then nothing is looked at for the row."""
NOT_FINE = frozenset(
    {
        Reason.EMPTY,
        Reason.NOT_A_PICTURE,
        Reason.VECTOR,
        Reason.BROKEN,
        Reason.BLANK,
        Reason.TOO_SMALL,
        Reason.WRONG_ASPECT,
        Reason.ERROR_STATUS,
    }
)
"""Buyers see no sound picture. What only we could not have (a time-out, a refusal) says nothing of it: then it is not known."""


def fill_price(one: Enrichment, found: Mapping[str, Any], slot: Any) -> Values:
    confidence, price = found.get("confidence"), found.get("price")
    return {
        "price": None if price is None else Decimal(price),
        "confidence": None if confidence is None else Decimal(str(confidence)),
        "text": found.get("text") or None,
        "box": found.get("box") or None,
        "reason": found["reason"],
        "picture": found.get("picture") or None,
    }


def fill_ok(one: Enrichment, found: Mapping[str, Any], slot: Any) -> Values:
    look = Look(Reason(found["reason"]), found.get("width", 0), found.get("height", 0))
    reason = judge(look, one.at_least, None if slot is None else Decimal(str(slot)))
    return {
        "ok": True if reason is Reason.FINE else False if reason in NOT_FINE else None,
        "reason": reason.value,
        "aspect": look.aspect,
        "width": look.width or None,
        "height": look.height or None,
        "fingerprint": found.get("fingerprint") or None,
    }


def fill_link(one: Enrichment, found: Mapping[str, Any], slot: Any) -> Values:
    return {"status": found["status"], "url": found["url"] or None, "title": found["title"] or None, "reason": found["reason"]}


FILLERS: Mapping[str, Fill] = MappingProxyType({"image_price": fill_price, "image_ok": fill_ok, "link_status": fill_link})
