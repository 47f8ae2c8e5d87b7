"""A small project with a few days of data, a mail server, and the `storewatch` command."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from engine.cli.init import STARTER
from tests.ports import free_port
from tests.rounds.conftest import Inbox, Shop

PROJECT = Path(__file__).parent / "project"
STORES = "店铺编号,店铺名称,店铺状态,描述相符,访客数,支付金额,店主\n"
PRODUCTS = "商品编号,店铺编号,商品名称,货号,价格\n"
ORDERS = "订单编号,店铺编号,商品编号,订单状态,付款时间,金额\n"
EVALUATED = ("2026-11-02T09:30", "2026-11-03T09:30")
TRAFFIC = "店铺编号,来源,访问\n"


def stores(shop: Shop, day: int, *rows: str) -> None:
    shop.ingest("store", STORES + "\n".join(rows) + "\n", f"2026-11-{day:02d}T08:30", "--all-stores")


def fill(shop: Shop) -> None:
    """Three days: s1 falls, s2 is well, s3 has no rating, s4 is closed, s5 is gone on the third."""
    for day, rating, hours in ((1, "4.90", "08:00"), (2, "4.86", "08:00"), (3, "4.62", "09:00")):
        gone = [] if day == 3 else ["s5,五号店,营业中,4.9,5,10,"]
        stores(
            shop,
            day,
            f"s1,一号店,营业中,{rating},100,5000,王",
            "s2,二号店,营业中,4.85,0,7,",
            "s3,,营业中,,,,李",
            "s4,四号店,已关店,4.1,1,1,",
            *gone,
        )
        rows = [
            "o1,s1,p1,已付款,2026-10-30 10:00:00,10",
            f"o2,s1,p2,已付款,2026-10-31 0{day}:00:05,200",
            "o3,s1,p1,已完成,2026-10-01 10:00:00,90",
            "o4,s1,p9,已付款,,",
            "o5,s2,,已付款,2026-11-03 01:00:00,3",
        ]
        shop.ingest("order", ORDERS + "\n".join(rows) + "\n", f"2026-11-{day:02d}T{hours}", "--all-stores")
    products = "p1,s1,杯子,A,100\np2,s1,杯子（礼盒）,A,210\np3,s2,,,5\n"
    shop.ingest("product", PRODUCTS + products, "2026-11-03T08:40", "--all-stores")
    shop.ingest("traffic", TRAFFIC + "s1,搜索,0\ns1,直播/短视频,3\n", "2026-11-03T08:50", "--all-stores")
    (shop.folder / "order.csv").unlink()


def project(folder: Path) -> Path:
    shutil.copytree(PROJECT, folder)
    shutil.copytree(STARTER / "templates", folder / "templates")
    return folder


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    folder = project(tmp_path / "shop")
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    channels = folder / "channels.yaml"
    channels.write_text(channels.read_text(encoding="utf-8").replace("port: 2525", f"port: {controller.port}"), encoding="utf-8")
    yield Shop(folder, inbox)
    controller.stop()


@pytest.fixture(scope="package")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Three days of data, evaluated on the second and third; nothing was sent. Tests only read it."""
    shop = Shop(project(tmp_path_factory.mktemp("explain") / "shop"), Inbox())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STOREWATCH_PERSONAL_KEY", "a key for tests")
        fill(shop)
    for at in EVALUATED:
        shop.do("run", "--at", at, "--no-send")
    return shop
