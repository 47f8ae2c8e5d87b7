"""What a made-up price is painted on: plain, gradients, noise, and what looks like a photograph of something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Size = tuple[int, int]
Colour = tuple[int, int, int]


def colour(random: Random, low: int = 0, high: int = 255) -> Colour:
    return random.randint(low, high), random.randint(low, high), random.randint(low, high)


def plain(size: Size, random: Random) -> Image.Image:
    return Image.new("RGB", size, colour(random, 225))


def gradient(size: Size, random: Random) -> Image.Image:
    ends = np.array([colour(random, 60), colour(random, 60)], dtype=float)
    steps = np.linspace(0, 1, size[0] if random.random() < 0.5 else size[1])
    line = ends[0] * (1 - steps[:, None]) + ends[1] * steps[:, None]
    shape = (size[1], size[0], 3)
    across = line[None, :, :] if len(steps) == size[0] else line[:, None, :]
    return Image.fromarray(np.broadcast_to(across, shape).astype(np.uint8))


def noise(size: Size, random: Random) -> Image.Image:
    """Soft clouds of two sizes."""
    grain = np.random.default_rng(random.getrandbits(32))
    whole = Image.new("RGB", size, colour(random, 60))
    for cells in (6, 40):
        cloud = Image.fromarray(grain.integers(0, 256, (cells, cells, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
        whole = Image.blend(whole, cloud, random.uniform(0.15, 0.4))
    return whole


def scene(size: Size, random: Random) -> Image.Image:
    """A table, a wall, and things on it with light and shade, slightly out of focus and grainy."""
    picture = gradient(size, random)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, int(size[1] * random.uniform(0.55, 0.8)), *size), fill=colour(random, 40, 200))
    for _ in range(random.randint(3, 9)):
        _thing(draw, size, random)
    picture = picture.filter(ImageFilter.GaussianBlur(random.uniform(0.5, 4)))
    for _ in range(random.randint(1, 4)):
        _thing(ImageDraw.Draw(picture), size, random)
    return grainy(picture, random, random.uniform(2, 9))


def _thing(draw: ImageDraw.ImageDraw, size: Size, random: Random) -> None:
    width, height = random.uniform(0.1, 0.45) * size[0], random.uniform(0.15, 0.5) * size[1]
    left, top = random.uniform(0, size[0] - width), random.uniform(0, size[1] - height)
    fill = colour(random, 20, 250)
    box = (left, top, left + width, top + height)
    if random.random() < 0.5:
        draw.ellipse(box, fill=fill)
    else:
        draw.rounded_rectangle(box, radius=min(width, height) * random.uniform(0.05, 0.4), fill=fill)
    shine = tuple(min(255, channel + 40) for channel in fill)
    draw.rectangle((left + width * 0.2, top + height * 0.15, left + width * 0.3, top + height * 0.8), fill=shine)


def stripes(size: Size, random: Random) -> Image.Image:
    picture = plain(size, random)
    draw = ImageDraw.Draw(picture)
    step = random.randint(12, 60)
    fill = colour(random, 190)
    for left in range(-size[1], size[0], step * 2):
        draw.line((left, size[1], left + size[1], 0), fill=fill, width=step)
    return picture


def grainy(picture: Image.Image, random: Random, strength: float) -> Image.Image:
    grain = np.random.default_rng(random.getrandbits(32)).normal(0, strength, (picture.height, picture.width, 1))
    return Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8))


BACKGROUNDS: Mapping[str, Callable[[Size, Random], Image.Image]] = MappingProxyType(
    {"plain": plain, "gradient": gradient, "noise": noise, "scene": scene, "stripes": stripes}
)
