"""Regular expressions of ``matches``: what both Python and RE2 (DuckDB, Spark's peers) understand alike."""

from __future__ import annotations

import re
import warnings

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
_CLASS_ESCAPES = "dDsSwWnrtfv"
_ESCAPES = _CLASS_ESCAPES + "bBA"
_TOKEN = re.compile(
    r"""\\(?P<escape>.)
      | (?P<class>\[\^?\]?(?:\\.|[^\]\\])*\])
      | (?P<group>\(\?(?:<?[=!]|P=|\(|>|\#))
      | (?P<flags>\(\?[a-zA-Z-]+[:)])
      | (?P<possessive>[*+?}]\+)
      | \{(?P<repeat>\d*(?:,\d*)?)\}""",
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
        with warnings.catch_warnings(action="error"):  # Python warns of classes that other engines read differently
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        sentence = Text(f"the pattern is not a regular expression: {error}", f"不是正确的正则表达式：{error}")
        raise wrong("bad_pattern", at, sentence, Text("to find text as it is, write contains", "查找原样的文字请用 contains")) from None


def _refusal(match: re.Match[str]) -> Text | None:
    """What this piece of a pattern is, if it is of those refused."""
    if match["escape"]:
        return _refused_escape(match["escape"], _ESCAPES)
    if match["class"]:
        escapes = re.findall(r"\\(.)", match["class"], re.DOTALL)
        return next(filter(None, (_refused_escape(char, _CLASS_ESCAPES) for char in escapes)), None)
    if match["group"]:
        return _REFUSED[match["group"]]
    if match["flags"] and not set(match["flags"]) <= set("(?ims-:)"):
        return Text(f"flags {match['flags']}", f"标志 {match['flags']}")
    if match["possessive"]:
        return Text(f"possessive repeat {match['possessive']}", f"占有量词 {match['possessive']}")
    return _refused_repeat(match["repeat"] or "")


def _refused_repeat(bounds: str) -> Text | None:
    if bounds.startswith(","):
        return Text("repeat without a lower bound {,n}", "没有下限的重复 {,n}")
    if any(len(bound) > len(str(_MAX_REPEAT)) or int(bound or 0) > _MAX_REPEAT for bound in bounds.split(",")):
        return Text(f"repeat above {_MAX_REPEAT}", f"超过 {_MAX_REPEAT} 次的重复")
    return None


def _refused_escape(char: str, shared: str) -> Text | None:
    if char in "123456789":
        return Text(f"back-reference \\{char}", f"反向引用 \\{char}")
    if (char.isalnum() or not char.isascii()) and char not in shared:
        return Text(f"escape \\{char}", f"转义 \\{char}")
    return None
