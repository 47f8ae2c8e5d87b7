"""``storewatch functions``: the rule language, as a table or as the page ``docs/language.md``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from engine.cli.common import emit, fail, settings
from engine.errors import Text, UsageError, did_you_mean


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that an expression may hold. ``group`` is a key of :data:`GROUPS`; ``example`` is a whole expression."""

    name: str
    group: str
    signature: str
    doc: Text
    example: str


GROUPS = {
    "value": Text("Values and names", "值和名称"),
    "comparison": Text("Comparisons and conditions", "比较和条件"),
    "arithmetic": Text("Arithmetic", "四则运算"),
    "function": Text("Functions of one row", "对一行数据的函数"),
    "history": Text("History of the same row", "同一行的历史"),
    "rows": Text("Other rows: those that refer to this one (of), or those alike (by)", "其他行：引用本行的行（of），或同类的行（by）"),
}

OPERATORS: Sequence[Entry] = (
    Entry(
        "number",
        "value",
        "4.7",
        Text("A number, without a unit. Money too: 100 is 100 yuan.", "数字，不写单位。金额也是：100 就是 100 元。"),
        "dsr_desc < 4.7",
    ),
    Entry("percent", "value", "95%", Text("A percentage; 95 or 0.95 is not one.", "百分比；不能写成 95 或 0.95。"), "refund_rate > 5%"),
    Entry(
        "duration",
        "value",
        "30m 48h 7d 2w 1h30m",
        Text("A duration: weeks w, days d, hours h, minutes m, seconds s.", "时长：周 w、天 d、小时 h、分钟 m、秒 s。"),
        "age(paid_at) > 1d12h",
    ),
    Entry(
        "text",
        "value",
        "'text'",
        Text("Text, in single or double ASCII quotes.", "文字，用英文引号（单、双都可以）。"),
        "carrier == '顺丰'",
    ),
    Entry(
        "time",
        "value",
        "'2026-11-11 10:00'",
        Text("A time or a date, in quotes; without a zone it is the project's.", "时间或日期，加引号；不写时区就是项目时区。"),
        "paid_at >= '2026-11-11 10:00'",
    ),
    Entry("true", "value", "true, false", Text("Yes and no.", "是与否。"), "discount_category == true"),
    Entry("now", "value", "now", Text("The instant of the evaluation.", "检查的那一刻。"), "promised_ship_at < now"),
    Entry(
        "name",
        "value",
        "column",
        Text(
            "A column, by its name or its Chinese one; or a name that let or params gave (see the guide).",
            "列，写英文名或中文名；或 let、params 起的名字（见指南）。",
        ),
        "描述相符 < 4.7 and 服务态度 < 4.7",
    ),
    Entry(
        "reference",
        "value",
        "kind.column",
        Text("A column of the row that this one refers to; missing if that is not there.", "本行所引用的那一行的列；那一行不存在则缺失。"),
        "amount < product.cost * quantity",
    ),
    Entry("and", "comparison", "x and y", Text("Both hold.", "两个都成立。"), "status == 'paid' and age(paid_at) > 48h"),
    Entry("or", "comparison", "x or y", Text("At least one holds.", "至少一个成立。"), "dsr_desc < 4.7 or dsr_service < 4.7"),
    Entry("not", "comparison", "not x", Text("x does not hold.", "x 不成立。"), "not (status in ('done', 'closed'))"),
    *(
        Entry(sign, "comparison", f"x {sign} y", Text(en, zh), example)
        for sign, en, zh, example in (
            ("==", "Equal (two signs).", "等于（两个等号）。", "status == 'paid'"),
            ("!=", "Not equal.", "不等于。", "status != 'closed'"),
            ("<", "Below.", "小于。", "dsr_desc < 4.7"),
            ("<=", "At most.", "小于或等于。", "stock <= 0"),
            (">", "Above.", "大于。", "refund_amount > 1000"),
            (">=", "At least.", "大于或等于。", "count(complaint) >= 3"),
        )
    ),
    Entry("in", "comparison", "x in (a, b)", Text("x is one of them.", "x 是其中之一。"), "status in ('paid', 'shipped')"),
    Entry(
        "not in", "comparison", "x not in (a, b)", Text("x is none of them.", "x 不是其中任何一个。"), "status not in ('done', 'closed')"
    ),
    Entry(
        "between",
        "comparison",
        "x between a and b",
        Text("From a to b, both ends included.", "从 a 到 b，含两端。"),
        "hour(now) between 9 and 21",
    ),
    Entry(
        "is missing",
        "comparison",
        "x is missing",
        Text("x has no value, or the row is not there.", "x 没有值，或没有那一行。"),
        "tracking_no is missing",
    ),
    Entry("is present", "comparison", "x is present", Text("x has a value.", "x 有值。"), "shipped_at is present"),
    Entry("contains", "comparison", "x contains 'part'", Text("The text holds the part.", "文字里包含这一段。"), "remark contains '加急'"),
    Entry(
        "matches",
        "comparison",
        "x matches 'pattern'",
        Text("The regular expression is found in the text.", "文字里能找到这个正则表达式。"),
        "tracking_no matches '^(SF|JD)'",
    ),
    Entry(
        "no",
        "comparison",
        "no kind where …",
        Text("There is no such row that refers to this one.", "没有任何一行（引用本行的）符合条件。"),
        "no shift where starts_at <= now and ends_at >= now",
    ),
    Entry(
        "+",
        "arithmetic",
        "x + y, x - y",
        Text("Sum and difference, of like things; a time and a duration too.", "加减，单位要相同；时间可以加减时长。"),
        "paid_at + 48h < now",
    ),
    Entry(
        "*",
        "arithmetic",
        "x * y, x / y",
        Text("Product and quotient; divided by zero is missing.", "乘除；除以零得到缺失。"),
        "refund_amount / sales > 10%",
    ),
    Entry(
        "( )", "arithmetic", "(x)", Text("What is in brackets is done first.", "括号里的先算。"), "(sales - refund_amount) / orders < 50"
    ),
)


def register(app: typer.Typer) -> None:
    app.command("functions")(functions)


def functions(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Only this function or operator, or those that the word tells of: 平均.")] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a page that describes the language.")] = False,
) -> None:
    """List what conditions and shown values may hold: functions and operators, each with its meaning and an example."""
    options = settings(context)
    entries = list(language())
    if markdown:
        typer.echo("\n".join(_page(entries)))
        return
    if name:
        entries = _find(name, entries) or fail(options, _unknown(name, entries))
    json = options.format == "json"
    rows = [asdict(entry) | {"doc": entry.doc if json else entry.doc.in_(options.language)} for entry in entries]
    columns = {
        "signature": Text("how to write it", "写法"),
        "doc": Text("what it means", "含义"),
        "example": Text("example", "例子"),
    }
    emit(options, rows, columns, Text("nothing", "没有内容"))


def language() -> Iterator[Entry]:
    """Everything an expression may hold, in the order of :data:`GROUPS`."""
    from engine.language.functions import AGGREGATES, FUNCTIONS  # heavy: not on the path of --help

    yield from OPERATORS
    for group, history in (("function", False), ("history", True)):
        for name, function in FUNCTIONS.items():
            if function.history is history:
                yield Entry(name, group, function.signature, function.doc, function.example)
    for name, aggregate in AGGREGATES.items():
        yield Entry(name, "rows", aggregate.signature, aggregate.doc, aggregate.example)


def _find(asked: str, entries: Sequence[Entry]) -> list[Entry]:
    """What is called so; else all whose meaning mentions the word, in either language."""
    named = [entry for entry in entries if entry.name == asked]
    return named or [entry for entry in entries if asked.casefold() in f"{entry.doc.zh} {entry.doc.en}".casefold()]


def _unknown(name: str, entries: Sequence[Entry]) -> UsageError:
    everything = Text("storewatch functions lists all", "storewatch functions 列出全部")
    text = Text(f"there is no function or operator '{name}'", f"没有名为 '{name}' 的函数或运算符")
    return UsageError(text, did_you_mean(name, [entry.name for entry in entries]) or everything)


def _page(entries: Sequence[Entry]) -> Iterator[str]:
    """``docs/language.md``: the groups in their order, each a table."""
    yield "# 规则语言 / The rule language"
    yield ""
    yield "由 `storewatch functions --markdown` 生成，请勿手工修改。 / Made by `storewatch functions --markdown`; do not edit by hand."
    yield ""
    yield "列名和取值见 [kinds.md](kinds.md)，用法见 [指南](guide.zh.md)。"
    yield ""
    yield "Columns and their values: [kinds.md](kinds.md); how to use them: [guide](guide.md)."
    for group, title in GROUPS.items():
        yield from ("", f"## {title.zh} / {title.en}", "")
        yield from ("| 写法 / how to write it | 含义 / what it means | 例子 / example |", "|---|---|---|")
        for entry in entries:
            if entry.group == group:
                yield f"| `{entry.signature}` | {entry.doc.zh} / {entry.doc.en} | `{entry.example}` |"
