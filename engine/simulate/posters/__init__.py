"""Made-up product pictures with a price painted on them, and what is really painted: for tests, samples and the benchmark of reading.

:func:`poster` makes the picture of a seed, :func:`poster_of` one that shows a given price. The same seed gives the same picture on a
machine with the same fonts. :mod:`.layouts` and :mod:`.distractions` hold the layouts, one function each.
"""

from engine.simulate.posters.poster import Poster, poster, poster_of
from engine.simulate.posters.truth import Truth

__all__ = ["Poster", "Truth", "poster", "poster_of"]
