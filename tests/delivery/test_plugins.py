"""Channel types of other packages: an installed distribution, as docs/channels.md shows it, and broken ones."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.actions import Surroundings, compose, senders
from engine.errors import ProblemsFound
from engine.outbox import deliver
from engine.routing import Recipient, load_channels
from engine.routing.plugins import plugin
from engine.sending import Delivery
from engine.state import State
from tests.delivery.test_outbox import NOW, at, queue
from tests.delivery.test_webhook import RENDERER
from tests.delivery.values import START
from tests.rendering.messages import gallery

PAGE = (Path(__file__).parents[2] / "docs" / "channels.md").read_text(encoding="utf-8")
CHANNELS = """\
channels:
  board: {type: spool, folder: board}
receivers:
  team: [{channel: board}]
route: {receiver: team}
"""
Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a distribution with one module and one entry point, as pip would leave it."""
    site = tmp_path / "site"
    site.mkdir()

    def put(source: str, entry: str) -> None:
        (site / "shop_spool.py").write_text(source, encoding="utf-8")
        info = site / "shop_spool-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-spool\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[storewatch.channels]\n{entry}\n")

    monkeypatch.syspath_prepend(site)
    plugin.cache_clear()
    yield put
    plugin.cache_clear()
    sys.modules.pop("shop_spool", None)


def documented() -> tuple[str, str]:
    """The module and the entry point that the page shows."""
    module = re.search(r"```python\n(# shop_spool\.py.*?)```", PAGE, re.DOTALL)
    entry = re.search(r'\[project\.entry-points\."storewatch\.channels"\]\n(\w+ = )"([^"]+)"', PAGE)
    assert module and entry
    return module[1], entry[1] + entry[2]


def project(tmp_path: Path, text: str = CHANNELS) -> Path:
    path = tmp_path / "channels.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_documented_package_works(install: Install, tmp_path: Path, state: State) -> None:
    install(*documented())
    channels = load_channels(project(tmp_path))
    channel = channels.channels["board"]
    message = gallery("dsr_drop")["firing"]
    queue(state, compose(channel, message, RENDERER.render(message, "zh"), Recipient("board", "spool", "zh")))
    report = deliver(state, senders(channels, Surroundings(tmp_path, {}, None, lambda: START)), at(NOW))
    assert [attempt.outcome.delivery for attempt in report.attempts] == [Delivery.DELIVERED]
    (written,) = (tmp_path / "board").iterdir()
    assert "店铺动态评分下降" in written.read_text(encoding="utf-8")


def test_mistakes_in_its_options_are_told_at_their_place(install: Install, tmp_path: Path) -> None:
    install(*documented())
    with pytest.raises(ProblemsFound) as caught:
        load_channels(project(tmp_path, CHANNELS.replace("folder:", "foldr:")))
    assert {(problem.code, problem.line) for problem in caught.value.problems} == {("unknown_key", 2)}


BROKEN = {
    "cannot be imported": ("raise RuntimeError('no licence')", "spool = shop_spool:TYPE", "RuntimeError: no licence"),
    "has no such name": ("x = 1", "spool = shop_spool:TYPE", "AttributeError"),
    "is something else": ("TYPE = 1", "spool = shop_spool:TYPE", "no ChannelOptions"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_package_is_told_and_stops_nothing_else(install: Install, tmp_path: Path, name: str) -> None:
    source, entry, said = BROKEN[name]
    install(source, entry)
    with pytest.raises(ProblemsFound) as caught:
        load_channels(project(tmp_path))
    (problem,) = caught.value.problems
    assert (problem.code, problem.line) == ("broken_channel_type", 2) and said in problem.text.en and said in problem.text.zh
    assert load_channels(project(tmp_path, CHANNELS.replace("type: spool, folder: board", "type: console")))


def test_built_in_types_win(install: Install, tmp_path: Path) -> None:
    install("raise RuntimeError", "console = shop_spool:TYPE")
    assert (
        load_channels(project(tmp_path, CHANNELS.replace("type: spool, folder: board", "type: console"))).channels["board"].type
        == "console"
    )


def test_an_unknown_type_offers_those_of_packages(install: Install, tmp_path: Path) -> None:
    install(*documented())
    with pytest.raises(ProblemsFound) as caught:
        load_channels(project(tmp_path, CHANNELS.replace("type: spool", "type: spol")))
    assert [problem.hint and problem.hint.en for problem in caught.value.problems] == ["did you mean spool or jsonl?"]
