"""``storewatch schema``: what editors need to complete and check a project's files."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.cli.common import Settings, emit, emit_json, fail, settings
from engine.errors import StorewatchError, Text, UsageError, did_you_mean

DESCRIBED = {
    "facts": "facts.yaml",
    "rules": "rules/*.yaml",
    "tests": "rules/*.test.yaml",
    "schedules": "schedules.yaml",
    "channels": "channels.yaml",
}


def register(app: typer.Typer) -> None:
    app.command("schema")(schema)


def schema(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="facts, rules, tests, schedules or channels: print this JSON Schema.")] = "",
    write: Annotated[
        bool, typer.Option("--write", help="Put all schemas into the project, and a line naming them into its files.")
    ] = False,
) -> None:
    """JSON Schemas of the project's files, by which editors complete, explain and check them; without NAME a list of them.

    With --write they go to .storewatch/schemas/, and the first line of every YAML file of the project names its schema, as VS Code's
    YAML extension wants it. Run it again when kinds, rules or contacts were added: their names are offered too.

    With --format json: the list, or with --write one object with the files written.
    """
    options = settings(context)
    try:
        if write:
            _write(options, name)
        elif name:
            _print(options, name)
        else:
            columns = {"name": Text("name", "名称"), "files": Text("files", "文件")}
            emit(options, [{"name": each, "files": files} for each, files in DESCRIBED.items()], columns, Text.same(""))
    except StorewatchError as error:
        fail(options, error)


def _print(options: Settings, name: str) -> None:
    from engine.schemas import names_in, schema_of, written_out  # heavy: not on the path of --help

    if name not in DESCRIBED:
        listed = Text(f"use {', '.join(DESCRIBED)}", f"可用 {'、'.join(DESCRIBED)}")
        raise UsageError(Text(f"there is no schema '{name}'", f"没有名为 '{name}' 的 schema"), did_you_mean(name, DESCRIBED) or listed)
    typer.echo(written_out(schema_of(name, names_in(options.project))), nl=False)


def _write(options: Settings, name: str) -> None:
    from engine.editing import changed, files_with_lines, schema_files  # heavy
    from engine.facts_file import facts_path
    from engine.writing import replace_files

    if name:
        raise UsageError(Text("--write writes all schemas: leave out the name", "--write 会写出全部 schema：不要写名称"))
    facts_path(options.project)
    found = changed({**schema_files(options.project), **files_with_lines(options.project)})
    replace_files(found)
    names = [path.relative_to(options.project).as_posix() for path in found]
    if options.format == "json":
        emit_json({"written": names})
        return
    for each in names:
        typer.echo(each)
    options.say(Text(f"{len(names)} file(s) written", f"写入 {len(names)} 个文件") if names else Text("all up to date", "都已是最新"))
