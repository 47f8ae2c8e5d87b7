"""The options of each type of channel, and what is particular to the type: one table, :data:`MODELS`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from engine.errors import Text
from engine.fields import Duration, Strict, about
from engine.model import Limit
from engine.yamlfile import BilingualError, shown

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


def check_address(address: str) -> str:
    """The address in ASCII: ``a@例子.公司`` as ``a@xn--fsqu00a.xn--55qx5d``. A local part outside ASCII is refused; few servers take it."""
    local, _, domain = address.rpartition("@")
    try:
        ascii_ = f"{local}@{domain.encode('idna').decode('ascii')}"
        sound = bool(_ADDRESS.fullmatch(ascii_)) and Address(addr_spec=ascii_).addr_spec == ascii_
    except (ValueError, MessageError):
        sound = False
    if not sound:
        said = shown(address)
        text = Text(f"{said} is not an email address", f"{said} 不是邮箱地址")
        raise BilingualError("bad_address", text, Text("write it like name@example.com", "写法如 name@example.com"))
    return ascii_


def check_sender(sender: str) -> str:
    """``name@example.com`` or ``Shop watch <name@example.com>``."""
    name, address = parseaddr(sender)
    if not name or "\n" in sender:
        return check_address(sender)
    return f"{name} <{check_address(address)}>"


MailAddress = Annotated[str, AfterValidator(check_address)]
Sender = Annotated[str, AfterValidator(check_sender)]


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a channel's options taken together, told at one of their keys."""

    key: str
    code: str
    text: Text
    hint: Text | None = None


class ChannelOptions(Strict):
    """Base of the options of all types."""

    ONE_ADDRESS: ClassVar[str] = ""
    """What stands for the only recipient of a channel that has no addresses; empty for a type that sends to addresses."""
    NOBODY: ClassVar[tuple[Text, Text] | None] = None
    """Sentence and hint where a receiver must say ``to`` and does not; None where it need not."""
    NEEDLESS: ClassVar[Text | None] = None
    """Sentence where a receiver says ``to`` and must not; None where it may."""

    type: str

    @property
    def limits(self) -> tuple[Limit, ...]:
        """How many messages it takes in a while; what is above waits in the outbox."""
        return ()

    def mistakes(self) -> Iterator[Mistake]:
        """What the single options do not show."""
        yield from ()


class NetworkChannel(ChannelOptions):
    """Base of the options of types that talk to a server."""

    timeout: Annotated[Duration, about("how long to wait for the server", "等服务器多久", examples=["20s"])] = timedelta(seconds=20)
    per_minute: Annotated[
        int | None, about("at most so many messages a minute; the rest waits", "每分钟最多发几条，多出的排队", examples=[60])
    ] = Field(None, ge=1, strict=True)

    @property
    def limits(self) -> tuple[Limit, ...]:
        return (Limit(self.per_minute, timedelta(minutes=1)),) if self.per_minute else ()


class EmailChannel(NetworkChannel):
    """A mail server. The password is named, never written: an environment variable or a file (relative to the project)."""

    NOBODY = (
        Text("an email receiver needs 'to'", "邮件接收者需要写 'to'"),
        Text("add  to: [owner]  or addresses", "请加上  to: [owner]  或邮箱地址"),
    )

    type: Annotated[Literal["email"], about("mail", "邮件")]
    host: Annotated[str, about("name of the mail server", "邮件服务器", examples=["smtp.example.com"])] = Field(min_length=1)
    port: Annotated[int, about("587 with starttls, 465 with tls", "端口：starttls 用 587，tls 用 465", examples=[587, 465])] = Field(
        587, ge=1, le=65535, strict=True
    )
    security: Annotated[Literal["starttls", "tls", "none"], about("encryption", "加密方式")] = "starttls"
    ca_file: Annotated[str, about("file with the certificates to trust", "自有证书文件")] = ""
    username: Annotated[str, about("login of the mail server", "登录名")] = ""
    password_env: Annotated[str, about("environment variable that holds the password", "存放密码的环境变量名，不要写密码")] = ""
    password_file: Annotated[str, about("file that holds the password", "存放密码的文件，不要写密码")] = ""
    from_: Annotated[Sender, about("sender, as name@example.com", "发件人", examples=["巡店 <storewatch@example.com>"])] = Field(
        alias="from"
    )

    @property
    def sender_address(self) -> str:
        """The bare address of ``from``, as the envelope names it."""
        return parseaddr(self.from_)[1] or self.from_

    def mistakes(self) -> Iterator[Mistake]:
        named = [name for name in ("password_env", "password_file") if getattr(self, name)]
        if len(named) == 2:
            text = Text("give password_env or password_file, not both", "password_env 与 password_file 只能写一个")
            yield Mistake("password_file", "two_passwords", text)
        if self.username and not named:
            hint = Text(
                "add password_env: NAME_OF_A_VARIABLE (the password itself must not stand in the file)",
                "请加上 password_env: 环境变量名（不要把密码写进文件）",
            )
            text = Text("username needs password_env or password_file", "写了 username，还需要 password_env 或 password_file")
            yield Mistake("username", "no_password", text, hint)
        if named and not self.username:
            text = Text(f"{named[0]} is of no use without username", f"写了 {named[0]}，还需要 username")
            yield Mistake(named[0], "no_username", text)
        if self.username and self.security == "none" and self.host not in LOOPBACK:
            hint = Text("use security: starttls or security: tls", "请用 security: starttls 或 security: tls")
            yield Mistake("security", "password_in_clear", Text("the password would travel unencrypted", "密码会以明文传输"), hint)


class ConsoleChannel(ChannelOptions):
    """Writes messages as text to standard output."""

    ONE_ADDRESS = "console"
    NEEDLESS = Text("a console has no recipients", "console 渠道不需要 'to'")

    type: Annotated[Literal["console"], about("standard output", "标准输出，试用时方便")]


Channel = EmailChannel | ConsoleChannel
MODELS: Mapping[str, type[Channel]] = {"email": EmailChannel, "console": ConsoleChannel}
