"""Log lines: one an event, whatever is in it, and never a secret."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from engine.daemon.logs import TALKATIVE, Secrets, configure, secrets_of
from engine.project import load_project

PASSWORD = "c0rrect horse/battery"
ADDRESS = "https://oapi.example.com/robot/send?access_token=0123456789abcdef&lang=zh"


@pytest.fixture
def untouched() -> Iterator[None]:
    """Puts the process's loggers back."""
    root = logging.getLogger()
    handlers, level, levels = root.handlers[:], root.level, {name: logging.getLogger(name).level for name in TALKATIVE}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def lines(style: str, log: object, level: str = "info", secrets: Secrets | None = None) -> list[str]:
    """What is written when ``log(logger)`` is called."""
    stream = io.StringIO()
    configure(style, level, secrets or Secrets([PASSWORD, ADDRESS]), stream)
    log(logging.getLogger("engine.test"))  # type: ignore[operator]
    return stream.getvalue().splitlines()


@pytest.mark.usefixtures("untouched")
def test_json_for_programs() -> None:
    at = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
    (line,) = lines("json", lambda log: log.info("evaluated", extra={"schedule": "早班", "at": at, "changes": 3, "error": None}))
    told = json.loads(line)
    assert datetime.fromisoformat(told.pop("instant")).tzinfo is not None
    assert told == {
        "level": "info",
        "event": "evaluated",
        "logger": "engine.test",
        "schedule": "早班",
        "at": "2026-11-20T01:30:00+00:00",
        "changes": 3,
        "error": None,
    }


@pytest.mark.usefixtures("untouched")
def test_text_for_people() -> None:
    (line,) = lines("console", lambda log: log.warning("evaluated %s", "x", extra={"schedule": "a b", "changes": 3}))
    assert line.split(" ", 1)[1] == 'WARNING evaluated x schedule="a b" changes=3'


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("style", ["console", "json"])
@pytest.mark.parametrize(
    "hostile", ["a\nINFO forged", "a\r\nb", "a\u2028b", "a\x1b[31mred", "\ud800", "a\x00b", '"} {"event": "forged"', "x" * 100_000]
)
def test_data_cannot_break_or_forge_a_line(style: str, hostile: str) -> None:
    written = lines(style, lambda log: log.info("got %s", hostile, extra={"value": hostile}))
    assert len(written) == 1 and len(written[0]) < 20_000
    assert "\x1b" not in written[0] and "\x00" not in written[0]
    if style == "json":
        assert json.loads(written[0])["level"] == "info"


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("style", ["console", "json"])
@pytest.mark.parametrize(
    "said",
    [
        f"login failed for user with {PASSWORD}",
        f"AUTH PLAIN {base64.b64encode(PASSWORD.encode()).decode()}",
        f"GET /?p={quote(PASSWORD, safe='')}",
        f"POST {ADDRESS}",
        "POST /robot/send?access_token=0123456789abcdef",
        f"password: {PASSWORD}",
    ],
)
def test_no_secret_is_written_in_message_field_or_trace(style: str, said: str) -> None:
    def log(logger: logging.Logger) -> None:
        try:
            raise ValueError(said)
        except ValueError:
            logger.exception("failed: %s", said, extra={"detail": said})

    (line,) = lines(style, log)
    assert "***" in line and "ValueError" in line
    for secret in (PASSWORD, base64.b64encode(PASSWORD.encode()).decode(), quote(PASSWORD, safe=""), "0123456789abcdef"):
        assert secret not in line


@pytest.mark.usefixtures("untouched")
def test_libraries_that_talk_are_only_heard_when_they_warn() -> None:
    def log(_: logging.Logger) -> None:
        for name in TALKATIVE:
            logging.getLogger(f"{name}.inner").info("HTTP Request: POST %s", ADDRESS)
            logging.getLogger(f"{name}.inner").warning("careful")

    assert len(lines("console", log)) == len(TALKATIVE)


@pytest.mark.usefixtures("untouched")
def test_the_level_is_the_one_asked_for() -> None:
    def log(logger: logging.Logger) -> None:
        for level in ("debug", "info", "warning", "error"):
            getattr(logger, level)(level)

    assert [len(lines("console", log, level)) for level in ("debug", "info", "warning", "error")] == [4, 3, 2, 1]


def test_secrets_are_those_that_the_project_names(folder: Path) -> None:
    (folder / "word.txt").write_text("from-a-file\n", encoding="utf-8")
    (folder / "channels.yaml").write_text(
        """
channels:
  a: {type: email, host: h.example, username: u, password_env: A_PASSWORD, from: a@shop.example}
  b: {type: email, host: h.example, username: u, password_file: word.txt, from: a@shop.example}
  c: {type: email, host: h.example, username: u, password_file: gone.txt, from: a@shop.example}
contacts: {service: {email: [a@shop.example]}}
receivers: {all: [{channel: a, to: [a@shop.example]}]}
route: {receiver: all}
""",
        encoding="utf-8",
    )
    (folder / "schedules.yaml").write_text("ping: {url_env: A_PING}\n", encoding="utf-8")
    environ = {"A_PASSWORD": "one-word", "A_PING": "https://hc.example/uuid-0000", "STOREWATCH_STATE": "postgresql+psycopg://u:p%40ss@h/d"}
    assert secrets_of(load_project(folder), environ) == {"one-word", "from-a-file", "https://hc.example/uuid-0000", "p@ss"}


@pytest.mark.usefixtures("untouched")
def test_people_are_not_told_twice_what_the_sentence_says() -> None:
    fields = {"schedule": "morning", "changes": 3, "channel": "mail"}
    (line,) = lines("console", lambda log: log.info("morning: 3 changes", extra=fields))
    assert line.endswith("morning: 3 changes channel=mail")
