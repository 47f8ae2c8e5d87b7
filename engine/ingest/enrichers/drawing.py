"""A small copy of a picture with a box around what was read from it, for mails and for ``storewatch look``."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw

from engine.ingest.enrichers.prices.lines import Quad

SIDE = 520  # pixels of the longer side
TALL = 1.6  # of a taller picture only the part around the box is shown
BOX, HALO, FOUND = (20, 100, 255), (255, 255, 255), (110, 120, 130)


def boxed(picture: Image.Image, quad: Quad | None, side: int = SIDE) -> bytes:
    """A JPEG of at most ``side`` x ``side`` pixels, with a box around ``quad`` (none: the picture alone)."""
    shown, top = _around(picture, quad)
    ratio = min(1.0, side / max(shown.size))
    small = shown.resize((max(1, round(shown.width * ratio)), max(1, round(shown.height * ratio))), Image.Resampling.LANCZOS)
    if quad:
        _draw(ImageDraw.Draw(small), [(x * ratio, (y - top) * ratio) for x, y in quad])
    out = io.BytesIO()
    small.save(out, "JPEG", quality=78, optimize=True)
    return out.getvalue()


def _around(picture: Image.Image, quad: Quad | None) -> tuple[Image.Image, int]:
    """The picture, or of a tall one a square around the box; and how far down that begins."""
    if picture.height <= TALL * picture.width:
        return picture, 0
    middle = sum(y for _, y in quad) / 4 if quad else 0
    top = round(min(max(0, middle - picture.width / 2), picture.height - picture.width))
    return picture.crop((0, top, picture.width, top + picture.width)), top


def _draw(draw: ImageDraw.ImageDraw, corners: list[tuple[float, float]]) -> None:
    """A blue frame on a white one, a little away from the text, so that it is seen on any ground."""
    middle = sum(x for x, _ in corners) / 4, sum(y for _, y in corners) / 4
    height = max(1.0, ((corners[3][0] - corners[0][0]) ** 2 + (corners[3][1] - corners[0][1]) ** 2) ** 0.5)
    away = 0.12 * height + 3
    moved = [(x + (away if x > middle[0] else -away), y + (away if y > middle[1] else -away)) for x, y in corners]
    for fill, width in ((HALO, 7), (BOX, 4)):
        draw.line([*moved, moved[0], moved[1]], fill=fill, width=width, joint="curve")


def outlined(picture: Image.Image, quads: Sequence[Quad]) -> Image.Image:
    """A copy with a thin grey line around each of ``quads``."""
    copy = picture.copy()
    draw = ImageDraw.Draw(copy)
    for quad in quads:
        draw.line([*quad, quad[0]], fill=FOUND, width=max(2, picture.width // 400))
    return copy
