"""``storewatch check``: is everything in the project right? All problems at once."""

from __future__ import annotations

import json

import typer

from engine.cli.common import fail, settings
from engine.errors import Problem, ProblemsFound, StorewatchError, Text


def register(app: typer.Typer) -> None:
    app.command("check")(check)


def check(context: typer.Context) -> None:
    """Check facts.yaml, rules, channels, schedules and templates; show every problem with its place and what to do.

    Exit code 0: all is right. 1: problems were found. 2: the folder is no project.
    """
    from engine.project import load_project  # heavy: not on the path of --help

    options = settings(context)
    try:
        project = load_project(options.project, try_templates=True)
    except ProblemsFound as error:
        if options.format == "json":
            typer.echo(json.dumps([_plain(problem, options.language) for problem in error.problems], ensure_ascii=False, indent=2))
        else:
            for problem in error.problems:
                typer.echo(problem.render(options.language))
            count = len(error.problems)
            options.say(Text(f"{count} problem(s)", f"共 {count} 个问题"))
        raise typer.Exit(1) from None
    except StorewatchError as error:
        fail(options, error)
    if options.format == "json":
        typer.echo("[]")
    else:
        options.say(
            Text(
                f"all right: {len(project.rules)} rules, {len(project.facts.schemas)} fact kinds",
                f"全部正确：{len(project.rules)} 条规则，{len(project.facts.schemas)} 种事实",
            )
        )


def _plain(problem: Problem, language: str) -> dict[str, object]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "code": problem.code,
        "message": problem.text.in_(language),
        "hint": problem.hint.in_(language) if problem.hint else None,
    }
