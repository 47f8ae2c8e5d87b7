"""One rule with other numbers over the same history: how much it would tell, and how right that would be."""

from engine.tune.choosing import Study, Suggestion, suggest
from engine.tune.scoring import Score, Truth, truth_of
from engine.tune.trying import Trial, tried
from engine.tune.varying import Variant, Variation, parse_variation, variants

__all__ = [
    "Score",
    "Study",
    "Suggestion",
    "Trial",
    "Truth",
    "Variant",
    "Variation",
    "parse_variation",
    "suggest",
    "tried",
    "truth_of",
    "variants",
]
