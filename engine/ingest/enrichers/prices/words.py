"""What a number on a picture is, by the words around it. The tables are the whole knowledge."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Role(StrEnum):
    PROMO = "promo"
    FROM = "from"
    ORIGINAL = "original"
    OTHER = "other"  # a discount, a count, a size, a day, a part of the price
    RANGE = "range"


LABEL = re.compile(
    r"到手|券后|折后|(?:活动|秒杀|促销|直播|狂欢|限时|会员|专享|首发|优惠|抢购|拼团|团购|预售|补贴|惊喜|尝鲜|新人|新品|福利|爆款|开售|一口|现|好|售|底|特|惊爆|粉丝)价"
    r"|特惠|仅需|仅|只要|低至|包邮|\bNOW\b|\bSALE\b|\bONLY\b|\bPRICE\b",
    re.IGNORECASE,
)
FINAL = re.compile(r"到手|券后|折后")
ORIGINAL = re.compile(r"原价|日常价|吊牌|专柜|市场价|门市|零售价|划线|参考价|平时价?|厂价|\bWAS\b|\bLIST\b|\bRRP\b", re.IGNORECASE)
_BEFORE = re.compile(
    r"(?:满|每满|双|减|立减|直降|立降|省|再省|领券|券|红包|定金|订金|抵|抵扣|送|赠|返|膨胀|膨|前|第|买|拍|凑|每|付|优惠|立省|满赠|加|月供|价值|超|近|货号|型号|No|"
    r"限量|热销|销量|已售|月销|TOP|top|[xX×*+])[约价达仅了元:：]?\s*[¥$]?\s*$"
)
_AFTER = re.compile(
    r"\s*(?:元?(?:红包|优惠券|优惠|券|津贴|补贴|定金|订金)|元?(?:减|抵|送|返)|[件名期折天年月日号时分秒位款代寸倍次层色码片包瓶支米升只套双袋盒箱斤克个颗粒条张本台口人页卷块杯罐听桶节维叶管岁新分]"
    r"|小时|毫升|[mM][lL]|[kK]?[gGwWvVhH](?![a-zA-Z])|[cmdk]?[mM](?![a-zA-Z])|[lL](?![a-zA-Z])|[GT]B|mAh|[aA]h|MP|Hz|DPI|%|°|℃|/\s*[期月]|\s*[期]|万|亿|大促|[xX×*+]|[kK]\b|[A-Za-z]{2,}|-\d)"
)
_PER = re.compile(r"\s*元?\s*/\s*[期月]|\s*元?(?:每|一)[期月]")
_NUMBER = re.compile(
    r"(?P<sign>[¥$€£])?\s*(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?(?![\d.])|\d+(?:[.]\d+)*)(?P<tail>[.\-](?=\D|$))?\s*(?P<unit>元|块(?!钱?[装屏布])|RMB|rmb)?"
)
_RANGE = re.compile(r"(?P<sign>¥)?\s*(?P<low>\d+(?:\.\d{1,2})?)\s*元?\s*[-~—–一至到]+\s*¥?\s*(?P<high>\d+(?:\.\d{1,2})?)\s*(?P<unit>元)?")
_FROM = re.compile(r"\s*元?\s*起(?!订|批|送|点|名)")
TORN = "…"  # between two pieces that may be one number
LARGEST = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text, from character ``start`` to ``end``. ``sign`` is ``¥``, ``$`` ... or empty; ``sure`` tells that
    sign, unit or label say it is a price; ``cut`` that its decimals are not all there."""

    value: Decimal
    role: Role
    start: int
    end: int
    sign: str = ""
    label: bool = False
    final: bool = False
    cut: bool = False

    @property
    def sure(self) -> bool:
        return bool(self.sign) or self.label


def numbers(text: str) -> Iterator[Number]:
    """The numbers of one row of (normal) text with their roles, from left to right."""
    taken = 0
    for found in _RANGE.finditer(text):
        if _is_range(text, found):
            yield Number(Decimal(found["low"]), Role.RANGE, found.start(), found.end(), "¥")
            taken = found.end()
    for found in _NUMBER.finditer(text, taken):
        if number := _number(text, found):
            yield number


def _is_range(text: str, found: re.Match[str]) -> bool:
    before = text[: found.start()]
    marked = found["sign"] or found["unit"] or LABEL.search(before)
    return bool(marked and Decimal(found["low"]) < Decimal(found["high"]) and not _BEFORE.search(before))


def _number(text: str, found: re.Match[str]) -> Number | None:
    digits = found["number"].replace(",", "")
    if digits.count(".") > 1 or len(digits) > 12:
        return None
    value = Decimal(digits)
    before, after = text[: found.start()], text[found.end() :]
    sign = found["sign"] or ("¥" if found["unit"] else "")
    torn = before.endswith(TORN) or after.startswith(TORN)
    cut = torn or bool(found["tail"]) or len(digits.partition(".")[2]) > 2
    role = _role(before, after, sign, value, unit=bool(found["unit"]))
    label = bool(LABEL.search(before[-8:]) or LABEL.match(after.strip()[:4]))
    return Number(value, role, found.start(), found.end(), sign, label, bool(FINAL.search(before[-8:])), cut)


def _role(before: str, after: str, sign: str, value: Decimal, *, unit: bool) -> Role:
    if value == 0 or value > LARGEST or _PER.match(after) or _BEFORE.search(before):
        return Role.OTHER
    if ORIGINAL.search(before[-7:]) and not LABEL.search(_last_words(before)):
        return Role.ORIGINAL
    if _FROM.match(after):
        return Role.FROM
    if LABEL.match(after):
        return Role.PROMO
    if after.startswith("/"):
        return Role.PROMO
    if _AFTER.match(after) and not (sign and not unit and after[:1].isascii()):
        return Role.OTHER
    if not sign and (1990 <= value <= 2035 and value == value.to_integral()):
        return Role.OTHER
    return Role.PROMO


def _last_words(before: str) -> str:
    """What stands after the last word for an old price."""
    last = list(ORIGINAL.finditer(before))[-1]
    return before[last.end() :]
