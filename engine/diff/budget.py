"""How much more a change of rules may tell: ``+10 notifications/day``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from engine.diff.model import Difference
from engine.errors import Text, UsageError

_BUDGET = re.compile(
    r"\s*(?P<plus>\+?)\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<percent>%?)\s*(?P<what>alert|notification)s?\s*(?:(?:/|per)\s*(?P<per>day|week))?\s*"
)
_DAYS = {"day": 1, "week": 7}


@dataclass(frozen=True, slots=True)
class Budget:
    """At most ``number`` alerts or notifications (``what``) in ``days``: more than before (``more``;
    ``percent``: of what there were), or at all."""

    text: str
    number: Decimal
    what: str
    days: int
    more: bool
    percent: bool

    def spent(self, found: Difference) -> Decimal:
        """How many there are, or how many more (in percent of before; none before counts as one)."""
        before, after = (Decimal(count) for count in (found.notifications if self.what == "notification" else found.alerts).counts)
        if self.percent:
            return (after - before) / max(before, Decimal(1)) * 100
        rate = Decimal(self.days) / Decimal(str(found.days))
        return (after - before if self.more else after) * rate

    def kept(self, found: Difference) -> bool:
        return self.spent(found) <= self.number

    def verdict(self, found: Difference) -> Text:
        """One sentence."""
        spent = f"{'+' if self.more and self.spent(found) >= 0 else ''}{self.spent(found):.2f}".rstrip("0").rstrip(".")
        said = f"{spent}{'%' if self.percent else ''}"
        if self.kept(found):
            return Text(f"within the budget {self.text!r}: {said}", f"没有超出预算“{self.text}”：{said}")
        return Text(f"over the budget {self.text!r}: {said}", f"超出预算“{self.text}”：{said}")


def parse_budget(text: str) -> Budget:
    """``+10 notifications/day``, ``+5% alerts``, ``200 notifications/week``. Raises :class:`UsageError`."""
    found = _BUDGET.fullmatch(text)
    if not found or (found["percent"] and not found["plus"]):
        example = "+10 notifications/day, +5% alerts, 200 notifications/week"
        said = Text(f"--budget {text!r} is no budget", f"--budget {text!r} 写法不对")
        raise UsageError(said, Text(f"write: {example}", f"可写：{example}"))
    days = _DAYS[found["per"] or "day"]
    return Budget(text.strip(), Decimal(found["number"]), found["what"], days, bool(found["plus"]), bool(found["percent"]))
