"""What all commands share: the options of the program, printing, and how errors end it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from engine.errors import LANGUAGES, ProblemsFound, StorewatchError, Text

if TYPE_CHECKING:
    from engine.state import State

Writers = dict[str, Callable[[Any], str]]
"""How a table writes the values of a column."""
AS_THEY_ARE: Writers = {}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
"""Programs that can draw a page, the first that is there."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Options given before the command: the project folder, the language of messages, ``table`` or ``json``."""

    project: Path
    language: str
    format: str

    def say(self, text: Text) -> None:
        """One line of progress, on standard error, so that standard output stays data."""
        typer.echo(text.in_(self.language), err=True)


def settings(context: typer.Context) -> Settings:
    """The program's options, as the callback in ``main`` stored them."""
    found = context.find_object(Settings)
    return found or Settings(Path(), default_language(), "table")


def default_language() -> str:
    """``STOREWATCH_LANGUAGE``, else Chinese where the locale is Chinese, else English."""
    asked = os.environ.get("STOREWATCH_LANGUAGE", "")
    if asked in LANGUAGES:
        return asked
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if locale.startswith("zh") else "en"


def clock() -> datetime:
    """This instant."""
    return datetime.now(UTC)


def open_state(folder: Path) -> State:
    """The project's state: ``STOREWATCH_STATE`` (a database URL), else ``state.db`` in the project's folder."""
    from engine.state import State  # heavy

    return State.open(os.environ.get("STOREWATCH_STATE") or f"sqlite:///{folder / 'state.db'}")


def existing_state(folder: Path) -> State | None:
    """The project's state where there is one; none is made by asking."""
    if os.environ.get("STOREWATCH_STATE") or (folder / "state.db").is_file():
        return open_state(folder)
    return None


def emit_json(value: object) -> None:
    """Print one JSON value for programs."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=plain))


def emit(
    options: Settings,
    rows: Sequence[Mapping[str, object]],
    columns: Mapping[str, Text],
    empty: Text,
    writers: Writers = AS_THEY_ARE,
) -> None:
    """Print rows as a table with the given headings, or, with ``--format json``, as one JSON array (all keys, raw values).

    ``writers`` are for columns whose values a table writes otherwise than :func:`shown` does; they are not asked for None.
    """
    if options.format == "json":
        emit_json(list(rows))
        return
    if not rows:
        typer.echo(empty.in_(options.language))
        return
    from rich.console import Console  # heavy, only when a table is printed
    from rich.table import Table
    from rich.text import Text as Cell

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in columns.values():
        table.add_column(heading.in_(options.language), overflow="fold")
    for row in rows:
        table.add_row(*(Cell(_cell(row.get(name), writers.get(name))) for name in columns))
    Console(width=None if os.isatty(1) else 200).print(table)


def _cell(value: object, write: Callable[[Any], str] | None) -> str:
    return shown(write(value) if write and value is not None else value)


def shown(value: object) -> str:
    """A table cell: empty for None, no control characters."""
    text = "" if value is None else value.strftime("%Y-%m-%d %H:%M:%S%z") if isinstance(value, datetime) else str(value)
    return "".join(char if char.isprintable() else " " for char in text)


def plain(value: object) -> object:
    """JSON for what JSON does not know: instants in ISO 8601, exact decimals as text, durations in seconds."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal | Path):
        return str(value)
    if isinstance(value, set | frozenset | tuple):
        return sorted(value) if not isinstance(value, tuple) else list(value)
    if isinstance(value, Text):
        return {"zh": value.zh, "en": value.en}
    raise TypeError(f"not JSON: {type(value).__name__}")


def fail(options: Settings, error: StorewatchError) -> NoReturn:
    """Print the error (every problem of it) to standard error and exit with its code."""
    if isinstance(error, ProblemsFound):
        for problem in error.problems:
            typer.echo(problem.render(options.language), err=True)
    else:
        typer.echo(f"{'错误：' if options.language == 'zh' else 'error: '}{error.text.in_(options.language)}", err=True)
        if error.hint:
            typer.echo(f"  {'提示：' if options.language == 'zh' else 'hint: '}{error.hint.in_(options.language)}", err=True)
    raise typer.Exit(error.exit_code)
