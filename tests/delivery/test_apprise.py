"""Other services by Apprise: taken or not, and what is told where it is missing."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pytest

from engine.actions import Surroundings
from engine.errors import UsageError
from engine.posting import Unready, ready_senders
from tests.delivery.servers import free_port
from tests.delivery.test_routing import channels
from tests.delivery.test_webhook import options, send, sender, words, written
from tests.delivery.values import START
from tests.delivery.web import Post, web_server
from tests.rendering.messages import gallery

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # of Apprise, on Python 3.11 and 3.12
FIRING = gallery("dsr_drop")["firing"]


def test_a_service_gets_subject_and_text(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("apprise")
    caplog.set_level(logging.DEBUG)
    channel, post = options("apprise", url_env="URL"), Post()
    with web_server(post) as url:
        environ = {"URL": f"json://{url[7:]}/secret-path-123"}
        assert words(send(channel, written(channel, FIRING), environ=environ)) == [("delivered", "accepted")]
        post.answers = [(500, "no", {})]
        assert words(send(channel, written(channel, FIRING), environ=environ)) == [("try_later", "service_refused")]
    body = json.loads(post.received[0].body)
    assert "店铺动态评分下降" in body["title"] and "描述相符" in body["message"]
    assert "secret-path-123" not in caplog.text


def test_no_server() -> None:
    pytest.importorskip("apprise")
    channel = options("apprise", url_env="URL")
    environ = {"URL": f"json://127.0.0.1:{free_port()}/"}
    assert words(send(channel, written(channel, FIRING), environ=environ)) == [("try_later", "service_refused")]


def test_an_address_that_apprise_does_not_know_is_not_repeated() -> None:
    pytest.importorskip("apprise")
    with pytest.raises(UsageError) as caught:
        sender(options("apprise", url_env="URL"), {"URL": "nosuch://token-1234"})
    assert "URL does not hold" in caught.value.text.en and "token" not in repr(caught.value)


def test_without_the_extra_messages_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(UsageError) as caught:
        sender(options("apprise", url_env="URL"), {"URL": "json://x"})
    assert caught.value.hint and "storewatch[chat]" in caught.value.hint.zh
    settings = channels({}, channels={"mail": {"type": "apprise", "url_env": "URL"}, "screen": {"type": "console"}})
    ready = ready_senders(settings, Surroundings(Path(), {"URL": "json://x"}, None, lambda: START))
    assert isinstance(ready["mail"], Unready)
