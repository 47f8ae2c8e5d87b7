"""How long things took: a histogram that never changes, only grows into another one."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

LIMITS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
"""Upper edges of the buckets, in seconds; above the last there is one more."""


@dataclass(frozen=True, slots=True)
class Spread:
    """``counts`` are by bucket, not cumulative; ``total`` is the sum in seconds."""

    counts: tuple[int, ...] = (0,) * (len(LIMITS) + 1)
    total: float = 0.0

    def plus(self, seconds: float) -> Spread:
        bucket = bisect_left(LIMITS, seconds)
        counts = (*self.counts[:bucket], self.counts[bucket] + 1, *self.counts[bucket + 1 :])
        return Spread(counts, self.total + seconds)

    def cumulative(self) -> list[tuple[str, int]]:
        """Buckets as Prometheus counts them: the upper edge as text, and how many took at most so long."""
        edges = [*map(repr, LIMITS), "+Inf"]
        return [(edge, sum(self.counts[: index + 1])) for index, edge in enumerate(edges)]
