"""What is simulated, and when: the options of a run, its instants, and the dice that make it the same everywhere.

All instants are in :data:`ZONE`; amounts inside the simulation are whole cents.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from engine.errors import Text, UsageError

ZONE = ZoneInfo("Asia/Shanghai")
PLATFORMS = ("taobao", "jd", "pdd", "douyin")
DAILY = time(8, 30)  # sheets that are exported once a day
ROUNDS = (time(9, 0), time(16, 0))  # orders and advertising, which are stale after two hours
EVALUATIONS = (time(9, 30), time(16, 30))
MIN_DAYS = 7
FIRST_RULES = ("dsr_drop", "unfulfilled_orders", "banner_expired", "ad_budget_exhausted", "price_image_mismatch")


@dataclass(frozen=True, slots=True)
class Options:
    """A run: ``stores`` stores over ``platforms`` in turn, ``days`` days from ``start``, ``incidents`` planted per rule.

    ``rules`` are those whose incidents are planted. For the first rules the platforms' own sheets are enough, and only kinds that those
    rules read are exported, or all fifteen with ``everything``; any other rule makes the run :attr:`wide`. So do ``causes``, of which
    so many of each are planted: troubles that come together in one store. With ``pictures`` products (and banners, in wide runs) have
    pictures with prices on them instead of a column that tells these prices.
    """

    stores: int = 5
    days: int = 8
    seed: int = 1
    start: date = date(2026, 11, 2)
    platforms: tuple[str, ...] = PLATFORMS
    incidents: int = 3
    everything: bool = False
    rules: tuple[str, ...] = FIRST_RULES
    causes: int = 0
    pictures: bool = False

    @property
    def wide(self) -> bool:
        """Whether sheets have every column that any rule reads, and orders come from the company's own system, one sheet for all stores."""
        return self.causes > 0 or not set(self.rules) <= set(FIRST_RULES)

    def check(self) -> None:
        """Raises :class:`UsageError` when no such run can be made."""
        unknown = [name for name in self.platforms if name not in PLATFORMS]
        known = ", ".join(PLATFORMS)
        if unknown or not self.platforms:
            raise UsageError(
                Text(f"unknown platform: {', '.join(unknown) or '(none)'}", f"未知平台：{', '.join(unknown) or '（空）'}"),
                Text(f"choose among {known}", f"可选：{known}"),
            )
        if not 1 <= self.stores <= 999 or not MIN_DAYS <= self.days <= 1000 or self.incidents < 0 or self.causes < 0:
            raise UsageError(
                Text("nothing can be simulated with these numbers", "无法按这些数量模拟"),
                Text(
                    f"1 to 999 stores, {MIN_DAYS} to 1000 days, 0 or more incidents per rule",
                    f"店铺 1 到 999 家，天数 {MIN_DAYS} 到 1000 天，每条规则 0 个或更多异常",
                ),
            )

    @property
    def dates(self) -> tuple[date, ...]:
        return tuple(self.start + timedelta(days=day) for day in range(self.days))

    def instants(self, times: tuple[time, ...]) -> tuple[datetime, ...]:
        """Every day of the run at each of ``times``."""
        return tuple(at(day, when) for day in self.dates for when in times)


def at(day: date, when: time = time(0)) -> datetime:
    return datetime.combine(day, when, ZONE)


class Dice(random.Random):
    """Seeded by names, so that one store or one kind more changes nothing of the others.

    Only methods built on ``random()`` and ``getrandbits()`` are used: their sequences are the same on every machine and version.
    """

    def __init__(self, *names: object) -> None:
        super().__init__("/".join(map(str, names)))

    def between(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return low + int(self.random() * (high - low + 1))

    def minutes(self, low: int, high: int) -> timedelta:
        """A duration in whole seconds of at least ``low`` and less than ``high`` minutes."""
        return timedelta(seconds=self.between(low * 60, high * 60 - 1))

    def chance(self, probability: float) -> bool:
        return self.random() < probability
