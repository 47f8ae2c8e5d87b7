"""The enricher ``image_price``: the promotional price painted on a picture, or why there is none to tell."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from engine.ingest.enrichers.prices import ocr
from engine.ingest.enrichers.prices.deciding import Reading, decide
from engine.ingest.enrichers.prices.lines import Line, Quad
from engine.ingest.enrichers.prices.struck import is_struck

VERSION = 1
WIDEST = 1600  # pixels; a wider picture is made smaller first


def read_price(picture: Image.Image, currency: str = "CNY", every: Callable[[list[Line]], None] | None = None) -> Reading:
    """What price an RGB picture shows; places are in its pixels. ``every`` gets all lines that were found."""
    ratio = min(1.0, WIDEST / picture.width)
    shown = picture if ratio == 1.0 else picture.resize((WIDEST, max(1, round(picture.height * ratio))), Image.Resampling.LANCZOS)
    found = ocr.lines(shown)
    if every:
        every([Line(line.text, line.score, scaled(line.quad, 1 / ratio)) for line in found])
    reading = decide(found, lambda quad: is_struck(shown, quad), lambda quad: ocr.read_again(shown, quad), currency)
    quad = scaled(reading.quad, 1 / ratio) if reading.quad else None
    return Reading(reading.reason, reading.price, reading.confidence, reading.text, quad)


def scaled(quad: Quad, ratio: float) -> Quad:
    a, b, c, d = ((x * ratio, y * ratio) for x, y in quad)
    return a, b, c, d
