"""``storewatch doctor``: which optional parts are there, what each is for, and how to get it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import typer

from engine.cli.common import BROWSERS, emit, settings
from engine.errors import StorewatchError, Text

HEADINGS = {
    "part": Text("part", "组件"),
    "state": Text("state", "状态"),
    "needed": Text("needed here", "本项目需要"),
    "purpose": Text("what for", "用途"),
    "install": Text("how to install", "怎样安装"),
}
THERE, MISSING = Text("there", "已安装"), Text("missing", "未安装")
Needed = Callable[[Path], bool]


@dataclass(frozen=True, slots=True)
class Part:
    """An optional part. ``modules`` must all be importable, one of ``programs`` on the path; ``there`` is asked where neither tells."""

    name: str
    purpose: Text
    install: str
    modules: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    there: Callable[[], bool] = lambda: True
    needed: Needed = lambda folder: False

    def is_there(self) -> bool:
        found = not self.programs or any(shutil.which(program) for program in self.programs)
        return found and all(find_spec(module) for module in self.modules) and self.there()


def _has_chinese_font() -> bool:
    from engine.simulate.posters.fonts import there

    try:
        return bool(there(()))
    except StorewatchError:
        return False


def _uses_postgres(folder: Path) -> bool:
    return os.environ.get("STOREWATCH_STATE", "").startswith("postgresql")


def _uses_apprise(folder: Path) -> bool:
    """Whether a channel is sent by Apprise, as far as the file can be read."""
    from engine.project import load_project

    try:
        return any(channel.type == "apprise" for channel in load_project(folder).channels.channels.values())
    except StorewatchError:
        return False


def _has_pictures(folder: Path) -> bool:
    """Whether prices are to be read from pictures that some batch names."""
    from engine.facts_file import load_facts
    from engine.snapshots import Snapshots

    try:
        facts, snapshots = load_facts(folder / "facts.yaml"), Snapshots(folder / "snapshots")
        wanted = [(kind.name, one.source) for kind in facts.kinds.values() for one in kind.enrich if one.enricher == "image_price"]
        return any(source in batch.columns for kind, source in wanted for batch in snapshots.batches(kind)[-10:])
    except (StorewatchError, OSError):
        return False


PARTS = (
    Part("excel", Text("reading xlsx and xls exports", "读取 xlsx、xls 导出文件"), "pip install 'storewatch[excel]'", ("openpyxl", "xlrd")),
    Part(
        "ocr",
        Text("reading prices on pictures; without it image_price stays missing", "识别图上的价格；没有它 image_price 一直留空"),
        "pip install 'storewatch[ocr]'",
        ("rapidocr", "onnxruntime"),
        needed=_has_pictures,
    ),
    Part(
        "postgres",
        Text("keeping state in PostgreSQL (STOREWATCH_STATE)", "用 PostgreSQL 保存状态（STOREWATCH_STATE）"),
        "pip install 'storewatch[postgres]'",
        ("psycopg",),
        needed=_uses_postgres,
    ),
    Part(
        "chat",
        Text("channels of type apprise", "类型为 apprise 的通道"),
        "pip install 'storewatch[chat]'",
        ("apprise",),
        needed=_uses_apprise,
    ),
    Part(
        "demo", Text("the mail server of storewatch demo", "storewatch demo 的邮件服务器"), "pip install 'storewatch[demo]'", ("aiosmtpd",)
    ),
    Part("chromium", Text("storewatch preview --picture", "storewatch preview --picture"), "apt-get install chromium", programs=BROWSERS),
    Part(
        "fonts",
        Text("Chinese in previews, and simulate --pictures", "预览图里的中文，以及 simulate --pictures"),
        "apt-get install fonts-noto-cjk",
        there=_has_chinese_font,
    ),
)


def register(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor(context: typer.Context) -> None:
    """Tell which optional parts are installed, what each is for, and how to install it.

    Exit code 1 when something is missing that this project needs.
    """
    options = settings(context)
    yes, no = Text("yes", "是").in_(options.language), Text("no", "否").in_(options.language)
    rows = []
    lacking = False
    for part in PARTS:
        there, needed = part.is_there(), part.needed(options.project)
        lacking = lacking or (needed and not there)
        rows.append(
            {
                "part": part.name,
                "state": (THERE if there else MISSING).in_(options.language),
                "there": there,
                "needed": needed if options.format == "json" else yes if needed else no,
                "purpose": part.purpose.in_(options.language),
                "install": "" if there else part.install,
            }
        )
    emit(options, rows, HEADINGS, Text("", ""))
    if lacking:
        raise typer.Exit(1)
