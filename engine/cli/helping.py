"""Help and wrong command lines in the language of the program; what they say in Chinese is in :mod:`engine.cli.chinese`."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from engine.cli.common import default_language
from engine.errors import LANGUAGES

LANGUAGE = "storewatch.language"
"""Where the context of the program keeps its language."""
WRONG_USAGE: type[Any] = typer.BadParameter.__mro__[1]
"""The base of all errors of command lines, which typer does not export."""


def language(context: Any) -> str:
    """The language of the program that ``context`` belongs to."""
    return str(context.meta.get(LANGUAGE) or default_language())


def asked_language(words: Sequence[str]) -> str:
    """The language that the words of a command line ask for. Help and errors need it before (or without) their being parsed."""
    for word, following in pairwise([*words, ""]):
        name, _, value = word.partition("=")
        if name == "--lang" and (value or following) in LANGUAGES:
            return value or following
    return default_language()


class _Bilingual:
    def get_help(self, ctx: Any) -> str:
        if language(ctx) == "zh":
            from engine.cli import chinese  # only where it is needed

            return chinese.page(self, ctx)
        return str(super().get_help(ctx))  # type: ignore[misc]


class Command(_Bilingual, TyperCommand):
    """A command whose help comes in both languages."""


class Group(_Bilingual, TyperGroup):
    """A group of commands whose help comes in both languages."""


def make_bilingual(app: typer.Typer) -> None:
    """Give every command of ``app``, and of the groups in it, help in both languages."""
    for command in app.registered_commands:
        command.cls = Command
    for group in app.registered_groups:
        group.cls = Group
        if group.typer_instance:
            make_bilingual(group.typer_instance)


@contextmanager
def usage_errors(context: Any) -> Generator[None]:
    """Says in Chinese, where that is the language, what is wrong with the command line; typer says it in English."""
    try:
        yield
    except WRONG_USAGE as error:
        if language(context) != "zh":
            raise
        from engine.cli import chinese

        typer.echo(chinese.wrong_usage(error), err=True)
        raise typer.Exit(error.exit_code) from error
    except typer.Abort as error:
        if language(context) != "zh":
            raise
        typer.echo("已取消。", err=True)
        raise typer.Exit(1) from error
