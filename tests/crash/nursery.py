"""Forks daemons that can be killed: everything heavy is imported once, here, so that a life costs a fork and not a start of Python.

Reads one JSON request a line and answers with one JSON line:

* ``{"start": project, "state": url, "kill_at": [point, "before" or "after", n] or null}``: a daemon, which kills itself with SIGKILL at the
  n-th passage of the fault point. Answers ``{"pid": …}``.
* ``{"end": pid, "signal": number or null, "seconds": float}``: sends the signal and waits for the end, at most so long. Answers
  ``{"code": exit code, below zero for a signal, null when it still lives}``.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import smtplib
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import alembic.command  # heavy imports happen here, before any fork
import duckdb
import matplotlib.backends.backend_agg
import sqlalchemy.dialects.postgresql
from sqlalchemy.engine.base import RootTransaction

import engine.cli.serve
import engine.composing
import engine.daemon.serving
import engine.outbox.delivering
import engine.pipeline
from engine.actions.email import SmtpSender
from engine.cli.common import Settings
from engine.matching.evaluate import Matcher
from engine.rendering import Renderer
from engine.state import State

HEAVY = (alembic.command, duckdb, matplotlib.backends.backend_agg, sqlalchemy.dialects.postgresql, engine.daemon.serving)
POINTS: Mapping[str, tuple[Any, str]] = {
    "match facts": (Matcher, "evaluate"),
    "move alerts": (engine.pipeline, "step"),
    "correlate": (engine.pipeline, "correlate"),
    "fold": (engine.pipeline, "fold"),
    "decide who is told": (engine.pipeline, "decide"),
    "render": (Renderer, "render"),
    "compose": (engine.composing, "compose"),
    "claim the instant": (State, "_claim"),
    "store alerts": (State, "_store_alerts"),
    "enqueue": (State, "enqueue"),
    "commit": (RootTransaction, "commit"),
    "lease a letter": (engine.outbox.delivering, "lease_next"),
    "connect": (SmtpSender, "connect"),
    "DATA": (smtplib.SMTP, "data"),
    "note the delivery": (engine.outbox.delivering, "note_delivered"),
}
"""Every step between reading a snapshot and noting a delivery: a function that is killed before it begins or after it ended."""


def plant(point: str, side: str, passage: int) -> None:
    """The process kills itself at that passage of the point."""
    owner, name = POINTS[point]
    original = getattr(owner, name)
    passages = itertools.count(1)

    def call(*args: Any, **kwargs: Any) -> Any:
        this = next(passages)  # threads pass at the same time
        if side == "before" and this == passage:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if side == "after" and this == passage:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, staticmethod(call) if isinstance(owner.__dict__.get(name), staticmethod) else call)


def live(request: Mapping[str, Any]) -> None:
    """A daemon's life, in a forked process."""
    code = 1
    try:
        log = os.open(str(Path(request["start"]) / "daemon.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ["STOREWATCH_STATE"] = request["state"]
        if request["kill_at"]:
            plant(*request["kill_at"])
        engine.cli.serve.serve_until_stopped(Settings(Path(request["start"]), "en", "table"), send=True)
        code = 0
    except Exception:  # noqa: BLE001 - the process ends here, and the log says why
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def start(request: Mapping[str, Any]) -> dict[str, object]:
    pid = os.fork()
    if pid == 0:
        live(request)
    return {"pid": pid}


def end(request: Mapping[str, Any]) -> dict[str, object]:
    if request["signal"] is not None:
        os.kill(request["end"], request["signal"])
    until = time.monotonic() + request["seconds"]
    while True:
        pid, status = os.waitpid(request["end"], os.WNOHANG)
        if pid:
            return {"code": os.waitstatus_to_exitcode(status)}
        if time.monotonic() > until:
            return {"code": None}
        time.sleep(0.01)


def main() -> None:
    answer: Callable[[Mapping[str, Any]], dict[str, object]]
    for line in sys.stdin:
        request = json.loads(line)
        answer = start if "start" in request else end
        print(json.dumps(answer(request)), flush=True)


if __name__ == "__main__":
    main()
