"""Bounds within which durable-rules was measured exact, and bounds that keep one store from holding up the others.

The first group is known before anything runs (a :class:`Flaw`); the second depends on the facts (a :class:`Failure` of one scope).
"""

from __future__ import annotations

from engine.errors import CorrelationError, Text

MOST_PATTERNS = 14  # matched together in one rule; the engine's frame holds 16, one is for the mark that the facts are complete
MOST_JOINS = 24  # comparisons with other facts in one pattern; the engine holds 27 beside the guard
MOST_OPERATIONS = 8  # in one comparison
MOST_FIELDS = 200  # of several facts that are compared in one rule
PATTERNS_A_RULESET = 60  # the engine's stack holds 64
FIELDS_A_RULESET = 240  # of one fact; the engine holds 254

LARGEST_INTEGER = 2**53
LARGEST_FLOAT = 1e300  # of a computed value, so that nothing becomes infinite
MOST_FACTS = 20_000  # in one session
MOST_HITS = 100_000  # combinations in one session
MOST_DERIVED = 5_000  # facts that follow from one session
SECONDS = 20.0  # for one session
MEMORY = 2 << 30  # bytes, of the process that holds the engine
OUT_OF_MEMORY = 77  # its exit code


class OverLimit(CorrelationError):
    """The facts of one scope are too many or too big; the text says which."""


def too_many(what: Text, limit: int) -> OverLimit:
    return OverLimit(Text(f"more than {limit:,} {what.en}", f"{what.zh}超过 {limit:,} 个"))
