"""Help and errors of the command line in Chinese, laid out as typer does it in English.

English stands in the commands themselves; the tables say it in Chinese. What no table has stays English.
"""

from __future__ import annotations

import inspect
import re
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

from engine.cli.chinese_options import OPTIONS
from engine.cli.chinese_pages import PAGES
from engine.errors import cell_width

USAGE = "用法："
PIECES = {"[OPTIONS]": "[选项]", "COMMAND [ARGS]...": "命令 [参数]..."}
VALUES = {
    "<str>": "<文字>",
    "<list[str]>": "<文字>...",
    "<path>": "<路径>",
    "<int>": "<整数>",
    "<int range>": "<整数>",
    "<float range>": "<数字>",
    "<%Y-%m-%d>": "<年-月-日>",
}
ERRORS = {
    r"No such option: (?P<name>\S+)": "没有选项 {name}",
    r"No such option: (?P<name>\S+) \(Possible options: (?P<near>.+)\)": "没有选项 {name}，是不是想写 {near}？",
    r"No such command '(?P<name>.+)'\.": "没有命令 {name}",
    r"No such command '(?P<name>.+)'\. Did you mean (?P<near>.+)\?": "没有命令 {name}，是不是想写 {near}？",
    r"Missing command\.": "缺少命令",
    r"Missing argument '(?P<name>.+)'\.": "缺少参数 {name}",
    r"Missing option '(?P<name>.+)'\.": "缺少选项 {name}",
    r"Option '(?P<name>.+)' requires an argument\.": "选项 {name} 后面要写值",
    r"Option '(?P<name>.+)' does not take a value\.": "选项 {name} 不带值",
    r"Got unexpected extra argument\(s\) \((?P<name>.+)\)": "多余的参数：{name}",
    r"Invalid value for '(?P<name>.+?)': (?P<why>.+)": "{name} 的值不对：{why}",
    r"Input should be a valid integer, .+": "要写整数",
    r"Input should be a valid number, .+": "要写数字",
    r"Input should be greater than or equal to (?P<limit>.+)": "不能小于 {limit}",
    r"Input should be less than or equal to (?P<limit>.+)": "不能大于 {limit}",
    r"Value error, '(?P<name>.+)' does not match the formats '%Y-%m-%d'\.": "'{name}' 不是日期，写法如 2026-11-20",
}
_WIDE = r"\u2e80-\uffef"
_PIECE = re.compile(
    rf"""
    \s* [（“《]*
    (?: \[[^\]]{{,30}}\]            # a short note of typer
      | \[默认：(?:[^\s,]+,)?       # how a longer one begins
      | [^\s“”,{_WIDE}]*,           # a word before a comma
      | [^\s“”,{_WIDE}]+            # a word
      | (?![（《])[{_WIDE}]         # one Chinese character
    )?
    [，。；：、！？）”》…]*
    """,
    re.VERBOSE,
)
"""What stays on one line, with the space and the marks that belong to it."""
WIDEST_NAME = 30


def page(command: Any, context: Any) -> str:
    """The help of ``command``: usage, description, arguments, options, commands."""
    width = _width()
    paragraphs = [_indented(text, 2, width) for text in _paragraphs(command.help or "")]
    parts = [("参数", _parameters(command, context, "argument")), ("选项", _parameters(command, context, "option"))]
    parts.append(("命令", [(name, _summary(each)) for name, each in getattr(command, "commands", {}).items() if not each.hidden]))
    sections = [f"{heading}：\n{_table(rows, width)}" for heading, rows in parts if rows]
    return "\n\n".join([_usage(context), *paragraphs, *sections])


def wrong_usage(error: Any) -> str:
    """What a usage error of typer says. The page that a group without a command shows is one of these errors, and Chinese already."""
    message = error.format_message()
    if message.startswith(USAGE):
        return str(message)
    said = f"错误：{_said(message)}"
    return f"{_usage(error.ctx)}\n用 {error.ctx.command_path} --help 查看说明。\n\n{said}" if error.ctx else said


def _said(message: str) -> str:
    for pattern, chinese in ERRORS.items():
        if found := re.fullmatch(pattern, message, re.DOTALL):
            parts = found.groupdict()
            if "near" in parts:
                parts["near"] = parts["near"].replace("'", "").replace(", ", " 或 ")
            if "why" in parts:
                parts["why"] = _said(parts["why"])
            return chinese.format(**parts)
    return message


def _usage(context: Any) -> str:
    start = f"{USAGE}{context.command_path} "
    pieces = " ".join(PIECES.get(piece, piece) for piece in context.command.collect_usage_pieces(context))
    return start + _indented(pieces, cell_width(start), _width()).lstrip()


def _paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a description, in Chinese. Those that are indented are examples, and stay as they are."""
    for paragraph in filter(None, inspect.cleandoc(text).split("\n\n")):
        line = " ".join(paragraph.split())
        yield PAGES.get(line, f"  {line}" if paragraph.startswith(" ") else line)


def _summary(command: Any) -> str:
    return next(_paragraphs(command.help or ""), "").partition("。")[0]


def _parameters(command: Any, context: Any, which: str) -> list[tuple[str, str]]:
    """Names, and what they are for, of the arguments or the options, in Chinese."""
    found = [each for each in command.get_params(context) if each.param_type_name == which]
    records = [(record, each.help or "") for each in found if (record := each.get_help_record(context))]
    return [(_name(name), f"{OPTIONS.get(own, own)}  {_notes(text.removeprefix(own))}".strip()) for (name, text), own in records]


def _name(name: str) -> str:
    for value, chinese in VALUES.items():
        name = name.replace(value, chinese)
    return name


def _notes(text: str) -> str:
    """What typer adds in brackets: the default, the range, whether it must be given."""
    return text.strip().replace("default: ", "默认：").replace("required]", "必填]")


def _table(rows: Sequence[tuple[str, str]], width: int) -> str:
    first = min(max(cell_width(name) for name, _ in rows), WIDEST_NAME) + 2
    return "\n".join(_row(name, text, first, width) for name, text in rows)


def _row(name: str, text: str, first: int, width: int) -> str:
    lines = _indented(text, first + 2, width)
    if cell_width(name) > first - 2:
        return f"  {name}\n{lines}".rstrip()
    return f"  {name}{' ' * (first - cell_width(name))}{lines.lstrip()}".rstrip()


def _indented(text: str, indent: int, width: int) -> str:
    inner = len(text) - len(text.lstrip())
    space = " " * (indent + inner)
    return "\n".join(space + line for line in wrap(text.strip(), width - len(space)))


def wrap(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` cells; a word that is longer is cut."""
    lines, line = [], ""
    for piece in filter(None, _PIECE.findall(text)):
        if line and cell_width(line + piece) > width:
            lines.append(line)
            line = ""
        line += piece if line else piece.lstrip()
        while cell_width(line) > width:
            lines.append(line[:width])
            line = line[width:]
    return [*lines, line]


def _width() -> int:
    return max(min(shutil.get_terminal_size().columns, 80) - 2, 50)
