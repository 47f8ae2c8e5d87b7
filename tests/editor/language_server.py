"""A client of the real yaml-language-server, the one inside VS Code's YAML extension, spoken to over standard input and output."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any


def command() -> str | None:
    """The server: where ``STOREWATCH_YAML_LANGUAGE_SERVER`` says, else on the path (``npm install --global yaml-language-server``)."""
    return os.environ.get("STOREWATCH_YAML_LANGUAGE_SERVER") or shutil.which("yaml-language-server")


SETTINGS = {"yaml": {"validate": True, "completion": True, "hover": True, "schemaStore": {"enable": False}}}


@dataclass
class Server:
    """One running server. ``told`` are its diagnostics, by file."""

    process: subprocess.Popen[bytes]
    told: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=lambda: count(1))

    def send(self, message: Mapping[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin
        self.process.stdin.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """The next message; what the server asks of its editor is answered."""
        assert self.process.stdout
        length = 0
        while line := self.process.stdout.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        if message.get("method") == "workspace/configuration":
            items = message["params"]["items"]
            self.send({"id": message["id"], "result": [SETTINGS.get(item.get("section"), {}) for item in items]})
        elif "id" in message and "method" in message:
            self.send({"id": message["id"], "result": None})
        elif message.get("method") == "textDocument/publishDiagnostics":
            self.told[message["params"]["uri"]] = message["params"]["diagnostics"]
        return message

    def ask(self, method: str, params: Mapping[str, Any]) -> Any:
        own = next(self.ids)
        self.send({"id": own, "method": method, "params": params})
        while True:
            message = self.receive()
            if message.get("id") == own and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def open(self, path: Path, text: str) -> list[dict[str, Any]]:
        """Show the server ``text`` as the content of ``path``; gives what it finds wrong."""
        uri = path.as_uri()
        self.told.pop(uri, None)
        document = {"uri": uri, "languageId": "yaml", "version": next(self.ids), "text": text}
        self.send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        while uri not in self.told:
            self.receive()
        return self.told[uri]

    def complete(self, path: Path, text: str) -> list[str]:
        """What it offers at the end of ``text``."""
        self.open(path, text)
        position = {"line": text.count("\n"), "character": len(text.rpartition("\n")[2])}
        found = self.ask("textDocument/completion", {"textDocument": {"uri": path.as_uri()}, "position": position})
        return [item["label"] for item in (found["items"] if isinstance(found, dict) else found)]

    def hover(self, path: Path, text: str, line: int, character: int) -> str:
        """What it says of the place, counted from 0."""
        self.open(path, text)
        position = {"line": line, "character": character}
        found = self.ask("textDocument/hover", {"textDocument": {"uri": path.as_uri()}, "position": position})
        return str(found["contents"]["value"]) if found else ""


@contextmanager
def running(server: str, folder: Path) -> Iterator[Server]:
    process = subprocess.Popen([server, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        found = Server(process)
        abilities = {"workspace": {"configuration": True}, "textDocument": {"completion": {"completionItem": {"snippetSupport": True}}}}
        found.ask("initialize", {"processId": None, "rootUri": folder.as_uri(), "capabilities": abilities})
        found.send({"method": "initialized", "params": {}})
        found.send({"method": "workspace/didChangeConfiguration", "params": {"settings": SETTINGS}})
        yield found
        found.ask("shutdown", {})
        found.send({"method": "exit", "params": {}})
        process.wait(timeout=20)
    finally:
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()
        process.wait()
