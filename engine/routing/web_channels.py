"""The options of channels that speak HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from engine.errors import Text
from engine.fields import Duration, about
from engine.routing.channel_options import (
    MINUTE,
    Mistake,
    NetworkChannel,
    RobotChannel,
    SecretUrlChannel,
    is_web_address,
    one_of,
    travels_in_clear,
    web_address_mistake,
)
from engine.sending import Limit

_NO_RECIPIENTS = Text("this channel has no recipients: its address is the recipient", "这个渠道不需要 'to'：地址就是接收者")
_HEADER = r"[A-Za-z][A-Za-z0-9-]*"


class _Login(NetworkChannel):
    """How a server that is asked by HTTP knows us."""

    NEEDLESS = _NO_RECIPIENTS

    username: Annotated[str, about("login (basic authentication)", "登录名（basic 认证）")] = ""
    password_env: Annotated[str, about("environment variable that holds the password", "存放密码的环境变量名，不要写密码")] = ""
    password_file: Annotated[str, about("file that holds the password", "存放密码的文件，不要写密码")] = ""
    bearer_env: Annotated[str, about("environment variable that holds a bearer token", "存放 bearer 令牌的环境变量名")] = ""
    bearer_file: Annotated[str, about("file that holds a bearer token", "存放 bearer 令牌的文件")] = ""
    external_url: Annotated[
        str,
        about(
            "address at which your team sees storewatch's alerts, for links",
            "你们查看告警的网址，用于链接",
            examples=["https://wiki.example.com/storewatch"],
        ),
    ] = ""

    def login_mistakes(self, url: str) -> Iterator[Mistake]:
        yield from one_of(self, "password_env", "password_file")
        yield from one_of(self, "bearer_env", "bearer_file")
        password, bearer = self.password_env or self.password_file, self.bearer_env or self.bearer_file
        if bool(self.username) != bool(password):
            text = Text("username and password_env (or password_file) go together", "username 与 password_env（或 password_file）要一起写")
            yield Mistake("username" if self.username else "password_env" if self.password_env else "password_file", "half_a_login", text)
        if bearer and self.username:
            key = "bearer_env" if self.bearer_env else "bearer_file"
            yield Mistake(key, "given_twice", Text("give username or a bearer token, not both", "username 与 bearer 令牌只能写一个"))
        if self.external_url and not is_web_address(self.external_url):
            yield web_address_mistake("external_url", self.external_url)
        if url and not is_web_address(url):
            yield web_address_mistake("url", url)
        elif (password or bearer) and travels_in_clear(url):
            hint = Text("use https://", "请用 https://")
            yield Mistake("url", "password_in_clear", Text("the password would travel unencrypted", "密码会以明文传输"), hint)


class WebhookChannel(_Login):
    """POST of JSON in the format of Alertmanager's webhooks (version 4) to an address of your own, signed when a secret is given."""

    ONE_ADDRESS = "webhook"

    type: Annotated[Literal["webhook"], about("JSON to a web address of your own", "把 JSON 发到自己的网址")]
    url: Annotated[
        str, about("the address, when it holds no secret", "网址（里面没有令牌时）", examples=["https://example.com/storewatch"])
    ] = ""
    url_env: Annotated[str, about("environment variable that holds the address", "存放网址的环境变量名")] = ""
    url_file: Annotated[str, about("file that holds the address", "存放网址的文件")] = ""
    secret_env: Annotated[str, about("environment variable that holds the secret of signatures", "存放签名密钥的环境变量名")] = ""
    secret_file: Annotated[str, about("file that holds the secret of signatures", "存放签名密钥的文件")] = ""
    headers_env: Annotated[
        Mapping[Annotated[str, Field(pattern=f"^{_HEADER}$")], str],
        about(
            "further header → environment variable that holds its value",
            "额外的请求头 → 存放其值的环境变量名",
            examples=[{"X-Api-Key": "SHOP_API_KEY"}],
        ),
    ] = Field(default_factory=dict)

    @property
    def variables(self) -> tuple[str, ...]:
        return (*super().variables, *self.headers_env.values())

    def mistakes(self) -> Iterator[Mistake]:
        yield from one_of(self, "url", "url_env", "url_file", needed=True)
        yield from one_of(self, "secret_env", "secret_file")
        yield from self.login_mistakes(self.url)


class AlertmanagerChannel(_Login):
    """Alerts to a Prometheus Alertmanager, which groups, silences and sends them on by its own rules."""

    ONE_ADDRESS = "alertmanager"

    type: Annotated[Literal["alertmanager"], about("Prometheus Alertmanager", "Prometheus 的 Alertmanager")]
    url: Annotated[str, about("address of the Alertmanager", "Alertmanager 的网址", examples=["http://127.0.0.1:9093"])] = Field(
        min_length=1
    )
    expires: Annotated[
        Duration,
        about("an alert that is not told again counts as over after so long", "超过这么久没有再通知的告警视为结束", examples=["7d"]),
    ] = timedelta(days=7)

    def mistakes(self) -> Iterator[Mistake]:
        yield from self.login_mistakes(self.url)
        if self.expires < timedelta(minutes=5):
            yield Mistake("expires", "bad_duration", Text("expires must be at least 5m", "expires 至少为 5m"))


class DingtalkChannel(RobotChannel):
    """A custom robot in a DingTalk group."""

    MENTIONS = ("mobile", "dingtalk")

    type: Annotated[Literal["dingtalk"], about("robot in a DingTalk group", "钉钉群机器人")]
    secret_env: Annotated[str, about("environment variable that holds the signing secret", "存放加签密钥（SEC…）的环境变量名")] = ""
    secret_file: Annotated[str, about("file that holds the signing secret", "存放加签密钥的文件")] = ""

    @property
    def limits(self) -> tuple[Limit, ...]:
        return (Limit(min(self.per_minute or 20, 20), MINUTE),)

    def mistakes(self) -> Iterator[Mistake]:
        yield from super().mistakes()
        yield from one_of(self, "secret_env", "secret_file")


class WecomChannel(RobotChannel):
    """A robot in a WeCom (企业微信) group."""

    MENTIONS = ("wecom",)

    type: Annotated[Literal["wecom"], about("robot in a WeCom group", "企业微信群机器人")]

    @property
    def limits(self) -> tuple[Limit, ...]:
        return (Limit(min(self.per_minute or 20, 20), MINUTE),)


class FeishuChannel(RobotChannel):
    """A custom robot in a Feishu (飞书) or Lark group."""

    MENTIONS = ("feishu",)

    type: Annotated[Literal["feishu"], about("robot in a Feishu group", "飞书群机器人")]
    secret_env: Annotated[str, about("environment variable that holds the signing secret", "存放签名密钥的环境变量名")] = ""
    secret_file: Annotated[str, about("file that holds the signing secret", "存放签名密钥的文件")] = ""

    @property
    def limits(self) -> tuple[Limit, ...]:
        return (Limit(min(self.per_minute or 100, 100), MINUTE), Limit(5, timedelta(seconds=1)))

    def mistakes(self) -> Iterator[Mistake]:
        yield from super().mistakes()
        yield from one_of(self, "secret_env", "secret_file")


class AppriseChannel(SecretUrlChannel):
    """Any other service that Apprise knows, by its Apprise URL."""

    ONE_ADDRESS = "apprise"
    PACKAGE = "apprise"
    NEEDLESS = _NO_RECIPIENTS

    type: Annotated[Literal["apprise"], about("any service by an Apprise URL", "Apprise 支持的其他服务")]
