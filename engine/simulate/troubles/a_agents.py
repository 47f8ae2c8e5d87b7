"""The service desk: who is online, how fast they answer, what they hand over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from engine.model import Value
from engine.simulate.look import DAY, Look, Seen, mean
from engine.simulate.shop import Edit, Row
from engine.simulate.trouble import Columns, Plan, Site, Trouble, changed, rows_where, stores_where, turns

HOUR = timedelta(hours=1)


def _shift(day: int, part: int) -> Callable[[Site], str]:
    """The early (1) or late (2) shift of a day counted from the slot's first."""
    return lambda site: f"B{site.shop.store_id}{site.at(day):%y%m%d}{part}"


def _yesterday_late(columns: Columns | Callable[[Row], Columns], *, stays: bool = False) -> Plan:
    return changed("shift", _shift(-1, 2), columns, stays=stays)


def _nobody(change: Callable[[Row], Row | None]) -> Plan:
    """Every shift of the store is changed, or (None) not in the sheet."""

    def apply(rows: list[Row], now: datetime) -> list[Row]:
        return [row for row in map(change, rows) if row is not None]

    return lambda site: (site.shop.store_id, (Edit("shift", site.at(), site.mended, apply),))


def agent_offline(look: Look) -> bool:
    return 9 <= look.now.hour <= 21 and not any(row.yes("online") for row in look.rows("shift"))


def handover_missing(row: Seen) -> bool:
    return HOUR < row.age("ends_at") <= 2 * DAY and not row.yes("handover_done")


def _handover_until(ends: tuple[int, int, int]) -> Plan:
    """The late shift ended at that time of the first day and wrote nothing."""

    def plan(site: Site) -> tuple[str, tuple[Edit, ...]]:
        return _yesterday_late({"handover_done": False, "ends_at": site.at(0, *ends)})(site)

    return plan


def slow_response(row: Seen) -> bool:
    if row.age("ends_at") > 24 * HOUR or row.num("reception") < 10:
        return False
    return row.num("response_seconds") > 60 or row.num("reply_rate_3min") < Decimal("0.8")


def inquiry_conversion_drop(row: Seen) -> bool:
    shifts = row.same("shift")
    if row.age("ends_at") > 24 * HOUR or row.num("reception") < 30 or len(shifts) < 4:
        return False
    return row.num("inquiry_conversion") < mean([one.num("inquiry_conversion") for one in shifts]) * Decimal("0.7")


def chats_not_checked(row: Seen) -> bool:
    return 12 * HOUR <= row.age("ends_at") <= 3 * DAY and row.num("reception") >= 5 and row.num("checked_chats") < 5


def _converted(share: str) -> Plan:
    columns: Mapping[str, Value] = {"inquiry_conversion": Decimal(share)}
    return _yesterday_late(columns, stays=True)


TROUBLES: Mapping[str, Trouble] = {
    "agent_offline": Trouble(
        "store",
        1,
        turns(
            ("nobody online", _nobody(lambda row: {**row, "online": False})),
            ("no shift at all", _nobody(lambda row: None)),
            ("only past shifts are listed", _nobody(lambda row: None if row["online"] else row)),
        ),
        stores_where(agent_offline),
        reads=("shift",),
    ),
    "handover_missing": Trouble(
        "shift",
        0,
        turns(
            ("late shift, ended at 02:00", _handover_until((2, 0, 0))),
            ("ended an hour and a second before the round", _handover_until((8, 29, 59))),
            ("early shift of the day before", changed("shift", _shift(-1, 1), {"handover_done": False})),
        ),
        rows_where("shift", handover_missing),
    ),
    "slow_response": Trouble(
        "shift",
        0,
        turns(
            ("61 seconds", changed("shift", _shift(0, 1), {"response_seconds": 61}, stays=True)),
            ("79.99 % answered within three minutes", changed("shift", _shift(0, 1), {"reply_rate_3min": Decimal("0.7999")}, stays=True)),
            ("slow in both", _yesterday_late({"response_seconds": 240, "reply_rate_3min": Decimal("0.4")}, stays=True)),
        ),
        rows_where("shift", slow_response),
    ),
    "inquiry_conversion_drop": Trouble(
        "shift",
        0,
        turns(("24 %", _converted("0.24")), ("10 %", _converted("0.1")), ("18 %", _converted("0.18"))),
        rows_where("shift", inquiry_conversion_drop),
    ),
    "chats_not_checked": Trouble(
        "shift",
        0,
        turns(
            ("four checked, early shift", changed("shift", _shift(-1, 1), {"checked_chats": 4}, stays=True)),
            ("none checked, late shift", _yesterday_late({"checked_chats": 0}, stays=True)),
            ("three checked, early shift", changed("shift", _shift(-1, 1), {"checked_chats": 3}, stays=True)),
        ),
        rows_where("shift", chats_not_checked),
    ),
}
