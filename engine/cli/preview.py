"""``storewatch preview``: the message of a rule, rendered from what is there now, without storing or sending anything."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, clock, existing_state, fail, settings
from engine.cli.explain import echo_json, key_of
from engine.errors import StorewatchError, Text, UsageError, did_you_mean

if TYPE_CHECKING:
    from engine.cli.previewing import Preview
    from engine.project import Project

EVENTS = ("firing", "repeat", "resolved")


def register(app: typer.Typer) -> None:
    app.command("preview")(preview)


def preview(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(help="Name of the rule.")],
    key: Annotated[list[str] | None, typer.Option(help="Key of the row. Default: the most severe row that matches now.")] = None,
    at: Annotated[str, typer.Option(help="Instant, such as 2026-11-20T09:30 (project time zone). Default: now.")] = "",
    event: Annotated[str, typer.Option(help="What the message tells: firing, repeat or resolved.")] = "firing",
    channel: Annotated[str, typer.Option(help="Show what leaves over this channel: markdown of a chat, JSON of a webhook.")] = "",
    html: Annotated[Path | None, typer.Option(help="Write the HTML part to this file, with its pictures inside.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Write a picture (PNG) of the HTML part to this file; needs Chromium.")] = None,
) -> None:
    """Show the message of a rule: subject and text, and on request the HTML or a picture of it.

    Made of real data where a row matches, else of made-up values. --lang before the command chooses the language. Nothing is stored
    or sent. Exit code 1: the template has a mistake, and the plain message stands in for it.
    """
    options = settings(context)
    try:
        made, sent = _preview(options, rule, key or [], at, event, channel)
        _tell(options, made, sent)
        _write(options, made, html, picture)
    except StorewatchError as error:
        fail(options, error)
    if made.rendered.fault:
        raise typer.Exit(1)


def _preview(options: Settings, name: str, key: list[str], at: str, event: str, channel: str) -> tuple[Preview, str]:
    """The message, and how it leaves over the channel, where one is named."""
    from engine.cli.previewing import Maker, as_sent  # heavy modules load only when the command runs
    from engine.cli.previewing_incidents import source_of
    from engine.ingest import parse_instant
    from engine.project import load_project

    if event not in EVENTS:
        hint = did_you_mean(event, EVENTS)
        raise UsageError(Text(f"--event {event}: use {', '.join(EVENTS)}", f"--event {event}：可用 {'、'.join(EVENTS)}"), hint)
    project: Project = load_project(options.project)
    instant = parse_instant(at, project.facts) if at else clock().replace(microsecond=0)
    source, columns, what = source_of(project, name, instant)
    wanted = key_of(columns, what, key) if key else None
    with existing_state(options.project) or nullcontext() as state:
        made = Maker(project, source, instant, event, options.language).make(wanted, state)
    return made, as_sent(made, project, channel, options.language) if channel else ""


def _tell(options: Settings, made: Preview, sent: str) -> None:
    """Subject and text on standard output; what they are made of beside it, on standard error."""
    if sent:
        typer.echo(sent)
    elif options.format == "json":
        echo_json(made.json())
    else:
        typer.echo(f"{made.rendered.subject}\n\n{made.rendered.text}", nl=False)
    options.say(made.note)
    listed = ", ".join(f"{to.channel}:{to.address} ({to.language})" for to in made.recipients)
    if listed:
        options.say(Text(f"it would go to {listed}", f"会发送给 {listed}"))
    if made.rendered.fault:
        options.say(Text(f"the template has a mistake: {made.rendered.fault}", f"模板有错误：{made.rendered.fault}"))


def _write(options: Settings, made: Preview, html: Path | None, picture: Path | None) -> None:
    from engine.cli.previewing import page_of, take_picture

    page = page_of(made.rendered)
    try:
        if html:
            html.write_text(page, encoding="utf-8")
            options.say(Text(f"written: {html}", f"已写入：{html}"))
        if picture:
            take_picture(page, picture)
            options.say(Text(f"written: {picture}", f"已写入：{picture}"))
    except OSError as error:
        raise UsageError(Text(f"cannot write: {error}", f"无法写入：{error}")) from error
