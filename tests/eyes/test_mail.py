"""The mail about a price shows the picture with the box beside the price charged."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from engine.ingest.enrichers.drawing import BOX, boxed
from engine.rendering import Renderer
from tests.rendering.messages import gallery

TEMPLATES = Path(__file__).parents[2] / "templates"
QUAD = ((100.0, 300.0), (300.0, 300.0), (300.0, 360.0), (100.0, 360.0))


def coloured(picture: Image.Image) -> list[tuple[int, int]]:
    """Where the colour of the box is."""
    apart = np.abs(np.asarray(picture.convert("RGB"), dtype=int) - BOX).max(axis=2)
    return [(int(x), int(y)) for y, x in np.argwhere(apart < 40)]


def test_the_box_is_around_what_was_read() -> None:
    small = Image.open(io.BytesIO(boxed(Image.new("RGB", (400, 400), "white"), QUAD)))
    places = coloured(small)
    assert {min(x for x, _ in places) // 10, max(x for x, _ in places) // 10} == {8, 31}
    assert 280 < min(y for _, y in places) < 300 < 360 < max(y for _, y in places) < 380


def test_of_a_tall_picture_the_part_with_the_price_is_shown() -> None:
    low = tuple((x, y + 4000) for x, y in QUAD)
    small = Image.open(io.BytesIO(boxed(Image.new("RGB", (400, 6000), "white"), low)))  # type: ignore[arg-type]
    assert small.width == small.height
    assert coloured(small)


def test_the_mail_shows_it_beside_the_prices() -> None:
    message = gallery("price_image_mismatch")["firing"]
    jpeg = boxed(Image.new("RGB", (400, 400), "white"), QUAD)
    item = replace(message.items[0], picture=jpeg)
    for language in ("zh", "en"):
        without = Renderer(TEMPLATES).render(message, language)
        rendered = Renderer(TEMPLATES).render(replace(message, items=(item,)), language)
        assert not rendered.fault
        (picture,) = (one for one in rendered.pictures if one.data == jpeg)
        assert picture.format == "jpeg"
        place = rendered.html.index(f"cid:{picture.name}")
        assert place < rendered.html.index("¥", place)
        assert "cid:look-" not in without.html
