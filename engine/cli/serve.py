"""``storewatch serve``: the daemon."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.common import Settings, fail, open_state, settings
from engine.errors import StorewatchError, Text, UsageError

LOG = logging.getLogger(__name__)


def register(app: typer.Typer) -> None:
    app.command("serve")(serve)


def serve(
    context: typer.Context,
    send: Annotated[bool, typer.Option(help="Send messages; without it they wait in the outbox, for another process.")] = True,
    inbox: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder whose exports are ingested. Default: as schedules.yaml says, else inbox/."),
    ] = None,
) -> None:
    """Evaluate the rules as schedules.yaml says, and send the messages, until told to stop. Runs in the foreground.

    Changes of the project's files are taken up when all of them are right; SIGHUP reads them at once. While they are wrong, the old ones
    stay in force, and the log tells every problem.

    Exports that are put into inbox/ (or inbox/KIND/, inbox/KIND/STORE/) are ingested when they have not changed for 5 seconds, and moved to
    inbox/done/ or, with a text that says why, to inbox/refused/.

    SIGTERM or SIGINT (Ctrl+C): finish what is in hand, within 10 seconds, and exit with 0; a second one ends it at once.

    One serve for a SQLite file (state.db); on PostgreSQL (STOREWATCH_STATE) several may share the work. `storewatch run`
    may be used beside it: they take turns.

    Log lines go to standard error. Exit code 0: stopped. 2: the command line or a file of the project is wrong, or another serve
    has the database. 3: the database cannot be used.
    """
    options = settings(context)
    try:
        serve_until_stopped(options, send=send, inbox=inbox)
    except StorewatchError as error:
        fail(options, error)


def serve_until_stopped(options: Settings, *, send: bool = True, inbox: Path | None = None) -> None:
    """As the command, but errors are raised."""
    from engine.daemon.clock import SystemClock  # heavy: not on the path of --help
    from engine.daemon.reloading import checked
    from engine.daemon.serving import Daemon
    from engine.daemon.serving import serve as run_until_stopped
    from engine.state import only_daemon

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for quiet in ("alembic", "apscheduler"):
        logging.getLogger(quiet).setLevel(logging.WARNING)
    if inbox is not None and not inbox.is_dir():
        raise UsageError(Text(f"--inbox {inbox} is not a folder", f"--inbox {inbox} 不是文件夹"))
    clock = SystemClock()
    project = checked(options.project)
    with open_state(options.project) as state, only_daemon(state, clock.now()):
        options.say(_begun(len(project.rules), len(project.schedules.schedules)))
        run_until_stopped(Daemon(project, state, clock, sys.stdout, send=send, inbox=inbox))
    options.say(Text("stopped", "已停止"))


def _begun(rules: int, schedules: int) -> Text:
    return Text(
        f"storewatch serves: {rules} rule(s), {schedules} schedule(s); Ctrl+C stops it",
        f"巡店已启动：{rules} 条规则，{schedules} 个时间表；按 Ctrl+C 停止",
    )
