"""What channels take from outside the file: the folder, the environment, secrets, the time."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO
from urllib.parse import parse_qsl, quote, urlsplit

from engine.errors import Secret, Text, UsageError
from engine.routing.channel_options import ChannelOptions, is_web_address

SHORTEST = 6  # characters of a piece of an address that may be a token


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What channels may take from outside the file: the project's folder, environment variables, where a console channel writes (None:
    nowhere), and the clock by which requests are signed."""

    folder: Path
    environ: Mapping[str, str]
    stdout: TextIO | None
    now: Callable[[], datetime]


def secret_of(options: ChannelOptions, key: str, surroundings: Surroundings) -> Secret | None:
    """What ``<key>_env`` or ``<key>_file`` names, or None when neither does. Raises :class:`UsageError`."""
    if variable := getattr(options, f"{key}_env"):
        return from_variable(variable, f"{key}_env", surroundings)
    if file := getattr(options, f"{key}_file"):
        secret = Secret(text_of(surroundings.folder / file).strip())
        if secret.reveal():
            return secret
        raise UsageError(Text(f"{file} is empty", f"{file} 是空的"), Text("channels.yaml names this file", "channels.yaml 里写了这个文件"))
    return None


def from_variable(variable: str, key: str, surroundings: Surroundings) -> Secret:
    """The value of an environment variable, which must be set. Raises :class:`UsageError`."""
    value = surroundings.environ.get(variable, "").strip()
    if value:
        return Secret(value)
    text = Text(f"the environment variable {variable} is not set", f"没有设置环境变量 {variable}")
    raise UsageError(text, Text(f"channels.yaml names it ({key})", f"channels.yaml 的 {key} 要从中读取"))


def address_of(options: ChannelOptions, surroundings: Surroundings) -> Secret:
    """The web address that the channel names. Raises :class:`UsageError`, which does not repeat it."""
    url = getattr(options, "url", "") or (found.reveal() if (found := secret_of(options, "url", surroundings)) else "")
    if is_web_address(url) and url.isascii():
        return Secret(url)
    place = getattr(options, "url_env", "") or getattr(options, "url_file", "") or "url"
    text = Text(f"{place} does not hold a web address", f"{place} 的内容不是网址")
    raise UsageError(text, Text("it begins with https:// and is copied whole", "应以 https:// 开头，请完整复制"))


def text_of(path: Path) -> str:
    """A file that channels.yaml names. Raises :class:`UsageError`."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        text = Text(f"{path} cannot be read: {reason}", f"无法读取 {path}：{reason}")
        raise UsageError(text, Text("channels.yaml names this file", "channels.yaml 里写了这个文件")) from None


def trusted(options: ChannelOptions, surroundings: Surroundings) -> Path | None:
    """The file of certificates to trust, which can be read; None where none is named. Raises :class:`UsageError`."""
    name = getattr(options, "ca_file", "")
    if not name:
        return None
    path = surroundings.folder / name
    text_of(path)
    return path


def pieces(address: str) -> tuple[str, ...]:
    """The parts of an address that may be tokens: itself, what stands in its path and its query."""
    parts = urlsplit(address)
    found = [address, parts.query, parts.path, *parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
    return tuple(piece for piece in found if len(piece) >= SHORTEST)


def without(secrets: Iterable[str], text: str) -> str:
    """``text`` with stars for the secrets, as they are and as they travel (in an address, in a header)."""
    for form in sorted({form for secret in secrets if secret for form in _forms(secret)}, key=len, reverse=True):
        text = text.replace(form, "***")
    return text


def _forms(secret: str) -> tuple[str, ...]:
    return secret, quote(secret), quote(secret, safe=""), base64.b64encode(secret.encode()).decode()
