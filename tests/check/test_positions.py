"""A mistake is told at the characters that are wrong, however the YAML around them is written."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.errors import Problem, Text
from engine.yamlfile import Document, loads

WRONG = "错误x"
STYLES = ["plain", "plain_lines", "single", "single_lines", "double", "double_escapes", "double_lines", "literal", "folded", "folded_keep"]
WORDS = st.sampled_from(["uv", "<", "5", "and", "描述相符", "'paid'", "it's", '"x"', "a\\b", "(1", "95%", "==", "名称𝒙", "#no", "é", "x,y"])
TEXTS = st.tuples(st.lists(WORDS, max_size=6), st.lists(WORDS, max_size=6)).filter(lambda parts: not any("'" in w for w in parts[0][:1]))
BREAKS = st.sampled_from(["\n", "\r\n"])


def rules_file(value: str) -> str:
    """A rules file whose second rule has ``value`` under ``when``."""
    return f"- alert: 甲\n  title: 乙\n- alert: b\n  when: {value}\n  owner: c\n"


def written(words: list[str], style: str) -> str:
    """``words``, joined by blanks, as YAML in one of the styles, to stand after ``  when: ``."""
    line = " ".join(words)
    several = "\n      ".join(words)
    single, double = line.replace("'", "''"), line.replace("\\", "\\\\").replace('"', '\\"')
    return {
        "plain": line,
        "plain_lines": several,
        "single": f"'{single}'",
        "single_lines": "'" + several.replace("'", "''").replace("\n", "\n\n", 1) + "'",
        "double": f'"{double}"',
        "double_escapes": '"'
        + double.replace("é", "\\xe9").replace("描", "\\u63cf").replace("𝒙", "\\U0001d499").replace("5 ", "5\\t")
        + '"',
        "double_lines": '"' + "\\\n      \\ ".join(words).replace("\\b", "\\\\b").replace('"x"', '\\"x\\"') + '"',
        "literal": "|  # 说明\n    " + "\n\n      ".join([words[0], " ".join(words[1:])]) if words[1:] else f"|-\n    {line}",
        "folded": f">-\n    {words[0]}\n\n    {' '.join(words[1:])}" if words[1:] else f">\n\n    {line}",
        "folded_keep": ">2+\n" + "\n".join(f"    {word}" for word in words) + "\n\n",
    }[style]


def _escaped(text: str) -> str:
    return text.replace("é", "\\xe9").replace("描", "\\u63cf").replace("𝒙", "\\U0001d499").replace("5 ", "5\\t")


def where(source: str) -> tuple[int, int]:
    """Line and column, from 1, of the wrong word, found by looking."""
    before = source[: source.index(WRONG)].replace("\r\n", "\n")
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def problem_at_the_wrong_word(source: str) -> Problem:
    found = loads(source.encode(), "rules.yaml")
    text = value_of(found)
    return found.problem((1, "when"), "wrong", Text.same("wrong"), offset=text.index(WRONG), width=len(WRONG))


def value_of(found: Document) -> str:
    mark = found.values[(1, "when")]
    assert mark.text is not None
    return mark.text


@pytest.mark.parametrize("style", STYLES)
@given(parts=TEXTS, line_break=BREAKS, bom=st.booleans())
@example(parts=(["uv"], []), line_break="\r\n", bom=True)
@example(parts=([], ["it's", "it's"]), line_break="\n", bom=False)
def test_the_wrong_word_is_pointed_at(style: str, parts: tuple[list[str], list[str]], line_break: str, bom: bool) -> None:
    words = [*parts[0], WRONG, *parts[1]]
    if style.startswith("plain") and (words[0][0] in "'\"#" or any(word.startswith("#") for word in words)):
        words = ["x" + word for word in words if word != WRONG] + [WRONG]
    source = rules_file(written(words, style))
    source = source.replace("\n", line_break)
    found = problem_at_the_wrong_word(("\ufeff" if bom else "") + source)
    assert (found.line, found.column, found.width) == (*where(source), len(WRONG))
    assert found.source[found.column - 1 :].startswith(WRONG)


ESCAPED = [
    # as written after `when: `, the text, the word meant, what is pointed at
    ('"a \\u9519x < 5"', "错x", "\\u9519x"),
    ('"a \\"b\\" c"', '"b"', '\\"b\\"'),
    ("'a ''b'' c'", "'b'", "''b''"),
    ("'a ''b'' c'", "c", "c"),
    ('"a\\tb c"', "b", "b"),
    ('"a\\nb c"', "c", "c"),
    ("a b", "a b", "a b"),
]


@pytest.mark.parametrize(("value", "word", "pointed"), ESCAPED)
def test_what_is_written_by_escapes_is_underlined_whole(value: str, word: str, pointed: str) -> None:
    source = rules_file(value)
    found = loads(source.encode(), "rules.yaml")
    problem = found.problem((1, "when"), "x", Text.same("x"), offset=value_of(found).index(word), width=len(word))
    assert problem.source[problem.column - 1 : problem.column - 1 + problem.width] == pointed


def test_the_end_of_a_text_is_just_behind_it() -> None:
    source = rules_file(">-\n    uv >\n    5 and")
    found = loads(source.encode(), "rules.yaml")
    problem = found.problem((1, "when"), "x", Text.same("x"), offset=len(value_of(found)), width=1)
    assert (problem.line, problem.column) == (6, len("    5 and") + 1)


def test_a_word_over_two_lines_is_underlined_to_the_end_of_the_first() -> None:
    source = rules_file("count(order\n    where x)")
    found = loads(source.encode(), "rules.yaml")
    problem = found.problem((1, "when"), "x", Text.same("x"), offset=0, width=len("count(order where"))
    assert problem.source[problem.column - 1 : problem.column - 1 + problem.width] == "count(order"
