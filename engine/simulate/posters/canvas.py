"""A picture under construction, and how words and prices are painted on it. Places are shares of its width and height, sizes of its
shorter side."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from PIL import Image, ImageDraw, ImageFilter

from engine.simulate.posters.backgrounds import Colour
from engine.simulate.posters.fonts import BOLD, LIGHT, font, there

Place = tuple[float, float]
INKS: tuple[Colour, ...] = ((214, 16, 32), (230, 40, 10), (20, 20, 20), (255, 255, 255), (255, 230, 60), (120, 10, 60), (10, 60, 140))
RED: Colour = (222, 24, 36)
DARK: Colour = (40, 40, 46)
GREY: Colour = (120, 120, 126)
WHITE: Colour = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Style:
    """``decimals`` is how the digits after the point are written: same, small, or raised; ``outline`` is a share of the size."""

    face: str
    fill: Colour
    outline: float = 0.0
    edge: Colour = WHITE
    shadow: bool = False
    decimals: str = "same"
    symbol: str = "¥"


class Canvas:
    def __init__(self, picture: Image.Image, random: Random) -> None:
        self.picture, self.random = picture, random
        self.face, self.bold = random.choice(there(LIGHT)), random.choice(there(BOLD))

    @property
    def width(self) -> int:
        return self.picture.width

    @property
    def shorter(self) -> int:
        return min(self.picture.size)

    def panel(self, box: tuple[float, float, float, float], fill: Colour, radius: float = 0.0) -> None:
        corners = [part * side for part, side in zip(box, self.picture.size * 2, strict=True)]
        ImageDraw.Draw(self.picture).rounded_rectangle(corners, radius * self.shorter, fill=fill)

    def words(self, place: Place, text: str, size: float, style: Style, turn: float = 0.0) -> float:
        """Paint ``text`` with its left middle at ``place``; the width it takes."""
        return self._paste(self._written(text, size, style), place, turn)

    def struck(self, place: Place, text: str, size: float, style: Style) -> float:
        """``text`` with a line through it."""
        layer = self._written(text, size, style)
        middle = layer.height * 0.53
        width = max(2, round(size * self.shorter * 0.07))
        ImageDraw.Draw(layer).line((0, middle, layer.width, middle), fill=style.fill, width=width)
        return self._paste(layer, place, 0)

    def price(
        self, place: Place, price: Decimal, size: float, style: Style, turn: float = 0.0, *, before: str = "", after: str = ""
    ) -> float:
        """A price as posters write it: a smaller sign, large digits, decimals in the style's manner, a smaller unit after it."""
        return self._paste(self._priced(price, size, style, before, after), place, turn)

    def _priced(self, price: Decimal, size: float, style: Style, before: str, after: str) -> Image.Image:
        whole, _, cents = f"{price:f}".partition(".")
        decimals = f".{cents}" if cents else ""
        small = self.random.uniform(0.5, 0.75)
        runs = [(before, 0.5, 1.0), (style.symbol, self.random.choice((0.55, 0.7, 1.0)), 1.0), (whole, 1.0, 1.0)]
        if style.decimals == "same":
            runs[-1] = (whole + decimals, 1.0, 1.0)
        else:
            runs.append((decimals, small, 0.0 if style.decimals == "raised" else 1.0))
        runs.append((after, 0.5, 1.0))
        return self._joined([(self._written(text, size * share, style), down) for text, share, down in runs if text])

    def _joined(self, runs: list[tuple[Image.Image, float]]) -> Image.Image:
        """Layers side by side, at the bottom (1) or the top (0)."""
        height = max(layer.height for layer, _ in runs)
        whole = Image.new("RGBA", (sum(layer.width for layer, _ in runs), height), (0, 0, 0, 0))
        left = 0
        for layer, down in runs:
            rise = 0.0 if layer.height == height else (height - layer.height) * (0.93 if down else 0.05)
            whole.alpha_composite(layer, (left, round(rise)))
            left += layer.width
        return whole

    def _written(self, text: str, size: float, style: Style) -> Image.Image:
        pixels = max(8, round(size * self.shorter))
        face = font(style.face, pixels)
        edge = round(style.outline * pixels)
        left, top, right, bottom = face.getbbox("国" + text, stroke_width=edge)
        advance = face.getlength("国")
        layer = Image.new("RGBA", (max(1, round(right - left - advance)) + 2, round(bottom - top) + 2), (0, 0, 0, 0))
        at = (1 + edge, 1 - top)
        if style.shadow:
            shade = Image.new("RGBA", layer.size, (0, 0, 0, 0))
            ImageDraw.Draw(shade).text((at[0] + pixels // 24 + 1, at[1] + pixels // 24 + 1), text, font=face, fill=(0, 0, 0, 150))
            layer.alpha_composite(shade.filter(ImageFilter.GaussianBlur(pixels / 40)))
        ImageDraw.Draw(layer).text(at, text, font=face, fill=style.fill, stroke_width=edge, stroke_fill=style.edge)
        return layer

    def _paste(self, layer: Image.Image, place: Place, turn: float) -> float:
        left, top = place[0] * self.width, place[1] * self.picture.height - layer.height / 2
        width = layer.width
        if left + width > self.width - 2:  # it would be cut: smaller
            ratio = max(0.2, (self.width - 4 - left) / width)
            layer = layer.resize((max(1, round(width * ratio)), max(1, round(layer.height * ratio))), Image.Resampling.LANCZOS)
            top = place[1] * self.picture.height - layer.height / 2
        if turn:
            middle = left + layer.width / 2, top + layer.height / 2
            layer = layer.rotate(turn, expand=True, resample=Image.Resampling.BICUBIC)
            left, top = middle[0] - layer.width / 2, middle[1] - layer.height / 2
        whole = self.picture.convert("RGBA")
        whole.alpha_composite(layer, (max(0, round(left)), max(0, round(top))))
        self.picture = whole.convert("RGB")
        return width / self.width
