"""Mistakes in an expression."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from engine.errors import StorewatchError, Text
from engine.language.typed import Span

Part = TypeVar("Part")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class ExpressionProblem:
    """One mistake. ``code`` names its kind in snake_case; ``span`` says which characters of the expression are meant."""

    code: str
    text: Text
    hint: Text | None
    span: Span


class ExpressionError(StorewatchError):
    """An expression is wrong; ``problems`` holds every mistake found, by place."""

    exit_code = 2

    def __init__(self, problems: tuple[ExpressionProblem, ...]) -> None:
        self.problems = tuple(sorted(dict.fromkeys(problems), key=lambda p: (p.span.start, p.span.end, p.code)))
        first = self.problems[0]
        super().__init__(first.text, first.hint)


def wrong(code: str, at: Span, text: Text, hint: Text | None = None) -> ExpressionError:
    """An :class:`ExpressionError` of a single problem, to be raised."""
    return ExpressionError((ExpressionProblem(code, text, hint, at),))


def gather(check: Callable[[Part], Result], parts: Iterable[Part]) -> tuple[Result, ...]:
    """``check`` applied to each part. Raises one ExpressionError with the problems of all parts that have any."""
    results: list[Result] = []
    problems: list[ExpressionProblem] = []
    for part in parts:
        try:
            results.append(check(part))
        except ExpressionError as error:
            problems += error.problems
    if problems:
        raise ExpressionError(tuple(problems))
    return tuple(results)
