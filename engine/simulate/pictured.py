"""Products and banners with real pictures: each shows the price that is painted on it, and the export says only which picture it is."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from engine.simulate.cells import Layout, raw
from engine.simulate.shop import Row

FOLDER = "pictures"
PRICE = "图片价格"
LINKS = {"product": "主图", "placement": "图片链接"}
"""Under which heading the exports of a kind say which picture it is."""
HEIGHT = 400
QUALITY = 70


class Album:
    """The pictures of a run, in a folder of their own: one for each product (or banner) and price."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / FOLDER

    def render(self, layout: Layout, rows: Iterable[Row]) -> bytes:
        """The export, with pictures in the place of the prices painted on them, if ``layout`` has any."""
        if PRICE not in layout.cells:
            return layout.render(rows)
        kind = layout.kinds[0]
        link = LINKS[kind]
        cells = {(link if name == PRICE else name): (raw("image_url") if name == PRICE else cell) for name, cell in layout.cells.items()}
        return replace(layout, cells=cells).render([self._painted(kind, row) for row in rows])

    def _painted(self, kind: str, row: Row) -> Row:
        """The row with the name of its picture, which is made where it is not there yet. Banners without a price keep what they have."""
        price = row["image_price"]
        if kind == "placement" and (price is None or row["image_ok"] is not True):
            return row
        key, aspect = str(row[f"{kind}_id"]), row.get("image_aspect")
        name = f"{key}-{price or 'none'}.jpg"
        if not (self.folder / name).exists():
            from engine.simulate.posters import poster_of  # only runs with pictures need fonts

            self.folder.mkdir(exist_ok=True)
            painted = price if isinstance(price, Decimal) else None
            size = (round(HEIGHT * aspect) if isinstance(aspect, Decimal) else HEIGHT, HEIGHT)
            (self.folder / name).write_bytes(poster_of(painted, zlib.crc32(key.encode()), size, QUALITY))
        return {**row, "image_url": name, "image_price": None}
