"""Codes in words, for tables: JSON keeps the codes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo

from engine.cli.common import Writers
from engine.errors import Text
from engine.model import Reason, Severity
from engine.model import State as AlertState
from engine.wording import REASONS, SEVERITIES

STATES: Mapping[AlertState, Text] = {
    AlertState.PENDING: Text("pending", "等待确认"),
    AlertState.FIRING: Text("firing", "报警中"),
    AlertState.RESOLVED: Text("resolved", "已恢复"),
}
LETTERS: Mapping[str, Text] = {
    "queued": Text("queued", "排队中"),
    "sending": Text("being sent", "发送中"),
    "delivered": Text("delivered", "已送达"),
    "dead": Text("given up", "已放弃"),
}
ANSWERS: Mapping[str, Text] = {
    "accepted": Text("accepted", "已接收"),
    "file_unwritable": Text("file cannot be written", "文件无法写入"),
    "platform_refused": Text("refused by the platform", "平台拒绝"),
    "protocol": Text("answer not understood", "无法理解对方的回答"),
    "rate_limited": Text("too many messages, told to wait", "发送太频繁，被要求稍候"),
    "redirected": Text("the address redirects elsewhere", "网址跳转到了别处"),
    "robot_refused": Text("refused by the robot's settings", "被机器人的安全设置拒绝（令牌、签名、关键词、IP）"),
    "service_refused": Text("not taken by the service", "服务没有接收"),
    "auth_refused": Text("login refused", "登录被拒绝"),
    "bad_recipient": Text("address refused", "收件地址被拒绝"),
    "closed_stream": Text("output closed", "输出已关闭"),
    "connection_refused": Text("connection refused", "连接被拒绝"),
    "content_deferred": Text("put off by the server", "服务器要求稍后再试"),
    "content_refused": Text("content refused", "内容被拒绝"),
    "disconnected": Text("connection lost", "连接中断"),
    "message_too_large": Text("too large", "邮件太大"),
    "not_configured": Text("channel not set up", "渠道没有配置好"),
    "recipient_deferred": Text("put off by the server", "服务器要求稍后再试"),
    "sender_deferred": Text("put off by the server", "服务器要求稍后再试"),
    "sender_fault": Text("fault in storewatch", "storewatch 内部错误"),
    "sender_refused": Text("sender refused", "发件地址被拒绝"),
    "server_busy": Text("server busy", "服务器忙"),
    "server_refused": Text("server refused", "服务器拒绝服务"),
    "timeout": Text("no answer in time", "超时无应答"),
    "tls": Text("encryption failed", "加密连接失败"),
    "unknown_channel": Text("no such channel", "没有这个渠道"),
    "unknown_host": Text("no such host", "找不到主机"),
    "unreachable": Text("not reachable", "无法到达"),
    "written": Text("written", "已输出"),
}


def answer(category: str) -> Text:
    """What a channel answered, in words; the code itself where it is none of ours."""
    return ANSWERS.get(category, Text.same(category))


def in_words(language: str) -> Writers:
    """How tables write the states, severities and reasons of alerts."""
    return {
        "change": lambda code: STATES[AlertState(code)].in_(language),
        "state": lambda code: STATES[AlertState(code)].in_(language),
        "severity": lambda code: SEVERITIES[Severity(code)].in_(language),
        "reason": lambda code: REASONS[Reason(code)].in_(language),
    }


def local_time(instant: datetime, zone: tzinfo) -> str:
    """``2026-11-22 08:44`` in the project's time zone."""
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"
