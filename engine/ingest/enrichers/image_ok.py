"""The enricher ``image_ok``: whether a picture can be shown, and what it looks like, without reading it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from PIL import Image

from engine.ingest.enrichers.opening import Opened
from engine.ingest.enrichers.reasons import Reason

VERSION = 1
SIDE = 32  # an appearance is the brightness of 32 x 32 patches
FLAT = 3.0  # a picture whose colours differ less than this is blank
SLACK = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class Look:
    """What a picture is like. ``reason`` is FINE, BLANK, or why it cannot be opened; ``patches`` are its appearance (1024 bytes), empty
    when it has none."""

    reason: Reason
    width: int = 0
    height: int = 0
    patches: bytes = b""

    @property
    def aspect(self) -> Decimal | None:
        return round(Decimal(self.width) / self.height, 4) if self.height else None

    @property
    def name(self) -> str:
        """What the appearance is called when no earlier picture looks the same: 16 hexadecimal digits."""
        return hashlib.sha256(self.patches).hexdigest()[:16] if self.patches else ""


def look_at(opened: Opened) -> Look:
    if opened.picture is None:
        return Look(opened.reason, *opened.size)
    small = opened.picture.resize((SIDE, SIDE), Image.Resampling.BOX)
    blank = float(np.asarray(opened.picture.resize((64, 64), Image.Resampling.BOX), dtype=np.float32).std(axis=(0, 1)).max()) < FLAT
    return Look(Reason.BLANK if blank else Reason.FINE, *opened.picture.size, small.convert("L").tobytes())


def judge(look: Look, at_least: int, slot: Decimal | None) -> Reason:
    """FINE, or the first thing that is wrong: it does not open, is blank, is smaller than ``at_least`` pixels on its shorter side, or its
    shape differs from its slot's by more than 5 %."""
    if look.reason is not Reason.FINE:
        return look.reason
    if min(look.width, look.height) < at_least:
        return Reason.TOO_SMALL
    if slot and look.aspect and abs(look.aspect / slot - 1) > SLACK:
        return Reason.WRONG_ASPECT
    return Reason.FINE
