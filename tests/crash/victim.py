"""Runs storewatch commands in a forked child that kills itself with SIGKILL at the n-th fault point.

Reads one JSON request a line, ``{"commands": [[...], ...], "kill_at": n or null, "kill_after": seconds or null, "ahead": seconds that
the clock of `run` is ahead}``, and answers with one JSON line, ``{"killed": bool, "exit": code, "points": [names passed], "seconds":
float}``. Everything heavy is imported once, in the parent, so that a trial costs a fork and not a start of Python.

A fault point lies before and after every call that makes something durable or visible: renaming and syncing a file, committing a
transaction, handing a mail to the server.
"""

from __future__ import annotations

import json
import os
import signal
import smtplib
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import alembic.command  # heavy imports happen here, before any fork
import duckdb
import matplotlib.backends.backend_agg
import pandera
from sqlalchemy.engine.base import RootTransaction
from typer.testing import CliRunner

import engine.ingest
import engine.pipeline
from engine.cli import delivering, run
from engine.cli.main import app

HEAVY = (alembic.command, duckdb, matplotlib.backends.backend_agg, pandera, engine.ingest, engine.pipeline)
POINTS: list[tuple[Any, str]] = [
    (os, "replace"),
    (os, "rename"),
    (os, "fsync"),
    (RootTransaction, "commit"),
    (smtplib.SMTP, "data"),
]


def plant(kill_at: int | None, passed: Callable[[str], None]) -> None:
    """Wrap every function of POINTS so that it counts, reports and kills."""
    count = 0

    def point(name: str) -> None:
        nonlocal count
        count += 1
        passed(name)
        if count == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    for owner, name in POINTS:
        setattr(owner, name, wrapped(getattr(owner, name), name, point))


def wrapped(original: Callable[..., Any], name: str, point: Callable[[str], None]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        point(f"before {name}")
        result = original(*args, **kwargs)
        point(f"after {name}")
        return result

    return call


def child(request: dict[str, Any], pipe: int) -> None:
    plant(request["kill_at"], lambda name: (os.write(pipe, f"{name}\n".encode()), None)[1])
    for module in (run, delivering):
        module.clock = lambda: datetime.now(UTC) + timedelta(seconds=request["ahead"])
    code = 0
    for command in request["commands"]:
        result = CliRunner().invoke(app, command)
        if result.exception and not isinstance(result.exception, SystemExit):
            traceback.print_exception(result.exception)
        if result.exit_code:
            print(result.output, file=sys.stderr)
        code = code or result.exit_code
    sys.stderr.flush()
    os._exit(code)


def trial(request: dict[str, Any]) -> dict[str, Any]:
    reader, writer = os.pipe()
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        child(request, writer)
    os.close(writer)
    timer = None
    if request["kill_after"] is not None:
        timer = threading.Timer(request["kill_after"], os.kill, (pid, signal.SIGKILL))
        timer.start()
    points = os.fdopen(reader, encoding="utf-8").read().splitlines()
    seconds = time.monotonic() - started
    if timer:
        timer.cancel()
    _, status = os.waitpid(pid, 0)
    return {"killed": os.WIFSIGNALED(status), "exit": os.waitstatus_to_exitcode(status), "points": points, "seconds": seconds}


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(trial(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
