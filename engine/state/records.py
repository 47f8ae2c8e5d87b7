"""What evaluations went by: stored with each, and read again when it is replayed."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, select

from engine.builtin.facts import Backlog, Operations
from engine.routing import Suppression
from engine.state.database import Database
from engine.state.people import Act, Deed
from engine.state.rows import event_of
from engine.state.values import Basis, Event
from engine.state.watching import daemon_of, daemon_row
from engine.state_tables import (
    ACTS,
    EVALUATIONS,
    NOTIFICATION_ALERTS,
    NOTIFICATIONS,
    SEEN_BATCHES,
    SUPPRESSED,
    TRANSITIONS,
    VERSIONS,
    value_from_json,
    value_to_json,
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One stored evaluation. ``rules`` are the names of all results it had; ``version`` is '' where it went by nothing that was stored:
    claims without an evaluation, and what an older storewatch did."""

    number: int
    schedule: str
    instant: datetime
    started: datetime
    rules: tuple[str, ...]
    version: str
    observed: Operations


@dataclass(frozen=True, slots=True)
class Posted:
    """A stored notification about alerts, and what became of it: ``delivered_at``, or ``dead``."""

    id: str
    channel: str
    recipient: str
    thread: str
    created_at: datetime
    delivered_at: datetime | None
    dead: bool


def store_basis(database: Database, connection: Connection, evaluation: int, basis: Basis, known: Collection[str]) -> frozenset[str]:
    """Store the version of the files, and the batches that no earlier evaluation saw; ``known`` are batches that are stored for sure.
    Returns all that are stored now."""
    insert = database.insert(VERSIONS).on_conflict_do_nothing()
    if connection.scalar(select(VERSIONS.c.id).where(VERSIONS.c.id == basis.version)) is None:
        connection.execute(insert, {"id": basis.version, "first_seen": basis.observed.at, "files": _packed(basis.files)})
    stored = frozenset(known) or frozenset(connection.scalars(select(SEEN_BATCHES.c.id)))
    new = [{"id": batch, "evaluation": evaluation} for batch in sorted(basis.batches - stored)]
    if new:
        connection.execute(database.insert(SEEN_BATCHES).on_conflict_do_nothing(), new)
    return stored | basis.batches


def version_files(database: Database, version: str) -> dict[str, bytes]:
    """The project's files, by path, as that version had them."""
    with database.reading() as connection:
        packed = connection.scalars(select(VERSIONS.c.files).where(VERSIONS.c.id == version)).one()
    return {path: b64decode(content) for path, content in json.loads(zlib.decompress(packed)).items()}


def seen_batches(database: Database) -> dict[str, int]:
    """Every batch that an evaluation saw, with the number of the first that did."""
    with database.reading() as connection:
        return {row.id: row.evaluation for row in connection.execute(select(SEEN_BATCHES))}


def recorded(database: Database) -> tuple[Recorded, ...]:
    """All stored evaluations and dispatches, in the order in which they were stored."""
    with database.reading() as connection:
        rows = connection.execute(select(EVALUATIONS).order_by(EVALUATIONS.c.number)).all()
    return tuple(
        Recorded(
            row.number, row.schedule, row.instant, row.started, tuple(row.rules), row.version, operations_of(row.observed, row.started)
        )
        for row in rows
    )


def events_by_evaluation(database: Database, since: int) -> dict[int, list[Event]]:
    """The stored transitions of each evaluation from that number on, in their order."""
    query = select(TRANSITIONS).where(TRANSITIONS.c.evaluation >= since).order_by(TRANSITIONS.c.number)
    found: dict[int, list[Event]] = {}
    with database.reading() as connection:
        for row in connection.execute(query):
            found.setdefault(row.evaluation, []).append(event_of(row))
    return found


def suppressions_by_evaluation(database: Database, since: int) -> dict[int, list[tuple[str, Suppression, str]]]:
    """As above: fingerprint, reason and route of what was not told."""
    query = select(SUPPRESSED).where(SUPPRESSED.c.evaluation >= since).order_by(SUPPRESSED.c.number)
    found: dict[int, list[tuple[str, Suppression, str]]] = {}
    with database.reading() as connection:
        for row in connection.execute(query):
            found.setdefault(row.evaluation, []).append((row.fingerprint, Suppression(row.reason), row.route))
    return found


def posted(database: Database) -> tuple[Posted, ...]:
    """All notifications that tell of alerts, in the order in which they were stored."""
    n = NOTIFICATIONS.c
    about = select(NOTIFICATION_ALERTS.c.notification).distinct()
    query = (
        select(n.id, n.channel, n.recipient, n.thread, n.created_at, n.delivered_at, n.state).where(n.number.in_(about)).order_by(n.number)
    )
    with database.reading() as connection:
        return tuple(Posted(*row[:-1], dead=row.state == "dead") for row in connection.execute(query))


def all_deeds(database: Database) -> tuple[tuple[str, Deed], ...]:
    """What people did with alerts, by fingerprint, oldest first."""
    with database.reading() as connection:
        rows = connection.execute(select(ACTS).order_by(ACTS.c.number)).all()
    return tuple((row.fingerprint, Deed(Act(row.act), row.author, row.comment, row.at, row.episode)) for row in rows)


def observed_row(observed: Operations) -> object:
    """How storewatch fared, as JSON; None where there was nothing to tell. (What rules failed is stored elsewhere.)"""
    if not observed.backlogs and not observed.daemons:
        return None
    backlogs = [[value_to_json(getattr(each, name)) for name in _BACKLOG] for each in observed.backlogs]
    daemons = [
        {name: value if name == "observed" else value_to_json(value) for name, value in daemon_row(each).items()}  # type: ignore[arg-type]
        for each in observed.daemons
    ]
    return {"backlogs": backlogs, "daemons": daemons}


_BACKLOG = ("channel", "waiting", "since", "answer", "dead")


def operations_of(data: Any, at: datetime) -> Operations:
    """What :func:`observed_row` wrote."""
    if not data:
        return Operations(at)
    backlogs = tuple(Backlog(*map(value_from_json, each)) for each in data["backlogs"])  # type: ignore[arg-type]
    rows = ({name: value if name == "observed" else value_from_json(value) for name, value in each.items()} for each in data["daemons"])
    return Operations(at, {}, backlogs, tuple(daemon_of(SimpleNamespace(**row)) for row in rows))


def _packed(files: Mapping[str, bytes]) -> bytes:
    return zlib.compress(json.dumps({path: b64encode(files[path]).decode("ascii") for path in sorted(files)}).encode())
