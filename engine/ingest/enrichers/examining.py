"""One picture, looked at and read: the work of a worker process."""

from __future__ import annotations

from dataclasses import dataclass

from engine.ingest.enrichers.drawing import boxed
from engine.ingest.enrichers.image_ok import Look, look_at
from engine.ingest.enrichers.image_price import read_price
from engine.ingest.enrichers.opening import open_picture
from engine.ingest.enrichers.prices.deciding import Reading
from engine.ingest.enrichers.reasons import Reason


@dataclass(frozen=True, slots=True)
class Task:
    """A picture to examine: its bytes, and the currency to read its price in (empty: it is not read)."""

    subject: str
    data: bytes
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """What came of it. ``reading`` is None where it was not asked for; ``jpeg`` is the small picture with its box, empty where nothing was
    read."""

    subject: str
    look: Look
    reading: Reading | None = None
    jpeg: bytes = b""
    currency: str = ""


def examine(task: Task) -> Examined:
    opened = open_picture(task.data)
    look = look_at(opened)
    if not task.currency:
        return Examined(task.subject, look)
    if opened.picture is None or look.reason is Reason.BLANK:
        return Examined(task.subject, look, Reading(look.reason), currency=task.currency)
    reading = read_price(opened.picture, task.currency)
    return Examined(task.subject, look, reading, boxed(opened.picture, reading.quad) if reading.quad else b"", task.currency)


def failed(task: Task, reason: Reason) -> Examined:
    """What is told of a picture that the worker did not survive."""
    return Examined(task.subject, Look(reason), Reading(reason) if task.currency else None, currency=task.currency)
