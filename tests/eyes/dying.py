"""Work that workers do not survive. By itself, because each worker imports it."""

from __future__ import annotations

import os
import time

from engine.ingest.enrichers.examining import Examined, Task
from engine.ingest.enrichers.image_ok import Look
from engine.ingest.enrichers.reasons import Reason


def dies(task: Task) -> Examined:
    if task.data == b"die":
        os._exit(9)
    if task.data == b"hang":
        time.sleep(60)
    if task.data == b"raise":
        raise RuntimeError("a decoder's own")
    return Examined(task.subject, Look(Reason.FINE))
