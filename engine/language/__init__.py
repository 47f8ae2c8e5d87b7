"""The rule language: text, syntax tree, typed tree.

:func:`understand` goes from text to typed tree; :func:`parse` and :func:`check` are its two halves, :func:`show` the way back to text.
"""

from engine.language.errors import ExpressionError, ExpressionProblem
from engine.language.measures import unit_of
from engine.language.names import Scope
from engine.language.parse import parse
from engine.language.printing import show
from engine.language.typecheck import check, understand
from engine.language.walk import kinds_used, longest_window, walk

__all__ = [
    "ExpressionError",
    "ExpressionProblem",
    "Scope",
    "check",
    "kinds_used",
    "longest_window",
    "parse",
    "show",
    "understand",
    "unit_of",
    "walk",
]
