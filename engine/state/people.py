"""What people said about alerts: silences, acknowledgements, ends by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from engine.model import Identity
from engine.model import State as AlertState
from engine.routing import Silence
from engine.routing.matchers import parse_matcher
from engine.state.database import Database
from engine.state_tables import ACTS, ALERTS, SILENCES


class Act(StrEnum):
    """What somebody did with an alert."""

    ACKNOWLEDGED = "acknowledged"
    TAKEN_BACK = "taken_back"  # the acknowledgement
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Deed:
    """An act, by whom and when, in which episode of the alert."""

    act: Act
    author: str
    comment: str
    at: datetime
    episode: int


def silences(database: Database) -> tuple[Silence, ...]:
    """All that were ever made, oldest first."""
    with database.reading() as connection:
        rows = connection.execute(select(SILENCES).order_by(SILENCES.c.number)).all()
    return tuple(
        Silence(tuple(map(parse_matcher, row.matchers)), row.author, row.comment, row.created_at, row.starts_at, row.ends_at, row.number)
        for row in rows
    )


def add_silence(database: Database, silence: Silence) -> int:
    """Store it; returns its number."""
    values = {name: getattr(silence, name) for name in ("author", "comment", "created_at", "starts_at", "ends_at")}
    query = insert(SILENCES).values(matchers=[str(matcher) for matcher in silence.matchers], **values)
    with database.writing() as connection:
        number: int = connection.scalars(query.returning(SILENCES.c.number)).one()
        return number


def expire_silence(database: Database, number: int, at: datetime) -> bool:
    """End a silence at ``at``. False when there is none of that number that ends later."""
    later = (SILENCES.c.number == number) & (SILENCES.c.ends_at > at)
    with database.writing() as connection:
        return connection.execute(update(SILENCES).where(later).values(ends_at=at)).rowcount > 0


def acknowledge(database: Database, identity: Identity, by: str, at: datetime, comment: str = "") -> bool:
    """Stop the reminders and escalations of a firing alert until it resolves or becomes more severe. False when it does not fire."""
    return _acknowledge(database, identity, by, Act.ACKNOWLEDGED, by, at, comment)


def take_back(database: Database, identity: Identity, by: str, at: datetime, comment: str = "") -> bool:
    """Undo an acknowledgement. False when the alert does not fire."""
    return _acknowledge(database, identity, "", Act.TAKEN_BACK, by, at, comment)


def _acknowledge(database: Database, identity: Identity, name: str, act: Act, by: str, at: datetime, comment: str) -> bool:
    firing = (ALERTS.c.fingerprint == identity.fingerprint) & (ALERTS.c.state == AlertState.FIRING.value)
    with database.writing() as connection:
        changed = update(ALERTS).where(firing).values(acknowledged_by=name).returning(ALERTS.c.episode)
        episode = connection.scalars(changed).first()
        if episode is not None:
            note_deed(connection, identity, Deed(act, by, comment, at, episode))
        return episode is not None


def note_deed(connection: Connection, identity: Identity, deed: Deed) -> None:
    values = {name: getattr(deed, name) for name in ("author", "comment", "at", "episode")}
    connection.execute(insert(ACTS).values(fingerprint=identity.fingerprint, act=deed.act.value, **values))


def deeds(database: Database, identity: Identity) -> tuple[Deed, ...]:
    """What people did with an alert, oldest first."""
    query = select(ACTS).where(ACTS.c.fingerprint == identity.fingerprint).order_by(ACTS.c.number)
    with database.reading() as connection:
        return tuple(Deed(Act(row.act), row.author, row.comment, row.at, row.episode) for row in connection.execute(query))
