"""``storewatch look`` and ``storewatch unread``: what is read from pictures, and the pictures that a person should look at."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, clock, emit, fail, settings
from engine.errors import StorewatchError, Text, UsageError

if TYPE_CHECKING:
    from engine.facts import Facts, Visits
    from engine.ingest.enrichers.sources import Got

SEEN = {
    "picture": Text("picture", "图片"),
    "size": Text("size", "尺寸"),
    "price": Text("price", "价格"),
    "said": Text("outcome", "结果"),
    "confidence": Text("confidence", "可信度"),
    "text": Text("read from", "读自"),
    "drawn": Text("boxes drawn in", "画框的图"),
}
UNREAD = {
    "kind": Text("kind", "种类"),
    "store_id": Text("store", "店铺"),
    "key": Text("key", "编号"),
    "said": Text("why", "原因"),
    "text": Text("seen", "看到的文字"),
    "source": Text("picture or link", "图片或链接"),
    "as_of": Text("as of", "数据时间"),
}
NO_OCR = UsageError(
    Text("reading prices needs the extra 'ocr'", "读取图上的价格需要安装识图组件 ocr"),
    Text("pip install 'storewatch[ocr]'", "请运行：pip install 'storewatch[ocr]'"),
)


def register(app: typer.Typer) -> None:
    app.command("look")(look)
    app.command("unread")(unread)


def look(
    context: typer.Context,
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Pictures: files, or http(s) addresses.")],
    out: Annotated[Path, typer.Option(help="Folder for copies with boxes drawn: grey what was found, blue the price.")] = Path("looks"),
    currency: Annotated[str, typer.Option(help="What prices on the pictures are in: CNY, USD, EUR or GBP.")] = "CNY",
) -> None:
    """Show what storewatch reads on pictures: the price, or why there is none to tell, and where it stands.

    Exit code 1 when one of them cannot be opened.

    Example: storewatch look 主图.jpg https://img.example.com/1.jpg
    """
    from engine.ingest.enrichers.prices.ocr import installed

    options = settings(context)
    try:
        if not installed():
            raise NO_OCR
        if currency not in ("CNY", "USD", "EUR", "GBP"):
            raise UsageError(Text(f"--currency {currency}: use CNY, USD, EUR or GBP", f"--currency {currency}：可用 CNY、USD、EUR、GBP"))
        taken: set[Path] = set()
        rows = [_seen(options, image, out, currency, taken) for image in images]
    except StorewatchError as error:
        fail(options, error)
    emit(options, rows, SEEN, Text("no pictures", "没有图片"))
    if any(not row["opened"] for row in rows):
        raise typer.Exit(1)


def _seen(options: Settings, image: str, out: Path, currency: str, taken: set[Path]) -> Mapping[str, object]:
    from engine.ingest.enrichers.drawing import boxed, outlined
    from engine.ingest.enrichers.image_ok import look_at
    from engine.ingest.enrichers.image_price import read_price
    from engine.ingest.enrichers.opening import open_picture
    from engine.ingest.enrichers.prices.lines import Line
    from engine.ingest.enrichers.reasons import WORDS

    got = _got(options, image)
    if got.data is None:
        return {"picture": image, "opened": False, "reason": got.reason, "said": WORDS[got.reason].in_(options.language)}
    opened = open_picture(got.data)
    told = look_at(opened)
    row = {"picture": image, "size": f"{told.width}x{told.height}", "opened": opened.picture is not None}
    if opened.picture is None:
        return row | {"reason": told.reason, "said": WORDS[told.reason].in_(options.language)}
    lines: list[Line] = []
    reading = read_price(opened.picture, currency, lines.extend)
    target = _free(out, image, taken)
    taken.add(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(boxed(outlined(opened.picture, [line.quad for line in lines]), reading.quad, 1200))
    return row | {
        "price": reading.price,
        "reason": reading.reason,
        "said": WORDS[reading.reason].in_(options.language),
        "confidence": reading.confidence,
        "text": reading.text,
        "box": reading.quad,
        "lines": [{"text": line.text, "confidence": round(line.score, 3), "box": line.quad} for line in lines],
        "drawn": str(target),
    }


def _got(options: Settings, image: str) -> Got:
    from engine.ingest.enrichers.fetching import Visitor
    from engine.ingest.enrichers.sources import get, is_remote

    if not is_remote(image):
        path = Path(image).resolve()
        return get(path.name, path.parent, Visitor(_visits(options)))
    visitor = Visitor(_visits(options))
    try:
        return get(image, None, visitor)
    finally:
        visitor.close()


def _visits(options: Settings) -> Visits:
    """How the project says that the network is used; without a project, the usual."""
    from engine.facts import Visits
    from engine.facts_file import load_facts

    path = options.project / "facts.yaml"
    return load_facts(path).visits if path.is_file() else Visits()


def _free(out: Path, image: str, taken: Collection[Path]) -> Path:
    """A name in ``out`` that no other picture of this run has taken; an earlier run's copy is replaced."""
    name = (
        "".join(char if char.isalnum() or char in "-_." else "_" for char in image.rpartition("/")[2].partition("?")[0])[:80] or "picture"
    )
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(path for name in names if (path := out / f"{name}.look.jpg") not in taken)


def unread(
    context: typer.Context,
    kind: Annotated[str, typer.Option(help="Only this kind.")] = "",
) -> None:
    """List the pictures and links of the newest data that could not be judged and that a person should look at.

    They raise no alert: what was not read is not known.
    """
    from engine.facts_file import facts_path, load_facts

    options = settings(context)
    try:
        facts = load_facts(facts_path(options.project))
        rows = list(_unread(options, facts, kind))
    except StorewatchError as error:
        fail(options, error)
    emit(options, rows, UNREAD, Text("nothing: everything that was looked at could be judged", "没有：看过的图片和链接都能判断"))


def _unread(options: Settings, facts: Facts, only: str) -> Iterator[Mapping[str, object]]:
    from engine.ingest.enrichers.reasons import WORDS
    from engine.ingest.enrichers.unread import unread_rows

    for row in unread_rows(facts, options.project / "snapshots", clock(), only):
        yield {
            "kind": row.kind,
            "store_id": row.store_id,
            "key": " ".join(row.key),
            "enricher": row.enricher,
            "reason": row.reason,
            "said": WORDS[row.reason].in_(options.language),
            "text": row.text,
            "source": row.source,
            "as_of": row.as_of if options.format == "json" else row.as_of.astimezone(facts.zone).strftime("%Y-%m-%d %H:%M"),
        }
