"""channels.yaml: what is accepted, and the place and words of every mistake."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from engine.actions import TYPES, Surroundings, senders
from engine.actions.surroundings import secret_of
from engine.errors import Problem, ProblemsFound, UsageError
from engine.routing import Channels, EmailChannel, load_channels
from engine.routing.channel_types import MODELS
from engine.routing.matchers import parse_matcher
from engine.yamlfile import BilingualError
from tests.delivery.values import START

STARTER = Path(__file__).parents[2] / "channels.yaml"
GOOD = """\
channels:
  mail: {type: email, host: smtp.example.com, from: 巡店 <watch@shop.example>}
  screen: {type: console}
contacts:
  service: {email: [a@shop.example], language: en}
receivers:
  team:
    - {channel: mail, to: [owner, lead@shop.example]}
    - channel: screen
route:
  receiver: team
  routes:
    - matchers: ['severity="critical"']
      repeat_interval: 1h
"""


def load(tmp_path: Path, text: str) -> Channels:
    path = tmp_path / "channels.yaml"
    path.write_text(text, encoding="utf-8")
    return load_channels(path)


def problems(tmp_path: Path, old: str, new: str) -> tuple[Problem, ...]:
    """The problems of GOOD with one piece replaced."""
    assert old in GOOD
    with pytest.raises(ProblemsFound) as caught:
        load(tmp_path, GOOD.replace(old, new, 1))
    assert all(problem.text.zh and problem.text.en and problem.line for problem in caught.value.problems)
    return caught.value.problems


def test_a_good_file(tmp_path: Path) -> None:
    channels = load(tmp_path, GOOD)
    mail = channels.channels["mail"]
    assert isinstance(mail, EmailChannel)
    assert (mail.port, mail.security, mail.sender_address, channels.language) == (587, "starttls", "watch@shop.example", "zh")


def test_the_starter_file_needs_nothing_from_outside() -> None:
    channels = load_channels(STARTER)
    assert set(channels.contacts) >= {"service", "fulfilment", "page", "promotion", "data"}
    assert set(senders(channels, Surroundings(STARTER.parent, {}, io.StringIO(), lambda: START))) == {"mail"}


MISTAKES = {
    "unknown key": ("  mail: {type", "  mail: {hots: x, type", "unknown_key", 2, "did you mean host?"),
    "unknown key on top": ("contacts:", "contact:", "unknown_key", 4, "did you mean contacts?"),
    "a key of a later version": ("  receiver: team\n", "  receiver: team\n  group_interval: 30s\n", "unknown_key", 12, "repeat_interval"),
    "unknown type": ("type: email", "type: emial", "unknown_channel_type", 2, "did you mean email?"),
    "no type": ("type: email, ", "", "unknown_channel_type", 2, "write type: email or webhook"),
    "no host": ("host: smtp.example.com, ", "", "missing_key", 2, ""),
    "no port": ("host: smtp", "port: 0, host: smtp", "bad_value", 2, ""),
    "bad duration": ("host: smtp", "timeout: soon, host: smtp", "bad_duration", 2, "30m"),
    "bad from": ("watch@shop.example", "watch", "bad_address", 2, "name@example.com"),
    "bad address": ("lead@shop.example", "lead@", "bad_address", 8, "name@example.com"),
    "address with a line break": ("a@shop.example", '"a@x\\nBcc: b@x"', "bad_address", 5, "name@example.com"),
    "address outside ASCII": ("a@shop.example", "李@shop.example", "bad_address", 5, "name@example.com"),
    "unknown channel": ("channel: screen", "channel: scren", "unknown_channel", 9, "did you mean screen?"),
    "mail to nobody": (", to: [owner, lead@shop.example]", "", "no_recipient", 8, "to: [owner]"),
    "console to somebody": ("    - channel: screen", "    - {channel: screen, to: [a@shop.example]}", "needless_recipient", 9, ""),
    "unknown receiver": ("  receiver: team", "  receiver: taem", "unknown_receiver", 11, "did you mean team?"),
    "no receiver on top": ("  receiver: team\n", "", "no_receiver", 11, "no other route"),
    "matchers on top": ("  receiver: team\n", '  receiver: team\n  matchers: [alert="x"]\n', "condition_on_top", 12, "routes:"),
    "bad matcher": ("'severity=\"critical\"'", "severity is critical", "bad_matcher", 13, 'area=~"A|B"'),
    "bad regex": ("'severity=\"critical\"'", "'area=~\"(\"'", "bad_regex", 13, ""),
    "repeats without pause": ("1h", "0s", "bad_duration", 14, ""),
    "user without password": ("host: smtp", "username: u, host: smtp", "no_password", 2, "password_env"),
    "password without user": ("host: smtp", "password_env: P, host: smtp", "no_username", 2, ""),
    "two passwords": ("host: smtp", "username: u, password_env: P, password_file: f, host: smtp", "two_passwords", 2, ""),
    "password in the file": ("host: smtp", "username: u, password: hunter2, host: smtp", "unknown_key", 2, "did you mean"),
    "password in clear": ("host: smtp", "security: none, username: u, password_env: P, host: smtp", "password_in_clear", 2, "starttls"),
    "no channels": ("channels:\n  mail:", "channels: {}\nmails:\n  mail:", "no_channels", 1, ""),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(tmp_path: Path, name: str) -> None:
    old, new, code, line, hint = MISTAKES[name]
    found = {problem.code: problem for problem in problems(tmp_path, old, new)}
    assert code in found, found
    assert found[code].line == line
    assert hint in (found[code].hint.en if found[code].hint else "")


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("type: email", "type: emial").replace("lead@shop.example", "lead").replace("type: console", "type: console, x: 1")
    with pytest.raises(ProblemsFound) as caught:
        load(tmp_path, text)
    assert [problem.code for problem in caught.value.problems] == ["unknown_channel_type", "unknown_key", "bad_address"]


@pytest.mark.parametrize("text", ["", "[]", "hello", "channels:", "channels: [a]", "{}"])
def test_files_that_hold_something_else(tmp_path: Path, text: str) -> None:
    with pytest.raises(ProblemsFound):
        load(tmp_path, text)


def test_a_chinese_domain_is_kept_as_dns_knows_it(tmp_path: Path) -> None:
    channels = load(tmp_path, GOOD.replace("watch@shop.example", "watch@例子.公司"))
    mail = channels.channels["mail"]
    assert isinstance(mail, EmailChannel)
    assert (mail.sender_address, mail.from_) == ("watch@xn--fsqu00a.xn--55qx5d", "巡店 <watch@xn--fsqu00a.xn--55qx5d>")


MATCHES = [
    ('severity="critical"', {"severity": "critical"}, True),
    ("severity=critical", {"severity": "critical"}, True),
    ('severity != "critical"', {"severity": "critical"}, False),
    ('area=~"客服|售后"', {"area": "售后"}, True),
    ('area=~"客"', {"area": "客服"}, False),
    ('area!~"客.*"', {"area": "客服"}, False),
    ('area!~"客.*"', {}, True),
    ('owner=""', {}, True),
    ('owner=~".+"', {}, False),
    ('店铺="旗舰店"', {"店铺": "旗舰店"}, True),
    ('title="a=\\"b"', {"title": 'a=\\"b'}, True),
]


@pytest.mark.parametrize(("text", "labels", "expected"), MATCHES)
def test_matchers(text: str, labels: dict[str, str], expected: bool) -> None:
    matcher = parse_matcher(text)
    assert matcher.matches(labels) is expected
    assert parse_matcher(str(matcher)) == matcher


@pytest.mark.parametrize("text", ["", "severity", "=x", 'a=="b"', 'a="b" c', None, 7, "a~b"])
def test_what_is_no_matcher(text: object) -> None:
    with pytest.raises(BilingualError):
        parse_matcher(text)


# channel types


def test_every_type_has_a_model_and_an_example_that_it_takes() -> None:
    assert set(TYPES) == set(MODELS)
    for name, type_ in TYPES.items():
        assert type_.options is MODELS[name]
        assert type_.options.model_validate(type_.example)


def mail(**options: str) -> EmailChannel:
    return EmailChannel.model_validate({"type": "email", "host": "h", "from": "a@b.example", "username": "u", **options})


def test_passwords_come_from_outside(tmp_path: Path) -> None:
    around = Surroundings(tmp_path, {"P": "s3cret"}, io.StringIO(), lambda: START)
    (tmp_path / "password").write_text("from file\n")
    for channel, expected in ((mail(password_env="P"), "s3cret"), (mail(password_file="password"), "from file")):
        secret = secret_of(channel, "password", around)
        assert secret and secret.reveal() == expected and expected not in repr(secret)


@pytest.mark.parametrize("options", [{"password_env": "NOT_SET"}, {"password_file": "none"}, {"ca_file": "none"}], ids=str)
def test_what_is_not_there_is_told(tmp_path: Path, options: dict[str, str]) -> None:
    data = {"type": "email", "host": "h", "from": "a@b.example"} | ({} if "ca_file" in options else {"username": "u"}) | options
    channels = Channels.model_validate({"channels": {"mail": data}, "receivers": {}, "route": {}})
    with pytest.raises(UsageError) as caught:
        senders(channels, Surroundings(tmp_path, {}, io.StringIO(), lambda: START))
    assert caught.value.hint and next(iter(options.values())) in caught.value.text.zh
