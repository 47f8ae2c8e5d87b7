"""A project on disk, a mail server that keeps what arrives, and the `storewatch` command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from typer.testing import CliRunner, Result

from engine.cli.init import copy_starter
from engine.cli.main import app
from tests.ports import free_port


@dataclass
class Inbox:
    """aiosmtpd's handler. ``refuse`` is answered to every recipient while it is set."""

    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    refuse: str = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.raw.append(envelope.content)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 ok"

    def about(self, rule: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if mail["X-Storewatch-Alert"] == rule]


@dataclass
class Shop:
    """A project and its inbox; ``shop.do("run", ...)`` runs the command as the shell would."""

    folder: Path
    inbox: Inbox

    def do(self, *words: str, expect: int = 0) -> Result:
        result = CliRunner().invoke(app, ["--project", str(self.folder), "--lang", "en", *words])
        assert result.exit_code == expect, result.output
        return result

    def json(self, *words: str) -> Any:
        return json.loads(self.do("--format", "json", *words).stdout)

    def ingest(self, kind: str, text: str, as_of: str, *options: str) -> None:
        path = self.folder / f"{kind}.csv"
        path.write_text(text, encoding="utf-8")
        self.do("ingest", str(path), "--kind", kind, "--as-of", as_of, *options)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    folder = tmp_path / "shop"
    copy_starter(folder)
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    channels = folder / "channels.yaml"
    channels.write_text(channels.read_text(encoding="utf-8").replace("port: 2525", f"port: {controller.port}"), encoding="utf-8")
    yield Shop(folder, inbox)
    controller.stop()


def parts(mail: EmailMessage) -> tuple[str, str]:
    """The text and the HTML of a mail."""
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None and html is not None
    return text.get_content(), html.get_content()
