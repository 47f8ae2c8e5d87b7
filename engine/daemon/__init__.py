"""``storewatch serve``: evaluates on schedule and sends, for months.

Three threads, each a :class:`~engine.daemon.workers.Worker` that survives whatever goes wrong in a step: one evaluates
(:mod:`.evaluating`), one sends (:mod:`.delivering`), one looks at files (:mod:`.reloading`). :mod:`.agenda` tells what is due, always
from the database and the clock; :mod:`.alarm` only wakes. :mod:`.status` counts. :mod:`.serving` wires them and stops them.
"""
