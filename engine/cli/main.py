"""The ``storewatch`` command: options common to all commands, and the commands, one file a group."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.cli import check, demo, explain, functions, ingest, init, kinds, preview, rules, run, simulate, test
from engine.cli.common import Settings, default_language, fail
from engine.errors import LANGUAGES, StorewatchError, Text, UsageError

app = typer.Typer(
    name="storewatch",
    help="巡店：检查店铺数据，发现问题就发消息。 Does the daily rounds of online stores: rules over store facts, alerts, messages.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def options(
    context: typer.Context,
    project: Annotated[Path, typer.Option("--project", "-C", help="Project folder (facts.yaml, rules/, ...).")] = Path(),
    lang: Annotated[str, typer.Option(help="Language of messages: zh or en. Default: by locale.")] = "",
    output: Annotated[str, typer.Option("--format", help="table, or json for programs.")] = "table",
) -> None:
    settings = Settings(project, lang or default_language(), output)
    if lang and lang not in LANGUAGES:
        fail(Settings(project, "en", output), UsageError(Text(f"--lang {lang}: use zh or en", f"--lang {lang}：可用 zh 或 en")))
    if output not in ("table", "json"):
        fail(settings, UsageError(Text(f"--format {output}: use table or json", f"--format {output}：可用 table 或 json")))
    context.obj = settings


for group in (init, check, rules, functions, kinds, test, ingest, run, explain, preview, simulate, demo):
    group.register(app)


def main() -> None:
    """Entry point. Errors that users can understand end the program with one message and their exit code; others show a trace."""
    try:
        app(standalone_mode=True)
    except StorewatchError as error:
        try:
            fail(Settings(Path(), default_language(), "table"), error)
        except typer.Exit as end:
            sys.exit(end.exit_code)


if __name__ == "__main__":
    main()
