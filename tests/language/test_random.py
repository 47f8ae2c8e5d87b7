"""Random expressions: what is printed parses back to the same, and nothing but ExpressionError ever comes out."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.language import ExpressionError, check, kinds_used, longest_window, parse, show, unit_of, walk
from engine.language.syntax import Expression
from engine.model import Type
from tests.language.schemas import KINDS, scope
from tests.language.strategies import conditions, expressions, values

quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
more = settings(quick, max_examples=300)


@more
@given(expressions())
def test_what_is_printed_parses_back(expression: Expression) -> None:
    assert parse(show(expression)) == expression


@more
@given(st.text(max_size=60))
@example("\x00")
@example("'\\")
@example("a" * 10_001)
@example("1" * 400)
@example("９５％")
@example("²³")
@example("48h" * 3000)
def test_any_text_parses_or_says_why(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        parse(text)


PIECES = ["and", "or", "not", "in", "(", ")", ",", "x", "订单", "order", "count", "where", "of", "by", "no", "==", "=", "<", "-", "5", "5%"]
PIECES += [
    "48h",
    "'a'",
    "'",
    "，",
    ".",
    "is",
    "missing",
    "present",
    "between",
    "matches",
    "contains",
    "now",
    "true",
    "+",
    "[",
    "&&",
    "1.5h",
]


@more
@given(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
def test_any_heap_of_words_parses_or_says_why(text: str) -> None:
    try:
        parse(text)
    except ExpressionError as error:
        for problem in error.problems:
            assert 0 <= problem.span.start <= problem.span.end <= len(text)
            assert problem.text.en and problem.text.zh


@more
@given(expressions(), st.sampled_from(sorted(KINDS)))
def test_any_expression_is_checked_or_refused_with_places(expression: Expression, kind: str) -> None:
    text = show(expression)
    try:
        check(parse(text), scope(kind), "condition")
    except ExpressionError as error:
        for problem in error.problems:
            assert 0 <= problem.span.start < problem.span.end <= len(text), problem


@quick
@pytest.mark.parametrize("kind", ["store", "order", "refund", "traffic"])
@given(data=st.data())
def test_well_typed_conditions_are_accepted(kind: str, data: st.DataObject) -> None:
    expression = data.draw(conditions(kind))
    node = check(parse(show(expression)), scope(kind), "condition")
    assert node.type is Type.BOOLEAN
    assert kinds_used(node, kind, KINDS) <= set(KINDS) - {kind}
    assert longest_window(node).days >= 0
    assert node in list(walk(node))


@quick
@pytest.mark.parametrize("type_", [Type.MONEY, Type.PERCENT, Type.DURATION, Type.TIMESTAMP, Type.DATE, Type.STRING])
@given(data=st.data())
def test_well_typed_values_have_their_type(type_: Type, data: st.DataObject) -> None:
    expression = data.draw(values(type_, "order"))
    node = check(expression, scope("order"), type_)
    assert node.type is type_
    assert unit_of(node, scope("order")) == ""


@quick
@given(conditions("order"))
def test_places_do_not_count_in_comparisons(expression: Expression) -> None:
    text = show(expression)
    assert check(parse(text), scope("order")) == check(parse(f"  ({text})"), scope("order"))
    assert hash(check(parse(text), scope("order"))) == hash(check(expression, scope("order")))
