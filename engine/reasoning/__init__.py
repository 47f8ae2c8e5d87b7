"""Which incidents there are: alerts that fire, and facts that incident rules ask for, joined by :mod:`engine.correlation`.

:mod:`.program` says it in correlation's terms (and is light to import), :mod:`.correlate` does it, with :mod:`.tables` of alerts.
"""
