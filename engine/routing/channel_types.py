"""The options of each type of channel, and what is particular to the type: one table, :data:`MODELS`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from engine.errors import Text
from engine.fields import about
from engine.routing.channel_options import LOOPBACK, ChannelOptions, Mistake, NetworkChannel
from engine.routing.web_channels import (
    AlertmanagerChannel,
    AppriseChannel,
    DingtalkChannel,
    FeishuChannel,
    WebhookChannel,
    WecomChannel,
)
from engine.yamlfile import BilingualError, shown

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


class JsonlChannel(ChannelOptions):
    """Appends each message as one line of JSON to a file."""

    ONE_ADDRESS = "file"
    NEEDLESS = Text("a file has no recipients", "文件渠道不需要 'to'")

    type: Annotated[Literal["jsonl"], about("lines of JSON in a file", "写成文件里的 JSON 行")]
    path: Annotated[str, about("the file, relative to the project", "文件路径，相对于项目", examples=["messages.jsonl"])] = Field(
        min_length=1
    )


BuiltIn = (
    EmailChannel
    | WebhookChannel
    | DingtalkChannel
    | WecomChannel
    | FeishuChannel
    | AppriseChannel
    | AlertmanagerChannel
    | JsonlChannel
    | ConsoleChannel
)
Channel = ChannelOptions  # of a built-in type, or of another package's
MODELS: Mapping[str, type[ChannelOptions]] = {
    "email": EmailChannel,
    "webhook": WebhookChannel,
    "dingtalk": DingtalkChannel,
    "wecom": WecomChannel,
    "feishu": FeishuChannel,
    "apprise": AppriseChannel,
    "alertmanager": AlertmanagerChannel,
    "jsonl": JsonlChannel,
    "console": ConsoleChannel,
}
