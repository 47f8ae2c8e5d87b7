"""Reasoning over facts: what is so together, what is absent, how many, and what follows from that.

:class:`Program` takes :class:`Rule` values and runs them over :class:`Fact` values, by durable-rules in a process of its own. Read
:mod:`values` (what goes in and comes out), :mod:`program` (a run), :mod:`plan` (rules as they are evaluated), :mod:`session` (the engine).
"""

from engine.correlation.checking import flaws
from engine.correlation.lacking import Lack, Why, lacking
from engine.correlation.program import Program
from engine.correlation.values import (
    Arithmetic,
    Comparison,
    Constant,
    Derived,
    Fact,
    Failure,
    FieldType,
    Flaw,
    Found,
    Match,
    Operand,
    Own,
    Pattern,
    Ref,
    Rule,
    Scalar,
    Schema,
    Scope,
    Test,
)

__all__ = [
    "Arithmetic",
    "Comparison",
    "Constant",
    "Derived",
    "Fact",
    "Failure",
    "FieldType",
    "Flaw",
    "Found",
    "Lack",
    "Match",
    "Operand",
    "Own",
    "Pattern",
    "Program",
    "Ref",
    "Rule",
    "Scalar",
    "Schema",
    "Scope",
    "Test",
    "Why",
    "flaws",
    "lacking",
]
