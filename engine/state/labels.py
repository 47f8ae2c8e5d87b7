"""What people said of alerts afterwards: whether it was useful to be told, or noise. It changes nothing that is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Delete, delete, func, insert, select

from engine.model import Identity
from engine.model import State as AlertState
from engine.state.database import Database
from engine.state_tables import LABELS, TRANSITIONS


@dataclass(frozen=True, slots=True)
class Label:
    """What ``author`` said at ``at`` of one episode of an alert, which fired at ``fired`` and ended at ``resolved`` (None: it has not)."""

    identity: Identity
    episode: int
    useful: bool
    author: str
    comment: str
    at: datetime
    fired: datetime | None = None
    resolved: datetime | None = None


def add_label(database: Database, label: Label) -> None:
    """Store it in place of what was said of the episode before."""
    values = {name: getattr(label, name) for name in ("episode", "useful", "author", "comment", "at")}
    identity = label.identity
    with database.writing() as connection:
        connection.execute(_delete(identity, label.episode))
        connection.execute(insert(LABELS).values(fingerprint=identity.fingerprint, rule=identity.rule, key=list(identity.key), **values))


def remove_label(database: Database, identity: Identity, episode: int) -> bool:
    """False when nothing was said of the episode."""
    with database.writing() as connection:
        return connection.execute(_delete(identity, episode)).rowcount > 0


def labels(database: Database, rule: str = "") -> tuple[Label, ...]:
    """All, or those of one rule, by when they fired."""
    moved, label = TRANSITIONS.c, LABELS.c
    fired = func.min(moved.at).filter(moved.after == AlertState.FIRING.value)
    resolved = func.max(moved.at).filter(moved.after == AlertState.RESOLVED.value)
    same = (moved.fingerprint == label.fingerprint) & (moved.episode == label.episode)
    query = select(*label, fired.label("fired"), resolved.label("resolved")).outerjoin(TRANSITIONS, same).group_by(*label)
    with database.reading() as connection:
        rows = connection.execute(query.where(label.rule == rule) if rule else query).all()
    found = (
        Label(Identity(row.rule, tuple(row.key)), row.episode, row.useful, row.author, row.comment, row.at, row.fired, row.resolved)
        for row in rows
    )
    return tuple(sorted(found, key=lambda each: (each.fired or each.at, each.identity)))


def _delete(identity: Identity, episode: int) -> Delete:
    return delete(LABELS).where(LABELS.c.fingerprint == identity.fingerprint, LABELS.c.episode == episode)
