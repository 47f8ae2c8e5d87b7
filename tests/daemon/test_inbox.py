"""The inbox: what comes is ingested once it is complete, and moved; nothing is lost or taken twice, whatever dies when."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from engine.daemon import inbox as inbox_module
from engine.daemon.inbox import LATER, LONELY, STILL, Inbox
from engine.daemon.status import Status
from engine.errors import StorageError, Text
from engine.project import load_project
from engine.snapshots import Batch, Snapshots
from engine.state import State
from tests.daemon.conftest import STORES, ManualClock
from tests.daemon.processes import serving, until
from tests.daemon.test_evaluating import claims

ORDERS = "订单编号,订单状态,订单创建时间,买家实际支付金额\n3515000000000000001,买家已付款,2026-11-19 10:00:00,10.50\n"


class Post:
    """An inbox that is looked into when the test says so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inbox = folder / "inbox"
        self.inbox.mkdir(exist_ok=True)
        self.clock = ManualClock()
        self.status = Status(self.clock.now())
        self.came = 0
        project = load_project(folder)
        self.inside = Inbox(lambda: project, self.clock, self.status, self.note)

    def note(self) -> None:
        self.came += 1

    def put(self, name: str, text: str) -> Path:
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def look(self, after: float = STILL) -> None:
        """Look twice, that long apart."""
        self.inside.step()
        self.clock.pass_(timedelta(seconds=after))
        self.inside.step()

    def batches(self, kind: str) -> tuple[Batch, ...]:
        return Snapshots(self.folder / "snapshots").batches(kind)

    def there(self) -> list[str]:
        paths = (path.relative_to(self.inbox).as_posix() for path in self.inbox.rglob("*") if path.is_file())
        return sorted(path for path in paths if path != ".lock")


@pytest.fixture
def post(folder: Path) -> Post:
    return Post(folder)


def test_an_export_is_ingested_and_moved(post: Post) -> None:
    post.put("stores.csv", STORES)
    post.look()
    assert [batch.rows for batch in post.batches("store")] == [2]
    assert post.there() == ["done/2026-11-20/stores.csv"]
    assert (post.came, post.status.figures.batches) == (1, 1)


def test_nothing_is_taken_while_it_grows(post: Post) -> None:
    path = post.put("stores.csv", STORES[:90])
    for size in range(90, len(STORES), 10):
        path.write_text(STORES[:size], encoding="utf-8")
        post.look(STILL - 1)
    assert not post.batches("store")
    path.write_text(STORES, encoding="utf-8")
    post.look()
    assert [batch.rows for batch in post.batches("store")] == [2]


def test_unfinished_and_hidden_names_are_left_alone(post: Post) -> None:
    names = [".stores.csv", "stores.csv.part", "stores.csv.crdownload", "~$stores.xlsx", "stores.csv~", "stores.TMP"]
    for name in names:
        post.put(name, STORES)
    post.look()
    assert post.there() == sorted(names)


def test_folders_say_kind_and_store(post: Post) -> None:
    post.put("order/s1/orders.csv", ORDERS)
    post.put("order/all/orders.csv", ORDERS.replace("订单编号,", "订单编号,店铺Id,").replace("0001,", "0001,s2,"))
    post.put("store/stores.csv", STORES)
    post.look()
    scopes = [batch.scope for batch in post.batches("order")]
    assert ["s1" in scope and "s9" not in scope for scope in scopes].count(True) == 1
    assert ["s9" in scope for scope in scopes].count(True) == 1
    assert post.there() == [
        "done/2026-11-20/order/all/orders.csv",
        "done/2026-11-20/order/s1/orders.csv",
        "done/2026-11-20/store/stores.csv",
    ]


def test_a_sidecar_says_more_and_goes_with_its_export(post: Post) -> None:
    post.put("orders.csv.yaml", "{kind: order, store: s1, as_of: 2026-11-19T18:00:00}\n")
    post.look(STILL)
    assert post.there() == ["orders.csv.yaml"], "it waits for its export"
    post.put("orders.csv", ORDERS)
    post.look()
    (batch,) = post.batches("order")
    assert batch.as_of.isoformat() == "2026-11-19T10:00:00+00:00"
    assert post.there() == ["done/2026-11-20/orders.csv", "done/2026-11-20/orders.csv.yaml"]


def test_a_sidecar_whose_export_never_came_is_taken_away(post: Post) -> None:
    post.put("orders.csv.yaml", "{kind: order, store: s1}\n")
    post.look(LONELY)
    assert post.there() == ["refused/2026-11-20/orders.csv.yaml", "refused/2026-11-20/orders.csv.yaml.txt"]


@pytest.mark.parametrize(
    ("name", "text", "sidecar", "en", "zh"),
    [
        ("stores.csv", "", "", "the file is empty", "文件是空的"),
        ("ordr/orders.csv", ORDERS, "", "'ordr' is not a fact kind", "没有名为 'ordr' 的事实"),
        ("order/s1/today/orders.csv", ORDERS, "", "lies too deep in the inbox", "在 inbox 里放得太深"),
        ("stores.csv", STORES, "{kind: store, stor: s1}", "unknown key 'stor'", "不认识的键 'stor'"),
        ("stores.csv", STORES, "{as_of: soon}", "'soon' is not a date or time", "'soon' 不是日期或时间"),
    ],
)
def test_what_is_refused_is_moved_with_its_reason(post: Post, name: str, text: str, sidecar: str, en: str, zh: str) -> None:
    if sidecar:
        post.put(f"{name}.yaml", sidecar)
    post.put(name, text)
    post.look()
    moved = post.inbox / "refused" / "2026-11-20" / name
    assert moved.read_text(encoding="utf-8") == text
    why = moved.with_name(f"{moved.name}.txt").read_text(encoding="utf-8")
    assert en in why and zh in why
    assert "put the file back into the inbox" in why and "改好后把文件放回 inbox" in why
    assert not (post.inbox / name).exists() and not post.came
    assert post.status.figures.batches_refused == 1


def test_the_same_name_again_takes_a_number(post: Post) -> None:
    for rating in ("4.61", "4.62", "4.63"):
        post.put("stores.csv", STORES.replace("4.61", rating))
        post.look()
    assert post.there() == ["done/2026-11-20/stores-2.csv", "done/2026-11-20/stores-3.csv", "done/2026-11-20/stores.csv"]


def test_when_the_disk_is_full_exports_wait(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> object:
        raise StorageError(Text("the disk is full", "磁盘已满"))

    post.put("stores.csv", STORES)
    with monkeypatch.context() as patched:
        patched.setattr(inbox_module, "ingest", full)
        post.look()
    post.look()
    assert post.there() == ["stores.csv"], "not before a while"
    post.look(LATER)
    assert post.there() == ["done/2026-11-20/stores.csv"]


@pytest.mark.parametrize("passage", [1, 2, 3, 4])
def test_a_death_at_any_move_loses_nothing(post: Post, monkeypatch: pytest.MonkeyPatch, passage: int) -> None:
    """Every rename is a step: of the batch, of the export, of the sidecar; once before and after each."""

    class Death(BaseException):
        pass

    calls = 0
    replace = os.replace

    def dies(source: object, target: object) -> None:
        nonlocal calls
        calls += 1
        if calls == passage:
            raise Death
        replace(source, target)  # type: ignore[arg-type]

    post.put("orders.csv.yaml", "{kind: order, store: s1, as_of: 2026-11-19T18:00:00}\n")
    post.put("orders.csv", ORDERS)
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", dies)
        try:
            post.look()
        except Death:
            assert passage <= 3
        else:
            assert passage == 4, "there are three renames"
    again = Post(post.folder)
    again.look()
    again.look(LONELY)
    assert [batch.rows for batch in again.batches("order")] == [1]
    assert "done/2026-11-20/orders.csv" in again.there()
    assert not (again.inbox / "orders.csv").exists() and not (again.inbox / "orders.csv.yaml").exists()


def test_two_daemons_do_not_take_the_same(post: Post) -> None:
    other = Post(post.folder)
    post.put("stores.csv", STORES)
    post.inside.step()
    other.inside.step()
    for each in (post, other):
        each.clock.pass_(timedelta(seconds=STILL))
    with inbox_module._alone(post.inbox) as ours:
        assert ours
        other.inside.step()
        assert other.there() == ["stores.csv"]
    other.inside.step()
    post.inside.step()
    assert post.there() == ["done/2026-11-20/stores.csv"]
    assert len(post.batches("store")) == 1


def test_without_the_folder_there_is_nothing_to_do(folder: Path) -> None:
    post = Post(folder)
    post.inbox.rmdir()
    post.look()
    assert not post.inbox.exists()


def test_served_from_export_to_alert(folder: Path, scheduled: Callable[[str], object]) -> None:
    scheduled("{inbox: drop, schedules: {fresh: {on: ingest}}}")
    (folder / "drop").mkdir()
    with serving(folder) as daemon:
        daemon.wait_for("storewatch serves")
        with State.open(f"sqlite:///{folder / 'state.db'}") as state:
            until(lambda: state.last_instant("fresh"), "the first look")
            (folder / "drop" / "stores.csv").write_text(STORES, encoding="utf-8")
            until(lambda: claims(state), "an evaluation")
            until(state.alerts, "an alert")
        assert daemon.end(signal.SIGTERM) == 0
