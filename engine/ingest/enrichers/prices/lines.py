"""Lines of text on a picture: where they are, and which of them make one row."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]
"""Four corners in pixels: where the text begins at the top, then clockwise as one reads it."""
MOST_TURN = math.radians(9)
_DECIMALS = re.compile(r"\.?\d{1,2}")
_YEN = re.compile(r"(?:(?<=[\u4e00-\u9fff：:])|^)\s*[VvYyФ￥羊夫¢]\s*(?=\d)")


@dataclass(frozen=True)
class Line:
    """A text that OCR found; ``score`` from 0 to 1 is how sure it is."""

    text: str
    score: float
    quad: Quad

    @cached_property
    def height(self) -> float:
        return (math.dist(self.quad[0], self.quad[3]) + math.dist(self.quad[1], self.quad[2])) / 2

    @cached_property
    def width(self) -> float:
        return (math.dist(self.quad[0], self.quad[1]) + math.dist(self.quad[3], self.quad[2])) / 2

    @cached_property
    def centre(self) -> Point:
        return sum(x for x, _ in self.quad) / 4, sum(y for _, y in self.quad) / 4

    @cached_property
    def turn(self) -> float:
        """The angle of its direction, in radians, clockwise."""
        (x0, y0), (x1, y1) = self.quad[0], self.quad[1]
        return math.atan2(y1 - y0, x1 - x0)

    def seen_from(self, other: Line) -> Point:
        """This line's centre, along and across the direction of ``other``, from the centre of that."""
        dx, dy = self.centre[0] - other.centre[0], self.centre[1] - other.centre[1]
        along, across = math.cos(other.turn), math.sin(other.turn)
        return dx * along + dy * across, dy * along - dx * across

    def part(self, start: float, end: float) -> Quad:
        """The corners of what lies between two shares (0 to 1) of its length."""
        top_left, top_right, bottom_right, bottom_left = self.quad
        return (
            _between(top_left, top_right, start),
            _between(top_left, top_right, end),
            _between(bottom_left, bottom_right, end),
            _between(bottom_left, bottom_right, start),
        )


def _between(one: Point, other: Point, share: float) -> Point:
    return one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share


def normal(text: str) -> str:
    """``text`` in plain characters (NFKC), without blanks inside numbers, the yen sign mended where it was taken for a letter."""
    text = unicodedata.normalize("NFKC", text).replace("￥", "¥").replace("。", ".")
    text = _YEN.sub("¥", text.strip())
    text = re.sub(r"(?<=[\d.,])\s+(?=[.,]\d)|(?<=\d[.,])\s+(?=\d)|(?<=[¥$])\s+(?=\d)", "", text)
    return re.sub(r"\bS(?=\d+\.\d\d\b)", "$", text)


def _angle(one: float, other: float) -> float:
    return abs((one - other + math.pi) % (2 * math.pi) - math.pi)


def follows(right: Line, left: Line) -> bool:
    """Whether ``right`` goes on where ``left`` ends, in the frame of the larger of the two."""
    larger, smaller = (left, right) if left.height >= right.height else (right, left)
    decimals = bool(_DECIMALS.fullmatch(smaller.text))
    if len(smaller.text) > 2 and not decimals and _angle(larger.turn, smaller.turn) > MOST_TURN:
        return False
    along, across = smaller.seen_from(larger)
    if larger is right:
        along = -along
    gap = along - (larger.width + smaller.width) / 2
    room = 0.7 if decimals else 0.45
    return along > 0 and abs(across) < room * larger.height and -0.5 * larger.height < gap < room * larger.height


def rows(lines: Iterable[Line]) -> list[tuple[Line, ...]]:
    """The lines, those that make one row together, in reading order."""
    open_ = sorted(lines, key=lambda line: line.quad[0][0])
    found: list[list[Line]] = []
    for line in open_:
        home = next((row for row in found if follows(line, row[-1])), None)
        if home is None:
            found.append([line])
        else:
            home.append(line)
    return [tuple(row) for row in found]


def share(text: str, start: int, end: int) -> tuple[float, float]:
    """Where characters ``start`` to ``end`` of ``text`` lie on its length, from 0 to 1: Chinese ones are about twice as wide."""
    widths = [_width(char) for char in text]
    whole = sum(widths) or 1.0
    return sum(widths[:start]) / whole, sum(widths[:end]) / whole


def _width(char: str) -> float:
    return 0.28 if char in ".,:'" else 0.55 if ord(char) < 0x2000 else 1.0


def around(quads: Sequence[Quad]) -> Quad:
    """The first quad's left end and the last one's right end."""
    return quads[0][0], quads[-1][1], quads[-1][2], quads[0][3]
