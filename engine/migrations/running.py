"""Alembic at work on the state database. Apart from :mod:`engine.migrations`, because loading Alembic takes longer than asking a
database that needs no migration."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from engine.migrations import HEAD


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration, to work on an open connection and inside its transaction."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def knows(revision: str) -> bool:
    """Whether this version of storewatch has the revision."""
    scripts = ScriptDirectory.from_config(configuration())
    return revision in {script.revision for script in scripts.walk_revisions()}


def upgrade(connection: Connection, revision: str = HEAD) -> None:
    command.upgrade(configuration(connection), revision)


def downgrade(connection: Connection, revision: str) -> None:
    command.downgrade(configuration(connection), revision)
