"""``storewatch outbox``: what was sent, and what was not."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, Writers, emit, existing_state, fail, settings
from engine.cli.words import LETTERS, answer, local_time
from engine.errors import StorewatchError, Text, UsageError, did_you_mean

if TYPE_CHECKING:
    from engine.facts import Facts
    from engine.outbox import Letter

COLUMNS = {
    "state": Text("state", "状态"),
    "attempts": Text("attempts", "次数"),
    "channel": Text("channel", "渠道"),
    "recipient": Text("recipient", "收件人"),
    "subject": Text("subject", "主题"),
    "created_at": Text("created", "生成"),
    "next_at": Text("next try", "下次尝试"),
    "category": Text("last answer", "最近结果"),
    "detail": Text("detail", "详情"),
}


def register(app: typer.Typer) -> None:
    app.command("outbox")(outbox)


def outbox(
    context: typer.Context,
    only: Annotated[str, typer.Option("--state", help="Only queued, sending, delivered or dead.")] = "",
    retry_dead: Annotated[bool, typer.Option(help="Queue the dead letters again.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many, the newest first.", min=1)] = 100,
) -> None:
    """What was sent, what waits to be sent, and what could not be sent, with the reason and the next attempt.

    A message that is being sent shows until when its process may take; after that another one sends it. With --format json: one array.
    """
    from engine.facts_file import facts_path, load_facts  # heavy: not on the path of --help

    options = settings(context)
    try:
        if only and only not in LETTERS:
            hint = did_you_mean(only, LETTERS) or Text(f"use {', '.join(LETTERS)}", f"可用 {'、'.join(LETTERS)}")
            raise UsageError(Text(f"--state {only}: there is no such state", f"--state {only}：没有这种状态"), hint)
        path = facts_path(options.project)
        facts = load_facts(path, path.name)
        found = _found(options, only, limit, retry_dead=retry_dead)
    except StorewatchError as error:
        fail(options, error)
    _tell(options, facts, found)


def _found(options: Settings, only: str, limit: int, *, retry_dead: bool) -> tuple[Letter, ...]:
    with existing_state(options.project) or nullcontext() as state:
        if state is None:
            return ()
        from engine.outbox import letters
        from engine.outbox import retry_dead as requeue

        if retry_dead:
            count = requeue(state)
            options.say(Text(f"{count} dead letter(s) queued again", f"已重新排队 {count} 封"))
        return letters(state, *filter(None, [only]), limit=limit)


def _tell(options: Settings, facts: Facts, found: tuple[Letter, ...]) -> None:
    writers: Writers = {
        "state": lambda code: LETTERS[code].in_(options.language),
        "category": lambda code: answer(code).in_(options.language),
        "created_at": lambda instant: local_time(instant, facts.zone),
        "next_at": lambda instant: local_time(instant, facts.zone),
    }
    emit(options, [_row(letter) for letter in found], COLUMNS, Text("the outbox is empty", "发件箱是空的"), writers)


def _row(letter: Letter) -> dict[str, object]:
    about = letter.notification
    return {
        "id": about.id,
        "state": letter.state,
        "attempts": letter.attempts,
        "channel": about.channel,
        "recipient": about.recipient,
        "subject": about.subject,
        "thread": about.thread,
        "created_at": about.created_at,
        "next_attempt_at": letter.next_attempt_at,
        "lease_until": letter.lease_until,
        "next_at": letter.lease_until or letter.next_attempt_at,
        "delivered_at": letter.delivered_at,
        "category": letter.category,
        "detail": letter.detail,
    }
