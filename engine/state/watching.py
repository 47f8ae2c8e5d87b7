"""How storewatch itself fares, as the state database tells: failing rules, channels in trouble, and the daemons that share it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, func, or_, select

from engine.builtin.facts import Backlog, BadReload, Daemon, Disk, Failing, Jump, Operations
from engine.errors import Text
from engine.state.database import Database
from engine.state_tables import DAEMONS, NOTIFICATIONS, RULE_HEALTH

RECENT = timedelta(days=1)
"""Dead letters are trouble for so long; then they are history, which ``storewatch outbox`` still tells."""
REMEMBERED = timedelta(days=7)
"""A daemon that stopped without a word is forgotten after so long."""


def operations(database: Database, at: datetime) -> Operations:
    """Everything that the rules about storewatch itself judge. Raises :class:`~engine.errors.StateError`."""
    return Operations(at, failing_rules(database), backlogs(database, at), daemons(database))


def failing_rules(database: Database) -> dict[str, Failing]:
    """Rules whose last evaluation failed."""
    query = select(RULE_HEALTH).where(RULE_HEALTH.c.failures > 0)
    with database.reading() as connection:
        return {row.rule: Failing(row.failures, Text(*(row.last_error or ("", ""))), row.last_ok) for row in connection.execute(query)}


def backlogs(database: Database, at: datetime) -> tuple[Backlog, ...]:
    """Channels with letters that were tried and still wait, or that were given up lately."""
    n = NOTIFICATIONS.c
    waits = and_(n.state.in_(("queued", "sending")), n.category != "", n.first_attempt_at.is_not(None))
    dead = and_(n.state == "dead", n.first_attempt_at > at - RECENT)
    counts = select(
        n.channel, func.count().filter(waits), func.min(n.first_attempt_at).filter(waits), func.count().filter(dead), func.max(n.number)
    )
    query = counts.where(or_(waits, dead)).group_by(n.channel).order_by(n.channel)
    with database.reading() as connection:
        rows = connection.execute(query).all()
        last = select(n.number, n.category, n.detail).where(n.number.in_([row[-1] for row in rows]))
        answers = {row.number: f"{row.category} {row.detail}".strip() for row in connection.execute(last)}
    return tuple(Backlog(channel, waiting, since, answers.get(number, ""), gone) for channel, waiting, since, gone, number in rows)


def daemons(database: Database) -> tuple[Daemon, ...]:
    """The daemons that are there, or ended without a word within the last week, by host and process."""
    query = select(DAEMONS).order_by(DAEMONS.c.host, DAEMONS.c.process)
    with database.reading() as connection:
        return tuple(map(daemon_of, connection.execute(query)))


def note_daemon(database: Database, daemon: Daemon) -> None:
    """Store what the daemon observed, and forget those that nobody has seen for a week."""
    insert = database.insert(DAEMONS)
    row = daemon_row(daemon)
    changes = {name: insert.excluded[name] for name in row if name != "id"}
    with database.writing() as connection:
        connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=changes), row)
        connection.execute(delete(DAEMONS).where(DAEMONS.c.seen < daemon.seen - REMEMBERED))


def forget_daemon(database: Database, id_: str) -> None:
    """The daemon ends in good order."""
    with database.writing() as connection:
        connection.execute(delete(DAEMONS).where(DAEMONS.c.id == id_))


def daemon_row(daemon: Daemon) -> dict[str, object]:
    """The daemon as columns of its table."""
    reload = daemon.reload
    return {
        "id": daemon.id,
        "host": daemon.host,
        "process": daemon.process,
        "started": daemon.started,
        "seen": daemon.seen,
        "observed": {
            "disks": [[disk.folder, disk.free, disk.total] for disk in daemon.disks],
            "jumps": [[jump.at.isoformat(), jump.by.total_seconds()] for jump in daemon.jumps],
            "reload": [reload.since.isoformat(), reload.problems, reload.first.en, reload.first.zh] if reload else None,
        },
    }


def daemon_of(row: Any) -> Daemon:
    """The daemon of a row of the table."""
    said = row.observed
    disks = tuple(Disk(*disk) for disk in said["disks"])
    jumps = tuple(Jump(datetime.fromisoformat(at), timedelta(seconds=by)) for at, by in said["jumps"])
    reload = said["reload"]
    bad = BadReload(datetime.fromisoformat(reload[0]), reload[1], Text(*reload[2:])) if reload else None
    return Daemon(row.id, row.host, row.process, row.started, row.seen, disks, jumps, bad)
