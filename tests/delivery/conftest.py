"""Databases for tests (SQLite always, PostgreSQL where STOREWATCH_TEST_POSTGRES names one), and values to fill them with."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from engine.state import State

POSTGRES = os.environ.get("STOREWATCH_TEST_POSTGRES", "")
NO_POSTGRES = pytest.mark.skipif(not POSTGRES, reason="STOREWATCH_TEST_POSTGRES does not name a PostgreSQL database")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=NO_POSTGRES)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database (on PostgreSQL: an empty schema) of its own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'state.db'}"
        return
    name = f"storewatch_{uuid.uuid4().hex}"
    server = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    yield make_url(POSTGRES).update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
    server.dispose()


@pytest.fixture
def state(url: str) -> Iterator[State]:
    with State.open(url) as opened:
        yield opened
