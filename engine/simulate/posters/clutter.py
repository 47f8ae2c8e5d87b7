"""Words and numbers beside a price that are none, and layouts that show nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType

from engine.simulate.posters.canvas import DARK, GREY, RED, WHITE, Canvas, Style

NAMES = (
    "云朵抱枕",
    "轻薄羽绒服",
    "不锈钢保温杯",
    "无线蓝牙耳机",
    "全棉四件套",
    "儿童书包",
    "電動牙刷",
    "氨基酸洗面奶",
    "坚果礼盒",
    "加厚收纳箱",
)
COUNTS = (
    "500ml",
    "3件装",
    "24期免息",
    "2026新款",
    "100%纯棉",
    "5000mAh",
    "买2送1",
    "12h发货",
    "IPX7防水",
    "7天无理由",
    "1.5L大容量",
    "24小时",
    "5A级",
    "90cm",
)
DAYS = ("6.18", "双11", "11.11", "双十二", "12.12", "618大促", "3.8节", "11月11日", "99大促", "818")
OFFERS = (
    "满300减40",
    "第2件0元",
    "满199元减20元",
    "领券立减50元",
    "满2件打8折",
    "前100名送赠品",
    "每满200减30",
    "5折起",
    "下单立减10元",
    "定金50抵100",
)


def name(canvas: Canvas) -> None:
    """An article's name at the top, with a word or two of praise."""
    random = canvas.random
    text = random.choice(NAMES) + random.choice(("", " 官方正品", " 新品上市", f" {random.choice(COUNTS)}"))
    canvas.words((0.06, 0.1), text, random.uniform(0.05, 0.08), Style(canvas.face, DARK, 0.08))


def coupons(canvas: Canvas, top: float) -> None:
    for number, text in enumerate(canvas.random.sample(OFFERS, 2)):
        above = top + number * 0.15
        canvas.panel((0.05, above, 0.6, above + 0.12), canvas.random.choice((RED, (255, 140, 20), (60, 60, 70))), 0.02)
        canvas.words((0.08, above + 0.06), text, 0.065, Style(canvas.bold, WHITE))


def stickers(canvas: Canvas, most: int) -> None:
    """Sizes, counts and days all over the picture."""
    for row, text in enumerate(canvas.random.sample((*COUNTS, *DAYS), most)):
        left = canvas.random.uniform(0.03, 0.45)
        canvas.words((left, 0.08 + row * 0.11), text, canvas.random.uniform(0.05, 0.1), Style(canvas.bold, DARK, 0.1))


def nothing(canvas: Canvas) -> None:
    """The bare picture."""


def only_name(canvas: Canvas) -> None:
    name(canvas)


def only_coupons(canvas: Canvas) -> None:
    coupons(canvas, canvas.random.uniform(0.1, 0.5))


def only_stickers(canvas: Canvas) -> None:
    stickers(canvas, 6)


def only_day(canvas: Canvas) -> None:
    canvas.words((0.1, 0.35), canvas.random.choice(DAYS), 0.25, Style(canvas.bold, RED, 0.06))
    canvas.words((0.1, 0.6), canvas.random.choice(("全球狂欢节", "年中大促", "限时开抢")), 0.1, Style(canvas.bold, DARK, 0.08))


def second_for_nothing(canvas: Canvas) -> None:
    canvas.words((0.1, 0.4), canvas.random.choice(("第2件0元", "第二件0元", "第2件半价", "第3件0元")), 0.14, Style(canvas.bold, RED, 0.06))
    name(canvas)


def size_of_it(canvas: Canvas) -> None:
    text = canvas.random.choice(("500ml", "1.5L", "3件装", "24期", "250g*12", "2.0升级版", "60片", "0.01mm", "128GB", "A4纸500张"))
    canvas.words((0.1, 0.5), text, 0.2, Style(canvas.bold, DARK, 0.06))
    name(canvas)


def price_range(canvas: Canvas) -> None:
    low = canvas.random.randint(19, 199)
    high = low + canvas.random.randint(20, 200)
    dash = canvas.random.choice(("-", "~", "—", "-¥", "~¥"))
    before, after = canvas.random.choice((("¥", ""), ("到手价¥", ""), ("¥", "元")))
    canvas.words((0.08, 0.65), f"{before}{low}{dash}{high}{after}", 0.12, Style(canvas.bold, RED, 0.06))
    name(canvas)


def several_articles(canvas: Canvas) -> None:
    """Two prices of equal weight: none is the picture's."""
    low = canvas.random.randint(19, 199)
    for number, (size, price) in enumerate((("小号", low), ("大号", low + canvas.random.randint(10, 90)))):
        canvas.words((0.08 + number * 0.46, 0.62), size, 0.06, Style(canvas.face, DARK, 0.08))
        canvas.words((0.08 + number * 0.46, 0.74), f"¥{price}", 0.1, Style(canvas.bold, RED, 0.06))


def only_deposit(canvas: Canvas) -> None:
    deposit = Decimal(canvas.random.choice((10, 50, 100)))
    canvas.words((0.08, 0.65), f"定金¥{deposit}", 0.12, Style(canvas.bold, RED, 0.06))
    canvas.words((0.08, 0.8), f"可抵{deposit * 2}元", 0.07, Style(canvas.bold, DARK, 0.06))


def only_before(canvas: Canvas) -> None:
    text = canvas.random.choice(("原价¥299", "吊牌价：599元", "专柜价 ¥1280", "市场价399元"))
    canvas.words((0.08, 0.7), text, 0.08, Style(canvas.face, GREY, 0.08))
    name(canvas)


def only_instalments(canvas: Canvas) -> None:
    canvas.words(
        (0.08, 0.7), canvas.random.choice(("¥83.25/期", "低至¥16.6/期 24期免息", "月供199元")), 0.09, Style(canvas.bold, RED, 0.06)
    )
    name(canvas)


UNPRICED: Mapping[str, Callable[[Canvas], None]] = MappingProxyType(
    {
        paint.__name__: paint
        for paint in (
            nothing, only_name, only_coupons, only_stickers, only_day, second_for_nothing, size_of_it, price_range, several_articles,
            only_deposit, only_before, only_instalments,
        )
    }
)  # fmt: skip
