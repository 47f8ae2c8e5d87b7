"""The enricher ``image_ok``: whether a picture can be shown, and what it looks like, without reading it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from PIL import Image

from engine.ingest.enrichers.opening import Opened
from engine.ingest.enrichers.reasons import Reason

VERSION = 1
SIDE = 16  # the fingerprint compares 16 x 16 neighbouring patches
FLAT = 3.0  # a picture whose brightness differs less than this is blank
SLACK = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class Look:
    """What a picture is like. ``reason`` is FINE, BLANK, or why it cannot be opened; ``fingerprint`` is 64 hexadecimal digits that hardly
    change when the picture is compressed anew or made smaller, empty when it cannot be told."""

    reason: Reason
    width: int = 0
    height: int = 0
    fingerprint: str = ""

    @property
    def aspect(self) -> Decimal | None:
        return round(Decimal(self.width) / self.height, 4) if self.height else None


def look_at(opened: Opened) -> Look:
    if opened.picture is None:
        return Look(opened.reason, *opened.size)
    small = opened.picture.convert("L").resize((64, 64), Image.Resampling.BOX)
    blank = float(np.asarray(opened.picture.resize((64, 64), Image.Resampling.BOX), dtype=np.float32).std(axis=(0, 1)).max()) < FLAT
    return Look(Reason.BLANK if blank else Reason.FINE, *opened.picture.size, "" if blank else fingerprint_of(small))


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


def fingerprint_of(picture: Image.Image) -> str:
    """A difference hash of 256 bits: whether each patch is brighter than its right neighbour."""
    patches = np.asarray(picture.resize((SIDE + 1, SIDE), Image.Resampling.BOX), dtype=np.int16)
    bits = patches[:, 1:] > patches[:, :-1]
    return np.packbits(bits).tobytes().hex()
