"""Why an enricher says what it says: every outcome of looking at a picture or a link, with its words."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from engine.errors import Text


class Reason(StrEnum):
    # a price
    READ = "read"
    FROM = "from"
    NO_PRICE = "no_price"
    RANGE = "price_range"
    SEVERAL = "several_prices"
    UNSURE = "unsure"
    BARE_NUMBER = "bare_number"
    DECIMALS = "decimals_unclear"
    OTHER_CURRENCY = "other_currency"
    # a picture
    FINE = "fine"
    EMPTY = "empty"
    NOT_A_PICTURE = "not_a_picture"
    VECTOR = "vector_picture"
    BROKEN = "broken"
    TOO_MANY_BYTES = "too_many_bytes"
    TOO_MANY_PIXELS = "too_many_pixels"
    BLANK = "blank"
    TOO_SMALL = "too_small"
    WRONG_ASPECT = "wrong_aspect"
    CRASHED = "crashed"
    TOO_SLOW = "too_slow"
    # where it is from
    NOT_THERE = "not_there"
    OUTSIDE = "outside"
    # a link
    OPENS = "opens"
    ERROR_STATUS = "error_status"
    BAD_ADDRESS = "bad_address"
    REFUSED_ADDRESS = "refused_address"
    UNKNOWN_HOST = "unknown_host"
    UNREACHABLE = "unreachable"
    BAD_CERTIFICATE = "bad_certificate"
    TIMEOUT = "timeout"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    ROBOTS = "robots"
    WRONG_TYPE = "wrong_type"


WORDS: Mapping[Reason, Text] = MappingProxyType(
    {
        Reason.READ: Text("a price was read", "读出了价格"),
        Reason.FROM: Text("a price was read: “from …”", "读出了起价（……起）"),
        Reason.NO_PRICE: Text("no price is painted on it", "图上没有价格"),
        Reason.RANGE: Text("a range of prices", "图上是价格区间"),
        Reason.SEVERAL: Text("several prices of equal weight", "有几个价格，分不出主次"),
        Reason.UNSURE: Text("the digits are not clear enough", "数字看不太清"),
        Reason.BARE_NUMBER: Text("a number that may or may not be a price", "有数字，但不能确定是价格"),
        Reason.DECIMALS: Text("it is not clear where the decimals begin", "小数看不清"),
        Reason.OTHER_CURRENCY: Text("a price in another currency", "不是人民币价格"),
        Reason.FINE: Text("fine", "正常"),
        Reason.EMPTY: Text("empty: 0 bytes", "空文件（0 字节）"),
        Reason.NOT_A_PICTURE: Text("not a picture", "不是图片"),
        Reason.VECTOR: Text("an SVG drawing, which shops do not show and may hold programs", "SVG 矢量图（平台不显示，可能含脚本）"),
        Reason.BROKEN: Text("damaged or cut off", "图片损坏或不完整"),
        Reason.TOO_MANY_BYTES: Text("too large a file", "文件太大"),
        Reason.TOO_MANY_PIXELS: Text("too many pixels", "像素太多"),
        Reason.BLANK: Text("blank: all of one colour", "空白：全是一种颜色"),
        Reason.TOO_SMALL: Text("smaller than it should be", "尺寸太小"),
        Reason.WRONG_ASPECT: Text("does not fit the shape of its slot", "宽高比与位置不符"),
        Reason.CRASHED: Text("reading it failed", "读图程序出错"),
        Reason.TOO_SLOW: Text("reading it took too long", "读图超时"),
        Reason.NOT_THERE: Text("there is no such file", "找不到文件"),
        Reason.OUTSIDE: Text("the path leads out of the export's folder", "路径超出了导出文件所在的文件夹"),
        Reason.OPENS: Text("opens", "能打开"),
        Reason.ERROR_STATUS: Text("the server answers with an error", "服务器返回错误"),
        Reason.BAD_ADDRESS: Text("not an http or https address", "不是 http(s) 地址"),
        Reason.REFUSED_ADDRESS: Text("leads to an address inside a network, which is not looked at", "指向内网地址，不访问"),
        Reason.UNKNOWN_HOST: Text("the host is unknown", "域名不存在"),
        Reason.UNREACHABLE: Text("the server cannot be reached", "连不上服务器"),
        Reason.BAD_CERTIFICATE: Text("the server's certificate is not valid", "服务器证书无效"),
        Reason.TIMEOUT: Text("no answer in time", "超时没有应答"),
        Reason.TOO_MANY_REDIRECTS: Text("redirects in circles", "跳转次数太多"),
        Reason.ROBOTS: Text("robots.txt asks programs not to look", "robots.txt 不允许程序访问"),
        Reason.WRONG_TYPE: Text("what came is not a picture", "返回的内容不是图片"),
    }
)

SETTLED = frozenset({Reason.READ, Reason.FROM, Reason.NO_PRICE})
"""Of a price; with any other outcome a person should look: there is, or may be, a price that was not read."""
