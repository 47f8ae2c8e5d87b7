"""Products with real pictures: each shows the price that is painted on it, and the export says only which picture it is."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from engine.simulate.cells import Layout, raw
from engine.simulate.shop import Row

FOLDER = "pictures"
SIZE = (400, 400)
QUALITY = 70


class Album:
    """The pictures of a run, in a folder of their own: one for each product and price."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / FOLDER

    def layout(self, layout: Layout) -> Layout:
        """``layout`` with the pictures' names in the place of the prices painted on them."""
        cells = {
            ("主图" if name == "图片价格" else name): (raw("image_url") if name == "图片价格" else cell)
            for name, cell in layout.cells.items()
        }
        return replace(layout, cells=cells)

    def shown(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows with the names of their pictures, which are made where they are not there yet."""
        from engine.simulate.posters import poster_of  # only runs with pictures need fonts

        for row in rows:
            price = row["image_price"]
            name = f"{row['product_id']}-{price or 'none'}.jpg"
            if not (self.folder / name).exists():
                self.folder.mkdir(exist_ok=True)
                seed = zlib.crc32(str(row["product_id"]).encode())
                painted = price if isinstance(price, Decimal) else None
                (self.folder / name).write_bytes(poster_of(painted, seed, SIZE, QUALITY))
            yield {**row, "image_url": name, "image_price": None}
