"""The ``storewatch`` command: options common to all commands, and the commands, one file a group."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli import (
    alerts,
    answering,
    check,
    demo,
    diff,
    doctor,
    drill,
    dryrun,
    explain,
    functions,
    ingest,
    init,
    kinds,
    label,
    look,
    new,
    outbox,
    preview,
    routes,
    rules,
    run,
    schema,
    serve,
    silence,
    simulate,
    status,
    test,
    tune,
    verify,
)
from engine.cli.common import Settings, default_language, fail
from engine.cli.helping import LANGUAGE, Group, asked_language, language, make_bilingual, usage_errors
from engine.errors import LANGUAGES, StorewatchError, Text, UsageError

PROGRAM_OPTIONS = ("--project", "-C", "--lang", "--format", "--version")


class Program(Group):
    """Says in the language asked for what is wrong with a command line, and where the program's own options belong when they come late."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[LANGUAGE] = asked_language(args)
        with usage_errors(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        with usage_errors(ctx):
            return super().invoke(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        own = {option for parameter in command.params for option in parameter.opts} if command else set()
        words = [word.partition("=")[0] for word in rest[: rest.index("--") if "--" in rest else None]]
        late = next((word for word in words if word in PROGRAM_OPTIONS and word not in own), None)
        if late:
            text = Text(f"{late} belongs before the command", f"{late} 要写在命令之前")
            hint = Text(f"write: storewatch {late} ... {name}", f"请写成：storewatch {late} ... {name}")
            fail(Settings(Path(), language(ctx), "table"), UsageError(text, hint))
        return name, command, rest


app = typer.Typer(
    name="storewatch",
    cls=Program,
    help="巡店：检查店铺数据，发现问题就发消息。 Does the daily rounds of online stores: rules over store facts, alerts, messages.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # takes longer than all else that --help needs

        typer.echo(f"storewatch {version('storewatch')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    project: Annotated[Path, typer.Option("--project", "-C", help="Project folder (facts.yaml, rules/, ...).")] = Path(),
    lang: Annotated[str, typer.Option(help="Language of messages: zh or en. Default: by locale.")] = "",
    output: Annotated[str, typer.Option("--format", help="table, or json for programs.")] = "table",
    _: Annotated[bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version and exit.")] = False,
) -> None:
    settings = Settings(project, lang or default_language(), output)
    if lang and lang not in LANGUAGES:
        fail(Settings(project, "en", output), UsageError(Text(f"--lang {lang}: use zh or en", f"--lang {lang}：可用 zh 或 en")))
    if output not in ("table", "json"):
        fail(settings, UsageError(Text(f"--format {output}: use table or json", f"--format {output}：可用 table 或 json")))
    context.obj = settings


for group in (
    init,
    check,
    rules,
    functions,
    kinds,
    schema,
    new,
    test,
    ingest,
    look,
    run,
    dryrun,
    verify,
    serve,
    status,
    alerts,
    answering,
    silence,
    label,
    routes,
    outbox,
    explain,
    preview,
    drill,
    diff,
    tune,
    simulate,
    demo,
    doctor,
):
    group.register(app)
make_bilingual(app)


def main() -> None:
    """Entry point. Errors that users can understand end the program with one message and their exit code; others show a trace."""
    try:
        app(standalone_mode=True)
    except StorewatchError as error:
        try:
            fail(Settings(Path(), default_language(), "table"), error)
        except typer.Exit as end:
            sys.exit(end.exit_code)
    except OSError as error:
        if not _output_is_lost():
            raise
        reason = error.strerror or type(error).__name__
        text = Text(f"standard output cannot be written: {reason}", f"无法写到标准输出：{reason}")
        typer.echo(text.in_(default_language()), err=True)
        sys.exit(StorewatchError.exit_code)


def _output_is_lost() -> bool:
    """Whether standard output takes nothing any more; then what is still in its buffer goes nowhere, so that the program can end."""
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return True
    return False


if __name__ == "__main__":
    main()
