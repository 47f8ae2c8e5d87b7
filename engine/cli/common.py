"""What all commands share: the options of the program, printing, and how errors end it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import typer

from engine.errors import LANGUAGES, ProblemsFound, StorewatchError, Text


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


def emit(options: Settings, rows: Sequence[Mapping[str, object]], columns: Mapping[str, Text], empty: Text) -> None:
    """Print rows as a table with the given headings, or, with ``--format json``, as one JSON array (all keys, raw values)."""
    if options.format == "json":
        typer.echo(json.dumps(list(rows), ensure_ascii=False, indent=2, default=plain))
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
        table.add_row(*(Cell(shown(row.get(name))) for name in columns))
    Console(width=None if os.isatty(1) else 200).print(table)


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
