"""Tests of rules, written beside them: rows over time in, expected alerts and messages out (``docs/rule-tests.md``).

:mod:`.files` is the form of ``*.test.yaml``; :mod:`.reading` makes checked values of it (:mod:`.rows`, :mod:`.expecting`, :mod:`.values`);
:mod:`.running` runs them on the one path; :mod:`.comparing` tells what differs; :mod:`.clauses` and :mod:`.coverage` look at conditions
clause by clause; :mod:`.report` puts all of it in words.

Reading is light, running loads DuckDB and pandas: import from the module that has it.
"""
