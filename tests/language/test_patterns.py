"""Patterns that the checker lets through are known to RE2, and those it refuses are named."""

from __future__ import annotations

import re

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.language import ExpressionError
from engine.language.patterns import check_pattern
from engine.language.typed import Span

GOOD = [r"^\d+$", "商品|店", "(?i)sale", "[^]a]", r"\.jpg$", "x{2,}", "(?P<n>a)", "(?m)^a$", "(?-i:a)", r"[\d.-]+", "{", "a{b}", r"\\"]
REFUSED = {
    "(?=a)": "look-ahead",
    "(?!a)": "look-ahead",
    "(?<=a)b": "look-behind",
    "(?<!a)b": "look-behind",
    r"(a)\1": "back-reference",
    "(?P<n>a)(?P=n)": "back-reference",
    "(a)?(?(1)b)": "condition",
    "(?>a)": "atomic",
    "a++": "possessive",
    "(?x)a": "flags",
    "a{,3}": "lower bound",
    "a{1001}": "repeat above",
    "a{" + "9" * 5000 + "}": "repeat above",
    r"\Z": r"escape \Z",
    r"[\b]": r"escape \b",
    "(": "not a regular expression",
    "[": "not a regular expression",
    "*a": "not a regular expression",
    "[[a]": "not a regular expression",
    "(" * 4000: "not a regular expression",
}


@pytest.mark.parametrize("pattern", GOOD)
def test_shared_patterns_pass_and_re2_knows_them(pattern: str) -> None:
    check_pattern(pattern, Span(0, 1))
    duckdb.execute("select regexp_matches('x', ?)", [pattern]).fetchall()


@pytest.mark.parametrize("pattern", REFUSED, ids=lambda pattern: pattern[:12])
def test_other_patterns_are_refused_by_name(pattern: str) -> None:
    with pytest.raises(ExpressionError, match=re.escape(REFUSED[pattern])):
        check_pattern(pattern, Span(0, 1))


@settings(max_examples=300, deadline=None)
@given(st.text(r"ab1\.d[]^-(){},*+?|$Zw:iP<=!商", max_size=10))
def test_no_pattern_passes_that_re2_refuses(pattern: str) -> None:
    try:
        check_pattern(pattern, Span(0, 1))
    except ExpressionError:
        return
    duckdb.execute("select regexp_matches('x', ?)", [pattern]).fetchall()
