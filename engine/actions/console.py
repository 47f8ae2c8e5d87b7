"""Messages as text on standard output, to try things out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from engine.model import Notification
from engine.sending import Delivery, Outcome, Send


@dataclass(frozen=True, slots=True)
class ConsoleSender:
    """Writes the payload, UTF-8 text, and an empty line. Control characters, which could drive a terminal, become spaces."""

    stream: TextIO | None
    """None when the process has no such stream."""

    @contextmanager
    def session(self) -> Iterator[Send]:
        yield self._send

    def _send(self, notification: Notification) -> Outcome:
        if self.stream is None:
            return Outcome(Delivery.TRY_LATER, "closed_stream", "there is nowhere to write to")
        text = notification.payload.decode("utf-8", "replace")
        harmless = "".join(char if char.isprintable() or char == "\n" else " " for char in text)
        try:
            self.stream.write(f"{harmless.rstrip()}\n\n")
            self.stream.flush()
        except (OSError, ValueError) as error:
            return Outcome(Delivery.TRY_LATER, "closed_stream", str(error))
        return Outcome(Delivery.DELIVERED, "written")
