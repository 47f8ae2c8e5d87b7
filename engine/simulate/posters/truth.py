"""What is really painted on a made-up picture."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Truth:
    """``price`` is the promotional price in ``currency``; None where there is none, or not one (a range, several articles)."""

    price: Decimal | None = None
    currency: str = "CNY"
