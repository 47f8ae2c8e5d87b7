"""The engine that finds lines of text on a picture (RapidOCR with the models of its package; nothing is downloaded, nothing is sent)."""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from PIL import Image

from engine.ingest.enrichers.prices.lines import Line, Quad

SEARCHED = 640  # pixels of the longer side in which lines are looked for; they are read in full size
TALL = 2.2  # taller pictures are cut
TILE, OVERLAP = 1200, 150


def installed() -> bool:
    """Whether the extra ``ocr`` is there; nothing is loaded."""
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None


@cache
def _engine() -> Any:
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    from rapidocr import RapidOCR

    params = {
        "Global.log_level": "critical",
        "Global.use_cls": False,  # it takes short prices for upside-down text: 77 becomes LL
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        "Rec.rec_batch_num": 1,  # in a batch all are as wide as the widest
        "Det.limit_type": "max",
        "Det.limit_side_len": SEARCHED,
    }
    return RapidOCR(params=params)


def lines(picture: Image.Image) -> list[Line]:
    """The lines of text on an RGB picture, also of one that is several screens tall."""
    if picture.height <= TALL * picture.width:
        return _found(picture, 0)
    step = TILE - OVERLAP
    tops = range(0, max(1, picture.height - OVERLAP), step)
    found = [line for top in tops for line in _found(picture.crop((0, top, picture.width, min(top + TILE, picture.height))), top)]
    return _once(found)


def _once(found: list[Line]) -> list[Line]:
    """Each line once: those in an overlap were found twice, and the larger box is the whole one."""
    kept: list[Line] = []
    for line in sorted(found, key=lambda line: -line.width * line.height):
        if not any(abs(along) < (line.width + other.width) / 2 and abs(across) < other.height / 2
                   for other in kept for along, across in [line.seen_from(other)]):  # fmt: skip
            kept.append(line)
    return kept


def _found(picture: Image.Image, top: int) -> list[Line]:
    result = _engine()(np.asarray(picture)[:, :, ::-1], use_det=True)  # what was asked last would be kept
    if result.boxes is None:
        return []
    return [Line(text, float(score), _quad(box, top)) for box, text, score in zip(result.boxes, result.txts, result.scores, strict=True)]


def _quad(box: Any, top: int) -> Quad:
    a, b, c, d = ((float(x), float(y) + top) for x, y in box)
    return a, b, c, d


def read_again(picture: Image.Image, quad: Quad) -> tuple[str, float]:
    """The text inside ``quad``, with a little room around it, and how sure it is; ("", 0) where nothing is recognised."""
    crop = _upright(picture, quad)
    result = _engine()(np.asarray(crop)[:, :, ::-1], use_det=False)
    if not result or not result.txts:
        return "", 0.0
    return str(result.txts[0]), float(result.scores[0])


def _upright(picture: Image.Image, quad: Quad) -> Image.Image:
    line = Line("", 1.0, quad)
    room = 0.12 * line.height
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = quad
    ux, uy = (bx - ax) / (line.width or 1), (by - ay) / (line.width or 1)
    vx, vy = (dx - ax) / (line.height or 1), (dy - ay) / (line.height or 1)

    def moved(x: float, y: float, along: int, across: int) -> tuple[float, float]:
        return x + room * (along * ux + across * vx), y + room * (along * uy + across * vy)

    corners = (*moved(ax, ay, -1, -1), *moved(dx, dy, -1, 1), *moved(cx, cy, 1, 1), *moved(bx, by, 1, -1))
    size = max(8, round(line.width + 2 * room)), max(8, round(line.height + 2 * room))
    return picture.transform(size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC)
