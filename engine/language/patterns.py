"""Regular expressions of ``matches``: what both Python and RE2 (DuckDB, Spark's peers) understand alike."""

from __future__ import annotations

import re

from engine.errors import Text
from engine.language.errors import wrong
from engine.language.typed import Span

_REFUSED = {
    "(?=": Text("look-ahead (?=…)", "向前断言 (?=…)"),
    "(?!": Text("negative look-ahead (?!…)", "否定向前断言 (?!…)"),
    "(?<=": Text("look-behind (?<=…)", "向后断言 (?<=…)"),
    "(?<!": Text("negative look-behind (?<!…)", "否定向后断言 (?<!…)"),
    "(?P=": Text("back-reference (?P=…)", "反向引用 (?P=…)"),
    "(?(": Text("condition (?(…)…)", "条件分支 (?(…)…)"),
    "(?>": Text("atomic group (?>…)", "原子组 (?>…)"),
    "(?#": Text("comment (?#…)", "注释 (?#…)"),
}
_SHARED_ESCAPES = "dDsSwWbBAnrtfv"
_TOKEN = re.compile(
    r"""\\(?P<escape>.)
      | \[\^?\]?(?:\\.|[^\]\\])*\]                      # a class: nothing in it is special here
      | (?P<group>\(\?(?:<?[=!]|P=|\(|>|\#))
      | (?P<flags>\(\?[a-zA-Z-]+[:)])
      | (?P<possessive>[*+?}]\+)
      | \{(?P<low>\d*)(?:,(?P<high>\d*))?\}""",
    re.VERBOSE | re.DOTALL,
)
_MAX_REPEAT = 1000


def check_pattern(pattern: str, at: Span) -> None:
    """Raises ExpressionError for a pattern that is broken, or that RE2 does not know."""
    for match in _TOKEN.finditer(pattern):
        refused = _refusal(match)
        if refused:
            raise wrong("bad_pattern", at, Text(f"patterns have no {refused.en}", f"正则表达式不支持{refused.zh}"))
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        sentence = Text(f"the pattern is not a regular expression: {error}", f"不是正确的正则表达式：{error}")
        raise wrong("bad_pattern", at, sentence, Text("to find text as it is, write contains", "查找原样的文字请用 contains")) from None


def _refusal(match: re.Match[str]) -> Text | None:
    """What this piece of a pattern is, if it is of those refused."""
    if match["escape"]:
        return _refused_escape(match["escape"])
    if match["group"]:
        return _REFUSED[match["group"]]
    if match["flags"] and not set(match["flags"]) <= set("(?ims:)"):
        return Text(f"flags {match['flags']}", f"标志 {match['flags']}")
    if match["possessive"]:
        return Text(f"possessive repeat {match['possessive']}", f"占有量词 {match['possessive']}")
    if max(int(match["low"] or 0), int(match["high"] or 0)) > _MAX_REPEAT:
        return Text(f"repeat above {_MAX_REPEAT}", f"超过 {_MAX_REPEAT} 次的重复")
    return None


def _refused_escape(char: str) -> Text | None:
    if char in "123456789":
        return Text(f"back-reference \\{char}", f"反向引用 \\{char}")
    if char.isascii() and char.isalnum() and char not in _SHARED_ESCAPES:
        return Text(f"escape \\{char}", f"转义 \\{char}")
    return None
