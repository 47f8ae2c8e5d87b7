"""Layouts of pictures that show a promotional price, as designers of shops make them. Each gets the canvas and the price to paint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType

from engine.simulate.posters.canvas import DARK, GREY, INKS, RED, WHITE, Canvas, Style
from engine.simulate.posters.clutter import coupons, name, stickers

LABELS = (
    "到手价",
    "券后价",
    "活动价",
    "秒杀价",
    "促销价",
    "直播价",
    "狂欢价",
    "限时价",
    "会员价",
    "专享价",
    "折后价",
    "到手仅",
    "券后",
    "首发价",
    "特价",
)
WAS = ("原价", "日常价", "吊牌价", "专柜价", "市场价", "门市价", "建议零售价")
Paint = Callable[[Canvas, Decimal], None]


def style(canvas: Canvas, *, on_panel: bool = False, decimals: str = "same") -> Style:
    """The manner in which a price is written: on a panel in white or yellow, else in an ink with an outline that sets it off."""
    random = canvas.random
    symbol = random.choice(("¥", "¥", "￥", "¥ "))
    if on_panel:
        return Style(canvas.bold, random.choice((WHITE, (255, 235, 80))), decimals=decimals, symbol=symbol)
    ink = random.choice(INKS)
    edge = WHITE if sum(ink) < 450 else DARK
    return Style(canvas.bold, ink, random.uniform(0.04, 0.1), edge, random.random() < 0.3, decimals, symbol)


def small(canvas: Canvas, like: Style) -> Style:
    return Style(canvas.face, like.fill, like.outline, like.edge)


def dearer(canvas: Canvas, price: Decimal) -> Decimal:
    return (price * Decimal(canvas.random.choice(("1.3", "1.5", "1.8", "2.2")))).quantize(Decimal(1)) + 1


def banner(canvas: Canvas, price: Decimal) -> None:
    top = 0.8
    canvas.panel((0, top, 1, 1), RED)
    ink = style(canvas, on_panel=True, decimals=canvas.random.choice(("same", "small")))
    taken = canvas.words((0.05, top + 0.1), canvas.random.choice(LABELS), 0.07, ink)
    canvas.price((0.09 + taken, top + 0.1), price, 0.14, ink)
    name(canvas)


def two_lines(canvas: Canvas, price: Decimal) -> None:
    ink, left = style(canvas), canvas.random.uniform(0.05, 0.4)
    canvas.words((left, 0.5), canvas.random.choice(LABELS), 0.07, small(canvas, ink))
    canvas.price((left, 0.63), price, 0.15, ink)
    name(canvas)


def vertical_label(canvas: Canvas, price: Decimal) -> None:
    ink = style(canvas)
    for number, char in enumerate(canvas.random.choice(("到手价", "券后价", "活动价"))):
        canvas.words((0.08, 0.55 + number * 0.07), char, 0.06, small(canvas, ink))
    canvas.price((0.17, 0.62), price, 0.17, ink)


def badge(canvas: Canvas, price: Decimal) -> None:
    """A tilted badge with its label above the price."""
    turn, (left, top) = canvas.random.uniform(-32, 32), (canvas.random.uniform(0.1, 0.45), canvas.random.uniform(0.2, 0.5))
    canvas.panel((left - 0.06, top - 0.1, left + 0.44, top + 0.34), RED, 0.24)
    ink = style(canvas, on_panel=True, decimals=canvas.random.choice(("same", "small")))
    canvas.words((left + 0.09, top + 0.03), canvas.random.choice(LABELS), 0.06, ink, turn)
    canvas.price((left + 0.03, top + 0.15), price, 0.1, ink, turn)


def tilted(canvas: Canvas, price: Decimal) -> None:
    ink = style(canvas, decimals=canvas.random.choice(("same", "small")))
    label = canvas.random.choice(LABELS)
    canvas.price((0.12, 0.5), price, 0.14, ink, canvas.random.uniform(-30, 30), before=label)
    name(canvas)


def small_decimals(canvas: Canvas, price: Decimal) -> None:
    ink = style(canvas, decimals="small")
    canvas.words((0.1, 0.66), canvas.random.choice(LABELS), 0.06, small(canvas, ink))
    canvas.price((0.1, 0.8), price, 0.18, ink)


def raised_decimals(canvas: Canvas, price: Decimal) -> None:
    ink = style(canvas, decimals="raised")
    taken = canvas.words((0.06, 0.7), canvas.random.choice(LABELS), 0.06, small(canvas, ink))
    canvas.price((0.1 + taken, 0.7), price, 0.16, ink)


def struck_with_label(canvas: Canvas, price: Decimal) -> None:
    ink = style(canvas, decimals=canvas.random.choice(("same", "small")))
    grey = Style(canvas.face, GREY, 0.06)
    was = canvas.random.choice(WAS)
    text = f"{was}¥{dearer(canvas, price)}" if canvas.random.random() < 0.5 else f"{was}：{dearer(canvas, price)}元"
    canvas.struck((0.08, 0.62), text, 0.055, grey)
    canvas.price((0.08, 0.75), price, 0.13, ink, before=canvas.random.choice(LABELS))
    name(canvas)


def struck_without_label(canvas: Canvas, price: Decimal) -> None:
    ink = style(canvas)
    taken = canvas.price((0.08, 0.75), price, 0.15, ink)
    canvas.struck((0.12 + taken, 0.78), f"¥{dearer(canvas, price)}", 0.06, Style(canvas.face, GREY, 0.06))
    name(canvas)


def struck_same_size(canvas: Canvas, price: Decimal) -> None:
    ink = style(canvas)
    canvas.panel((0.04, 0.55, 0.96, 0.9), WHITE, 0.03)
    dark = Style(canvas.bold, RED, symbol=ink.symbol)
    canvas.struck((0.1, 0.64), f"¥{dearer(canvas, price)}", 0.1, Style(canvas.bold, GREY))
    canvas.price((0.1, 0.8), price, 0.1, dark, before=canvas.random.choice(LABELS))


def with_coupons(canvas: Canvas, price: Decimal) -> None:
    coupons(canvas, 0.12)
    ink = style(canvas, decimals=canvas.random.choice(("same", "small")))
    canvas.price((0.07, 0.78), price, 0.13, ink, before=canvas.random.choice(LABELS))


def with_stickers(canvas: Canvas, price: Decimal) -> None:
    stickers(canvas, 5)
    canvas.panel((0.03, 0.76, 0.97, 0.97), WHITE, 0.04)
    ink = Style(canvas.bold, RED, decimals=canvas.random.choice(("same", "small")))
    canvas.price((0.07, 0.87), price, 0.12, ink, before=canvas.random.choice(LABELS))


def presale(canvas: Canvas, price: Decimal) -> None:
    ink = style(canvas)
    deposit = max(1, int(price / 10))
    canvas.words((0.08, 0.6), f"定金{deposit}元 抵{deposit * 2}元", 0.06, Style(canvas.face, DARK, 0.1))
    canvas.price((0.08, 0.75), price, 0.12, ink, before="预售到手价")
    name(canvas)


def instalments(canvas: Canvas, price: Decimal) -> None:
    ink = style(canvas)
    months = canvas.random.choice((6, 12, 24))
    each = (price / months).quantize(Decimal("0.01"))
    canvas.words((0.08, 0.86), f"{months}期免息 低至¥{each}/期", 0.05, Style(canvas.face, DARK, 0.1))
    canvas.price((0.08, 0.7), price, 0.14, ink, before=canvas.random.choice(LABELS))


def each_unit(canvas: Canvas, price: Decimal) -> None:
    after = canvas.random.choice(("/斤", "/盒", "/件", "/2瓶", "/箱"))
    canvas.price((0.1, 0.72), price, 0.15, style(canvas), before=canvas.random.choice(LABELS), after=after)
    name(canvas)


def from_price(canvas: Canvas, price: Decimal) -> None:
    ink = style(canvas)
    symbol = canvas.random.choice(("", "¥", "低至"))
    canvas.price(
        (0.1, 0.72), price, 0.15, Style(ink.face, ink.fill, ink.outline, ink.edge, symbol=symbol), after="元起" if symbol != "¥" else "起"
    )
    name(canvas)


def in_english(canvas: Canvas, price: Decimal) -> None:
    ink = style(canvas)
    dollars = Style(ink.face, ink.fill, ink.outline, ink.edge, symbol="$")
    canvas.price((0.1, 0.7), price, 0.14, dollars, before="NOW ")
    was = dearer(canvas, price) + Decimal("0.99")
    canvas.struck((0.12, 0.84), f"WAS ${was}", 0.06, Style(canvas.face, GREY, 0.06))


def faint(canvas: Canvas, price: Decimal) -> None:
    canvas.panel((0.05, 0.55, 0.95, 0.92), (236, 232, 226), 0.02)
    shade = canvas.random.randint(120, 175)
    ink = Style(canvas.bold, (shade, shade - 20, shade - 30))
    canvas.price((0.1, 0.74), price, 0.13, ink, before=canvas.random.choice(LABELS))


def yuan_after(canvas: Canvas, price: Decimal) -> None:
    ink = style(canvas)
    bare = Style(ink.face, ink.fill, ink.outline, ink.edge, symbol="")
    canvas.price((0.1, 0.7), price, 0.15, bare, before=canvas.random.choice(("仅", "只要", "到手", "券后", "包邮")), after="元")
    name(canvas)


def less_off(canvas: Canvas, price: Decimal) -> None:
    ink = style(canvas)
    off = canvas.random.choice((10, 20, 50, 100))
    canvas.words((0.08, 0.58), f"直降{off}元", 0.08, Style(canvas.bold, DARK, 0.1))
    canvas.price((0.08, 0.72), price, 0.13, ink, before=canvas.random.choice(LABELS))
    canvas.words((0.08, 0.85), f"前{off * 5}名再送赠品", 0.05, Style(canvas.face, DARK, 0.1))


def number_only(canvas: Canvas, price: Decimal) -> None:
    """The sign and the digits, nothing else but a name."""
    canvas.price((canvas.random.uniform(0.05, 0.4), canvas.random.uniform(0.55, 0.85)), price, 0.14, style(canvas))
    name(canvas)


def label_below(canvas: Canvas, price: Decimal) -> None:
    ink = style(canvas)
    canvas.price((0.1, 0.66), price, 0.16, ink)
    canvas.words((0.12, 0.8), canvas.random.choice(("限时特惠", "活动价", "到手价", "狂欢底价")), 0.06, small(canvas, ink))
    name(canvas)


def two_columns(canvas: Canvas, price: Decimal) -> None:
    """The old and the new price side by side, the labels above."""
    canvas.panel((0.03, 0.6, 0.97, 0.93), WHITE, 0.03)
    canvas.words((0.08, 0.67), canvas.random.choice(WAS), 0.05, Style(canvas.face, GREY))
    canvas.struck((0.08, 0.8), f"¥{dearer(canvas, price)}", 0.08, Style(canvas.face, GREY))
    canvas.words((0.5, 0.67), canvas.random.choice(LABELS), 0.05, Style(canvas.face, RED))
    canvas.price((0.5, 0.8), price, 0.11, Style(canvas.bold, RED))


def second_free(canvas: Canvas, price: Decimal) -> None:
    canvas.words((0.08, 0.55), canvas.random.choice(("第2件0元", "第二件半价", "拍2件减20", "买1送1")), 0.07, Style(canvas.bold, DARK, 0.1))
    canvas.price((0.08, 0.72), price, 0.14, style(canvas), before=canvas.random.choice(LABELS))
    name(canvas)


PRICED: Mapping[str, Paint] = MappingProxyType(
    {
        paint.__name__: paint
        for paint in (
            banner, two_lines, vertical_label, badge, tilted, small_decimals, raised_decimals, struck_with_label, struck_without_label,
            struck_same_size, with_coupons, with_stickers, presale, instalments, each_unit, from_price, in_english, faint, yuan_after,
            less_off, number_only, label_below, two_columns, second_free,
        )
    }
)  # fmt: skip
