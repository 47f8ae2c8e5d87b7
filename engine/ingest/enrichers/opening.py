"""From bytes that claim to be a picture to an upright RGB picture of bounded size, or the reason why not. Nothing here raises for bytes."""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.ingest.enrichers.reasons import Reason

MOST_BYTES = 20_000_000
MOST_PIXELS = 40_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
"""Other formats are not tried: their decoders are seldom used and less well looked after."""
_FAULTS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    struct.error,
    LookupError,
    TypeError,
    MemoryError,
    ArithmeticError,
    RuntimeError,
    AttributeError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""What the decoders raise for bytes that are damaged or made to do damage."""


@dataclass(frozen=True, slots=True)
class Opened:
    """``picture`` is upright, in RGB on white, the first frame of an animation; None when it cannot be shown, then ``reason`` says why.
    ``size`` is that of the file, as far as it could be told."""

    picture: Image.Image | None
    reason: Reason
    size: tuple[int, int] = (0, 0)


def open_picture(data: bytes) -> Opened:
    """The picture of a file's bytes. At most 20 MB and 40 million pixels are looked at; the size is told before anything is decoded."""
    if refused := _refused(data):
        return Opened(None, refused)
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            file = Image.open(io.BytesIO(data), formats=FORMATS)
        except UnidentifiedImageError:
            return Opened(None, Reason.NOT_A_PICTURE)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            return Opened(None, Reason.TOO_MANY_PIXELS)
        except _FAULTS:
            return Opened(None, Reason.BROKEN)
        return _decoded(file)


def _refused(data: bytes) -> Reason | None:
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not data:
        return Reason.EMPTY
    if len(data) > MOST_BYTES:
        return Reason.TOO_MANY_BYTES
    if start.startswith((b"<svg", b"<?xml", b"<!doctype svg")) or b"<svg" in start:
        return Reason.VECTOR
    return None


def _decoded(file: Image.Image) -> Opened:
    size = file.size
    if size[0] * size[1] > MOST_PIXELS:
        return Opened(None, Reason.TOO_MANY_PIXELS, size)
    try:
        file.load()
        upright = ImageOps.exif_transpose(file)
        return Opened(_on_white(upright), Reason.FINE, upright.size)
    except _FAULTS:
        return Opened(None, Reason.BROKEN, size)


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith(("I", "F")):
        picture = _with_8_bits(picture)
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        ground = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(ground, layer).convert("RGB")
    return picture.convert("RGB")


def _with_8_bits(picture: Image.Image) -> Image.Image:
    """A grey picture of 16 or 32 bits a pixel, of which Pillow would cut the upper ones off."""
    pixels = np.nan_to_num(np.asarray(picture, dtype=np.float32))
    brightest = float(pixels.max(initial=0))
    return Image.fromarray(np.clip(pixels * (255 / brightest if brightest > 255 else 1), 0, 255).astype(np.uint8))
