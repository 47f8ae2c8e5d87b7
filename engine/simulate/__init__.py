"""A made-up world of stores, exported as the platforms would: input for demonstrations and tests, with the truth beside it.

:func:`engine.simulate.run.simulate` writes, for every day and store, export files with planted incidents, and

* ``manifest.csv``: file, kind (two joined by ``+``), as_of, store (``*``: all), in the order in which to ingest;
* ``instants.csv``: the instants at which to evaluate, each within the freshness of everything exported;
* ``incidents.csv``: rule, store_id, key, starts_at, ends_at, note: the first export that shows an incident and the first that does not;
* ``causes.csv`` (where sheets have all that rules read): the same of what only several incidents of one store together show.
"""
