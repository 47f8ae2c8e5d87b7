"""Rows that were not taken: why, and the file that lists them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.errors import Text

REASONS: Mapping[str, Text] = {
    "missing_value": Text("must not be missing", "不能为空"),
    "below_min": Text("is below the column's min", "小于这一列的下限"),
    "above_max": Text("is above the column's max", "大于这一列的上限"),
    "bad_number": Text("is not a number", "不是数字"),
    "not_integer": Text("is not a whole number", "不是整数"),
    "not_whole_cents": Text("is in cents but has a fraction", "单位是分，却带小数"),
    "too_large": Text("is too large to be stored exactly", "数值过大，无法精确保存"),
    "bad_boolean": Text("is neither yes nor no", "不是“是/否”"),
    "bad_time": Text("is not a date or time", "不是日期或时间"),
    "bad_year": Text("has a year that no export is of", "年份不合理"),
    "bad_range": Text("is not a range of two times", "不是起止两个时间"),
    "bad_duration": Text("is not a duration", "不是时长"),
    "unknown_value": Text("is not a known value", "不是已知的取值"),
    "lost_precision": Text("lost its last digits in a spreadsheet; export it as text", "长数字在表格里丢了末尾几位，请以文本格式导出"),
    "field_count": Text("the row has another number of cells than the headings", "这一行的单元格数与表头不一致"),
    "other_store": Text("belongs to another store than --store says", "与 --store 指定的店铺不同"),
    "duplicate_key": Text("an earlier row has this key with other values", "前面已有主键相同而内容不同的行"),
}
EXAMPLES = 5
MASKED = "***"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Bad:
    """One bad cell (``column`` empty: the row as a whole). ``cell`` is its text as it was, masked where personal."""

    line: int
    column: str
    heading: str
    code: str
    cell: str = ""
    hint: Text | None = None

    @property
    def reason(self) -> Text:
        said = REASONS[self.code]
        return Text(f"{said.en}; {self.hint.en}", f"{said.zh}；{self.hint.zh}") if self.hint else said

    def describe(self) -> Text:
        """One line for a person: place, cell, reason."""
        cell = f" {self.cell[:40]!r}" if self.cell else ""
        where = f", {self.heading}" if self.heading else ""
        where_zh = f"，{self.heading}" if self.heading else ""
        return Text(f"line {self.line}{where}:{cell} {self.reason.en}", f"第 {self.line} 行{where_zh}：{cell} {self.reason.zh}")


def safe(cell: str) -> str:
    """A cell that a spreadsheet will not run as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


class Quarantine:
    """The list of bad cells of one kind, written as they come (CSV that Excel opens as it is: UTF-8 with BOM)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.codes: Counter[str] = Counter()
        self.examples: list[Bad] = []
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(["line", "heading", "column", "code", "cell", "原因", "reason"])

    def add(self, bad: Iterable[Bad]) -> None:
        for item in bad:
            self.codes[item.code] += 1
            if len(self.examples) < EXAMPLES:
                self.examples.append(item)
            texts = (item.heading, item.column, item.code, item.cell, item.reason.zh, item.reason.en)
            self._writer.writerow([item.line, *(safe(text) for text in texts)])

    def close(self) -> None:
        self._file.close()
