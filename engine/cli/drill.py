"""``storewatch drill``: a marked test message of a rule, all the way to its recipients."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, clock, emit, fail, open_state, settings
from engine.cli.words import LETTERS, answer
from engine.errors import StorewatchError, Text

if TYPE_CHECKING:
    from engine.outbox import Letter

COLUMNS = {
    "channel": Text("channel", "渠道"),
    "recipient": Text("recipient", "收件人"),
    "state": Text("state", "状态"),
    "category": Text("answer", "结果"),
    "detail": Text("detail", "详情"),
}


def register(app: typer.Typer) -> None:
    app.command("drill")(drill)


def drill(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(help="Name of the rule.")],
    channel: Annotated[list[str] | None, typer.Option(help="Only over these channels.")] = None,
    receiver: Annotated[str, typer.Option(help="To this receiver instead of the one that the routes choose.")] = "",
) -> None:
    """Send a marked test message of a rule to those who would be told, and print what became of it, recipient by recipient.

    It takes the rule's own route, templates and the outbox, of a row that matches now or of made-up values. No alert begins. What cannot
    be sent at once is withdrawn. Exit code 3: somebody did not get it.
    """
    options = settings(context)
    try:
        sent = _drill(options, rule, channel or [], receiver)
    except StorewatchError as error:
        fail(options, error)
    _tell(options, sent)
    if any(letter.state != "delivered" for letter in sent):
        raise typer.Exit(3)


def _drill(options: Settings, rule: str, channels: list[str], receiver: str) -> tuple[Letter, ...]:
    from engine.cli.delivering import deliver_due  # heavy modules load only when the command runs
    from engine.cli.drilling import drilled, finished
    from engine.cli.previewing_incidents import source_of
    from engine.project import load_project

    project = load_project(options.project)
    at = clock()
    source, _, _ = source_of(project, rule, at)
    notifications = drilled(project, source, at, channels, receiver, options.language)
    with open_state(options.project) as state:
        with state.writing() as connection:
            for notification in notifications:
                state.enqueue(connection, notification)
        console = sys.stderr if options.format == "json" else sys.stdout
        return finished(state, notifications[0].id, lambda: deliver_due(project, state, console))


def _tell(options: Settings, sent: tuple[Letter, ...]) -> None:
    rows: list[dict[str, object]] = [
        {
            "channel": letter.notification.channel,
            "recipient": letter.notification.recipient,
            "state": letter.state,
            "category": letter.category,
            "detail": letter.detail,
        }
        for letter in sent
    ]
    writers = {
        "state": lambda code: LETTERS[code].in_(options.language),
        "category": lambda code: answer(code).in_(options.language),
    }
    emit(options, rows, COLUMNS, Text("nobody would be told", "没有收件人"), writers)
