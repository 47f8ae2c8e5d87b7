"""``storewatch new rule``: asks a few questions and writes a rule, and tests of it that pass."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.asking import Asker, Given
from engine.cli.common import Settings, emit_json, fail, settings
from engine.errors import StorewatchError, Text, UsageError

if TYPE_CHECKING:
    from engine.drafting import Draft
    from engine.project import Project


def register(app: typer.Typer) -> None:
    app.command("new")(new)


def new(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="What to make: rule.")],
    name: Annotated[str, typer.Option(help="Name: lower-case letters, digits and _.")] = "",
    title: Annotated[str, typer.Option(help="Title in messages; with --title-en the Chinese one.")] = "",
    title_en: Annotated[str, typer.Option(help="English title.")] = "",
    facts: Annotated[str, typer.Option(help="Fact kind whose rows are judged; its Chinese title will do.")] = "",
    when: Annotated[str, typer.Option(help="Condition, such as 'dsr_desc < 4.7'.")] = "",
    hold: Annotated[str, typer.Option("--for", help="How long it must hold, such as 2d; default: at once.")] = "",
    severity: Annotated[str, typer.Option(help="info, warning or critical; default: warning.")] = "",
    owner: Annotated[str, typer.Option(help="A name under contacts of channels.yaml.")] = "",
    area: Annotated[str, typer.Option(help="The label area.")] = "",
    file: Annotated[str, typer.Option(help="File under rules/; default: my.yaml.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: take the options, and the defaults of what is not given.")] = False,
) -> None:
    """Make a rule by answering questions (or by options), and tests of it: one that fires, one that stays quiet.

    The rule is added at the end of rules/FILE, the tests beside it; nothing else in these files changes, and nothing is written before
    the rule has been checked and its tests have passed.

    With --format json: one object with rule, files, and tests (how many there are; 0 when rows have to be filled in).

    Exit code 0: written. 2: an answer is wrong, the name is taken, or the project has mistakes.
    """
    options = settings(context)
    given = Given(name, title, title_en, facts, when, hold, severity, owner, area, file)
    try:
        if what != "rule":
            raise UsageError(Text(f"new {what}: write  storewatch new rule", f"new {what}：请写 storewatch new rule"))
        _make(options, given, yes)
    except StorewatchError as error:
        fail(options, error)


def _make(options: Settings, given: Given, yes: bool) -> None:
    from engine.drafting import draft  # heavy: not on the path of --help
    from engine.project import load_project
    from engine.writing import replace_files

    project = load_project(options.project)
    asker = Asker(project, given, options.language, yes)
    answers = asker.answers()
    made = draft(project, answers, options.language)
    if not yes:
        typer.echo(f"\n{made.rule}\n{made.tests}", err=True)
        if not typer.confirm(Text("Write it?", "写入吗？").in_(options.language), default=True, err=True):
            raise typer.Abort
    replace_files(made.files)
    _renew_schemas(options.project)
    _tell(options, project, made, answers.name)


def _renew_schemas(folder: Path) -> None:
    """Where a project has schemas, they offer the new rule at once."""
    from engine.editing import SCHEMAS, changed, schema_files
    from engine.writing import replace_files

    if (folder / SCHEMAS).is_dir():
        replace_files(changed(schema_files(folder)))


def _tell(options: Settings, project: Project, made: Draft, name: str) -> None:
    files = [path.relative_to(project.folder).as_posix() for path in made.files]
    if options.format == "json":
        emit_json({"rule": name, "files": files, "tests": len(made.verdicts)})
    for file in files:
        options.say(Text(f"written: {file}", f"已写入：{file}"))
    if made.verdicts:
        options.say(Text(f"{len(made.verdicts)} tests, all passed", f"{len(made.verdicts)} 个测试，全部通过"))
    else:
        text = "no rows were found for tests; the file has a sketch of one in comments: fill it in (TODO)"
        options.say(Text(text, "没能自动推出测试数据；测试文件里留了一份注释掉的草稿，请补全（TODO）"))
    options.say(Text(f"next: storewatch preview {name}", f"下一步：storewatch preview {name}"))
