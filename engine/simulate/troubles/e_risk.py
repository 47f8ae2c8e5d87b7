"""Violations, notices of the platform, and data that do not come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from engine.simulate.look import DAY, Look, Seen
from engine.simulate.shop import Row
from engine.simulate.trouble import Plan, Site, Trouble, appears, changed, outages, rows_where, the_store, turns

HOUR = timedelta(hours=1)


def _violation(opened: timedelta, appeal_ends: timedelta | None) -> Plan:
    """Recorded so long before the first morning round, to be appealed against until so long after it; settled at noon."""

    def row(site: Site) -> Row:
        round_ = site.at(0, 9, 30)
        return {
            "store_id": site.shop.store_id,
            "violation_id": site.new_id("WG"),
            "kind": "标题滥用关键词",
            "points": 2,
            "status": "open",
            "opened_at": round_ - opened,
            "appeal_ends_at": None if appeal_ends is None else round_ + appeal_ends,
        }

    return appears("violation", row, lambda site: {"status": "closed"})


def violation_recorded(row: Seen) -> bool:
    return row.text("status") == "open" and row.age("appeal_ends_at" if row.has("appeal_ends_at") else "opened_at") <= 7 * DAY


def _unread(count: int) -> Plan:
    return changed("store", the_store, {"notices_unread": count}, lead=1)


def stale_data(look: Look) -> list[str]:
    return [f"{kind}/{look.store_id}" for kind in look.old()]


TROUBLES: Mapping[str, Trouble] = {
    "violation_recorded": Trouble(
        "violation",
        2,
        turns(
            ("just recorded", _violation(2 * HOUR, 7 * DAY)),
            ("a day left to appeal", _violation(6 * DAY, 23 * HOUR)),
            ("no date for an appeal, recorded six days ago", _violation(6 * DAY, None)),
        ),
        rows_where("violation", violation_recorded),
    ),
    "platform_notice_unread": Trouble(
        "store",
        3,
        turns(("one unread", _unread(1)), ("three unread", _unread(3)), ("forty unread", _unread(40))),
        rows_where("store", lambda row: row.num("notices_unread") > 0),
        earliest=3,
        held=DAY,
    ),
    "stale_data": Trouble(
        "",
        0,
        outages(
            ("no orders in the afternoon", "order", 12),
            ("no rivals for a day", "rival", 0),
            ("no complaints in the morning and in the afternoon", "complaint", 0),
        ),
        stale_data,
    ),
}
