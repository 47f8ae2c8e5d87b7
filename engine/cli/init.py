"""``storewatch init``: a new project, copied from the starter project that storewatch ships."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

import engine
from engine.cli.common import emit_json, fail, settings
from engine.errors import Text, UsageError

PACKAGE = Path(engine.__file__).parent
# In an installed package the starter project lies inside it; in a checkout it is the repository itself.
STARTER = PACKAGE / "starter" if (PACKAGE / "starter").is_dir() else PACKAGE.parent
PARTS = (".storewatch", "facts.yaml", "channels.yaml", "schedules.yaml", "rules", "templates")


def register(app: typer.Typer) -> None:
    app.command("init")(init)


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of the new project; must be empty or not exist.")],
) -> None:
    """Make a new project in FOLDER: fact kinds, rules, templates, channels and schedules to start from.

    With --format json: one object with folder and files, the paths in it.
    """
    options = settings(context)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        fail(options, UsageError(Text(f"{folder} is not an empty folder", f"{folder} 不是空文件夹")))
    copy_starter(folder)
    if options.format == "json":
        made = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        emit_json({"folder": folder, "files": made})
    options.say(
        Text(
            f"made {folder}; next: edit channels.yaml, then storewatch check",
            f"已建立 {folder}；下一步：修改 channels.yaml，然后运行 storewatch check",
        )
    )


def copy_starter(folder: Path) -> None:
    """Copy the starter project's files into ``folder``, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        source = STARTER / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    (folder / ".gitignore").write_text("/snapshots/\n/state.db*\n", encoding="utf-8")
