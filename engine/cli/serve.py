"""``storewatch serve``: the daemon."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.common import Settings, fail, open_state, settings
from engine.errors import StorewatchError, Text, UsageError

LOG = logging.getLogger(__name__)
LISTEN = "127.0.0.1:9797"
FORMATS = ("console", "json")
LEVELS = ("debug", "info", "warning", "error")


def register(app: typer.Typer) -> None:
    app.command("serve")(serve)


def serve(
    context: typer.Context,
    send: Annotated[bool, typer.Option(help="Send messages; without it they wait in the outbox, for another process.")] = True,
    inbox: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder whose exports are ingested. Default: as schedules.yaml says, else inbox/."),
    ] = None,
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where health and metrics are served; '' for nowhere.")] = LISTEN,
    log_format: Annotated[str, typer.Option(metavar="console|json", help="Log lines for people or for programs.")] = "console",
    log_level: Annotated[str, typer.Option(metavar="debug|info|warning|error", help="What is logged, from this level on.")] = "info",
) -> None:
    """Evaluate the rules as schedules.yaml says, and send the messages, until told to stop. Runs in the foreground.

    Changes of the project's files are taken up when all of them are right; SIGHUP reads them at once. While they are wrong, the old ones
    stay in force, and the log tells every problem.

    Exports that are put into inbox/ (or inbox/KIND/, inbox/KIND/STORE/) are ingested when they have not changed for 5 seconds, and moved to
    inbox/done/ or, with a text that says why, to inbox/refused/.

    SIGTERM or SIGINT (Ctrl+C): finish what is in hand, within 10 seconds, and exit with 0; a second one ends it at once.

    One serve for a SQLite file (state.db); on PostgreSQL (STOREWATCH_STATE) several may share the work. `storewatch run`
    may be used beside it: they take turns.

    Over HTTP: /-/healthy, /-/ready, /-/status, /metrics (Prometheus), and POST /-/reload. Everybody who reaches the address can ask for
    these, so it is the machine's own by default; see docs/operations.md.

    Log lines go to standard error, without secrets. Exit code 0: stopped. 2: the command line or a file of the project is wrong, or
    another serve has the database. 3: the database cannot be used.
    """
    options = settings(context)
    try:
        _check("--log-format", log_format, FORMATS)
        _check("--log-level", log_level, LEVELS)
        serve_until_stopped(options, listen=listen, log_format=log_format, log_level=log_level, send=send, inbox=inbox)
    except StorewatchError as error:
        fail(options, error)


def _check(option: str, given: str, known: Sequence[str]) -> None:
    if given not in known:
        listed = ", ".join(known)
        raise UsageError(Text(f"{option} {given}: use {listed}", f"{option} {given}：可用 {listed}"))


def serve_until_stopped(
    options: Settings,
    *,
    listen: str = "",
    log_format: str = "console",
    log_level: str = "info",
    send: bool = True,
    inbox: Path | None = None,
) -> None:
    """As the command, but errors are raised."""
    from engine.daemon.clock import SystemClock  # heavy: not on the path of --help
    from engine.daemon.logs import Secrets, configure, secrets_of
    from engine.daemon.reloading import checked
    from engine.daemon.serving import Daemon
    from engine.daemon.serving import serve as run_until_stopped
    from engine.daemon.web import Web
    from engine.state import only_daemon

    if inbox is not None and not inbox.is_dir():
        raise UsageError(Text(f"--inbox {inbox} is not a folder", f"--inbox {inbox} 不是文件夹"))
    clock = SystemClock()
    project = checked(options.project)
    secrets = Secrets(secrets_of(project, os.environ))
    configure(log_format, log_level, secrets)
    with open_state(options.project) as state, only_daemon(state, clock.now()):
        daemon = Daemon(project, state, clock, sys.stdout, secrets, send=send, inbox=inbox)
        begun = _begun(len(project.rules), len(project.schedules.schedules))
        with Web(listen, daemon.pages()) if listen else nullcontext() as web:
            if web:
                host, port = web.address
                LOG.info("listens", extra={"address": f"{host}:{port}"})
            run_until_stopped(daemon, lambda: _say(options, log_format, begun))
    _say(options, log_format, Text("stopped", "已停止"))


def _say(options: Settings, log_format: str, text: Text) -> None:
    """To people as it is; among lines for programs as one of them."""
    if log_format == "json":
        LOG.info("%s", text.en)
    else:
        options.say(text)


def _begun(rules: int, schedules: int) -> Text:
    return Text(
        f"storewatch serves: {rules} rule(s), {schedules} schedule(s); Ctrl+C stops it",
        f"巡店已启动：{rules} 条规则，{schedules} 个时间表；按 Ctrl+C 停止",
    )
