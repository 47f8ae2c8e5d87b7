"""The schemas in the hands of the real yaml-language-server. Skipped where it is not there: it needs Node.js, and
``npm install --global yaml-language-server`` (or its path in ``STOREWATCH_YAML_LANGUAGE_SERVER``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli.init import copy_starter
from engine.editing import yaml_files
from tests.editor.language_server import Server, command, running

pytestmark = pytest.mark.skipif(command() is None, reason="no yaml-language-server")
RULES = "# yaml-language-server: $schema=../.storewatch/schemas/rules.json\n"
TESTS = "# yaml-language-server: $schema=../.storewatch/schemas/tests.json\n"
SCHEDULES = "# yaml-language-server: $schema=.storewatch/schemas/schedules.json\n"
CHANNELS = "# yaml-language-server: $schema=.storewatch/schemas/channels.json\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("edited")
    copy_starter(folder)
    return folder


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[Server]:
    found = command()
    assert found
    with running(found, project) as one:
        yield one


def test_it_finds_nothing_wrong_with_the_starter_project(server: Server, project: Path) -> None:
    files = [path for path, _ in yaml_files(project)]
    assert len(files) > 20
    assert {path.name: server.open(path, path.read_text(encoding="utf-8")) for path in files} == {path.name: [] for path in files}


@pytest.mark.parametrize(
    ("name", "text", "some"),
    [
        ("rules/mine.yaml", RULES + "- ", {"alert", "title", "facts", "when", "for", "severity"}),
        ("rules/mine.yaml", RULES + "- alert: x\n  facts: ", {"store", "order"}),
        ("rules/mine.yaml", RULES + "- alert: x\n  severity: ", {"info", "warning", "critical"}),
        ("rules/mine.yaml", RULES + "- alert: x\n  severity:\n    ", {"info", "warning", "critical"}),
        ("rules/mine.yaml", RULES + "- alert: x\n  owner: ", {"service", "fulfilment"}),
        ("rules/mine.yaml", RULES + "- alert: x\n  labels:\n    area: ", {"客服", "页面"}),
        ("rules/mine.yaml", RULES + "- alert: x\n  evidence:\n    ", {"from", "where", "group", "top"}),
        ("schedules.yaml", SCHEDULES + "schedules:\n  m:\n    ", {"cron", "every", "rules", "missed"}),
        ("schedules.yaml", SCHEDULES + "schedules:\n  m:\n    rules:\n      - ", {"all", "dsr_drop"}),
        ("channels.yaml", CHANNELS + "channels:\n  m:\n    type: ", {"email", "console"}),
        ("channels.yaml", CHANNELS + "route:\n  routes:\n    - receiver: ", {"owner", "owner_and_lead"}),
        ("rules/mine.test.yaml", TESTS + "- test: a\n  rule: ", {"dsr_drop"}),
        ("rules/mine.test.yaml", TESTS + "- test: a\n  given:\n    ", {"order", "订单"}),
        ("rules/mine.test.yaml", TESTS + "- test: a\n  given:\n    订单:\n      o1:\n        ", {"paid_at", "订单付款时间"}),
        ("rules/mine.test.yaml", TESTS + "- test: a\n  expect:\n    s1: ", {"firing", "pending", "quiet", "unknown"}),
    ],
)
def test_it_completes(server: Server, project: Path, name: str, text: str, some: set[str]) -> None:
    assert some <= set(server.complete(project / name, text))


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("rules/mine.yaml", RULES + "- alert: Dsr\n", "小写字母、数字和下划线"),
        ("rules/mine.yaml", RULES + "- titel: a\n", "titel is not allowed"),
        ("rules/mine.yaml", RULES + "- alert: x\n", 'Missing property "when"'),
        ("rules/mine.yaml", RULES + "- facts: stor\n", "Valid values"),
        ("rules/mine.yaml", RULES + "- for: 2 days\n", "时长，如 30m"),
        ("channels.yaml", CHANNELS + "channels:\n  m: {type: emial}\n", '"email" | "webhook"'),
    ],
)
def test_it_tells_what_is_wrong(server: Server, project: Path, name: str, text: str, told: str) -> None:
    assert any(told in found["message"] for found in server.open(project / name, text))


def test_it_explains_keys_in_both_languages(server: Server, project: Path) -> None:
    told = server.hover(project / "rules/mine.yaml", RULES + "- alert: x\n  for: 2d\n", 2, 3)
    assert "how long it must hold" in told and "持续多久" in told
