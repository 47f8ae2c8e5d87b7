"""Two hundred files that claim to be pictures, and what is to be said of each. None of them is large; some would be, unpacked."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from random import Random

import numpy as np
from PIL import Image

from engine.ingest.enrichers.reasons import Reason

Case = tuple[str, bytes, frozenset[Reason]]
FINE, BROKEN, NOT = frozenset({Reason.FINE}), frozenset({Reason.BROKEN}), frozenset({Reason.NOT_A_PICTURE})
DAMAGED = BROKEN | NOT | frozenset({Reason.TOO_MANY_PIXELS})
ANY = DAMAGED | FINE | frozenset({Reason.BLANK})  # a few bytes changed in the middle may do nothing or everything
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>fetch("http://127.0.0.1/")</script></svg>'


def photo(size: tuple[int, int] = (96, 64)) -> Image.Image:
    pixels = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def png(width: int, height: int, rows: bytes = b"", colour: int = 2) -> bytes:
    """A PNG of this size whose pixels are what ``rows`` unpacks to."""
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", rows or zlib.compress(b"")), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in chunks)


def cases() -> Iterator[Case]:
    whole = {kind: saved(photo(), kind) for kind in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")}
    for kind, data in whole.items():
        yield f"whole {kind}", data, FINE
        for tenth in range(1, 10):
            yield f"{kind} cut at {tenth}0 %", data[: len(data) * tenth // 10], DAMAGED if kind != "TIFF" else ANY
    random = Random(7)
    for kind, data in whole.items():
        for number in range(14):
            damaged = bytearray(data)
            for _ in range(20):
                damaged[random.randrange(len(damaged))] = random.randrange(256)
            yield f"{kind} with wrong bytes {number}", bytes(damaged), ANY
    for number in range(14):
        yield f"noise {number}", random.randbytes(1 << number), NOT | BROKEN
    yield from _others()


def _others() -> Iterator[Case]:
    yield "0 bytes", b"", frozenset({Reason.EMPTY})
    yield "SVG with a script", SVG, frozenset({Reason.VECTOR})
    yield "SVG behind a declaration", b'<?xml version="1.0"?>\n<!-- -->' + SVG, frozenset({Reason.VECTOR})
    yield "SVG behind a mark", b"\xef\xbb\xbf  " + SVG, frozenset({Reason.VECTOR})
    for name, start in (("HTML", b"<!doctype html><html>"), ("PDF", b"%PDF-1.7\n"), ("ZIP", b"PK\x03\x04"), ("EPS", b"%!PS-Adobe-3.0\n"),
                        ("ELF", b"\x7fELF"), ("JSON", b'{"code": 404}'), ("text", "没有这张图".encode())):  # fmt: skip
        yield name, start + b" " * 50, NOT
    too_many = frozenset({Reason.TOO_MANY_PIXELS})
    yield "100 megapixels", saved(Image.new("1", (10_000, 10_000)), "PNG"), too_many
    yield "a bomb of 2.5 gigapixels", png(50_000, 50_000, zlib.compress(bytes(100_000))), too_many
    yield "a bomb of 4 gigapixels", png(2**16 - 1, 2**16 - 1), too_many
    yield "a GIF of 65535 x 65535", b"GIF89a" + struct.pack("<HH", 65535, 65535) + bytes(20), too_many | DAMAGED
    yield "no width", png(0, 10), DAMAGED
    yield "rows that unpack to 100 MB", png(10, 10, zlib.compress(bytes(100_000_000), 9)), ANY
    yield "too many bytes", b"\xff\xd8" + bytes(20_000_001), frozenset({Reason.TOO_MANY_BYTES})
    yield "CMYK", saved(photo().convert("CMYK"), "JPEG"), FINE
    yield "grey", saved(photo().convert("L"), "JPEG"), FINE
    yield "16 bits grey", saved(Image.fromarray(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16), "PNG"), FINE
    yield "32 bits grey", saved(Image.fromarray(np.arange(64 * 64, dtype=np.int32).reshape(64, 64) * 9), "TIFF"), FINE
    yield "floats", saved(Image.fromarray(np.linspace(0, 1000, 4096, dtype=np.float32).reshape(64, 64)), "TIFF"), FINE
    yield "floats that are none", saved(Image.fromarray(np.full((64, 64), np.nan, dtype=np.float32)), "TIFF"), frozenset({Reason.BLANK})
    yield "palette", saved(photo().quantize(16), "PNG"), FINE
    yield "palette with clear colours", saved(photo().quantize(16), "PNG", transparency=3), FINE
    yield "clear everywhere", saved(Image.new("RGBA", (64, 64), (9, 9, 9, 0)), "PNG"), frozenset({Reason.BLANK})
    yield "white", saved(Image.new("RGB", (64, 64), "white"), "JPEG"), frozenset({Reason.BLANK})
    for frames in (2, 50, 300):
        many = [photo((40, 30)) for _ in range(frames)]
        yield f"{frames} frames", saved(many[0], "GIF", save_all=True, append_images=many[1:]), FINE
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield f"EXIF orientation {orientation}", saved(photo(), "JPEG", exif=exif), FINE
    yield "EXIF of rubbish", saved(photo(), "JPEG", exif=b"Exif\0\0" + bytes(range(200))), ANY
    yield "a profile of rubbish", saved(photo(), "JPEG", icc_profile=bytes(5000)), FINE
    yield "bytes behind the end", saved(photo(), "JPEG") + b"<script>" * 100, FINE
    yield "1 x 1", saved(Image.new("RGB", (1, 1)), "PNG"), frozenset({Reason.BLANK})
    yield "1 x 20000", saved(photo((1, 20_000)), "PNG"), FINE
    yield "20000 x 1", saved(photo((20_000, 1)), "PNG"), FINE
