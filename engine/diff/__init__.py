"""The same history under two versions of a project: which alerts and notifications come, go, or change."""

from engine.diff.budget import Budget, parse_budget
from engine.diff.comparing import compare
from engine.diff.model import Change, Difference, Different, RuleRow, Side, Tally
from engine.diff.renames import Renamed
from engine.diff.revisions import DEFAULT_BASES, Base, base_of

__all__ = [
    "DEFAULT_BASES",
    "Base",
    "Budget",
    "Change",
    "Difference",
    "Different",
    "Renamed",
    "RuleRow",
    "Side",
    "Tally",
    "base_of",
    "compare",
    "parse_budget",
]
