"""Log lines: one for each event, for people (``console``) or for programs (``json``), without secrets.

Whoever logs gives the event as a sentence and what belongs to it by ``extra={"schedule": ..., "at": ...}``; lines for people leave out what
the sentence says already.
"""

from __future__ import annotations

import base64
import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from engine.errors import visible, without_secrets
from engine.project import Project

TALKATIVE = (
    "alembic",
    "apprise",
    "apscheduler",
    "asyncio",
    "httpcore",
    "httpx",
    "ibis",
    "matplotlib",
    "PIL",
    "sqlalchemy",
    "urllib3",
    "watchfiles",
)
"""Libraries that tell at INFO of every step (some with addresses that are secrets): only their warnings are shown."""
LONGEST = 2000  # characters of one value
SHORTEST_SECRET = 4  # characters; anything shorter would star out half of every line
SHORTEST_PART = 8  # of a part of a secret address
STARS = "***"
_KNOWN = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


class Secrets:
    """What must not be written, whole or as a library may show it (in base64, percent-encoded). It only grows: what was once a secret
    stays one."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._known: tuple[str, ...] = ()
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        found = {form for value in values for form in _forms(value.strip())}
        self._known = tuple(sorted({*self._known, *found}, key=len, reverse=True))

    def hide(self, text: str) -> str:
        """``text`` with stars for every secret in it, and cut where it is too long for a line."""
        for secret in self._known:
            text = text.replace(secret, STARS)
        return without_secrets(text[:LONGEST])


def _forms(value: str) -> set[str]:
    parts = {value, *(_parts_of_address(value) if "://" in value else ())}
    forms = {form for part in parts for form in (part, quote(part, safe=""), unquote(part), base64.b64encode(part.encode()).decode())}
    return {form for form in forms if len(form) >= SHORTEST_SECRET}


def _parts_of_address(address: str) -> set[str]:
    """Password, long pieces of the path and values of the query: what makes a webhook's address a secret."""
    try:
        split = urlsplit(address)
        password = split.password or ""
        pieces = {*split.path.split("/"), *(value for _, value in parse_qsl(split.query))}
    except ValueError:
        return set()
    return {piece for piece in pieces if len(piece) >= SHORTEST_PART} | ({password} if password else set())


def secrets_of(project: Project, environ: Mapping[str, str]) -> set[str]:
    """The values of all environment variables and files that channels and the ping name (``..._env``, ``..._file``), and the password in
    the address of the state database. What is not there or cannot be read is nobody's secret."""
    state = environ.get("STOREWATCH_STATE", "")
    found = {unquote(urlsplit(state).password or "")} if "@" in state else set()
    ping = project.schedules.ping
    for options in [*project.channels.channels.values(), *([ping] if ping else [])]:
        named = {key: str(value) for key, value in options.model_dump(by_alias=True).items() if value}
        found |= {environ.get(value, "") for key, value in named.items() if key.endswith("_env")}
        found |= {_read(project.folder / value) for key, value in named.items() if key.endswith("_file") and key != "ca_file"}
    return found - {""}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


class Lines(logging.Formatter):
    """One line a record, whatever is in it."""

    def __init__(self, style: str, secrets: Secrets) -> None:
        super().__init__()
        self.style = style
        self.secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        fields = {key: value for key, value in vars(record).items() if key not in _KNOWN}
        if record.exc_info and record.exc_info[1]:
            fields["trace"] = "".join(traceback.format_exception(record.exc_info[1]))
        said = {key: self._plain(value) for key, value in fields.items()}
        instant = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event = " | ".join(str(self._plain(record.getMessage())).splitlines())
        if self.style == "json":
            about = {"instant": instant, "level": record.levelname.lower(), "event": event, "logger": record.name}
            written = json.dumps(about | {key: value for key, value in said.items() if key not in about}, ensure_ascii=False)
            return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in written)
        told = "".join(f" {key}={_quoted(value)}" for key, value in said.items() if _text(value) not in event)
        return f"{instant} {record.levelname:<7} {visible(event)}{told}"

    def _plain(self, value: object) -> object:
        """Numbers, truth and nothing as they are; all else as text without secrets."""
        if value is None or isinstance(value, bool | int | float):
            return value
        text = value.isoformat() if isinstance(value, datetime) else str(value)
        return self.secrets.hide(text).encode("utf-8", "replace").decode()


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _quoted(value: object) -> str:
    """As it is where no blank or quote is in it, else as JSON."""
    text = _text(value)
    return text if text and text.isprintable() and not set(text) & set(' "=') else visible(json.dumps(text, ensure_ascii=False))


def configure(style: str, level: str, secrets: Secrets, stream: TextIO | None = None) -> None:
    """Write the log lines of the whole process to ``stream`` (default: standard error) from now on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Lines(style, secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)
    threading.excepthook = _log_end_of_thread


def _log_end_of_thread(ended: threading.ExceptHookArgs) -> None:
    logging.getLogger(__name__).error("a thread ended by a fault", exc_info=ended.exc_value)
