"""The price painted on a picture that is open: lines are found, and one of their numbers is taken."""

from __future__ import annotations

from PIL import Image

from engine.ingest.enrichers.prices import ocr
from engine.ingest.enrichers.prices.deciding import Reading, decide
from engine.ingest.enrichers.prices.struck import is_struck


def read_price(picture: Image.Image, currency: str = "CNY") -> Reading:
    """What price an RGB picture shows."""
    found = ocr.lines(picture)
    return decide(found, lambda quad: is_struck(picture, quad), lambda quad: ocr.read_again(picture, quad), currency)
