"""Alerts in a real Prometheus Alertmanager (Debian's package), and in what form they are sent."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from engine.actions.alertmanager import label_name
from engine.model import Message, Rendered, Severity
from engine.routing import Recipient
from tests.delivery.servers import free_port
from tests.delivery.test_webhook import options, send, words, written
from tests.delivery.values import START
from tests.rendering.messages import AT, RULES, gallery

BINARY = shutil.which("prometheus-alertmanager")
NO_BINARY = pytest.mark.skipif(not BINARY, reason="prometheus-alertmanager is not installed (apt-get install prometheus-alertmanager)")
FIRING, RESOLVED = gallery("dsr_drop")["firing"], gallery("dsr_drop")["resolved"]


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running Alertmanager."""
    assert BINARY
    folder = tmp_path_factory.mktemp("alertmanager")
    (folder / "config.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    url = f"http://127.0.0.1:{free_port()}"
    command = [BINARY, f"--config.file={folder}/config.yml", f"--storage.path={folder}/data", f"--web.listen-address={url[7:]}"]
    with (folder / "log").open("wb") as log, subprocess.Popen([*command, "--cluster.listen-address="], stdout=log, stderr=log) as process:
        try:
            wait_until_ready(url, process)
            yield url
        finally:
            process.terminate()


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None, "Alertmanager ended"
        try:
            if httpx.get(f"{url}/-/ready").is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError("Alertmanager did not get ready")


def now(message: Message) -> Message:
    """The message as if it were of this moment: Alertmanager has a clock of its own."""
    at = datetime.now(UTC)
    items = []
    for item in message.items:
        alert = item.transition.alert
        ended = at - timedelta(seconds=1) if alert.resolved_at else None
        alert = replace(alert, pending_since=at - timedelta(hours=2), firing_since=at - timedelta(hours=1), resolved_at=ended)
        items.append(replace(item, transition=replace(item.transition, alert=alert)))
    return replace(message, items=tuple(items), at=at)


def active(url: str) -> list[dict[str, Any]]:
    return list(httpx.get(f"{url}/api/v2/alerts").raise_for_status().json())


@NO_BINARY
def test_alerts_arrive_change_and_end_in_a_real_alertmanager(alertmanager: str) -> None:
    channel = options("alertmanager", url=alertmanager, external_url="https://wiki.example.com")
    assert words(send(channel, written(channel, now(FIRING)))) == [("delivered", "accepted")]
    (alert,) = active(alertmanager)
    assert (alert["labels"]["alertname"], alert["labels"]["severity"], alert["status"]["state"]) == ("dsr_drop", "warning", "active")
    assert "店铺动态评分下降" in alert["annotations"]["summary"] and alert["annotations"]["advice"]
    assert datetime.fromisoformat(alert["endsAt"]) - datetime.now(UTC) > timedelta(days=6)

    item = FIRING.items[0]
    worse = replace(item, transition=replace(item.transition, alert=replace(item.transition.alert, severity=Severity.CRITICAL)))
    send(channel, written(channel, now(replace(FIRING, items=(worse,)))))
    assert [alert["labels"]["severity"] for alert in active(alertmanager)] == ["critical"], "it is not there twice"

    send(channel, written(channel, now(RESOLVED)))
    assert active(alertmanager) == [], "the end of any severity ends it"


@NO_BINARY
def test_a_real_alertmanager_takes_every_message_and_every_text(alertmanager: str) -> None:
    channel = options("alertmanager", url=alertmanager)
    for rule in RULES:
        for name, message in gallery(rule).items():
            assert words(send(channel, written(channel, now(message), "en"))) == [("delivered", "accepted")], (rule, name)
    odd = {"店铺": "旗舰店 \ud800 \x00 \n x", "a-b.c": "1", "9": "2", "__x": "3", "": "4", "long": "长" * 5_000}
    items = tuple(replace(item, rule=replace(item.rule, labels=odd)) for item in FIRING.items)
    assert words(send(channel, written(channel, now(replace(FIRING, items=items))))) == [("delivered", "accepted")]
    names = {name for alert in active(alertmanager) for name in alert["labels"]}
    assert {"u5e97u94fa", "a_b_c", "x_9", "long"} <= names


def test_names_of_labels_stay_apart() -> None:
    names = [label_name(name) for name in ("alertname", "店铺", "平台", "a-b", "9", "__x", "", "é")]
    assert names == ["alertname", "u5e97u94fa", "u5e73u53f0", "a_b", "x_9", "x", "x_", "ue9"]


def test_firing_alerts_end_when_they_expire_and_their_twins_now() -> None:
    channel = options("alertmanager", url="http://x.example", expires="2d")
    first, *twins = json.loads(written(channel, FIRING).payload)
    assert datetime.fromisoformat(first["endsAt"]) == AT + timedelta(days=2)
    assert [datetime.fromisoformat(twin["endsAt"]) for twin in twins] == [AT, AT]
    assert {twin["labels"]["severity"] for twin in twins} == {"info", "critical"}
    over = json.loads(written(channel, RESOLVED).payload)
    assert {datetime.fromisoformat(alert["endsAt"]) <= AT for alert in over} == {True}


def test_a_notice_is_an_alert_of_its_own() -> None:
    channel = options("alertmanager", url="http://x.example")
    from engine.actions import TYPES

    notice = Message("n1", "dead_letter.1", (), {}, START, "UTC")
    (alert,) = json.loads(
        TYPES["alertmanager"].payload(channel, notice, Rendered("gone", "text"), Recipient("c", "alertmanager", "en"), None)
    )
    assert alert["labels"]["alertname"] == "storewatch_notice" and alert["annotations"]["summary"] == "gone"


def test_the_login_is_sent() -> None:
    from tests.delivery.web import Post, web_server

    post = Post()
    with web_server(post) as url:
        channel = options("alertmanager", url=f"{url}/prefix/", bearer_env="T")
        send(channel, written(channel, FIRING), environ={"T": "tok-123456"})
    assert post.received[0].path == "/prefix/api/v2/alerts" and post.received[0].headers["Authorization"] == "Bearer tok-123456"
