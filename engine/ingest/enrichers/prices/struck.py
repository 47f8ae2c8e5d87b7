"""Whether something on a picture is crossed out, which OCR does not see."""

from __future__ import annotations

import numpy as np
from PIL import Image

from engine.ingest.enrichers.prices.lines import Quad

WIDTH, HEIGHT = 200, 48
ALIKE, ACROSS = 0.28, 0.86


def is_struck(picture: Image.Image, quad: Quad) -> bool:
    """Whether a line of one colour runs through the middle of ``quad`` from end to end."""
    return evenness(picture, quad) > ACROSS


def evenness(picture: Image.Image, quad: Quad) -> float:
    """The largest share of a row in the middle of ``quad`` that has about one colour, which is not that of the rows at its edges."""
    top_left, top_right, bottom_right, bottom_left = quad
    corners = (*top_left, *bottom_left, *bottom_right, *top_right)
    crop = picture.transform((WIDTH, HEIGHT), Image.Transform.QUAD, corners, Image.Resampling.BILINEAR)
    pixels = np.asarray(crop, dtype=np.float32)[:, 6:-6]
    low, high = np.percentile(pixels, (4, 96), axis=(0, 1))
    reach = float(np.linalg.norm(high - low)) or 1.0
    middle = pixels[int(HEIGHT * 0.32) : int(HEIGHT * 0.72)]
    colours = np.median(middle, axis=1, keepdims=True)
    alike = np.linalg.norm(middle - colours, axis=2) < ALIKE * reach
    ground = np.median(np.concatenate([pixels[:3], pixels[-3:]]), axis=(0, 1))
    apart = np.linalg.norm(colours[:, 0] - ground, axis=1) > ALIKE * reach
    return float((alike.mean(axis=1) * apart).max())
