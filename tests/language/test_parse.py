"""Text to syntax tree: shape, precedence, places, and how it prints."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from engine.language import ExpressionError, parse, show
from engine.language import syntax as s
from engine.language.parse import MAX_DEPTH
from engine.language.typed import Span

A, B, C = (s.Name((name,)) for name in "abc")


def number(value: str) -> s.Number:
    return s.Number(Decimal(value))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a or b and not c", s.Or((A, s.And((B, s.Not(C)))))),
        ("not a == b", s.Not(s.Compare("==", A, B))),
        ("a or (b or c)", s.Or((A, s.Or((B, C))))),
        ("a - b - c", s.Arithmetic("-", s.Arithmetic("-", A, B), C)),
        ("a - (b - c)", s.Arithmetic("-", A, s.Arithmetic("-", B, C))),
        ("a + b * -c", s.Arithmetic("+", A, s.Arithmetic("*", B, s.Negate(C)))),
        ("95%", s.Percent(Decimal("0.95"))),
        ("0.5 %", s.Percent(Decimal("0.005"))),
        ("1h30m", s.Duration(timedelta(minutes=90))),
        ("2w", s.Duration(timedelta(days=14))),
        ("007", number("7")),
        ("a between 1 and 2 and b", s.And((s.Between(A, number("1"), number("2")), B))),
        ("a not in (1, b)", s.In(A, (number("1"), B), negated=True)),
        ("a is present", s.IsMissing(A, negated=True)),
        ("a.b.c is missing", s.IsMissing(s.Name(("a", "b", "c")))),
        ("描述相符 < 4.7", s.Compare("<", s.Name(("描述相符",)), number("4.7"))),
        ("48小时揽收及时率 < 95%", s.Compare("<", s.Name(("48小时揽收及时率",)), s.Percent(Decimal("0.95")))),
        ("count(a)", s.Call("count", (A,))),
        ("count(a where b)", s.Related("count", None, A, B)),
        ("sum(a of b)", s.Related("sum", A, B, None)),
        ("share(a or b of c where a)", s.Related("share", s.Or((A, B)), C, A)),
        ("count(by a)", s.Across("count", None, (A,))),
        ("min(a by b, c)", s.Across("min", A, (B, C))),
        ("no a where b or c", s.No(A, s.Or((B, C)))),
        ("no a and b", s.And((s.No(A, None), B))),
        ("(no a where b) and c", s.And((s.No(A, B), C))),
        ("c and no a where b", s.And((C, s.No(A, B)))),
        ("now　<\n\u00a0a", s.Compare("<", s.Now(), A)),
        ("nothing", s.Name(("nothing",))),
        ("android", s.Name(("android",))),
    ],
)
def test_shape(text: str, expected: s.Expression) -> None:
    parsed = parse(text)
    assert parsed == expected
    assert parse(show(parsed)) == parsed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'a'", "a"),
        ('"a"', "a"),
        ("''", ""),
        (r"'it\'s'", "it's"),
        (r'"it\'s"', "it's"),
        ('"it\'s"', "it's"),
        (r"'a\nb\tc'", "a\nb\tc"),
        (r"'\\'", "\\"),
        (r"'\d+\.'", r"\d+\."),
        (r"'\\d'", r"\d"),
        ("'（全角，）'", "（全角，）"),
    ],
)
def test_text_literals(text: str, value: str) -> None:
    assert parse(text) == s.String(value)
    assert parse(show(s.String(value))) == s.String(value)


@pytest.mark.parametrize(
    "text",
    [
        "a or b and not c",
        "(a or b) and c",
        "not (a and b)",
        "-(a + b) * c",
        "a - (b - c)",
        "(a == b) == c",
        "count(order where age(paid_at) > 2d) >= 5",
        "no order where status == 'paid'",
        "a and (no b where c)",
        "(a or b) is missing",
        "x matches '^\\\\d+$'",
        'x == "it\'s"',
        "1h30m",
        "0s",
        "2w3d",
        "99.5%",
        "0.05",
        "100",
    ],
)
def test_prints_as_typed_with_no_needless_parentheses(text: str) -> None:
    assert show(parse(text)) == text


@pytest.mark.parametrize(
    ("text", "parts"), [("`占比(%)`", ("占比(%)",)), ("a.`b c`.d", ("a", "b c", "d")), ("`or`", ("or",)), ("`plain`", ("plain",))]
)
def test_names_in_backquotes_hold_any_characters(text: str, parts: tuple[str, ...]) -> None:
    assert parse(text) == s.Name(parts)
    assert parse(show(parse(text))) == s.Name(parts)


def test_places() -> None:
    parsed = parse("  (aa + 1) > 商品.bb ")
    assert isinstance(parsed, s.Compare)
    assert parsed.at == Span(2, 18)
    assert parsed.left.at == Span(2, 10)
    assert parsed.right.at == Span(13, 18)


def test_parentheses_nest_as_deep_as_the_text_is_long() -> None:
    assert parse("(" * 4_000 + "a" + ")" * 4_000) == A


@pytest.mark.parametrize("text", ["not " * 2_000 + "a", "-" * 9_000 + "a", "a" + "+a" * 4_000, "abs(" * 1_500 + "a" + ")" * 1_500])
def test_what_nests_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError) as error:
        parse(text)
    assert error.value.problems[0].code == "too_deep"


def test_the_deepest_that_is_allowed_can_be_printed() -> None:
    parsed = parse("not " * (MAX_DEPTH - 1) + "a")
    assert parse(show(parsed)) == parsed


def test_a_long_list_of_alternatives_is_not_deep() -> None:
    parsed = parse(" or ".join(["a == 'x'"] * 700))
    assert isinstance(parsed, s.Or)
    assert len(parsed.items) == 700


def test_too_long_a_text_is_refused() -> None:
    with pytest.raises(ExpressionError) as error:
        parse("a" * 10_001)
    assert error.value.problems[0].code == "too_long"
