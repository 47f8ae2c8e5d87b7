"""From a seed to a picture as a file: its layout, its background, and what cameras, designers and upload forms do to it."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from types import MappingProxyType

from PIL import Image, ImageFilter

from engine.simulate.posters.backgrounds import BACKGROUNDS, grainy
from engine.simulate.posters.canvas import GREY, Canvas, Style
from engine.simulate.posters.clutter import UNPRICED, name
from engine.simulate.posters.layouts import PRICED, banner
from engine.simulate.posters.truth import Truth

SIZES = ((800, 800), (800, 800), (800, 800), (750, 1000), (1000, 1000), (600, 600), (1200, 600))
SMALL = 320
SHARE_PRICED = 0.75


@dataclass(frozen=True, slots=True)
class Poster:
    """A JPEG, and what is painted on it."""

    seed: int
    layout: str
    data: bytes
    truth: Truth


def poster(seed: int, size: tuple[int, int] | None = None) -> Poster:
    """The picture of ``seed``: three of four show a promotional price. ``size`` in pixels; by default it varies from 320 to 1200."""
    random = Random(f"poster {seed}")  # noqa: S311 - a picture, no secret
    priced = random.random() < SHARE_PRICED
    canvas = _canvas(random, size or random.choice(SIZES))
    if priced:
        layout = random.choice(sorted(PRICED))
        price = made_up_price(random)
        PRICED[layout](canvas, price)
        truth = Truth(price, "USD" if layout == "in_english" else "CNY")
    else:
        layout, truth = random.choice(sorted(UNPRICED)), Truth()
        UNPRICED[layout](canvas)
    return Poster(seed, layout, _file(_spoilt(canvas.picture, random, thumbnail=size is None), random.randint(60, 95)), truth)


def poster_of(price: Decimal | None, seed: int, size: tuple[int, int], quality: int = 80) -> bytes:
    """A tidy picture of an article that shows ``price`` (in yuan), or only its name, as JPEG."""
    canvas = _canvas(Random(f"article {seed}"), size)  # noqa: S311 - a picture, no secret
    if price is None:
        name(canvas)
    else:
        banner(canvas, price)
    return _file(canvas.picture, quality)


def made_up_price(random: Random) -> Decimal:
    whole = round(10 ** random.uniform(0.8, 3.4))
    return Decimal(whole) + Decimal(random.choice(("0", "0", "0", "0.9", "0.90", "0.99", "0.5", "0.8", "0.01", "0.95")))


def _canvas(random: Random, size: tuple[int, int]) -> Canvas:
    return Canvas(BACKGROUNDS[random.choice(sorted(BACKGROUNDS))](size, random), random)


def _spoilt(picture: Image.Image, random: Random, *, thumbnail: bool) -> Image.Image:
    if random.random() < 0.3:
        picture = DAMAGES[random.choice(sorted(DAMAGES))](picture, random)
    if thumbnail and random.random() < 0.06:
        picture.thumbnail((SMALL, SMALL), Image.Resampling.LANCZOS)
    return picture


def blurred(picture: Image.Image, random: Random) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(random.uniform(0.4, 1.4)))


def watermarked(picture: Image.Image, random: Random) -> Image.Image:
    """A faint name of the shop over everything."""
    marked = Canvas(picture.copy(), random)
    for row in range(3):
        marked.words((0.1 + row * 0.15, 0.2 + row * 0.3), "官方旗舰店", 0.06, Style(marked.face, GREY), 20)
    return Image.blend(picture, marked.picture, 0.25)


def slanted(picture: Image.Image, random: Random) -> Image.Image:
    """Photographed a little from the side."""
    width, height = picture.size
    shift = random.uniform(-0.05, 0.05)
    turned = picture.transform(picture.size, Image.Transform.AFFINE, (1, shift, -shift * height / 2, 0, 1, 0), Image.Resampling.BICUBIC)
    return turned.crop((round(width * 0.01), 0, width, height))


def noisy(picture: Image.Image, random: Random) -> Image.Image:
    return grainy(picture, random, random.uniform(4, 14))


DAMAGES: Mapping[str, Callable[[Image.Image, Random], Image.Image]] = MappingProxyType(
    {"blurred": blurred, "watermarked": watermarked, "slanted": slanted, "noisy": noisy}
)


def _file(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=quality)
    return out.getvalue()
