"""What the options of all types of channel have in common. Secrets are named, never written: an environment variable (``..._env``) or a
file (``..._file``, relative to the project)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from engine.errors import Text
from engine.fields import Duration, Strict, about
from engine.sending import Limit

LOOPBACK = ("localhost", "127.0.0.1", "::1")
MINUTE = timedelta(minutes=1)
_ADDRESS = re.compile(r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/?#:@\[\]]+)(?::\d{1,5})?(?:[/?#]\S*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a channel's options taken together, told at one of their keys."""

    key: str
    code: str
    text: Text
    hint: Text | None = None


class ChannelOptions(Strict):
    """Base of the options of all types, those of plugins too."""

    ONE_ADDRESS: ClassVar[str] = ""
    """What stands for the only recipient of a channel that has no addresses; empty for a type that sends to addresses."""
    MENTIONS: ClassVar[tuple[str, ...]] = ()
    """The keys of a contact by which a message to all names some in particular."""
    NOBODY: ClassVar[tuple[Text, Text] | None] = None
    """Sentence and hint where a receiver must say ``to`` and does not; None where it need not."""
    NEEDLESS: ClassVar[Text | None] = None
    """Sentence where a receiver says ``to`` and must not; None where it may."""
    PACKAGE: ClassVar[str] = ""
    """The package, one that is not always installed, without which its messages wait."""
    CHAT: ClassVar[bool] = False
    """Whether its messages are written in markdown."""

    type: str

    @property
    def limits(self) -> tuple[Limit, ...]:
        """How many messages it takes in a while; what is above waits in the outbox."""
        return ()

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that it reads."""
        named = (getattr(self, name) for name in type(self).model_fields if name.endswith("_env"))
        return tuple(value for value in named if isinstance(value, str) and value)

    def mistakes(self) -> Iterator[Mistake]:
        """What the single options do not show."""
        yield from ()


class NetworkChannel(ChannelOptions):
    """Base of the options of types that talk to a server."""

    timeout: Annotated[Duration, about("how long to wait for the server", "等服务器多久", examples=["20s"])] = timedelta(seconds=20)
    per_minute: Annotated[
        int | None, about("at most so many messages a minute; the rest waits", "每分钟最多发几条，多出的排队", examples=[60])
    ] = Field(None, ge=1, strict=True)
    ca_file: Annotated[str, about("file with the certificates to trust", "自有证书文件")] = ""

    @property
    def limits(self) -> tuple[Limit, ...]:
        return (Limit(self.per_minute, MINUTE),) if self.per_minute else ()


class SecretUrlChannel(NetworkChannel):
    """Base of the options of types whose address holds a token."""

    url_env: Annotated[str, about("environment variable that holds the address", "存放地址的环境变量名，地址里有令牌，不要写进文件")] = ""
    url_file: Annotated[str, about("file that holds the address", "存放地址的文件")] = ""

    def mistakes(self) -> Iterator[Mistake]:
        yield from one_of(self, "url_env", "url_file", needed=True)


class RobotChannel(SecretUrlChannel):
    """Base of the options of robots in chat groups."""

    ONE_ADDRESS = "group"
    CHAT = True


def one_of(options: ChannelOptions, *keys: str, needed: bool = False) -> Iterator[Mistake]:
    """At most one of the keys may be given; with ``needed`` exactly one."""
    given = [key for key in keys if getattr(options, key)]
    if len(given) > 1:
        text = Text(f"give {given[0]} or {given[1]}, not both", f"{given[0]} 与 {given[1]} 只能写一个")
        yield Mistake(given[1], "given_twice", text)
    if needed and not given:
        hint = Text(
            f"add {keys[-2]}: NAME_OF_A_VARIABLE (what it holds is secret and must not stand in the file)",
            f"请加上 {keys[-2]}: 环境变量名（内容是机密，不要写进文件）",
        )
        yield Mistake("type", "no_address", Text(f"it needs {' or '.join(keys)}", f"需要写 {' 或 '.join(keys)}"), hint)


def is_web_address(url: str) -> bool:
    """An absolute address that begins with http:// or https://, without a user name."""
    return bool(_ADDRESS.fullmatch(url))


def travels_in_clear(url: str) -> bool:
    """Whether what is sent there could be read on the way."""
    found = _ADDRESS.fullmatch(url)
    return found is not None and found["scheme"].lower() == "http" and found["host"].strip("[]") not in LOOPBACK


def web_address_mistake(key: str, url: str) -> Mistake:
    hint = Text("write it like https://example.com/path", "写法如 https://example.com/path")
    return Mistake(key, "bad_address", Text(f"'{key}' should be a web address", f"'{key}' 应为网址"), hint)
