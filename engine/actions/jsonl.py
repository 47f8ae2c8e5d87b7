"""Messages as lines of JSON in a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.actions.payloads import as_json, webhook_payload
from engine.model import Message, Notification, Rendered
from engine.routing import Recipient
from engine.routing.channel_types import JsonlChannel
from engine.sending import Delivery, Outcome, Send


@dataclass(frozen=True, slots=True)
class JsonlSender:
    """Appends each payload and a line break, and syncs the file. It is opened anew for every session, so that a file that was moved away
    (logrotate) is begun again. Several processes may append: each line is one write."""

    path: Path

    @contextmanager
    def session(self) -> Iterator[Send]:
        opened: list[int] = []

        def send(notification: Notification) -> Outcome:
            try:
                if not opened:
                    self.path.parent.mkdir(parents=True, exist_ok=True)
                    opened.append(os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640))
                _append(opened[0], notification.payload)
            except OSError as error:
                return Outcome(Delivery.TRY_LATER, "file_unwritable", f"{self.path.name}: {error.strerror}")
            return Outcome(Delivery.DELIVERED, "written")

        try:
            yield send
        finally:
            for descriptor in opened:
                os.close(descriptor)


def _append(descriptor: int, payload: bytes) -> None:
    """One whole line, or none: what a full disk cut off is taken back."""
    line = payload + b"\n"
    before = os.fstat(descriptor).st_size
    if os.write(descriptor, line) < len(line):
        os.ftruncate(descriptor, before)
        raise OSError(28, "the disk is full")
    os.fsync(descriptor)


def jsonl_bytes(_: JsonlChannel, message: Message, rendered: Rendered, recipient: Recipient, __: str | None) -> bytes:
    return as_json(webhook_payload(message, rendered, recipient))
